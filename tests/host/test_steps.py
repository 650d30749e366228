# kill -9 of c10m at every step of start, attach, change, stop and power off: nothing is lost, doubled or left.
# SPDX-License-Identifier: Apache-2.0
import pytest

from support.machine import users
from support.server import eventually
from support.steps import IS_ASAN, IS_LONG, NETWORK, Run, kill_at_steps, steps_of

KILLS = 100 if IS_LONG else 3 if IS_ASAN else 10


class GuestsRun(Run):
    def runs(self, guests):
        """Each once: a shim, its guest's process 1 and its command; a network has its holder."""

        def counts():
            names = list(self.m.processes().values())
            return [names.count("c10m-shim"), names.count("sleep")] == [guests * 2, guests]

        eventually(counts, 60, f"{guests} guests, each once: {self.m.processes()}")

    def guest(self, name, port):
        needs = [NETWORK]
        spec = self.m.guest(network="n1", port=port, disk_bytes=32 << 20)  # limited where c10m is root
        self.do(lambda: self.m.want("sandbox", name, spec=spec, needs=needs))

    def story(self):
        m = self.m
        m.server.start()
        self.go.touch()
        self.do(lambda: m.want(*NETWORK, spec=m.network("n1")))
        self.guest("g1", "p1")
        self.reach("g1", "up")
        self.runs(1)
        self.do(lambda: m.want(*NETWORK, spec=m.network("n1", ["p1", "p2"])))
        self.guest("g2", "p2")
        self.reach("g2", "up")
        self.runs(2)
        self.do(lambda: m.want("sandbox", "g1", desired="stop"))
        self.reach("g1", "down")
        self.runs(1)
        self.power_off()
        self.reach("g2", "up")
        self.runs(1)
        assert self.do(lambda: m.units()["g1"]["state"]) == "down"
        self.end([("sandbox", "g1"), ("sandbox", "g2"), NETWORK])


@pytest.fixture(scope="module", params=users())
def steps(request):
    """Who runs it, and how many steps the story has when nothing kills c10m."""
    names = steps_of(GuestsRun(request.param))
    for name in ("spawn", "connect", "mkdir", "rename", "remove", "commit"):
        assert name in names, names
    return request.param, len(names)


def test_killed_at_every_step(steps):
    user, count = steps
    kill_at_steps(lambda step: GuestsRun(user, step), count, KILLS)
