// The client: one session, whose exchanges are kept by their streams.
// SPDX-License-Identifier: Apache-2.0
#include "src/http/test_h2_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <cmocka.h>

struct fixture x;
struct h2_client c;
bool keeps_window_closed;

static struct tls_options tls_options;

struct exchange *
at(int32_t id)
{
    assert_true(id > 0 && (id - 1) / 2 < SLOTS);
    return &c.exchanges[(id - 1) / 2];
}

void
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

void
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

void
await_closed(int32_t id)
{
    while (!at(id)->is_closed && !c.is_at_end)
        turn();
    assert_true(at(id)->is_closed);
}

void
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

void
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

void
connect_client(void)
{
    c = (struct h2_client){0};
    assert_true(client_connect(&c.tls.plain, &x));
    begin_session();
}

void
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

int32_t
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

int32_t
get(const char *path)
{
    struct field fields[] = {LINE("GET", path)};
    return submit(fields, COUNT_OF(fields), (struct str){0}, false);
}

int32_t
post(const char *path, struct str upload, bool is_held)
{
    struct field fields[] = {LINE("POST", path)};
    return submit(fields, COUNT_OF(fields), upload, is_held);
}

void
expect(int32_t id, int status, struct str body)
{
    struct exchange *e = at(id);
    await_closed(id);
    assert_int_equal(e->status, status);
    assert_int_equal(e->body_len, body.len);
    assert_memory_equal(e->body, body.ptr, body.len < BODY_KEPT ? body.len : BODY_KEPT);
}

void
expect_status(int32_t id, int status)
{
    await_closed(id);
    assert_int_equal(at(id)->status, status);
}

void
start(const struct http_server_options *options)
{
    fixture_start(&x, &(struct runtime_options){.loops = 2}, options);
    connect_client();
}

int
setup(void **state)
{
    start(&(struct http_server_options){.tls = &tls_options});
    return 0;
}

int
teardown(void **state)
{
    disconnect();
    fixture_end(&x);
    return 0;
}
