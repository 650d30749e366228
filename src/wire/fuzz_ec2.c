// libFuzzer: EC2 requests, answered with what was read.
// SPDX-License-Identifier: Apache-2.0
#include "src/wire/ec2.h"
#include "src/wire/test_model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// Everything that can be read from a form can be written as XML and JSON.
static void
check_encodes(struct arena *arena, const struct test_thing *in)
{
    struct test_thing again;
    struct wire_problem problem;
    struct buf xml, json;
    buf_init(&xml, arena, 0);
    buf_init(&json, arena, 0);
    wire_ec2_encode(&test_service, &test_operations[DO_THING], in, STR("id"), &xml);
    CHECK(str_is_utf8(buf_str(&xml)));
    wire_json_encode(&test_model, TEST_THING, in, &json);
    CHECK(wire_json_decode(&test_model, TEST_THING, buf_str(&json), arena, &again, &problem) == OK);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct test_thing thing;
    struct wire_problem problem;
    struct str form = {(const char *)data, size};
    arena_init(&arena);
    int code = wire_ec2_decode(&test_model, TEST_THING, form, &arena, &thing, &problem);
    CHECK(code == OK || (code == E_INVALID && problem.kind != WIRE_PROBLEM_NONE));
    if (code == OK)
        check_encodes(&arena, &thing);
    arena_fini(&arena);
    return 0;
}
