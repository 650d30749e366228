// What must be left of a store, compared with what is.
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <stdlib.h>

#include "tests/power/store.h"

enum { WAS_ASKED = 1, WAS_DONE = 2, REAP_MS_MAX = 60 * 1000, PAGE = 100 };

struct expected {
    // By what was done, and the number.
    uint8_t states['z' + 1][NUMBERS_MAX];
    unsigned count, from;
    struct store *store;
    unsigned problems;
    bool has_blobs;
    int64_t pairs, counted;
};

static void
expect(struct expected *e, char what, unsigned number)
{
    CHECK(number < NUMBERS_MAX);
    CHECK((what >= 'a' && what <= 'z') || (what >= 'A' && what <= 'Z'));
    e->states[what | 0x20][number] = what >= 'a' ? WAS_DONE : WAS_ASKED;
    if (number >= e->count)
        e->count = number + 1;
}

static void
broken(struct expected *e, const char *what, unsigned number)
{
    e->problems++;
    printf("broken: %s %u\n", what, number);
}

static int
get(struct kv_txn *txn, const char *kind, unsigned number, struct str *out)
{
    return kv_get(txn, key(kv_txn_arena(txn), kind, number), KV_SNAPSHOT, out);
}

static int
check_pair(struct kv_txn *txn, struct expected *e, unsigned i)
{
    struct str left, right, whole = pattern(kv_txn_arena(txn), i, value_bytes(i));
    TRY(get(txn, "left", i, &left));
    TRY(get(txn, "right", i, &right));
    bool is_there = str_is_present(left);
    e->pairs += is_there;
    if (is_there != str_is_present(right))
        broken(e, "half of pair", i);
    else if (is_there && (!str_eq(left, whole) || !str_eq(right, whole)))
        broken(e, "contents of pair", i);
    else if (is_there && e->states['s'][i] == 0)
        broken(e, "nobody asked for pair", i);
    else if (is_there && e->states['d'][i] == WAS_DONE)
        broken(e, "deleted and back: pair", i);
    else if (!is_there && e->states['s'][i] == WAS_DONE && e->states['d'][i] == 0)
        broken(e, "lost: pair", i);
    return OK;
}

static void
check_contents(struct expected *e, struct arena *a, unsigned i, struct str id)
{
    struct blob_id blob;
    struct blob_reader *reader;
    struct str whole = pattern(a, i, blob_bytes(i));
    char *bytes = arena_alloc_bytes(a, whole.len + 1);
    size_t got = 0;
    memcpy(blob.bytes, id.ptr, BLOB_ID_BYTES);
    int code = blob_open(e->store->blobs, &blob, &reader);
    if (code != OK) {
        broken(e, code_name(code), i);
        return;
    }
    code = blob_read_at(reader, 0, bytes, whole.len + 1, &got);
    blob_close(reader);
    if (code != OK || !str_eq(whole, (struct str){bytes, got}))
        broken(e, "contents of blob", i);
}

static int
id_body(struct kv_txn *txn, void *arg)
{
    struct step *s = arg;
    struct str id;
    TRY(get(txn, "blob", s->number, &id));
    if (!str_is_present(id))
        return E_NOT_FOUND;
    CHECK(id.len == BLOB_ID_BYTES);
    memcpy(s->id.bytes, id.ptr, BLOB_ID_BYTES);
    return OK;
}

static int
check_blob(struct expected *e, struct arena *a, unsigned i)
{
    struct step s = {.number = i};
    int code = kv_run(e->store->kv, a, id_body, &s);
    if (code == OK)
        check_contents(e, a, i, (struct str){(const char *)s.id.bytes, BLOB_ID_BYTES});
    if (code == OK && e->states['u'][i] == WAS_DONE)
        broken(e, "unlinked and back: blob", i);
    if (code == E_NOT_FOUND && e->states['b'][i] == WAS_DONE && e->states['u'][i] == 0)
        broken(e, "lost: blob", i);
    return code == E_NOT_FOUND ? OK : code;
}

// In a box that is there is everything, in one that is not nothing, once the reaper is done.
static int
check_box(struct kv_txn *txn, struct expected *e, unsigned i)
{
    struct str box, in;
    unsigned count = 0;
    TRY(get(txn, "box", i, &box));
    for (unsigned at = 0; at < BOX_KEYS; at++) {
        TRY(kv_get(txn, box_key(kv_txn_arena(txn), i, at), KV_SNAPSHOT, &in));
        count += str_is_present(in);
    }
    bool is_there = str_is_present(box);
    if (count != (is_there ? BOX_KEYS : 0))
        broken(e, is_there ? "missing in box" : "left of box", i);
    if (is_there && e->states['x'][i] == WAS_DONE)
        broken(e, "deleted and back: box", i);
    if (!is_there && e->states['k'][i] == WAS_DONE && e->states['x'][i] == 0)
        broken(e, "lost: box", i);
    return OK;
}

static int
is_idle_body(struct kv_txn *txn, void *arg)
{
    return reaper_is_idle(txn, arg);
}

static int
await_reaper(struct expected *e, struct arena *a)
{
    bool is_idle = false;
    int64_t until_ns = deadline_in_ms(e->store->runtime, REAP_MS_MAX);
    while (!is_idle && clock_mono_ns(e->store->runtime) < until_ns) {
        TRY(kv_run(e->store->kv, a, is_idle_body, &is_idle));
        TRY(fiber_sleep_until(deadline_in_ms(e->store->runtime, 1)));
    }
    if (!is_idle)
        broken(e, "the reaper does not end", 0);
    return OK;
}

// A page: a transaction may not last long, and nobody else writes.
static int
pairs_body(struct kv_txn *txn, void *arg)
{
    struct expected *e = arg;
    for (unsigned i = e->from; i < e->count && i < e->from + PAGE; i++) {
        TRY(check_pair(txn, e, i));
        TRY(check_box(txn, e, i));
    }
    return OK;
}

static int
counter_body(struct kv_txn *txn, void *arg)
{
    struct expected *e = arg;
    struct str counter;
    TRY(kv_get(txn, counter_key, KV_SNAPSHOT, &counter));
    e->counted = kv_counter(counter);
    return OK;
}

static int
check_pages(struct expected *e, struct arena *a)
{
    for (e->from = 0; e->from < e->count; e->from += PAGE) {
        TRY(kv_run(e->store->kv, a, pairs_body, e));
        arena_reset(a);
    }
    TRY(kv_run(e->store->kv, a, counter_body, e));
    if (e->pairs != e->counted)
        broken(e, "the counter is off by", (unsigned)llabs(e->pairs - e->counted));
    return OK;
}

static int
written_body(struct kv_txn *txn, void *arg)
{
    return kv_set(txn, STR("checked"), STR(""));
}

static int
check_all(void *arg)
{
    struct expected *e = arg;
    struct step s = {
        .store = e->store,
    };
    arena_init(&s.arena);
    int code = await_reaper(e, &s.arena);
    if (code == OK)
        code = check_pages(e, &s.arena);
    for (unsigned i = 0; e->has_blobs && code == OK && i < e->count; i++) {
        arena_reset(&s.arena);
        code = check_blob(e, &s.arena, i);
    }
    if (code == OK)
        code = kv_run(e->store->kv, &s.arena, written_body, NULL); // it still takes writes
    arena_fini(&s.arena);
    return code;
}

int
store_check(const char *dir, bool has_blobs)
{
    struct expected *e = calloc(1, sizeof(*e));
    CHECK(e != NULL);
    struct store store;
    char what;
    unsigned number;
    while (scanf(" %c %u", &what, &number) == 2) // NOLINT(cert-err34-c): our own lines
        expect(e, what, number);
    int code = store_open(&store, dir);
    if (code != OK) {
        printf("broken: does not open: %s\n", code_name(code));
        free(e);
        return EXIT_BROKEN;
    }
    e->store = &store;
    e->has_blobs = has_blobs;
    code = runtime_call(store.runtime, check_all, e);
    if (code != OK)
        printf("broken: cannot be read: %s\n", code_name(code));
    bool is_whole = code == OK && e->problems == 0;
    store_close(&store);
    free(e);
    return is_whole ? 0 : EXIT_BROKEN;
}
