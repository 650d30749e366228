// What the tests of networks share: a network with two subnets, ports with guests in them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/host/firewall.h"
#include "src/host/fixture.h"
#include "src/host/network.h"

#define NET STR("net-1")

// Serves "web" to everybody that connects.
#define SERVER                                                                                     \
    "perl -MIO::Socket::INET -e '$| = 1; $s = IO::Socket::INET->new(LocalPort => 80, Listen => "   \
    "50, ReuseAddr => 1) or die; print \"up\\n\"; while ($c = $s->accept) { print $c \"web from "  \
    "\" . $c->peerhost . \"\\n\"; close $c }'"

// Asks such a server for ever, and prints what changes: its line, or "nothing".
#define READER(address)                                                                            \
    "perl -MIO::Socket::INET -e '$| = 1; $was = \"\"; for (;;) { $l = \"nothing\\n\"; $c = "       \
    "IO::Socket::INET->new(PeerHost => \"" address                                                 \
    "\", PeerPort => 80, Timeout => 1); $v = \"\"; "                                               \
    "vec($v, fileno($c), 1) = 1 if $c; $l = <$c> // $l if $c && select($v, undef, undef, 1); "     \
    "print $l if $l ne $was; $was = $l; select undef, undef, undef, 0.02 }'"

// Waits until the last that its console holds is this line: what a reader finds now.
void fixture_hear_now(struct fixture *f, const char *name, const char *line);
// Prints the problem when the code is none of success; gives the code back.
int fixture_check(int code, const char *problem);
void fixture_apply(struct fixture *f, struct str network, const struct buf *rules);
// With the subnets 10.0.1.0/24 and 10.0.2.0/24, and the groups sg-open and sg-web, which let
// everything out and nothing in.
void fixture_network(struct fixture *f, struct str name);
void fixture_network_end(struct fixture *f, struct str name);
// A port of that group, and a guest of the same name in it.
void fixture_port(struct fixture *f, struct str network, const char *name, const char *address,
                  const char *gateway, struct str group, const char *command);
void fixture_guest_end(struct fixture *f, const char *name);
// Lets sg-web in what the rule says (NULL: nothing), beside all out.
void fixture_allow(struct fixture *f, struct str network, const struct firewall_rule *rule);

// A test of that name, in a fiber, with a host of its own.
#define IN_FIBER(name)                                                                             \
    static void test_##name(void **state)                                                          \
    {                                                                                              \
        fixture_run(*state, name);                                                                 \
    }
#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, fixture_setup, fixture_teardown)
