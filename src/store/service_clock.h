// The service clock's distance from the wall clock, kept in the store.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/store/job.h"

struct clock_keeper;

enum { CLOCK_LISTENERS_MAX = 64 };

// Takes the distance that the store remembers, so that a clock that was moved stays so after a
// restart. From a fiber. With other processes on the store, follows their moves within a second.
MUST_USE int clock_keeper_open(const struct jobs_options *options, struct clock_keeper **out);
void clock_keeper_free(struct clock_keeper *k); // the background has stopped. NULL is accepted

// Called after each move, for whoever waits for a service time outside of the background: it wakes
// them, and they look at the clock again. Before the first move.
typedef void clock_moved_fn(void *arg);
void clock_listen(struct clock_keeper *k, clock_moved_fn *fn, void *arg);

// Moves it by delta_ms, either way, and waits until nothing that was due by then remains: all jobs
// have looked, and found nothing more to do. From a fiber. E_EXISTS: another move is under way;
// E_INVALID: beyond the years 1970 to 9999; E_TIMEOUT: it is moved, but work remains; E_CANCELLED;
// or what kv_run returned.
MUST_USE int clock_keeper_move(struct clock_keeper *k, int64_t delta_ms, int64_t deadline_ns);
