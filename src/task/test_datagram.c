// Tests of datagram.h, and of sockets that are passed in.
// SPDX-License-Identifier: Apache-2.0
#include "src/task/datagram.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "src/task/address.h"

static struct runtime *rt;
static atomic_int accepted;

static int
setup(void **state)
{
    atomic_store(&accepted, 0);
    return runtime_new(&(struct runtime_options){.loops = 2}, &rt);
}

static int
teardown(void **state)
{
    runtime_free(rt);
    return 0;
}

static void
echo(void *arg, struct datagram *d, const struct socket_address *from, struct str bytes)
{
    assert_int_equal(datagram_send(d, from, bytes), OK);
}

// A plain socket of this thread.
static int
client_socket(int type, const struct socket_address *to)
{
    struct sockaddr_storage sa;
    struct timeval limit = {.tv_sec = 20};
    int fd = socket(AF_INET, type, 0);
    address_get(to, &sa);
    assert_int_equal(connect(fd, (struct sockaddr *)&sa, to->storage_len), 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)), 0);
    return fd;
}

static void
expect_echo(const struct socket_address *to)
{
    char bytes[16] = "";
    int fd = client_socket(SOCK_DGRAM, to);
    assert_int_equal(send(fd, "hello", 5, 0), 5);
    assert_int_equal(recv(fd, bytes, sizeof(bytes), 0), 5);
    assert_string_equal(bytes, "hello");
    assert_int_equal(send(fd, "", 0, 0), 0);
    assert_int_equal(recv(fd, bytes, sizeof(bytes), 0), 0);
    close(fd);
}

static int
bound_socket(int type)
{
    struct socket_address any;
    struct sockaddr_storage sa;
    int fd = socket(AF_INET, type, 0);
    assert_int_equal(socket_address_parse(STR("127.0.0.1:0"), &any), OK);
    address_get(&any, &sa);
    assert_int_equal(bind(fd, (struct sockaddr *)&sa, any.storage_len), 0);
    return fd;
}

static void
datagrams_are_answered(void **state)
{
    struct socket_address address;
    struct datagram *d, *second;
    assert_int_equal(socket_address_parse(STR("127.0.0.1:0"), &address), OK);
    assert_int_equal(datagram_new(rt, &address, echo, NULL, &d), OK);
    assert_true(address.port != 0);
    expect_echo(&address);
    assert_int_equal(datagram_new(rt, &address, echo, NULL, &second), E_EXISTS);
    datagram_free(d);
    datagram_free(NULL);
}

static void
datagrams_come_to_a_socket_that_was_passed_in(void **state)
{
    struct socket_address address;
    struct datagram *d;
    int stream = bound_socket(SOCK_STREAM);
    assert_int_equal(datagram_adopt(rt, stream, &address, echo, NULL, &d), E_INVALID);
    close(stream);
    assert_int_equal(datagram_adopt(rt, bound_socket(SOCK_DGRAM), &address, echo, NULL, &d), OK);
    expect_echo(&address);
    datagram_free(d);
}

static void
on_accept(void *arg, struct socket *s)
{
    atomic_fetch_add(&accepted, 1);
    socket_free(s);
}

static void
connections_come_to_a_socket_that_was_passed_in(void **state)
{
    struct socket_address address;
    struct listener *l;
    int datagram = bound_socket(SOCK_DGRAM);
    assert_int_equal(listener_adopt(rt, datagram, &address, on_accept, NULL, &l), E_INVALID);
    close(datagram);
    assert_int_equal(listener_adopt(rt, bound_socket(SOCK_STREAM), &address, on_accept, NULL, &l),
                     OK);
    for (int i = 0; i < 50; i++) {
        char byte;
        int fd = client_socket(SOCK_STREAM, &address);
        assert_true(recv(fd, &byte, 1, 0) <= 0);
        close(fd);
    }
    listener_free(l);
    assert_int_equal(atomic_load(&accepted), 50);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(datagrams_are_answered),
        TEST(datagrams_come_to_a_socket_that_was_passed_in),
        TEST(connections_come_to_a_socket_that_was_passed_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
