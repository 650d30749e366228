# What a network's record says beside groups and ports: access lists, Elastic addresses, NAT, flows.
# SPDX-License-Identifier: Apache-2.0
import contextlib
import json
import os
import socket

import pytest

from support.server import eventually

NETWORK = ("network", "n1")
TCP = 6
WEB = (
    "exec perl -MIO::Socket::INET -e '$| = 1; $s = IO::Socket::INET->new(LocalPort => {0}, "
    'Listen => 50, ReuseAddr => 1) or die; print "up {0}\\n"; while ($c = $s->accept) {{ '
    'print $c "{0} to " . $c->peerhost . "\\n"; close $c }}\''
)
ECHO = (
    "exec perl -MSocket -e '$| = 1; socket($s, PF_INET, SOCK_DGRAM, 17);"
    'bind($s, pack_sockaddr_in({0}, INADDR_ANY)) or die; print "up {0}\\n";'
    "for (;;) {{ $from = recv($s, $b, 99999, 0); send($s, uc($b), 0, $from) }}'"
)


def reader(address, port=80):
    """Asks a web server for ever, and prints what changes: its line, or "nothing"."""
    return (
        "exec perl -MIO::Socket::INET -e '$| = 1; for (;;) { $l = \"nothing\\n\";"
        f'$c = IO::Socket::INET->new(PeerHost => "{address}", PeerPort => {port}, Timeout => 1);'
        '$v = ""; vec($v, fileno($c), 1) = 1 if $c;'
        "$l = <$c> // $l if $c && select($v, undef, undef, 1);"
        "print $l if $l ne $was; $was = $l; select undef, undef, undef, 0.02 }'"
    )


def spec_of(m, name="n1", ports=("p1", "p2"), **more):
    return m.network(name, ports, **more)


def guest(m, name, port, command, network="n1"):
    spec = m.guest(command, network=network, port=port)
    m.want("sandbox", name, spec=spec, needs=[("network", network)])


def now(m, name, line):
    """The last that it says."""
    eventually(lambda: m.console(name).endswith(f"{line}\n"), 60, f"{name} says {line!r}")


def again(m):
    """Another c10m, that finds what runs."""
    before = m.server.log.read_text().count("host_unit_adopted kind=network")
    m.server.kill()
    m.server.start()
    eventually(
        lambda: m.server.log.read_text().count("host_unit_adopted kind=network") > before,
        60,
        "the network is adopted",
    )


def change(m, spec, name="n1"):
    version = m.units()[name]["want_version"]
    m.want("network", name, spec=spec)
    eventually(lambda: m.units()[name]["applied_version"] > version, 60, "it is in force")


def loopback():
    """Of the host's, and no other test's."""
    pid = os.getpid()
    return f"127.{128 + pid // 256 % 64}.{pid % 256}.2"


def test_access_lists_are_attached_changed_and_taken_away(m):
    spec = spec_of(m)
    spec["addresses"].append("10.0.2.1/24")
    spec["ports"][1].update(address="10.0.2.4/24", gateway="10.0.2.1")
    spec["subnets"] = [{"cidr": "10.0.1.0/24", "access_list": "acl-1"}, {"cidr": "10.0.2.0/24"}]
    rule = {"protocol": TCP, "is_allowed": True, "cidr": "0.0.0.0/0"}
    asks = {**rule, "from": 80, "to": 80}
    answers = {**rule, "is_egress": True, "from": 1024, "to": 65535}
    spec["access_lists"] = [{"name": "acl-1", "rules": [asks, answers]}]
    m.want(*NETWORK, spec=spec)
    guest(m, "web", "p1", WEB.format(80))
    m.hear("web", "up")
    guest(m, "asks", "p2", reader("10.0.1.4"))
    now(m, "asks", "80 to 10.0.2.4")
    spec["access_lists"][0]["rules"] = [asks]  # stateless: no answers
    change(m, spec)
    now(m, "asks", "nothing")
    again(m)
    now(m, "asks", "nothing")
    assert m.units()["n1"]["spec"]["access_lists"] == spec["access_lists"]
    spec["subnets"][0].pop("access_list")
    change(m, spec)
    now(m, "asks", "80 to 10.0.2.4")


def fetch(address, port):
    """What a web server says; "" when it is refused or silent."""
    with contextlib.suppress(OSError):
        with socket.create_connection((address, port), 3) as s:
            return s.makefile().read()
    return ""


def shout(address, port, text="hello"):
    """What a guest that echoes answers."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(1)
        s.connect((address, port))
        with contextlib.suppress(OSError):
            s.send(text.encode())
            return s.recv(99999).decode()
    return ""


def elastic_guest(m):
    m.want(*NETWORK, spec=spec_of(m, elastics=[{"loopback": loopback(), "port": "p1"}]))
    both = " & ".join(command.format(port) for command, port in ((WEB, 8080), (WEB, 9443)))
    guest(m, "g1", "p1", f"({both}) & {ECHO.format(5353)}")
    for port in (8080, 9443, 5353):
        m.hear("g1", f"up {port}")


def test_an_elastic_address_of_the_host_leads_to_all_tcp_ports(m):
    address = loopback()
    elastic_guest(m)
    for port in (8080, 9443):
        eventually(lambda: fetch(address, port) == f"{port} to 192.0.2.1\n", 60, "it is there")
    assert fetch(address, 8081) == "", "nobody listens there"
    m.server.kill()
    assert fetch(address, 9443) == "9443 to 192.0.2.1\n", "also while c10m is away"
    m.server.start()
    m.die()
    m.boot()
    eventually(lambda: fetch(address, 8080) == "8080 to 192.0.2.1\n", 60, "after a reboot too")
    change(m, spec_of(m))
    assert fetch(address, 8080) == ""


def test_an_elastic_address_of_the_host_leads_to_all_udp_ports(m):
    address = loopback()
    elastic_guest(m)
    eventually(lambda: shout(address, 5353) == "HELLO", 60, "it is there")
    with contextlib.ExitStack() as stack:
        # Several at once: each hears its own answers.
        family = (socket.AF_INET, socket.SOCK_DGRAM)
        several = [stack.enter_context(socket.socket(*family)) for _ in range(20)]
        for number, s in enumerate(several):
            s.settimeout(20)
            s.sendto(f"from {number}".encode(), (address, 5353))
        for number, s in enumerate(several):
            assert s.recvfrom(100) == (f"FROM {number}".encode(), (address, 5353))
    assert shout(address, 5353, "x" * 20000) == "X" * 20000
    again(m)
    assert shout(address, 5353) == "HELLO"
    # Groups hold here too.
    spec = spec_of(m, elastics=[{"loopback": address, "port": "p1"}])
    spec["groups"][0]["rules"][0]["cidr"] = "10.0.0.0/16"
    change(m, spec)
    assert shout(address, 5353) == ""


def test_a_port_that_a_guest_opens_later_is_heard_and_one_that_it_closes_is_not(m):
    address = loopback()
    m.want(*NETWORK, spec=spec_of(m, elastics=[{"loopback": address, "port": "p1"}]))
    guest(m, "g1", "p1", f"{WEB.format(8080)} & sleep 3; kill $!; {WEB.format(8082)}")
    eventually(lambda: fetch(address, 8080) == "8080 to 192.0.2.1\n", 60, "it is there")
    eventually(lambda: fetch(address, 8082) == "8082 to 192.0.2.1\n", 60, "so is the other")
    eventually(lambda: refuses(address, 8080), 60, "the first is closed")


def refuses(address, port):
    with socket.socket() as s:
        return s.connect_ex((address, port)) != 0


def test_ports_that_the_host_refuses_are_told(m):
    address = loopback()
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind((address, 8080))
        taken.listen()
        elastic_guest(m)
        eventually(lambda: "1 port(s)" in m.units()["n1"]["problem"], 60, "it is told")
    eventually(lambda: m.units()["n1"]["problem"] == "", 60, "and then no more")
    eventually(lambda: fetch(address, 8080) == "8080 to 192.0.2.1\n", 60, "it is there")


def test_public_addresses_lead_from_network_to_network_and_move(m):
    web = [{"address": "203.0.113.7", "port": "p1"}]
    gateway = [{"cidr": "10.0.1.0/24", "address": "203.0.113.9"}]
    m.want(*NETWORK, spec=spec_of(m, elastics=web))
    m.want("network", "n2", spec=spec_of(m, "n2", gateways=gateway))
    m.want("network", "n3", spec=spec_of(m, "n3"))
    guest(m, "web", "p1", WEB.format(80))
    guest(m, "asks", "p1", reader("203.0.113.7"), network="n2")
    now(m, "asks", "80 to 203.0.113.9")
    again(m)
    now(m, "asks", "80 to 203.0.113.9")
    # The address moves to another network, before the first has given it back.
    guest(m, "other", "p2", WEB.format(80), network="n3")
    m.hear("other", "up")
    m.want("network", "n3", spec=spec_of(m, "n3", elastics=[{**web[0], "port": "p2"}]))
    change(m, spec_of(m))
    m.want("sandbox", "web", desired="gone")
    m.wait("web", None)
    now(m, "asks", "80 to 203.0.113.9")
    m.want("network", "n3", spec=spec_of(m, "n3"))
    now(m, "asks", "nothing")


def test_ways_between_zones_of_different_networks_are_slow(m):
    a, b = {"cidr": "10.0.1.0/24", "zone": "us-east-1a"}, {"cidr": "10.0.1.0/24", "zone": "eu-west-1a"}
    web = [{"address": "203.0.113.7", "port": "p1"}]
    other = [{"address": "203.0.113.8", "port": "p1"}]
    m.want(*NETWORK, spec=spec_of(m, elastics=web, subnets=[a]))
    m.want("network", "n2", spec=spec_of(m, "n2", elastics=other, subnets=[b]))
    guest(m, "web", "p1", WEB.format(80))
    guest(m, "asks", "p1", reader("203.0.113.7"), network="n2")
    now(m, "asks", "80 to 203.0.113.8")
    for body in ({"between": ["us-east-1", "eu-west-1"], "loss_ppm": 1000000}, {"place": "eu-west-1", "state": "cut"}):
        status, text = m.post(body, page="faults")
        assert status == 202, text
        now(m, "asks", "nothing")
        heal = {**body, "state": "healthy"} if "place" in body else {"between": body["between"]}
        status, text = m.post(heal, page="faults")
        assert status == 202, text
        now(m, "asks", "80 to 203.0.113.8")


def flows(m):
    status, text = m.post({"network": "n1"}, page="flows")
    return json.loads(text)["flows"] if status == 200 else text


def test_flows_are_recorded_when_the_record_says_so(m):
    m.want(*NETWORK, spec=spec_of(m))
    guest(m, "web", "p1", WEB.format(80))
    m.hear("web", "up")
    guest(m, "asks", "p2", reader("10.0.1.4"))
    now(m, "asks", "80 to 10.0.1.5")
    assert "not" in flows(m) or "No such" in flows(m)

    def requests():
        return [
            f
            for f in flows(m)
            if (f["source"], f["destination"], f["destination_port"], f["protocol"], f["outcome"])
            == ("10.0.1.5", "10.0.1.4", 80, TCP, "passed")
            and f["packets"] > 0
        ]

    change(m, spec_of(m, has_flows=True))
    eventually(requests, 60, "they are counted")
    again(m)
    eventually(requests, 60, "also by the next c10m")
    m.die()
    m.boot()
    m.wait("asks", "up")
    eventually(lambda: isinstance(flows(m), list) and requests(), 60, "and after a reboot")
    change(m, spec_of(m))
    assert isinstance(flows(m), str)


def test_a_network_may_have_many_ports(m):
    spec = spec_of(m, ports=[f"p{i + 1}" for i in range(100)])
    m.want(*NETWORK, spec=spec)
    guest(m, "g1", "p1", reader("10.0.1.103"))
    guest(m, "g2", "p100", WEB.format(80))
    now(m, "g1", "80 to 10.0.1.4")
    del spec["ports"][1:99]
    change(m, spec)
    again(m)
    assert m.console("g1").endswith("80 to 10.0.1.4\n"), "nothing in between"
    del spec["ports"][0]["groups"]
    change(m, spec)
    now(m, "g1", "nothing")


def test_parts_of_different_kinds_may_have_the_same_name(m):
    """Even that of a part which every network has."""
    spec = spec_of(m, ports=["refused", "p2"], groups=[{"name": "refused", "rules": []}])
    for port in spec["ports"]:
        port["groups"] = ["refused"]
    spec["access_lists"] = [{"name": "refused", "rules": []}]
    spec["subnets"] = [{"cidr": "10.0.1.0/24", "access_list": "refused"}]
    m.want(*NETWORK, spec=spec)
    m.wait("n1", "up")
    change(m, {**spec, "ports": spec["ports"][:1]})
    assert m.units()["n1"]["problem"] == ""


def test_a_port_keeps_its_addresses(m):
    spec = spec_of(m)
    m.want(*NETWORK, spec=spec)
    m.wait("n1", "up")
    spec["ports"][1]["address"] = "10.0.1.9/24"
    m.want(*NETWORK, spec=spec)
    eventually(lambda: "the port p2 is there" in m.units()["n1"]["problem"], 60, "it is refused")
    change(m, spec_of(m, ports=["p1"]))
    change(m, spec)
    assert m.units()["n1"]["problem"] == ""


@pytest.mark.parametrize(
    "more, words",
    [
        ({"elastics": [{"loopback": "127.0.0.1", "port": "p1"}]}, "address on this machine"),
        ({"elastics": [{"loopback": "10.0.0.1", "port": "p1"}]}, "address on this machine"),
        ({"elastics": [{"address": "203.0.113.7", "port": "p9"}]}, "port of an Elastic address 'p9'"),
        ({"elastics": [{"address": "203.0.113", "port": "p1"}]}, "Elastic address '203.0.113'"),
        ({"elastics": [{"loopback": "127.9.9.9", "port": "p1"}] * 2}, "twice"),
        ({"gateways": [{"cidr": "10.0.1.0/24", "address": "::1"}]}, "NAT gateway's address"),
        ({"subnets": [{"cidr": "10.0.1.0/24", "access_list": "none"}]}, "access list 'none'"),
        ({"access_lists": [{"name": "a", "rules": [{"cidr": "fd00::/8"}]}]}, "IPv6 is not built"),
        ({"groups": [{"name": "all", "rules": [{"cidr": "fd00::/8"}]}]}, "IPv6 is not built"),
        ({"groups": [{"name": "all", "rules": [{"group": "none"}]}]}, "rule for 'none'"),
        ({"ports": ["default"]}, "port 'default'"),
        ({"groups": [{"name": "all", "rules": []}] * 2}, "two of its parts"),
        ({"access_lists": [{"name": "a", "rules": []}] * 2}, "two of its parts"),
    ],
)
def test_records_that_are_refused(m, more, words):
    m.want(*NETWORK, spec=spec_of(m, **more))
    assert words in m.wait("n1", "failed")["problem"]
    m.want(*NETWORK, desired="gone")
    m.wait("n1", None)
