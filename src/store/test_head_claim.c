// Tests of claims on a queue head above a store: no entry is missed, none is handed out twice.
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>

#include "src/store/head_state.h"
#include "src/store/tuple.h"
#include "src/store/ways_fixture.h"

enum { ENTRIES = 600, TAKERS = 16, TAKE_MAX = 7 };

// The index: (queue, due_ms, id). The queue's name is the argument.
static void
queue_range(const void *queue, struct arena *a, const struct head_entry *after, int64_t until_ms,
            struct str *from, struct str *to)
{
    struct tuple t, end;
    struct str skipped;
    tuple_init(&t, a);
    tuple_add_str(&t, str_of(queue));
    end = t;
    tuple_range(&t, a, &skipped, to);
    if (until_ms < INT64_MAX) {
        tuple_init(&end, a);
        tuple_add_str(&end, str_of(queue));
        tuple_add_int(&end, until_ms + 1);
        *to = tuple_key(&end);
    }
    tuple_init(&t, a);
    tuple_add_str(&t, str_of(queue));
    tuple_add_int(&t, after->due_ms);
    tuple_add_fixed(&t, (struct str){after->id, HEAD_ID_BYTES});
    *from = key_after(a, tuple_key(&t));
}

static int
queue_parse(const void *queue, struct arena *a, struct str key, struct str value,
            struct head_entry *out)
{
    struct tuple_reader r;
    struct str name, id;
    tuple_reader_init(&r, a, key);
    TRY(tuple_read_str(&r, &name));
    TRY(tuple_read_int(&r, &out->due_ms));
    TRY(tuple_read_fixed(&r, HEAD_ID_BYTES, &id));
    memcpy(out->id, id.ptr, id.len);
    return OK;
}

static struct str
entry_key(struct arena *a, const struct head_entry *e)
{
    struct tuple t;
    tuple_init(&t, a);
    tuple_add_str(&t, STR("q"));
    tuple_add_int(&t, e->due_ms);
    tuple_add_fixed(&t, (struct str){e->id, HEAD_ID_BYTES});
    return tuple_key(&t);
}

struct queue {
    struct ways *ways;
    struct heads *heads;
    struct head *head;
    struct lot *lot;
    struct head_source source;
    int64_t now_ms;
    int taken[ENTRIES];
    int count, takers_left, waiting;
};

static struct head_entry
entry_of(int number, int64_t due_ms)
{
    struct head_entry e = {.due_ms = due_ms};
    memcpy(e.id, &number, sizeof(number));
    return e;
}

static int
number_of(const struct head_entry *e)
{
    int number;
    memcpy(&number, e->id, sizeof(number));
    return number;
}

static void
queue_init(struct queue *q, struct ways *w, bool is_shared)
{
    *q = (struct queue){.ways = w};
    q->heads = heads_new(&(struct heads_options){0});
    q->head = heads_ref(q->heads, STR("q"));
    q->lot = lot_new();
    q->now_ms = clock_service_ms(w->store.runtime);
    q->source = (struct head_source){.index = {queue_range, queue_parse, "q"},
                                     .kv = w->store.kv,
                                     .arena = &w->arena,
                                     .runtime = w->store.runtime,
                                     .is_shared = is_shared};
}

static void
queue_fini(struct queue *q)
{
    head_unref(q->heads, q->head);
    heads_free(q->heads);
    lot_free(q->lot);
}

static int
add_body(struct kv_txn *txn, void *arg)
{
    return kv_set(txn, entry_key(kv_txn_arena(txn), arg), STR(""));
}

static int
remove_body(struct kv_txn *txn, void *arg)
{
    struct str key = entry_key(kv_txn_arena(txn), arg), value;
    TRY(kv_get(txn, key, KV_SERIALIZABLE, &value));
    return str_is_present(value) ? kv_del(txn, key) : E_NOT_FOUND;
}

// is_told: by this process, so that its head hears of it.
static void
add(struct queue *q, struct head_entry e, bool is_told)
{
    struct arena a;
    arena_init(&a);
    CHECK(kv_run(q->ways->store.kv, &a, add_body, &e) == OK);
    arena_fini(&a);
    if (is_told)
        head_add(q->head, &e);
}

// How many were claimed and removed.
static size_t
take(struct queue *q, size_t n)
{
    struct arena a;
    struct head_entry claims[TAKE_MAX];
    struct head_source source = q->source;
    size_t count;
    arena_init(&a);
    source.arena = &a;
    CHECK(head_claim(q->head, &source, claims, n, &count) == OK);
    for (size_t i = 0; i < count; i++)
        if (kv_run(q->ways->store.kv, &a, remove_body, &claims[i]) == OK) {
            q->taken[number_of(&claims[i])]++;
            q->count++;
        }
    arena_fini(&a);
    return count;
}

static void
taker(void *arg)
{
    struct queue *q = arg;
    while (take(q, TAKE_MAX) > 0)
        ;
    q->takers_left--;
}

static int
takers_main(void *arg)
{
    struct queue *q = arg;
    q->takers_left = TAKERS;
    for (int i = 0; i < ENTRIES; i++)
        add(q, entry_of(i, q->now_ms - i % 900), i % 3 == 0);
    for (int i = 0; i < TAKERS; i++)
        CHECK(fiber_start(loop_current(), "taker", taker, q, NULL) == OK);
    while (q->takers_left > 0)
        TRY(fiber_sleep_until(deadline_in_ms(q->ways->store.runtime, 2)));
    return OK;
}

static void
each_entry_is_handed_out_once(void **state)
{
    struct ways *w = *state;
    struct queue q;
    queue_init(&q, w, false);
    assert_int_equal(runtime_call(w->store.runtime, takers_main, &q), OK);
    assert_int_equal(q.count, ENTRIES);
    for (int i = 0; i < ENTRIES; i++)
        assert_int_equal(q.taken[i], 1);
    queue_fini(&q);
}

static int
ahead_main(void *arg)
{
    struct queue *q = arg;
    int64_t next_ms;
    TRY(head_next_due(q->head, &q->source, &next_ms));
    CHECK(next_ms == INT64_MAX);
    add(q, entry_of(1, q->now_ms + 1000000), true);
    TRY(head_next_due(q->head, &q->source, &next_ms));
    CHECK(next_ms == q->now_ms + 1000000);
    add(q, entry_of(2, q->now_ms + 900000), true);
    TRY(head_next_due(q->head, &q->source, &next_ms));
    CHECK(next_ms == q->now_ms + 900000);
    CHECK(take(q, 1) == 0);
    return OK;
}

static void
the_next_time_is_known(void **state)
{
    struct ways *w = *state;
    struct queue q;
    queue_init(&q, w, false);
    assert_int_equal(runtime_call(w->store.runtime, ahead_main, &q), OK);
    queue_fini(&q);
}

static void
forget(struct queue *q)
{
    heads_del(q->heads, STR("q"));
    head_unref(q->heads, q->head);
    q->head = heads_ref(q->heads, STR("q"));
}

// A sweep has come to now; another process commits what was due a little earlier.
static int
behind_main(void *arg)
{
    struct queue *q = arg;
    CHECK(take(q, 1) == 0);
    add(q, entry_of(1, q->now_ms - 5), false);
    if (!q->source.is_shared) {
        CHECK(take(q, 1) == 0);
        forget(q); // as a restart does
    }
    CHECK(take(q, 1) == 1);
    return OK;
}

static void
a_shared_head_goes_back_for_others(void **state)
{
    struct ways *w = *state;
    for (int is_shared = 0; is_shared < 2; is_shared++) {
        struct queue q;
        queue_init(&q, w, is_shared);
        assert_int_equal(runtime_call(w->store.runtime, behind_main, &q), OK);
        queue_fini(&q);
    }
}

enum { WAITERS = 5 };

struct waiter {
    struct queue *q;
    int number, *order, *done;
};

static void
waiter(void *arg)
{
    struct waiter *w = arg;
    struct lot_ticket ticket;
    lot_enter(w->q->lot, STR("q"), &ticket);
    CHECK(take(w->q, 1) == 0);
    w->q->waiting++;
    CHECK(lot_wait(&ticket, DEADLINE_NEVER) == OK);
    w->order[(*w->done)++] = w->number;
    CHECK(take(w->q, 1) == 1);
    lot_leave(&ticket, true);
}

static int
waiters_main(void *arg)
{
    struct queue *q = arg;
    int order[WAITERS], done = 0;
    struct waiter waiters[WAITERS];
    for (int i = 0; i < WAITERS; i++) {
        waiters[i] = (struct waiter){q, i, order, &done};
        CHECK(fiber_start(loop_current(), "waiter", waiter, &waiters[i], NULL) == OK);
    }
    while (q->waiting < WAITERS)
        TRY(fiber_sleep_until(deadline_in_ms(q->ways->store.runtime, 1)));
    for (int n = 2, added = 0; added < WAITERS; n++) {
        for (int i = 0; i < n && added < WAITERS; i++)
            add(q, entry_of(added++, q->now_ms), true);
        lot_wake(q->lot, STR("q"), (size_t)n);
        while (q->count < added)
            TRY(fiber_sleep_until(deadline_in_ms(q->ways->store.runtime, 1)));
        CHECK(done == added);
    }
    for (int i = 0; i < WAITERS; i++)
        CHECK(order[i] == i);
    return OK;
}

static void
waiters_are_served_in_the_order_they_came(void **state)
{
    struct ways *w = *state;
    struct queue q;
    queue_init(&q, w, false);
    assert_int_equal(runtime_call(w->store.runtime, waiters_main, &q), OK);
    queue_fini(&q);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ON_EACH(each_entry_is_handed_out_once),
        ON_EACH(the_next_time_is_known),
        ON_EACH(a_shared_head_goes_back_for_others),
        ON_EACH(waiters_are_served_in_the_order_they_came),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
