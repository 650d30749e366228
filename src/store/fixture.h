// What the tests of the store share: a store of either kind, and many fibers at once.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "src/store/txn.h"

enum { FIXTURE_PATH_MAX = 256, FIXTURE_LOOPS = 2 };

struct fixture {
    struct runtime *runtime;
    struct kv *kv;
    struct kv_options options;
    struct log log;
    bool is_durable;
    bool is_shared;             // several stores may be open on it
    char dir[FIXTURE_PATH_MAX]; // made and removed by the fixture
    char url[FIXTURE_PATH_MAX];
};

// For cmocka: *state is "mem:", "rocks:" or "postgresql:" before, the fixture after.
int fixture_setup(void **state);
int fixture_teardown(void **state);
// For fixtures that embed it; kind as above.
void fixture_init(struct fixture *f, const char *kind);
void fixture_fini(struct fixture *f);
void fixture_reopen(struct fixture *f);
void dir_remove(const char *dir);

// Runs fn in a fiber. There, CHECK takes the place of cmocka's assertions, which would jump off the
// fiber's stack.
void in_fiber(struct fixture *f, void (*fn)(struct fixture *f));
// Runs fn(f, i) for i in [0, n), each in a fiber of its own, over all loops. From a fiber.
void in_fibers(struct fixture *f, size_t n, void (*fn)(struct fixture *f, size_t i));

// xorshift: the same sequence after the same seed.
uint64_t next_random(uint64_t *state);

// One transaction, in an arena of its own.
int run_txn(struct fixture *f, kv_body_fn *body, void *arg);
void run_ok(struct fixture *f, kv_body_fn *body, void *arg);
// Transactions of one step, each with an arena of its own.
void put(struct fixture *f, struct str key, struct str value);
void del(struct fixture *f, struct str key);
// Whether the store has exactly that; value absent: no such key.
bool has(struct fixture *f, struct str key, struct str value);
int64_t counter_of(struct fixture *f, struct str key);

// What the process has in memory. Sanitizers keep memory of their own beside ours: there it says
// little.
size_t resident_bytes(void);
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
static const bool IS_MEMORY_OURS = false;
#else
static const bool IS_MEMORY_OURS = true;
#endif
