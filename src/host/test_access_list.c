// Tests of subnets' access lists with real guests.
// SPDX-License-Identifier: Apache-2.0
#include "src/host/access_list.h"

#include "src/host/fixture_network.h"

enum { TCP = 6 };

static void
list_set(struct fixture *f, const struct access_rule *rules, size_t count)
{
    struct buf out;
    buf_init(&out, &f->arena, 0);
    access_list_set(STR("acl-1"), rules, count, &out);
    fixture_apply(f, NET, &out);
}

static void
list_attach(struct fixture *f, void (*fn)(struct str list, struct str subnet, struct buf *out))
{
    struct buf out;
    buf_init(&out, &f->arena, 0);
    fn(STR("acl-1"), STR("10.0.1.0/24"), &out);
    fixture_apply(f, NET, &out);
}

static void
a_list_is_stateless_and_hears_the_border_only(struct fixture *f)
{
    const struct str all = STR("0.0.0.0/0");
    const struct access_rule allowed[] = {
        {.is_allowed = true, .protocol = TCP, .from = 80, .to = 80, .cidr = all},
        {.is_egress = true,
         .is_allowed = true,
         .protocol = TCP,
         .from = 1024,
         .to = 65535,
         .cidr = all},
    };
    const struct access_rule denied[] = {
        {.protocol = TCP, .from = 80, .to = 80, .cidr = STR("10.0.2.4/32")},
        allowed[0],
        allowed[1],
    };
    struct firewall_rule everybody = {.cidr = all};
    fixture_network(f, NET);
    fixture_allow(f, NET, &everybody);
    fixture_port(f, NET, "p1", "10.0.1.4", "10.0.1.1", STR("sg-web"), SERVER);
    fixture_hear(f, "p1", "up\n");
    fixture_port(f, NET, "p2", "10.0.2.4", "10.0.2.1", STR("sg-open"), READER("10.0.1.4"));
    fixture_hear_now(f, "p2", "web from 10.0.2.4\n");
    list_set(f, allowed, 1); // lets requests in, but no answers out
    list_attach(f, access_list_attach);
    fixture_hear_now(f, "p2", "nothing\n");
    fixture_port(f, NET, "p3", "10.0.1.5", "10.0.1.1", STR("sg-open"), READER("10.0.1.4"));
    fixture_hear_now(f, "p3", "web from 10.0.1.5\n"); // crosses no border
    list_set(f, allowed, 2);
    fixture_hear_now(f, "p2", "web from 10.0.2.4\n");
    list_set(f, denied, 3); // the first that fits decides
    fixture_hear_now(f, "p2", "nothing\n");
    list_attach(f, access_list_detach);
    fixture_hear_now(f, "p2", "web from 10.0.2.4\n");
    fixture_guest_end(f, "p1");
    fixture_guest_end(f, "p2");
    fixture_guest_end(f, "p3");
    fixture_network_end(f, NET);
}

IN_FIBER(a_list_is_stateless_and_hears_the_border_only)

int
main(void)
{
    const struct CMUnitTest tests[] = {TEST(a_list_is_stateless_and_hears_the_border_only)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
