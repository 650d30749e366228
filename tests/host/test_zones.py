# Zones: cut off, dead, slow and lossy, healed; as records that outlive c10m and the machine.
# SPDX-License-Identifier: Apache-2.0
import time

import pytest

from support.machine import post
from support.server import eventually

NETWORK = ("network", "n1")
A, B = "us-east-1a", "us-east-1b"
# Answers each datagram with itself.
ECHO = (
    "exec perl -MSocket -e '$| = 1; socket($s, PF_INET, SOCK_DGRAM, 17);"
    'bind($s, pack_sockaddr_in(9, INADDR_ANY)) or die; print "up\\n";'
    "for (;;) { $from = recv($s, $b, 99, 0); send($s, $b, 0, $from) }'"
)


def probe(address):
    """Prints for each datagram the milliseconds to its answer, or "lost"."""
    return (
        "exec perl -MTime::HiRes=time -MSocket -e '$| = 1; socket($s, PF_INET, SOCK_DGRAM, 17);"
        f'$to = pack_sockaddr_in(9, inet_aton("{address}"));'
        'for (;;) { $at = time; send($s, "$at", 0, $to); $v = ""; vec($v, fileno($s), 1) = 1;'
        '$got = ""; while (select($r = $v, undef, undef, 0.3)) { recv($s, $got, 99, 0);'
        'last if $got eq "$at" } printf "%s\\n", $got eq "$at" ? int(1000 * (time - $at)) : "lost";'
        "select undef, undef, undef, 0.02 }'"
    )


def two_zones(m, **more):
    """A network with a subnet in each zone: p1 and p2 in A, p3 in B."""
    spec = m.network("n1", ["p1", "p2", "p3"], **more)
    spec["addresses"] = ["10.0.1.1/24", "10.0.2.1/24"]
    spec["subnets"] = [{"cidr": "10.0.1.0/24", "zone": A}, {"cidr": "10.0.2.0/24", "zone": B}]
    spec["ports"][2].update(address="10.0.2.4/24", gateway="10.0.2.1")
    return spec


def guest(m, name, port, zone, command):
    spec = m.guest(command, network="n1", port=port)
    m.want("sandbox", name, spec=spec, needs=[NETWORK], zone=zone)


@pytest.fixture
def guests(m):
    """g1 answers in A; g2 in A and g3 in B ask it."""
    m.want(*NETWORK, spec=two_zones(m))
    guest(m, "g1", "p1", A, ECHO)
    guest(m, "g2", "p2", A, probe("10.0.1.4"))
    guest(m, "g3", "p3", B, probe("10.0.1.4"))
    for name in ("g1", "g2", "g3"):
        m.wait(name, "up")
    m.hear("g1", "up")
    answers(m, "g2")
    answers(m, "g3")
    return m


def fail(m, **body):
    status, text = m.post(body, page="faults")
    assert status == 202, text
    eventually(lambda: m.page()["zones"]["is_in_force"], 60, f"it is in force: {m.page()['zones']}")


def said(m, name, count=4):
    """What the probe finds from now on: milliseconds, None for a lost one."""
    before = len(m.console(name))

    def lines():
        return m.console(name)[before:].split("\n")[1:-1]

    # The first may have been on its way.
    eventually(lambda: len(lines()) > count, 60, f"{name} goes on")
    return [None if line == "lost" else int(line) for line in lines()[1 : count + 1]]


def answers(m, name):
    eventually(lambda: None not in said(m, name), 60, f"{name} is answered")


def is_lost(m, name):
    return said(m, name) == [None] * 4


def place(m, name):
    (found,) = [p for p in m.page()["zones"]["places"] if p["name"] == name]
    return found


def test_a_zone_is_cut_off_and_heals(guests):
    m = guests
    fail(m, place=A, state="cut")
    assert is_lost(m, "g3")
    assert None not in said(m, "g2"), "inside all goes on"
    assert place(m, A) == {
        "name": A,
        "state": "cut",
        "subnets": [{"network": "n1", "cidr": "10.0.1.0/24"}],
        "units": [{"kind": "sandbox", "name": "g1"}, {"kind": "sandbox", "name": "g2"}],
    }
    assert place(m, B)["state"] == "healthy"
    fail(m, place=A, state="healthy")
    answers(m, "g3")


def test_a_cut_outlives_c10m_and_the_next_one_heals_it(guests):
    m = guests
    fail(m, place=A, state="cut")
    m.server.kill()
    m.server.start()
    assert is_lost(m, "g3") and None not in said(m, "g2")
    eventually(lambda: "host_unit_adopted kind=network" in m.server.log.read_text(), 60, "adopted")
    # The rules are written anew around it.
    spec = two_zones(m)
    spec["groups"].append({"name": "more", "rules": []})
    m.want(*NETWORK, spec=spec)
    eventually(lambda: m.units()["n1"]["applied_version"] == 2, 60, "the change is in force")
    assert is_lost(m, "g3") and None not in said(m, "g2")
    fail(m, place=A, state="healthy")
    answers(m, "g3")


def test_a_fault_that_came_while_c10m_was_away_is_made_true(guests):
    """As when it was killed between the record and the machine: here the machine is put back."""
    m = guests
    fail(m, place=A, state="cut")
    fail(m, place=A, state="healthy")
    fail(m, place=A, state="cut")
    m.die()
    m.boot()
    for name in ("g1", "g2", "g3"):
        m.wait(name, "up")
    eventually(lambda: m.page()["zones"]["is_in_force"], 60, "it is in force again")
    m.hear("g2", "\n")
    m.hear("g3", "lost")
    assert is_lost(m, "g3") and None not in said(m, "g2")
    fail(m, place=A, state="healthy")
    answers(m, "g3")


def test_a_dead_zone_ends_its_guests_and_they_come_back(guests):
    m = guests
    m.want("sandbox", "g4", spec=m.guest("exit 3"), zone=A)
    assert m.wait("g4", "ended")
    before = m.processes()
    fail(m, place=A, state="dead")
    for name in ("g1", "g2"):
        assert m.units()[name]["problem"] == f"its zone {A} is dead"
        assert m.units()[name]["state"] == "down"
    assert m.units()["g3"]["state"] == "up" and is_lost(m, "g3")
    assert len(before.keys() & m.processes().keys()) < len(before), "they have ended"
    assert place(m, A)["state"] == "dead"
    assert [unit["name"] for unit in place(m, A)["units"]] == ["g1", "g2", "g4"]
    # It stays so for another c10m, and for what comes there now.
    m.server.kill()
    m.server.start()
    m.want("sandbox", "g5", spec=m.guest(), zone=A)
    m.wait("g5", "down")
    eventually(lambda: "host_unit_adopted kind=network" in m.server.log.read_text(), 60, "adopted")
    assert m.units()["g1"]["state"] == "down"
    fail(m, place=A, state="healthy")
    for name in ("g1", "g2", "g5"):
        m.wait(name, "up")
    assert m.units()["g4"]["state"] == "ended", "it had ended by itself"
    answers(m, "g3")


def test_a_power_failure_has_no_grace_and_asks_no_other_zone(m):
    """Not even when something elsewhere needs what is there."""
    never = "trap '' TERM; while :; do sleep 1; done"
    m.want("sandbox", "g1", spec=m.guest(never, stop_grace_ms=60000), zone=A)
    m.wait("g1", "up")
    m.want("sandbox", "g2", spec=m.guest(), needs=[("sandbox", "g1")], zone=B)
    m.wait("g2", "up")
    begun = time.monotonic()
    fail(m, place="us-east-1a", state="dead")
    m.wait("g1", "down")
    assert time.monotonic() - begun < 25 and m.units()["g2"]["state"] == "up"
    fail(m, place="us-east-1a", state="healthy")
    m.wait("g1", "up")
    m.want("sandbox", "g1", spec=m.guest(never, stop_grace_ms=100))  # for the end of this test


def test_a_region_is_all_its_zones(guests):
    m = guests
    fail(m, place="us-east-1", state="cut")
    answers(m, "g3")  # inside the region all goes on
    fail(m, place=B, state="cut")
    assert is_lost(m, "g3")
    fail(m, place=B, state="healthy")
    answers(m, "g3")
    fail(m, place="us-east-1", state="dead")
    assert [m.units()[name]["state"] for name in ("g1", "g2", "g3")] == ["down"] * 3
    fail(m, place="us-east-1", state="healthy")
    for name in ("g1", "g2", "g3"):
        m.wait(name, "up")


def test_ways_are_slow_and_lossy_also_after_kill_9(guests):
    m = guests
    fail(m, between=[B, A], delay_us=40000, loss_ppm=0)
    assert min(n for n in said(m, "g3") if n is not None) >= 80
    assert min(n for n in said(m, "g2") if n is not None) < 80
    assert m.page()["zones"]["ways"] == [{"between": [A, B], "delay_us": 40000, "loss_ppm": 0}]
    m.server.kill()
    m.server.start()
    eventually(lambda: "host_unit_adopted kind=network" in m.server.log.read_text(), 60, "adopted")
    assert min(n for n in said(m, "g3") if n is not None) >= 80
    fail(m, between=[A, B], loss_ppm=1000000)
    assert is_lost(m, "g3") and None not in said(m, "g2")
    fail(m, between=[A, B])
    eventually(lambda: min(n or 99 for n in said(m, "g3")) < 80, 60, "it is as fast as before")
    assert m.page()["zones"]["ways"] == []


@pytest.mark.parametrize(
    "body, words",
    [
        ({}, "a JSON object"),
        ({"place": A, "between": [A, B], "state": "cut"}, "a JSON object"),
        ({"place": A}, "healthy, cut or dead"),
        ({"place": A, "state": "asleep"}, "healthy, cut or dead"),
        ({"place": "a/b", "state": "cut"}, "names of letters"),
        ({"between": [A]}, "a JSON object"),
        ({"between": [A, A], "delay_us": 1}, "neither in the other"),
        ({"between": [A, B], "delay_us": -1}, "negative"),
        ({"between": [A, B], "loss_ppm": 1000001}, "1000000 ppm"),
    ],
)
def test_faults_that_are_refused(server, body, words):
    status, answer = post(server, body, page="faults")
    assert status == 400 and words in answer, answer
    status, answer = post(server, body, page="faults", headers={})
    assert status == 401, answer


@pytest.mark.parametrize(
    "subnets, words",
    [
        ([{"cidr": "10.0.1.0"}], "subnet '10.0.1.0'"),
        ([{"cidr": "10.0.1.0/24"}, {"cidr": "10.0.1.128/25"}], "overlaps"),
        ([{"cidr": "10.0.1.0/24", "zone": "a b"}], "zone 'a b'"),
    ],
)
def test_subnets_that_are_refused(m, subnets, words):
    m.want(*NETWORK, spec=m.network("n1", subnets=subnets))
    assert words in m.wait("n1", "failed")["problem"]
    m.want(*NETWORK, desired="gone")
    m.wait("n1", None)
