// Starts clouds and sends signed requests to them.
// SPDX-License-Identifier: Apache-2.0
#include "src/cloud/test_exchange.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

#include "src/base/timestamp.h"

enum { RESPONSE_BYTES_MAX = 64 * 1024, EXCHANGE_MS_MAX = 20 * 1000 };

int
fixture_start(struct fixture *f, const char *listen, char *problem, size_t problem_size)
{
    f->options.store_url = "mem:";
    f->options.loops = 2;
    f->options.log_level = LOG_ERROR;
    f->options.log_fd = STDERR_FILENO;
    f->options.run_twice = true;
    assert_int_equal(socket_address_parse(str_of(listen), &f->options.address), OK);
    arena_init(&f->arena);
    return cloud_new(&f->options, &f->cloud, problem, problem_size);
}

void
fixture_init(struct fixture *f)
{
    char problem[256] = "";
    *f = (struct fixture){0};
    assert_int_equal(fixture_start(f, "127.0.0.1:0", problem, sizeof(problem)), OK);
    assert_true(f->options.address.port != 0);
}

void
fixture_fini(struct fixture *f)
{
    cloud_free(f->cloud);
    arena_fini(&f->arena);
}

struct exchange {
    struct fixture *f;
    struct str request;
    struct str response;
};

static int
exchange_in_fiber(void *arg)
{
    struct exchange *e = arg;
    struct runtime *rt = e->f->cloud->runtime;
    int64_t deadline = deadline_in_ms(rt, EXCHANGE_MS_MAX);
    char *bytes = arena_alloc_bytes(&e->f->arena, RESPONSE_BYTES_MAX);
    struct socket *s;
    size_t len = 0;
    TRY(socket_connect(loop_current(), &e->f->options.address, deadline, &s));
    int code = socket_write_all(s, &e->request, 1, deadline);
    while (code == OK) {
        ptrdiff_t n = socket_read(s, bytes + len, RESPONSE_BYTES_MAX - len);
        if (n > 0)
            len += (size_t)n;
        else
            code = n == E_AGAIN ? socket_wait(s, SOCKET_READABLE, deadline) : (int)n;
    }
    socket_free(s);
    e->response = (struct str){bytes, len};
    return code == E_CLOSED ? OK : code;
}

// The whole response, head and body; the connection is closed after it.
struct str
exchange(struct fixture *f, struct str request)
{
    struct exchange e = {.f = f, .request = request};
    assert_int_equal(runtime_call(f->cloud->runtime, exchange_in_fiber, &e), OK);
    return e.response;
}

void
request_add_header(struct request *r, struct str name, struct str value)
{
    r->headers[r->http.header_count++] = (struct header){name, value};
}

struct str
request_text(const struct request *r)
{
    struct buf out;
    buf_init(&out, r->http.arena, 1024);
    struct str query = r->http.query;
    buf_print(&out, STR_FMT " " STR_FMT "%s" STR_FMT " HTTP/1.1\r\nConnection: close\r\n",
              STR_ARG(r->http.method), STR_ARG(r->http.path), query.len > 0 ? "?" : "",
              STR_ARG(query));
    buf_print(&out, "Content-Length: %zu\r\n", r->http.body.len);
    for (size_t i = 0; i < r->http.header_count; i++)
        buf_print(&out, STR_FMT ": " STR_FMT "\r\n", STR_ARG(r->headers[i].name),
                  STR_ARG(r->headers[i].value));
    buf_put(&out, STR("\r\n"));
    buf_put(&out, r->http.body);
    return buf_str(&out);
}

void
request_init(struct fixture *f, struct request *r, const char *type, const char *body,
             int64_t late_ms)
{
    char *date = arena_alloc_bytes(&f->arena, TIMESTAMP_BASIC_BYTES);
    timestamp_print_basic(clock_wall_ms(f->cloud->runtime) - late_ms, date);
    *r = (struct request){.http = {.method = STR("POST"),
                                   .path = STR("/"),
                                   .body = str_of(body),
                                   .headers = r->headers,
                                   .arena = &f->arena}};
    request_add_header(r, STR("Host"), str_of(f->options.address.text));
    request_add_header(r, STR("X-Amz-Date"), (struct str){date, TIMESTAMP_BASIC_BYTES});
    request_add_header(r, STR("Content-Type"), str_of(type));
}

void
request_sign(struct request *r, const char *key, const char *secret, const char *service)
{
    request_add_header(r, STR("Authorization"),
                       sigv4_authorization(&r->http, str_of(key), str_of(secret), STR("eu-west-1"),
                                           str_of(service)));
}

struct str
call_json(struct fixture *f, const char *operation, const char *body)
{
    struct request r;
    request_init(f, &r, "application/x-amz-json-1.0", body, 0);
    request_add_header(&r, STR("X-Amz-Target"), arena_print(&f->arena, "AmazonFake.%s", operation));
    request_sign(&r, "test", "test", "fake");
    return exchange(f, request_text(&r));
}

struct str
call_query(struct fixture *f, const char *body)
{
    struct request r;
    request_init(f, &r, "application/x-www-form-urlencoded", body, 0);
    request_sign(&r, "123456789012", "test", "fake");
    return exchange(f, request_text(&r));
}

void
assert_has_at(struct str response, struct str text, int line)
{
    if (str_find(response, text) < 0)
        fail_msg("line %d: no " STR_FMT " in\n" STR_FMT, line, STR_ARG(text), STR_ARG(response));
}

struct str
get(struct fixture *f, const char *path, const char *header)
{
    return exchange(f, arena_print(&f->arena,
                                   "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n%s\r\n",
                                   path, f->options.address.text, header));
}
