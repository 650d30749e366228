// Where new calls wait while their loop has more to do than it can.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdatomic.h>
#include <sys/queue.h>

#include "src/cloud/budget.h"
#include "src/task/fiber.h"

// The longest wait: so that what is served is served to somebody who still waits for it. A queue
// that has been there for GATE_BUSY_AFTER_MS is no burst, and is kept short (CoDel's rule, as
// servers use it: https://queue.acm.org/detail.cfm?id=2839461). Those two are time that the loop
// worked: when other programs keep it off the processor, sending calls away helps nobody.
enum { GATE_WAIT_MS_MAX = 1000, GATE_BUSY_AFTER_MS = 100, GATE_BUSY_WAIT_MS_MAX = 50 };

struct gate_ticket {
    size_t body_bytes;
    int64_t entered_ns;        // monotonic
    int64_t entered_worked_ns; // of the loop's thread
    bool is_shed;
    TAILQ_ENTRY(gate_ticket) link;
};

// One a loop, used on it only. TAILQ_INIT(&gate->waiting) makes it ready.
struct gate {
    TAILQ_HEAD(, gate_ticket) waiting;  // the oldest first
    int64_t busy_since_ns;              // since when somebody has waited without a break; thread's
    int64_t worked_ns, worked_asked_ns; // what the loop's thread had worked when it was asked last
    int64_t logged_ns;                  // when the log was last told, by whoever tells it
    atomic_size_t shed;                 // calls that came and were sent away, ever; any thread
};

// In the call's fiber: takes its share of the budget, and lets it wait while the loop is behind.
// When the budget is used up, the call that has waited longest is sent away in favour of this one.
// OK: the call goes on, and gives back its share when it ends. E_LIMIT: it is sent away, and holds
// nothing.
MUST_USE int gate_pass(struct gate *gate, struct runtime *rt, struct budget *budget,
                       size_t body_bytes);
