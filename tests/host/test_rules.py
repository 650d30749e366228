# Groups under traffic: changes without a gap, connections that go on and that end, IPv6, equal addresses.
# SPDX-License-Identifier: Apache-2.0
from support.server import eventually

NETWORK = ("network", "n1")
TCP = 6
EVERYWHERE = {"protocol": 0, "cidr": "0.0.0.0/0"}
OUT = {**EVERYWHERE, "is_egress": True}
# Answers each connection with its name; a connection that goes on gets each line back.
SERVER = """
import socket, sys, threading
def serve(c):
    c.sendall(sys.argv[1].encode() + b"\\n")
    for line in c.makefile("rb"):
        c.sendall(line)
s = socket.create_server(("", 80), backlog=100)
print("up", flush=True)
while True:
    threading.Thread(target=serve, args=(s.accept()[0],), daemon=True).start()
"""
# New connections without end: says how many went well, and each that did not.
ASKS = """
import socket, sys, time
good = 0
while True:
    try:
        with socket.create_connection((sys.argv[1], 80), 0.9) as c:
            c.settimeout(0.9)
            said = c.makefile().readline().strip()
    except OSError as error:
        print("failed", error, flush=True)
        continue
    good += 1
    if said != sys.argv[2]:
        print("wrong", said, flush=True)
    if good % 20 == 0:
        print("good", good, flush=True)
"""
# One connection that says a line every 20 ms, and each answer that took longer than 900 ms.
TALKS = """
import socket, sys, time
c = socket.create_connection((sys.argv[1], 80), 20)
lines = c.makefile("rb")
lines.readline()
count = 0
while True:
    count += 1
    before = time.monotonic()
    c.settimeout(3)
    try:
        c.sendall(b"%d\\n" % count)
        assert lines.readline() == b"%d\\n" % count
    except OSError:
        print("silent", flush=True)
        break
    took = time.monotonic() - before
    if took > 0.9:
        print("gap", took, flush=True)
    if count % 20 == 0:
        print("good", count, flush=True)
    time.sleep(0.02)
time.sleep(100000)
"""
# Asks everybody on the link, and the router over IPv4: who answers.
ECHO_REQUESTS = """
import select, socket, struct
def asks(family, protocol, kind, to):
    s = socket.socket(family, socket.SOCK_DGRAM, protocol)
    if family == socket.AF_INET6:
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_LOOP, 0)
    for number in range(5):
        try:
            s.sendto(struct.pack(">BBHHH", kind, 0, 0, 1, number) + b"hello", to)
        except OSError as error:
            print(family.name, error)
        if select.select([s], [], [], 1)[0]:
            return s.recvfrom(100)[1]
    return None
index = socket.if_nametoindex("eth0")
print("IPv4", asks(socket.AF_INET, socket.IPPROTO_ICMP, 8, ("10.0.1.1", 0)))
print("IPv6", asks(socket.AF_INET6, socket.IPPROTO_ICMPV6, 128, ("ff02::1", 0, 0, index)))
print("END", flush=True)
"""


def python(m, name, port, program, *args, network="n1"):
    words = ["/usr/bin/python3", "-c", program, *args]
    spec = {**m.guest(network=network, port=port), "args": words}
    m.want("sandbox", name, spec=spec, needs=[("network", network)])


def network(m, rules, name="n1"):
    """Its ports hear what the rules say, and may send everything; all in one subnet."""
    return m.network(name, ["p1", "p2", "p3"], groups=[{"name": "all", "rules": [OUT, *rules]}])


def change(m, spec):
    version = m.units()["n1"]["want_version"]
    m.want(*NETWORK, spec=spec)
    eventually(lambda: m.units()["n1"]["applied_version"] > version, 60, "it is in force")


def goes_on(m, name):
    before = m.console(name).count("good")
    eventually(lambda: m.console(name).count("good") > before + 1, 60, f"{name} goes on")


def http(cidr):
    return {"protocol": TCP, "from": 80, "to": 80, "cidr": cidr}


def serving(m, rules):
    m.want(*NETWORK, spec=network(m, rules))
    python(m, "g1", "p1", SERVER, "one")
    m.hear("g1", "up")


def test_changes_leave_no_gap_between_members_of_one_subnet(m):
    """Every change writes all rules anew; what all of them allow never stops."""
    serving(m, [http("10.0.1.0/24")])
    python(m, "g2", "p2", ASKS, "10.0.1.4", "one")
    python(m, "g3", "p3", TALKS, "10.0.1.4")
    goes_on(m, "g2")
    goes_on(m, "g3")
    for number in range(15):
        other = {"protocol": TCP, "from": 8000 + number, "to": 8000 + number, "cidr": "10.0.0.0/8"}
        change(m, network(m, [other, http("10.0.1.0/24")] if number % 2 else [http("10.0.1.0/24")]))
    m.server.kill()
    m.server.start()
    eventually(lambda: "host_unit_adopted kind=network" in m.server.log.read_text(), 60, "adopted")
    goes_on(m, "g2")
    goes_on(m, "g3")
    for name in ("g2", "g3"):
        text = m.console(name)
        assert not any(word in text for word in ("failed", "wrong", "gap", "silent")), text


def test_a_tracked_connection_goes_on_when_its_rule_is_revoked(m):
    """Changing a rule does not interrupt its tracked connections:
    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/security-group-connection-tracking.html"""
    serving(m, [http("10.0.1.0/24")])
    python(m, "g2", "p2", TALKS, "10.0.1.4")
    goes_on(m, "g2")
    change(m, network(m, []))
    python(m, "g3", "p3", ASKS, "10.0.1.4", "one")
    m.hear("g3", "failed")
    goes_on(m, "g2")
    assert "silent" not in m.console("g2") and "good" not in m.console("g3")


def test_an_untracked_connection_ends_with_its_rule(m):
    """The same page: from everywhere, with a rule that lets everything out to everywhere."""
    serving(m, [http("0.0.0.0/0")])
    python(m, "g2", "p2", TALKS, "10.0.1.4")
    goes_on(m, "g2")
    change(m, network(m, [http("192.0.2.0/24"), http("0.0.0.0/0")]))
    goes_on(m, "g2")
    change(m, network(m, [http("192.0.2.0/24")]))
    m.hear("g2", "silent")


def test_an_access_list_ends_a_tracked_connection(m):
    """The same page: a network ACL that blocks traffic in either direction breaks existing connections."""
    spec = network(m, [http("10.0.0.0/16")])
    spec["addresses"].append("10.0.2.1/24")
    spec["ports"][1].update(address="10.0.2.4/24", gateway="10.0.2.1")
    m.want(*NETWORK, spec=spec)
    python(m, "g1", "p1", SERVER, "one")
    m.hear("g1", "up")
    python(m, "g2", "p2", TALKS, "10.0.1.4")
    goes_on(m, "g2")
    spec["access_lists"] = [{"name": "all", "rules": []}]  # a group has this name too
    spec["subnets"] = [{"cidr": "10.0.2.0/24", "access_list": "all"}]
    change(m, spec)
    m.hear("g2", "silent")


def test_ipv6_passes_nowhere(m):
    m.want(*NETWORK, spec=network(m, [EVERYWHERE]))
    python(m, "g1", "p1", ECHO_REQUESTS)
    m.hear("g1", "END")
    assert "IPv4 ('10.0.1.1', 0)" in m.console("g1") and "IPv6 None" in m.console("g1"), m.console("g1")


def test_equal_addresses_in_two_networks_are_apart_under_traffic(m):
    for name in ("n1", "n2"):
        m.want("network", name, spec=network(m, [http("10.0.1.0/24")], name))
        python(m, f"{name}-web", "p1", SERVER, name, network=name)
        m.hear(f"{name}-web", "up")
        python(m, f"{name}-asks", "p2", ASKS, "10.0.1.4", name, network=name)
    for _ in range(3):
        goes_on(m, "n1-asks")
        goes_on(m, "n2-asks")
    # One is closed, and the other does not notice.
    before = m.console("n2-asks").count("failed")
    change(m, network(m, []))
    m.hear("n1-asks", "failed")
    goes_on(m, "n2-asks")
    text = m.console("n1-asks") + m.console("n2-asks")
    assert "wrong" not in text and m.console("n2-asks").count("failed") == before == 0, text
