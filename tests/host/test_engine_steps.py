# kill -9 of c10m at every step of an engine's making, start, copying, promotion and end: nothing is lost, doubled or left.
# SPDX-License-Identifier: Apache-2.0
import pytest

from support.engines import KINDS, Client, address, engine_spec
from support.machine import parent, users
from support.server import eventually
from support.steps import IS_ASAN, IS_LONG, NETWORK, Run, kill_at_steps, steps_of

# Ten in all, or a hundred.
KILLS = {"postgres": (3, 50), "mariadb": (2, 25), "redis": (5, 25)}
SECONDS = 120


class EngineRun(Run):
    def __init__(self, user, kind, step=None):
        super().__init__(user, step)
        self.kind = kind

    def engine(self, name, port, needs=(), **more):
        spec = engine_spec(self.kind.kind, port, **more)
        m, kind = self.m, self.kind.kind
        self.do(lambda: m.want(kind, name, spec=spec, needs=[NETWORK, *needs], restarts=True))

    def reach_applied(self, name):
        def is_there():
            unit = self.do(self.m.units).get(name)
            return unit["state"] == "up" and unit["applied_version"] == unit["want_version"]

        eventually(is_there, SECONDS, f"{name} is as it should be")

    def runs(self, engines):
        """Each once: its server's process and no other, no program beside it."""

        def counts():
            found = self.m.processes()
            servers = [pid for pid, name in found.items() if name == self.kind.process]
            main = [pid for pid in servers if parent(pid) not in servers]
            shims = [pid for pid, name in found.items() if name == "c10m-shim"]
            # Those of engines and of the client, and their process 1 each.
            return len(main) == engines and len(shims) == 2 * (engines + 1)

        eventually(counts, SECONDS, f"{engines} run, each once: {self.m.processes()}")

    def put(self, client, port, key, value):
        """Whether or not it was written before."""
        host, kind = address(port), self.kind
        eventually(
            lambda: kind.try_put(client, host, key, value) or kind.get(client, host, key), SECONDS, "it takes writes"
        )

    def has(self, client, port, **values):
        for key, value in values.items():
            got = lambda: self.kind.get(client, address(port), key).split("\n")[0]
            eventually(lambda: got() == value, SECONDS, f"{key} is {value}, not {got()}")

    def story(self):
        m, kind = self.m, self.kind
        m.server.start()
        self.go.touch()
        self.do(lambda: m.want(*NETWORK, spec=m.network("n1", ["p1", "p2", "p3"])))
        client = self.do(lambda: Client(m))
        self.engine("e1", "p2")
        self.reach("e1", "up")
        self.do(lambda: kind.put(client, address("p2"), "one", "first"))
        self.engine("e2", "p3", needs=[(kind.kind, "e1")], primary_host=address("p2"))
        self.reach("e2", "up")
        self.has(client, "p3", one="first")
        self.runs(2)
        self.engine("e2", "p3")
        self.reach_applied("e2")
        self.put(client, "p3", "two", "second")
        self.do(lambda: m.want(kind.kind, "e1", desired="gone"))
        self.reach("e1", None)
        self.runs(1)
        self.do(lambda: m.want(kind.kind, "e2", desired="stop"))
        self.reach("e2", "down")
        self.runs(0)
        self.engine("e2", "p3")
        self.reach("e2", "up")
        self.power_off()
        self.reach("e2", "up")
        self.has(client, "p3", one="first", two="second")
        self.runs(1)
        self.end([(kind.kind, "e2"), ("sandbox", "client"), NETWORK])


@pytest.mark.parametrize("kind", KILLS)
@pytest.mark.parametrize("user", users())
def test_killed_at_every_step(user, kind):
    names = steps_of(EngineRun(user, KINDS[kind]))
    for name in ("spawn", "connect", "rename", "commit"):
        assert name in names, names
    kills = 1 if IS_ASAN and not IS_LONG else KILLS[kind][IS_LONG]
    kill_at_steps(lambda step: EngineRun(user, KINDS[kind], step), len(names), kills)
