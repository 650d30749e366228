# What guests of networks ask of c10m: their metadata, the cloud's API, names; and what they may not.
# SPDX-License-Identifier: Apache-2.0
import subprocess

from support.server import eventually

METADATA = "http://169.254.169.254/latest/meta-data/"
API = "http://169.254.169.254:4566"
# Asks a resolver over TCP, which getent does not: for a name's address, or its error.
ASK_BY_TCP = """
import socket, struct, sys
server, name = sys.argv[1:]
labels = b"".join(bytes([len(p)]) + p.encode() for p in name.split("."))
query = struct.pack(">6H", 7, 0x100, 1, 0, 0, 0) + labels + bytes(1) + struct.pack(">2H", 1, 1)
with socket.create_connection((server, 53), 20) as s:
    s.sendall(struct.pack(">H", len(query)) + query)
    answer = s.makefile("rb").read(struct.unpack(">H", s.makefile("rb", 0).read(2))[0])
print("error", answer[3] & 15) if answer[3] & 15 else print(socket.inet_ntoa(answer[-4:]))
"""


def network(m, name, ports=("p1",)):
    m.want("network", name, spec=m.network(name, ports))
    m.wait(name, "up")


def said(m, name, command, on="n1", port="p1"):
    """What a guest's command has printed when it ended."""
    spec = m.guest(f"{command}; echo; echo END", network=on, port=port)
    m.want("sandbox", name, spec=spec, needs=[("network", on)])
    m.hear(name, "END")
    return m.console(name)


def test_metadata_knows_who_asks(m):
    network(m, "n1", ["p1", "p2"])
    network(m, "n2")  # with the same addresses
    ask = f"curl -s -m 20 -H 'X-Forwarded-For: 10.0.1.9' {METADATA}"
    assert "no metadata for 10.0.1.4 in network n1." in said(m, "g1", ask)
    assert "no metadata for 10.0.1.5 in network n1." in said(m, "g2", ask, port="p2")
    assert "no metadata for 10.0.1.4 in network n2." in said(m, "g3", ask, on="n2")


def test_a_guest_cannot_ask_as_another(m):
    network(m, "n1", ["p1", "p2"])
    forge = (
        "ip addr add 10.0.1.5/32 dev lo 2>&1; ip addr add 10.0.1.5/24 dev eth0 2>&1;"
        f"curl -s -m 3 --interface 10.0.1.5 {METADATA} || echo refused {METADATA};"
        "perl -MSocket -e 'socket($s, PF_INET, SOCK_RAW, 255) and print \"can-raw\"';"
        "perl -MSocket -e 'socket($s, 17, SOCK_RAW, 768) and print \"can-packet\"'"
    )
    text = said(m, "g1", forge)
    assert "refused" in text and "10.0.1.5 in network" not in text and "can-" not in text


def test_the_api_is_there_without_the_operators_pages(m):
    network(m, "n1")
    status = "curl -s -m 20 -o /dev/null -w '<%{http_code}>'"
    paths = ["/_c10m/health", "/_c10m/host", "/_c10m/metrics"]
    asks = [f"{status} {API}{path}" for path in paths]
    asks += [f"{status} -H 'Host: localhost' {API}/_c10m/health"]
    asks += [f"{status} --http2-prior-knowledge {API}/_c10m/health"]
    asks += [f"curl -s -m 20 {API}/"]
    text = said(m, "g1", ";".join(asks))
    assert text.count("<403>") == len(asks) - 1 and "This is c10m" in text, text


def test_c10m_is_not_reached_any_other_way(m):
    network(m, "n1")
    ports = f"{m.server.port} 4566 22 2375"
    text = said(
        m,
        "g1",
        "for a in 127.0.0.1 10.0.1.1 10.0.1.2 169.254.169.253 169.254.169.254 192.0.2.1; do "
        f"for p in {m.server.port}; do curl -s -m 2 -o /dev/null http://$a:$p/ && echo reached $a; "
        "done; done",
    )
    assert "reached" not in text, (ports, text)


def test_names(m):
    network(m, "n1")
    name = "sqs.us-east-1.localhost.localstack.cloud"
    ask = f"echo '{ASK_BY_TCP}' > /tmp/ask; "
    for server in ("169.254.169.253", "10.0.1.2"):
        ask += f"echo nameserver {server} > /etc/resolv.conf; getent ahostsv4 {name} | head -1;"
        ask += f"python3 /tmp/ask {server} {name}; python3 /tmp/ask {server} www.example.com;"
    ask += f"getent hosts www.example.com || echo unknown; curl -s -m 20 http://{name}:4566/_c10m/host"
    text = said(m, "g1", ask)
    assert text.count("169.254.169.254 STREAM") == 2, text
    assert text.count("\n169.254.169.254\n") + text.startswith("169.254.169.254\n") == 2, text
    assert text.count("error 5") == 2 and "unknown" in text, text
    assert "not for guests" in text, text


def test_who_asks_while_c10m_is_away_waits_for_the_next(m):
    network(m, "n1")
    ask = f"while :; do curl -s -m 60 {METADATA} || echo failed; echo; sleep 0.05; done"
    m.want("sandbox", "g1", spec=m.guest(ask, network="n1", port="p1"), needs=[("network", "n1")])
    m.hear("g1", "no metadata for 10.0.1.4")
    m.server.kill()
    before = len(m.console("g1"))
    m.server.start()
    eventually(lambda: "no metadata" in m.console("g1")[before + 200 :], 60, "it is answered again")


def surroundings():
    """The host's own network; only root sees its rules."""
    words = ["ip -d addr", "ip rule", "ip route show table all", "ip neigh show nud permanent"]
    words += ["nft list ruleset", "cat /proc/sys/net/ipv4/ip_forward"]
    return [subprocess.run(w.split(), capture_output=True, text=True).stdout for w in words]


def test_the_hosts_own_network_stays_as_it_is(m):
    before = surroundings()
    assert all(before[:3])
    network(m, "n1")
    said(m, "g1", f"curl -s -m 20 {METADATA}")
    assert surroundings() == before
    m.server.stop()
    assert surroundings() == before
