// Tests of public addresses: networks that meet at the internet.
// SPDX-License-Identifier: Apache-2.0
#include "src/host/translation.h"

#include "src/host/fixture_network.h"

#define NET_2 STR("net-2")
#define WEB STR("198.51.100.1")
#define ELASTIC STR("198.51.100.2")
#define GATEWAY STR("198.51.100.3")

static void
link_up(struct fixture *f, struct str network)
{
    char problem[HOST_PROBLEM_BYTES] = "";
    assert_int_equal(fixture_check(network_uplink(f->host, network, problem), problem), OK);
    assert_int_equal(fixture_check(network_uplink(f->host, network, problem), problem), OK);
}

static void
public_add(struct fixture *f, struct str network, struct str address)
{
    char problem[HOST_PROBLEM_BYTES] = "";
    assert_int_equal(fixture_check(network_public_add(f->host, network, address, problem), problem),
                     OK);
}

typedef void translate_fn(struct str one, struct str other, struct buf *out);

static void
translate(struct fixture *f, struct str network, translate_fn *fn, struct str one, struct str other)
{
    struct buf out;
    buf_init(&out, &f->arena, 0);
    fn(one, other, &out);
    fixture_apply(f, network, &out);
}

static void
both_networks(struct fixture *f)
{
    struct firewall_rule everybody = {
        .protocol = 6, .from = 80, .to = 80, .cidr = STR("0.0.0.0/0")};
    fixture_network(f, NET);
    fixture_network(f, NET_2);
    link_up(f, NET);
    link_up(f, NET_2);
    fixture_allow(f, NET, &everybody);
    public_add(f, NET, WEB);
    public_add(f, NET_2, ELASTIC);
    public_add(f, NET_2, GATEWAY);
    fixture_port(f, NET, "p1", "10.0.1.4", "10.0.1.1", STR("sg-web"), SERVER);
    fixture_hear(f, "p1", "up\n");
}

static void
internet_has_ended(struct fixture *f)
{
    struct network_status status;
    assert_int_equal(network_status_get(f->host, NETWORK_INTERNET, &status), OK);
    assert_false(status.is_running); // it ended with the last of the others
}

static void
networks_meet_by_public_addresses_only(struct fixture *f)
{
    char problem[HOST_PROBLEM_BYTES];
    both_networks(f);
    // The same private address as the server's.
    fixture_port(f, NET_2, "p2", "10.0.1.4", "10.0.1.1", STR("sg-open"), READER("198.51.100.1"));
    fixture_hear_now(f, "p2", "nothing\n");
    translate(f, NET, translation_elastic_add, WEB, STR("10.0.1.4"));
    translate(f, NET_2, translation_gateway_add, STR("10.0.1.0/24"), GATEWAY);
    fixture_hear_now(f, "p2", "web from 198.51.100.3\n");
    translate(f, NET_2, translation_elastic_add, ELASTIC, STR("10.0.1.4"));
    fixture_hear_now(f, "p2", "web from 198.51.100.2\n");
    struct firewall_rule only = {
        .protocol = 6, .from = 80, .to = 80, .cidr = STR("198.51.100.3/32")};
    fixture_allow(f, NET, &only);
    fixture_hear_now(f, "p2", "nothing\n");
    translate(f, NET_2, translation_elastic_del, ELASTIC, STR("10.0.1.4"));
    fixture_hear_now(f, "p2", "web from 198.51.100.3\n");
    assert_int_equal(network_public_del(f->host, NET, WEB, problem), OK);
    fixture_hear_now(f, "p2", "nothing\n");
    fixture_guest_end(f, "p1");
    fixture_guest_end(f, "p2");
    fixture_network_end(f, NET);
    fixture_network_end(f, NET_2);
    internet_has_ended(f);
}

static void
a_neighbour_may_use_the_elastic_address(struct fixture *f)
{
    both_networks(f);
    translate(f, NET, translation_elastic_add, WEB, STR("10.0.1.4"));
    fixture_port(f, NET, "p2", "10.0.1.5", "10.0.1.1", STR("sg-open"), READER("198.51.100.1"));
    fixture_hear_now(f, "p2", "web from 10.0.1.5\n");
    fixture_guest_end(f, "p1");
    fixture_guest_end(f, "p2");
    fixture_network_end(f, NET);
    fixture_network_end(f, NET_2);
    internet_has_ended(f);
}

IN_FIBER(networks_meet_by_public_addresses_only)
IN_FIBER(a_neighbour_may_use_the_elastic_address)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(networks_meet_by_public_addresses_only),
        TEST(a_neighbour_may_use_the_elastic_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
