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

static uint32_t *
bucket_of(struct shares *s, int32_t share)
{
    // The last bit is always set.
    return &s->in_flight[(uint32_t)share / 2 % SHARE_BUCKETS];
}

static void
shares_halve(struct shares *s)
{
    s->total = 0;
    for (size_t i = 0; i < SHARE_BUCKETS; i++) {
        s->in_flight[i] /= 2;
        s->total += s->in_flight[i];
    }
}

void
shares_add(struct shares *s, int32_t share, int64_t now_ms)
{
    int64_t age_ms = now_ms - s->halved_ms;
    if (age_ms < 0 || age_ms > SHARE_HALVED_MS) { // the clock may be moved back
        shares_halve(s);
        s->halved_ms = now_ms;
    }
    ++*bucket_of(s, share);
    s->total++;
}

void
shares_remove(struct shares *s, int32_t share)
{
    uint32_t *bucket = bucket_of(s, share);
    if (*bucket == 0)
        return;
    --*bucket;
    s->total--;
}

bool
shares_is_noisy(const struct shares *s, int32_t share)
{
    uint64_t own = *bucket_of((struct shares *)s, share);
    return own >= SHARE_NOISY_MIN && own * 100 > s->total * SHARE_NOISY_PERCENT;
}

int64_t
shares_noisy(const struct shares *s)
{
    int64_t count = 0;
    for (int32_t i = 0; i < SHARE_BUCKETS; i++)
        count += shares_is_noisy(s, 2 * i + 1);
    return count;
}
