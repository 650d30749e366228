// Fibers that outlive the requests that start them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/task/lot.h"

// They do work that the store knows of, in transactions of their own, and are stopped before the
// store closes: whatever they leave undone is found again at the next start.
struct background;
struct background_job; // one such fiber

struct background *background_new(struct runtime *rt);
// Tells all fibers to stop and waits until they have ended; those that are started later run too,
// to give back what they own, but find that it is stopping. From outside the loops.
void background_stop(struct background *b);
void background_free(struct background *b); // stopped. NULL is accepted

// Runs fn(job, arg) in a fiber, on each loop in turn. From any thread. While the loop has its
// maximum of fibers, the start is put off. fn ends soon after background_is_stopping. The name
// (static storage) is what background_wake calls it by; several may have the same.
typedef void background_fn(struct background_job *job, void *arg);
void background_start(struct background *b, const char *name, background_fn *fn, void *arg);
bool background_is_stopping(const struct background_job *job);

// The waits of these fibers, without lost wake-ups:
//     background_enter(job, &ticket);
//     look for work and do it;
//     background_wait(job, &ticket, deadline);    OK or E_TIMEOUT: look again; E_CANCELLED: end
void background_enter(struct background_job *job, struct lot_ticket *ticket);
MUST_USE int background_wait(struct background_job *job, struct lot_ticket *ticket,
                             int64_t deadline_ns);
// What it does depends on no service clock, and it waits in ways of its own: background_settle does
// not ask it.
void background_stand_apart(struct background_job *job);
// Between enter and wait: something was done, so that others may have something to do now.
void background_worked(struct background_job *job);
// Wakes all of that name, which look for themselves. From any thread.
void background_wake(struct background *b, const char *name);

// Wakes them all, again and again until each has looked and none has found anything to do: after
// the service clock was moved. From a fiber. E_TIMEOUT: they still had at the deadline;
// E_CANCELLED.
MUST_USE int background_settle(struct background *b, int64_t deadline_ns);

// When to go on after a piece of work that began at that time: requests come first, so a fiber
// rests BACKGROUND_REST times as long as it worked.
enum { BACKGROUND_REST = 4, BACKGROUND_REST_MS_MAX = 100 };
int64_t background_rested_ns(const struct background_job *job, int64_t began_ns);
