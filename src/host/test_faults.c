// Tests of slow, lossy and cut ways between guests.
// SPDX-License-Identifier: Apache-2.0
#include "src/host/faults.h"

#include <stdio.h>
#include <stdlib.h>

#include "src/host/fixture_network.h"

#define ZONE_1 STR("10.0.1.0/24")
#define ZONE_2 STR("10.0.2.0/24")

enum { QUEUE = 7, SLOW_US = 40 * 1000, WAY_MS_MIN = 80 };

static void
slow_begin(struct fixture *f, uint32_t delay_us, uint32_t loss_ppm)
{
    char problem[HOST_PROBLEM_BYTES] = "";
    assert_int_equal(
        fixture_check(network_queue_set(f->host, NET, QUEUE, delay_us, loss_ppm, problem), problem),
        OK);
}

static void
ways_apply(struct fixture *f, bool are_slow)
{
    struct buf rules;
    buf_init(&rules, &f->arena, 0);
    faults_begin(&rules);
    if (are_slow) {
        faults_slow(ZONE_1, ZONE_2, QUEUE, &rules);
        faults_slow(ZONE_2, ZONE_1, QUEUE, &rules);
    }
    fixture_apply(f, NET, &rules);
}

// Prints the time of each answer in whole ms, or "lost".
#define PROBE                                                                                      \
    "perl -MTime::HiRes=time -MSocket -e '$| = 1; socket($s, PF_INET, SOCK_DGRAM, 17); for (;;) "  \
    "{ $at = time; send($s, \"$at\", 0, pack_sockaddr_in(9, inet_aton(\"10.0.2.4\"))); $v = "      \
    "\"\"; "                                                                                       \
    "vec($v, fileno($s), 1) = 1; $got = \"\"; while (select($r = $v, undef, undef, 0.5)) { "       \
    "recv($s, $got, 99, 0); last if $got eq \"$at\" } printf \"%s\\n\", $got eq \"$at\" ? "        \
    "int(1000 * "                                                                                  \
    "(time - $at)) : \"lost\"; select undef, undef, undef, 0.005 }'"
#define ECHO                                                                                       \
    "perl -MSocket -e '$| = 1; socket($s, PF_INET, SOCK_DGRAM, 17); bind($s, pack_sockaddr_in(9, " \
    "INADDR_ANY)); print \"up\\n\"; for (;;) { $from = recv($s, $b, 99, 0); send($s, $b, 0, "      \
    "$from) }'"

// What the probe finds from now on: milliseconds, -1 for a lost one.
static void
probes(struct fixture *f, int *out, size_t count)
{
    struct str console, line;
    size_t before = 0, seen = 0;
    for (size_t tries = 0; seen < count + 2; tries++) {
        assert_true(tries < 6000);
        assert_int_equal(fiber_sleep_until(deadline_in_ms(f->runtime, 10)), OK);
        assert_int_equal(sandbox_console(f->host, STR("p1"), 1 << 20, &f->arena, &console), OK);
        if (tries == 0)
            before = console.len;
        seen = 0;
        for (size_t i = before; i < console.len; i++)
            seen += console.ptr[i] == '\n';
    }
    struct str rest = str_slice(console, before, console.len);
    (void)str_cut(rest, '\n', &line, &rest); // half a line, and one that was on its way
    (void)str_cut(rest, '\n', &line, &rest);
    for (size_t i = 0; i < count; i++) {
        assert_true(str_cut(rest, '\n', &line, &rest));
        int64_t ms = -1;
        if (!str_eq(line, STR("lost")))
            assert_int_equal(str_to_int64(line, &ms), OK);
        out[i] = (int)ms;
    }
}

// The fastest of some answers, which a busy machine slows least; -1 when all are lost.
static int
way_ms(struct fixture *f)
{
    enum { PROBES = 7 };
    int found[PROBES], fastest = -1;
    probes(f, found, PROBES);
    for (size_t i = 0; i < PROBES; i++) {
        if (found[i] >= 0 && (fastest < 0 || found[i] < fastest))
            fastest = found[i];
    }
    return fastest;
}

static void
begin(struct fixture *f)
{
    struct firewall_rule all = {.cidr = STR("0.0.0.0/0")};
    fixture_network(f, NET);
    fixture_allow(f, NET, &all);
    fixture_port(f, NET, "p2", "10.0.2.4", "10.0.2.1", STR("sg-web"), ECHO);
    fixture_hear(f, "p2", "up\n");
    fixture_port(f, NET, "p1", "10.0.1.4", "10.0.1.1", STR("sg-web"), PROBE);
}

static void
end(struct fixture *f)
{
    fixture_guest_end(f, "p1");
    fixture_guest_end(f, "p2");
    fixture_network_end(f, NET);
}

static void
a_way_is_slow_then_as_before(struct fixture *f)
{
    char problem[HOST_PROBLEM_BYTES];
    begin(f);
    int fast = way_ms(f);
    slow_begin(f, SLOW_US, 0);
    ways_apply(f, true);
    assert_true(way_ms(f) >= WAY_MS_MIN); // 40 ms each way
    slow_begin(f, SLOW_US / 4, 0);        // changed while packets pass
    int quarter = way_ms(f);
    assert_true(quarter >= WAY_MS_MIN / 4);
    ways_apply(f, false);
    assert_int_equal(network_queues_keep(f->host, NET, 0, problem), OK);
    assert_int_equal(network_queue_end(f->host, NET, QUEUE, problem), OK);
    int healed = way_ms(f);
    assert_true(fast < WAY_MS_MIN / 4 && healed >= 0 && healed < WAY_MS_MIN / 4);
    end(f);
}

static void
a_way_loses_packets(struct fixture *f)
{
    enum { PROBES = 5, ROUNDS_MAX = 40, HALF_PPM = 500 * 1000 };
    int found[PROBES], lost = 0, answered = 0;
    begin(f);
    (void)way_ms(f);
    slow_begin(f, 0, HALF_PPM);
    ways_apply(f, true);
    // Three of four are lost, as each way loses one of two.
    for (size_t i = 0; lost < PROBES || answered == 0; i++) {
        assert_true(i < ROUNDS_MAX);
        probes(f, found, PROBES);
        for (size_t k = 0; k < PROBES; k++) {
            lost += found[k] < 0;
            answered += found[k] >= 0;
        }
    }
    end(f);
}

static void
a_cut_spares_what_is_together(struct fixture *f)
{
    struct buf rules;
    begin(f);
    assert_true(way_ms(f) >= 0);
    buf_init(&rules, &f->arena, 0);
    faults_begin(&rules);
    faults_together(ZONE_1, ZONE_2, &rules);
    faults_together(ZONE_2, ZONE_1, &rules);
    faults_cut(ZONE_2, &rules);
    fixture_apply(f, NET, &rules);
    assert_true(way_ms(f) >= 0);
    buf_init(&rules, &f->arena, 0);
    faults_begin(&rules);
    faults_cut(ZONE_2, &rules);
    fixture_apply(f, NET, &rules);
    assert_int_equal(way_ms(f), -1);
    end(f);
}

IN_FIBER(a_way_is_slow_then_as_before)
IN_FIBER(a_way_loses_packets)
IN_FIBER(a_cut_spares_what_is_together)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_way_is_slow_then_as_before),
        TEST(a_way_loses_packets),
        TEST(a_cut_spares_what_is_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
