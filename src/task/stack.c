// A loop's supply of fiber stacks.
// SPDX-License-Identifier: Apache-2.0
#include "src/task/stack.h"

#include <sys/mman.h>
#include <unistd.h>

enum {
    GUARD_BYTES = 16 * 1024, // more than a page: a large frame may step over one
    PAGE_BYTES = 4096,
    MAPPED_BYTES = GUARD_BYTES + STACK_BYTES,
};

// Linux 6.13; Debian 12's headers do not have it.
#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

#if defined(__SANITIZE_ADDRESS__) || defined(C10M_DEBUG)
#define STACK_IS_MEASURED 1
#else
#define STACK_IS_MEASURED 0
#endif

// A guard of the first kind leaves the mapping whole, so that neighbours merge and many stacks stay
// far below vm.max_map_count; the second kind works on every kernel.
static bool
guard_install(void *page)
{
    return madvise(page, GUARD_BYTES, MADV_GUARD_INSTALL) == 0 ||
           mprotect(page, GUARD_BYTES, PROT_NONE) == 0;
}

static void *
stack_map(void)
{
    char *base = mmap(NULL, MAPPED_BYTES, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (base == MAP_FAILED)
        return NULL;
    // A huge page would make every stack resident at once. Fails where the kernel has none.
    (void)madvise(base, MAPPED_BYTES, MADV_NOHUGEPAGE);
    if (!guard_install(base)) {
        munmap(base, MAPPED_BYTES);
        return NULL;
    }
    return base + GUARD_BYTES;
}

// What was ever touched, in whole pages; nothing needs to be filled and compared for that.
static size_t
stack_used_bytes(void *stack)
{
    unsigned char resident[STACK_BYTES / PAGE_BYTES];
    if (mincore(stack, STACK_BYTES, resident) != 0)
        return 0;
    size_t untouched = 0;
    while (untouched < sizeof(resident) && !(resident[untouched] & 1))
        untouched++;
    return STACK_BYTES - untouched * PAGE_BYTES;
}

static void
stack_measure(struct stack_pool *p, void *stack)
{
    size_t used = stack_used_bytes(stack);
    if (used > atomic_load_explicit(&p->used_max, memory_order_relaxed))
        atomic_store_explicit(&p->used_max, used, memory_order_relaxed);
}

static void
stack_unmap(struct stack_pool *p, void *stack)
{
    CHECK(munmap((char *)stack - GUARD_BYTES, MAPPED_BYTES) == 0);
    atomic_fetch_sub_explicit(&p->mapped, 1, memory_order_relaxed);
}

void
stack_pool_init(struct stack_pool *p)
{
    CHECK(sysconf(_SC_PAGESIZE) == PAGE_BYTES);
    p->count = 0;
    atomic_init(&p->mapped, 0);
    atomic_init(&p->used_max, 0);
}

void
stack_pool_fini(struct stack_pool *p)
{
    while (p->count > 0)
        stack_unmap(p, p->stacks[--p->count]);
    CHECK(atomic_load(&p->mapped) == 0);
}

void *
stack_take(struct stack_pool *p)
{
    if (p->count > 0)
        return p->stacks[--p->count];
    void *stack = stack_map();
    if (stack)
        atomic_fetch_add_explicit(&p->mapped, 1, memory_order_relaxed);
    return stack;
}

void
stack_put(struct stack_pool *p, void *stack)
{
    if (STACK_IS_MEASURED)
        stack_measure(p, stack);
    if (p->count == STACK_POOL_MAX)
        stack_unmap(p, stack);
    else
        p->stacks[p->count++] = stack;
}
