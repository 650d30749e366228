"""kill -9 around every write, sync, rename, unlink, truncation, creation and mkdir, and at random."""
# SPDX-License-Identifier: Apache-2.0
import concurrent.futures
import os
import random
import shutil
import signal
import subprocess

import pytest

from support import recorder
from support.recorder import BUILD, check
from support.server import eventually

LONG = os.environ.get("C10M_TEST_LONG") == "1"
NUMBERS = 40
WRITERS = 4
WORKERS = 2
# On CI one in so many of the moments; which ones differs from run to run.
ONE_IN = 1 if LONG else 24
KILLS_UNDER_LOAD = 100 if LONG else 10
LOAD_WRITERS = 64
LOAD_NUMBERS = 1000


def words(data, backup, first=0, count=NUMBERS, writers=WRITERS):
    return [BUILD / "driver", "run", data, first, count, writers, backup]


def count_steps(folder):
    """Of a run from an empty directory to the end. Threads make it differ a little."""
    (folder / "root").mkdir(parents=True)
    run = recorder.run(
        words(folder / "root/data", folder / "root/backup"),
        folder / "marks",
        folder / "root",
        count=folder / "count",
    )
    assert run.returncode == 0, run.stderr
    return int((folder / "count").read_text())


def problem_of(data, lines, what=()):
    found = check(data, lines, *what)
    return f"{found.stdout}{found.stderr}" if found.returncode else ""


def backup_problem(root, lines):
    if not (root / "backup/c10m.json").exists():
        return "the backup is gone" if "p 0" in lines else ""
    at = lines.index("P 0")
    shutil.copy(root / "data/root.key", root / "backup/root.key")
    expected = lines[:at] + [line.upper() for line in lines[at:]]
    return problem_of(root / "backup", expected, ["pairs"])


def kill_at(folder, moment):
    """Kills a run, then the start after it at another moment; says what is wrong then, if anything."""
    root, marks = folder / "root", folder / "marks"
    root.mkdir(parents=True)
    run = recorder.run(words(root / "data", root / "backup"), marks, root, kill=moment)
    lines = marks.read_text().splitlines()
    if run.returncode == 0:
        return None
    if run.returncode != -signal.SIGKILL:
        return f"moment {moment}: {run.stderr}"
    again = random.Random(moment).randint(0, 60)
    recorder.run(words(root / "data", "-", first=1000, count=0), marks, root, kill=again)
    (root / "data").mkdir(exist_ok=True)
    problem = problem_of(root / "data", lines) or backup_problem(root, lines)
    shutil.rmtree(folder)
    return f"moment {moment}, then {again}: {problem}" if problem else ""


def test_kills_around_every_step(tmp_path):
    """Before step n at moment 2n, after it at 2n + 1, until a run ends unkilled."""
    last = 2 * count_steps(tmp_path / "whole")
    assert last > 400
    moments = range(random.randrange(ONE_IN), last + 400, ONE_IN)
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        found = list(pool.map(lambda moment: kill_at(tmp_path / str(moment), moment), moments))
    assert [problem for problem in found if problem] == []
    killed = sum(problem is not None for problem in found)
    assert killed > last / ONE_IN / 2
    assert found[-1] is None, "no run ended unkilled: there may be moments beyond the last one"


@pytest.mark.parametrize("writers", [LOAD_WRITERS])
def test_kills_at_random_under_load(tmp_path, writers):
    """The same data directory all the time; between kills it must be whole."""
    data, lines = tmp_path / "data", []
    for number in range(KILLS_UNDER_LOAD):
        marks = tmp_path / "marks"
        with open(marks, "wb") as file:
            run = subprocess.Popen(
                [str(w) for w in words(data, "-", number * LOAD_NUMBERS, LOAD_NUMBERS, writers)],
                close_fds=False,
                preexec_fn=lambda: os.dup2(file.fileno(), recorder.MARK_FD),
            )
            # Sometimes while it opens what the last kill left, mostly among its writes.
            enough = random.choice((0, 1, 5_000, 10_000, 15_000))
            eventually(lambda: marks.stat().st_size >= enough or run.poll() is not None, 60, "marks")
            run.kill()
            run.wait()
        lines += marks.read_text().splitlines()
        data.mkdir(exist_ok=True)
        assert problem_of(data, lines) == ""
    assert lines
