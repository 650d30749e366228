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
    PAGE = 3,
    EMPTY_KEYS = 8,
    WAKE_MS_MAX = 10 * 1000,
};

enum step_kind {
    STEP_GET,
    STEP_GET_MANY,
    STEP_SET,
    STEP_SET_EMPTY,
    STEP_DEL,
    STEP_ADD,
    STEP_SET_STAMPED_KEY,
    STEP_SET_STAMPED_VALUE,
    STEP_RANGE,
    STEP_PAGES,
    STEP_TOO_LARGE,
    STEP_WATCH,
    STEP_MAKES_ROOM,
    STEP_AFTER_COMMIT,
    STEP_NUMBER,
    STEP_OTHER, // another transaction commits now
    STEP_KINDS
};

struct step {
    enum step_kind kind;
    unsigned key, to, seek, many[MANY_MAX];
    int64_t value;
    size_t limit, taken; // taken of a range, then it is closed; 0: all
    bool is_reverse, has_seek, is_left_open;
    enum kv_read read;
};

struct script {
    struct step steps[STEPS_MAX];
    size_t count;
    bool is_cancelled, runs_twice;
};

// One of the two stores.
struct store {
    struct kv *kv;
    struct kv_stamp last;
};

// A script on one store. What it reads is printed.
struct play {
    struct store *store;
    const struct script *script, *other;
    struct buf out;
    int runs, after_commits;
    struct kv_watch watch;
    struct str watched; // absent: nothing
    char watched_bytes[KEY_BYTES];
};

static struct script
random_script(uint64_t *random)
{
    struct script s = {.count = 1 + next_random(random) % STEPS_MAX,
                       .is_cancelled = next_random(random) % 8 == 0,
                       .runs_twice = next_random(random) % 4 == 0};
    for (size_t i = 0; i < s.count; i++) {
        s.steps[i] =
            (struct step){.kind = next_random(random) % STEP_KINDS,
                          .key = next_random(random) % KEYS,
                          .to = next_random(random) % (KEYS + EMPTY_KEYS),
                          .seek = next_random(random) % KEYS,
                          .value = (int64_t)(next_random(random) % 1000),
                          .limit = next_random(random) % 4 * 3,
                          .taken = next_random(random) % 3 * 2,
                          .is_left_open = next_random(random) % 4 == 0,
                          .is_reverse = next_random(random) % 2,
                          .has_seek = next_random(random) % 3 == 0,
                          .read = next_random(random) % 4 == 0 ? KV_SNAPSHOT : KV_SERIALIZABLE};
        for (size_t k = 0; k < MANY_MAX; k++)
            s.steps[i].many[k] = next_random(random) % KEYS;
    }
    return s;
}

// Keys from KEYS on lie behind those with stamps; the first is empty.
static struct str
key_of(unsigned i, char out[KEY_BYTES])
{
    if (i == 0)
        return STR("");
    snprintf(out, KEY_BYTES, "%c%02u", i < KEYS ? 'k' : 't', i % 100);
    return str_of(out);
}

// Without stamps, which are each store's own.
static void
print_entry(struct buf *out, struct str key, struct str value)
{
    bool is_stamped = key.len > STAMPED_KEY_AT + KV_STAMP_BYTES;
    struct str shown = is_stamped ? str_slice(key, STAMPED_KEY_AT + KV_STAMP_BYTES, key.len) : key;
    bool is_number = value.len == COUNTER_BYTES;
    long long number = is_number ? (long long)kv_counter(value) : -1 - (long long)value.len;
    buf_print(out, STR_FMT "=%s%lld ", STR_ARG(shown), str_is_present(value) ? "" : "none", number);
}

static int
set_number(struct kv_txn *txn, struct str key, int64_t number)
{
    char value[COUNTER_BYTES];
    counter_encode(number, value);
    return kv_set(txn, key, (struct str){value, sizeof value});
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
    int code = OK;
    for (size_t n = 1; code == OK; n++) {
        code = kv_iter_next(it, &key, &value);
        if (code == OK)
            print_entry(out, key, value);
        if (code == OK && n == 1 && s->has_seek)
            TRY(kv_iter_seek(it, key_of(s->seek, seek)));
        if (n == s->taken)
            break;
    }
    if (!s->is_left_open)
        kv_iter_close(it);
    return code == E_NOT_FOUND ? OK : code;
}

// A range in pages, each of which begins behind the one before.
static int
play_pages(struct kv_txn *txn, const struct step *s, struct buf *out)
{
    char from[KEY_BYTES], to[KEY_BYTES];
    struct kv_range range = {
        .from = key_of(s->key, from), .to = key_of(s->to, to), .limit = PAGE, .read = s->read};
    for (size_t count = PAGE; count == PAGE;) {
        struct kv_iter *it;
        struct str key, value;
        int code;
        TRY(kv_range_open(txn, &range, &it));
        for (count = 0; (code = kv_iter_next(it, &key, &value)) == OK; count++) {
            print_entry(out, key, value);
            range.from = key_after(kv_txn_arena(txn), key);
        }
        kv_iter_close(it);
        TRY(code == E_NOT_FOUND ? OK : code);
        buf_print(out, "/ ");
    }
    return OK;
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
    struct str long_key = {bytes, kv_key_bytes_max(p->store->kv) + 1}, long_value = {bytes, size};
    struct kv_watch watch = {0};
    buf_print(out, "%d %d %d %d ", kv_set(txn, long_key, STR("v")), kv_del(txn, long_key),
              kv_add(txn, long_key, 1), kv_set(txn, STR("k"), long_value));
    buf_print(out, "%d %d %d ", kv_set_stamped(txn, long_key, 0, STR("v"), KV_NO_STAMP),
              kv_set_stamped(txn, STR("k"), KV_NO_STAMP, long_value, 0),
              kv_watch(txn, long_key, &watch));
    kv_watch_end(&watch);
    free(bytes);
}

static int play_body(struct kv_txn *txn, void *arg);

static void
count_after(void *arg)
{
    ++*(int *)arg;
}

static int
write_body(struct kv_txn *txn, void *arg)
{
    return set_number(txn, ((const struct play *)arg)->watched, 1);
}

// Comes, since what is watched is written now.
static void
await_watch(struct play *p, struct arena *arena, struct buf *out)
{
    struct kv *kv = p->store->kv;
    CHECK(kv_run(kv, arena, write_body, p) == OK);
    buf_print(out, "woken %d ", kv_watch_wait(&p->watch, deadline_in_ms(kv->runtime, WAKE_MS_MAX)));
}

static const char *
stamp_word(struct store *store, const struct kv_stamp *stamp)
{
    static const struct kv_stamp zero;
    if (memcmp(stamp, &zero, sizeof zero) == 0)
        return "none";
    CHECK(memcmp(stamp->bytes, store->last.bytes, KV_STAMP_BYTES) > 0);
    store->last = *stamp;
    return "later than all";
}

static void
run_play(struct store *store, struct buf *out, const struct script *script,
         const struct script *other)
{
    struct arena arena;
    struct play play = {.store = store, .script = script, .other = other};
    struct kv_stats before, after;
    struct kv_stamp stamp = {0};
    bool ran_twice = store->kv->runs_twice;
    arena_init(&arena);
    buf_init(&play.out, out->arena, 256);
    store->kv->runs_twice = script->runs_twice;
    kv_stats_get(store->kv, &before);
    int code = kv_run_stamped(store->kv, &arena, play_body, &play, &stamp);
    kv_stats_get(store->kv, &after);
    store->kv->runs_twice = ran_twice;
    buf_put(out, buf_str(&play.out));
    buf_print(out, "code %d after %d runs, %d calls, %d commits, %d conflicts, stamp %s ", code,
              play.runs, play.after_commits, (int)(after.commits - before.commits),
              (int)(after.conflicts - before.conflicts), stamp_word(store, &stamp));
    if (str_is_present(play.watched))
        await_watch(&play, &arena, out);
    kv_watch_end(&play.watch);
    buf_print(out, "\n");
    arena_fini(&arena);
}

static int
play_watch(struct play *p, struct kv_txn *txn, struct str key)
{
    memcpy(p->watched_bytes, key.ptr, key.len);
    p->watched = (struct str){p->watched_bytes, key.len};
    return kv_watch(txn, key, &p->watch);
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
    case STEP_SET_EMPTY: // never added to
        return kv_set(txn, key_of(KEYS + s->key % EMPTY_KEYS, bytes), STR(""));
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
    case STEP_PAGES:
        return play_pages(txn, s, &p->out);
    case STEP_WATCH:
        return play_watch(p, txn, key);
    case STEP_MAKES_ROOM:
        kv_makes_room(txn);
        return OK;
    case STEP_AFTER_COMMIT:
        kv_after_commit(txn, count_after, &p->after_commits);
        return OK;
    case STEP_NUMBER:
        buf_print(&p->out, "number %u ", kv_txn_number(txn));
        return OK;
    default:
        if (p->other != NULL && p->runs == 1)
            run_play(p->store, &p->out, p->other, NULL);
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
    .steps = {{.kind = STEP_RANGE, .key = 0, .to = KEYS + EMPTY_KEYS - 1}},
    .count = 1,
};

static bool
same(struct store *here, struct store *mem, const struct script *script, const struct script *other)
{
    struct arena arena;
    struct buf got, expected;
    arena_init(&arena);
    buf_init(&got, &arena, 256);
    buf_init(&expected, &arena, 256);
    run_play(here, &got, script, other);
    run_play(mem, &expected, script, other);
    bool is_same = str_eq(buf_str(&got), buf_str(&expected));
    if (!is_same)
        print_error("mem:\n" STR_FMT "here:\n" STR_FMT, STR_ARG(buf_str(&expected)),
                    STR_ARG(buf_str(&got)));
    arena_fini(&arena);
    return is_same;
}

// A backup of either is a store that holds the same.
static void
backup_is_same(struct fixture *f, struct store *mem)
{
    char dir[FIXTURE_PATH_MAX + 16], url[FIXTURE_PATH_MAX + 32], problem[256] = "";
    struct store backup = {0};
    snprintf(dir, sizeof dir, "%s/backup", f->dir);
    snprintf(url, sizeof url, "rocks:%s", dir);
    CHECK(kv_backup(f->kv, dir, problem, sizeof problem) == OK);
    CHECK(kv_backup_end(dir, problem, sizeof problem) == OK);
    CHECK(kv_open(url, &f->options, &backup.kv, problem, sizeof problem) == OK);
    CHECK(same(&backup, mem, &scan_all, NULL));
    kv_close(backup.kv);
}

static void
is_as_mem(struct fixture *f)
{
    uint64_t random = 0x13198a2e03707344;
    struct store mem = {0}, here = {.kv = f->kv};
    char problem[256];
    CHECK(kv_open("mem:", &f->options, &mem.kv, problem, sizeof problem) == OK);
    for (int i = 1; i <= TRANSACTIONS; i++) {
        struct script script = random_script(&random), other = random_script(&random);
        CHECK(same(&here, &mem, &script, &other));
        CHECK(same(&here, &mem, &scan_all, NULL));
        if (f->is_durable && i % REOPEN_EVERY == 0) {
            fixture_reopen(f);
            here.kv = f->kv;
        }
    }
    backup_is_same(f, &mem);
    kv_close(mem.kv);
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
