// A client of the simulated clouds: signed calls over their sockets.
// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/client.h"

#include <stdio.h>

#include "src/auth/sigv4.h"
#include "src/base/timestamp.h"
#include "src/wire/client.h"

enum { ANSWER_BYTES_MAX = 1024 * 1024, READ_BYTES = 4096, AMZ_DATE_BYTES = 16 };

static struct str
amz_date(struct client *c, struct arena *arena)
{
    char *text = arena_alloc_bytes(arena, AMZ_DATE_BYTES);
    timestamp_print_basic(clock_wall_ms(loop_runtime(c->loop)), text);
    return (struct str){text, AMZ_DATE_BYTES};
}

static struct str
print_request(struct client *c, const struct service *s, const struct wire_request *wire,
              struct arena *arena)
{
    struct header headers[16];
    size_t count = 0;
    headers[count++] = (struct header){STR("Host"), arena_print(arena, "localhost:%u", c->port)};
    headers[count++] = (struct header){STR("X-Amz-Date"), amz_date(c, arena)};
    for (size_t i = 0; i < wire->header_count; i++)
        headers[count++] = wire->headers[i];
    CHECK(count <= COUNT_OF(headers));
    struct http_request request = {.method = wire->method,
                                   .target = wire->path,
                                   .path = wire->path,
                                   .headers = headers,
                                   .header_count = count,
                                   .body = wire->body,
                                   .arena = arena};
    struct str authorization = sigv4_authorization(&request, STR("test"), STR("test"),
                                                   STR("us-east-1"), str_of(s->wire->signing_name));
    struct buf out;
    buf_init(&out, arena, 1024 + wire->body.len);
    buf_print(&out, STR_FMT " " STR_FMT " HTTP/1.1\r\n", STR_ARG(wire->method),
              STR_ARG(wire->path));
    for (size_t i = 0; i < count; i++)
        buf_print(&out, STR_FMT ": " STR_FMT "\r\n", STR_ARG(headers[i].name),
                  STR_ARG(headers[i].value));
    buf_print(&out, "Authorization: " STR_FMT "\r\nContent-Length: %zu\r\n\r\n",
              STR_ARG(authorization), wire->body.len);
    buf_put(&out, wire->body);
    return buf_str(&out);
}

static int
connect_to(struct client *c, int64_t deadline_ns)
{
    if (c->socket)
        return OK;
    char text[32];
    struct socket_address address;
    snprintf(text, sizeof(text), "127.0.0.1:%u", c->port);
    TRY(socket_address_parse(str_of(text), &address));
    return socket_connect(c->loop, &address, deadline_ns, &c->socket);
}

// E_AGAIN: there is more to come.
static int
parse_answer(struct str bytes, struct wire_reply *out)
{
    ptrdiff_t end = str_find(bytes, STR("\r\n\r\n"));
    if (end < 0)
        return E_AGAIN;
    struct str head = str_slice(bytes, 0, (size_t)end), line, name, value;
    int64_t status, length = 0;
    CHECK(str_starts(head, STR("HTTP/1.1 ")));
    CHECK(str_to_int64(str_slice(head, 9, 12), &status) == OK);
    for (bool is_more = true; is_more;) {
        is_more = str_cut(head, '\n', &line, &head);
        if (str_cut(line, ':', &name, &value) && str_eq_nocase(name, STR("content-length")))
            CHECK(
                str_to_int64(str_trim(str_slice(value, 0, value.len - str_ends(value, STR("\r")))),
                             &length) == OK);
    }
    out->status = (int)status;
    out->body = str_slice(bytes, (size_t)end + 4, bytes.len);
    CHECK(out->body.len <= (size_t)length);
    return out->body.len < (size_t)length ? E_AGAIN : OK;
}

static int
read_answer(struct client *c, struct arena *arena, int64_t deadline_ns, struct wire_reply *out)
{
    struct buf in;
    buf_init(&in, arena, READ_BYTES);
    char bytes[READ_BYTES];
    while (parse_answer(buf_str(&in), out) == E_AGAIN) {
        ptrdiff_t n = socket_read(c->socket, bytes, sizeof(bytes));
        if (n == E_AGAIN)
            TRY(socket_wait(c->socket, SOCKET_READABLE, deadline_ns));
        else if (n < 0)
            return (int)n;
        else
            buf_put(&in, (struct str){bytes, (size_t)n});
        CHECK(buf_str(&in).len <= ANSWER_BYTES_MAX);
    }
    return OK;
}

static int
exchange(struct client *c, struct str request, struct arena *arena, int64_t deadline_ns,
         struct wire_reply *out)
{
    TRY(connect_to(c, deadline_ns));
    TRY(socket_write_all(c->socket, &request, 1, deadline_ns));
    return read_answer(c, arena, deadline_ns, out);
}

static enum call_result
result_of(const struct wire_reply *reply, struct arena *arena, struct call_error *error)
{
    if (reply->status == 200)
        return CALL_DONE;
    struct wire_error_text text;
    wire_client_decode_error(WIRE_JSON_1_0, reply, arena, &text);
    *error = (struct call_error){reply->status, text.name};
    return reply->status < 500 ? CALL_REFUSED : CALL_UNKNOWN;
}

enum call_result
client_call(struct client *c, const struct service *s, const char *operation, const void *in,
            struct arena *arena, int64_t wait_ms, void *out, struct call_error *error)
{
    const struct wire_operation *op = wire_operation_find(s->wire, str_of(operation));
    struct wire_request wire;
    struct wire_reply reply = {0};
    struct wire_problem problem;
    struct call_error unused;
    if (!error)
        error = &unused;
    *error = (struct call_error){0};
    CHECK(op && wire_client_encode(s->wire, op, WIRE_JSON_1_0, in, arena, &wire) == OK);
    struct str request = print_request(c, s, &wire, arena);
    int64_t deadline_ns = deadline_in_ms(loop_runtime(c->loop), wait_ms);
    if (exchange(c, request, arena, deadline_ns, &reply) != OK) {
        client_close(c);
        return CALL_UNKNOWN;
    }
    enum call_result result = result_of(&reply, arena, error);
    if (result == CALL_DONE && out)
        CHECK(wire_client_decode(s->wire, op, WIRE_JSON_1_0, &reply, arena, out, &problem) == OK);
    return result;
}

void
client_close(struct client *c)
{
    socket_free(c->socket);
    c->socket = NULL;
}
