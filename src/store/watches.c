// Who waits for keys to change, by the beginning of the key.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/watches.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "src/base/omap.h"

// Those that watch one key.
struct watch_key {
    struct str key; // of the map's entry
    struct kv_watch *first;
};

// How many keys of a length are watched: a written key is looked up once per length, and there are
// few.
struct watch_length {
    size_t bytes, count;
};

struct watches {
    pthread_mutex_t mutex; // over everything below
    struct omap *keys;     // to struct watch_key
    struct watch_length *lengths;
    size_t length_count, length_size;
    _Atomic size_t count; // of keys; read without the mutex
};

static struct watch_length *
length_find(const struct watches *w, size_t bytes)
{
    for (size_t i = 0; i < w->length_count; i++) {
        if (w->lengths[i].bytes == bytes)
            return &w->lengths[i];
    }
    return NULL;
}

static void
length_add(struct watches *w, size_t bytes)
{
    struct watch_length *length = length_find(w, bytes);
    if (length != NULL) {
        length->count++;
        return;
    }
    if (w->length_count == w->length_size) {
        w->length_size = 2 * w->length_size + 1;
        w->lengths = reallocarray(w->lengths, w->length_size, sizeof *w->lengths);
        CHECK(w->lengths != NULL);
    }
    w->lengths[w->length_count++] = (struct watch_length){bytes, 1};
}

static void
length_del(struct watches *w, size_t bytes)
{
    struct watch_length *length = length_find(w, bytes);
    if (--length->count == 0)
        *length = w->lengths[--w->length_count];
}

static struct watch_key *
key_put(struct watches *w, struct str key)
{
    struct omap_entry *e = omap_put(w->keys, key);
    if (e->value != NULL)
        return e->value;
    struct watch_key *k = calloc(1, sizeof *k);
    CHECK(k != NULL);
    k->key = e->key;
    e->value = k;
    length_add(w, key.len);
    atomic_fetch_add(&w->count, 1);
    return k;
}

static void
key_del(struct watches *w, struct watch_key *k)
{
    length_del(w, k->key.len);
    atomic_fetch_sub(&w->count, 1);
    free(omap_take(w->keys, k->key));
}

static void
fire_key(const struct watch_key *k)
{
    for (struct kv_watch *watch = k->first; watch != NULL; watch = watch->next) {
        if (watch->is_fired)
            continue;
        watch->is_fired = true;
        fiber_wake(watch->fiber);
    }
}

static void
fire(const struct watches *w, struct str key)
{
    for (size_t i = 0; i < w->length_count; i++) {
        size_t bytes = w->lengths[i].bytes;
        const struct omap_entry *e =
            bytes <= key.len ? omap_find(w->keys, (struct str){key.ptr, bytes}) : NULL;
        if (e != NULL)
            fire_key(e->value);
    }
}

struct watches *
watches_new(void)
{
    struct watches *w = calloc(1, sizeof *w);
    CHECK(w != NULL);
    CHECK(pthread_mutex_init(&w->mutex, NULL) == 0);
    w->keys = omap_new(1);
    return w;
}

void
watches_free(struct watches *w)
{
    CHECK(w->count == 0);
    pthread_mutex_destroy(&w->mutex);
    omap_free(w->keys, NULL);
    free(w->lengths);
    free(w);
}

void
watches_add(struct watches *w, struct str key, struct kv_watch *out)
{
    kv_watch_end(out);
    pthread_mutex_lock(&w->mutex);
    struct watch_key *k = key_put(w, key);
    *out = (struct kv_watch){.watches = w, .key = k, .fiber = fiber_self()};
    out->next = k->first;
    out->link = &k->first;
    if (out->next != NULL)
        out->next->link = &out->next;
    k->first = out;
    pthread_mutex_unlock(&w->mutex);
}

void
watches_fire(struct watches *w, const struct str *keys, size_t n)
{
    if (atomic_load(&w->count) == 0)
        return;
    pthread_mutex_lock(&w->mutex);
    for (size_t i = 0; i < n; i++)
        fire(w, keys[i]);
    pthread_mutex_unlock(&w->mutex);
}

size_t
watches_count(const struct watches *w)
{
    return atomic_load(&w->count);
}

void
watches_fire_all(struct watches *w)
{
    pthread_mutex_lock(&w->mutex);
    for (struct omap_entry *e = omap_first(w->keys); e != NULL; e = omap_next(e))
        fire_key(e->value);
    pthread_mutex_unlock(&w->mutex);
}

static bool
take_fired(struct kv_watch *watch)
{
    pthread_mutex_lock(&watch->watches->mutex);
    bool is_fired = watch->is_fired;
    watch->is_fired = false;
    pthread_mutex_unlock(&watch->watches->mutex);
    return is_fired;
}

int
kv_watch_wait(struct kv_watch *watch, int64_t deadline_ns)
{
    CHECK(watch->watches != NULL && watch->fiber == fiber_self());
    while (!take_fired(watch))
        TRY(fiber_park(deadline_ns, FIBER_CANCELLABLE));
    return OK;
}

void
kv_watch_end(struct kv_watch *watch)
{
    struct watches *w = watch->watches;
    if (w == NULL)
        return;
    pthread_mutex_lock(&w->mutex);
    *watch->link = watch->next;
    if (watch->next != NULL)
        watch->next->link = watch->link;
    if (watch->key->first == NULL)
        key_del(w, watch->key);
    pthread_mutex_unlock(&w->mutex);
    watch->watches = NULL;
}
