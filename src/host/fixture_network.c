// What the tests of networks share.
// SPDX-License-Identifier: Apache-2.0
#include "src/host/fixture_network.h"

#include <stdio.h>

enum { HEAR_MS_MAX = 60 * 1000, HEAR_MS = 10 };

int
fixture_check(int code, const char *problem)
{
    if (code != OK)
        print_error("%s: %s\n", code_name(code), problem);
    return code;
}

void
fixture_apply(struct fixture *f, struct str network, const struct buf *rules)
{
    char problem[HOST_PROBLEM_BYTES] = "";
    assert_int_equal(
        fixture_check(network_rules(f->host, network, buf_str(rules), problem), problem), OK);
}

static const struct firewall_rule all_out = {.is_egress = true, .cidr = {"0.0.0.0/0", 9}};

void
fixture_network(struct fixture *f, struct str name)
{
    char problem[HOST_PROBLEM_BYTES] = "";
    struct buf rules;
    assert_int_equal(fixture_check(network_start(f->host, name, problem), problem), OK);
    assert_int_equal(network_start(f->host, name, problem), OK); // is found
    assert_int_equal(
        fixture_check(network_address_add(f->host, name, STR("10.0.1.1/24"), problem), problem),
        OK);
    assert_int_equal(network_address_add(f->host, name, STR("10.0.2.1/24"), problem), OK);
    buf_init(&rules, &f->arena, 0);
    firewall_begin(&rules);
    firewall_group_set(STR("sg-open"), &all_out, 1, &rules);
    firewall_group_set(STR("sg-web"), &all_out, 1, &rules);
    fixture_apply(f, name, &rules);
}

void
fixture_network_end(struct fixture *f, struct str name)
{
    char problem[HOST_PROBLEM_BYTES];
    struct network_status status;
    assert_int_equal(network_stop(f->host, name, problem), OK);
    assert_int_equal(network_status_get(f->host, name, &status), OK);
    assert_false(status.is_running);
}

void
fixture_port(struct fixture *f, struct str network, const char *name, const char *address,
             const char *gateway, struct str group, const char *command)
{
    char problem[HOST_PROBLEM_BYTES] = "";
    struct network_fds fds;
    struct buf rules;
    struct network_port port = {
        .name = str_of(name),
        .address = arena_print(&f->arena, "%s/24", address),
        .gateway = str_of(gateway),
        .mac = STR("0a:00:00:00:00:04"),
    };
    assert_int_equal(
        fixture_check(network_port_add(f->host, network, &port, &fds, problem), problem), OK);
    buf_init(&rules, &f->arena, 0);
    firewall_port_add(str_of(name), str_of(address), &group, 1, &rules);
    fixture_apply(f, network, &rules);
    struct sandbox_spec spec = fixture_guest(f, name, command);
    spec.user_fd = fds.user_fd;
    spec.net_fd = fds.net_fd;
    fixture_start(f, &spec);
    network_fds_close(&fds);
}

void
fixture_guest_end(struct fixture *f, const char *name)
{
    assert_int_equal(sandbox_stop(f->host, str_of(name), 0), OK);
    assert_int_equal(sandbox_remove(f->host, str_of(name)), OK);
}

void
fixture_allow(struct fixture *f, struct str network, const struct firewall_rule *rule)
{
    struct buf rules;
    struct firewall_rule both[2] = {all_out};
    buf_init(&rules, &f->arena, 0);
    if (rule != NULL)
        both[1] = *rule;
    firewall_group_set(STR("sg-web"), both, rule != NULL ? 2 : 1, &rules);
    fixture_apply(f, network, &rules);
}

void
fixture_hear_now(struct fixture *f, const char *name, const char *line)
{
    struct str console = {0};
    int64_t deadline_ns = deadline_in_ms(f->runtime, HEAR_MS_MAX);
    while (clock_mono_ns(f->runtime) < deadline_ns && !str_ends(console, str_of(line))) {
        assert_int_equal(fiber_sleep_until(deadline_in_ms(f->runtime, HEAR_MS)), OK);
        assert_int_equal(sandbox_console(f->host, str_of(name), 1 << 20, &f->arena, &console), OK);
    }
    if (!str_ends(console, str_of(line)))
        print_error("%s does not say %s but " STR_FMT "\n", name, line, STR_ARG(console));
    assert_true(str_ends(console, str_of(line)));
}
