// Counters: their bytes, and the current values of those that were changed lately.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/counters.h"

#include <endian.h>
#include <stdlib.h>

#include "src/base/omap.h"
#include "src/store/kv.h"

enum { COUNTERS_CACHED_MAX = 4096 };

struct counters {
    struct omap *values; // the value stands in place of the pointer
};

_Static_assert(sizeof(void *) == sizeof(int64_t), "counters are kept in pointers");

void
counter_encode(int64_t value, char out[COUNTER_BYTES])
{
    uint64_t bytes = htole64((uint64_t)value);
    memcpy(out, &bytes, COUNTER_BYTES);
}

int64_t
counter_sum(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

int64_t
kv_counter(struct str value)
{
    if (!str_is_present(value))
        return 0;
    CHECK(value.len == COUNTER_BYTES);
    uint64_t bytes;
    memcpy(&bytes, value.ptr, COUNTER_BYTES);
    return (int64_t)le64toh(bytes);
}

struct counters *
counters_new(void)
{
    struct counters *c = calloc(1, sizeof *c);
    CHECK(c != NULL);
    c->values = omap_new(1);
    return c;
}

void
counters_free(struct counters *c)
{
    if (c == NULL)
        return;
    omap_free(c->values, NULL);
    free(c);
}

bool
counters_find(const struct counters *c, struct str key, int64_t *out)
{
    const struct omap_entry *e = omap_find(c->values, key);
    if (e == NULL)
        return false;
    *out = (int64_t)(intptr_t)e->value;
    return true;
}

void
counters_put(struct counters *c, struct str key, int64_t value)
{
    omap_put(c->values, key)->value = (void *)(intptr_t)value;
}

void
counters_note(struct counters *c, struct str key, struct str value)
{
    if (omap_count(c->values) == 0)
        return;
    struct omap_entry *e = omap_find(c->values, key);
    if (e == NULL)
        return;
    if (str_is_present(value) && value.len != COUNTER_BYTES)
        omap_take(c->values, key);
    else
        e->value = (void *)(intptr_t)kv_counter(value);
}

void
counters_forget(struct counters *c, struct str key)
{
    omap_take(c->values, key);
}

void
counters_forget_all(struct counters *c)
{
    omap_free(c->values, NULL);
    c->values = omap_new(1);
}

void
counters_trim(struct counters *c)
{
    if (omap_count(c->values) > COUNTERS_CACHED_MAX)
        counters_forget_all(c);
}
