// Receipt handles: what a receiver shows to delete a message or to change its visibility.
// SPDX-License-Identifier: Apache-2.0
#include "services/sqs/receipt.h"

#include "src/base/encoding.h"
#include "src/store/tuple.h"

struct str
receipt_print(struct arena *a, const struct receipt *r)
{
    struct tuple t;
    struct buf text;
    tuple_init(&t, a);
    tuple_add_fixed(&t, (struct str){r->generation, GENERATION_BYTES});
    tuple_add_fixed(&t, (struct str){r->id.bytes, MESSAGE_ID_BYTES});
    tuple_add_int(&t, r->receive_count);
    tuple_add_int(&t, r->due_ms);
    if (str_is_present(r->group)) {
        tuple_add_fixed(&t, (struct str){r->sequence.bytes, SEQUENCE_BYTES});
        tuple_add_str(&t, r->group);
    }
    buf_init(&text, a, 128);
    base64_encode(tuple_key(&t), &text);
    return buf_str(&text);
}

static int
receipt_read_fifo(struct tuple_reader *reader, struct receipt *out)
{
    struct str sequence;
    int code = tuple_read_fixed(reader, SEQUENCE_BYTES, &sequence);
    if (code == E_NOT_FOUND)
        return OK;
    TRY(code);
    memcpy(out->sequence.bytes, sequence.ptr, SEQUENCE_BYTES);
    return tuple_read_str(reader, &out->group);
}

int
receipt_parse(struct arena *a, struct str text, struct receipt *out)
{
    struct tuple_reader reader;
    struct str bytes, generation, id;
    int64_t count;
    *out = (struct receipt){0};
    TRY(base64_decode(a, text, &bytes));
    tuple_reader_init(&reader, a, bytes);
    TRY(tuple_read_fixed(&reader, GENERATION_BYTES, &generation));
    TRY(tuple_read_fixed(&reader, MESSAGE_ID_BYTES, &id));
    TRY(tuple_read_int(&reader, &count));
    TRY(tuple_read_int(&reader, &out->due_ms));
    memcpy(out->generation, generation.ptr, GENERATION_BYTES);
    memcpy(out->id.bytes, id.ptr, MESSAGE_ID_BYTES);
    out->receive_count = (int32_t)count;
    TRY(receipt_read_fifo(&reader, out));
    return reader.rest.len == 0 ? OK : E_INVALID;
}
