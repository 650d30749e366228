// Where SQS keeps what in the store.
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

static struct tuple
data_tuple(struct arena *a, const struct place *p)
{
    struct tuple t = tuple_of(a, p->account, p->region, "data");
    tuple_add_fixed(&t, p->generation);
    return t;
}

static struct tuple
data_kind(struct arena *a, const struct place *p, const char *kind)
{
    struct tuple t = data_tuple(a, p);
    tuple_add_str(&t, str_of(kind));
    return t;
}

static struct str
id_str(const struct message_id *id)
{
    return (struct str){id->bytes, MESSAGE_ID_BYTES};
}

// The first key after this one.
static struct str
key_after(struct arena *a, struct str key)
{
    char *next = arena_alloc_bytes(a, key.len + 1);
    memcpy(next, key.ptr, key.len);
    next[key.len] = 0;
    return (struct str){next, key.len + 1};
}

// Skips the elements of data_kind, so that what is left are the kind's own.
static int
data_reader(struct tuple_reader *r, struct arena *a, struct str key)
{
    struct str skipped;
    tuple_reader_init(r, a, key);
    for (int i = 0; i < 4; i++)
        TRY(tuple_read_str(r, &skipped));
    TRY(tuple_read_fixed(r, GENERATION_BYTES, &skipped));
    return tuple_read_str(r, &skipped);
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

int
key_queue_name(struct arena *a, struct str key, struct str *out)
{
    struct tuple_reader r;
    struct str skipped;
    tuple_reader_init(&r, a, key);
    for (int i = 0; i < 4; i++)
        TRY(tuple_read_str(&r, &skipped));
    return tuple_read_str(&r, out);
}

void
key_garbage_range(struct arena *a, struct str *from, struct str *to)
{
    struct tuple t = tuple_of(a, STR(""), STR(""), "garbage");
    tuple_range(&t, a, from, to);
}

struct str
key_garbage(struct arena *a, struct str generation)
{
    struct tuple t = tuple_of(a, STR(""), STR(""), "garbage");
    tuple_add_fixed(&t, generation);
    return tuple_key(&t);
}

int
key_garbage_generation(struct arena *a, struct str key, struct str *out)
{
    struct tuple_reader r;
    struct str skipped;
    tuple_reader_init(&r, a, key);
    for (int i = 0; i < 4; i++)
        TRY(tuple_read_str(&r, &skipped));
    return tuple_read_fixed(&r, GENERATION_BYTES, out);
}

void
key_data_range(struct arena *a, const struct place *p, struct str *from, struct str *to)
{
    struct tuple t = data_tuple(a, p);
    tuple_range(&t, a, from, to);
}

struct str
key_count(struct arena *a, const struct place *p)
{
    struct tuple t = data_kind(a, p, "count");
    return tuple_key(&t);
}

struct str
key_body(struct arena *a, const struct place *p, const struct message_id *id)
{
    struct tuple t = data_kind(a, p, "body");
    tuple_add_fixed(&t, id_str(id));
    return tuple_key(&t);
}

struct str
key_due(struct arena *a, const struct place *p, int64_t due_ms, const struct message_id *id)
{
    struct tuple t = data_kind(a, p, "due");
    tuple_add_int(&t, due_ms);
    tuple_add_fixed(&t, id_str(id));
    return tuple_key(&t);
}

void
key_due_range(struct arena *a, const struct place *p, int64_t due_ms, const struct message_id *id,
              struct str *from, struct str *to)
{
    struct tuple t = data_kind(a, p, "due");
    tuple_range(&t, a, from, to);
    if (id) {
        *from = key_after(a, key_due(a, p, due_ms, id));
        return;
    }
    tuple_add_int(&t, due_ms);
    *from = tuple_key(&t);
}

int
key_due_parse(struct arena *a, struct str key, int64_t *due_ms, struct message_id *id)
{
    struct tuple_reader r;
    struct str bytes;
    TRY(data_reader(&r, a, key));
    TRY(tuple_read_int(&r, due_ms));
    TRY(tuple_read_fixed(&r, MESSAGE_ID_BYTES, &bytes));
    memcpy(id->bytes, bytes.ptr, MESSAGE_ID_BYTES);
    return OK;
}

struct str
key_flight(struct arena *a, const struct place *p, const struct message_id *id)
{
    struct tuple t = data_kind(a, p, "flight");
    tuple_add_fixed(&t, id_str(id));
    return tuple_key(&t);
}

struct str
key_slot(struct arena *a, const struct place *p, struct str group, const struct sequence *sequence)
{
    struct tuple t = data_kind(a, p, "slot");
    tuple_add_str(&t, group);
    tuple_add_fixed(&t, (struct str){sequence->bytes, SEQUENCE_BYTES});
    return tuple_key(&t);
}

void
key_slot_range(struct arena *a, const struct place *p, struct str group, struct str *from,
               struct str *to)
{
    struct tuple t = data_kind(a, p, "slot");
    tuple_add_str(&t, group);
    tuple_range(&t, a, from, to);
}

void
key_slots_range(struct arena *a, const struct place *p, struct str *from, struct str *to)
{
    struct tuple t = data_kind(a, p, "slot");
    tuple_range(&t, a, from, to);
}

struct sequence
key_slot_sequence(struct str key)
{
    struct sequence sequence;
    CHECK(key.len > SEQUENCE_BYTES);
    memcpy(sequence.bytes, key.ptr + key.len - SEQUENCE_BYTES, SEQUENCE_BYTES);
    return sequence;
}

struct str
key_group(struct arena *a, const struct place *p, struct str group)
{
    struct tuple t = data_kind(a, p, "group");
    tuple_add_str(&t, group);
    return tuple_key(&t);
}

struct str
key_ready(struct arena *a, const struct place *p, int64_t due_ms, struct str group)
{
    struct tuple t = data_kind(a, p, "ready");
    tuple_add_int(&t, due_ms);
    tuple_add_str(&t, group);
    return tuple_key(&t);
}

void
key_ready_range(struct arena *a, const struct place *p, struct str *from, struct str *to)
{
    struct tuple t = data_kind(a, p, "ready");
    tuple_range(&t, a, from, to);
}

int
key_ready_parse(struct arena *a, struct str key, int64_t *due_ms, struct str *group)
{
    struct tuple_reader r;
    TRY(data_reader(&r, a, key));
    TRY(tuple_read_int(&r, due_ms));
    return tuple_read_str(&r, group);
}

struct str
key_seen(struct arena *a, const struct place *p, struct str scope, struct str dedup_id)
{
    struct tuple t = data_kind(a, p, "seen");
    tuple_add_str(&t, scope);
    tuple_add_str(&t, dedup_id);
    return tuple_key(&t);
}

struct str
key_unsee(struct arena *a, const struct place *p, int64_t expires_ms, struct str scope,
          struct str dedup_id)
{
    struct tuple t = data_kind(a, p, "unsee");
    tuple_add_int(&t, expires_ms);
    tuple_add_str(&t, scope);
    tuple_add_str(&t, dedup_id);
    return tuple_key(&t);
}

void
key_unsee_range(struct arena *a, const struct place *p, int64_t now_ms, struct str *from,
                struct str *to)
{
    struct tuple t = data_kind(a, p, "unsee");
    tuple_range(&t, a, from, to);
    tuple_add_int(&t, now_ms);
    *to = tuple_key(&t);
}

int
key_unsee_parse(struct arena *a, struct str key, struct str *scope, struct str *dedup_id)
{
    struct tuple_reader r;
    int64_t expires_ms;
    TRY(data_reader(&r, a, key));
    TRY(tuple_read_int(&r, &expires_ms));
    TRY(tuple_read_str(&r, scope));
    return tuple_read_str(&r, dedup_id);
}
