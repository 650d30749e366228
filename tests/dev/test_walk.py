# docs/first-operation.md does what it says: its files and commands, in order, in a copy of the tree.
# SPDX-License-Identifier: Apache-2.0
import os
import pathlib
import re
import shutil
import subprocess

import pytest

from support.server import ROOT

PAGE = ROOT / "docs/first-operation.md"
SERVICE = "shield"
LEFT_OUT = (".git", ".cache", ".venv", "build", "data")
COMMAND_SECONDS_MAX = 300
# A file is shown after a line that is its path; ```sh is run, ```console is only for people.
BLOCK = re.compile(r"(?:^`([\w./-]+)`:\n\n)?^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COUNT = re.compile(r"^(\d+) passed, 0 failed$", re.MULTILINE)


def steps(text):
    """("write", path, content) and ("run", commands), in the order of the page."""
    for path, kind, content in BLOCK.findall(text):
        if path:
            yield "write", path, content
        elif kind == "sh":
            yield "run", None, content


def copy_tree(target):
    """A clone as a newcomer has it after ./dev setup: the service of the page is not there."""
    left_out = shutil.ignore_patterns(*LEFT_OUT, "__pycache__")
    shutil.copytree(ROOT, target, ignore=left_out, symlinks=True)
    shutil.rmtree(target / "services" / SERVICE, ignore_errors=True)
    (target / f"tests/sdk/test_{SERVICE}.py").unlink(missing_ok=True)
    (target / ".cache").symlink_to(ROOT / ".cache")
    shutil.copytree(ROOT / ".venv", target / ".venv", symlinks=True, copy_function=os.link)
    made_in = target / ".venv/made-in"
    made_in.unlink()  # it is a link to the original
    made_in.write_text(f"{target}\n")


def run(words, tree):
    env = {name: value for name, value in os.environ.items() if not name.startswith("C10M_")}
    done = subprocess.run(
        ["bash", "-euc", words],
        cwd=tree,
        env=env,
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS_MAX,
    )
    assert done.returncode == 0, f"{words}\n{done.stdout[-4000:]}{done.stderr[-4000:]}"
    return done.stdout


@pytest.fixture
def tree(tmp_path):
    # Not where a link would have to cross file systems: .venv is linked, not copied.
    target = ROOT / f"build/test/walk-{os.getpid()}"
    shutil.rmtree(target, ignore_errors=True)
    copy_tree(target)
    yield target
    shutil.rmtree(target)


def test_the_page_shows_files_and_commands():
    found = list(steps(PAGE.read_text()))
    assert [kind for kind, _, _ in found].count("run") == 3
    written = {path for kind, path, _ in found if kind == "write"}
    assert f"services/{SERVICE}/subscription.c" in written
    assert f"tests/sdk/test_{SERVICE}.py" in written


def test_the_walk(tree):
    passed = []
    for kind, path, content in steps(PAGE.read_text()):
        if kind == "write":
            assert pathlib.Path(path).parts[0] in ("services", "tests"), path
            (tree / path).write_text(content)
        else:
            passed += COUNT.findall(run(content, tree))
    assert passed == ["1", "2", "4"]
    for check in ("layers", "banned", "headers"):
        found = run(f"/usr/bin/python3 tools/check_{check}.py || true", tree)
        assert f"services/{SERVICE}" not in found, found
