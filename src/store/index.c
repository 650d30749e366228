// Secondary indexes: other keys under which records are found, kept in the records' transactions.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/index.h"

#include "src/store/check.h"
#include "src/store/page_token.h"

void
index_add(struct index_entries *out, struct str key)
{
    CHECK(out->count < INDEX_ENTRIES_MAX);
    out->keys[out->count++] = key;
}

static bool
has_key(const struct index_entries *entries, struct str key)
{
    for (size_t i = 0; i < entries->count; i++)
        if (str_eq(entries->keys[i], key))
            return true;
    return false;
}

// record NULL: there is none, so it has no entries.
static struct index_entries *
entries_of(struct arena *a, const struct index *index, struct str key, const void *record)
{
    struct index_entries *out = ARENA_NEW(a, struct index_entries);
    if (record)
        index->entries(a, key, record, out);
    return out;
}

// Writes only what differs.
static int
entries_move(struct kv_txn *txn, const struct indexed *t, struct str key, const void *before,
             const void *after)
{
    struct arena *a = kv_txn_arena(txn);
    for (size_t i = 0; i < t->count; i++) {
        const struct index_entries *old = entries_of(a, &t->indexes[i], key, before);
        const struct index_entries *new = entries_of(a, &t->indexes[i], key, after);
        for (size_t j = 0; j < old->count; j++)
            if (!has_key(new, old->keys[j]))
                TRY(kv_del(txn, old->keys[j]));
        for (size_t j = 0; j < new->count; j++)
            if (!has_key(old, new->keys[j]))
                TRY(kv_set(txn, new->keys[j], STR("")));
    }
    return OK;
}

static void *
record_new(struct arena *a, const struct indexed *t)
{
    return arena_alloc(a, t->type->model->shapes[t->type->shape].c_size);
}

// *out NULL: there is none.
static int
before_get(struct kv_txn *txn, const struct indexed *t, struct str key, void **out)
{
    *out = record_new(kv_txn_arena(txn), t);
    int code = record_get(txn, t->type, key, KV_SERIALIZABLE, *out);
    if (code == E_NOT_FOUND)
        *out = NULL;
    return code == E_NOT_FOUND ? OK : code;
}

int
indexed_set(struct kv_txn *txn, const struct indexed *t, struct str key, const void *record)
{
    void *before;
    TRY(before_get(txn, t, key, &before));
    TRY(entries_move(txn, t, key, before, record));
    return record_set(txn, t->type, key, record);
}

int
indexed_del(struct kv_txn *txn, const struct indexed *t, struct str key)
{
    void *before;
    TRY(before_get(txn, t, key, &before));
    TRY(entries_move(txn, t, key, before, NULL));
    return kv_del(txn, key);
}

int
index_page_read(struct kv_txn *txn, const struct index *index, struct index_page *p)
{
    struct arena *a = kv_txn_arena(txn);
    struct kv_range range = {p->from, p->to, .limit = p->limit + 1, .read = KV_SNAPSHOT};
    struct kv_iter *it;
    struct str key, value, last = {0};
    int code;
    if (str_is_present(p->after) && str_cmp(p->after, p->from) >= 0)
        range.from = key_after(a, p->after);
    p->targets = ARENA_ARRAY(a, p->limit, struct str);
    p->count = 0;
    p->next = (struct str){0};
    if (str_cmp(range.from, range.to) >= 0)
        return OK;
    TRY(kv_range_open(txn, &range, &it));
    while ((code = kv_iter_next(it, &key, &value)) == OK && p->count < p->limit) {
        code = index->target(a, key, &p->targets[p->count]);
        if (code != OK)
            break;
        p->count++;
        last = key;
    }
    kv_iter_close(it);
    if (code == OK)
        p->next = last;
    return code == E_NOT_FOUND ? OK : code;
}

struct str
index_page_token(const struct seal *seal, const struct page_scope *scope,
                 const struct index_page *p, int64_t now_ms, struct arena *arena)
{
    if (!str_is_present(p->next))
        return (struct str){0};
    return page_token_encode(seal, scope, p->next, now_ms, arena);
}

int
index_page_begin(const struct seal *seal, const struct page_scope *scope, struct str token,
                 struct arena *arena, struct index_page *p)
{
    p->after = (struct str){0};
    if (token.len == 0)
        return OK;
    return page_token_decode(seal, scope, token, 0, 0, arena, &p->after);
}

struct checking {
    const struct indexed *indexed;
    struct arena arena; // of one key at a time
};

static void
report(struct check *c, struct checking *k, const struct index *index, struct str record_key,
       const char *what)
{
    struct str label = k->indexed->label(&k->arena, record_key);
    check_report(c, c->is_repair, "index %s: " STR_FMT " %s", index->name, STR_ARG(label), what);
}

static int
record_check(struct check *c, struct checking *k, struct str key, const void *record)
{
    for (size_t i = 0; i < k->indexed->count; i++) {
        const struct index *index = &k->indexed->indexes[i];
        const struct index_entries *e = entries_of(&k->arena, index, key, record);
        for (size_t j = 0; j < e->count; j++) {
            struct str value;
            TRY(check_get(c, e->keys[j], &k->arena, &value));
            if (str_is_present(value))
                continue;
            if (c->is_repair)
                TRY(check_set(c, e->keys[j], STR("")));
            report(c, k, index, key, "is missing");
        }
    }
    return OK;
}

// A record that cannot be read is the service's to report; of its entries nothing is known.
static int
entry_check(struct check *c, struct checking *k, const struct index *index, struct str key,
            struct str record_key)
{
    struct str value;
    void *record = record_new(&k->arena, k->indexed);
    TRY(check_get(c, record_key, &k->arena, &value));
    if (str_is_present(value)) {
        if (record_decode(k->indexed->type, value, &k->arena, record) != OK ||
            has_key(entries_of(&k->arena, index, record_key, record), key))
            return OK;
    }
    if (c->is_repair)
        TRY(check_del(c, key));
    report(c, k, index, record_key, "stands where it does not belong");
    return OK;
}

static int
key_check(struct check *c, void *arg, struct str key, struct str value)
{
    struct checking *k = arg;
    struct str record_key;
    arena_reset(&k->arena);
    if (k->indexed->is_record(&k->arena, key)) {
        void *record = record_new(&k->arena, k->indexed);
        return record_decode(k->indexed->type, value, &k->arena, record) == OK
                   ? record_check(c, k, key, record)
                   : OK;
    }
    for (size_t i = 0; i < k->indexed->count; i++)
        if (k->indexed->indexes[i].target(&k->arena, key, &record_key) == OK)
            return entry_check(c, k, &k->indexed->indexes[i], key, record_key);
    return OK;
}

int
indexed_check(struct check *c, const struct indexed *t, struct str from, struct str to)
{
    struct checking k = {.indexed = t};
    arena_init(&k.arena);
    int code = check_each(c, from, to, key_check, &k);
    arena_fini(&k.arena);
    return code;
}
