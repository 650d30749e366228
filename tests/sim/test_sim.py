"""Whole clouds under virtual time: the same seed gives the same run, and no seed breaks an invariant."""
# SPDX-License-Identifier: Apache-2.0
import os
import pathlib
import re
import subprocess

import pytest

LONG = os.environ.get("C10M_TEST_LONG") == "1"
SIM = pathlib.Path(os.environ["C10M_PROGRAM"]).parent / "tests/sim/sim"
STEPS = 20_000 if not LONG else 60_000
SEEDS = 10 if not LONG else 1000
SEEDS_PER_RUN = 5 if not LONG else 50
DEADLINE_S = 1200
PLANTS = ("lost-wakeup", "expired-lease", "forgotten-timer", "early-outbox", "stale-claim", "left-flight")


def simulate(*words):
    words = [str(word) for word in (SIM, "--steps", STEPS, *words)]
    return subprocess.run(words, capture_output=True, text=True, timeout=DEADLINE_S)


def test_the_same_seed_gives_the_same_trace_byte_for_byte(tmp_path):
    traces = [tmp_path / name for name in ("first", "second")]
    outputs = [simulate("--seed", 7, "--trace", trace) for trace in traces]
    for output in outputs:
        assert output.returncode == 0, output.stderr
    assert outputs[0].stdout == outputs[1].stdout
    first = traces[0].read_bytes()
    assert len(first) > 100_000
    assert first == traces[1].read_bytes()


def test_another_seed_gives_another_trace():
    output = simulate("--seed", 8, "--seeds", 2)
    assert output.returncode == 0, output.stderr
    hashes = re.findall(r"lines ([0-9a-f]{16})$", output.stdout, re.MULTILINE)
    assert len(set(hashes)) == 2


@pytest.mark.parametrize("first", range(1, SEEDS + 1, SEEDS_PER_RUN))
def test_seeds(first):
    """At least once, in order, never lost, never back after a delete, whatever fails."""
    output = simulate("--seed", first, "--seeds", SEEDS_PER_RUN)
    assert output.returncode == 0, output.stderr
    assert output.stdout.count("\nseed") == SEEDS_PER_RUN - 1


@pytest.mark.parametrize("plant", PLANTS if LONG else PLANTS[-2:])
def test_a_planted_bug_is_found(plant):
    """Within 1,000 seeds; the same seed without the plant is whole."""
    planted = SIM.with_name("sim_planted")
    for seed in range(1, 1001):
        words = [planted, "--plant", plant, "--steps", 30_000, "--seed", seed]
        found = subprocess.run([str(w) for w in words], capture_output=True, text=True, timeout=300)
        if found.returncode != 0:
            print(f"{plant}: found by seed {seed}: {found.stderr.splitlines()[0]}")
            break
    else:
        pytest.fail(f"{plant} was not found")
    words = [SIM, "--steps", 30_000, "--seed", seed]
    whole = subprocess.run([str(w) for w in words], capture_output=True, text=True, timeout=300)
    assert whole.returncode == 0, whole.stderr
