// Tests of flow records with real guests.
// SPDX-License-Identifier: Apache-2.0
#include "src/host/flow_log.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "src/host/fixture_network.h"

enum { TCP = 6, UDP = 17 };

// Adds up the records of one way, whatever the ports; all that were taken until one was there.
static struct flow_record
flow_wait(struct fixture *f, const char *from, const char *to, enum flow_outcome outcome,
          struct flow_record *sum)
{
    char problem[HOST_PROBLEM_BYTES] = "";
    struct flow_record *records;
    size_t count = 0;
    for (int tries = 0; sum->packets == 0; tries++) {
        assert_true(tries < 2000);
        assert_int_equal(fiber_sleep_until(deadline_in_ms(f->runtime, 10)), OK);
        assert_int_equal(
            fixture_check(network_flows_take(f->host, NET, &f->arena, &records, &count, problem),
                          problem),
            OK);
        for (size_t i = 0; i < count; i++) {
            if (records[i].source != inet_addr(from) || records[i].destination != inet_addr(to) ||
                records[i].outcome != outcome)
                continue;
            uint64_t packets = sum->packets, bytes = sum->bytes;
            *sum = records[i];
            sum->packets += packets;
            sum->bytes += bytes;
        }
    }
    return *sum;
}

static struct flow_record
flow(struct fixture *f, const char *from, const char *to, enum flow_outcome outcome)
{
    struct flow_record sum = {0};
    return flow_wait(f, from, to, outcome, &sum);
}

static void
accepted_and_refused_are_told_apart(struct fixture *f)
{
    char problem[HOST_PROBLEM_BYTES] = "";
    struct flow_record *records;
    size_t count;
    struct firewall_rule web = {.protocol = TCP, .from = 80, .to = 80, .cidr = STR("10.0.1.5/32")};
    fixture_network(f, NET);
    assert_int_equal(network_flows_take(f->host, NET, &f->arena, &records, &count, problem),
                     E_INVALID);
    assert_int_equal(fixture_check(network_flows_start(f->host, NET, problem), problem), OK);
    assert_int_equal(network_flows_start(f->host, NET, problem), OK);
    fixture_allow(f, NET, &web);
    fixture_port(f, NET, "p1", "10.0.1.4", "10.0.1.1", STR("sg-web"), SERVER);
    fixture_hear(f, "p1", "up\n");
    fixture_port(f, NET, "p2", "10.0.1.5", "10.0.1.1", STR("sg-open"), READER("10.0.1.4"));
    fixture_port(f, NET, "p3", "10.0.2.4", "10.0.2.1", STR("sg-open"), READER("10.0.1.4"));
    struct flow_record there = flow(f, "10.0.1.5", "10.0.1.4", FLOW_PASSED);
    assert_int_equal(there.protocol, TCP);
    assert_int_equal(there.destination_port, 80);
    assert_true(there.bytes >= 52 * there.packets);
    struct flow_record back = flow(f, "10.0.1.4", "10.0.1.5", FLOW_PASSED);
    assert_int_equal(back.source_port, 80);
    struct flow_record refused = flow(f, "10.0.2.4", "10.0.1.4", FLOW_REFUSED_IN);
    assert_int_equal(refused.destination_port, 80);
    assert_true(refused.bytes == 60 * refused.packets); // SYNs only
    assert_int_equal(network_flows_stop(f->host, NET, problem), OK);
    fixture_guest_end(f, "p1");
    fixture_guest_end(f, "p2");
    fixture_guest_end(f, "p3");
    fixture_network_end(f, NET);
}

// Twenty datagrams of 100 bytes, counted over many times without loss or repetition.
static void
nothing_is_lost_between_two_times(struct fixture *f)
{
    enum { SENT = 400, BYTES = 100 + 28 };
    char problem[HOST_PROBLEM_BYTES] = "";
    struct firewall_rule all = {.cidr = STR("0.0.0.0/0")};
    struct flow_record sum = {0};
    fixture_network(f, NET);
    assert_int_equal(fixture_check(network_flows_start(f->host, NET, problem), problem), OK);
    fixture_allow(f, NET, &all);
    fixture_port(f, NET, "p1", "10.0.1.4", "10.0.1.1", STR("sg-web"),
                 "perl -MSocket -e 'socket($s, PF_INET, SOCK_DGRAM, 17); bind($s, "
                 "pack_sockaddr_in(9, INADDR_ANY)); $| = 1; print \"up\\n\"; sleep 1000'");
    fixture_hear(f, "p1", "up\n");
    fixture_port(f, NET, "p2", "10.0.1.5", "10.0.1.1", STR("sg-open"),
                 "perl -MSocket -e 'socket($s, PF_INET, SOCK_DGRAM, 17); for (1..400) { send($s, "
                 "\"x\" x 100, 0, pack_sockaddr_in(9, inet_aton(\"10.0.1.4\"))); select undef, "
                 "undef, undef, 0.001 } $| = 1; print \"sent\\n\"; sleep 1000'");
    while (sum.packets < SENT) {
        struct flow_record more = flow(f, "10.0.1.5", "10.0.1.4", FLOW_PASSED);
        assert_int_equal(more.protocol, UDP);
        sum.packets += more.packets;
        sum.bytes += more.bytes;
    }
    assert_int_equal(sum.packets, SENT);
    assert_int_equal(sum.bytes, SENT * BYTES);
    fixture_guest_end(f, "p1");
    fixture_guest_end(f, "p2");
    fixture_network_end(f, NET);
}

static void
lines_are_those_of_a_vpc(void **state)
{
    struct arena a;
    struct buf out;
    struct flow_record r = {.source = inet_addr("172.31.16.139"),
                            .destination = inet_addr("172.31.16.21"),
                            .source_port = 20641,
                            .destination_port = 22,
                            .protocol = TCP,
                            .idle_ms = 2000,
                            .packets = 20,
                            .bytes = 4249};
    struct flow_view view = {.account = STR("123456789010"),
                             .interface = STR("eni-1235b8ca123456789"),
                             .begin_s = 1418530010,
                             .end_s = 1418530072};
    arena_init(&a);
    buf_init(&out, &a, 0);
    assert_true(flow_log_put(&r, &view, &out));
    r.outcome = FLOW_REFUSED_IN;
    assert_true(flow_log_put(&r, &view, &out));
    r.outcome = FLOW_REFUSED_OUT;
    assert_false(flow_log_put(&r, &view, &out));
    flow_log_put_status(&view, "NODATA", &out);
    assert_string_equal(
        arena_copy_z(&a, buf_str(&out)),
        "2 123456789010 eni-1235b8ca123456789 172.31.16.139 172.31.16.21 20641 22 6 "
        "20 4249 1418530010 1418530070 ACCEPT OK\n"
        "2 123456789010 eni-1235b8ca123456789 172.31.16.139 172.31.16.21 20641 22 6 "
        "20 4249 1418530010 1418530070 REJECT OK\n"
        "2 123456789010 eni-1235b8ca123456789 - - - - - - - 1418530010 1418530072 - "
        "NODATA\n");
    arena_fini(&a);
}

IN_FIBER(accepted_and_refused_are_told_apart)
IN_FIBER(nothing_is_lost_between_two_times)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_those_of_a_vpc),
        TEST(accepted_and_refused_are_told_apart),
        TEST(nothing_is_lost_between_two_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
