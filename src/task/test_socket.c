// Tests of sockets and listeners on loopback.
// SPDX-License-Identifier: Apache-2.0
#include "src/task/socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "src/task/loop.h"

enum { FAR_MS = 20000 }; // a deadline that only a broken test reaches

struct fixture {
    struct runtime *rt;
    struct socket_address address;
    struct listener *listener;
    int ended;
    atomic_int accepted;
    atomic_int accepted_by[2];
    atomic_int closed;
};

static int64_t
far(const struct fixture *x)
{
    return deadline_in_ms(x->rt, FAR_MS);
}

static void
setup(struct fixture *x, int loops, socket_accept_fn *on_accept)
{
    *x = (struct fixture){0};
    assert_int_equal(runtime_new(&(struct runtime_options){.loops = loops}, &x->rt), OK);
    assert_int_equal(socket_address_parse(STR("127.0.0.1:0"), &x->address), OK);
    assert_int_equal(listener_new(x->rt, &x->address, on_accept, x, &x->listener), OK);
    assert_true(x->address.port != 0);
}

static void
teardown(struct fixture *x)
{
    listener_free(x->listener);
    runtime_free(x->rt);
}

// A plain blocking client, as another program would be.
static int
client_connect(const struct fixture *x)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(x->address.port)};
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    return fd;
}

static void
await_atomic(atomic_int *value, int wanted)
{
    for (int i = 0; i < FAR_MS && atomic_load(value) < wanted; i++)
        usleep(1000);
    assert_int_equal(atomic_load(value), wanted);
}

// An echo server by callbacks: no stack while a connection is idle.
struct echo {
    struct fixture *x;
    struct socket *socket;
};

static void
echo_ready(void *arg, unsigned events)
{
    struct echo *e = arg;
    char bytes[100]; // small, so that one event needs several calls
    ptrdiff_t n = socket_read(e->socket, bytes, sizeof(bytes));
    if (n > 0) {
        struct str part = {bytes, (size_t)n};
        assert_int_equal(socket_write(e->socket, &part, 1), n);
    } else if (n != E_AGAIN) {
        assert_int_equal(n, E_CLOSED);
        socket_free(e->socket);
        atomic_fetch_add(&e->x->closed, 1);
        free(e);
    }
}

static void
echo_accept(void *arg, struct socket *accepted)
{
    struct fixture *x = arg;
    struct echo *e = malloc(sizeof(*e));
    assert_non_null(e);
    *e = (struct echo){x, accepted};
    assert_ptr_equal(socket_loop(accepted), loop_current());
    assert_memory_equal(socket_peer(accepted), "127.0.0.1:", 10);
    atomic_fetch_add(&x->accepted, 1);
    atomic_fetch_add(&x->accepted_by[loop_index(loop_current())], 1);
    socket_watch(accepted, SOCKET_READABLE, echo_ready, e);
}

static void
echo_exchange(struct fixture *x, struct socket *s, int round)
{
    char sent[300], got[300];
    memset(sent, 'a' + round, sizeof(sent));
    struct str parts[] = {{sent, 1}, {sent, 0}, {sent, sizeof(sent) - 1}};
    assert_int_equal(socket_write_all(s, parts, 3, far(x)), OK);
    for (size_t len = 0; len < sizeof(got);) {
        ptrdiff_t n = socket_read(s, got + len, sizeof(got) - len);
        if (n == E_AGAIN)
            assert_int_equal(socket_wait(s, SOCKET_READABLE, far(x)), OK);
        else
            assert_true(n > 0);
        len += n > 0 ? (size_t)n : 0;
    }
    assert_memory_equal(got, sent, sizeof(sent));
}

static void
echo_client(void *arg)
{
    struct fixture *x = arg;
    struct socket *s;
    assert_int_equal(socket_connect(loop_current(), &x->address, far(x), &s), OK);
    for (int round = 0; round < 5; round++)
        echo_exchange(x, s, round);
    socket_free(s);
    x->ended++;
}

enum { CLIENTS = 200 };

static int
run_echo_clients(void *arg)
{
    struct fixture *x = arg;
    for (int i = 0; i < CLIENTS; i++)
        assert_int_equal(fiber_start(loop_current(), "client", echo_client, x, NULL), OK);
    while (x->ended < CLIENTS)
        assert_int_equal(fiber_sleep_until(deadline_in_ms(x->rt, 1)), OK);
    return OK;
}

static void
many_connections_echo_on_all_loops(void **state)
{
    struct fixture x;
    setup(&x, 2, echo_accept);
    assert_int_equal(runtime_call(x.rt, run_echo_clients, &x), OK);
    await_atomic(&x.closed, CLIENTS);
    // The system spreads them by a hash of the ports.
    assert_true(atomic_load(&x.accepted_by[0]) > CLIENTS / 10);
    assert_true(atomic_load(&x.accepted_by[1]) > CLIENTS / 10);
    teardown(&x);
}

static void
a_taken_port_is_refused(void **state)
{
    struct fixture x;
    setup(&x, 2, echo_accept);
    struct listener *second = NULL;
    struct socket_address address = x.address;
    assert_int_equal(listener_new(x.rt, &address, echo_accept, &x, &second), E_EXISTS);
    assert_int_equal(socket_address_parse(STR("0.0.0.0:0"), &address), OK);
    uint16_t port = htons(x.address.port);
    memcpy(address.storage + offsetof(struct sockaddr_in, sin_port), &port, sizeof(port));
    assert_int_equal(listener_new(x.rt, &address, echo_accept, &x, &second), E_EXISTS);
    assert_null(second);
    teardown(&x);
}

static void
a_port_of_another_kind_of_program_is_refused(void **state)
{
    struct runtime *rt;
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(a);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    int one = 1;
    CHECK(fd >= 0);
    // The most permissive that there is.
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)), 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)), 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, len), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
    char text[32];
    int text_len = snprintf(text, sizeof(text), "127.0.0.1:%d", ntohs(a.sin_port));
    struct socket_address address;
    struct listener *l;
    assert_int_equal(socket_address_parse((struct str){text, (size_t)text_len}, &address), OK);
    assert_int_equal(runtime_new(&(struct runtime_options){.loops = 2}, &rt), OK);
    assert_int_equal(listener_new(rt, &address, echo_accept, NULL, &l), E_EXISTS);
    runtime_free(rt);
    close(fd);
}

// Two programs that start at the same moment, as two threads that each listen for themselves.
struct rival {
    struct fixture *x;
    struct listener *listener;
    pthread_barrier_t *start;
    int code;
};

static void *
rival_listen(void *arg)
{
    struct rival *r = arg;
    struct socket_address address = r->x->address;
    pthread_barrier_wait(r->start);
    r->code = listener_new(r->x->rt, &address, echo_accept, r->x, &r->listener);
    return NULL;
}

static void
of_two_at_once_exactly_one_gets_the_port(void **state)
{
    struct fixture x;
    pthread_barrier_t start;
    pthread_barrier_init(&start, NULL, 2);
    setup(&x, 2, echo_accept);
    listener_free(x.listener);
    for (int round = 0; round < 100; round++) {
        struct rival rivals[2] = {{.x = &x, .start = &start}, {.x = &x, .start = &start}};
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, rival_listen, &rivals[0]), 0);
        rival_listen(&rivals[1]);
        pthread_join(thread, NULL);
        int won = rivals[0].code == OK ? 0 : 1;
        assert_int_equal(rivals[won].code, OK);
        assert_int_equal(rivals[!won].code, E_EXISTS);
        listener_free(rivals[won].listener);
    }
    runtime_free(x.rt);
    pthread_barrier_destroy(&start);
}

static void
closing_accept(void *arg, struct socket *accepted)
{
    struct fixture *x = arg;
    atomic_fetch_add(&x->accepted, 1);
    socket_free(accepted);
}

// The server closes first, so its end of each connection stays behind in TIME_WAIT.
static void
a_restart_takes_the_port_again_at_once(void **state)
{
    struct fixture x;
    setup(&x, 2, closing_accept);
    for (int i = 0; i < 10; i++) {
        char byte;
        int fd = client_connect(&x);
        assert_int_equal(read(fd, &byte, 1), 0);
        close(fd);
    }
    struct socket_address address = x.address;
    teardown(&x);
    assert_int_equal(runtime_new(&(struct runtime_options){.loops = 2}, &x.rt), OK);
    assert_int_equal(listener_new(x.rt, &address, closing_accept, &x, &x.listener), OK);
    assert_int_equal(address.port, x.address.port);
    teardown(&x);
}

static void
block_loop(void *arg)
{
    sem_t *gate = arg;
    while (sem_wait(gate) != 0)
        assert_int_equal(errno, EINTR);
}

static void
closing_serves_the_backlog_first(void **state)
{
    struct fixture x;
    sem_t gate;
    int fds[50];
    sem_init(&gate, 0, 0);
    setup(&x, 2, closing_accept);
    // The loops are held, so that all connections are in the backlog when the listener is closed.
    loop_post(runtime_loop(x.rt, 0), block_loop, &gate);
    loop_post(runtime_loop(x.rt, 1), block_loop, &gate);
    for (size_t i = 0; i < COUNT_OF(fds); i++)
        fds[i] = client_connect(&x);
    sem_post(&gate);
    sem_post(&gate);
    teardown(&x);
    assert_int_equal(atomic_load(&x.accepted), COUNT_OF(fds));
    for (size_t i = 0; i < COUNT_OF(fds); i++) {
        char byte;
        assert_int_equal(read(fds[i], &byte, 1), 0); // closed in order, not reset
        close(fds[i]);
    }
    sem_destroy(&gate);
}

static int
highest_fd(void)
{
    int fd = dup(0);
    close(fd);
    return fd;
}

static void
running_out_of_descriptors_does_not_spin(void **state)
{
    struct fixture x;
    struct rlimit old, tight;
    setup(&x, 1, echo_accept);
    struct loop *loop = runtime_loop(x.rt, 0);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    tight = old;
    tight.rlim_cur = (rlim_t)highest_fd() + 1; // room for the client's end only
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
    int fd = client_connect(&x);
    uint64_t turns = atomic_load(&loop->turns);
    usleep(120 * 1000); // two retries
    turns = atomic_load(&loop->turns) - turns;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    assert_int_equal(atomic_load(&x.accepted), 0);
    assert_true(turns < 50);
    await_atomic(&x.accepted, 1); // as soon as there are descriptors again
    close(fd);
    await_atomic(&x.closed, 1);
    teardown(&x);
}

// One connection between a plain client and a fiber of the server.
struct pair {
    struct fixture x;
    struct socket *server;
    fiber_fn *serve;
};

static void
pair_accept(void *arg, struct socket *accepted)
{
    struct pair *p = arg;
    p->server = accepted;
    assert_int_equal(fiber_start(loop_current(), "serve", p->serve, p, NULL), OK);
}

static void
with_pair(fiber_fn *serve, void (*client)(struct pair *p, int fd))
{
    struct pair p = {.serve = serve};
    setup(&p.x, 1, pair_accept);
    int fd = client_connect(&p.x);
    client(&p, fd);
    await_atomic(&p.x.closed, 1);
    close(fd);
    teardown(&p.x);
}

static void
serve_end(struct pair *p)
{
    socket_free(p->server);
    atomic_fetch_add(&p->x.closed, 1);
}

static void
serve_flood(void *arg)
{
    struct pair *p = arg;
    size_t size = 8 * 1024 * 1024; // more than the buffers of the system hold
    char *bytes = calloc(1, size);
    assert_non_null(bytes);
    struct str parts[40];
    for (size_t i = 0; i < COUNT_OF(parts); i++)
        parts[i] = (struct str){bytes + i * (size / 40), size / 40};
    assert_int_equal(socket_write_all(p->server, parts, 40, deadline_in_ms(p->x.rt, 20)),
                     E_TIMEOUT);
    atomic_store(&p->x.accepted, 1);
    assert_int_equal(socket_wait(p->server, SOCKET_WRITABLE, far(&p->x)), OK);
    // The client has gone: no SIGPIPE, no endless wait.
    int code;
    do {
        code = socket_write_all(p->server, parts, 40, far(&p->x));
    } while (code == OK);
    assert_int_equal(code, E_CLOSED);
    free(bytes);
    serve_end(p);
}

static void
stop_reading(struct pair *p, int fd)
{
    await_atomic(&p->x.accepted, 1);
    char bytes[65536];
    for (int i = 0; i < 64; i++)
        assert_true(read(fd, bytes, sizeof(bytes)) > 0);
    shutdown(fd, SHUT_RDWR);
    struct linger at_once = {.l_onoff = 1};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    // Closed by a reset; the number stays taken for the common close at the end.
    assert_int_equal(dup2(0, fd), fd);
}

static void
writes_wait_for_room_and_end_with_the_peer(void **state)
{
    with_pair(serve_flood, stop_reading);
}

static void
serve_half_close(void *arg)
{
    struct pair *p = arg;
    char bytes[16];
    assert_int_equal(socket_wait(p->server, SOCKET_READABLE, 0), E_TIMEOUT);
    atomic_store(&p->x.accepted, 1);
    assert_int_equal(socket_wait(p->server, SOCKET_READABLE, far(&p->x)), OK);
    assert_int_equal(socket_read(p->server, bytes, sizeof(bytes)), 3);
    ptrdiff_t n;
    while ((n = socket_read(p->server, bytes, sizeof(bytes))) == E_AGAIN)
        assert_int_equal(socket_wait(p->server, SOCKET_READABLE, far(&p->x)), OK);
    assert_int_equal(n, E_CLOSED);
    assert_int_equal(socket_write_all(p->server, &STR("bye"), 1, far(&p->x)), OK);
    serve_end(p);
}

static void
half_close(struct pair *p, int fd)
{
    char bytes[16];
    await_atomic(&p->x.accepted, 1);
    assert_int_equal(write(fd, "abc", 3), 3);
    shutdown(fd, SHUT_WR);
    assert_int_equal(read(fd, bytes, sizeof(bytes)), 3);
}

static void
what_came_before_the_end_is_read_first(void **state)
{
    with_pair(serve_half_close, half_close);
}

static void
hung_up(void *arg, unsigned events)
{
    struct fiber *working = arg;
    assert_int_equal(events, SOCKET_HANGUP);
    fiber_cancel(working);
}

static void
serve_until_hangup(void *arg)
{
    struct pair *p = arg;
    socket_watch(p->server, SOCKET_HANGUP, hung_up, fiber_self());
    atomic_store(&p->x.accepted, 1);
    assert_int_equal(fiber_sleep_until(far(&p->x)), E_CANCELLED);
    serve_end(p);
}

static void
hang_up(struct pair *p, int fd)
{
    await_atomic(&p->x.accepted, 1);
    assert_int_equal(write(fd, "pipelined", 9), 9);
    shutdown(fd, SHUT_WR);
}

static void
a_hangup_is_seen_while_a_fiber_works(void **state)
{
    with_pair(serve_until_hangup, hang_up);
}

// Whoever of these sockets is called first frees them all, while the rest are due as well.
enum { DOOMED = 5 };
struct doomed {
    struct fixture *x;
    struct socket *sockets[DOOMED];
};

static void
free_all(void *arg, unsigned events)
{
    struct doomed *d = arg;
    for (int i = 0; i < DOOMED; i++)
        socket_free(d->sockets[i]);
    atomic_fetch_add(&d->x->closed, 1);
}

static int
run_doomed(void *arg)
{
    struct doomed *d = arg;
    for (int i = 0; i < DOOMED; i++)
        assert_int_equal(socket_connect(loop_current(), &d->x->address, far(d->x), &d->sockets[i]),
                         OK);
    for (int i = 0; i < DOOMED; i++)
        socket_watch(d->sockets[i], SOCKET_WRITABLE, free_all, d); // due at once
    for (int i = 0; i < 500; i++)
        fiber_yield();
    return OK;
}

static void
a_callback_may_free_sockets_that_are_due(void **state)
{
    struct fixture x;
    setup(&x, 1, echo_accept);
    struct doomed d = {.x = &x};
    assert_int_equal(runtime_call(x.rt, run_doomed, &d), OK);
    await_atomic(&x.closed, 1 + DOOMED); // by itself, and seen by the echo server
    teardown(&x);
}

static int
run_free_listener(void *arg)
{
    struct fixture *x = arg;
    listener_free(x->listener);
    x->listener = NULL;
    return OK;
}

static void
a_fiber_may_free_a_listener(void **state)
{
    struct fixture x;
    setup(&x, 2, echo_accept);
    assert_int_equal(runtime_call(x.rt, run_free_listener, &x), OK);
    teardown(&x);
}

static int
run_refused(void *arg)
{
    struct fixture *x = arg;
    struct socket *s;
    assert_int_equal(socket_connect(loop_current(), &x->address, far(x), &s), E_IO);
    assert_int_equal(errno, ECONNREFUSED);
    return OK;
}

static void
connecting_to_nobody_fails(void **state)
{
    struct fixture x;
    setup(&x, 1, echo_accept);
    listener_free(x.listener);
    assert_int_equal(runtime_call(x.rt, run_refused, &x), OK);
    runtime_free(x.rt);
}

static void
addresses_are_parsed(void **state)
{
    struct socket_address a;
    assert_int_equal(socket_address_parse(STR("127.0.0.1:4566"), &a), OK);
    assert_string_equal(a.text, "127.0.0.1:4566");
    assert_int_equal(a.port, 4566);
    assert_true(a.is_loopback);
    assert_int_equal(socket_address_parse(STR("[::1]:0"), &a), OK);
    assert_string_equal(a.text, "[::1]:0");
    assert_true(a.is_loopback);
    assert_int_equal(socket_address_parse(STR("0.0.0.0:65535"), &a), OK);
    assert_false(a.is_loopback);
    assert_int_equal(socket_address_parse(STR("[::ffff:127.0.0.9]:1"), &a), OK);
    assert_true(a.is_loopback);
    assert_int_equal(socket_address_parse(STR("[2001:db8::1]:1"), &a), OK);
    assert_false(a.is_loopback);
}

static void
broken_addresses_are_refused(void **state)
{
    static const char *const broken[] = {
        "",          "127.0.0.1",     "127.0.0.1:", ":80",  "127.0.0.1:65536", "127.0.0.1:-1",
        "[::1]",     "127.0.0.1:+80", "::1:80",     "[]:1", "[127.0.0.1]:80",  "localhost:80",
        "1.2.3:80",  "[::1:80",       "[",          "]:80", "127.0.0.1: 80",   "127.0.0.1:80 ",
        " 1.2.3.4:1"};
    struct socket_address a;
    for (size_t i = 0; i < COUNT_OF(broken); i++)
        assert_int_equal(socket_address_parse(str_of(broken[i]), &a), E_INVALID);
    assert_int_equal(socket_address_parse(STR("1.2.3.4\0x:80"), &a), E_INVALID);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_parsed),
        cmocka_unit_test(broken_addresses_are_refused),
        cmocka_unit_test(many_connections_echo_on_all_loops),
        cmocka_unit_test(a_taken_port_is_refused),
        cmocka_unit_test(a_port_of_another_kind_of_program_is_refused),
        cmocka_unit_test(of_two_at_once_exactly_one_gets_the_port),
        cmocka_unit_test(a_restart_takes_the_port_again_at_once),
        cmocka_unit_test(closing_serves_the_backlog_first),
        cmocka_unit_test(running_out_of_descriptors_does_not_spin),
        cmocka_unit_test(writes_wait_for_room_and_end_with_the_peer),
        cmocka_unit_test(what_came_before_the_end_is_read_first),
        cmocka_unit_test(a_hangup_is_seen_while_a_fiber_works),
        cmocka_unit_test(a_callback_may_free_sockets_that_are_due),
        cmocka_unit_test(a_fiber_may_free_a_listener),
        cmocka_unit_test(connecting_to_nobody_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
