// What must hold between the keys of SQS, for c10m fsck. README.md lists it.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/check.h"
#include "services/sqs/queue.h"
#include "services/sqs/sqs_api.h"
#include "services/sqs/sqs_records.h"
#include "src/base/omap.h"
#include "src/store/reaper.h"

struct checking {
    struct arena arena;         // of one key at a time
    struct arena lasting;       // of the names of queues
    struct omap *by_generation; // to the queue's name as text; of data and of what outlives a purge
    // The generation that is being read.
    char generation[GENERATION_BYTES];
    bool is_known;
    bool is_reported;
    int64_t count;
    int64_t bodies, places, groups, readies;
    bool has_mended_groups; // whose new keys may or may not be seen by this reading
};

static struct str
range_of_sqs(struct arena *a, struct str *to)
{
    struct tuple t;
    struct str from;
    tuple_init(&t, a);
    tuple_add_str(&t, STR("sqs"));
    tuple_range(&t, a, &from, to);
    return from;
}

// Deletes or adds what an index should not or should have.
static int
mend(struct check *c, struct str key, bool is_wanted)
{
    if (!c->is_repair)
        return OK;
    return is_wanted ? check_set(c, key, STR("")) : check_del(c, key);
}

static int
exists(struct check *c, struct checking *k, struct str key, bool *out)
{
    struct str value;
    TRY(check_get(c, key, &k->arena, &value));
    *out = str_is_present(value);
    return OK;
}

static void
generation_note(struct checking *k, struct str generation, struct str name)
{
    struct omap_entry *e = omap_put(k->by_generation, generation);
    if (e->value == NULL)
        e->value = arena_copy_z(&k->lasting, name);
}

static int
queue_check(struct check *c, struct checking *k, const struct queue_name *name, struct str value)
{
    struct sqs_queue_record record = {0};
    bool is_known;
    if (record_decode(&sqs_queue_record_type, value, &k->arena, &record) != OK ||
        record.generation.len != GENERATION_BYTES) {
        check_report(c, false, "the record of queue " STR_FMT " cannot be read",
                     STR_ARG(name->name));
        return OK;
    }
    struct place p = {name->account, name->region, record.generation};
    struct place lasting = place_lasting(&k->arena, &p);
    generation_note(k, p.generation, name->name);
    generation_note(k, lasting.generation, name->name);
    struct str known = key_known(&k->arena, name);
    TRY(exists(c, k, known, &is_known));
    if (!is_known) {
        TRY(mend(c, known, true));
        check_report(c, c->is_repair, "queue " STR_FMT " is not in the list of all queues",
                     STR_ARG(name->name));
    }
    if (!str_is_present(record.dead_letter_name))
        return OK;
    struct str source =
        key_source(&k->arena, name->account, name->region, record.dead_letter_name, name->name);
    TRY(exists(c, k, source, &is_known));
    if (is_known)
        return OK;
    TRY(mend(c, source, true));
    check_report(c, c->is_repair, "queue " STR_FMT " is not in the list of its dead-letter queue",
                 STR_ARG(name->name));
    return OK;
}

static int
known_check(struct check *c, struct checking *k, struct str key)
{
    struct queue_name name;
    bool is_there;
    TRY(key_known_parse(&k->arena, key, &name));
    TRY(exists(c, k, key_queue(&k->arena, name.account, name.region, name.name), &is_there));
    if (is_there)
        return OK;
    TRY(mend(c, key, false));
    check_report(c, c->is_repair, "the list of all queues has " STR_FMT ", which does not exist",
                 STR_ARG(name.name));
    return OK;
}

static int
source_check(struct check *c, struct checking *k, const struct queue_name *at, struct str key)
{
    struct sqs_queue_record record = {0};
    struct str source, value, dead_letter = at->name; // the fourth element
    TRY(key_source_name(&k->arena, key, &source));
    TRY(check_get(c, key_queue(&k->arena, at->account, at->region, source), &k->arena, &value));
    if (str_is_present(value) &&
        record_decode(&sqs_queue_record_type, value, &k->arena, &record) == OK &&
        str_eq(record.dead_letter_name, dead_letter))
        return OK;
    TRY(mend(c, key, false));
    check_report(c, c->is_repair, STR_FMT " stands as a source of " STR_FMT ", but is none",
                 STR_ARG(source), STR_ARG(dead_letter));
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
    if (str_eq(kind, STR("known")))
        return known_check(c, k, key);
    if (tuple_read_str(&r, &name.name) != OK)
        return OK;
    if (str_eq(kind, STR("queue")))
        return queue_check(c, k, &name, value);
    return str_eq(kind, STR("source")) ? source_check(c, k, &name, key) : OK;
}

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
    struct place p = {STR(""), STR(""), {k->generation, GENERATION_BYTES}};
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
    struct place p = {STR(""), STR(""), {k->generation, GENERATION_BYTES}};
    return kv_add(txn, key_count(kv_txn_arena(txn), &p), k->bodies - k->count);
}

static int
generation_end(struct check *c, struct checking *k)
{
    if (!k->is_known)
        return OK;
    const struct omap_entry *e =
        omap_find(k->by_generation, (struct str){k->generation, GENERATION_BYTES});
    const char *name = e->value;
    if (k->count != k->bodies) {
        if (c->is_repair)
            TRY(kv_run(c->kv, &k->arena, count_body, k));
        check_report(c, c->is_repair, "queue %s counts %lld messages and has %lld", name,
                     (long long)k->count, (long long)k->bodies);
    }
    if (k->bodies != k->places)
        check_report(c, false, "queue %s has %lld messages, and places for %lld", name,
                     (long long)k->bodies, (long long)k->places);
    if (k->groups != k->readies && !k->has_mended_groups)
        check_report(c, false, "queue %s has %lld groups, and %lld that may be read", name,
                     (long long)k->groups, (long long)k->readies);
    return OK;
}

static int
generation_begin(struct check *c, struct checking *k, struct str generation)
{
    TRY(generation_end(c, k));
    memcpy(k->generation, generation.ptr, GENERATION_BYTES);
    k->is_known = omap_find(k->by_generation, generation) != NULL;
    k->count = k->bodies = k->places = k->groups = k->readies = 0;
    k->has_mended_groups = false;
    return k->is_known ? OK : orphan_check(c, k);
}

// The place of a message, which must exist: else receivers would stumble over it for ever.
static int
place_check(struct check *c, struct checking *k, const struct place *p, struct str key,
            struct str message_id, bool counts)
{
    struct message_id id;
    bool is_there = false;
    if (message_id.len == MESSAGE_ID_BYTES) {
        memcpy(id.bytes, message_id.ptr, MESSAGE_ID_BYTES);
        TRY(exists(c, k, key_body(&k->arena, p, &id), &is_there));
    }
    k->places += counts && (is_there || !c->is_repair);
    if (is_there)
        return OK;
    TRY(mend(c, key, false));
    check_report(c, c->is_repair, "a place in a queue for a message that does not exist");
    return OK;
}

static int
slot_check(struct check *c, struct checking *k, const struct place *p, struct str key,
           struct str value)
{
    struct sqs_slot_record slot = {0};
    TRY(record_decode(&sqs_slot_record_type, value, &k->arena, &slot));
    return place_check(c, k, p, key, slot.message_id, true);
}

static int
group_check(struct check *c, struct checking *k, const struct place *p, struct str key,
            struct str value)
{
    struct sqs_group_record group = {0};
    struct str name;
    bool is_there;
    TRY(record_decode(&sqs_group_record_type, value, &k->arena, &group));
    TRY(key_group_parse(&k->arena, key, &name));
    struct str ready = key_ready(&k->arena, p, group.due_ms.value, name);
    TRY(exists(c, k, ready, &is_there));
    k->groups++;
    if (is_there)
        return OK;
    TRY(mend(c, ready, true));
    k->has_mended_groups |= c->is_repair;
    check_report(c, c->is_repair, "a message group that is never read");
    return OK;
}

static int
ready_check(struct check *c, struct checking *k, const struct place *p, struct str key)
{
    struct sqs_group_record group = {0};
    struct str name, value;
    int64_t due_ms;
    TRY(key_ready_parse(&k->arena, key, &due_ms, &name));
    TRY(check_get(c, key_group(&k->arena, p, name), &k->arena, &value));
    if (str_is_present(value) &&
        record_decode(&sqs_group_record_type, value, &k->arena, &group) == OK &&
        group.due_ms.value == due_ms) {
        k->readies++;
        return OK;
    }
    TRY(mend(c, key, false));
    k->readies += !c->is_repair;
    check_report(c, c->is_repair, "a message group is read at a time that is not its own");
    return OK;
}

static int
data_check(struct check *c, void *arg, struct str key, struct str value)
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
    if (!k->is_known || tuple_read_str(&r, &kind) != OK || kind.len != 1)
        return OK;
    struct place p = {STR(""), STR(""), {k->generation, GENERATION_BYTES}};
    // The id is the last element of what has one.
    struct str id = str_slice(key, key.len - MESSAGE_ID_BYTES, key.len);
    switch (kind.ptr[0]) {
    case DATA_COUNT:
        k->count = kv_counter(value);
        return OK;
    case DATA_BODY:
        k->bodies++;
        return OK;
    case DATA_DUE:
        return place_check(c, k, &p, key, id, true);
    case DATA_FLIGHT:
        return place_check(c, k, &p, key, id, false);
    case DATA_SLOT:
        return slot_check(c, k, &p, key, value);
    case DATA_GROUP:
        return group_check(c, k, &p, key, value);
    case DATA_READY:
        return ready_check(c, k, &p, key);
    default:
        return OK;
    }
}

static int
check_all(struct check *c, struct checking *k)
{
    struct str to, from = range_of_sqs(&k->lasting, &to);
    TRY(check_each(c, from, to, name_check, k));
    TRY(check_each(c, from, to, data_check, k));
    return generation_end(c, k);
}

int
sqs_check(struct check *c)
{
    struct checking k = {.by_generation = omap_new(1)};
    arena_init(&k.arena);
    arena_init(&k.lasting);
    int code = check_all(c, &k);
    omap_free(k.by_generation, NULL);
    arena_fini(&k.lasting);
    arena_fini(&k.arena);
    return code;
}
