# Many guests at once, each with an ssh server: all start, all are adopted, all stop, and nothing is left.
# SPDX-License-Identifier: Apache-2.0
import os

from support.engines import Client
from support.machine import parent
from support.server import PROGRAM, eventually

IS_LONG = os.environ.get("C10M_TEST_LONG") == "1"
GUESTS = 200 if IS_LONG else 8 if "asan" in str(PROGRAM) else 24
SECONDS = 120
# Says which of these addresses greet as an ssh server does.
GREETED = """
import socket, sys
count = 0
for address in sys.argv[1:]:
    try:
        with socket.create_connection((address, 22), timeout=20) as s:
            count += s.recv(8).startswith(b"SSH-2.0-")
    except OSError as error:
        print(address, error, file=sys.stderr)
print(count)
"""


def names(state, units):
    return [name for name, unit in units.items() if name.startswith("g") and unit["state"] == state]


def shims(m):
    found = {pid for pid, name in m.processes().items() if name == "c10m-shim"}
    return [pid for pid in found if parent(pid) not in found]


def all_are(m, state, count):
    try:
        eventually(lambda: len(names(state, m.units())) == count, SECONDS, f"{count} are {state}")
    except AssertionError as error:
        others = [unit for unit in m.units().values() if unit["state"] != state]
        raise AssertionError(f"{error}: {others[:5]}\n{m.server.log_text()}")


def start_network(m):
    """The one who asks all guests; theirs are the ports after its own."""
    m.want("network", "n0", spec=m.network("n0", [f"p{k}" for k in range(GUESTS + 1)]))
    return Client(m, "client", "p0", ("network", "n0"))


def greeted(client):
    return int(client.python(GREETED, *[f"10.0.1.{5 + i}" for i in range(GUESTS)]))


def test_many_guests_at_once(m):
    client = start_network(m)
    server = "exec /usr/sbin/dropbear -F -E -R -p 22 -P /tmp/pid"
    for i in range(GUESTS):
        spec = m.guest(server, network="n0", port=f"p{i + 1}", memory_bytes=64 << 20, pids=32)
        m.want("sandbox", f"g{i}", spec=spec, needs=[("network", "n0")])
    all_are(m, "up", GUESTS)
    eventually(lambda: greeted(client) == GUESTS, SECONDS, "all greet")
    before = sorted(shims(m))
    everyone = GUESTS + 1
    assert len(before) == everyone

    m.server.kill()
    m.server.start()
    mark = "host_unit_adopted kind=sandbox"
    eventually(lambda: m.server.log.read_text().count(mark) == everyone, SECONDS, "all are adopted")
    assert sorted(shims(m)) == before
    assert greeted(client) == GUESTS

    # Half of them go, the others are powered off at the end of the test.
    for i in range(GUESTS // 2):
        m.want("sandbox", f"g{i}", desired="gone")
    left = everyone - GUESTS // 2
    eventually(lambda: len(m.units()) == left + 1, SECONDS, "half of the records are gone")
    all_are(m, "up", GUESTS - GUESTS // 2)
    assert len(shims(m)) == left
    assert len(list((m.folder / "disks").iterdir())) == left
