// REST requests of a fuzzer: operation, "path?query", headers, an empty line, body.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/wire/protocol.h"
#include "src/wire/validate.h"

enum { FUZZ_HEADERS_MAX = 16 };

static inline struct str
fuzz_line(struct str *rest)
{
    struct str line = {0};
    if (!str_cut(*rest, '\n', &line, rest))
        *rest = (struct str){0};
    return line;
}

static inline int
fuzz_validate(const struct wire_service *s, uint16_t shape, const void *in, struct arena *arena,
              struct wire_problem *problem)
{
    struct wire_patterns patterns;
    wire_patterns_init(&patterns);
    struct wire_checks checks = {s->model, s->wording, &patterns};
    int code = wire_validate(&checks, shape, in, arena, problem);
    wire_patterns_fini(&patterns);
    return code;
}

// Routed, decoded and validated.
static inline void
fuzz_rest(const struct wire_service *s, enum wire_protocol protocol, const uint8_t *data,
          size_t size)
{
    struct arena arena;
    struct wire_problem problem;
    struct header headers[FUZZ_HEADERS_MAX];
    struct wire_request request = {.method = STR("PUT"), .headers = headers};
    struct str rest = {(const char *)data, size};
    arena_init(&arena);
    const struct wire_operation *op = wire_operation_find(s, fuzz_line(&rest));
    str_cut(fuzz_line(&rest), '?', &request.path, &request.query);
    for (struct str line = fuzz_line(&rest);
         line.len > 0 && request.header_count < FUZZ_HEADERS_MAX; line = fuzz_line(&rest)) {
        struct header *h = &headers[request.header_count++];
        if (!str_cut(line, ':', &h->name, &h->value))
            h->value = STR("");
    }
    request.body = rest;
    (void)wire_rest_match(s, &request);
    if (op != NULL && op->input != WIRE_NO_SHAPE) {
        void *in = arena_alloc(&arena, s->model->shapes[op->input].c_size);
        int code = wire_rest_decode(s, op, protocol, &request, &arena, in, &problem);
        if (code == OK)
            code = fuzz_validate(s, op->input, in, &arena, &problem);
        CHECK(code == OK || str_is_present(problem.message));
    }
    arena_fini(&arena);
}
