# A story of units that is told again and again, with c10m killed at one of its steps each time.
# SPDX-License-Identifier: Apache-2.0
import http.client
import os
import random
import time

from support.machine import Machine
from support.server import PROGRAM, eventually

KILLER = PROGRAM.parent / "tests/host/killer.so"
IS_LONG = os.environ.get("C10M_TEST_LONG") == "1"
IS_ASAN = "asan" in str(PROGRAM)
NETWORK = ("network", "n1")
REACH_SECONDS_MAX = 120


class Run:
    """One telling, which goes on after c10m was killed, as often as that happens. What is told is the
    method story of those that derive from this."""

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
            eventually(is_there, REACH_SECONDS_MAX, f"{name} is {state}")
        except AssertionError as error:
            raise AssertionError(f"{error}: {self.m.units()}\n{self.m.server.log_text()}")

    def end(self, units):
        """Everything is removed, and nothing is left."""
        m = self.m
        for kind, name in units:
            self.do(lambda kind=kind, name=name: m.want(kind, name, desired="gone"))
        for _, name in units:
            self.reach(name, None)
        m.check_nothing_is_left()
        for folder in ("sandboxes", "disks", "networks", "engines"):
            path = m.folder / folder
            left = {entry.name for entry in path.iterdir()} if path.exists() else set()
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


def steps_of(run):
    """The names of a story's steps when nothing kills c10m."""
    story_close, run.m.close = run.m.close, lambda: None
    try:
        assert run.tell() == 0
        return run.log.read_text().split()
    finally:
        story_close()


def kill_at_steps(make_run, count, kills_wanted):
    """Tells it once for each of as many equal parts of the story, and kills c10m in that part, before
    or after a step. make_run(step) gives a Run."""
    seed = int(os.environ.get("C10M_TEST_SEED", time.time()))
    chosen = random.Random(seed)
    parts = range(kills_wanted)
    points = [chosen.randrange(2 * count * i // kills_wanted, 2 * count * (i + 1) // kills_wanted) for i in parts]
    kills = 0
    for point in points:
        try:
            kills += make_run(point).tell()
        except AssertionError as error:
            raise AssertionError(f"killed at {point} of {2 * count}, seed {seed}: {error}")
    # The story is never twice of quite as many steps: the last points may come too late.
    assert kills >= kills_wanted * 8 // 10, (kills, points)
