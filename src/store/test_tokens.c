// Tests of pagination tokens and of client tokens.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/client_token.h"
#include "src/store/page_token.h"
#include "src/store/tuple.h"
#include "src/store/ways_fixture.h"

enum { MINUTE_MS = 60 * 1000 };

static const struct str parameters[] = {{"prefix", 6}, {NULL, 0}};
static const struct page_scope scope = {
    .account = {"111111111111", 12},
    .region = {"us-east-1", 9},
    .operation = {"sqs:ListQueues", 14},
    .parameters = parameters,
    .parameter_count = COUNT_OF(parameters),
};

static int
decode(const struct seal *seal, const struct page_scope *s, struct str token, struct arena *a)
{
    struct str position;
    return page_token_decode(seal, s, token, 0, 0, a, &position);
}

static void
page_tokens_are_bound_to_their_scope(void **state)
{
    struct ways *w = *state;
    struct seal *seal = seal_new(w->store.runtime), *other = seal_new(w->store.runtime);
    struct str position = {"a\0b", 3}, out;
    struct str token = page_token_encode(seal, &scope, position, 1000, &w->arena);
    assert_int_equal(
        page_token_decode(seal, &scope, token, 1000 + MINUTE_MS, MINUTE_MS, &w->arena, &out), OK);
    assert_true(str_eq(out, position));
    assert_int_equal(
        page_token_decode(seal, &scope, token, 1001 + MINUTE_MS, MINUTE_MS, &w->arena, &out),
        E_TIMEOUT);
    struct page_scope s = scope;
    s.account = STR("222222222222");
    assert_int_equal(decode(seal, &s, token, &w->arena), E_INVALID);
    s = scope;
    s.region = STR("eu-west-1");
    assert_int_equal(decode(seal, &s, token, &w->arena), E_INVALID);
    s = scope;
    s.operation = STR("sqs:ListDeadLetterSourceQueues");
    assert_int_equal(decode(seal, &s, token, &w->arena), E_INVALID);
    s = scope;
    s.parameters = (const struct str[]){STR("prefix"), STR("")};
    assert_int_equal(decode(seal, &s, token, &w->arena), E_INVALID);
    s.parameter_count = 1;
    assert_int_equal(decode(seal, &s, token, &w->arena), E_INVALID);
    assert_int_equal(decode(other, &scope, token, &w->arena), E_INVALID);
    seal_free(seal);
    seal_free(other);
}

static void
page_tokens_cannot_be_forged(void **state)
{
    struct ways *w = *state;
    struct seal *seal = seal_new(w->store.runtime);
    struct str token = page_token_encode(seal, &scope, STR("position"), 0, &w->arena);
    assert_int_equal(decode(seal, &scope, token, &w->arena), OK);
    for (size_t i = 0; i < token.len; i++) {
        char *changed = arena_copy_z(&w->arena, token);
        changed[i] = changed[i] == 'A' ? 'B' : 'A';
        assert_int_equal(decode(seal, &scope, str_of(changed), &w->arena), E_INVALID);
        assert_int_equal(decode(seal, &scope, str_slice(token, 0, i), &w->arena), E_INVALID);
    }
    // Each is another, so that it tells nothing about the position.
    assert_false(str_eq(token, page_token_encode(seal, &scope, STR("position"), 0, &w->arena)));
    seal_free(seal);
}

struct request {
    struct alarms *alarms;
    const char *token, *parameters;
    int64_t until_ms;
    int64_t answer; // its own number, or that of the one before
};

// An operation that numbers what it makes.
static int
request_body(struct kv_txn *txn, void *arg)
{
    struct request *r = arg;
    struct client_token t = {STR("111111111111"), STR("us-east-1"), STR("svc:Make"),
                             str_of(r->token), str_of(r->parameters)};
    struct str answer, value;
    int code = client_token_find(txn, &t, &answer);
    if (code == OK)
        return str_to_int64(answer, &r->answer);
    if (code != E_NOT_FOUND)
        return code;
    TRY(kv_get(txn, STR("made"), KV_SERIALIZABLE, &value));
    r->answer = kv_counter(value) + 1;
    TRY(kv_add(txn, STR("made"), 1));
    return client_token_set(r->alarms, txn, &t,
                            arena_print(kv_txn_arena(txn), "%lld", (long long)r->answer),
                            r->until_ms);
}

static int
request(struct ways *w, struct alarms *as, const char *token, const char *what, int64_t *answer)
{
    struct request r = {as, token, what, clock_service_ms(w->store.runtime) + MINUTE_MS, 0};
    int code = ways_run(w, request_body, &r);
    *answer = r.answer;
    return code;
}

struct twin {
    struct alarms *alarms;
    int64_t answers[16];
};

static void
twin_request(struct fixture *f, size_t i)
{
    struct twin *t = ((struct ways *)f)->shared;
    struct request r = {t->alarms, "twins", "p", INT64_MAX / 2, 0};
    struct arena arena;
    arena_init(&arena);
    CHECK(kv_run(f->kv, &arena, request_body, &r) == OK);
    t->answers[i] = r.answer;
    arena_fini(&arena);
}

static void
twins(struct fixture *f)
{
    in_fibers(f, 16, twin_request);
}

static void
the_same_request_has_the_same_answer(void **state)
{
    struct ways *w = *state;
    struct alarms *as = alarms_new(&w->options);
    int64_t answer;
    assert_int_equal(request(w, as, "one", "p", &answer), OK);
    assert_int_equal(answer, 1);
    assert_int_equal(request(w, as, "two", "p", &answer), OK);
    assert_int_equal(answer, 2);
    assert_int_equal(request(w, as, "one", "p", &answer), OK);
    assert_int_equal(answer, 1);
    assert_int_equal(request(w, as, "one", "other", &answer), E_EXISTS);
    assert_int_equal(ways_counter(w, STR("made")), 2);
    alarms_free(as);
}

// Sent at the same time from everywhere: one does it.
static void
concurrent_requests_have_one_effect(void **state)
{
    struct ways *w = *state;
    struct alarms *as = alarms_new(&w->options);
    struct twin t = {.alarms = as};
    w->shared = &t;
    in_fiber(&w->store, twins);
    for (int i = 0; i < 16; i++)
        assert_int_equal(t.answers[i], 1);
    assert_int_equal(ways_counter(w, STR("made")), 1);
    alarms_free(as);
}

// Neither the token nor its timer is left.
static bool
is_forgotten(struct ways *w, void *arg)
{
    struct arena a;
    struct tuple t;
    struct str from, to;
    arena_init(&a);
    t = tuple_shared(&a, "client-token");
    tuple_range(&t, &a, &from, &to);
    size_t count = ways_count(w, from, to);
    alarm_range(&a, &from, &to);
    count += ways_count(w, from, to);
    arena_fini(&a);
    return count == 0;
}

static void
they_are_forgotten_in_time(void **state)
{
    struct ways *w = *state;
    struct alarms *as = alarms_new(&w->options);
    int64_t answer;
    client_tokens_handle(as);
    alarms_start(as);
    assert_int_equal(request(w, as, "one", "p", &answer), OK);
    clock_service_move(w->store.runtime, 2LL * MINUTE_MS);
    job_wake(w->background, "c10m-timers");
    ways_until(w, is_forgotten, NULL);
    assert_int_equal(request(w, as, "one", "other", &answer), OK);
    assert_int_equal(answer, 2);
    ways_stop(w);
    alarms_free(as);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ON("mem:", page_tokens_are_bound_to_their_scope),
        ON("mem:", page_tokens_cannot_be_forged),
        ON_EACH(the_same_request_has_the_same_answer),
        ON_EACH(concurrent_requests_have_one_effect),
        ON_EACH(they_are_forgotten_in_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
