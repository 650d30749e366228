// The groups of a FIFO queue: rows of slots, and the order in which the groups may be read.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/sqs/delivery.h"
#include "services/sqs/receipt.h"

// One message's place in its group.
struct slot {
    struct str key;
    struct sqs_slot_record record;
};

struct groups {
    struct str names[RECEIVE_MAX];
    size_t count;
};

struct sequence sequence_of(const struct kv_stamp *stamp, uint16_t index);
// 20 digits, growing.
struct str sequence_print(struct arena *a, const struct sequence *s);

// At the end of the message's group; the sequence's first bytes become the commit's stamp. history
// is NULL for a new message.
MUST_USE int slot_put(struct kv_txn *txn, const struct place *p, const struct message_id *id,
                      const struct sqs_message_record *m, int64_t due_ms,
                      const struct sequence *sequence, const struct history *history);
// Makes the group when it has no messages yet.
MUST_USE int group_ensure(struct kv_txn *txn, const struct place *p, struct str group,
                          int64_t due_ms);

// The slot and its message. Then settle the group.
MUST_USE int slot_remove(struct kv_txn *txn, const struct place *p, struct str slot_key,
                         const struct message_id *id);
struct message_id slot_message_id(const struct sqs_slot_record *slot);
// The slot that a receipt names. E_NOT_FOUND: its message is gone.
MUST_USE int slot_get(struct kv_txn *txn, const struct place *p, const struct receipt *receipt,
                      struct slot *out);
MUST_USE int slot_set(struct kv_txn *txn, const struct slot *slot);
// The first slots of the group that are due, at most `max`. KV_SNAPSHOT: only to look at them.
MUST_USE int slots_read(struct kv_txn *txn, const struct place *p, struct str group, int64_t now_ms,
                        enum kv_read read, struct slot *out, size_t max, size_t *count);

// Moves the group to its new place among those that may be read, after its slots have changed.
MUST_USE int group_settle(struct kv_txn *txn, const struct place *p, struct str group,
                          int64_t now_ms);
// The groups that may be read now, longest waiting first; a hint, since each is read again.
// *next_due_ms: when the next one may; INT64_MAX: there is none.
MUST_USE int groups_read(struct kv_txn *txn, const struct place *p, int64_t now_ms,
                         struct groups *out, int64_t *next_due_ms);
