// The transactions under way, loop by loop: how many there are, and how old the oldest read is.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "src/task/runtime.h"

// A place in the list of those that read, by read version.
struct live_reader {
    uint64_t version;
    struct live_reader *older, *newer;
};

// Touched by its loop's thread alone but for `oldest`.
struct live_loop {
    _Atomic uint64_t oldest; // read version; UINT64_MAX: nobody reads
    struct live_reader ends; // ends.newer: the oldest
    size_t count;
    bool is_closing;
    struct live *live;
};

struct live {
    struct runtime *runtime;
    struct live_loop *loops;
    int loop_count;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    int closed_count; // loops that are done
};

void live_init(struct live *l, struct runtime *rt);
void live_fini(struct live *l);
struct live_loop *live_here(struct live *l); // of the calling thread's loop

void live_enter(struct live_loop *l);
void live_leave(struct live_loop *l);
// From `published` on, what the reader's version needs is kept. *published must only grow, and who
// forgets old versions must look at live_oldest after it has grown.
void live_read_begin(struct live_loop *l, struct live_reader *r, const _Atomic uint64_t *published);
void live_read_end(struct live_loop *l, struct live_reader *r);
// At most the version of every reader. From any thread.
uint64_t live_oldest(const struct live *l);
// Blocks until all have left; no more may enter. Not from a loop's thread; the loops must run.
void live_close(struct live *l);
