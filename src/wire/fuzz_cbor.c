// libFuzzer: records. The form is deterministic, so what decodes must encode to the same.
// SPDX-License-Identifier: Apache-2.0
#include "src/wire/cbor.h"
#include "src/wire/test_model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct str
encode(struct arena *arena, const struct test_thing *in)
{
    struct buf b;
    buf_init(&b, arena, 0);
    wire_cbor_encode(&test_model, TEST_THING, in, &b);
    return buf_str(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct test_thing thing, again;
    arena_init(&arena);
    if (wire_cbor_decode(&test_model, TEST_THING, (struct str){(const char *)data, size}, &arena,
                         &thing) == OK) {
        struct str bytes = encode(&arena, &thing);
        CHECK(wire_cbor_decode(&test_model, TEST_THING, bytes, &arena, &again) == OK);
        CHECK(str_eq(encode(&arena, &again), bytes));
    }
    arena_fini(&arena);
    return 0;
}
