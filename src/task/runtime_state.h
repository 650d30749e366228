// The inside of a runtime, for the files of src/task only.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/task/loop.h"

struct runtime {
    struct loop *loops[RUNTIME_LOOPS_MAX];
    int loop_count;
    size_t fibers_max;
    struct pool pool;
    _Atomic int64_t service_offset_ms;
    // For runtime_free, which waits until every loop is drained at the same time.
    pthread_mutex_t mutex;
    pthread_cond_t loop_changed;
    int loops_drained;
};

// Told by the loop itself, once it is stopping.
void runtime_note_drained(struct runtime *rt, bool is_drained);
