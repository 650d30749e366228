// Tests of networks with real guests in them: who hears whom, and what changes that.
// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "src/host/faults.h"
#include "src/host/fixture_network.h"
#include "src/task/socket.h"

static void
groups_open_and_close_between_neighbours(struct fixture *f)
{
    struct firewall_rule by_cidr = {
        .protocol = 6, .from = 80, .to = 80, .cidr = STR("10.0.1.0/24")};
    struct firewall_rule by_group = {.protocol = 6, .from = 1, .to = 100, .group = STR("sg-open")};
    fixture_network(f, NET);
    fixture_port(f, NET, "p1", "10.0.1.4", "10.0.1.1", STR("sg-web"), SERVER);
    fixture_hear(f, "p1", "up\n");
    fixture_port(f, NET, "p2", "10.0.1.5", "10.0.1.1", STR("sg-open"), READER("10.0.1.4"));
    fixture_hear_now(f, "p2", "nothing\n");
    fixture_allow(f, NET, &by_cidr);
    fixture_hear_now(f, "p2", "web from 10.0.1.5\n");
    fixture_allow(f, NET, NULL);
    fixture_hear_now(f, "p2", "nothing\n");
    fixture_allow(f, NET, &by_group);
    fixture_hear_now(f, "p2", "web from 10.0.1.5\n");
    fixture_guest_end(f, "p1");
    fixture_guest_end(f, "p2");
    fixture_network_end(f, NET);
}

static void
a_cut_zone_is_cut_and_heals(struct fixture *f)
{
    struct firewall_rule all = {.cidr = STR("0.0.0.0/0")};
    struct buf rules;
    fixture_network(f, NET);
    fixture_allow(f, NET, &all);
    fixture_port(f, NET, "p1", "10.0.1.4", "10.0.1.1", STR("sg-web"), SERVER);
    fixture_hear(f, "p1", "up\n");
    fixture_port(f, NET, "p2", "10.0.2.4", "10.0.2.1", STR("sg-open"), READER("10.0.1.4"));
    fixture_hear_now(f, "p2", "web from 10.0.2.4\n");
    buf_init(&rules, &f->arena, 0);
    faults_begin(&rules);
    faults_cut(STR("10.0.2.0/24"), &rules);
    fixture_apply(f, NET, &rules);
    fixture_hear_now(f, "p2", "nothing\n");
    buf_init(&rules, &f->arena, 0);
    faults_begin(&rules);
    fixture_apply(f, NET, &rules);
    fixture_hear_now(f, "p2", "web from 10.0.2.4\n");
    fixture_guest_end(f, "p1");
    fixture_guest_end(f, "p2");
    fixture_network_end(f, NET);
}

static void
networks_with_the_same_addresses_are_apart(struct fixture *f)
{
    struct firewall_rule all = {.cidr = STR("0.0.0.0/0")};
    struct str console;
    fixture_network(f, NET);
    fixture_network(f, STR("net-2"));
    fixture_allow(f, NET, &all);
    fixture_allow(f, STR("net-2"), &all);
    fixture_port(f, NET, "p1", "10.0.1.4", "10.0.1.1", STR("sg-web"), SERVER);
    fixture_hear(f, "p1", "up\n");
    // The same address, in the other network: nobody serves there.
    fixture_port(f, STR("net-2"), "p2", "10.0.1.5", "10.0.1.1", STR("sg-open"), READER("10.0.1.4"));
    fixture_port(f, NET, "p3", "10.0.1.5", "10.0.1.1", STR("sg-open"), READER("10.0.1.4"));
    fixture_hear_now(f, "p3", "web from 10.0.1.5\n");
    fixture_hear_now(f, "p2", "nothing\n");
    assert_int_equal(sandbox_console(f->host, STR("p2"), 4096, &f->arena, &console), OK);
    assert_true(str_find(console, STR("web")) < 0);
    fixture_guest_end(f, "p1");
    fixture_guest_end(f, "p2");
    fixture_guest_end(f, "p3");
    fixture_network_end(f, NET);
    fixture_network_end(f, STR("net-2"));
}

static void
a_guest_cannot_change_or_forge_its_address(struct fixture *f)
{
    struct str console;
    fixture_network(f, NET);
    fixture_port(
        f, NET, "p1", "10.0.1.4", "10.0.1.1", STR("sg-open"),
        "ip addr add 10.0.1.9/24 dev eth0 && echo can-add; ip link set eth0 down && echo can-down;"
        "ip route add default via 10.0.1.7 && echo can-route; nft list ruleset && echo can-list;"
        "perl -MSocket -e 'socket($s, PF_INET, SOCK_RAW, 255) and print \"can-raw\\n\"';"
        "ip -4 -o addr show eth0; ping -c 1 -W 2 10.0.1.1 >/dev/null && echo pings; echo end");
    (void)fixture_end(f, "p1", &console);
    assert_true(str_find(console, STR("can-")) < 0);
    assert_true(str_find(console, STR("inet 10.0.1.4/24")) >= 0);
    assert_true(str_find(console, STR("end\n")) >= 0);
    assert_int_equal(sandbox_remove(f->host, STR("p1")), OK);
    fixture_network_end(f, NET);
}

static struct str
fetch(struct fixture *f, const char *text)
{
    char *reply = arena_alloc_bytes(&f->arena, 256);
    struct socket_address address;
    struct socket *s;
    int64_t deadline_ns = deadline_in_ms(f->runtime, 3000);
    size_t len = 0;
    assert_int_equal(socket_address_parse(str_of(text), &address), OK);
    if (socket_connect(loop_current(), &address, deadline_ns, &s) != OK)
        return (struct str){0}; // nobody listens there yet
    for (ptrdiff_t got = 0; got >= 0 || got == E_AGAIN;) {
        got = socket_read(s, reply + len, 256 - len);
        if (got == E_AGAIN && socket_wait(s, SOCKET_READABLE, deadline_ns) != OK)
            break;
        len += got > 0 ? (size_t)got : 0;
    }
    socket_free(s);
    return (struct str){reply, len};
}

// Ports that an ordinary user may open on the host too.
#define TWO_SERVERS                                                                                \
    "perl -MIO::Socket::INET -MIO::Select -e '$| = 1; $all = IO::Select->new(map { "               \
    "IO::Socket::INET->new(LocalPort => $_, Listen => 50, ReuseAddr => 1) or die } 8080, 8081); "  \
    "print \"up\\n\"; for (;;) { for ($all->can_read) { $c = $_->accept; "                         \
    "print $c $c->sockport . \" to \" . $c->peerhost; close $c } }'"

// Waits until it is heard, as the holder looks for what guests listen on.
static struct str
fetch_soon(struct fixture *f, const char *text)
{
    int64_t deadline_ns = deadline_in_ms(f->runtime, 60 * 1000);
    for (;;) {
        struct str reply = fetch(f, text);
        if (reply.len > 0 || clock_mono_ns(f->runtime) > deadline_ns)
            return reply;
        assert_int_equal(fiber_sleep_until(deadline_in_ms(f->runtime, 20)), OK);
    }
}

static void
an_address_of_the_host_leads_to_all_ports_of_a_guest(struct fixture *f)
{
    char problem[HOST_PROBLEM_BYTES] = "", loopback[32], first[64], second[64];
    struct network_status status;
    struct firewall_rule outside = {
        .protocol = 6, .from = 8080, .to = 8081, .cidr = STR(NETWORK_SPLICE_SOURCE "/32")};
    unsigned pid = (unsigned)getpid(); // other tests have other addresses
    snprintf(loopback, sizeof(loopback), "127.%u.%u.2", 64 + (pid >> 8) % 64, pid % 256);
    snprintf(first, sizeof(first), "%s:8080", loopback);
    snprintf(second, sizeof(second), "%s:8081", loopback);
    fixture_network(f, NET);
    fixture_allow(f, NET, &outside);
    fixture_port(f, NET, "p1", "10.0.1.4", "10.0.1.1", STR("sg-web"), TWO_SERVERS);
    fixture_hear(f, "p1", "up\n");
    for (int i = 0; i < 2; i++)
        assert_int_equal(fixture_check(network_splice_add(f->host, NET, str_of(loopback), STR("p1"),
                                                          STR("10.0.1.4"), problem),
                                       problem),
                         OK);
    assert_true(str_eq(fetch_soon(f, first), STR("8080 to " NETWORK_SPLICE_SOURCE)));
    assert_true(str_eq(fetch_soon(f, second), STR("8081 to " NETWORK_SPLICE_SOURCE)));
    fixture_allow(f, NET, NULL);
    assert_int_equal(fetch(f, first).len, 0); // the group lets nobody in
    assert_int_equal(network_status_get(f->host, NET, &status), OK);
    assert_true(status.splices == 1 && status.refused == 0);
    assert_int_equal(network_splice_del(f->host, NET, str_of(loopback), problem), OK);
    assert_int_equal(network_splice_del(f->host, NET, str_of(loopback), problem), OK);
    assert_int_equal(
        network_splice_add(f->host, NET, str_of(loopback), STR("p9"), STR("10.0.1.9"), problem),
        E_INVALID);
    assert_int_equal(network_status_get(f->host, NET, &status), OK);
    assert_int_equal(status.splices, 0);
    fixture_guest_end(f, "p1");
    fixture_network_end(f, NET);
}

static void
refused_rules_change_nothing(struct fixture *f)
{
    char problem[HOST_PROBLEM_BYTES] = "";
    fixture_network(f, NET);
    assert_int_equal(network_rules(f->host, NET,
                                   STR("flush chain inet c10m leaving\nadd rule no sense\n"),
                                   problem),
                     E_INVALID);
    assert_true(strlen(problem) > 0);
    assert_int_equal(network_port_del(f->host, NET, STR("p9"), problem), OK);
    assert_int_equal(network_address_add(f->host, NET, STR("10.0.1.300/24"), problem), E_INVALID);
    fixture_network_end(f, NET);
    assert_int_equal(network_rules(f->host, NET, STR(""), problem), E_NOT_FOUND);
}

IN_FIBER(groups_open_and_close_between_neighbours)
IN_FIBER(a_cut_zone_is_cut_and_heals)
IN_FIBER(networks_with_the_same_addresses_are_apart)
IN_FIBER(a_guest_cannot_change_or_forge_its_address)
IN_FIBER(an_address_of_the_host_leads_to_all_ports_of_a_guest)
IN_FIBER(refused_rules_change_nothing)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(refused_rules_change_nothing),
        TEST(groups_open_and_close_between_neighbours),
        TEST(a_cut_zone_is_cut_and_heals),
        TEST(networks_with_the_same_addresses_are_apart),
        TEST(a_guest_cannot_change_or_forge_its_address),
        TEST(an_address_of_the_host_leads_to_all_ports_of_a_guest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
