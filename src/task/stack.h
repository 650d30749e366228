// A loop's supply of fiber stacks.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdatomic.h>
#include <stddef.h>

#include "src/task/fiber.h"

// Private to src/task. Freed stacks are used again, the last one first, since its pages are warm;
// what passes STACK_POOL_MAX goes back to the system.
enum {
    STACK_POOL_MAX = 256,
#ifdef __SANITIZE_ADDRESS__
    STACK_BYTES = 4 * FIBER_STACK_BYTES, // red zones make frames larger
#else
    STACK_BYTES = FIBER_STACK_BYTES,
#endif
};

struct stack_pool {
    void *stacks[STACK_POOL_MAX];
    size_t count;
    // Read by other threads for statistics.
    atomic_size_t mapped;
    atomic_size_t used_max; // bytes, only in debug builds
};

void stack_pool_init(struct stack_pool *p);
void stack_pool_fini(struct stack_pool *p);
// The lowest of STACK_BYTES usable bytes; touching what lies below ends the process. NULL when the
// system gives no more.
void *stack_take(struct stack_pool *p);
void stack_put(struct stack_pool *p, void *stack);
