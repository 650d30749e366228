// Keys of what queues hold, below their generations.
// SPDX-License-Identifier: Apache-2.0
#include "services/sqs/keys.h"

// Every message is written below several of these, so they are short: a generation is unique by
// itself, and kinds are letters.
static struct tuple
data_tuple(struct arena *a, const struct place *p)
{
    struct tuple t;
    tuple_init(&t, a);
    tuple_add_str(&t, STR("sqs"));
    tuple_add_fixed(&t, p->generation);
    return t;
}

static struct tuple
data_kind(struct arena *a, const struct place *p, enum data_kind kind)
{
    struct tuple t = data_tuple(a, p);
    tuple_add_str(&t, (struct str){&(const char){(char)kind}, 1});
    return t;
}

static struct str
id_str(const struct message_id *id)
{
    return (struct str){id->bytes, MESSAGE_ID_BYTES};
}

// Skips the elements of data_kind, so that what is left are the kind's own.
static int
data_reader(struct tuple_reader *r, struct arena *a, struct str key)
{
    struct str skipped;
    tuple_reader_init(r, a, key);
    TRY(tuple_read_str(r, &skipped));
    TRY(tuple_read_fixed(r, GENERATION_BYTES, &skipped));
    return tuple_read_str(r, &skipped);
}

void
key_data_range(struct arena *a, const struct place *p, struct str *from, struct str *to)
{
    struct tuple t = data_tuple(a, p);
    tuple_range(&t, a, from, to);
}

void
key_ranges(struct arena *a, struct str *names, struct str *data, struct str *end)
{
    static const char none[GENERATION_BYTES];
    struct place first = {.generation = {none, GENERATION_BYTES}};
    struct tuple t;
    struct str rest;
    tuple_init(&t, a);
    tuple_add_str(&t, STR("sqs"));
    tuple_range(&t, a, names, end);
    key_data_range(a, &first, data, &rest);
}

struct place
place_lasting(struct arena *a, const struct place *p)
{
    char *lasting = arena_alloc(a, GENERATION_BYTES);
    memcpy(lasting, p->generation.ptr, QUEUE_ID_BYTES);
    return (struct place){p->account, p->region, {lasting, GENERATION_BYTES}};
}

static struct tuple
lasting_kind(struct arena *a, const struct place *p, enum data_kind kind)
{
    struct place lasting = place_lasting(a, p);
    return data_kind(a, &lasting, kind);
}

struct str
key_tags(struct arena *a, const struct place *p)
{
    struct tuple t = lasting_kind(a, p, DATA_TAGS);
    return tuple_key(&t);
}

struct str
key_move(struct arena *a, const struct place *p, int64_t started_ms, struct str task_id)
{
    struct tuple t = lasting_kind(a, p, DATA_MOVE);
    tuple_add_int(&t, started_ms);
    tuple_add_fixed(&t, task_id);
    return tuple_key(&t);
}

void
key_move_range(struct arena *a, const struct place *p, struct str *from, struct str *to)
{
    struct tuple t = lasting_kind(a, p, DATA_MOVE);
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
    struct tuple t = data_kind(a, p, DATA_COUNT);
    return tuple_key(&t);
}

struct str
key_body(struct arena *a, const struct place *p, const struct message_id *id)
{
    struct tuple t = data_kind(a, p, DATA_BODY);
    tuple_add_fixed(&t, id_str(id));
    return tuple_key(&t);
}

struct str
key_due(struct arena *a, const struct place *p, int64_t due_ms, const struct message_id *id)
{
    struct tuple t = data_kind(a, p, DATA_DUE);
    tuple_add_int(&t, due_ms);
    tuple_add_fixed(&t, id_str(id));
    return tuple_key(&t);
}

void
key_due_range(struct arena *a, const struct place *p, int64_t due_ms, const struct message_id *id,
              struct str *from, struct str *to)
{
    struct tuple t = data_kind(a, p, DATA_DUE);
    tuple_range(&t, a, from, to);
    if (id) {
        *from = key_after(a, key_due(a, p, due_ms, id));
        return;
    }
    tuple_add_int(&t, due_ms);
    *from = tuple_key(&t);
}

struct str
key_due_start(struct arena *a, const struct place *p)
{
    struct tuple t = data_kind(a, p, DATA_DUE);
    return tuple_key(&t);
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
    struct tuple t = data_kind(a, p, DATA_FLIGHT);
    tuple_add_fixed(&t, id_str(id));
    return tuple_key(&t);
}

struct str
key_slot(struct arena *a, const struct place *p, struct str group, const struct sequence *sequence)
{
    struct tuple t = data_kind(a, p, DATA_SLOT);
    tuple_add_str(&t, group);
    tuple_add_fixed(&t, (struct str){sequence->bytes, SEQUENCE_BYTES});
    return tuple_key(&t);
}

void
key_slot_range(struct arena *a, const struct place *p, struct str group, struct str *from,
               struct str *to)
{
    struct tuple t = data_kind(a, p, DATA_SLOT);
    tuple_add_str(&t, group);
    tuple_range(&t, a, from, to);
}

void
key_slots_range(struct arena *a, const struct place *p, struct str *from, struct str *to)
{
    struct tuple t = data_kind(a, p, DATA_SLOT);
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
    struct tuple t = data_kind(a, p, DATA_GROUP);
    tuple_add_str(&t, group);
    return tuple_key(&t);
}

void
key_group_range(struct arena *a, const struct place *p, struct str after, struct str *from,
                struct str *to)
{
    struct tuple t = data_kind(a, p, DATA_GROUP);
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
    struct tuple t = data_kind(a, p, DATA_READY);
    tuple_add_int(&t, due_ms);
    tuple_add_str(&t, group);
    return tuple_key(&t);
}

void
key_ready_range(struct arena *a, const struct place *p, struct str *from, struct str *to)
{
    struct tuple t = data_kind(a, p, DATA_READY);
    tuple_range(&t, a, from, to);
}

struct str
key_ready_start(struct arena *a, const struct place *p)
{
    struct tuple t = data_kind(a, p, DATA_READY);
    return tuple_key(&t);
}

int
key_ready_parse(struct arena *a, struct str key, int64_t *due_ms, struct str *group)
{
    struct tuple_reader r;
    TRY(data_reader(&r, a, key));
    TRY(tuple_read_int(&r, due_ms));
    return tuple_read_str(&r, group);
}

// The keys of a kind whose time has come.
static void
range_until(struct tuple *t, struct arena *a, int64_t now_ms, struct str *from, struct str *to)
{
    tuple_range(t, a, from, to);
    tuple_add_int(t, now_ms);
    *to = tuple_key(t);
}

struct str
key_attempt(struct arena *a, const struct place *p, struct str attempt_id)
{
    struct tuple t = data_kind(a, p, DATA_ATTEMPT);
    tuple_add_str(&t, attempt_id);
    return tuple_key(&t);
}

struct str
key_unattempt(struct arena *a, const struct place *p, int64_t until_ms, struct str attempt_id)
{
    struct tuple t = data_kind(a, p, DATA_UNATTEMPT);
    tuple_add_int(&t, until_ms);
    tuple_add_str(&t, attempt_id);
    return tuple_key(&t);
}

void
key_unattempt_range(struct arena *a, const struct place *p, int64_t now_ms, struct str *from,
                    struct str *to)
{
    struct tuple t = data_kind(a, p, DATA_UNATTEMPT);
    range_until(&t, a, now_ms, from, to);
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
    struct tuple t = lasting_kind(a, p, DATA_SEEN);
    tuple_add_str(&t, scope);
    tuple_add_str(&t, dedup_id);
    return tuple_key(&t);
}

struct str
key_unsee(struct arena *a, const struct place *p, int64_t expires_ms, struct str scope,
          struct str dedup_id)
{
    struct tuple t = lasting_kind(a, p, DATA_UNSEE);
    tuple_add_int(&t, expires_ms);
    tuple_add_str(&t, scope);
    tuple_add_str(&t, dedup_id);
    return tuple_key(&t);
}

void
key_unsee_range(struct arena *a, const struct place *p, int64_t now_ms, struct str *from,
                struct str *to)
{
    struct tuple t = lasting_kind(a, p, DATA_UNSEE);
    range_until(&t, a, now_ms, from, to);
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
