# kill -9 of c10m at every step of start, attach, change, stop and power off: nothing is lost, doubled or left.
# SPDX-License-Identifier: Apache-2.0
import http.client
import os
import random
import time

import pytest

from support.machine import Machine, users
from support.server import PROGRAM, eventually

KILLER = PROGRAM.parent / "tests/host/killer.so"
IS_LONG = os.environ.get("C10M_TEST_LONG") == "1"
KILLS = 100 if IS_LONG else 3 if "asan" in str(PROGRAM) else 10
NETWORK = ("network", "n1")


class Run:
    """A story of units that goes on after c10m was killed, as often as that happens."""

    def __init__(self, user, step=None):
        self.m = Machine(user)
        self.go = self.m.dir / "go"
        self.log = self.m.dir / "steps"
        self.m.server.env = {
            "LD_PRELOAD": str(KILLER),
            "KILLER_GO": str(self.go),
            "KILLER_LOG": str(self.log),
            "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0",
        }
        if step is not None:
            self.m.server.env["KILLER_STEP"] = str(step)
        self.kills = 0

    def again(self):
        """c10m was killed: the next one is not."""
        assert self.m.server.process.wait(60) == -9, self.m.server.log_text()
        self.kills += 1
        self.m.server.env = {}
        self.m.server.start()

    def do(self, action):
        """Until it is done; wishes are the same when they are written again."""
        while True:
            try:
                return action()
            except (OSError, http.client.HTTPException):
                self.again()

    def reach(self, name, state):
        def is_there():
            return self.do(lambda: (self.m.units().get(name) or {}).get("state") == state)

        try:
            eventually(is_there, 90, f"{name} is {state}")
        except AssertionError as error:
            raise AssertionError(f"{error}: {self.m.units()}\n{self.m.server.log_text()}")

    def runs(self, guests):
        """Each once: a shim, its guest's process 1 and its command; a network has its holder."""

        def counts():
            names = list(self.m.processes().values())
            return [names.count("c10m-shim"), names.count("sleep")] == [guests * 2, guests]

        eventually(counts, 60, f"{guests} guests, each once: {self.m.processes()}")

    def guest(self, name, port):
        needs = [NETWORK]
        spec = self.m.guest(network="n1", port=port)
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
        for kind, name in (("sandbox", "g1"), ("sandbox", "g2"), NETWORK):
            self.do(lambda kind=kind, name=name: m.want(kind, name, desired="gone"))
        for name in ("g1", "g2", "n1"):
            self.reach(name, None)
        m.check_nothing_is_left()
        for folder in ("sandboxes", "disks", "networks"):
            left = {path.name for path in (m.folder / folder).iterdir()}
            assert left <= {"internet"}, (folder, left)
        status = m.server.stop()
        assert status in (0, -9) and m.server.stop() == status
        m.server.check_sanitizers()

    def power_off(self):
        """Whether it is killed before, meanwhile or not at all."""
        if self.m.server.stop() == -9:
            self.kills += 1
            self.m.server.env = {}
        try:
            self.m.server.start()
        except AssertionError:
            self.again()  # which says so when nobody killed it

    def tell(self):
        try:
            self.story()
        finally:
            self.m.close()
        return self.kills


@pytest.fixture(scope="module", params=users())
def steps(request):
    """Who runs it, and how many steps the story has when nothing kills c10m."""
    run = Run(request.param)
    story_close, run.m.close = run.m.close, lambda: None
    try:
        assert run.tell() == 0
        names = run.log.read_text().split()
    finally:
        story_close()
    for name in ("spawn", "connect", "mkdir", "rename", "remove", "commit"):
        assert name in names, names
    return request.param, len(names)


def test_killed_at_every_step(steps):
    user, count = steps
    seed = int(os.environ.get("C10M_TEST_SEED", time.time()))
    chosen = random.Random(seed)
    # One from each of as many equal parts of the story, before or after the step.
    points = [chosen.randrange(2 * count * i // KILLS, 2 * count * (i + 1) // KILLS) for i in range(KILLS)]
    kills = 0
    for point in points:
        try:
            kills += Run(user, point).tell()
        except AssertionError as error:
            raise AssertionError(f"killed at {point} of {2 * count}, seed {seed}: {error}")
    # The story is never twice of quite as many steps: the last points may come too late.
    assert kills >= KILLS * 8 // 10, (kills, points)
