// What must hold between the keys of SQS, for c10m fsck: those of queues by their names.
// SPDX-License-Identifier: Apache-2.0
#include "services/sqs/check.h"
#include "services/sqs/listed.h"
#include "services/sqs/mover.h"
#include "services/sqs/sqs_api.h"
#include "services/sqs/sqs_records.h"

int
check_mend(struct check *c, struct str key, bool is_wanted)
{
    if (!c->is_repair)
        return OK;
    return is_wanted ? check_set(c, key, STR("")) : check_del(c, key);
}

int
check_exists(struct check *c, struct checking *k, struct str key, bool *out)
{
    struct str value;
    TRY(check_get(c, key, &k->arena, &value));
    *out = str_is_present(value);
    return OK;
}

int
check_record(struct check *c, struct checking *k, const struct record_type *type, struct str key,
             void *out)
{
    struct str value;
    TRY(check_get(c, key, &k->arena, &value));
    if (!str_is_present(value))
        return E_NOT_FOUND;
    return record_decode(type, value, &k->arena, out) == OK ? OK : E_INVALID;
}

static struct str
lasting_copy(struct checking *k, struct str s)
{
    return arena_copy(&k->lasting, s);
}

static void
generation_note(struct checking *k, const struct queue_name *name,
                const struct sqs_queue_record *record)
{
    struct checked_queue *q = ARENA_NEW(&k->lasting, struct checked_queue);
    struct place p = {name->account, name->region, record->generation};
    struct place lasting = place_lasting(&k->arena, &p);
    *q = (struct checked_queue){
        .name = {lasting_copy(k, name->account), lasting_copy(k, name->region),
                 lasting_copy(k, name->name)},
        .text = arena_copy_z(&k->lasting, name->name),
        .generation = lasting_copy(k, record->generation),
        .data_key = lasting_copy(k, record->data_key),
    };
    omap_put(k->by_generation, p.generation)->value = q;
    omap_put(k->by_generation, lasting.generation)->value = q;
}

static int
list_body(struct kv_txn *txn, void *arg)
{
    return listed_set(txn, arg, &(struct store_tag_list_record){0});
}

static int
unlist_body(struct kv_txn *txn, void *arg)
{
    return listed_del(txn, arg);
}

static int
find_body(struct kv_txn *txn, void *arg)
{
    struct store_resource_record resource;
    struct arn arn = listed_arn(arg);
    return resource_get(txn, &arn, &resource);
}

// What its tags were is lost.
static int
listed_check(struct check *c, struct checking *k, const struct queue_name *name)
{
    struct queue_name copy = *name;
    int code = kv_run(c->kv, &k->arena, find_body, &copy);
    if (code != E_NOT_FOUND)
        return code;
    if (c->is_repair)
        TRY(kv_run(c->kv, &k->arena, list_body, &copy));
    check_report(c, c->is_repair, "queue " STR_FMT " is no resource of its account",
                 STR_ARG(name->name));
    return OK;
}

// A resource without its queue.
static int
resource_key_check(struct check *c, void *arg, struct str key, struct str value)
{
    struct checking *k = arg;
    struct arn arn;
    bool is_there;
    arena_reset(&k->arena);
    if (resource_parse(&k->arena, key, &arn) != OK || !str_eq(arn.service, STR("sqs")))
        return OK;
    struct queue_name name = {arn.account, arn.region, arn.resource};
    TRY(check_exists(c, k, key_queue(&k->arena, name.account, name.region, name.name), &is_there));
    if (is_there)
        return OK;
    if (c->is_repair)
        TRY(kv_run(c->kv, &k->arena, unlist_body, &name));
    check_report(c, c->is_repair, "queue " STR_FMT " stands among the resources, but is none",
                 STR_ARG(name.name));
    return OK;
}

static int
queue_check(struct check *c, struct checking *k, const struct queue_name *name, struct str value)
{
    struct sqs_queue_record record = {0};
    const char *text = arena_copy_z(&k->arena, name->name);
    if (record_decode(&sqs_queue_record_type, value, &k->arena, &record) != OK ||
        record.generation.len != GENERATION_BYTES) {
        check_report(c, false, "the record of queue %s cannot be read", text);
        return OK;
    }
    generation_note(k, name, &record);
    return record.is_unlisted.value ? OK : listed_check(c, k, name);
}

// A task of a queue that was deleted meanwhile goes when its turn comes.
static int
moving_is_right(struct check *c, struct checking *k, const struct queue_name *name,
                const struct sqs_moving_record *moving, bool *out)
{
    struct sqs_queue_record record = {0};
    struct sqs_move_record move = {0};
    int code = check_record(c, k, &sqs_queue_record_type,
                            key_queue(&k->arena, name->account, name->region, name->name), &record);
    *out =
        code == E_NOT_FOUND || code == E_INVALID ||
        (code == OK && memcmp(record.generation.ptr, moving->generation.ptr, QUEUE_ID_BYTES) != 0);
    if (*out || code != OK)
        return *out ? OK : code;
    struct place p = {name->account, name->region, record.generation};
    code = check_record(c, k, &sqs_move_record_type,
                        key_move(&k->arena, &p, moving->started_ms.value, moving->task_id), &move);
    *out = code == OK &&
           (str_eq(move.status, STR(MOVE_RUNNING)) || str_eq(move.status, STR(MOVE_CANCELLING)));
    return code == E_NOT_FOUND || code == E_INVALID ? OK : code;
}

static int
moving_check(struct check *c, struct checking *k, struct str key, struct str value)
{
    struct sqs_moving_record moving = {0};
    struct queue_name name;
    bool is_right = false;
    TRY(key_moving_parse(&k->arena, key, &name));
    if (record_decode(&sqs_moving_record_type, value, &k->arena, &moving) == OK &&
        moving.generation.len == GENERATION_BYTES && moving.task_id.len == MESSAGE_ID_BYTES)
        TRY(moving_is_right(c, k, &name, &moving, &is_right));
    if (is_right)
        return OK;
    TRY(check_mend(c, key, false));
    check_report(c, c->is_repair, "queue " STR_FMT " is worked on by a move task that has ended",
                 STR_ARG(name.name));
    return OK;
}

static int
deleted_check(struct check *c, struct checking *k, const struct queue_name *name, struct str value)
{
    struct sqs_deleted_record deleted = {0};
    bool is_there;
    TRY(record_decode(&sqs_deleted_record_type, value, &k->arena, &deleted));
    struct str release = key_release(&k->arena, deleted.until_ms.value, name);
    TRY(check_exists(c, k, release, &is_there));
    if (is_there)
        return OK;
    TRY(check_mend(c, release, true));
    check_report(c, c->is_repair, "the name " STR_FMT " would never be free again",
                 STR_ARG(name->name));
    return OK;
}

// Keys by name: ("sqs", account, region, kind, name, ...). Data has a generation second.
static int
name_check(struct check *c, void *arg, struct str key, struct str value)
{
    struct checking *k = arg;
    struct queue_name name;
    struct tuple_reader r;
    struct str kind;
    arena_reset(&k->arena);
    tuple_reader_init(&r, &k->arena, key);
    TRY(tuple_read_str(&r, &kind));
    if (tuple_read_str(&r, &name.account) != OK)
        return OK;
    if (tuple_read_str(&r, &name.region) != OK || tuple_read_str(&r, &kind) != OK) {
        check_report(c, false, "a key of %zu bytes cannot be read", key.len);
        return OK;
    }
    if (str_eq(kind, STR("moving")))
        return moving_check(c, k, key, value);
    if (tuple_read_str(&r, &name.name) != OK)
        return OK;
    if (str_eq(kind, STR("queue")))
        return queue_check(c, k, &name, value);
    return str_eq(kind, STR("deleted")) ? deleted_check(c, k, &name, value) : OK;
}

static int
check_all(struct check *c, struct checking *k)
{
    struct str names, data, end;
    key_ranges(&k->lasting, &names, &data, &end);
    TRY(indexed_check(c, &queue_indexed, names, data));
    TRY(check_each(c, names, data, name_check, k));
    struct str from, to;
    resource_range_all(&k->lasting, &from, &to);
    TRY(check_each(c, from, to, resource_key_check, k));
    TRY(check_each(c, data, end, check_data_key, k));
    return check_data_end(c, k);
}

int
sqs_check(struct check *c)
{
    struct checking k = {.by_generation = omap_new(1), .flights = omap_new(1)};
    arena_init(&k.arena);
    arena_init(&k.lasting);
    int code = check_all(c, &k);
    omap_free(k.by_generation, NULL);
    omap_free(k.flights, NULL);
    arena_fini(&k.lasting);
    arena_fini(&k.arena);
    return code;
}
