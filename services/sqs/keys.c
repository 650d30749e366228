// Keys of queues by their names, and of the work that waits for c10m itself.
// SPDX-License-Identifier: Apache-2.0
#include "services/sqs/keys.h"

static struct tuple
tuple_of(struct arena *a, struct str account, struct str region, const char *kind)
{
    struct tuple t;
    tuple_init(&t, a);
    tuple_add_str(&t, STR("sqs"));
    tuple_add_str(&t, account);
    tuple_add_str(&t, region);
    tuple_add_str(&t, str_of(kind));
    return t;
}

// Skips the elements of tuple_of.
static int
kind_reader(struct tuple_reader *r, struct arena *a, struct str key)
{
    struct str skipped;
    tuple_reader_init(r, a, key);
    for (int i = 0; i < 4; i++)
        TRY(tuple_read_str(r, &skipped));
    return OK;
}

struct str
key_queue(struct arena *a, struct str account, struct str region, struct str name)
{
    struct tuple t = tuple_of(a, account, region, "queue");
    tuple_add_str(&t, name);
    return tuple_key(&t);
}

void
key_queue_range(struct arena *a, struct str account, struct str region, struct str prefix,
                struct str after, struct str *from, struct str *to)
{
    struct tuple t = tuple_of(a, account, region, "queue");
    tuple_range(&t, a, from, to);
    struct str start = str_cmp(prefix, after) > 0 ? prefix : after;
    if (start.len == 0)
        return;
    struct str key = key_queue(a, account, region, start);
    // Texts end with 00: without it the key sorts before every name that begins with it.
    *from = str_eq(start, after) ? key_after(a, key) : str_slice(key, 0, key.len - 1);
}

// The elements of tuple_of. E_INVALID: another kind of key.
static int
account_reader(struct tuple_reader *r, struct arena *a, struct str key, const char *kind,
               struct str *account, struct str *region)
{
    struct str element;
    tuple_reader_init(r, a, key);
    if (tuple_read_str(r, &element) != OK || tuple_read_str(r, account) != OK ||
        tuple_read_str(r, region) != OK || tuple_read_str(r, &element) != OK)
        return E_INVALID;
    return str_eq(element, str_of(kind)) ? OK : E_INVALID;
}

int
key_queue_parse(struct arena *a, struct str key, struct queue_name *out)
{
    struct tuple_reader r;
    TRY(account_reader(&r, a, key, "queue", &out->account, &out->region));
    return tuple_read_str(&r, &out->name);
}

int
key_queue_name(struct arena *a, struct str key, struct str *out)
{
    struct tuple_reader r;
    TRY(kind_reader(&r, a, key));
    return tuple_read_str(&r, out);
}

static int
name_read(struct tuple_reader *r, struct queue_name *out)
{
    TRY(tuple_read_str(r, &out->account));
    TRY(tuple_read_str(r, &out->region));
    return tuple_read_str(r, &out->name);
}

static void
name_add(struct tuple *t, const struct queue_name *name)
{
    tuple_add_str(t, name->account);
    tuple_add_str(t, name->region);
    tuple_add_str(t, name->name);
}

// Keys of the whole c10m, with neither account nor region before their kind.
static struct tuple
work_tuple(struct arena *a, const char *kind)
{
    return tuple_of(a, STR(""), STR(""), kind);
}

struct str
key_known(struct arena *a, const struct queue_name *name)
{
    struct tuple t = work_tuple(a, "known");
    name_add(&t, name);
    return tuple_key(&t);
}

void
key_known_range(struct arena *a, const struct queue_name *after, struct str *from, struct str *to)
{
    struct tuple t = work_tuple(a, "known");
    tuple_range(&t, a, from, to);
    if (after)
        *from = key_after(a, key_known(a, after));
}

int
key_known_parse(struct arena *a, struct str key, struct queue_name *out)
{
    struct tuple_reader r;
    struct str nothing;
    TRY(account_reader(&r, a, key, "known", &nothing, &nothing));
    return name_read(&r, out);
}

static struct tuple
source_tuple(struct arena *a, struct str account, struct str region, struct str dead_letter_name)
{
    struct tuple t = tuple_of(a, account, region, "source");
    tuple_add_str(&t, dead_letter_name);
    return t;
}

struct str
key_source(struct arena *a, struct str account, struct str region, struct str dead_letter_name,
           struct str name)
{
    struct tuple t = source_tuple(a, account, region, dead_letter_name);
    tuple_add_str(&t, name);
    return tuple_key(&t);
}

void
key_source_range(struct arena *a, struct str account, struct str region,
                 struct str dead_letter_name, struct str *from, struct str *to)
{
    struct tuple t = source_tuple(a, account, region, dead_letter_name);
    tuple_range(&t, a, from, to);
}

int
key_source_parse(struct arena *a, struct str key, struct queue_name *source)
{
    struct tuple_reader r;
    struct str dead_letter_name;
    TRY(account_reader(&r, a, key, "source", &source->account, &source->region));
    TRY(tuple_read_str(&r, &dead_letter_name));
    return tuple_read_str(&r, &source->name);
}

struct str
key_deleted(struct arena *a, const struct queue_name *name)
{
    struct tuple t = tuple_of(a, name->account, name->region, "deleted");
    tuple_add_str(&t, name->name);
    return tuple_key(&t);
}

struct str
key_release(struct arena *a, int64_t until_ms, const struct queue_name *name)
{
    struct tuple t = work_tuple(a, "release");
    tuple_add_int(&t, until_ms);
    name_add(&t, name);
    return tuple_key(&t);
}

void
key_release_range(struct arena *a, int64_t now_ms, struct str *from, struct str *to)
{
    struct tuple t = work_tuple(a, "release");
    tuple_range(&t, a, from, to);
    tuple_add_int(&t, now_ms + 1);
    *to = tuple_key(&t);
}

int
key_release_parse(struct arena *a, struct str key, struct queue_name *out)
{
    struct tuple_reader r;
    int64_t until_ms;
    TRY(kind_reader(&r, a, key));
    TRY(tuple_read_int(&r, &until_ms));
    return name_read(&r, out);
}

struct str
key_moving(struct arena *a, const struct queue_name *source)
{
    struct tuple t = work_tuple(a, "moving");
    name_add(&t, source);
    return tuple_key(&t);
}

void
key_moving_range(struct arena *a, const struct queue_name *after, struct str *from, struct str *to)
{
    struct tuple t = work_tuple(a, "moving");
    tuple_range(&t, a, from, to);
    if (after)
        *from = key_after(a, key_moving(a, after));
}

void
key_moving_account_range(struct arena *a, struct str account, struct str region, struct str *from,
                         struct str *to)
{
    struct tuple t = work_tuple(a, "moving");
    tuple_add_str(&t, account);
    tuple_add_str(&t, region);
    tuple_range(&t, a, from, to);
}

int
key_moving_parse(struct arena *a, struct str key, struct queue_name *out)
{
    struct tuple_reader r;
    TRY(kind_reader(&r, a, key));
    return name_read(&r, out);
}
