// Streams of HTTP/2: bodies that pass while they are made, and how streams and connections end.
// SPDX-License-Identifier: Apache-2.0
#include "src/http/test_h2_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "src/http/h2.h"

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

static void
bodies_that_stop_fail_the_read(void **state)
{
    start(&(struct http_server_options){.head_timeout_ms = SHORT_MS});
    int32_t slow = post("/stream/count", STR("abc"), true);
    expect(slow, 200, STR("3 timeout"));
    expect(get("/a"), 200, STR("/a")); // others go on
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

int
main(void)
{
    const struct CMUnitTest tests[] = {
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
        TEST(bodies_are_read_by_the_handler),
        TEST_OWN_START(bodies_that_stop_fail_the_read),
        TEST(answers_begin_before_the_body_ends),
        TEST(streams_are_sent_as_they_are_made),
        TEST(broken_streams_are_reset),
        TEST(continue_comes_with_the_first_read),
        TEST(slow_handlers_slow_only_their_stream),
        TEST(unread_bodies_do_not_end_the_connection),
        TEST(clients_that_give_up_cancel_a_stream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
