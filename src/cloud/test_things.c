// The services of things: their tables are copies of the depot's with other names.
// SPDX-License-Identifier: Apache-2.0
#include "src/cloud/test_things.h"

#include <stdatomic.h>

#include "src/auth/authorise.h"
#include "src/cloud/call.h"
#include "src/cloud/cors.h"
#include "src/wire/test_depot.h"

enum { PIECE_BYTES = 64 * 1024, OPERATIONS_MAX = 32, PERIOD = 65521 /* a prime */ };

static struct wire_service s3_wire, depot_wire;
static service_handler_fn *handlers[OPERATIONS_MAX];
static struct action actions[OPERATIONS_MAX];
static struct action_span operation_actions[OPERATIONS_MAX];
static char period[2 * PERIOD];
static _Atomic size_t taken;

void
thing_fill(char *out, size_t from, size_t n)
{
    for (size_t done = 0, part; done < n; done += part) {
        part = n - done < PERIOD ? n - done : PERIOD;
        memcpy(out + done, period + (from + done) % PERIOD, part);
    }
}

size_t
things_taken(void)
{
    return atomic_exchange(&taken, 0);
}

static int
put_thing(struct call *c, const void *input, void *out)
{
    const struct depot_put_thing_request *in = input;
    bool is_checked = str_eq(in->Key, STR("large"));
    char *got = arena_alloc_bytes(c->arena, PIECE_BYTES);
    char *wanted = arena_alloc_bytes(c->arena, PIECE_BYTES);
    size_t at = 0, n = 1;
    while (n > 0) {
        TRY(stream_read(in->Body, got, PIECE_BYTES, &n));
        thing_fill(wanted, at, n);
        if (is_checked && memcmp(got, wanted, n) != 0)
            return fault(c, FAULT_INTERNAL, "A byte behind %zu is wrong.", at);
        at += n;
    }
    atomic_store(&taken, at);
    return OK;
}

static int
delete_things(struct call *c, const void *in, void *out)
{
    return OK;
}

struct thing {
    struct stream stream;
    size_t at, size;
};

static int
thing_read(struct stream *stream, void *out, size_t size, size_t *got)
{
    struct thing *t = (struct thing *)stream;
    *got = t->size - t->at < size ? t->size - t->at : size;
    thing_fill(out, t->at, *got);
    t->at += *got;
    return OK;
}

static int
get_thing(struct call *c, const void *input, void *out)
{
    const struct depot_thing_request *in = input;
    struct depot_get_thing_output *output = out;
    struct thing *t = ARENA_NEW(c->arena, struct thing);
    int64_t size;
    TRY(str_to_int64(in->Key, &size));
    *t = (struct thing){{.read = thing_read, .length = size}, .size = (size_t)size};
    output->Body = &t->stream;
    return OK;
}

static int
open_to_everybody(struct call *c, struct access *access)
{
    access->is_open = true;
    return OK;
}

#define WORDS(...)                                                                                 \
    {(const struct str[]){__VA_ARGS__},                                                            \
     sizeof((const struct str[]){__VA_ARGS__}) / sizeof(struct str)}
#define WORD(s) {s, sizeof(s) - 1}

static const struct cors_rule open_rules[] = {
    {
        .origins = WORDS(WORD("http://app.test")),
        .methods = WORDS(WORD("GET")),
        .headers = WORDS(WORD("*")),
        .exposed = WORDS(WORD("x-amz-request-id")),
        .max_age_s = 600,
        .allows_credentials = true,
    },
    {
        .origins = WORDS(WORD("http://*.app.test")),
        .methods = WORDS(WORD("GET"), WORD("PUT")),
        .headers = WORDS(WORD("x-*"), WORD("Content-Type")),
        .max_age_s = -1,
    },
};
static const struct cors_rule any_rules[] = {
    {.origins = WORDS(WORD("*")), .methods = WORDS(WORD("GET")), .allows_credentials = true},
};

static int
cors_of_box(struct cloud *cloud, void *state, const struct http_request *request,
            struct cors_rules *out)
{
    if (str_starts(request->path, STR("/open/")))
        *out = (struct cors_rules){open_rules, COUNT_OF(open_rules)};
    else if (str_starts(request->path, STR("/any/")))
        *out = (struct cors_rules){any_rules, COUNT_OF(any_rules)};
    return OK;
}

#define SERVICE(wire_, is_s3_)                                                                     \
    {                                                                                              \
        .wire = &(wire_),                                                                          \
        .handlers = handlers,                                                                      \
        .payloads = 0xff,                                                                          \
        .actions = actions,                                                                        \
        .operation_actions = operation_actions,                                                    \
        .authorise = open_to_everybody,                                                            \
        .admits_anonymous = true,                                                                  \
        .cors = (is_s3_) ? cors_of_box : NULL,                                                     \
        .checks_digests = (is_s3_),                                                                \
    }

static const struct service s3 = SERVICE(s3_wire, true), depot_service = SERVICE(depot_wire, false);
const struct service *const things_s3 = &s3, *const things_depot = &depot_service;
const struct service *const service_registry[] = {&s3, &depot_service, NULL};

static void
set_handler(const char *operation, service_handler_fn *handler)
{
    handlers[wire_operation_index(depot, wire_operation_find(depot, str_of(operation)))] = handler;
}

int
things_setup(void **state)
{
    s3_wire = depot_wire = *depot;
    s3_wire.name = s3_wire.signing_name = "s3";
    s3_wire.protocols = 1u << WIRE_REST_XML;
    depot_wire.protocols = 1u << WIRE_REST_JSON;
    depot_wire.has_bare_errors = false;
    CHECK(depot->operation_count <= OPERATIONS_MAX);
    for (size_t i = 0; i < depot->operation_count; i++) {
        actions[i] = (struct action){.name = depot->operations[i].name, .level = ACCESS_WRITE};
        operation_actions[i] = (struct action_span){(uint16_t)i, 1};
    }
    set_handler("PutThing", put_thing);
    set_handler("GetThing", get_thing);
    set_handler("DeleteThings", delete_things);
    for (size_t i = 0; i < sizeof(period); i++)
        period[i] = (char)(i % PERIOD * 2654435761u >> 13);
    return 0;
}
