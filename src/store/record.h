// Typed, versioned values: structs that records.json describes, encoded as CBOR.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/store/kv.h"
#include "src/wire/cbor.h"

// Generated per record: `extern const struct record_type sqs_queue_record_type`. A value is one
// version byte and a CBOR map from field ids to values. Readers skip ids that they do not know only
// when the version is known.
struct record_type {
    const struct wire_model *model;
    uint16_t shape;
    uint8_t version;
    const char *name; // "sqs.queue"
};

// In place of kv_get and kv_set. E_NOT_FOUND: no such key. E_NEWER: written by a newer build. E_IO:
// the bytes are no such record. *out is filled from the transaction's arena.
MUST_USE int record_get(struct kv_txn *txn, const struct record_type *type, struct str key,
                        enum kv_read read, void *out);
MUST_USE int record_set(struct kv_txn *txn, const struct record_type *type, struct str key,
                        const void *record);
MUST_USE int record_decode(const struct record_type *type, struct str value, struct arena *arena,
                           void *out);
void record_encode(const struct record_type *type, const void *record, struct buf *out);
