// What a transaction has written so far, kept until its commit.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/overlay.h"

#include "src/store/counters.h"

static struct overlay_write *
put_write(struct overlay *o, struct str key)
{
    if (o->writes == NULL)
        o->writes = omap_new_in(o->arena, 1); // levels only; keys do not influence them
    struct omap_entry *e = omap_put(o->writes, key);
    if (e->value == NULL) {
        e->value = ARENA_NEW(o->arena, struct overlay_write);
        ((struct overlay_write *)e->value)->kind = OVERLAY_ADD;
    }
    o->bytes += key.len;
    return e->value;
}

static bool
is_visible(const struct overlay_write *w)
{
    return w->kind == OVERLAY_SET || w->kind == OVERLAY_DEL;
}

static struct str
copy_value(struct overlay *o, struct str value)
{
    o->bytes += value.len;
    return arena_copy(o->arena, value);
}

void
overlay_init(struct overlay *o, struct arena *arena)
{
    *o = (struct overlay){.arena = arena};
    o->stamped_end = &o->stamped;
}

bool
overlay_is_empty(const struct overlay *o)
{
    return o->writes == NULL && o->stamped == NULL;
}

void
overlay_set(struct overlay *o, struct str key, struct str value)
{
    struct overlay_write *w = put_write(o, key);
    *w = (struct overlay_write){.kind = OVERLAY_SET, .value = copy_value(o, value)};
    o->has_puts = true;
}

void
overlay_del(struct overlay *o, struct str key)
{
    *put_write(o, key) = (struct overlay_write){.kind = OVERLAY_DEL};
}

void
overlay_add(struct overlay *o, struct str key, int64_t delta)
{
    struct overlay_write *w = put_write(o, key);
    CHECK(w->kind != OVERLAY_STAMPED);
    if (w->kind == OVERLAY_ADD) {
        w->delta = counter_sum(w->delta, delta);
        return;
    }
    int64_t base = w->kind == OVERLAY_SET ? kv_counter(w->value) : 0;
    char bytes[COUNTER_BYTES];
    counter_encode(counter_sum(base, delta), bytes);
    struct str value = copy_value(o, (struct str){bytes, sizeof bytes});
    *w = (struct overlay_write){.kind = OVERLAY_SET, .value = value};
}

void
overlay_set_stamped(struct overlay *o, struct str key, size_t key_at, struct str value,
                    size_t value_at)
{
    o->has_puts = true;
    if (key_at == KV_NO_STAMP) {
        struct overlay_write *w = put_write(o, key);
        *w = (struct overlay_write){
            .kind = OVERLAY_STAMPED, .value = copy_value(o, value), .value_at = value_at};
        return;
    }
    struct overlay_stamped *s = ARENA_NEW(o->arena, struct overlay_stamped);
    *s = (struct overlay_stamped){.key = copy_value(o, key),
                                  .key_at = key_at,
                                  .value = copy_value(o, value),
                                  .value_at = value_at};
    *o->stamped_end = s;
    o->stamped_end = &s->next;
}

const struct overlay_write *
overlay_find(const struct overlay *o, struct str key)
{
    if (o->writes == NULL)
        return NULL;
    const struct omap_entry *e = omap_find(o->writes, key);
    return e != NULL && is_visible(e->value) ? e->value : NULL;
}

struct omap_entry *
overlay_after(const struct overlay *o, struct str at, bool is_included)
{
    if (o->writes == NULL)
        return NULL;
    struct omap_entry *e = omap_lower_bound(o->writes, at);
    if (e != NULL && !is_included && str_eq(e->key, at))
        e = omap_next(e);
    while (e != NULL && !is_visible(e->value))
        e = omap_next(e);
    return e;
}

struct omap_entry *
overlay_before(const struct overlay *o, struct str at, bool is_included)
{
    if (o->writes == NULL)
        return NULL;
    struct omap_entry *e = is_included ? omap_find(o->writes, at) : NULL;
    if (e == NULL)
        e = omap_before(o->writes, at);
    while (e != NULL && !is_visible(e->value))
        e = omap_before(o->writes, e->key);
    return e;
}
