// Tests of HTTP/2 on the server's port, with libnghttp2's client side.
// SPDX-License-Identifier: Apache-2.0
#include "src/http/h2.h"

#include <nghttp2/nghttp2.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "src/http/test_tls_client.h"
#include "src/http/tls.h"

enum { SHORT_MS = 50, SLOTS = 512, FIELDS_MAX = 120, BODY_KEPT = 64 };

// One request of the client and what came of it.
struct exchange {
    int status;
    bool has_continue;
    bool is_closed;
    uint32_t error;
    size_t body_len;
    char body[BODY_KEPT];
    char fields[512]; // "name: value\n"
    struct str upload;
    bool is_held; // the upload stops before its end
    bool has_trailer;
};

struct h2_client {
    struct tls_client tls; // only its plain part without TLS
    bool has_tls;
    nghttp2_session *session;
    struct exchange exchanges[SLOTS]; // by (stream id - 1) / 2
    bool has_goaway;
    uint32_t goaway_error;
    int32_t goaway_last;
    bool is_at_end;
};

static struct fixture x;
static struct h2_client c;
static struct tls_options tls_options;
static bool keeps_window_closed; // of the next client

// -- the client

static struct exchange *
at(int32_t id)
{
    assert_true(id > 0 && (id - 1) / 2 < SLOTS);
    return &c.exchanges[(id - 1) / 2];
}

static void
send_out(void)
{
    const uint8_t *bytes;
    ssize_t n;
    while ((n = nghttp2_session_mem_send(c.session, &bytes)) > 0) {
        struct str part = {(const char *)bytes, (size_t)n};
        if (c.has_tls)
            tls_client_send(&c.tls, part);
        else
            client_send(&c.tls.plain, part);
    }
    assert_int_equal(n, 0);
}

static size_t
receive_some(char *out, size_t size)
{
    if (c.has_tls)
        return tls_client_receive_some(&c.tls, out, size);
    ssize_t n = recv(c.tls.plain.fd, out, size, 0);
    return n > 0 ? (size_t)n : 0;
}

// Sends what there is, then takes in some bytes.
static void
turn(void)
{
    static char bytes[64 * 1024];
    send_out();
    size_t n = receive_some(bytes, sizeof(bytes));
    if (n == 0)
        c.is_at_end = true;
    else
        assert_int_equal(nghttp2_session_mem_recv(c.session, (uint8_t *)bytes, n), n);
    send_out();
}

static void
await_closed(int32_t id)
{
    while (!at(id)->is_closed && !c.is_at_end)
        turn();
    assert_true(at(id)->is_closed);
}

// Closes too, since the server waits for that.
static void
await_end(void)
{
    while (!c.is_at_end)
        turn();
    (void)shutdown(c.tls.plain.fd, SHUT_RDWR);
}

static int
on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
          size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags, void *arg)
{
    struct exchange *e = at(frame->hd.stream_id);
    if (str_eq((struct str){(const char *)name, name_len}, STR(":status"))) {
        e->has_continue |= memcmp(value, "100", 3) == 0;
        e->status = (int)strtol((const char *)value, NULL, 10);
    }
    size_t len = strlen(e->fields);
    snprintf(e->fields + len, sizeof(e->fields) - len, "%.*s: %.*s\n", (int)name_len, name,
             (int)value_len, value);
    return 0;
}

static int
on_body(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *bytes, size_t len,
        void *arg)
{
    struct exchange *e = at(id);
    size_t room = e->body_len < BODY_KEPT ? BODY_KEPT - e->body_len : 0;
    memcpy(e->body + (room ? e->body_len : 0), bytes, len < room ? len : room);
    e->body_len += len;
    return 0;
}

static int
on_closed(nghttp2_session *session, int32_t id, uint32_t error, void *arg)
{
    at(id)->is_closed = true;
    at(id)->error = error;
    return 0;
}

static int
on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
    if (frame->hd.type == NGHTTP2_GOAWAY) {
        c.has_goaway = true;
        c.goaway_error = frame->goaway.error_code;
        c.goaway_last = frame->goaway.last_stream_id;
    }
    return 0;
}

static void
begin_session(void)
{
    nghttp2_session_callbacks *callbacks;
    assert_int_equal(nghttp2_session_callbacks_new(&callbacks), 0);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_body);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_closed);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_option *option;
    assert_int_equal(nghttp2_option_new(&option), 0);
    nghttp2_option_set_no_auto_window_update(option, keeps_window_closed);
    nghttp2_option_set_max_send_header_block_length(option, 1 << 20); // more than is allowed
    assert_int_equal(nghttp2_session_client_new2(&c.session, callbacks, NULL, option), 0);
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
    assert_int_equal(nghttp2_submit_settings(c.session, NGHTTP2_FLAG_NONE, NULL, 0), 0);
}

static void
connect_client(void)
{
    c = (struct h2_client){0};
    assert_true(client_connect(&c.tls.plain, &x));
    begin_session();
}

static void
disconnect(void)
{
    nghttp2_session_del(c.session);
    if (c.has_tls)
        tls_client_close(&c.tls);
    else
        client_close(&c.tls.plain);
}

static ssize_t
on_upload_wanted(nghttp2_session *session, int32_t id, uint8_t *out, size_t size, uint32_t *flags,
                 nghttp2_data_source *source, void *arg)
{
    struct exchange *e = at(id);
    size_t n = e->upload.len < size ? e->upload.len : size;
    if (n == 0 && e->is_held)
        return NGHTTP2_ERR_DEFERRED;
    memcpy(out, e->upload.ptr, n);
    e->upload = str_slice(e->upload, n, e->upload.len);
    if (e->upload.len == 0 && !e->is_held)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (e->upload.len == 0 && e->has_trailer) {
        nghttp2_nv sum = {(uint8_t *)"sum", (uint8_t *)"1", 3, 1, NGHTTP2_NV_FLAG_NONE};
        *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
        assert_int_equal(nghttp2_submit_trailer(session, id, &sum, 1), 0);
    }
    return (ssize_t)n;
}

struct field {
    const char *name, *value;
};

static int32_t
submit(const struct field *fields, size_t count, struct str upload, bool is_held)
{
    nghttp2_nv nv[FIELDS_MAX];
    for (size_t i = 0; i < count; i++)
        nv[i] = (nghttp2_nv){(uint8_t *)(uintptr_t)fields[i].name,
                             (uint8_t *)(uintptr_t)fields[i].value, strlen(fields[i].name),
                             strlen(fields[i].value), NGHTTP2_NV_FLAG_NONE};
    nghttp2_data_provider body = {.read_callback = on_upload_wanted};
    bool has_body = upload.len > 0 || is_held;
    int32_t id = nghttp2_submit_request(c.session, NULL, nv, count, has_body ? &body : NULL, NULL);
    assert_true(id > 0);
    *at(id) = (struct exchange){.upload = upload, .is_held = is_held};
    return id;
}

#define LINE(method, path)                                                                         \
    {":method", method}, {":scheme", "http"}, {":path", path}, {":authority", "localhost"}

static int32_t
get(const char *path)
{
    struct field fields[] = {LINE("GET", path)};
    return submit(fields, COUNT_OF(fields), (struct str){0}, false);
}

static int32_t
post(const char *path, struct str upload, bool is_held)
{
    struct field fields[] = {LINE("POST", path)};
    return submit(fields, COUNT_OF(fields), upload, is_held);
}

static void
expect(int32_t id, int status, struct str body)
{
    struct exchange *e = at(id);
    await_closed(id);
    assert_int_equal(e->status, status);
    assert_int_equal(e->body_len, body.len);
    assert_memory_equal(e->body, body.ptr, body.len < BODY_KEPT ? body.len : BODY_KEPT);
}

static void
expect_status(int32_t id, int status)
{
    await_closed(id);
    assert_int_equal(at(id)->status, status);
}

// -- fixtures

static void
start(const struct http_server_options *options)
{
    fixture_start(&x, &(struct runtime_options){.loops = 2}, options);
    connect_client();
}

static int
setup(void **state)
{
    start(&(struct http_server_options){.tls = &tls_options});
    return 0;
}

static int
teardown(void **state)
{
    disconnect();
    fixture_end(&x);
    return 0;
}

// -- requests

static void
requests_are_answered(void **state)
{
    for (int i = 0; i < 20; i++)
        expect(get("/a?b=c"), 200, STR("/a"));
    int32_t id = post("/echo", STR("hello"), false);
    expect(id, 200, STR("hello"));
    const char *fields = at(id)->fields;
    assert_non_null(strstr(fields, "content-length: 5\n"));
    assert_non_null(strstr(fields, "date: "));
    assert_non_null(strstr(fields, "x-method: POST\n"));
    assert_non_null(strstr(fields, "x-peer: 127.0.0.1:"));
    expect(post("/echo", STR(""), false), 200, STR(""));
    expect(get("/204"), 204, STR(""));
    struct field head[] = {LINE("HEAD", "/abc")};
    id = submit(head, COUNT_OF(head), (struct str){0}, false);
    expect(id, 200, STR(""));
    assert_non_null(strstr(at(id)->fields, "content-length: 4\n"));
}

static void
requests_are_answered_over_tls(void **state)
{
    disconnect();
    c = (struct h2_client){.has_tls = true};
    assert_int_not_equal(tls_client_connect(&c.tls, &x, &(struct tls_wish){.alpn = "h2"}), -1);
    begin_session();
    expect(get("/a"), 200, STR("/a"));
    struct str big = {x.big, BIG_BYTES};
    int32_t up = post("/echo", big, false), down = get("/big");
    expect(up, 200, big);
    expect(down, 200, big);
}

static void
streams_run_beside_each_other(void **state)
{
    int32_t held[100], first = get("/a");
    for (int i = 0; i < 100; i++)
        held[i] = get("/gate");
    expect(first, 200, STR("/a"));
    await_count(&x.waiting, 100);
    expect(get("/b"), 200, STR("/b"));
    fixture_open_gate(&x);
    for (int i = 0; i < 100; i++)
        expect(held[i], 200, STR("opened"));
}

// Many large uploads at once: few are taken at a time, all arrive.
static void
large_bodies_go_both_ways(void **state)
{
    int32_t up[6], down[4];
    struct str part = {x.big, BIG_BYTES / 4};
    for (int i = 0; i < 6; i++)
        up[i] = post("/echo", part, false);
    for (int i = 0; i < 4; i++)
        down[i] = get("/big");
    for (int i = 0; i < 6; i++)
        expect(up[i], 200, part);
    for (int i = 0; i < 4; i++)
        expect(down[i], 200, (struct str){x.big, BIG_BYTES});
}

static void
continue_is_sent_when_the_client_waits_for_it(void **state)
{
    struct field fields[] = {LINE("POST", "/echo"), {"expect", "100-continue"}};
    int32_t id = submit(fields, COUNT_OF(fields), (struct str){0}, true);
    while (!at(id)->has_continue)
        turn();
    at(id)->upload = STR("abc");
    at(id)->is_held = false;
    assert_int_equal(nghttp2_session_resume_data(c.session, id), 0);
    expect(id, 200, STR("abc"));
}

// -- the end of streams and connections

static void
reset_cancels_the_handler(void **state)
{
    int32_t id = get("/sleep");
    expect(get("/a"), 200, STR("/a"));
    await_count(&x.waiting, 1);
    nghttp2_submit_rst_stream(c.session, NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
    expect(get("/a"), 200, STR("/a"));
    await_count(&x.cancelled, 1);
    expect(get("/a"), 200, STR("/a"));
}

static void
client_that_goes_away_cancels_its_handlers(void **state)
{
    for (int i = 0; i < 5; i++)
        get("/sleep");
    send_out();
    await_count(&x.waiting, 5);
    assert_int_equal(shutdown(c.tls.plain.fd, SHUT_WR), 0);
    await_count(&x.cancelled, 5);
    char bytes[4096];
    while (recv(c.tls.plain.fd, bytes, sizeof(bytes), 0) > 0)
        continue;
}

static void
rapid_resets_end_the_connection(void **state)
{
    expect(get("/a"), 200, STR("/a"));
    for (int i = 0; i < 400 && !c.is_at_end; i++) {
        int32_t id = get("/sleep");
        nghttp2_session_set_stream_user_data(c.session, id, NULL);
        const uint8_t *bytes;
        ssize_t n = nghttp2_session_mem_send(c.session, &bytes);
        assert_true(n > 0);
        if (send(c.tls.plain.fd, bytes, (size_t)n, MSG_NOSIGNAL) != n)
            break;
        nghttp2_submit_rst_stream(c.session, NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
        n = nghttp2_session_mem_send(c.session, &bytes);
        if (send(c.tls.plain.fd, bytes, (size_t)n, MSG_NOSIGNAL) != n)
            break;
    }
    char bytes[16 * 1024];
    for (ssize_t n; (n = recv(c.tls.plain.fd, bytes, sizeof(bytes), 0)) > 0;)
        (void)nghttp2_session_mem_recv(c.session, (uint8_t *)bytes, (size_t)n);
    assert_true(c.has_goaway);
    assert_int_equal(c.goaway_error, NGHTTP2_ENHANCE_YOUR_CALM);
}

static void
handler_may_end_the_connection(void **state)
{
    int32_t id = get("/close");
    expect(id, 200, STR("/close"));
    await_end();
    assert_true(c.has_goaway);
    assert_int_equal(c.goaway_error, NGHTTP2_NO_ERROR);
    assert_int_equal(c.goaway_last, id);
}

static void *
free_server(void *arg)
{
    http_server_free(x.server, deadline_in_ms(x.rt, FAR_MS));
    x.server = NULL;
    return NULL;
}

static void
drain_answers_what_has_arrived(void **state)
{
    pthread_t thread;
    int32_t held = get("/gate"), big = get("/big");
    send_out();
    await_count(&x.waiting, 1);
    assert_int_equal(pthread_create(&thread, NULL, free_server, NULL), 0);
    while (!c.has_goaway)
        turn();
    assert_int_equal(c.goaway_last, big);
    fixture_open_gate(&x);
    expect(held, 200, STR("opened"));
    expect(big, 200, (struct str){x.big, BIG_BYTES});
    await_end();
    assert_int_equal(pthread_join(thread, NULL), 0);
}

static void
drain_ends_idle_connections(void **state)
{
    expect(get("/a"), 200, STR("/a"));
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, free_server, NULL), 0);
    await_end();
    assert_true(c.has_goaway);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

static void
deadline_of_a_drain_cancels(void **state)
{
    int32_t id = get("/sleep");
    send_out();
    await_count(&x.waiting, 1);
    http_server_free(x.server, deadline_in_ms(x.rt, SHORT_MS));
    x.server = NULL;
    assert_int_equal(atomic_load(&x.cancelled), 1);
    await_end();
    assert_false(at(id)->status == 200);
}

// -- time

static void
idle_connection_is_ended(void **state)
{
    start(&(struct http_server_options){.idle_timeout_ms = SHORT_MS});
    await_end();
    assert_true(c.has_goaway);
}

static void
slow_request_is_ended(void **state)
{
    start(&(struct http_server_options){.head_timeout_ms = SHORT_MS});
    int32_t slow = post("/echo", STR("abc"), true);
    await_closed(slow);
    assert_int_equal(at(slow)->error, NGHTTP2_CANCEL);
    expect(get("/a"), 200, STR("/a")); // others go on
}

static void
answer_that_is_not_taken_is_dropped(void **state)
{
    start(&(struct http_server_options){.idle_timeout_ms = SHORT_MS});
    disconnect();
    keeps_window_closed = true;
    connect_client();
    keeps_window_closed = false;
    int32_t id = get("/big");
    await_closed(id);
    assert_int_equal(at(id)->error, NGHTTP2_CANCEL);
    assert_int_equal(at(id)->body_len, NGHTTP2_INITIAL_WINDOW_SIZE);
}

// Here the client does not even read its socket.
static void
client_that_reads_nothing_is_dropped(void **state)
{
    start(&(struct http_server_options){.idle_timeout_ms = SHORT_MS});
    assert_int_equal(nghttp2_session_set_local_window_size(c.session, NGHTTP2_FLAG_NONE, 0,
                                                           NGHTTP2_MAX_WINDOW_SIZE),
                     0);
    nghttp2_settings_entry window = {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, NGHTTP2_MAX_WINDOW_SIZE};
    assert_int_equal(nghttp2_submit_settings(c.session, NGHTTP2_FLAG_NONE, &window, 1), 0);
    for (int i = 0; i < 4; i++)
        get("/big");
    send_out();
    struct http_server_stats stats = {.connections = 1};
    for (int i = 0; i < FAR_MS && stats.connections > 0; i++) {
        usleep(1000);
        http_server_stats_get(x.server, &stats);
    }
    assert_int_equal(stats.connections, 0);
}

// -- what is refused

static void
hostile_heads_are_refused(void **state)
{
    static char long_path[HTTP_TARGET_BYTES_MAX + 10], long_method[40];
    memset(long_path, 'a', sizeof(long_path) - 1);
    long_path[0] = '/';
    memset(long_method, 'M', sizeof(long_method) - 1);
    const struct {
        int status;
        struct field fields[6];
    } cases[] = {
        {414, {LINE("GET", long_path)}},
        {501, {LINE(long_method, "/")}},
        {400, {LINE("GET", "/a#b")}},
        {400, {LINE("GET", "/a"), {"host", "other"}}},
        {400, {{":method", "GET"}, {":scheme", "http"}, {":path", "/"}, {":authority", "u@h"}}},
        {413, {LINE("POST", "/"), {"content-length", "16777217"}}},
        {413, {LINE("POST", "/"), {"content-length", "9223372036854775807"}}},
        {417, {LINE("POST", "/"), {"expect", "tea"}}},
        {501, {{":method", "CONNECT"}, {":authority", "h:1"}}},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        size_t count = 0;
        while (count < 6 && cases[i].fields[count].name)
            count++;
        bool has_body = strcmp(cases[i].fields[0].value, "POST") == 0;
        int32_t id = submit(cases[i].fields, count, (struct str){0}, has_body);
        await_closed(id);
        if (at(id)->status != cases[i].status)
            fail_msg("case %zu: error %u status %d", i, at(id)->error, at(id)->status);
    }
    expect(get("/after"), 200, STR("/after"));
}

// The library resets these streams: they are malformed (RFC 9113 section 8.1.1).
static void
malformed_heads_are_reset(void **state)
{
    const struct field cases[][6] = {
        {LINE("GET", "/"), {"connection", "close"}},
        {LINE("GET", "/"), {"transfer-encoding", "chunked"}},
        {LINE("GET", "/"), {"te", "gzip"}},
        {LINE("GET", "/"), {"a b", "c"}},
        {LINE("GET", "/"), {"x", "a\rb"}},
        {LINE("GET", "/"), {":path", "/b"}},
        {LINE("GET", "/"), {"x", "y"}, {":late", "/b"}},
        {LINE("GET", "http://h/")},
        {{":method", "GET"}, {":path", "/"}, {":scheme", "http"}},
        {{":method", "GET"}, {":scheme", "http"}, {":path", "/"}, {":authority", "a b"}},
        {{":method", "GET"}, {":scheme", "http"}, {":authority", "h"}},
        {LINE("POST", "/"), {"content-length", "-1"}},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        size_t count = 0;
        while (count < 6 && cases[i][count].name)
            count++;
        int32_t id = submit(cases[i], count, (struct str){0}, false);
        await_closed(id);
        if (at(id)->error != NGHTTP2_PROTOCOL_ERROR && at(id)->status != 400)
            fail_msg("case %zu: error %u status %d", i, at(id)->error, at(id)->status);
    }
    expect(get("/after"), 200, STR("/after"));
}

static void
too_many_headers_are_refused(void **state)
{
    struct field fields[FIELDS_MAX] = {LINE("GET", "/")};
    for (size_t i = 4; i < FIELDS_MAX; i++)
        fields[i] = (struct field){"x-more", "value"};
    expect_status(submit(fields, HTTP_HEADERS_MAX + 4, (struct str){0}, false), 200);
    expect_status(submit(fields, HTTP_HEADERS_MAX + 5, (struct str){0}, false), 431);
    static char large[8 * 1024];
    memset(large, 'v', sizeof(large) - 1);
    for (size_t i = 4; i < 12; i++)
        fields[i] = (struct field){"x-large", large};
    expect_status(submit(fields, 11, (struct str){0}, false), 200);
    expect_status(submit(fields, 12, (struct str){0}, false), 431);
}

static void
cookies_are_joined(void **state)
{
    struct field fields[] = {LINE("GET", "/cookie"), {"cookie", "a=1"}, {"cookie", "b=2"}};
    int32_t id = submit(fields, COUNT_OF(fields), (struct str){0}, false);
    expect(id, 200, STR("a=1; b=2"));
}

static void
too_large_body_is_refused_before_its_end(void **state)
{
    char *large = malloc(HTTP_BODY_BYTES_MAX + 1);
    memset(large, 'l', HTTP_BODY_BYTES_MAX + 1);
    expect_status(post("/echo", (struct str){large, HTTP_BODY_BYTES_MAX + 1}, true), 413);
    expect(post("/echo", (struct str){large, HTTP_BODY_BYTES_MAX}, false), 200,
           (struct str){large, HTTP_BODY_BYTES_MAX});
    free(large);
}

static void
preface_may_come_in_pieces(void **state)
{
    const uint8_t *bytes;
    int32_t id = get("/a");
    for (ssize_t n; (n = nghttp2_session_mem_send(c.session, &bytes)) > 0;)
        for (ssize_t i = 0; i < n; i++)
            client_send(&c.tls.plain, (struct str){(const char *)bytes + i, 1});
    expect(id, 200, STR("/a"));
}

static void
what_only_begins_like_a_preface_is_http_1(void **state)
{
    struct answer got;
    client_send(&c.tls.plain, STR("P"));
    client_send(&c.tls.plain, STR("OST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nab"));
    client_receive(&c.tls.plain, &got, true);
    assert_int_equal(got.status, 200);
    client_close(&c.tls.plain);
    assert_true(client_connect(&c.tls.plain, &x));
    client_send(&c.tls.plain, STR("PRI * HTTP/2.0\r\n\r\nSM\r\n\rX"));
    client_receive(&c.tls.plain, &got, true);
    assert_int_equal(got.status, 505);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define TEST_OWN_START(name) cmocka_unit_test_teardown(name, teardown)

// -- streams

static void
bodies_are_read_by_the_handler(void **state)
{
    struct str big = {x.big, BIG_BYTES};
    int32_t large = post("/stream/count", big, false),
            small = post("/stream/count", STR("a"), false);
    int32_t with_trailer = post("/stream/count", STR("abc"), false);
    at(with_trailer)->has_trailer = true;
    expect(large, 200, STR("8388608 ok"));
    expect(small, 200, STR("1 ok"));
    expect(with_trailer, 200, STR("3 ok sum=1"));
    expect(get("/stream/count"), 200, STR("0 ok"));
    expect(post("/stream/echo", big, false), 200, big);
}

static void
answers_begin_before_the_body_ends(void **state)
{
    int32_t id = post("/stream/echo", STR("hello "), true);
    while (at(id)->body_len < 6)
        turn();
    at(id)->upload = STR("world");
    at(id)->is_held = false;
    assert_int_equal(nghttp2_session_resume_data(c.session, id), 0);
    expect(id, 200, STR("hello world"));
}

static void
streams_are_sent_as_they_are_made(void **state)
{
    int32_t made = get("/stream/made"), sized = get("/stream/sized");
    struct field head[] = {LINE("HEAD", "/stream/sized")};
    int32_t id = submit(head, COUNT_OF(head), (struct str){0}, false);
    await_closed(made);
    await_closed(sized);
    await_closed(id);
    assert_int_equal(at(made)->body_len, MADE_BYTES);
    assert_null(strstr(at(made)->fields, "content-length"));
    assert_int_equal(at(sized)->body_len, MADE_BYTES);
    assert_non_null(strstr(at(sized)->fields, "content-length: 1000000\n"));
    assert_int_equal(at(id)->body_len, 0);
    assert_non_null(strstr(at(id)->fields, "content-length: 1000000\n"));
    await_count(&x.closed, 3);
}

static void
broken_streams_are_reset(void **state)
{
    int32_t broken = get("/stream/broken"), cut = get("/stream/short");
    await_closed(broken);
    await_closed(cut);
    assert_int_equal(at(broken)->error, NGHTTP2_INTERNAL_ERROR);
    assert_int_equal(at(cut)->error, NGHTTP2_INTERNAL_ERROR);
    await_count(&x.closed, 2);
}

static void
continue_comes_with_the_first_read(void **state)
{
    struct field fields[] = {LINE("POST", "/stream/hold"), {"expect", "100-continue"}};
    int32_t id = submit(fields, COUNT_OF(fields), (struct str){0}, true);
    int32_t later = get("/a");
    expect(later, 200, STR("/a"));
    await_count(&x.waiting, 1);
    assert_false(at(id)->has_continue);
    fixture_open_gate(&x);
    while (!at(id)->has_continue)
        turn();
    at(id)->upload = STR("abc");
    at(id)->is_held = false;
    assert_int_equal(nghttp2_session_resume_data(c.session, id), 0);
    expect(id, 200, STR("3 ok"));
}

// A body that nobody reads takes no more than its window, and other streams go on.
static void
slow_handlers_slow_only_their_stream(void **state)
{
    struct str big = {x.big, BIG_BYTES};
    int32_t held[4];
    for (size_t i = 0; i < COUNT_OF(held); i++)
        held[i] = post("/stream/hold", big, false);
    expect(post("/stream/count", big, false), 200, STR("8388608 ok"));
    await_count(&x.waiting, COUNT_OF(held));
    assert_true(atomic_load(&x.taken) <= (COUNT_OF(held) + 1) * H2_STREAMED_BYTES_MAX);
    fixture_open_gate(&x);
    for (size_t i = 0; i < COUNT_OF(held); i++)
        expect(held[i], 200, STR("8388608 ok"));
}

static void
unread_bodies_do_not_end_the_connection(void **state)
{
    int32_t id = post("/stream/ignore", (struct str){x.big, BIG_BYTES}, false);
    await_closed(id);
    assert_int_equal(at(id)->status, 200);
    expect(get("/a"), 200, STR("/a"));
}

static void
clients_that_give_up_cancel_a_stream(void **state)
{
    int32_t up = post("/stream/count", STR("abc"), true), down = get("/stream/endless");
    while (at(down)->body_len < MADE_BYTES)
        turn();
    await_count(&x.waiting, 1);
    nghttp2_submit_rst_stream(c.session, NGHTTP2_FLAG_NONE, up, NGHTTP2_CANCEL);
    nghttp2_submit_rst_stream(c.session, NGHTTP2_FLAG_NONE, down, NGHTTP2_CANCEL);
    expect(get("/a"), 200, STR("/a"));
    await_count(&x.cancelled, 1);
    await_count(&x.closed, 1);
}

static void
memory_of_bodies_is_counted(void **state)
{
    x.taken_max = BIG_BYTES / 2;
    expect_status(post("/echo", (struct str){x.big, BIG_BYTES}, false), 503);
    expect(post("/echo", STR("abc"), false), 200, STR("abc"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(requests_are_answered),
        TEST(requests_are_answered_over_tls),
        TEST(streams_run_beside_each_other),
        TEST(large_bodies_go_both_ways),
        TEST(continue_is_sent_when_the_client_waits_for_it),
        TEST(reset_cancels_the_handler),
        TEST(client_that_goes_away_cancels_its_handlers),
        TEST(rapid_resets_end_the_connection),
        TEST(handler_may_end_the_connection),
        TEST(drain_answers_what_has_arrived),
        TEST(drain_ends_idle_connections),
        TEST(deadline_of_a_drain_cancels),
        TEST_OWN_START(idle_connection_is_ended),
        TEST_OWN_START(slow_request_is_ended),
        TEST_OWN_START(answer_that_is_not_taken_is_dropped),
        TEST_OWN_START(client_that_reads_nothing_is_dropped),
        TEST(hostile_heads_are_refused),
        TEST(malformed_heads_are_reset),
        TEST(too_many_headers_are_refused),
        TEST(cookies_are_joined),
        TEST(too_large_body_is_refused_before_its_end),
        TEST(preface_may_come_in_pieces),
        TEST(what_only_begins_like_a_preface_is_http_1),
        TEST(bodies_are_read_by_the_handler),
        TEST(answers_begin_before_the_body_ends),
        TEST(streams_are_sent_as_they_are_made),
        TEST(broken_streams_are_reset),
        TEST(continue_comes_with_the_first_read),
        TEST(slow_handlers_slow_only_their_stream),
        TEST(unread_bodies_do_not_end_the_connection),
        TEST(clients_that_give_up_cancel_a_stream),
        TEST(memory_of_bodies_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
