# Programs of tests/clients that several tests run, installed or built once a session.
# SPDX-License-Identifier: Apache-2.0
import os
import pathlib
import re
import shutil
import subprocess

import pytest

from support.server import ROOT

SECONDS_MAX = 300
BUILD_SECONDS_MAX = 3600


def run(words, env, folder, seconds=SECONDS_MAX):
    done = subprocess.run(
        words, env=env, cwd=folder, capture_output=True, text=True, timeout=seconds
    )
    assert done.returncode == 0, f"{words}\n{done.stdout[-2000:]}{done.stderr[-4000:]}"
    return done.stdout


def with_newest(command, *version_words):
    """The environment in which the newest of those on PATH is first: Debian's, which ./dev prefers, is too old for an SDK."""

    def version(folder):
        words = [str(folder / command), *version_words]
        done = subprocess.run(words, capture_output=True, text=True)
        found = re.search(r"\d+(\.\d+)+", done.stdout)
        return tuple(map(int, found[0].split("."))) if found else ()

    folders = [pathlib.Path(name) for name in os.environ["PATH"].split(":") if name]
    folders = [folder for folder in folders if (folder / command).exists()]
    assert folders, f"{command} is not on PATH"
    newest = max(folders, key=version)
    return dict(os.environ) | {"PATH": f"{newest}:{os.environ['PATH']}"}


@pytest.fixture(scope="session")
def javascript():
    """The folder with the pinned SDK and what uses it."""
    folder = ROOT / "build/test/clients-js"
    lock = ROOT / "tests/clients/js/package-lock.json"
    is_fresh = (folder / "installed").exists() and (
        folder / "installed"
    ).read_text() == lock.read_text()
    folder.mkdir(parents=True, exist_ok=True)
    for file in (ROOT / "tests/clients/js").iterdir():
        if file.is_file():
            shutil.copy(file, folder)
    if not is_fresh:
        words = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        run(words, dict(os.environ), folder)
        (folder / "installed").write_text(lock.read_text())
    return folder


@pytest.fixture(scope="session")
def go_program():
    program = ROOT / "build/test/clients-go"
    words = ["go", "build", "-o", str(program), "."]
    run(words, with_newest("go", "version"), ROOT / "tests/clients/go", BUILD_SECONDS_MAX)
    return program
