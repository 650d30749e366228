// The three clocks.
// SPDX-License-Identifier: Apache-2.0
#include "src/task/runtime.h"

#include <time.h>

#include "src/task/runtime_state.h"

enum { NS_PER_MS = 1000000, MS_PER_S = 1000, NS_PER_S = 1000000000 };

static struct timespec
clock_read(clockid_t id)
{
    struct timespec t;
    CHECK(clock_gettime(id, &t) == 0);
    return t;
}

int64_t
clock_service_ms(const struct runtime *rt)
{
    return clock_wall_ms(rt) + atomic_load_explicit(&rt->service_offset_ms, memory_order_relaxed);
}

int64_t
clock_wall_ms(const struct runtime *rt)
{
    struct timespec t = clock_read(CLOCK_REALTIME);
    return (int64_t)t.tv_sec * MS_PER_S + t.tv_nsec / NS_PER_MS;
}

int64_t
clock_mono_ns(const struct runtime *rt)
{
    struct timespec t = clock_read(CLOCK_MONOTONIC);
    return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

int64_t
clock_thread_ns(const struct runtime *rt)
{
    struct timespec t = clock_read(CLOCK_THREAD_CPUTIME_ID);
    return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

void
clock_service_move(struct runtime *rt, int64_t delta_ms)
{
    atomic_fetch_add_explicit(&rt->service_offset_ms, delta_ms, memory_order_relaxed);
}

void
clock_service_set(struct runtime *rt, int64_t offset_ms)
{
    atomic_store_explicit(&rt->service_offset_ms, offset_ms, memory_order_relaxed);
}

int64_t
deadline_in_ms(const struct runtime *rt, int64_t ms)
{
    int64_t now_ns = clock_mono_ns(rt);
    if (ms >= (DEADLINE_NEVER - now_ns) / NS_PER_MS)
        return DEADLINE_NEVER;
    return ms > 0 ? now_ns + ms * NS_PER_MS : now_ns;
}
