// Tests of what differs between two records of a network.
// SPDX-License-Identifier: Apache-2.0
#include "src/host/network_commands.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

struct pair {
    struct arena arena;
    struct host_group_record groups[2];
    struct host_rule_record rule;
    struct host_port_record ports[2];
    struct str names[2];
    struct host_network_record record;
};

// Two groups, the first with a rule, and two ports in the first.
static void
begin(struct pair *p)
{
    *p = (struct pair){0};
    arena_init(&p->arena);
    p->names[0] = STR("web");
    p->rule = (struct host_rule_record){
        .protocol = {6, true}, .from = {80, true}, .to = {80, true}, .cidr = STR("10.0.0.0/8")};
    p->groups[0] = (struct host_group_record){.name = STR("web"), .rules = {&p->rule, 1}};
    p->groups[1] = (struct host_group_record){.name = STR("old")};
    for (int i = 0; i < 2; i++)
        p->ports[i] = (struct host_port_record){
            .name = i == 0 ? STR("p1") : STR("p2"),
            .address = i == 0 ? STR("10.0.1.4/24") : STR("10.0.1.5/24"),
            .groups = {p->names, 1},
        };
    p->record = (struct host_network_record){.groups = {p->groups, 2}, .ports = {p->ports, 2}};
}

static struct str
change(struct pair *p, const struct host_network_record *before,
       const struct host_network_record *r)
{
    struct buf out;
    buf_init(&out, &p->arena, 4096);
    network_commands_change(before, r, &out);
    return buf_str(&out);
}

static ptrdiff_t
at(struct str text, const char *line)
{
    char whole[256];
    snprintf(whole, sizeof(whole), "%s\n", line);
    ptrdiff_t found = str_find(text, str_of(whole));
    if (found < 0)
        print_error("no %s in\n" STR_FMT "\n", line, STR_ARG(text));
    return found;
}

static bool
has(struct str text, const char *words)
{
    return str_find(text, str_of(words)) >= 0;
}

static void
no_element_is_touched_when_only_a_rule_changes(void **state)
{
    struct pair p, q;
    begin(&p);
    begin(&q);
    q.rule.cidr = STR("192.0.2.0/24");
    struct str text = change(&p, &p.record, &q.record);
    assert_false(has(text, " element ") || has(text, "delete ") || has(text, "add table"));
    assert_false(has(text, "add chain ") || has(text, "p-p1-") || has(text, "g-old-"));
    assert_false(has(text, "g-web-out"));
    assert_true(has(text, "flush chain inet c10m v-"));
    ptrdiff_t flush = at(text, "flush chain inet c10m g-web-in");
    ptrdiff_t rule =
        at(text, "add rule inet c10m g-web-in ip saddr 192.0.2.0/24 tcp dport 80-80 accept");
    assert_true(flush >= 0 && rule > flush);
    arena_fini(&p.arena);
    arena_fini(&q.arena);
}

static void
what_is_gone_goes_after_all_that_names_it(void **state)
{
    struct pair p, q;
    begin(&p);
    begin(&q);
    q.record.groups.count = q.record.ports.count = 1;
    struct str text = change(&p, &p.record, &q.record);
    ptrdiff_t element = at(text, "delete element inet c10m leave { 10.0.1.5 : jump p-p2-out }");
    ptrdiff_t flush = at(text, "flush chain inet c10m p-p2-out");
    ptrdiff_t chain = at(text, "delete chain inet c10m p-p2-out");
    ptrdiff_t set = at(text, "delete set inet c10m g-old-members");
    assert_true(element >= 0 && element < flush && flush < chain && chain < set);
    assert_true(at(text, "delete element inet c10m g-web-members { 10.0.1.5 }") >= 0);
    assert_true(at(text, "delete chain inet c10m g-old-in") >= 0);
    assert_false(has(text, "10.0.1.4"));
    arena_fini(&p.arena);
    arena_fini(&q.arena);
}

static void
what_is_new_comes_after_the_chains_that_it_names(void **state)
{
    struct pair p, q;
    begin(&p);
    begin(&q);
    p.record.ports.count = 1;
    struct str text = change(&p, &p.record, &q.record);
    ptrdiff_t chain = at(text, "add chain inet c10m p-p2-in");
    ptrdiff_t element = at(text, "add element inet c10m reach { 10.0.1.5 : jump p-p2-in }");
    assert_true(chain >= 0 && element > chain);
    assert_false(has(text, "delete ") || has(text, "10.0.1.4") || has(text, "p-p1-"));
    arena_fini(&p.arena);
    arena_fini(&q.arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_element_is_touched_when_only_a_rule_changes),
        cmocka_unit_test(what_is_gone_goes_after_all_that_names_it),
        cmocka_unit_test(what_is_new_comes_after_the_chains_that_it_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
