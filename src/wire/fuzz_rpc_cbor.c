// libFuzzer: RPC v2 CBOR requests; what is read is written, read again, and written alike.
// SPDX-License-Identifier: Apache-2.0
#include "src/wire/cbor_any.h"
#include "src/wire/rpc_cbor.h"
#include "src/wire/test_model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_encodes(struct arena *arena, const struct test_thing *in)
{
    struct test_thing again;
    struct wire_problem problem;
    struct buf once, twice;
    buf_init(&once, arena, 0);
    buf_init(&twice, arena, 0);
    wire_rpc_cbor_encode(&test_model, TEST_THING, in, &once);
    CHECK(wire_rpc_cbor_decode(&test_model, TEST_THING, buf_str(&once), arena, &again, &problem) ==
          OK);
    wire_rpc_cbor_encode(&test_model, TEST_THING, &again, &twice);
    CHECK(str_eq(buf_str(&once), buf_str(&twice)));
}

// Whatever is read is well-formed as a whole.
static void
check_skips(struct str body)
{
    struct cbor_reader r;
    cbor_reader_init(&r, body);
    CHECK(body.len == 0 || (cbor_any_skip(&r, WIRE_DEPTH_MAX + 2) == OK && r.at == r.end));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct test_thing thing;
    struct wire_problem problem;
    struct str body = {(const char *)data, size};
    arena_init(&arena);
    int code = wire_rpc_cbor_decode(&test_model, TEST_THING, body, &arena, &thing, &problem);
    CHECK(code == OK || (code == E_INVALID && problem.kind != WIRE_PROBLEM_NONE));
    if (code == OK) {
        check_skips(body);
        check_encodes(&arena, &thing);
    }
    arena_fini(&arena);
    return 0;
}
