// A parking lot: waiters queue under a key and are woken n at a time in the order they came.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/task/fiber.h"

// Across loops. A wake is a hint: what it announces is in the store, and the waiter reads it again.
struct lot;

struct lot *lot_new(void);
void lot_free(struct lot *lot); // nobody waits any more

// One waiter; lives on the fiber's stack. Usage, without lost wake-ups:
//     lot_enter(lot, key, &ticket);    take a place in the queue
//     look whether there is something to do; if not:
//     lot_wait(&ticket, deadline);     OK: woken, also when the wake came before
//     lot_leave(&ticket, used);        gives the place up; an unused wake goes to the next
struct lot_ticket {
    struct lot *lot;
    struct lot_ticket *next, *prev;
    struct fiber *fiber;
    struct lot_queue *queue;
    bool is_woken;
};

void lot_enter(struct lot *lot, struct str key, struct lot_ticket *ticket);
// OK, E_TIMEOUT or E_CANCELLED. After each of them call lot_leave.
MUST_USE int lot_wait(struct lot_ticket *ticket, int64_t deadline_ns);
// used: the waiter did what it was woken for. If it was woken and not used, the next one is woken.
void lot_leave(struct lot_ticket *ticket, bool used);
// Wakes the first n waiters of the key that were not woken yet. From any thread. Returns how many.
size_t lot_wake(struct lot *lot, struct str key, size_t n);
// Wakes all waiters of all keys: what all of them look at has changed.
void lot_wake_all(struct lot *lot);
