// Typed, versioned values: structs that records.json describes, encoded as CBOR.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/store/kv.h"
#include "src/wire/cbor.h"

// Generated per record: `extern const struct record_type sqs_queue_record_type`. A value is one
// version byte and a CBOR map from field ids to values. Readers skip ids that they do not know only
// when the version is known. A record is written as the newest version whenever it is set.
struct record_type {
    const struct wire_model *model;
    uint16_t shape;
    uint8_t version;
    const char *name; // "sqs.queue"
    // Makes a record of today out of one that an older version wrote, whose fields are decoded;
    // NULL: there was only version 1. Generated records whose version is 2 or more must have it.
    int (*upgrade)(uint8_t version, void *record, struct arena *arena);
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
