// What the tests of jobs and of what runs as one share: a store with a background.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/store/fixture.h"
#include "src/store/job.h"

struct ways {
    struct fixture store; // first: in_fiber hands it on
    struct background *background;
    struct jobs_options options;
    struct arena arena;
    void *shared; // by a test with its fibers
};

// For cmocka: *state is "mem:", "rocks:" or "postgresql:" before, the ways after.
int ways_setup(void **state);
int ways_teardown(void **state);
int64_t ways_counter(struct ways *w, struct str key);
// Ends the background; a new one begins. With reopening, the store is opened anew in between.
void ways_stop(struct ways *w);
void ways_reopen(struct ways *w);

// Runs the body in a fiber, with an arena of its own that is reset.
int ways_run(struct ways *w, kv_body_fn *body, void *arg);
// Waits until it holds; dies when it does not within half a minute.
void ways_until(struct ways *w, bool (*holds)(struct ways *w, void *arg), void *arg);
// How many keys there are from `from` up to `to`.
size_t ways_count(struct ways *w, struct str from, struct str to);

#define ON(kind, name) {kind " " #name, name, ways_setup, ways_teardown, (void *)kind}
#define ON_EACH(name) ON("mem:", name), ON("rocks:", name), ON("postgresql:", name)
