// Fibers that outlive the requests that start them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/task/lot.h"

// They do work that the store knows of, in transactions of their own, and are stopped before the
// store closes: whatever they leave undone is found again at the next start.
struct background;

struct background *background_new(struct runtime *rt);
// Tells all fibers to stop and waits until they have ended. From outside the loops.
void background_free(struct background *b);

// Runs fn(arg) in a fiber, on each loop in turn. From any thread. While the loop has its maximum of
// fibers, the start is put off. fn ends soon after background_is_stopping.
typedef void background_fn(struct background *b, void *arg);
void background_start(struct background *b, const char *name, background_fn *fn, void *arg);
bool background_is_stopping(struct background *b);

// The waits of these fibers, without lost wake-ups:
//     background_enter(b, &ticket);
//     look for work and do it;
//     background_wait(b, &ticket, deadline);    OK or E_TIMEOUT: look again; E_CANCELLED: end
void background_enter(struct background *b, struct lot_ticket *ticket);
MUST_USE int background_wait(struct background *b, struct lot_ticket *ticket, int64_t deadline_ns);
// Wakes them all, which look for themselves. From any thread.
void background_wake(struct background *b);

// When to go on after a piece of work that began at that time: requests come first, so a fiber
// rests BACKGROUND_REST times as long as it worked.
enum { BACKGROUND_REST = 4, BACKGROUND_REST_MS_MAX = 100 };
int64_t background_rested_ns(struct background *b, int64_t began_ns);
