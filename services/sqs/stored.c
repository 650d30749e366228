// Messages as they lie in the store: their bodies sealed, where the queue wants that.
// SPDX-License-Identifier: Apache-2.0
#include "services/sqs/stored.h"

_Static_assert((int)MESSAGE_ID_BYTES == (int)DATA_ID_BYTES, "a message's id names its content");

int
stored_add(struct kv_txn *txn, const struct queue *q, const struct message_id *id,
           const struct sqs_message_record *message)
{
    struct arena *a = kv_txn_arena(txn);
    struct sqs_message_record stored = *message;
    if (q->record.seals_bodies.value) {
        TRY(data_encode(q->keys, q->record.data_key, queue_id(&q->record), id->bytes, message->body,
                        a, &stored.sealed_body));
        stored.body = (struct str){0};
    }
    TRY(record_set(txn, &sqs_message_record_type, key_body(a, &q->place, id), &stored));
    return kv_add(txn, key_count(a, &q->place), 1);
}

int
stored_del(struct kv_txn *txn, const struct place *p, const struct message_id *id)
{
    struct arena *a = kv_txn_arena(txn);
    TRY(kv_del(txn, key_body(a, p, id)));
    return kv_add(txn, key_count(a, p), -1);
}

int
stored_get(struct kv_txn *txn, const struct queue *q, const struct message_id *id,
           struct sqs_message_record *out)
{
    struct arena *a = kv_txn_arena(txn);
    TRY(record_get(txn, &sqs_message_record_type, key_body(a, &q->place, id), KV_SNAPSHOT, out));
    if (!str_is_present(out->sealed_body))
        return OK;
    int code = data_decode(q->keys, q->record.data_key, queue_id(&q->record), id->bytes,
                           out->sealed_body, a, &out->body);
    out->sealed_body = (struct str){0};
    return code == E_INVALID ? E_IO : code;
}
