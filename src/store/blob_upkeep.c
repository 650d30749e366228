// Keeping the blobs of a store: backups, and checks of heads, contents and files.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/blob_upkeep.h"

#include <stdlib.h>

#include "src/base/encoding.h"
#include "src/store/blob_head.h"
#include "src/store/tuple.h"

enum { HOLD_LOOK_MS = 1 };

void
blobs_hold(struct blobs *b)
{
    atomic_fetch_add(&b->holds, 1);
    while (atomic_load(&b->collections) > 0)
        if (fiber_sleep_until(deadline_in_ms(b->runtime, HOLD_LOOK_MS)) != OK)
            fiber_yield(); // cancelled: it still has to be waited for, and takes a moment
}

void
blobs_release(struct blobs *b)
{
    atomic_fetch_sub(&b->holds, 1);
}

struct id_text {
    char text[2 * BLOB_ID_BYTES + 1];
};

static struct id_text
id_print(const struct blob_id *id)
{
    struct id_text t;
    hex_encode(id->bytes, BLOB_ID_BYTES, t.text);
    t.text[2 * BLOB_ID_BYTES] = 0;
    return t;
}

static void
kind_range(const char *kind, struct arena *a, struct str *from, struct str *to)
{
    struct tuple t;
    tuple_init(&t, a);
    tuple_add_str(&t, STR("blob"));
    tuple_add_str(&t, str_of(kind));
    tuple_range(&t, a, from, to);
}

// The id is the last element of each of the blobs' keys.
static int
id_of(struct str key, struct blob_id *out)
{
    if (key.len < BLOB_ID_BYTES)
        return E_INVALID;
    memcpy(out->bytes, key.ptr + key.len - BLOB_ID_BYTES, BLOB_ID_BYTES);
    return OK;
}

struct checking {
    struct blobs *blobs;
    struct arena arena;  // of one key at a time
    struct blob_id *ids; // published files
    size_t id_count, id_size;
    int code;
};

struct measuring {
    struct blob_backend *backend;
    const struct blob_id *id;
    uint64_t size;
    int code;
};

// Reads nothing but the place where the last byte should be, and one behind it.
static void
measure(void *arg)
{
    struct measuring *m = arg;
    struct blob_contents *c;
    char bytes[2];
    size_t got = 0;
    m->code = m->backend->ops->contents_open(m->backend, m->id, &c);
    if (m->code != OK)
        return;
    m->code = m->backend->ops->contents_read(c, m->size - 1, bytes, sizeof(bytes), &got);
    m->backend->ops->contents_close(c);
    if (m->code == OK && got != 1)
        m->code = E_INVALID;
}

static int
contents_check(struct check *c, struct checking *k, const struct blob_id *id,
               const struct blob_head *head)
{
    if (head->place == BLOB_OUTSIDE) {
        struct measuring m = {k->blobs->backend, id, blob_stored_bytes(head->size), OK};
        pool_run(c->runtime, measure, &m);
        if (m.code == OK || head->links == 0)
            return OK;
        check_report(c, false, "the file of blob %s %s", id_print(id).text,
                     m.code == E_NOT_FOUND ? "is missing" : "has not its length");
        return OK;
    }
    struct str contents;
    TRY(check_get(c, blob_contents_key(id, &k->arena), &k->arena, &contents));
    if (!str_is_present(contents) || contents.len != blob_stored_bytes(head->size))
        check_report(c, false, "the contents of blob %s are missing or cut", id_print(id).text);
    return OK;
}

static int
head_check(struct check *c, void *arg, struct str key, struct str value)
{
    struct checking *k = arg;
    struct blob_head head;
    struct blob_id id;
    struct str entry;
    arena_reset(&k->arena);
    if (id_of(key, &id) != OK || blob_head_decode(k->blobs, &id, value, &k->arena, &head) != OK) {
        check_report(c, false, "a head cannot be read, or is of another root key");
        return OK;
    }
    TRY(contents_check(c, k, &id, &head));
    if (head.links > 0)
        return OK;
    struct str garbage = blob_garbage_key(head.due_ms, &id, &k->arena);
    TRY(check_get(c, garbage, &k->arena, &entry));
    if (str_is_present(entry))
        return OK;
    if (c->is_repair)
        TRY(check_set(c, garbage, blob_garbage_encode(head.place)));
    check_report(c, c->is_repair, "blob %s has no links and is not in the list of garbage",
                 id_print(&id).text);
    return OK;
}

// Contents in the kv, or an entry in the list of garbage: with neither file nor head it is
// nobody's.
static int
orphan_check(struct check *c, void *arg, struct str key, struct str value)
{
    struct checking *k = arg;
    struct blob_id id;
    struct str head;
    arena_reset(&k->arena);
    TRY(id_of(key, &id));
    TRY(check_get(c, blob_head_key(&id, &k->arena), &k->arena, &head));
    if (str_is_present(head))
        return OK;
    if (c->is_repair)
        TRY(check_del(c, key));
    check_report(c, c->is_repair, "contents of blob %s, which does not exist", id_print(&id).text);
    return OK;
}

static int
id_note(void *arg, const struct blob_id *id)
{
    struct checking *k = arg;
    if (k->id_count == k->id_size) {
        k->id_size = k->id_size ? 2 * k->id_size : 1024;
        k->ids = realloc(k->ids, k->id_size * sizeof(*k->ids));
        CHECK(k->ids != NULL);
    }
    k->ids[k->id_count++] = *id;
    return OK;
}

static void
files_list(void *arg)
{
    struct checking *k = arg;
    struct blob_backend *b = k->blobs->backend;
    k->code = b->ops->list(b, id_note, k);
}

struct removing {
    struct blob_backend *backend;
    const struct blob_id *id;
    int code;
};

static void
file_remove(void *arg)
{
    struct removing *r = arg;
    r->code = r->backend->ops->remove(r->backend, r->id);
}

// A file without a head was published by a writer that died, or before a backup was cut off.
static int
file_check(struct check *c, struct checking *k, const struct blob_id *id)
{
    struct str head;
    arena_reset(&k->arena);
    TRY(check_get(c, blob_head_key(id, &k->arena), &k->arena, &head));
    if (str_is_present(head))
        return OK;
    if (c->is_repair) {
        struct removing r = {k->blobs->backend, id, OK};
        pool_run(c->runtime, file_remove, &r);
        TRY(r.code);
    }
    check_report(c, c->is_repair, "the file of blob %s, which does not exist", id_print(id).text);
    return OK;
}

static int
check_all(struct check *c, struct checking *k)
{
    struct arena keys;
    struct str from, to;
    arena_init(&keys);
    kind_range("head", &keys, &from, &to);
    int code = check_each(c, from, to, head_check, k);
    kind_range("contents", &keys, &from, &to);
    if (code == OK)
        code = check_each(c, from, to, orphan_check, k);
    arena_fini(&keys);
    TRY(code);
    pool_run(c->runtime, files_list, k);
    TRY(k->code);
    for (size_t i = 0; i < k->id_count; i++)
        TRY(file_check(c, k, &k->ids[i]));
    return OK;
}

int
blobs_check(struct blobs *b, struct check *c)
{
    struct checking k = {.blobs = b};
    c->part = "blobs";
    arena_init(&k.arena);
    int code = check_all(c, &k);
    arena_fini(&k.arena);
    free(k.ids);
    return code;
}
