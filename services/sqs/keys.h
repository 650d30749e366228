// Where SQS keeps what in the store.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/store/kv.h"
#include "src/store/tuple.h"

// By name (keys.c):
// ("sqs", account, region, "queue", name)                    Queue
// ("sqs", account, region, "source", dead-letter name, name) empty; its RedrivePolicy names it
// ("sqs", account, region, "deleted", name)                  Deleted; not to be used yet
//
// Work that waits for c10m itself:
// ("sqs", "", "", "known", account, region, name)            empty; there is such a queue
// ("sqs", "", "", "moving", account, region, name)           Moving; its task is active
// ("sqs", "", "", "release", until_ms, account, region, name) empty; the name is free then
//
// What a queue holds is ("sqs", generation, kind, ...) (keys_data.c):
// "c"                            counter: messages held
// "b", id                        Message
// Standard queues:
// "d", due_ms, id                Delivery; visible from due_ms on
// "f", id                        Flight; once its visibility timeout was changed
// FIFO queues:
// "s", group, sequence           Slot; the order of the group
// "g", group                     Group; while it has slots
// "r", due_ms, group             empty; the group may be read
// "a", attempt id                Attempt
// "A", until_ms, attempt id      empty
// What outlives a purge, below the lasting generation:
// "t"                            Tags; of queues of an older build only (listed.h)
// "e", scope, dedup id           Duplicate
// "E", expires_ms, scope, dedup id  empty
// "m", started_ms, task id       Move
//
// A generation is the random id of the queue, then a random one of its own: a purge changes the
// second half only, and the lasting one has zeros there. So deleting or purging a queue flips one
// record, and a new queue of the same name never sees old messages.
enum data_kind {
    DATA_COUNT = 'c',
    DATA_BODY = 'b',
    DATA_DUE = 'd',
    DATA_FLIGHT = 'f',
    DATA_SLOT = 's',
    DATA_GROUP = 'g',
    DATA_READY = 'r',
    DATA_ATTEMPT = 'a',
    DATA_UNATTEMPT = 'A',
    DATA_TAGS = 't',
    DATA_SEEN = 'e',
    DATA_UNSEE = 'E',
    DATA_MOVE = 'm',
};

enum {
    QUEUE_ID_BYTES = 8,
    GENERATION_BYTES = 16,
    MESSAGE_ID_BYTES = 16,
    SEQUENCE_BYTES = KV_STAMP_BYTES + 2,
};

struct message_id {
    char bytes[MESSAGE_ID_BYTES];
};

// The place of a message in its FIFO queue: the stamp of the commit that sent it, then its
// big-endian place in that batch.
struct sequence {
    char bytes[SEQUENCE_BYTES];
};

// The place of a queue's data: what its keys begin with.
struct place {
    struct str account;
    struct str region;
    struct str generation;
};

// A whole queue's name: what the keys of the whole c10m hold.
struct queue_name {
    struct str account;
    struct str region;
    struct str name;
};

struct str key_queue(struct arena *a, struct str account, struct str region, struct str name);
// All queues of the account in the region whose names begin with prefix and come after `after`.
void key_queue_range(struct arena *a, struct str account, struct str region, struct str prefix,
                     struct str after, struct str *from, struct str *to);
MUST_USE int key_queue_name(struct arena *a, struct str key, struct str *out);
// E_INVALID: not the key of a queue's record. So do the other two of queue_set's keys.
MUST_USE int key_queue_parse(struct arena *a, struct str key, struct queue_name *out);

// Every queue of every account and region, after that of `after` (NULL: from the first).
struct str key_known(struct arena *a, const struct queue_name *name);
void key_known_range(struct arena *a, const struct queue_name *after, struct str *from,
                     struct str *to);
MUST_USE int key_known_parse(struct arena *a, struct str key, struct queue_name *out);

struct str key_source(struct arena *a, struct str account, struct str region,
                      struct str dead_letter_name, struct str name);
// The sources of a dead-letter queue.
void key_source_range(struct arena *a, struct str account, struct str region,
                      struct str dead_letter_name, struct str *from, struct str *to);
MUST_USE int key_source_parse(struct arena *a, struct str key, struct queue_name *source);

struct str key_deleted(struct arena *a, const struct queue_name *name);
struct str key_release(struct arena *a, int64_t until_ms, const struct queue_name *name);
// Names that are free at now_ms.
void key_release_range(struct arena *a, int64_t now_ms, struct str *from, struct str *to);
MUST_USE int key_release_parse(struct arena *a, struct str key, struct queue_name *out);

struct str key_moving(struct arena *a, const struct queue_name *source);
// All, after the one of that source (NULL: from the first).
void key_moving_range(struct arena *a, const struct queue_name *after, struct str *from,
                      struct str *to);
// Those of one account in one region.
void key_moving_account_range(struct arena *a, struct str account, struct str region,
                              struct str *from, struct str *to);
MUST_USE int key_moving_parse(struct arena *a, struct str key, struct queue_name *out);

void key_data_range(struct arena *a, const struct place *p, struct str *from, struct str *to);
// All keys of SQS: those by name, and behind them those of data.
void key_ranges(struct arena *a, struct str *names, struct str *data, struct str *end);
// The place of what outlives a purge of the queue.
struct place place_lasting(struct arena *a, const struct place *p);
struct str key_tags(struct arena *a, const struct place *p);
struct str key_move(struct arena *a, const struct place *p, int64_t started_ms, struct str task_id);
void key_move_range(struct arena *a, const struct place *p, struct str *from, struct str *to);
MUST_USE int key_move_parse(struct arena *a, struct str key, int64_t *started_ms,
                            struct str *task_id);

struct str key_count(struct arena *a, const struct place *p);
struct str key_body(struct arena *a, const struct place *p, const struct message_id *id);

struct str key_due(struct arena *a, const struct place *p, int64_t due_ms,
                   const struct message_id *id);
// From the first entry after (due_ms, id) to the last of the queue; id NULL: from due_ms on.
void key_due_range(struct arena *a, const struct place *p, int64_t due_ms,
                   const struct message_id *id, struct str *from, struct str *to);
// What all of them begin with.
struct str key_due_start(struct arena *a, const struct place *p);
MUST_USE int key_due_parse(struct arena *a, struct str key, int64_t *due_ms, struct message_id *id);
struct str key_flight(struct arena *a, const struct place *p, const struct message_id *id);

// The sequence is the end of the key, which kv_set_stamped fills in.
struct str key_slot(struct arena *a, const struct place *p, struct str group,
                    const struct sequence *sequence);
void key_slot_range(struct arena *a, const struct place *p, struct str group, struct str *from,
                    struct str *to);
void key_slots_range(struct arena *a, const struct place *p, struct str *from, struct str *to);
struct sequence key_slot_sequence(struct str key);
struct str key_group(struct arena *a, const struct place *p, struct str group);
// From the first group after that one (absent: from the first) to the last of the queue.
void key_group_range(struct arena *a, const struct place *p, struct str after, struct str *from,
                     struct str *to);
MUST_USE int key_group_parse(struct arena *a, struct str key, struct str *group);
struct str key_ready(struct arena *a, const struct place *p, int64_t due_ms, struct str group);
void key_ready_range(struct arena *a, const struct place *p, struct str *from, struct str *to);
struct str key_ready_start(struct arena *a, const struct place *p);
MUST_USE int key_ready_parse(struct arena *a, struct str key, int64_t *due_ms, struct str *group);

struct str key_attempt(struct arena *a, const struct place *p, struct str attempt_id);
struct str key_unattempt(struct arena *a, const struct place *p, int64_t until_ms,
                         struct str attempt_id);
// Attempts that are over at now_ms.
void key_unattempt_range(struct arena *a, const struct place *p, int64_t now_ms, struct str *from,
                         struct str *to);
MUST_USE int key_unattempt_parse(struct arena *a, struct str key, struct str *attempt_id);

struct str key_seen(struct arena *a, const struct place *p, struct str scope, struct str dedup_id);
struct str key_unsee(struct arena *a, const struct place *p, int64_t expires_ms, struct str scope,
                     struct str dedup_id);
// Entries that have expired at now_ms.
void key_unsee_range(struct arena *a, const struct place *p, int64_t now_ms, struct str *from,
                     struct str *to);
MUST_USE int key_unsee_parse(struct arena *a, struct str key, struct str *scope,
                             struct str *dedup_id);
