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

// Skips the elements of data_kind, so that what is left are the kind's own.
static int
data_reader(struct tuple_reader *r, struct arena *a, struct str key)
{
    struct str skipped;
    TRY(kind_reader(r, a, key));
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
    TRY(kind_reader(&r, a, key));
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
                 struct str dead_letter_name, struct str after, struct str *from, struct str *to)
{
    struct tuple t = source_tuple(a, account, region, dead_letter_name);
    tuple_range(&t, a, from, to);
    if (after.len > 0)
        *from = key_after(a, key_source(a, account, region, dead_letter_name, after));
}

int
key_source_name(struct arena *a, struct str key, struct str *out)
{
    struct tuple_reader r;
    struct str skipped;
    TRY(kind_reader(&r, a, key));
    TRY(tuple_read_str(&r, &skipped));
    return tuple_read_str(&r, out);
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

void
key_garbage_range(struct arena *a, struct str *from, struct str *to)
{
    struct tuple t = work_tuple(a, "garbage");
    tuple_range(&t, a, from, to);
}

struct str
key_garbage(struct arena *a, struct str generation)
{
    struct tuple t = work_tuple(a, "garbage");
    tuple_add_fixed(&t, generation);
    return tuple_key(&t);
}

int
key_garbage_generation(struct arena *a, struct str key, struct str *out)
{
    struct tuple_reader r;
    TRY(kind_reader(&r, a, key));
    return tuple_read_fixed(&r, GENERATION_BYTES, out);
}

void
key_data_range(struct arena *a, const struct place *p, struct str *from, struct str *to)
{
    struct tuple t = data_tuple(a, p);
    tuple_range(&t, a, from, to);
}

struct place
place_lasting(struct arena *a, const struct place *p)
{
    char *lasting = arena_alloc(a, GENERATION_BYTES);
    memcpy(lasting, p->generation.ptr, QUEUE_ID_BYTES);
    return (struct place){p->account, p->region, {lasting, GENERATION_BYTES}};
}

static struct tuple
lasting_kind(struct arena *a, const struct place *p, const char *kind)
{
    struct place lasting = place_lasting(a, p);
    return data_kind(a, &lasting, kind);
}

struct str
key_tags(struct arena *a, const struct place *p)
{
    struct tuple t = lasting_kind(a, p, "tags");
    return tuple_key(&t);
}

struct str
key_move(struct arena *a, const struct place *p, int64_t started_ms, struct str task_id)
{
    struct tuple t = lasting_kind(a, p, "move");
    tuple_add_int(&t, started_ms);
    tuple_add_fixed(&t, task_id);
    return tuple_key(&t);
}

void
key_move_range(struct arena *a, const struct place *p, struct str *from, struct str *to)
{
    struct tuple t = lasting_kind(a, p, "move");
    tuple_range(&t, a, from, to);
}

int
key_move_parse(struct arena *a, struct str key, int64_t *started_ms, struct str *task_id)
{
    struct tuple_reader r;
    TRY(data_reader(&r, a, key));
    TRY(tuple_read_int(&r, started_ms));
    return tuple_read_fixed(&r, MESSAGE_ID_BYTES, task_id);
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

void
key_group_range(struct arena *a, const struct place *p, struct str after, struct str *from,
                struct str *to)
{
    struct tuple t = data_kind(a, p, "group");
    tuple_range(&t, a, from, to);
    if (after.len > 0)
        *from = key_after(a, key_group(a, p, after));
}

int
key_group_parse(struct arena *a, struct str key, struct str *group)
{
    struct tuple_reader r;
    TRY(data_reader(&r, a, key));
    return tuple_read_str(&r, group);
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
key_attempt(struct arena *a, const struct place *p, struct str attempt_id)
{
    struct tuple t = data_kind(a, p, "attempt");
    tuple_add_str(&t, attempt_id);
    return tuple_key(&t);
}

struct str
key_unattempt(struct arena *a, const struct place *p, int64_t until_ms, struct str attempt_id)
{
    struct tuple t = data_kind(a, p, "unattempt");
    tuple_add_int(&t, until_ms);
    tuple_add_str(&t, attempt_id);
    return tuple_key(&t);
}

void
key_unattempt_range(struct arena *a, const struct place *p, int64_t now_ms, struct str *from,
                    struct str *to)
{
    struct tuple t = data_kind(a, p, "unattempt");
    tuple_range(&t, a, from, to);
    tuple_add_int(&t, now_ms);
    *to = tuple_key(&t);
}

int
key_unattempt_parse(struct arena *a, struct str key, struct str *attempt_id)
{
    struct tuple_reader r;
    int64_t until_ms;
    TRY(data_reader(&r, a, key));
    TRY(tuple_read_int(&r, &until_ms));
    return tuple_read_str(&r, attempt_id);
}

struct str
key_seen(struct arena *a, const struct place *p, struct str scope, struct str dedup_id)
{
    struct tuple t = lasting_kind(a, p, "seen");
    tuple_add_str(&t, scope);
    tuple_add_str(&t, dedup_id);
    return tuple_key(&t);
}

struct str
key_unsee(struct arena *a, const struct place *p, int64_t expires_ms, struct str scope,
          struct str dedup_id)
{
    struct tuple t = lasting_kind(a, p, "unsee");
    tuple_add_int(&t, expires_ms);
    tuple_add_str(&t, scope);
    tuple_add_str(&t, dedup_id);
    return tuple_key(&t);
}

void
key_unsee_range(struct arena *a, const struct place *p, int64_t now_ms, struct str *from,
                struct str *to)
{
    struct tuple t = lasting_kind(a, p, "unsee");
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
