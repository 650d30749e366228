// Every back end beside mem:, step by step under a seed: each call of kv.h, with other transactions
// that commit in the middle, must give the same and conflict the same.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/fixture.h"

#include <stdio.h>
#include <stdlib.h>

#include "src/base/buf.h"
#include "src/store/counters.h"

enum {
    KEYS = 24,
    TRANSACTIONS = 250,
    STEPS_MAX = 10,
    REOPEN_EVERY = 80,
    MANY_MAX = 5,
    KEY_BYTES = 24,
    STAMPED_KEY_AT = 1, // "s", the stamp, a number of two digits
};

enum step_kind {
    STEP_GET,
    STEP_GET_MANY,
    STEP_SET,
    STEP_DEL,
    STEP_ADD,
    STEP_SET_STAMPED_KEY,
    STEP_SET_STAMPED_VALUE,
    STEP_RANGE,
    STEP_TOO_LARGE,
    STEP_WATCH,
    STEP_OTHER, // another transaction commits now
    STEP_KINDS
};

struct step {
    enum step_kind kind;
    unsigned key, to, seek, many[MANY_MAX];
    int64_t value;
    size_t limit;
    bool is_reverse, has_seek;
    enum kv_read read;
};

struct script {
    struct step steps[STEPS_MAX];
    size_t count;
    bool is_cancelled;
};

// A script on one store. What it reads is printed.
struct play {
    struct kv *kv;
    const struct script *script, *other;
    struct buf out;
    int runs;
    struct kv_watch watch;
};

static uint64_t
next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static struct script
random_script(uint64_t *random)
{
    struct script s = {.count = 1 + next_random(random) % STEPS_MAX,
                       .is_cancelled = next_random(random) % 8 == 0};
    for (size_t i = 0; i < s.count; i++) {
        s.steps[i] =
            (struct step){.kind = next_random(random) % STEP_KINDS,
                          .key = next_random(random) % KEYS,
                          .to = next_random(random) % (KEYS + 8),
                          .seek = next_random(random) % KEYS,
                          .value = (int64_t)(next_random(random) % 1000),
                          .limit = next_random(random) % 4 * 3,
                          .is_reverse = next_random(random) % 2,
                          .has_seek = next_random(random) % 3 == 0,
                          .read = next_random(random) % 4 == 0 ? KV_SNAPSHOT : KV_SERIALIZABLE};
        for (size_t k = 0; k < MANY_MAX; k++)
            s.steps[i].many[k] = next_random(random) % KEYS;
    }
    return s;
}

// Keys from KEYS on lie behind those with stamps.
static struct str
key_of(unsigned i, char out[KEY_BYTES])
{
    snprintf(out, KEY_BYTES, "%c%02u", i < KEYS ? 'k' : 't', i % 100);
    return str_of(out);
}

// Without stamps, which are each store's own.
static void
print_entry(struct buf *out, struct str key, struct str value)
{
    bool is_stamped = key.len > STAMPED_KEY_AT + KV_STAMP_BYTES;
    struct str shown = is_stamped ? str_slice(key, STAMPED_KEY_AT + KV_STAMP_BYTES, key.len) : key;
    bool is_stamp = value.len > KV_STAMP_BYTES;
    long long number = !str_is_present(value) || is_stamp ? -1 : (long long)kv_counter(value);
    buf_print(out, STR_FMT "=%lld ", STR_ARG(shown), number);
}

static int
play_range(struct kv_txn *txn, const struct step *s, struct buf *out)
{
    char from[KEY_BYTES], to[KEY_BYTES], seek[KEY_BYTES];
    struct kv_range range = {.from = key_of(s->key, from),
                             .to = key_of(s->to, to),
                             .limit = s->limit,
                             .is_reverse = s->is_reverse,
                             .read = s->read};
    struct kv_iter *it;
    struct str key, value;
    TRY(kv_range_open(txn, &range, &it));
    int code;
    for (bool is_first = true; (code = kv_iter_next(it, &key, &value)) == OK; is_first = false) {
        print_entry(out, key, value);
        if (is_first && s->has_seek)
            TRY(kv_iter_seek(it, key_of(s->seek, seek)));
    }
    kv_iter_close(it);
    return code == E_NOT_FOUND ? OK : code;
}

static int
play_get_many(struct kv_txn *txn, const struct step *s, struct buf *out)
{
    char bytes[MANY_MAX][KEY_BYTES];
    struct str keys[MANY_MAX], values[MANY_MAX];
    for (size_t i = 0; i < MANY_MAX; i++)
        keys[i] = key_of(s->many[i], bytes[i]);
    TRY(kv_get_many(txn, keys, MANY_MAX, s->read, values));
    for (size_t i = 0; i < MANY_MAX; i++)
        print_entry(out, keys[i], values[i]);
    return OK;
}

static int
play_stamped_key(struct kv_txn *txn, const struct step *s)
{
    char key[KEY_BYTES], value[COUNTER_BYTES];
    int len = snprintf(key, sizeof key, "s........%02u", s->key % 100);
    counter_encode(s->value, value);
    return kv_set_stamped(txn, (struct str){key, (size_t)len}, STAMPED_KEY_AT,
                          (struct str){value, sizeof value}, KV_NO_STAMP);
}

// Each store at its own limits.
static void
play_too_large(const struct play *p, struct kv_txn *txn, struct buf *out)
{
    size_t size = KV_VALUE_BYTES_MAX + 1;
    char *bytes = calloc(1, size);
    CHECK(bytes != NULL);
    struct str long_key = {bytes, kv_key_bytes_max(p->kv) + 1}, long_value = {bytes, size};
    buf_print(out, "%d %d %d %d ", kv_set(txn, long_key, STR("v")), kv_del(txn, long_key),
              kv_add(txn, long_key, 1), kv_set(txn, STR("k"), long_value));
    free(bytes);
}

static int
set_number(struct kv_txn *txn, struct str key, int64_t number)
{
    char value[COUNTER_BYTES];
    counter_encode(number, value);
    return kv_set(txn, key, (struct str){value, sizeof value});
}

static int play_body(struct kv_txn *txn, void *arg);

static void
run_play(struct play *p, struct buf *out, const struct script *script, const struct script *other)
{
    struct arena arena;
    struct play play = {.kv = p->kv, .script = script, .other = other};
    arena_init(&arena);
    buf_init(&play.out, out->arena, 256);
    int code = kv_run(p->kv, &arena, play_body, &play);
    kv_watch_end(&play.watch);
    buf_put(out, buf_str(&play.out));
    buf_print(out, "code %d after %d runs\n", code, play.runs);
    arena_fini(&arena);
}

static int
play_step(struct play *p, struct kv_txn *txn, const struct step *s)
{
    char bytes[KEY_BYTES];
    struct str value, key = key_of(s->key, bytes);
    switch (s->kind) {
    case STEP_GET:
        TRY(kv_get(txn, key, s->read, &value));
        print_entry(&p->out, key, value);
        return OK;
    case STEP_GET_MANY:
        return play_get_many(txn, s, &p->out);
    case STEP_SET:
        return set_number(txn, key, s->value);
    case STEP_DEL:
        return kv_del(txn, key);
    case STEP_ADD:
        return kv_add(txn, key, s->value);
    case STEP_SET_STAMPED_KEY:
        return play_stamped_key(txn, s);
    case STEP_SET_STAMPED_VALUE:
        return kv_set_stamped(txn, STR("tstamped"), KV_NO_STAMP, STR("........:"), 0);
    case STEP_RANGE:
        return play_range(txn, s, &p->out);
    case STEP_TOO_LARGE:
        play_too_large(p, txn, &p->out);
        return OK;
    case STEP_WATCH:
        return kv_watch(txn, key, &p->watch);
    default:
        if (p->other != NULL && p->runs == 1)
            run_play(p, &p->out, p->other, NULL);
        return OK;
    }
}

static int
play_body(struct kv_txn *txn, void *arg)
{
    struct play *p = arg;
    p->runs++;
    for (size_t i = 0; i < p->script->count; i++)
        TRY(play_step(p, txn, &p->script->steps[i]));
    return p->script->is_cancelled ? E_FAULT : OK;
}

static const struct script scan_all = {
    .steps = {{.kind = STEP_RANGE, .key = 0, .to = KEYS + 7}},
    .count = 1,
};

static bool
same(struct kv *kv, struct kv *mem, const struct script *script, const struct script *other)
{
    struct arena arena;
    struct buf got, expected;
    arena_init(&arena);
    buf_init(&got, &arena, 256);
    buf_init(&expected, &arena, 256);
    run_play(&(struct play){.kv = kv}, &got, script, other);
    run_play(&(struct play){.kv = mem}, &expected, script, other);
    bool is_same = str_eq(buf_str(&got), buf_str(&expected));
    if (!is_same)
        print_error("mem:\n" STR_FMT "here:\n" STR_FMT, STR_ARG(buf_str(&expected)),
                    STR_ARG(buf_str(&got)));
    arena_fini(&arena);
    return is_same;
}

static void
is_as_mem(struct fixture *f)
{
    uint64_t random = 0x13198a2e03707344;
    struct kv *mem;
    char problem[256];
    CHECK(kv_open("mem:", &f->options, &mem, problem, sizeof problem) == OK);
    for (int i = 1; i <= TRANSACTIONS; i++) {
        struct script script = random_script(&random), other = random_script(&random);
        CHECK(same(f->kv, mem, &script, &other));
        CHECK(same(f->kv, mem, &scan_all, NULL));
        if (f->is_durable && i % REOPEN_EVERY == 0)
            fixture_reopen(f);
    }
    kv_close(mem);
}

static void
test_is_as_mem(void **state)
{
    in_fiber(*state, is_as_mem);
}

#define ON(kind) {kind " is as mem:", test_is_as_mem, fixture_setup, fixture_teardown, (void *)kind}

int
main(void)
{
    const struct CMUnitTest tests[] = {ON("mem:"), ON("rocks:"), ON("postgresql:")};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
