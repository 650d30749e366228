// Tests of a network's rules as text.
// SPDX-License-Identifier: Apache-2.0
#include "src/host/firewall.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void
assert_commands(struct buf *out, const char *expected)
{
    char *text = arena_copy_z(out->arena, buf_str(out));
    assert_string_equal(text, expected);
}

static void
rules_name_protocol_ports_and_the_other_side(void **state)
{
    struct arena a;
    struct buf out;
    const struct firewall_rule rules[] = {
        {.protocol = 6, .from = 22, .to = 22, .cidr = STR("0.0.0.0/0")},
        {.protocol = 17, .from = 1000, .to = 2000, .group = STR("sg-2")},
        {.protocol = 1, .from = 8, .to = FIREWALL_ANY, .cidr = STR("10.0.0.0/8")},
        {.protocol = 1, .from = FIREWALL_ANY, .cidr = STR("10.0.0.0/8")},
        {.protocol = 47, .cidr = STR("10.0.0.0/8")},
        {.is_egress = true, .cidr = STR("0.0.0.0/0")},
    };
    arena_init(&a);
    buf_init(&out, &a, 0);
    firewall_group_set(STR("sg-1"), rules, COUNT_OF(rules), &out);
    assert_commands(
        &out, "add set inet c10m g-sg-1-members { type ipv4_addr; }\n"
              "add chain inet c10m g-sg-1-in\n"
              "add chain inet c10m g-sg-1-out\n"
              "flush chain inet c10m g-sg-1-in\n"
              "flush chain inet c10m g-sg-1-out\n"
              "add rule inet c10m g-sg-1-in ip saddr 0.0.0.0/0 tcp dport 22-22 goto open-in\n"
              "add rule inet c10m g-sg-1-in ip saddr @g-sg-2-members udp dport 1000-2000 accept\n"
              "add rule inet c10m g-sg-1-in ip saddr 10.0.0.0/8 icmp type 8 accept\n"
              "add rule inet c10m g-sg-1-in ip saddr 10.0.0.0/8 ip protocol icmp accept\n"
              "add rule inet c10m g-sg-1-in ip saddr 10.0.0.0/8 meta l4proto 47 accept\n"
              "add rule inet c10m g-sg-1-out ip daddr 0.0.0.0/0 goto open-out\n");
    arena_fini(&a);
}

static void
a_port_without_groups_hears_nobody(void **state)
{
    struct arena a;
    struct buf out;
    arena_init(&a);
    buf_init(&out, &a, 0);
    firewall_port_add(STR("p1"), STR("10.0.0.4"), NULL, 0, &out);
    assert_commands(&out, "add chain inet c10m p-p1-in\n"
                          "flush chain inet c10m p-p1-in\n"
                          "add rule inet c10m p-p1-in goto refused-in\n"
                          "add chain inet c10m p-p1-out\n"
                          "flush chain inet c10m p-p1-out\n"
                          "add rule inet c10m p-p1-out goto refused-out\n"
                          "add element inet c10m bound { \"p1\" . 10.0.0.4 }\n"
                          "add element inet c10m leave { 10.0.0.4 : jump p-p1-out }\n"
                          "add element inet c10m reach { 10.0.0.4 : jump p-p1-in }\n");
    arena_fini(&a);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_name_protocol_ports_and_the_other_side),
        cmocka_unit_test(a_port_without_groups_hears_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
