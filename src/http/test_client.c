// Tests of client.h against our own server, and against servers that misbehave.
// SPDX-License-Identifier: Apache-2.0
#include "src/http/client.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "src/http/test_fixture.h"
#include "src/http/tls.h"

enum { SHORT_MS = 50, URL_BYTES = 128, STREAMED_BYTES = 40 * 1000 * 1000 };

static struct fixture x;
static struct http_client *client;
static char ca_path[] = "/tmp/c10m-client-ca-XXXXXX";

static int
setup(void **state)
{
    static struct tls_options tls;
    tls = (struct tls_options){0};
    fixture_start(&x, &(struct runtime_options){.loops = 2},
                  &(struct http_server_options){.tls = &tls});
    client = http_client_new(x.rt, &(struct http_client_options){.ca_path = ca_path});
    return 0;
}

static int
teardown(void **state)
{
    http_client_free(client);
    fixture_end(&x);
    return 0;
}

// One exchange, as a fiber has it.
struct exchange {
    struct arena arena;
    struct http_client_request request;
    struct http_client_response response;
    int code;      // of the head
    int body_code; // of the last read
    char url[URL_BYTES];
    struct buf body; // its beginning
    size_t body_len;
    uint64_t body_sum;
};

static uint64_t
sum_of(uint64_t sum, const char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        sum = sum * 31 + (unsigned char)bytes[i];
    return sum;
}

static void
read_body(struct exchange *e)
{
    static char piece[10000];
    size_t n = 1;
    while (n > 0 && e->body_code == OK) {
        e->body_code = stream_read(e->response.stream, piece, sizeof(piece), &n);
        if (e->body_len < 1000)
            buf_put(&e->body, str_slice((struct str){piece, n}, 0, 1000));
        e->body_sum = sum_of(e->body_sum, piece, n);
        e->body_len += n;
    }
    stream_close(e->response.stream);
}

static int
run_in_fiber(void *arg)
{
    struct exchange *e = arg;
    e->code = http_client_send(client, &e->arena, &e->request, &e->response);
    if (e->code == OK)
        read_body(e);
    return OK;
}

static struct exchange *
exchange_new(const char *method, const char *path)
{
    static struct exchange e;
    e = (struct exchange){0};
    arena_init(&e.arena);
    buf_init(&e.body, &e.arena, 16);
    snprintf(e.url, sizeof(e.url), "http://%s%s", x.options.address.text, path);
    e.request = (struct http_client_request){
        .method = method, .url = e.url, .deadline_ns = deadline_in_ms(x.rt, FAR_MS)};
    return &e;
}

static void
run(struct exchange *e)
{
    assert_int_equal(runtime_call(x.rt, run_in_fiber, e), OK);
}

static void
end(struct exchange *e)
{
    arena_fini(&e->arena);
}

static struct str
header_of(const struct exchange *e, struct str name)
{
    for (size_t i = 0; i < e->response.header_count; i++)
        if (str_eq_nocase(e->response.headers[i].name, name))
            return e->response.headers[i].value;
    return (struct str){0};
}

static void
expect(struct exchange *e, int status, struct str body)
{
    run(e);
    if (e->code != OK)
        fail_msg("%s: %s", code_name(e->code), e->response.problem);
    assert_int_equal(e->body_code, OK);
    assert_int_equal(e->response.status, status);
    assert_true(str_eq(buf_str(&e->body), body));
}

static void
requests_are_answered_on_one_connection(void **state)
{
    struct header cookie = {STR("Cookie"), STR("a=b")};
    for (int i = 0; i < 10; i++) {
        struct exchange *e = exchange_new("GET", "/cookie?c=d");
        e->request.headers = &cookie;
        e->request.header_count = 1;
        expect(e, 200, STR("a=b"));
        assert_true(str_eq(header_of(e, STR("x-method")), STR("GET")));
        end(e);
        e = exchange_new("PUT", "/echo");
        e->request.body = STR("hello");
        expect(e, 200, STR("hello"));
        assert_true(str_eq(header_of(e, STR("X-Method")), STR("PUT")));
        end(e);
        e = exchange_new("POST", "/echo");
        expect(e, 200, STR(""));
        end(e);
        e = exchange_new("HEAD", "/abcd");
        expect(e, 200, STR(""));
        assert_true(str_eq(header_of(e, STR("Content-Length")), STR("5")));
        end(e);
        e = exchange_new("DELETE", "/204");
        expect(e, 204, STR(""));
        end(e);
    }
    struct http_server_stats stats;
    http_server_stats_get(x.server, &stats);
    assert_int_equal(stats.requests, 50);
    assert_int_equal(stats.connections, 1);
}

// Many bytes that nobody holds.
struct counting_stream {
    struct stream stream;
    size_t left;
    uint64_t sum;
    bool is_closed;
    int end;
};

static int
counting_read(struct stream *stream, void *out, size_t size, size_t *got)
{
    struct counting_stream *c = (struct counting_stream *)stream;
    *got = c->left < size ? c->left : size;
    for (size_t i = 0; i < *got; i++)
        ((char *)out)[i] = (char)((c->left - i) % 251);
    c->left -= *got;
    c->sum = sum_of(c->sum, out, *got);
    return *got > 0 ? OK : c->end;
}

static void
counting_close(struct stream *stream)
{
    ((struct counting_stream *)stream)->is_closed = true;
}

static struct counting_stream
counting(size_t len, bool has_length)
{
    return (struct counting_stream){
        .stream = {counting_read, counting_close,
                   has_length ? (int64_t)len : STREAM_LENGTH_UNKNOWN},
        .left = len,
    };
}

static void
streams_go_both_ways_at_once(void **state)
{
    for (int i = 0; i < 2; i++) {
        struct counting_stream up = counting(STREAMED_BYTES, i);
        struct exchange *e = exchange_new("POST", "/stream/echo");
        e->request.stream = &up.stream;
        run(e);
        assert_int_equal(e->code, OK);
        assert_int_equal(e->body_code, OK);
        assert_int_equal(e->body_len, STREAMED_BYTES);
        assert_true(e->body_sum == up.sum && up.is_closed);
        assert_int_equal(e->response.stream != NULL, true);
        end(e);
    }
}

static void
streams_are_read_as_they_come(void **state)
{
    struct exchange *e = exchange_new("GET", "/stream/made");
    run(e);
    assert_int_equal(e->body_code, OK);
    assert_int_equal(e->body_len, MADE_BYTES);
    end(e);
    e = exchange_new("GET", "/stream/short");
    run(e);
    assert_int_equal(e->code, OK);
    assert_int_equal(e->body_code, E_CLOSED);
    end(e);
    e = exchange_new("GET", "/stream/broken");
    run(e);
    assert_int_equal(e->body_code, E_CLOSED);
    end(e);
}

static void
upload_that_fails_fails_the_request(void **state)
{
    struct counting_stream up = counting(1000, true);
    up.stream.length = 2000;
    up.end = E_INVALID;
    struct exchange *e = exchange_new("POST", "/stream/count");
    e->request.stream = &up.stream;
    run(e);
    assert_int_equal(e->code, E_INVALID);
    assert_true(up.is_closed);
    end(e);
}

static void
deadlines_end_requests(void **state)
{
    struct exchange *e = exchange_new("GET", "/sleep");
    e->request.deadline_ns = deadline_in_ms(x.rt, SHORT_MS);
    run(e);
    assert_int_equal(e->code, E_TIMEOUT);
    await_count(&x.cancelled, 1); // the connection was closed
    end(e);
    e = exchange_new("GET", "/stream/endless");
    e->request.read_timeout_ms = SHORT_MS;
    run(e);
    assert_int_equal(e->code, OK);
    assert_int_equal(e->body_code, E_TIMEOUT);
    await_count(&x.cancelled, 2);
    end(e);
}

struct cancelled {
    struct exchange *e;
    atomic_bool is_over;
};

static void
run_to_be_cancelled(void *arg)
{
    struct cancelled *c = arg;
    (void)run_in_fiber(c->e);
    atomic_store(&c->is_over, true);
}

static int
cancel_in_fiber(void *arg)
{
    struct cancelled *c = arg;
    struct fiber *f;
    assert_int_equal(fiber_start(loop_current(), "cancelled", run_to_be_cancelled, c, &f), OK);
    while (atomic_load(&x.waiting) == 0)
        assert_int_equal(fiber_sleep_until(deadline_in_ms(x.rt, 1)), OK);
    fiber_cancel(f);
    while (!atomic_load(&c->is_over))
        assert_int_equal(fiber_sleep_until(deadline_in_ms(x.rt, 1)), OK);
    return OK;
}

static void
cancelled_fibers_give_up(void **state)
{
    struct cancelled c = {.e = exchange_new("GET", "/sleep")};
    assert_int_equal(runtime_call(x.rt, cancel_in_fiber, &c), OK);
    assert_int_equal(c.e->code, E_CANCELLED);
    await_count(&x.cancelled, 1);
    end(c.e);
}

static void
what_is_not_valid_is_refused(void **state)
{
    static const struct {
        const char *method, *url;
        struct header header;
    } wrong[] = {
        {"GET ", NULL, {{"A", 1}, {"b", 1}}},
        {"", NULL, {{"A", 1}, {"b", 1}}},
        {"GET", NULL, {{"A", 1}, {"b\r\nX: y", 7}}},
        {"GET", NULL, {{"A", 1}, {"b\n", 2}}},
        {"GET", NULL, {{"A: b\r\nC", 7}, {"d", 1}}},
        {"GET", NULL, {{"", 0}, {"d", 1}}},
        {"GET", "file:///etc/passwd", {{"A", 1}, {"b", 1}}},
        {"GET", "http://h/a b", {{"A", 1}, {"b", 1}}},
        {"GET", "http://h/\r\nX: y", {{"A", 1}, {"b", 1}}},
        {"GET", "http://", {{"A", 1}, {"b", 1}}},
    };
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        struct exchange *e = exchange_new(wrong[i].method, "/a");
        e->request.url = wrong[i].url ? wrong[i].url : e->url;
        e->request.headers = &wrong[i].header;
        e->request.header_count = 1;
        run(e);
        assert_int_equal(e->code, E_INVALID);
        end(e);
    }
}

// -- TLS

static int
write_ca(void *arg)
{
    struct arena arena;
    struct str pem;
    arena_init(&arena);
    assert_int_equal(http_server_ca_get(x.server, &arena, &pem), OK);
    FILE *f = fopen(ca_path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(pem.ptr, 1, pem.len, f), pem.len);
    assert_int_equal(fclose(f), 0);
    arena_fini(&arena);
    return OK;
}

static void
certificates_are_verified(void **state)
{
    assert_int_equal(runtime_call(x.rt, write_ca, NULL), OK);
    struct exchange *e = exchange_new("POST", "");
    snprintf(e->url, sizeof(e->url), "https://localhost:%u/echo", x.options.address.port);
    e->request.body = STR("hello");
    expect(e, 200, STR("hello"));
    end(e);
    // Who does not know the CA is told what is wrong.
    struct http_client *known = client;
    client = http_client_new(x.rt, &(struct http_client_options){0});
    e = exchange_new("GET", "");
    snprintf(e->url, sizeof(e->url), "https://localhost:%u/a", x.options.address.port);
    run(e);
    assert_int_equal(e->code, E_IO);
    assert_non_null(strstr(e->response.problem, "certificate"));
    end(e);
    http_client_free(client);
    client = known;
}

// -- servers that misbehave

struct bad_server {
    int fd;
    struct str answer;
    pthread_t thread;
};

static void *
serve_badly(void *arg)
{
    struct bad_server *s = arg;
    char bytes[4096];
    int fd = accept(s->fd, NULL, NULL);
    assert_true(fd >= 0);
    assert_true(recv(fd, bytes, sizeof(bytes), 0) > 0);
    (void)send(fd, s->answer.ptr, s->answer.len, MSG_NOSIGNAL);
    close(fd);
    return NULL;
}

static struct exchange *
ask_bad_server(struct str answer)
{
    struct bad_server s = {.fd = socket(AF_INET, SOCK_STREAM, 0), .answer = answer};
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(a);
    assert_int_equal(bind(s.fd, (struct sockaddr *)&a, sizeof(a)), 0);
    assert_int_equal(listen(s.fd, 1), 0);
    assert_int_equal(getsockname(s.fd, (struct sockaddr *)&a, &len), 0);
    assert_int_equal(pthread_create(&s.thread, NULL, serve_badly, &s), 0);
    struct exchange *e = exchange_new("GET", "");
    snprintf(e->url, sizeof(e->url), "http://127.0.0.1:%u/", ntohs(a.sin_port));
    run(e);
    close(s.fd);
    pthread_join(s.thread, NULL);
    return e;
}

static struct str
many_headers(char *out, size_t size, size_t count, size_t value_len)
{
    size_t len = (size_t)snprintf(out, size, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n");
    for (size_t i = 0; i < count; i++)
        len += (size_t)snprintf(out + len, size - len, "X-%zu: %0*d\r\n", i, (int)value_len, 0);
    len += (size_t)snprintf(out + len, size - len, "\r\n");
    return (struct str){out, len};
}

static void
bad_servers_do_no_harm(void **state)
{
    static char bytes[200 * 1024];
    static const struct {
        struct str answer;
        int code;
    } answers[] = {
        {{"", 0}, E_CLOSED},
        {{"SSH-2.0-x\r\n", 11}, E_IO},
        {{"HTTP/1.1 100 Continue\r\n\r\n", 25}, E_CLOSED},
        {{"HTTP/1.1 200 OK\r\nContent-Le", 27}, E_CLOSED},
    };
    for (size_t i = 0; i < COUNT_OF(answers); i++) {
        struct exchange *e = ask_bad_server(answers[i].answer);
        assert_int_not_equal(e->code, OK);
        end(e);
    }
    struct exchange *e = ask_bad_server(many_headers(bytes, sizeof(bytes), 200, 1));
    assert_int_equal(e->code, E_LIMIT);
    end(e);
    e = ask_bad_server(many_headers(bytes, sizeof(bytes), 90, 1000));
    assert_int_equal(e->code, E_LIMIT);
    end(e);
    e = ask_bad_server(many_headers(bytes, sizeof(bytes), 90, 100));
    assert_int_equal(e->code, OK);
    end(e);
    e = exchange_new("GET", "");
    e->request.url = "http://127.0.0.1:1/";
    run(e);
    assert_int_equal(e->code, E_CLOSED);
    assert_true(strlen(e->response.problem) > 0);
    end(e);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(requests_are_answered_on_one_connection),
        TEST(streams_go_both_ways_at_once),
        TEST(streams_are_read_as_they_come),
        TEST(upload_that_fails_fails_the_request),
        TEST(deadlines_end_requests),
        TEST(cancelled_fibers_give_up),
        TEST(what_is_not_valid_is_refused),
        TEST(certificates_are_verified),
        TEST(bad_servers_do_no_harm),
    };
    int fd = mkstemp(ca_path);
    if (fd < 0 || close(fd) != 0)
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(ca_path);
    return failed;
}
