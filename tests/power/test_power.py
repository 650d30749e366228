"""Power is lost: everything acknowledged is in every image that the disk may hold, nothing is half done."""
# SPDX-License-Identifier: Apache-2.0
import concurrent.futures
import os
import random
import shutil

import pytest

from power import images
from support import recorder
from support.recorder import BUILD, check

LONG = os.environ.get("C10M_TEST_LONG") == "1"
NUMBERS = 60 if not LONG else 400
IMAGES = 100 if not LONG else 3000
WRITERS = 4
WORKERS = 2


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """A run of the driver: its steps."""
    folder = tmp_path_factory.mktemp("power")
    root, log = folder / "root", folder / "log"
    root.mkdir()
    words = [BUILD / "driver", "run", root / "data", 0, NUMBERS, WRITERS, root / "backup"]
    found = recorder.run(words, folder / "marks", root, log=log)
    assert found.returncode == 0, found.stderr
    steps = images.read(log)
    text = (folder / "marks").read_text().splitlines()
    assert images.marks(steps, len(steps)) == text
    assert f"s {NUMBERS - 1}" in text and "p 0" in text
    shutil.rmtree(root)
    return steps


def run_sample(steps, folder, seed, files=None, dirs=None):
    """Builds and opens one image; says what is wrong with it, or nothing."""
    chance = random.Random(seed)
    moment = chance.randint(1, len(steps))
    image = folder / f"image-{seed}"
    images.build(steps, moment, image, chance, files, dirs)
    lines = images.marks(steps, moment)
    (image / "data").mkdir(exist_ok=True)  # the person who starts it may find nothing at all
    found = check(image / "data", lines)
    problem = f"{found.stdout}{found.stderr}" if found.returncode else ""
    problem = problem or check_backup(image, lines)
    shutil.rmtree(image)
    return f"seed {seed}, step {moment} of {len(steps)}: {problem}" if problem else ""


def check_backup(image, lines):
    """With its mark it counts, and holds what was acknowledged before it began."""
    if "P 0" not in lines:
        return ""
    at = lines.index("P 0")
    before, after = lines[:at], [line.upper() for line in lines[at:]]
    backup = image / "backup"
    if not (backup / "c10m.json").exists():
        return "the backup is gone" if "p 0" in lines else ""
    shutil.copy(image / "data/root.key", backup / "root.key")
    found = check(backup, before + after, "pairs")
    return f"backup: {found.stdout}{found.stderr}" if found.returncode else ""


def problems_of(steps, folder, seeds, **how):
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        found = pool.map(lambda seed: run_sample(steps, folder, seed, **how), seeds)
        return [problem for problem in found if problem]


def test_sampled_images(recorded, tmp_path):
    assert problems_of(recorded, tmp_path, range(IMAGES)) == []


@pytest.mark.parametrize("files, dirs", [("none", "none"), ("all", "none"), ("none", "all"), ("torn", "all")])
def test_extreme_images(recorded, tmp_path, files, dirs):
    """Only what was synced; only one of contents and names; the last write of each file torn."""
    seeds = range(IMAGES // 10)
    assert problems_of(recorded, tmp_path, seeds, files=files, dirs=dirs) == []


def test_a_skipped_sync_is_found(recorded, tmp_path):
    """The ring itself: without the syncs of the record, acknowledged writes are missing."""
    without = [step for step in recorded if step.kind != images.SYNC]
    indices = {id(step): index for index, step in enumerate(without)}
    old = {id(step.file): step.file for step in recorded if step.file}
    for file in old.values():
        file.changes = [indices[id(recorded[i])] for i in file.changes]
        file.syncs = []
    assert problems_of(without, tmp_path, range(5), files="none", dirs="all") != []
