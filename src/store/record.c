// Typed, versioned values: structs that records.json describes, encoded as CBOR.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/record.h"

#include "src/base/buf.h"

enum { RECORD_BYTES_HINT = 256 };

int
record_decode(const struct record_type *type, struct str value, struct arena *arena, void *out)
{
    if (value.len == 0)
        return E_IO;
    uint8_t version = (uint8_t)value.ptr[0];
    if (version > type->version)
        return E_NEWER;
    struct str cbor = str_slice(value, 1, value.len);
    if (version == 0 || wire_cbor_decode(type->model, type->shape, cbor, arena, out) != OK)
        return E_IO;
    if (version < type->version && type->upgrade)
        return type->upgrade(version, out, arena);
    return OK;
}

void
record_encode(const struct record_type *type, const void *record, struct buf *out)
{
    buf_put_char(out, (char)type->version);
    wire_cbor_encode(type->model, type->shape, record, out);
}

int
record_get(struct kv_txn *txn, const struct record_type *type, struct str key, enum kv_read read,
           void *out)
{
    struct str value;
    TRY(kv_get(txn, key, read, &value));
    if (!str_is_present(value))
        return E_NOT_FOUND;
    return record_decode(type, value, kv_txn_arena(txn), out);
}

int
record_set(struct kv_txn *txn, const struct record_type *type, struct str key, const void *record)
{
    struct buf value;
    buf_init(&value, kv_txn_arena(txn), RECORD_BYTES_HINT);
    record_encode(type, record, &value);
    return kv_set(txn, key, buf_str(&value));
}
