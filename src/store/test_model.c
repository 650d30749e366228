// Both back ends against a model of a few lines: random transactions under a seed, step by step.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/fixture.h"

#include "src/base/buf.h"
#include "src/store/counters.h"

#include <stdio.h>

enum {
    KEYS = 40,
    TRANSACTIONS = 800,
    STEPS_MAX = 12,
    REOPEN_EVERY = 200,
    KEY_SIZE = 8,
    VALUE_MAX = 1 << 20,
};

// Key i is "k00".."k39"; its value is a counter above 0, or 0: absent.
struct model {
    int64_t values[KEYS];
    // Within a transaction: whether it set or deleted the key, else what it added unseen.
    bool is_own[KEYS];
    int64_t added[KEYS];
};

enum step_kind { STEP_GET, STEP_SET, STEP_DEL, STEP_ADD, STEP_RANGE, STEP_KINDS };

struct step {
    enum step_kind kind;
    unsigned key, to, seek;
    int64_t value;
    bool is_reverse, has_seek;
    size_t limit;
};

struct script {
    struct step steps[STEPS_MAX];
    size_t count;
    bool is_cancelled;
};

// A script for a store; what it reads is printed.
struct play {
    const struct script *script;
    struct buf out;
};

static struct step
random_step(uint64_t *random)
{
    struct step s = {
        .kind = next_random(random) % STEP_KINDS,
        .key = next_random(random) % KEYS,
        .to = next_random(random) % KEYS,
        .seek = next_random(random) % KEYS,
        .value = 1 + (int64_t)(next_random(random) % VALUE_MAX),
        .is_reverse = next_random(random) % 2,
        .has_seek = next_random(random) % 3 == 0,
        .limit = next_random(random) % 4 * 3,
    };
    return s;
}

static struct script
random_script(uint64_t *random)
{
    struct script s = {.count = 1 + next_random(random) % STEPS_MAX,
                       .is_cancelled = next_random(random) % 8 == 0};
    for (size_t i = 0; i < s.count; i++)
        s.steps[i] = random_step(random);
    return s;
}

// The model.

static void
model_range(const struct model *m, const struct step *s, struct buf *out)
{
    size_t left = s->limit == 0 ? KEYS : s->limit;
    bool is_sought = false;
    int i = s->is_reverse ? (int)s->to - 1 : (int)s->key;
    for (; s->is_reverse ? i >= (int)s->key : i < (int)s->to; i += s->is_reverse ? -1 : 1) {
        if (m->values[i] == 0)
            continue;
        if (left-- == 0)
            break;
        buf_print(out, "%d=%lld ", i, (long long)m->values[i]);
        if (!s->has_seek || is_sought)
            continue;
        is_sought = true; // after the first
        i = (int)s->seek + (s->is_reverse ? 1 : -1);
        if (s->is_reverse && i > (int)s->to)
            i = (int)s->to;
        if (!s->is_reverse && i < (int)s->key - 1)
            i = (int)s->key - 1;
    }
    buf_print(out, "\n");
}

static void
model_step(struct model *m, const struct step *s, struct buf *out)
{
    switch (s->kind) {
    case STEP_GET:
        buf_print(out, "%lld\n", (long long)m->values[s->key]);
        break;
    case STEP_SET:
    case STEP_DEL:
        m->values[s->key] = s->kind == STEP_SET ? s->value : 0;
        m->is_own[s->key] = true;
        m->added[s->key] = 0;
        break;
    case STEP_ADD:
        *(m->is_own[s->key] ? &m->values[s->key] : &m->added[s->key]) += s->value;
        break;
    default:
        model_range(m, s, out);
    }
}

static void
model_run(struct model *m, const struct script *s, struct buf *out)
{
    struct model txn = *m;
    for (size_t i = 0; i < s->count; i++)
        model_step(&txn, &s->steps[i], out);
    if (s->is_cancelled)
        return;
    for (size_t i = 0; i < KEYS; i++)
        m->values[i] = txn.values[i] + txn.added[i];
}

// The store.

static struct str
key_of(unsigned i, char out[KEY_SIZE])
{
    snprintf(out, KEY_SIZE, "k%02u", i % 100);
    return str_of(out);
}

static void
print_entry(struct str key, struct str value, struct buf *out)
{
    int64_t i;
    CHECK(str_to_int64(str_slice(key, 1, key.len), &i) == OK);
    buf_print(out, "%lld=%lld ", (long long)i, (long long)kv_counter(value));
}

static void
store_range(struct kv_txn *txn, const struct step *s, struct buf *out)
{
    char from[KEY_SIZE], to[KEY_SIZE], seek[KEY_SIZE];
    struct kv_range range = {.from = key_of(s->key, from),
                             .to = key_of(s->to, to),
                             .limit = s->limit,
                             .is_reverse = s->is_reverse};
    struct kv_iter *it;
    struct str key, value;
    CHECK(kv_range_open(txn, &range, &it) == OK);
    for (bool is_first = true; kv_iter_next(it, &key, &value) == OK; is_first = false) {
        print_entry(key, value, out);
        if (is_first && s->has_seek)
            CHECK(kv_iter_seek(it, key_of(s->seek, seek)) == OK);
    }
    kv_iter_close(it);
    buf_print(out, "\n");
}

static void
store_set(struct kv_txn *txn, struct str key, int64_t value)
{
    char bytes[COUNTER_BYTES];
    counter_encode(value, bytes);
    CHECK(kv_set(txn, key, (struct str){bytes, sizeof bytes}) == OK);
}

static void
store_step(struct kv_txn *txn, const struct step *s, struct buf *out)
{
    char bytes[KEY_SIZE];
    struct str value, key = key_of(s->key, bytes);
    switch (s->kind) {
    case STEP_GET:
        CHECK(kv_get(txn, key, KV_SERIALIZABLE, &value) == OK);
        buf_print(out, "%lld\n", (long long)kv_counter(value));
        break;
    case STEP_SET:
        store_set(txn, key, s->value);
        break;
    case STEP_DEL:
        CHECK(kv_del(txn, key) == OK);
        break;
    case STEP_ADD:
        CHECK(kv_add(txn, key, s->value) == OK);
        break;
    default:
        store_range(txn, s, out);
    }
}

static int
store_body(struct kv_txn *txn, void *arg)
{
    struct play *p = arg;
    for (size_t i = 0; i < p->script->count; i++)
        store_step(txn, &p->script->steps[i], &p->out);
    return p->script->is_cancelled ? E_FAULT : OK;
}

static bool
store_reads(struct fixture *f, const struct script *s, struct str expected)
{
    struct arena arena, printed;
    arena_init(&arena);
    arena_init(&printed);
    struct play p = {.script = s};
    buf_init(&p.out, &printed, 256);
    CHECK(kv_run(f->kv, &arena, store_body, &p) == (s->is_cancelled ? E_FAULT : OK));
    bool is_same = str_eq(buf_str(&p.out), expected);
    if (!is_same)
        print_error("expected:\n" STR_FMT "got:\n" STR_FMT, STR_ARG(expected),
                    STR_ARG(buf_str(&p.out)));
    arena_fini(&arena);
    arena_fini(&printed);
    return is_same;
}

static void
play_one(struct fixture *f, struct model *m, uint64_t *random)
{
    struct arena arena;
    struct buf expected;
    arena_init(&arena);
    buf_init(&expected, &arena, 256);
    struct script s = random_script(random);
    model_run(m, &s, &expected);
    CHECK(store_reads(f, &s, buf_str(&expected)));
    arena_fini(&arena);
}

static void
store_is_the_model(struct fixture *f)
{
    uint64_t random = 0x243f6a8885a308d3;
    struct model m = {0};
    for (int i = 1; i <= TRANSACTIONS; i++) {
        play_one(f, &m, &random);
        if (f->is_durable && i % REOPEN_EVERY == 0)
            fixture_reopen(f);
    }
}

static void
test_store_is_the_model(void **state)
{
    in_fiber(*state, store_is_the_model);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        {"mem: is the model", test_store_is_the_model, fixture_setup, fixture_teardown,
         (void *)"mem:"},
        {"rocks: is the model", test_store_is_the_model, fixture_setup, fixture_teardown,
         (void *)"rocks:"},
        {"postgresql: is the model", test_store_is_the_model, fixture_setup, fixture_teardown,
         (void *)"postgresql:"},
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
