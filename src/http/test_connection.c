// Tests of connection.h: what only shows when the loop is held at the right moment.
// SPDX-License-Identifier: Apache-2.0
#include "src/http/connection.h"

#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "src/http/test_fixture.h"

static struct fixture x; // its server serves nothing here, only its client is used
static struct client client;
static struct answer got;
static struct http_loop loop;
static struct http_shared shared;
static sem_t is_connected, is_accepted, is_turned, is_drained;

static void
handle(void *arg, const struct http_request *request, struct http_response *response)
{
    response->body = request->path;
}

static const struct http_server_options options = {
    .handler = handle,
    .head_timeout_ms = FAR_MS,
    .idle_timeout_ms = FAR_MS,
    .connections_max = 1,
};

static void
await(sem_t *sem)
{
    while (sem_wait(sem) != 0)
        continue;
}

static void
hold_loop(void *arg)
{
    await(&is_connected);
}

static void
accept_and_end(void *arg, struct socket *accepted)
{
    http_loop_accept(&loop, accepted, NULL);
    atomic_store(&shared.is_ending, true);
    sem_post(&is_accepted);
}

static void
drain(void *arg)
{
    http_loop_drain(&loop);
}

static void
tell_turned(void *arg)
{
    sem_post(&is_turned);
}

// Returns when the loop has looked at its sockets since the call.
static void
await_turns(void)
{
    for (int i = 0; i < 2; i++) {
        loop_post(runtime_loop(x.rt, 0), tell_turned, NULL);
        await(&is_turned);
    }
}

static void
accept_and_drain(void *arg, struct socket *accepted)
{
    http_loop_accept(&loop, accepted, NULL);
    atomic_store(&shared.is_ending, true);
    http_loop_drain(&loop);
}

static void
tell_drained(void *arg)
{
    sem_post(&is_drained);
}

static int
setup(void **state)
{
    fixture_start(&x, &(struct runtime_options){.loops = 1}, &(struct http_server_options){0});
    sem_init(&is_connected, 0, 0);
    sem_init(&is_accepted, 0, 0);
    sem_init(&is_turned, 0, 0);
    sem_init(&is_drained, 0, 0);
    atomic_store(&shared.is_ending, false);
    loop = (struct http_loop){.options = &options,
                              .loop = runtime_loop(x.rt, 0),
                              .shared = &shared,
                              .on_drained = tell_drained};
    http_loop_init(&loop);
    return 0;
}

static int
teardown(void **state)
{
    http_loop_fini(&loop);
    client_close(&client);
    sem_destroy(&is_connected);
    sem_destroy(&is_accepted);
    sem_destroy(&is_turned);
    sem_destroy(&is_drained);
    fixture_end(&x);
    return 0;
}

// A client connects and sends while the loop stands still; then the connection is accepted, and the
// server drains before it could see whether bytes have arrived.
static void
connect_while_loop_is_held(struct str bytes)
{
    struct listener *listener;
    assert_int_equal(socket_address_parse(STR("127.0.0.1:0"), &x.options.address), OK);
    assert_int_equal(listener_new(x.rt, &x.options.address, accept_and_drain, NULL, &listener), OK);
    loop_post(runtime_loop(x.rt, 0), hold_loop, NULL);
    assert_true(client_connect(&client, &x));
    client_send(&client, bytes);
    sem_post(&is_connected);
    await(&is_drained);
    listener_free(listener);
}

static void
drain_answers_a_connection_just_accepted(void **state)
{
    connect_while_loop_is_held(STR("GET /a HTTP/1.1\r\nHost: h\r\n\r\n"));
    client_receive(&client, &got, true);
    assert_int_equal(got.status, 200);
    assert_non_null(strstr(got.head, "\r\nConnection: close\r\n"));
    client_expect_closed(&client);
}

static void
drain_closes_a_connection_just_accepted_without_a_request(void **state)
{
    connect_while_loop_is_held(STR(""));
    client_expect_closed(&client);
}

// A server that is about to drain may not know yet of bytes that have arrived, so it closes
// nothing.
static void
idle_connection_stays_until_the_loop_drains(void **state)
{
    struct listener *listener;
    assert_int_equal(socket_address_parse(STR("127.0.0.1:0"), &x.options.address), OK);
    assert_int_equal(listener_new(x.rt, &x.options.address, accept_and_end, NULL, &listener), OK);
    assert_true(client_connect(&client, &x));
    await(&is_accepted);
    await_turns();
    client_send(&client, STR("GET /a HTTP/1.1\r\nHost: h\r\n\r\n"));
    await_turns();
    loop_post(runtime_loop(x.rt, 0), drain, NULL);
    await(&is_drained);
    listener_free(listener);
    client_receive(&client, &got, true);
    assert_int_equal(got.status, 200);
    assert_non_null(strstr(got.head, "\r\nConnection: close\r\n"));
    client_expect_closed(&client);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(drain_answers_a_connection_just_accepted),
        TEST(idle_connection_stays_until_the_loop_drains),
        TEST(drain_closes_a_connection_just_accepted_without_a_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
