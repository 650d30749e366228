// Who has how much of a queue in flight: by which fair queues tell noisy groups from quiet ones.
// SPDX-License-Identifier: Apache-2.0
#include "services/sqs/share.h"

static const uint32_t FNV_OFFSET = 2166136261U, FNV_PRIME = 16777619U;

int32_t
share_of(struct str group_id)
{
    uint32_t hash = FNV_OFFSET;
    for (size_t i = 0; i < group_id.len; i++)
        hash = (hash ^ (unsigned char)group_id.ptr[i]) * FNV_PRIME;
    return (int32_t)(hash >> 1 | 1);
}

static struct share *
group_of(struct shares *s, int32_t share)
{
    // The last bit is always set.
    return &s->groups[(uint32_t)share / 2 % SHARE_BUCKETS];
}

// What is in flight is worked on: each millisecond of it is one of somebody's time.
static void
share_pass_time(struct share *g, int64_t age_ms)
{
    if (age_ms > g->seen_ms)
        g->busy_ms += (uint64_t)g->in_flight * (uint64_t)(age_ms - g->seen_ms);
    g->seen_ms = (uint32_t)age_ms;
}

static void
shares_halve(struct shares *s, int64_t age_ms)
{
    int64_t times = age_ms / SHARE_HALVED_MS;
    int shift = times < SHARE_HALVED_MAX ? (int)times : SHARE_HALVED_MAX;
    s->all = (struct share){0};
    for (size_t i = 0; i < SHARE_BUCKETS; i++) {
        struct share *g = &s->groups[i];
        share_pass_time(g, age_ms);
        *g = (struct share){g->in_flight >> shift, 0, g->busy_ms >> shift};
        s->all.in_flight += g->in_flight;
        s->all.busy_ms += g->busy_ms;
    }
}

// How much later it is than when they were halved.
static int64_t
shares_age(struct shares *s, int64_t now_ms)
{
    int64_t age_ms = now_ms - s->halved_ms;
    if (age_ms >= 0 && age_ms < SHARE_HALVED_MS)
        return age_ms;
    shares_halve(s, age_ms < 0 ? SHARE_HALVED_MS : age_ms); // the clock may be moved back
    s->halved_ms = now_ms;
    return 0;
}

static struct share *
shares_touch(struct shares *s, int32_t share, int64_t now_ms)
{
    struct share *g = group_of(s, share);
    int64_t age_ms = shares_age(s, now_ms);
    share_pass_time(g, age_ms);
    share_pass_time(&s->all, age_ms);
    return g;
}

void
shares_add(struct shares *s, int32_t share, int64_t now_ms)
{
    shares_touch(s, share, now_ms)->in_flight++;
    s->all.in_flight++;
}

void
shares_remove(struct shares *s, int32_t share, int64_t now_ms)
{
    struct share *g = shares_touch(s, share, now_ms);
    if (g->in_flight == 0)
        return;
    g->in_flight--;
    s->all.in_flight--;
}

void
shares_now(struct shares *s, int64_t now_ms)
{
    share_pass_time(&s->all, shares_age(s, now_ms));
}

static bool
is_above(uint64_t own, uint64_t all)
{
    return own * 100 > all * SHARE_NOISY_PERCENT;
}

bool
shares_is_noisy(const struct shares *s, int32_t share)
{
    struct share g = *group_of((struct shares *)s, share);
    share_pass_time(&g, s->all.seen_ms);
    return (g.in_flight >= SHARE_NOISY_MIN && is_above(g.in_flight, s->all.in_flight)) ||
           (g.busy_ms >= SHARE_BUSY_MS_MIN && is_above(g.busy_ms, s->all.busy_ms));
}

uint32_t
shares_in_flight(const struct shares *s, int32_t share)
{
    return group_of((struct shares *)s, share)->in_flight;
}

int64_t
shares_noisy(const struct shares *s)
{
    int64_t count = 0;
    for (int32_t i = 0; i < SHARE_BUCKETS; i++)
        count += shares_is_noisy(s, 2 * i + 1);
    return count;
}
