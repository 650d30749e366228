// Tests of server.h: time-outs, limits and draining.
// SPDX-License-Identifier: Apache-2.0
#include "src/http/server.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "src/http/test_fixture.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: h\r\n\r\n"

enum { CLIENTS = 50, SHORT_MS = 30 };

static struct fixture x;
static struct client clients[CLIENTS];
static struct answer got;

static void
start(const struct runtime_options *runtime, const struct http_server_options *options)
{
    fixture_start(&x, runtime, options);
}

static void
start_with_defaults(void)
{
    start(&(struct runtime_options){.loops = 2}, &(struct http_server_options){0});
}

static void
connect_clients(int count)
{
    for (int i = 0; i < count; i++)
        assert_true(client_connect(&clients[i], &x));
}

static void
end(int count)
{
    for (int i = 0; i < count; i++)
        client_close(&clients[i]);
    fixture_end(&x);
}

static void
send_all(int count, struct str request)
{
    for (int i = 0; i < count; i++)
        client_send(&clients[i], request);
}

static void
expect_last_answer(struct client *c, int status, const char *body)
{
    client_receive(c, &got, true);
    assert_int_equal(got.status, status);
    assert_int_equal(got.body_len, strlen(body));
    assert_memory_equal(got.body, body, got.body_len);
    assert_non_null(strstr(got.head, "\r\nConnection: close\r\n"));
    client_expect_closed(c);
}

static void
slow_requests_time_out(void **state)
{
    start(&(struct runtime_options){.loops = 1},
          &(struct http_server_options){.head_timeout_ms = SHORT_MS});
    connect_clients(4);
    client_send(&clients[0], STR("G"));
    client_send(&clients[1], STR("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nabc"));
    client_send(&clients[2], STR(GET("/done") "GET /next"));
    client_receive(&clients[2], &got, true);
    for (int i = 0; i < 3; i++)
        client_expect_closed(&clients[i]);
    // One that has sent nothing has only the idle time-out.
    client_send(&clients[3], STR(GET("/late")));
    client_receive(&clients[3], &got, true);
    assert_int_equal(got.status, 200);
    end(4);
}

static void
trickling_does_not_extend_the_time_out(void **state)
{
    start(&(struct runtime_options){.loops = 1},
          &(struct http_server_options){.head_timeout_ms = SHORT_MS});
    connect_clients(1);
    client_send(&clients[0], STR("GET / HTTP/1.1\r\nX: "));
    int64_t end_ns = deadline_in_ms(x.rt, FAR_MS / 4);
    struct http_server_stats stats = {.connections = 1};
    while (stats.connections > 0 && clock_mono_ns(x.rt) < end_ns) {
        // Fails once the server has closed, which is what is waited for.
        if (write(clients[0].fd, "x", 1) != 1)
            break;
        usleep(1000);
        http_server_stats_get(x.server, &stats);
    }
    assert_true(clock_mono_ns(x.rt) < end_ns);
    client_expect_closed(&clients[0]);
    end(1);
}

static void
idle_connections_time_out(void **state)
{
    start(&(struct runtime_options){.loops = 1},
          &(struct http_server_options){.idle_timeout_ms = SHORT_MS});
    connect_clients(2);
    client_send(&clients[1], STR(GET("/gate")));
    await_count(&x.waiting, 1);
    client_expect_closed(&clients[0]);
    // A request under way is not idle, however long it takes.
    usleep(2 * SHORT_MS * 1000);
    fixture_open_gate(&x);
    client_receive(&clients[1], &got, true);
    assert_int_equal(got.status, 200);
    client_expect_closed(&clients[1]);
    end(2);
}

static void
clients_that_do_not_read_time_out(void **state)
{
    start(&(struct runtime_options){.loops = 1},
          &(struct http_server_options){.idle_timeout_ms = SHORT_MS});
    connect_clients(1);
    client_send(&clients[0], STR(GET("/big")));
    struct http_server_stats stats = {.connections = 1};
    for (int i = 0; i < FAR_MS && (stats.connections > 0 || stats.requests == 0); i++) {
        usleep(1000);
        http_server_stats_get(x.server, &stats);
    }
    assert_int_equal(stats.requests, 1);
    assert_int_equal(stats.connections, 0);
    end(1);
}

static void
connections_have_a_limit(void **state)
{
    start(&(struct runtime_options){.loops = 2},
          &(struct http_server_options){.connections_max = 2});
    connect_clients(2);
    for (int i = 0; i < 2; i++) {
        client_send(&clients[i], STR(GET("/a")));
        client_receive(&clients[i], &got, true);
    }
    assert_true(client_connect(&clients[2], &x));
    client_expect_closed(&clients[2]);
    client_send(&clients[0], STR(GET("/a")));
    client_receive(&clients[0], &got, true);
    assert_int_equal(got.status, 200);
    end(3);
}

static void
requests_at_once_have_a_limit(void **state)
{
    start(&(struct runtime_options){.loops = 1, .fibers_max = 1}, &(struct http_server_options){0});
    connect_clients(2);
    client_send(&clients[0], STR(GET("/gate")));
    await_count(&x.waiting, 1);
    client_send(&clients[1], STR(GET("/a")));
    client_receive(&clients[1], &got, true);
    assert_int_equal(got.status, 503);
    assert_non_null(strstr(got.head, "\r\nConnection: close\r\n"));
    fixture_open_gate(&x);
    client_receive(&clients[0], &got, true);
    assert_int_equal(got.status, 200);
    end(2);
}

static void *
free_server(void *arg)
{
    http_server_free(x.server, deadline_in_ms(x.rt, *(int *)arg));
    return NULL;
}

// Frees the server in a thread of its own and returns when nobody listens any more.
static pthread_t
begin_drain(int *deadline_ms)
{
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, free_server, deadline_ms), 0);
    struct client *late = malloc(sizeof(*late));
    assert_non_null(late);
    while (client_connect(late, &x))
        client_close(late);
    free(late);
    return thread;
}

static void
end_drain(pthread_t thread)
{
    assert_int_equal(pthread_join(thread, NULL), 0);
    x.server = NULL;
}

static void
drain_answers_what_is_under_way(void **state)
{
    start_with_defaults();
    connect_clients(CLIENTS);
    send_all(CLIENTS, STR(GET("/gate")));
    await_count(&x.waiting, CLIENTS);
    int far = FAR_MS;
    pthread_t thread = begin_drain(&far);
    fixture_open_gate(&x);
    for (int i = 0; i < CLIENTS; i++)
        expect_last_answer(&clients[i], 200, "opened");
    end_drain(thread);
    assert_int_equal(atomic_load(&x.cancelled), 0);
    end(CLIENTS);
}

static void
drain_serves_what_was_accepted_and_closes_the_idle(void **state)
{
    start_with_defaults();
    connect_clients(CLIENTS);
    send_all(CLIENTS / 2, STR(GET("/a")));
    http_server_free(x.server, deadline_in_ms(x.rt, FAR_MS));
    x.server = NULL;
    for (int i = 0; i < CLIENTS / 2; i++) {
        client_receive(&clients[i], &got, true);
        assert_int_equal(got.status, 200);
        client_expect_closed(&clients[i]);
    }
    for (int i = CLIENTS / 2; i < CLIENTS; i++)
        client_expect_closed(&clients[i]);
    end(CLIENTS);
}

static void
drain_waits_for_a_request_that_still_arrives(void **state)
{
    start_with_defaults();
    connect_clients(2);
    // The second answer shows that the beginning of the third request was read, too.
    send_all(2, STR(GET("/1") GET("/2") "GET /3 HTTP/1.1\r\n"));
    for (int i = 0; i < 4; i++)
        client_receive(&clients[i % 2], &got, true);
    int far = FAR_MS;
    pthread_t thread = begin_drain(&far);
    send_all(2, STR("Host: h\r\n\r\n"));
    expect_last_answer(&clients[0], 200, "/3");
    expect_last_answer(&clients[1], 200, "/3");
    end_drain(thread);
    end(2);
}

static void
drain_cancels_at_its_deadline(void **state)
{
    start_with_defaults();
    connect_clients(CLIENTS);
    send_all(CLIENTS - 1, STR(GET("/sleep")));
    client_send(&clients[CLIENTS - 1], STR("GET /never"));
    await_count(&x.waiting, CLIENTS - 1);
    http_server_free(x.server, deadline_in_ms(x.rt, SHORT_MS));
    x.server = NULL;
    assert_int_equal(atomic_load(&x.cancelled), CLIENTS - 1);
    for (int i = 0; i < CLIENTS - 1; i++)
        expect_last_answer(&clients[i], 503, "cancelled");
    client_expect_closed(&clients[CLIENTS - 1]);
    end(CLIENTS);
}

static void
deadline_in_the_past_cancels_at_once(void **state)
{
    start_with_defaults();
    connect_clients(2);
    client_send(&clients[0], STR(GET("/sleep")));
    await_count(&x.waiting, 1);
    http_server_free(x.server, 0);
    x.server = NULL;
    assert_int_equal(atomic_load(&x.cancelled), 1);
    end(2);
}

static void
unused_server_is_freed(void **state)
{
    start_with_defaults();
    http_server_free(x.server, 0);
    x.server = NULL;
    end(0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slow_requests_time_out),
        cmocka_unit_test(trickling_does_not_extend_the_time_out),
        cmocka_unit_test(idle_connections_time_out),
        cmocka_unit_test(clients_that_do_not_read_time_out),
        cmocka_unit_test(connections_have_a_limit),
        cmocka_unit_test(requests_at_once_have_a_limit),
        cmocka_unit_test(drain_answers_what_is_under_way),
        cmocka_unit_test(drain_serves_what_was_accepted_and_closes_the_idle),
        cmocka_unit_test(drain_waits_for_a_request_that_still_arrives),
        cmocka_unit_test(drain_cancels_at_its_deadline),
        cmocka_unit_test(deadline_in_the_past_cancels_at_once),
        cmocka_unit_test(unused_server_is_freed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
