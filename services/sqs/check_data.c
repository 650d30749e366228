// What must hold between the keys of one queue's data, for c10m fsck.
// SPDX-License-Identifier: Apache-2.0
#include "services/sqs/check.h"
#include "services/sqs/group.h"
#include "services/sqs/mover.h"
#include "services/sqs/sqs_records.h"
#include "src/store/reaper.h"

static struct place
place_of(const struct checking *k)
{
    return (struct place){STR(""), STR(""), {k->generation, GENERATION_BYTES}};
}

static const char *
name_of(const struct checking *k)
{
    return k->queue->text;
}

// -- the generation as a whole

struct leaving {
    struct reaper *reaper;
    const struct place *place;
    bool is_left; // already
    bool is_repair;
};

static int
leave_body(struct kv_txn *txn, void *arg)
{
    struct leaving *l = arg;
    struct str from, to;
    key_data_range(kv_txn_arena(txn), l->place, &from, &to);
    TRY(reaper_has(txn, NULL, from, &l->is_left));
    if (l->is_left || !l->is_repair)
        return OK;
    return reaper_add(l->reaper, txn, NULL, from, to);
}

// Data of no queue is the reaper's; else nobody would ever delete it.
static int
orphan_check(struct check *c, struct checking *k)
{
    struct place p = place_of(k);
    struct leaving l = {.reaper = c->reaper, .place = &p, .is_repair = c->is_repair};
    TRY(kv_run(c->kv, &k->arena, leave_body, &l));
    if (!l.is_left)
        check_report(c, c->is_repair, "data that belongs to no queue");
    return OK;
}

static int
count_body(struct kv_txn *txn, void *arg)
{
    const struct checking *k = arg;
    struct place p = place_of(k);
    return kv_add(txn, key_count(kv_txn_arena(txn), &p), k->bodies - k->count);
}

int
check_data_end(struct check *c, struct checking *k)
{
    if (k->queue == NULL)
        return OK;
    if (k->count != k->bodies) {
        if (c->is_repair)
            TRY(kv_run(c->kv, &k->arena, count_body, k));
        check_report(c, c->is_repair, "queue %s counts %lld messages and has %lld", name_of(k),
                     (long long)k->count, (long long)k->bodies);
    }
    if (k->bodies != k->places)
        check_report(c, false, "queue %s has %lld messages, and places for %lld", name_of(k),
                     (long long)k->bodies, (long long)k->places);
    if (k->groups != k->readies && !k->has_mended_groups)
        check_report(c, false, "queue %s has %lld groups, and %lld that may be read", name_of(k),
                     (long long)k->groups, (long long)k->readies);
    return OK;
}

static int
generation_begin(struct check *c, struct checking *k, struct str generation)
{
    TRY(check_data_end(c, k));
    memcpy(k->generation, generation.ptr, GENERATION_BYTES);
    const struct omap_entry *e = omap_find(k->by_generation, generation);
    k->queue = e != NULL ? e->value : NULL;
    k->count = k->bodies = k->places = k->groups = k->readies = 0;
    k->slots_group = (struct str){0};
    k->has_mended_groups = false;
    omap_free(k->flights, NULL);
    k->flights = omap_new(1);
    return k->queue != NULL ? OK : orphan_check(c, k);
}

// -- messages and their places

static bool
is_open(struct check *c, struct checking *k, struct str id, struct str sealed)
{
    struct str body, bound = str_slice(k->queue->generation, 0, QUEUE_ID_BYTES);
    return c->data_keys == NULL || data_decode(c->data_keys, k->queue->data_key, bound, id.ptr,
                                               sealed, &k->arena, &body) == OK;
}

static int
body_check(struct check *c, struct checking *k, struct str id, struct str value)
{
    struct sqs_message_record m = {0};
    k->bodies++;
    if (record_decode(&sqs_message_record_type, value, &k->arena, &m) != OK)
        check_report(c, false, "queue %s has a message that cannot be read", name_of(k));
    else if (str_is_present(m.body) == str_is_present(m.sealed_body))
        check_report(c, false, "queue %s has a message without a body, or with two", name_of(k));
    else if (str_is_present(m.sealed_body) && !is_open(c, k, id, m.sealed_body))
        check_report(c, false, "queue %s has a sealed body that does not open", name_of(k));
    return OK;
}

// The place of a message, which must exist: else receivers would stumble over it for ever.
static int
place_check(struct check *c, struct checking *k, struct str key, struct str message_id, bool counts,
            bool *is_there)
{
    struct place p = place_of(k);
    struct message_id id;
    *is_there = false;
    if (message_id.len == MESSAGE_ID_BYTES) {
        memcpy(id.bytes, message_id.ptr, MESSAGE_ID_BYTES);
        TRY(check_exists(c, k, key_body(&k->arena, &p, &id), is_there));
    }
    k->places += counts && (*is_there || !c->is_repair);
    if (*is_there)
        return OK;
    TRY(check_mend(c, key, false));
    check_report(c, c->is_repair, "a place in a queue for a message that does not exist");
    return OK;
}

// Where the entry lies is the truth about when its message becomes visible.
static int
flight_add(struct check *c, struct checking *k, struct str flight_key, int64_t due_ms,
           const struct sqs_delivery_record *delivery)
{
    struct sqs_flight_record flight = {.due_ms = OPT_LONG(due_ms),
                                       .receive_count = delivery->receive_count};
    struct buf value;
    buf_init(&value, &k->arena, 64);
    record_encode(&sqs_flight_record_type, &flight, &value);
    return check_set(c, flight_key, buf_str(&value));
}

static int
due_check(struct check *c, struct checking *k, struct str key, struct str id, struct str value)
{
    struct place p = place_of(k);
    struct sqs_delivery_record delivery = {0};
    struct message_id message_id;
    int64_t due_ms;
    bool is_there;
    TRY(place_check(c, k, key, id, true, &is_there));
    if (!is_there)
        return OK;
    if (record_decode(&sqs_delivery_record_type, value, &k->arena, &delivery) != OK ||
        key_due_parse(&k->arena, key, &due_ms, &message_id) != OK) {
        check_report(c, false, "queue %s has a place that cannot be read", name_of(k));
        return OK;
    }
    if (!delivery.has_flight.value)
        return OK;
    (void)omap_put(k->flights, id);
    struct str flight_key = key_flight(&k->arena, &p, &message_id);
    TRY(check_exists(c, k, flight_key, &is_there));
    if (is_there)
        return OK;
    if (c->is_repair)
        TRY(flight_add(c, k, flight_key, due_ms, &delivery));
    check_report(c, c->is_repair, "a changed visibility timeout that receipts do not find");
    return OK;
}

// Comes after all entries of the index.
static int
flight_check(struct check *c, struct checking *k, struct str key, struct str id)
{
    if (omap_find(k->flights, id) != NULL)
        return OK;
    TRY(check_mend(c, key, false));
    check_report(c, c->is_repair, "a visibility timeout of a message that does not say so");
    return OK;
}

// -- groups of FIFO queues

struct settling {
    const struct checking *k;
    struct str group;
    int64_t now_ms;
};

// As its slots say; without slots it goes.
static int
settle_body(struct kv_txn *txn, void *arg)
{
    const struct settling *s = arg;
    struct place p = place_of(s->k);
    TRY(group_ensure(txn, &p, s->group, 0));
    return group_settle(txn, &p, s->group, s->now_ms);
}

static int
group_mend(struct check *c, struct checking *k, struct str group)
{
    struct settling s = {k, group, clock_service_ms(c->runtime)};
    if (!c->is_repair)
        return OK;
    k->has_mended_groups = true;
    return kv_run(c->kv, &k->arena, settle_body, &s);
}

static int
slot_check(struct check *c, struct checking *k, struct str key, struct str group, struct str value)
{
    struct sqs_slot_record slot = {0};
    struct place p = place_of(k);
    bool is_there;
    if (record_decode(&sqs_slot_record_type, value, &k->arena, &slot) != OK) {
        check_report(c, false, "queue %s has a place that cannot be read", name_of(k));
        return OK;
    }
    TRY(place_check(c, k, key, slot.message_id, true, &is_there));
    if (!is_there || str_eq(group, k->slots_group) || group.len > GROUP_ID_MAX)
        return OK;
    memcpy(k->slots_group_bytes, group.ptr, group.len);
    k->slots_group = (struct str){k->slots_group_bytes, group.len};
    TRY(check_exists(c, k, key_group(&k->arena, &p, group), &is_there));
    if (is_there)
        return OK;
    TRY(group_mend(c, k, k->slots_group));
    check_report(c, c->is_repair, "messages of a group that does not exist");
    return OK;
}

static int
first_body(struct kv_txn *txn, void *arg)
{
    const struct settling *s = arg;
    struct place p = place_of(s->k);
    struct kv_range range = {.limit = 1, .read = KV_SNAPSHOT};
    struct kv_iter *it;
    struct str key, value;
    key_slot_range(kv_txn_arena(txn), &p, s->group, &range.from, &range.to);
    TRY(kv_range_open(txn, &range, &it));
    int code = kv_iter_next(it, &key, &value);
    kv_iter_close(it);
    return code;
}

static int
group_check(struct check *c, struct checking *k, struct str key, struct str value)
{
    struct sqs_group_record group = {0};
    struct place p = place_of(k);
    struct str name;
    bool is_there;
    TRY(record_decode(&sqs_group_record_type, value, &k->arena, &group));
    TRY(key_group_parse(&k->arena, key, &name));
    k->groups++;
    int code = kv_run(c->kv, &k->arena, first_body, &(struct settling){k, name, 0});
    if (code == E_NOT_FOUND) {
        TRY(group_mend(c, k, name));
        check_report(c, c->is_repair, "a message group without messages");
        return OK;
    }
    TRY(code);
    struct str ready = key_ready(&k->arena, &p, group.due_ms.value, name);
    TRY(check_exists(c, k, ready, &is_there));
    if (is_there)
        return OK;
    TRY(check_mend(c, ready, true));
    k->has_mended_groups |= c->is_repair;
    check_report(c, c->is_repair, "a message group that is never read");
    return OK;
}

static int
ready_check(struct check *c, struct checking *k, struct str key)
{
    struct sqs_group_record group = {0};
    struct place p = place_of(k);
    struct str name;
    int64_t due_ms;
    TRY(key_ready_parse(&k->arena, key, &due_ms, &name));
    int code = check_record(c, k, &sqs_group_record_type, key_group(&k->arena, &p, name), &group);
    if (code == OK && group.due_ms.value == due_ms) {
        k->readies++;
        return OK;
    }
    TRY(code == E_NOT_FOUND || code == E_INVALID ? OK : code);
    TRY(check_mend(c, key, false));
    k->readies += !c->is_repair;
    check_report(c, c->is_repair, "a message group is read at a time that is not its own");
    return OK;
}

// -- what is forgotten in time, and move tasks

// Without its entry in the index of times it would never go.
static int
forgetting_check(struct check *c, struct checking *k, struct str entry, const char *what)
{
    bool is_there;
    TRY(check_exists(c, k, entry, &is_there));
    if (is_there)
        return OK;
    TRY(check_mend(c, entry, true));
    check_report(c, c->is_repair, "queue %s has %s that would never be forgotten", name_of(k),
                 what);
    return OK;
}

static int
seen_check(struct check *c, struct checking *k, struct tuple_reader *rest, struct str value)
{
    struct sqs_duplicate_record seen = {0};
    struct place p = place_of(k);
    struct str scope, id;
    TRY(record_decode(&sqs_duplicate_record_type, value, &k->arena, &seen));
    TRY(tuple_read_str(rest, &scope));
    TRY(tuple_read_str(rest, &id));
    return forgetting_check(c, k, key_unsee(&k->arena, &p, seen.expires_ms.value, scope, id),
                            "a deduplication id");
}

static int
attempt_check(struct check *c, struct checking *k, struct tuple_reader *rest, struct str value)
{
    struct sqs_attempt_record attempt = {0};
    struct place p = place_of(k);
    struct str id;
    TRY(record_decode(&sqs_attempt_record_type, value, &k->arena, &attempt));
    TRY(tuple_read_str(rest, &id));
    return forgetting_check(c, k, key_unattempt(&k->arena, &p, attempt.until_ms.value, id),
                            "a receive attempt");
}

static int
moving_add(struct check *c, struct checking *k, struct str key, int64_t started_ms, struct str id)
{
    struct sqs_moving_record moving = {
        .generation = k->queue->generation, .started_ms = OPT_LONG(started_ms), .task_id = id};
    struct buf value;
    buf_init(&value, &k->arena, 64);
    record_encode(&sqs_moving_record_type, &moving, &value);
    return check_set(c, key, buf_str(&value));
}

// An active task that nobody would go on with is put back, unless another one took its place.
static int
move_check(struct check *c, struct checking *k, struct str key, struct str value)
{
    struct sqs_move_record move = {0};
    struct sqs_moving_record moving = {0};
    struct str id, moving_key = key_moving(&k->arena, &k->queue->name);
    int64_t started_ms;
    TRY(record_decode(&sqs_move_record_type, value, &k->arena, &move));
    TRY(key_move_parse(&k->arena, key, &started_ms, &id));
    if (!str_eq(move.status, STR(MOVE_RUNNING)) && !str_eq(move.status, STR(MOVE_CANCELLING)))
        return OK;
    int code = check_record(c, k, &sqs_moving_record_type, moving_key, &moving);
    if (code == OK && str_eq(moving.task_id, id))
        return OK;
    bool is_mended = code == E_NOT_FOUND && c->is_repair;
    if (is_mended)
        TRY(moving_add(c, k, moving_key, started_ms, id));
    check_report(c, is_mended, "queue %s has a move task that nobody works on", name_of(k));
    return OK;
}

// -- each key

static int
kind_check(struct check *c, struct checking *k, enum data_kind kind, struct tuple_reader *rest,
           struct str key, struct str value)
{
    // The last element of what has one.
    struct str group, id = str_slice(key, key.len - MESSAGE_ID_BYTES, key.len);
    switch (kind) {
    case DATA_COUNT:
        k->count = kv_counter(value);
        return OK;
    case DATA_BODY:
        return body_check(c, k, id, value);
    case DATA_DUE:
        return due_check(c, k, key, id, value);
    case DATA_FLIGHT:
        return flight_check(c, k, key, id);
    case DATA_SLOT:
        TRY(tuple_read_str(rest, &group));
        return slot_check(c, k, key, group, value);
    case DATA_GROUP:
        return group_check(c, k, key, value);
    case DATA_READY:
        return ready_check(c, k, key);
    case DATA_SEEN:
        return seen_check(c, k, rest, value);
    case DATA_ATTEMPT:
        return attempt_check(c, k, rest, value);
    case DATA_MOVE:
        return move_check(c, k, key, value);
    default:
        return OK;
    }
}

int
check_data_key(struct check *c, void *arg, struct str key, struct str value)
{
    struct checking *k = arg;
    struct tuple_reader r;
    struct str generation, kind;
    arena_reset(&k->arena);
    tuple_reader_init(&r, &k->arena, key);
    TRY(tuple_read_str(&r, &kind));
    if (tuple_read_fixed(&r, GENERATION_BYTES, &generation) != OK)
        return OK;
    if (memcmp(k->generation, generation.ptr, GENERATION_BYTES) != 0)
        TRY(generation_begin(c, k, generation));
    if (k->queue == NULL || tuple_read_str(&r, &kind) != OK || kind.len != 1)
        return OK;
    return kind_check(c, k, (enum data_kind)kind.ptr[0], &r, key, value);
}
