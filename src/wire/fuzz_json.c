// libFuzzer: JSON requests. What decodes must encode to text that decodes to the same.
// SPDX-License-Identifier: Apache-2.0
#include "src/wire/json.h"
#include "src/wire/protocol.h"
#include "src/wire/test_model.h"
#include "src/wire/validate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct str
encode(struct arena *arena, const struct test_thing *in)
{
    struct buf b;
    buf_init(&b, arena, 0);
    wire_json_encode(&test_model, TEST_THING, in, &b);
    return buf_str(&b);
}

static void
check_round_trip(struct arena *arena, const struct test_thing *in)
{
    struct test_thing again;
    struct wire_problem problem;
    struct str text = encode(arena, in);
    CHECK(wire_json_decode(&test_model, TEST_THING, text, arena, &again, &problem) == OK);
    CHECK(str_eq(encode(arena, &again), text));
}

// The reader alone agrees with the interpreter on what is JSON.
static bool
is_json(struct arena *arena, struct str text)
{
    struct json_reader r;
    json_reader_init(&r, text, arena, WIRE_DEPTH_MAX);
    return json_skip(&r) == OK && json_end(&r) == OK;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct test_thing thing;
    struct test_checked checked;
    struct wire_problem problem;
    struct str body = {(const char *)data, size};
    arena_init(&arena);
    if (wire_json_decode(&test_model, TEST_THING, body, &arena, &thing, &problem) == OK) {
        CHECK(size == 0 || is_json(&arena, body));
        check_round_trip(&arena, &thing);
    }
    if (wire_json_decode(&test_model, TEST_CHECKED, body, &arena, &checked, &problem) == OK) {
        struct wire_checks checks = {.m = &test_model};
        int code = wire_validate(&checks, TEST_CHECKED, &checked, &arena, &problem);
        CHECK((code == OK) == (problem.kind == WIRE_PROBLEM_NONE));
    }
    arena_fini(&arena);
    return 0;
}
