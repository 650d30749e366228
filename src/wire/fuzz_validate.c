// libFuzzer: JSON requests that a model with rules of every kind judges.
// SPDX-License-Identifier: Apache-2.0
#include "src/wire/protocol.h"
#include "src/wire/test_rules.h"
#include "src/wire/validate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
judge(struct arena *arena, enum wire_wording wording, const struct rules_input *in)
{
    struct wire_patterns patterns;
    struct wire_problem problem;
    wire_patterns_init(&patterns);
    struct wire_checks checks = {rules->model, wording, &patterns};
    int code = wire_validate(&checks, rules->operations[0].input, in, arena, &problem);
    CHECK((code == OK) == (problem.kind == WIRE_PROBLEM_NONE));
    CHECK((code == OK) == (problem.message.len == 0));
    wire_patterns_fini(&patterns);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct rules_input in;
    struct wire_problem problem;
    struct str body = {(const char *)data, size};
    arena_init(&arena);
    if (wire_json_decode(rules->model, rules->operations[0].input, body, &arena, &in, &problem) ==
        OK) {
        judge(&arena, WIRE_WORDING_JOINED, &in);
        judge(&arena, WIRE_WORDING_SQS, &in);
        judge(&arena, WIRE_WORDING_EC2, &in);
    }
    arena_fini(&arena);
    return 0;
}
