// One-shot timers of a loop on the monotonic clock, for callbacks without a fiber.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/task/runtime.h"

// Embedded in its owner; only touched on its loop.
struct timer {
    struct loop *loop;
    int64_t deadline_ns;
    void (*fn)(void *arg);
    void *arg;
    size_t heap_index; // 0: not armed
};

void timer_init(struct timer *t, struct loop *loop, void (*fn)(void *arg), void *arg);
// Replaces an earlier deadline.
void timer_arm(struct timer *t, int64_t deadline_ns);
void timer_disarm(struct timer *t);
