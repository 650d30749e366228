// The deduplication ids that a FIFO queue remembers.
// SPDX-License-Identifier: Apache-2.0
#include "services/sqs/duplicates.h"

enum { FORGOTTEN_PER_SEND = 4 };

// Deduplication ids count per queue, or per group in high-throughput mode.
static struct str
scope_of(const struct queue *q, const struct sqs_message_record *m)
{
    return q->record.deduplicates_per_group.value ? m->group_id : STR("");
}

static int
forget_one(struct kv_txn *txn, const struct place *p, struct str unsee, int64_t now_ms)
{
    struct arena *a = kv_txn_arena(txn);
    struct sqs_duplicate_record seen;
    struct str scope, dedup_id;
    TRY(key_unsee_parse(a, unsee, &scope, &dedup_id));
    TRY(kv_del(txn, unsee));
    struct str key = key_seen(a, p, scope, dedup_id);
    int code = record_get(txn, &sqs_duplicate_record_type, key, KV_SERIALIZABLE, &seen);
    if (code != OK)
        return code == E_NOT_FOUND ? OK : code;
    // The id may have been used again since.
    return seen.expires_ms.value <= now_ms ? kv_del(txn, key) : OK;
}

// Forgets a few of the deduplication ids whose time is over: each send makes one and removes more.
int
duplicates_forget_some(struct kv_txn *txn, const struct place *p, int64_t now_ms)
{
    struct arena *a = kv_txn_arena(txn);
    struct kv_range range = {.limit = FORGOTTEN_PER_SEND, .read = KV_SNAPSHOT};
    struct str expired[FORGOTTEN_PER_SEND], value;
    size_t count = 0;
    key_unsee_range(a, p, now_ms, &range.from, &range.to);
    struct kv_iter *it;
    TRY(kv_range_open(txn, &range, &it));
    int code = OK;
    while (code == OK && count < FORGOTTEN_PER_SEND) {
        code = kv_iter_next(it, &expired[count], &value);
        count += code == OK;
    }
    kv_iter_close(it);
    if (code != OK && code != E_NOT_FOUND)
        return code;
    for (size_t i = 0; i < count; i++)
        TRY(forget_one(txn, p, expired[i], now_ms));
    return OK;
}

static struct str
seen_key(struct kv_txn *txn, const struct queue *q, const struct sqs_message_record *m)
{
    return key_seen(kv_txn_arena(txn), &q->place, scope_of(q, m), m->deduplication_id);
}

int
duplicate_get(struct kv_txn *txn, const struct queue *q, const struct sqs_message_record *m,
              struct message_id *id, bool *is_duplicate, struct sequence *original)
{
    struct sqs_duplicate_record seen;
    struct str key = seen_key(txn, q, m);
    int code = record_get(txn, &sqs_duplicate_record_type, key, KV_SERIALIZABLE, &seen);
    *is_duplicate = code == OK && seen.expires_ms.value > m->sent_ms.value;
    if (*is_duplicate) {
        memcpy(id->bytes, seen.message_id.ptr, MESSAGE_ID_BYTES);
        memcpy(original->bytes, seen.sequence.ptr, SEQUENCE_BYTES);
    }
    return code == E_NOT_FOUND ? OK : code;
}

int
duplicate_set(struct kv_txn *txn, const struct queue *q, const struct sqs_message_record *m,
              const struct message_id *id, const struct sequence *sequence)
{
    struct arena *a = kv_txn_arena(txn);
    int64_t expires_ms = m->sent_ms.value + DEDUPLICATION_MS;
    struct sqs_duplicate_record seen = {
        .message_id = {id->bytes, MESSAGE_ID_BYTES},
        .expires_ms = OPT_LONG(expires_ms),
        .sequence = {sequence->bytes, SEQUENCE_BYTES},
    };
    struct buf value;
    buf_init(&value, a, 64);
    record_encode(&sqs_duplicate_record_type, &seen, &value);
    // The sequence is the last field, so its bytes are the last of the value.
    TRY(kv_set_stamped(txn, seen_key(txn, q, m), KV_NO_STAMP, buf_str(&value),
                       value.len - SEQUENCE_BYTES));
    return kv_set(txn, key_unsee(a, &q->place, expires_ms, scope_of(q, m), m->deduplication_id),
                  STR(""));
}
