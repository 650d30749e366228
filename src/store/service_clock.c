// The service clock's distance from the wall clock, kept in the store.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/service_clock.h"

#include <pthread.h>
#include <stdlib.h>

#include "src/store/tuple.h"

// ("c10m", "clock")    offset_ms
enum { FOLLOW_MS = 1000 };
static const int64_t clock_ms_max = 253402300799999; // the last one of the year 9999

struct listener {
    clock_moved_fn *fn;
    void *arg;
};

struct clock_keeper {
    struct jobs_options options;
    struct listener listeners[CLOCK_LISTENERS_MAX];
    size_t listener_count;
    pthread_mutex_t lock; // of the next three
    bool is_moving;
    uint64_t moves;    // of this process, that have ended
    int64_t offset_ms; // as set by this process
};

static struct str
clock_key(struct arena *a)
{
    struct tuple t = tuple_shared(a, "clock");
    return tuple_key(&t);
}

static int
offset_get(struct kv_txn *txn, int64_t *out)
{
    struct arena *a = kv_txn_arena(txn);
    struct tuple_reader r;
    struct str value;
    *out = 0;
    TRY(kv_get(txn, clock_key(a), KV_SERIALIZABLE, &value));
    if (!str_is_present(value))
        return OK;
    tuple_reader_init(&r, a, value);
    return tuple_read_int(&r, out) == OK ? OK : E_IO;
}

struct moving {
    struct clock_keeper *keeper;
    int64_t delta_ms;
    int64_t offset_ms;
};

static int
get_body(struct kv_txn *txn, void *arg)
{
    struct moving *m = arg;
    return offset_get(txn, &m->offset_ms);
}

static int
move_body(struct kv_txn *txn, void *arg)
{
    struct moving *m = arg;
    struct arena *a = kv_txn_arena(txn);
    struct tuple t;
    int64_t now_ms = clock_wall_ms(m->keeper->options.runtime);
    TRY(offset_get(txn, &m->offset_ms));
    if (m->delta_ms > clock_ms_max || m->delta_ms < -clock_ms_max)
        return E_INVALID;
    m->offset_ms += m->delta_ms;
    if (now_ms + m->offset_ms < 0 || now_ms + m->offset_ms > clock_ms_max)
        return E_INVALID;
    tuple_init(&t, a);
    tuple_add_int(&t, m->offset_ms);
    return kv_set(txn, clock_key(a), tuple_key(&t));
}

static int
offset_run(struct clock_keeper *k, kv_body_fn *body, struct moving *m)
{
    struct arena arena;
    arena_init(&arena);
    int code = kv_run(k->options.kv, &arena, body, m);
    arena_fini(&arena);
    return code;
}

// Under the lock.
static void
offset_set(struct clock_keeper *k, int64_t offset_ms)
{
    k->offset_ms = offset_ms;
    clock_service_set(k->options.runtime, offset_ms);
}

static void
tell_listeners(const struct clock_keeper *k)
{
    for (size_t i = 0; i < k->listener_count; i++)
        k->listeners[i].fn(k->listeners[i].arg);
}

static uint64_t
moves_count(struct clock_keeper *k)
{
    pthread_mutex_lock(&k->lock);
    uint64_t moves = k->moves;
    pthread_mutex_unlock(&k->lock);
    return moves;
}

// What was read while this process moved the clock itself may be older than the move.
static void
offset_follow(struct clock_keeper *k, uint64_t moves_before, int64_t offset_ms)
{
    pthread_mutex_lock(&k->lock);
    bool is_new = !k->is_moving && k->moves == moves_before && k->offset_ms != offset_ms;
    if (is_new)
        offset_set(k, offset_ms);
    pthread_mutex_unlock(&k->lock);
    if (is_new)
        tell_listeners(k);
}

// What another process has moved.
static void
follow_main(struct background_job *job, void *arg)
{
    struct clock_keeper *k = arg;
    struct lot_ticket ticket;
    int code;
    do {
        struct moving m = {.keeper = k};
        background_enter(job, &ticket);
        uint64_t moves_before = moves_count(k);
        if (offset_run(k, get_body, &m) == OK)
            offset_follow(k, moves_before, m.offset_ms);
        code = background_wait(job, &ticket, deadline_in_ms(k->options.runtime, FOLLOW_MS));
    } while (code != E_CANCELLED);
}

int
clock_keeper_open(const struct jobs_options *options, struct clock_keeper **out)
{
    struct clock_keeper *k = calloc(1, sizeof(*k));
    struct moving m = {.keeper = k};
    CHECK(k && pthread_mutex_init(&k->lock, NULL) == 0);
    k->options = *options;
    int code = offset_run(k, get_body, &m);
    if (code != OK) {
        clock_keeper_free(k);
        return code;
    }
    offset_set(k, m.offset_ms); // nobody else knows it yet
    if (options->is_shared)
        background_start(options->background, "c10m-clock", follow_main, k);
    *out = k;
    return OK;
}

void
clock_keeper_free(struct clock_keeper *k)
{
    if (k == NULL)
        return;
    pthread_mutex_destroy(&k->lock);
    free(k);
}

void
clock_listen(struct clock_keeper *k, clock_moved_fn *fn, void *arg)
{
    CHECK(k->listener_count < CLOCK_LISTENERS_MAX);
    k->listeners[k->listener_count++] = (struct listener){fn, arg};
}

static bool
move_begin(struct clock_keeper *k)
{
    pthread_mutex_lock(&k->lock);
    bool is_free = !k->is_moving;
    k->is_moving = true;
    pthread_mutex_unlock(&k->lock);
    return is_free;
}

static void
move_end(struct clock_keeper *k, int code, int64_t offset_ms)
{
    pthread_mutex_lock(&k->lock);
    if (code == OK)
        offset_set(k, offset_ms);
    k->moves++;
    k->is_moving = false;
    pthread_mutex_unlock(&k->lock);
    if (code == OK)
        tell_listeners(k);
}

int
clock_keeper_move(struct clock_keeper *k, int64_t delta_ms, int64_t deadline_ns)
{
    struct moving m = {k, delta_ms, 0};
    if (!move_begin(k))
        return E_EXISTS;
    int code = offset_run(k, move_body, &m);
    move_end(k, code, m.offset_ms);
    TRY(code);
    return background_settle(k->options.background, deadline_ns);
}
