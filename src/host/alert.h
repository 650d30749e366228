// Waiting for a record to change, or to be called.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdatomic.h>

#include "src/store/kv.h"

// Of one fiber, which sets `fiber` before others may raise it.
struct alert {
    struct fiber *fiber;
    atomic_bool is_raised;
};

// From any thread. The waiter may have ended meanwhile, but the alert must still be there.
void alert_raise(struct alert *a);
// OK: a watch fired, or the alert was raised since the last wait. E_TIMEOUT, E_CANCELLED.
MUST_USE int alert_wait(struct alert *a, struct runtime *rt, struct kv_watch *watches, size_t count,
                        int64_t deadline_ns);
