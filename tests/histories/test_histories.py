# Concurrent clients of one store while processes are killed: what they saw must be linearizable.
# SPDX-License-Identifier: Apache-2.0
import os
import random
import subprocess
import threading

import pytest

from support.postgres import postgres
from support.server import PROGRAM, child_environment, eventually

DRIVER = PROGRAM.parent / "tests/histories/histories_driver"
IS_LONG = os.environ.get("C10M_TEST_LONG") == "1"
KILLS = 40 if IS_LONG else 5
CLIENTS = 6
RESULTS_BETWEEN_KILLS = (50, 400)
IDS_OF_A_DRIVER = 1_000_000
SECONDS_MAX = 60


class Driver:
    """A process of clients. Its lines are kept in the order in which they came."""

    def __init__(self, url, number):
        words = [str(DRIVER), url, str(number * IDS_OF_A_DRIVER), str(CLIENTS), str(number + 1)]
        self.lines, self.result_count = [], 0
        self.process = subprocess.Popen(
            words, stdout=subprocess.PIPE, text=True, env=child_environment()
        )
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            if line.endswith("\n"):
                self.lines.append(line)
                self.result_count += line.startswith("R")

    def wait_for_results(self, count):
        def is_there():
            assert self.process.poll() is None, "the driver ended by itself"
            return self.result_count >= count

        eventually(is_there, SECONDS_MAX, f"{count} results")

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.reader.join()


def check(checker, lines):
    done = subprocess.run([str(checker)], input="".join(lines), capture_output=True, text=True)
    print(done.stdout + done.stderr)
    return done


def expect_linearizable(checker, drivers, tmp_path):
    """The lines of all drivers: the checker goes by the times in them."""
    lines = [line for driver in drivers for line in driver.lines]
    done = check(checker, lines)
    if done.returncode != 0:
        (tmp_path / "history").write_text("".join(lines))
        pytest.fail(f"{done.stdout}{done.stderr} (the history: {tmp_path / 'history'})")


def test_checker_finds_a_lost_write(checker):
    """A check that cannot fail is none."""
    lines = [
        "I 1 1 10 put 0 0 0 5\n",
        "R 1 20 ok\n",
        "I 2 2 30 copy 0 0 1 0\n",
        "R 2 40 ok {seen}\n",
    ]
    assert check(checker, [line.format(seen=5) for line in lines]).returncode == 0
    assert check(checker, [line.format(seen=0) for line in lines]).returncode == 1
    lines[1] = "R 1 20 unknown\n"
    assert check(checker, [line.format(seen=0) for line in lines]).returncode == 0


def test_rocks(checker, tmp_path):
    choose = random.Random(5)
    drivers = []
    for number in range(KILLS):
        drivers.append(Driver(f"rocks:{tmp_path / 'data'}", number))
        drivers[-1].wait_for_results(choose.randint(*RESULTS_BETWEEN_KILLS))
        drivers[-1].kill()
    expect_linearizable(checker, drivers, tmp_path)


def test_two_processes_on_one_database(checker, tmp_path):
    """One of two drivers is killed each time, and in the middle the database itself."""
    choose = random.Random(6)
    with postgres() as database:
        drivers = [Driver(database.url, 0), Driver(database.url, 1)]
        alive = list(drivers)
        try:
            for number in range(2, KILLS + 2):
                wanted = choose.randint(*RESULTS_BETWEEN_KILLS)
                for driver in alive:
                    driver.wait_for_results(driver.result_count + wanted)
                if number == KILLS // 2 + 2:
                    database.kill()
                    database.start()
                    continue
                victim = alive.pop(choose.randrange(2))
                victim.kill()
                alive.append(Driver(database.url, number))
                drivers.append(alive[-1])
        finally:
            for driver in alive:
                driver.kill()
        expect_linearizable(checker, drivers, tmp_path)
