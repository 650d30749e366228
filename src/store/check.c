// Checks of a store by its services' own invariants, for c10m fsck.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/check.h"

#include <stdarg.h>
#include <stdio.h>

enum { PAGE_KEYS = 1000, PAGE_BYTES = 1024 * 1024, LINE_BYTES_MAX = 1024 };

void
check_report(struct check *c, bool was_mended, const char *format, ...)
{
    char text[LINE_BYTES_MAX], line[LINE_BYTES_MAX + 64];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    snprintf(line, sizeof(line), "%s: %s%s", c->part, text, was_mended ? " (mended)" : "");
    c->problems++;
    c->mended += was_mended;
    c->print(c->print_arg, line);
}

struct page {
    struct str from, to;
    struct str *keys, *values;
    size_t count;
    bool is_last;
};

static int
page_body(struct kv_txn *txn, void *arg)
{
    struct page *p = arg;
    struct arena *a = kv_txn_arena(txn);
    struct kv_range range = {.from = p->from, .to = p->to, .read = KV_SNAPSHOT};
    struct kv_iter *it;
    size_t used_before = a->used_bytes;
    int code = OK;
    p->keys = ARENA_ARRAY(a, PAGE_KEYS, struct str);
    p->values = ARENA_ARRAY(a, PAGE_KEYS, struct str);
    p->count = 0;
    TRY(kv_range_open(txn, &range, &it));
    while (code == OK && p->count < PAGE_KEYS && a->used_bytes - used_before < PAGE_BYTES) {
        code = kv_iter_next(it, &p->keys[p->count], &p->values[p->count]);
        p->count += code == OK;
    }
    kv_iter_close(it);
    p->is_last = code == E_NOT_FOUND;
    return p->is_last ? OK : code;
}

static int
page_check(struct check *c, struct page *p, struct arena *arena, check_key_fn *fn, void *arg)
{
    TRY(kv_run(c->kv, arena, page_body, p));
    for (size_t i = 0; i < p->count; i++)
        TRY(fn(c, arg, p->keys[i], p->values[i]));
    return OK;
}

int
check_each(struct check *c, struct str from, struct str to, check_key_fn *fn, void *arg)
{
    char next[KV_KEY_BYTES_MAX + 1];
    struct page p = {.from = from, .to = to};
    struct arena arena;
    int code = OK;
    arena_init(&arena);
    while (code == OK && !p.is_last) {
        code = page_check(c, &p, &arena, fn, arg);
        if (code == OK && !p.is_last) {
            struct str last = p.keys[p.count - 1];
            memcpy(next, last.ptr, last.len);
            next[last.len] = 0; // the first key after it
            p.from = (struct str){next, last.len + 1};
        }
        arena_reset(&arena);
    }
    arena_fini(&arena);
    return code;
}

struct step {
    struct str key, value;
};

static int
get_body(struct kv_txn *txn, void *arg)
{
    struct step *s = arg;
    return kv_get(txn, s->key, KV_SNAPSHOT, &s->value);
}

int
check_get(struct check *c, struct str key, struct arena *arena, struct str *out)
{
    struct step s = {.key = key};
    TRY(kv_run(c->kv, arena, get_body, &s));
    *out = s.value;
    return OK;
}

static int
write_body(struct kv_txn *txn, void *arg)
{
    struct step *s = arg;
    return str_is_present(s->value) ? kv_set(txn, s->key, s->value) : kv_del(txn, s->key);
}

static int
write_one(struct check *c, struct str key, struct str value)
{
    struct step s = {key, value};
    struct arena arena;
    arena_init(&arena);
    int code = kv_run(c->kv, &arena, write_body, &s);
    arena_fini(&arena);
    return code;
}

int
check_set(struct check *c, struct str key, struct str value)
{
    return write_one(c, key, value);
}

int
check_del(struct check *c, struct str key)
{
    return write_one(c, key, (struct str){0});
}
