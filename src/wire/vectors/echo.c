// What the protocol interpreters make of AWS's protocol tests: cases come in by the standard input.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "src/wire/client.h"
#include "src/wire/ec2.h"
#include "src/wire/rpc_cbor.h"
#include "src/wire/vectors/vectors.h"

// A case is a run of fields, each its length in decimal, a line feed and its bytes; so are answers.
struct run {
    struct arena arena;
    const struct wire_operation *op;
    enum wire_protocol protocol;
};

static struct str
read_field(struct run *r)
{
    size_t size;
    if (scanf("%zu", &size) != 1)
        return (struct str){0};
    CHECK(getchar() == '\n');
    char *bytes = arena_alloc_bytes(&r->arena, size);
    CHECK(fread(bytes, 1, size, stdin) == size);
    return (struct str){bytes, size};
}

static size_t
read_number(struct run *r)
{
    int64_t n;
    CHECK(str_to_int64(read_field(r), &n) == OK);
    return (size_t)n;
}

static void
write_field(struct str s)
{
    printf("%zu\n", s.len);
    if (s.len > 0)
        (void)fwrite(s.ptr, 1, s.len, stdout); // a broken pipe ends the program
}

static void
write_headers(struct run *r, const struct header *headers, size_t count)
{
    write_field(arena_print(&r->arena, "%zu", count));
    for (size_t i = 0; i < count; i++) {
        write_field(headers[i].name);
        write_field(headers[i].value);
    }
}

static struct header *
read_headers(struct run *r, size_t *count)
{
    *count = read_number(r);
    struct header *headers = ARENA_ARRAY(&r->arena, *count, struct header);
    for (size_t i = 0; i < *count; i++) {
        headers[i].name = read_field(r);
        headers[i].value = read_field(r);
    }
    return headers;
}

static void *
new_value(struct run *r, uint16_t shape)
{
    return shape == WIRE_NO_SHAPE ? NULL
                                  : arena_alloc(&r->arena, vectors_plain->shapes[shape].c_size);
}

// The outcome of a decoder, and the value as plain JSON.
static void
write_value(struct run *r, uint16_t shape, const void *value, int code,
            const struct wire_problem *problem)
{
    struct buf json;
    buf_init(&json, &r->arena, 0);
    if (shape != WIRE_NO_SHAPE && code == OK)
        wire_json_encode(vectors_plain, shape, value, &json);
    write_field(code == OK ? STR("ok") : problem->message);
    write_field(buf_str(&json));
}

static void *
read_value(struct run *r, uint16_t shape)
{
    struct wire_problem problem;
    struct str json = read_field(r);
    void *value = new_value(r, shape);
    if (shape != WIRE_NO_SHAPE)
        CHECK(wire_json_decode(vectors_plain, shape, json, &r->arena, value, &problem) == OK);
    return value;
}

static int
decode(struct run *r, const struct wire_request *request, void *in, struct wire_problem *problem)
{
    const struct wire_model *m = vectors->model;
    if (r->op->input == WIRE_NO_SHAPE)
        return OK;
    if (r->protocol == WIRE_REST_JSON || r->protocol == WIRE_REST_XML)
        return wire_rest_decode(vectors, r->op, r->protocol, request, &r->arena, in, problem);
    if (r->protocol == WIRE_QUERY)
        return wire_query_decode(m, r->op->input, request->body, &r->arena, in, problem);
    if (r->protocol == WIRE_EC2)
        return wire_ec2_decode(m, r->op->input, request->body, &r->arena, in, problem);
    if (r->protocol == WIRE_RPC_V2_CBOR)
        return wire_rpc_cbor_decode(m, r->op->input, request->body, &r->arena, in, problem);
    return wire_json_decode(m, r->op->input, request->body, &r->arena, in, problem);
}

static void
run_request(struct run *r)
{
    struct wire_problem problem = {0};
    struct str method = read_field(r), uri = read_field(r);
    size_t count;
    struct header *headers = read_headers(r, &count);
    struct wire_request request = {method, uri, {0}, headers, count, read_field(r)};
    str_cut(uri, '?', &request.path, &request.query);
    void *in = new_value(r, r->op->input);
    int code = decode(r, &request, in, &problem);
    write_value(r, r->op->input, in, code, &problem);
    const struct wire_operation *match = wire_rest_match(vectors, &request);
    write_field(match == NULL ? STR("") : str_of(wire_text(vectors->model, match->name)));
}

static void
encode(struct run *r, const void *out, struct wire_response *response)
{
    if (r->protocol == WIRE_REST_JSON || r->protocol == WIRE_REST_XML)
        wire_rest_encode(vectors, r->op, r->protocol, out, response);
    else if (r->protocol == WIRE_QUERY)
        wire_query_encode(vectors, r->op, out, STR("id"), &response->body);
    else if (r->protocol == WIRE_EC2)
        wire_ec2_encode(vectors, r->op, out, STR("id"), &response->body);
    else if (r->op->output != WIRE_NO_SHAPE && r->protocol == WIRE_RPC_V2_CBOR)
        wire_rpc_cbor_encode(vectors->model, r->op->output, out, &response->body);
    else if (r->op->output != WIRE_NO_SHAPE)
        wire_json_encode(vectors->model, r->op->output, out, &response->body);
}

static void
write_response(struct run *r, const struct wire_response *response)
{
    write_field(arena_print(&r->arena, "%d", response->status));
    write_headers(r, response->headers, response->header_count);
    write_field(buf_str(&response->body));
}

static void
run_response(struct run *r)
{
    struct wire_response response;
    wire_response_init(&response, &r->arena, false);
    encode(r, read_value(r, r->op->output), &response);
    write_response(r, &response);
}

static const struct wire_error *
find_error(struct str name)
{
    for (size_t i = 0; i < vectors->error_count; i++) {
        if (str_eq(name, str_of(wire_text(vectors->model, vectors->errors[i].name))))
            return &vectors->errors[i];
    }
    CHECK(!"an error of the tables");
}

static void
encode_error(struct run *r, const struct wire_error_text *e, struct wire_response *response)
{
    if (r->protocol == WIRE_REST_JSON || r->protocol == WIRE_REST_XML)
        wire_rest_encode_error(vectors, r->protocol, e, STR("foo-id"), response);
    else if (r->protocol == WIRE_QUERY)
        wire_query_encode_error(vectors, e, STR("foo-id"), &response->body);
    else if (r->protocol == WIRE_EC2)
        wire_ec2_encode_error(e, STR("foo-id"), &response->body);
    else if (r->protocol == WIRE_RPC_V2_CBOR)
        wire_rpc_cbor_encode_error(e, &response->body);
    else
        wire_json_encode_error(e, &response->body);
}

static void
run_error(struct run *r)
{
    struct wire_response response;
    const struct wire_error *error = find_error(read_field(r));
    struct wire_error_text e = {.name = read_field(r), .m = vectors->model};
    e.query_code = e.name;
    e.message = read_field(r);
    if (e.message.len == 0)
        e.message.ptr = NULL;
    e.is_sender = error->is_sender;
    e.shape = error->shape;
    if (error->message_name != 0)
        e.message_name = str_of(wire_text(vectors->model, error->message_name));
    e.context = read_value(r, error->shape);
    wire_response_init(&response, &r->arena, false);
    response.status = error->status;
    encode_error(r, &e, &response);
    write_response(r, &response);
}

static void
run_client_request(struct run *r)
{
    struct wire_request request = {0};
    void *in = read_value(r, r->op->input);
    int code = wire_client_encode(vectors, r->op, r->protocol, in, &r->arena, &request);
    write_field(code == OK ? STR("ok") : STR("failed"));
    write_field(request.method);
    write_field(request.path);
    write_field(request.query);
    write_headers(r, request.headers, request.header_count);
    write_field(request.body);
}

static struct wire_reply
read_reply(struct run *r)
{
    struct wire_reply reply = {.status = (int)read_number(r)};
    reply.headers = read_headers(r, &reply.header_count);
    reply.body = read_field(r);
    return reply;
}

static void
run_client_response(struct run *r)
{
    struct wire_problem problem = {0};
    struct wire_reply reply = read_reply(r);
    void *out = new_value(r, r->op->output);
    int code = wire_client_decode(vectors, r->op, r->protocol, &reply, &r->arena, out, &problem);
    write_value(r, r->op->output, out, code, &problem);
}

static void
run_client_error(struct run *r)
{
    struct wire_error_text e;
    struct wire_reply reply = read_reply(r);
    wire_client_decode_error(r->protocol, &reply, &r->arena, &e);
    write_field(e.name);
    write_field(e.message);
}

static const struct {
    const char *name;
    void (*run)(struct run *r);
} modes[] = {
    {"request", run_request},
    {"response", run_response},
    {"error", run_error},
    {"client-request", run_client_request},
    {"client-response", run_client_response},
    {"client-error", run_client_error},
};

static bool
run_case(struct run *r)
{
    struct str mode = read_field(r);
    if (!str_is_present(mode))
        return false;
    r->op = wire_operation_find(vectors, read_field(r));
    CHECK(r->op != NULL);
    for (size_t i = 0; i < COUNT_OF(modes); i++) {
        if (str_eq(mode, str_of(modes[i].name)))
            modes[i].run(r);
    }
    return true;
}

int
main(int argc, char **argv)
{
    struct run r = {0};
    while ((vectors->protocols & 1u << r.protocol) == 0)
        r.protocol++;
    for (bool more = true; more;) {
        arena_init(&r.arena);
        more = run_case(&r);
        arena_fini(&r.arena);
    }
    return 0;
}
