// Tests of zones with real guests: cut off, slow, killed and healed.
// SPDX-License-Identifier: Apache-2.0
#include "src/host/zones.h"

#include "src/host/fixture_network.h"
#include "src/host/network.h"

#define ZONE_A STR("us-east-1a")
#define ZONE_B STR("us-east-1b")

static void
set(struct zones *z, struct str zone, enum zone_state state)
{
    char problem[HOST_PROBLEM_BYTES] = "";
    assert_int_equal(fixture_check(zones_set(z, zone, state, problem), problem), OK);
}

static struct zones *
begin(struct fixture *f)
{
    struct firewall_rule all = {.cidr = STR("0.0.0.0/0")};
    struct zones *z = zones_new(f->host);
    char problem[HOST_PROBLEM_BYTES] = "";
    fixture_network(f, NET);
    fixture_allow(f, NET, &all);
    assert_int_equal(zones_add_range(z, ZONE_A, NET, STR("10.0.1.0/24"), problem), OK);
    assert_int_equal(
        fixture_check(zones_add_range(z, ZONE_B, NET, STR("10.0.2.0/24"), problem), problem), OK);
    fixture_port(f, NET, "p1", "10.0.1.4", "10.0.1.1", STR("sg-web"), SERVER);
    fixture_hear(f, "p1", "up\n");
    fixture_port(f, NET, "p2", "10.0.1.5", "10.0.1.1", STR("sg-web"), READER("10.0.1.4"));
    fixture_port(f, NET, "p3", "10.0.2.4", "10.0.2.1", STR("sg-web"), READER("10.0.1.4"));
    assert_int_equal(zones_add_sandbox(z, ZONE_A, STR("p1"), problem), OK);
    assert_int_equal(zones_add_sandbox(z, ZONE_A, STR("p2"), problem), OK);
    assert_int_equal(zones_add_sandbox(z, ZONE_B, STR("p3"), problem), OK);
    fixture_hear_now(f, "p2", "web from 10.0.1.5\n");
    fixture_hear_now(f, "p3", "web from 10.0.2.4\n");
    return z;
}

static void
end(struct fixture *f, struct zones *z)
{
    fixture_guest_end(f, "p1");
    fixture_guest_end(f, "p2");
    fixture_guest_end(f, "p3");
    fixture_network_end(f, NET);
    zones_free(z);
}

static void
assert_report(struct fixture *f, struct zones *z, struct str words)
{
    struct buf out;
    buf_init(&out, &f->arena, 0);
    zones_print(z, &out);
    assert_true(str_find(buf_str(&out), words) >= 0);
}

static void
a_zone_is_cut_off_and_heals(struct fixture *f)
{
    char problem[HOST_PROBLEM_BYTES] = "";
    struct zones *z = begin(f);
    set(z, ZONE_A, ZONE_CUT);
    set(z, ZONE_A, ZONE_CUT);
    fixture_hear_now(f, "p3", "nothing\n");
    fixture_hear_now(f, "p2", "web from 10.0.1.5\n"); // inside all goes on
    assert_report(f, z, STR("\"us-east-1a\",\"state\":\"cut\""));
    set(z, ZONE_A, ZONE_HEALTHY);
    fixture_hear_now(f, "p3", "web from 10.0.2.4\n");
    assert_int_equal(zones_slow(z, ZONE_B, ZONE_A, 0, 1000000, problem), OK);
    fixture_hear_now(f, "p3", "nothing\n");
    assert_report(f, z, STR("\"between\":[\"us-east-1a\",\"us-east-1b\"]"));
    assert_int_equal(zones_slow(z, ZONE_A, ZONE_B, 0, 0, problem), OK);
    fixture_hear_now(f, "p3", "web from 10.0.2.4\n");
    assert_report(f, z, STR("\"slow\":[]"));
    assert_int_equal(zones_set(z, STR("nowhere"), ZONE_CUT, problem), E_NOT_FOUND);
    end(f, z);
}

static void
a_killed_zone_ends_its_sandboxes(struct fixture *f)
{
    struct sandbox_status status;
    struct zones *z = begin(f);
    set(z, ZONE_A, ZONE_DEAD);
    assert_true(zones_is_dead(z, ZONE_A) && !zones_is_dead(z, ZONE_B));
    fixture_hear_now(f, "p3", "nothing\n");
    assert_int_equal(sandbox_status_get(f->host, STR("p1"), &status), OK);
    assert_int_not_equal(status.state, SANDBOX_RUNNING);
    assert_int_equal(sandbox_status_get(f->host, STR("p3"), &status), OK);
    assert_int_equal(status.state, SANDBOX_RUNNING);
    set(z, ZONE_A, ZONE_HEALTHY);
    assert_false(zones_is_dead(z, ZONE_A));
    zones_forget(z, STR("p1"));
    zones_forget(z, NET);
    assert_report(f, z, STR("\"ranges\":[],\"sandboxes\":[\"p2\"]"));
    end(f, z);
}

IN_FIBER(a_zone_is_cut_off_and_heals)
IN_FIBER(a_killed_zone_ends_its_sandboxes)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_zone_is_cut_off_and_heals),
        TEST(a_killed_zone_ends_its_sandboxes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
