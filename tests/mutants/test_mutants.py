# Breaks the committer in five ways, each in a copy: some test of the store must notice each of them.
# SPDX-License-Identifier: Apache-2.0
import re
import subprocess
import sys

import pytest

from support.server import PROGRAM, ROOT, child_environment

BUILD = PROGRAM.parent
LIBRARY = "src/store/libstore.a"
SECONDS_MAX = 120

# What is broken: a file, its text before and after, and the tests that are to notice.
MUTANTS = {
    "the sync is skipped": (
        "rocks.c",
        "rocksdb_writeoptions_set_sync(r->write_synced, 1);",
        "rocksdb_writeoptions_set_sync(r->write_synced, 0);",
        ["sync"],
    ),
    "ranges are not checked": (
        "history.c",
        "if (range_conflicts(h, &reads->ranges[i], read_version))",
        "if (false && range_conflicts(h, &reads->ranges[i], read_version))",
        ["conflict"],
    ),
    "acknowledged before the write": (
        "committer.c",
        "    int code = batch_write(c->batch);\n",
        "    for (int i = 0; i < runtime_loop_count(c->runtime); i++) {\n"
        "        if (!list_is_empty(&c->loops[i].decided))\n"
        "            loop_post(runtime_loop(c->runtime, i), finish,\n"
        "                      list_take_all(&c->loops[i].decided));\n"
        "    }\n"
        "    int code = batch_write(c->batch);\n",
        ["sync"],
    ),
    "a batch is dropped on an error": (
        "batch.c",
        "    return code == E_AGAIN ? E_CONFLICT : code;",
        "    return code == E_AGAIN ? OK : code;",
        ["unknown"],
    ),
    "a stamp is given twice": (
        "batch.c",
        "    c->version = ++b->version;",
        "    c->version = b->version == b->published ? ++b->version : b->version;",
        ["stamp"],
    ),
}


def commands(target):
    """What ninja runs last to make it, as one line of shell."""
    words = ["ninja", "-C", str(BUILD), "-t", "commands", target]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    return [line for line in done.stdout.splitlines() if not line.startswith("ninja:")]


def shell(line):
    subprocess.run(line, shell=True, cwd=BUILD, check=True)


def build_library(source, text, folder):
    """libstore.a with one object compiled from the changed text."""
    (folder / source).write_text(text)
    made = f"src/store/libstore.a.p/{source}.o"
    line = commands(made)[-1]
    object_file = folder / f"{source}.o"
    line = line.replace(f"-o {made}", f"-o {object_file}")
    line = re.sub(r"-M(D|[QF] \S+)", "", line)
    shell(line.replace(f"../../src/store/{source}", str(folder / source)))
    # A static library may be a thin one, which only names its objects: it is made anew.
    objects = sorted(BUILD.glob("src/store/libstore.a.p/*.o"))
    names = [str(object_file) if o.name == object_file.name else str(o) for o in objects]
    shell(" ".join(["ar", "csr", str(folder / "libstore.a"), *names]))


def build_test(noun, folder):
    target = f"src/store/test_store_{noun}"
    line = commands(target)[-1].replace(f"-o {target} ", f"-o {folder / noun} ")
    shell(line.replace(f" {LIBRARY} ", f" {folder / 'libstore.a'} "))
    return folder / noun


def notices(program):
    """Whether the test fails."""
    words = [sys.executable, str(ROOT / "tests/support/postgres.py"), str(program)]
    try:
        done = subprocess.run(
            words, capture_output=True, text=True, timeout=SECONDS_MAX, env=child_environment()
        )
    except subprocess.TimeoutExpired:
        return True
    return done.returncode != 0


@pytest.mark.parametrize("name", MUTANTS)
def test_mutant_is_noticed(name, tmp_path):
    source, before, after, nouns = MUTANTS[name]
    text = (ROOT / "src/store" / source).read_text()
    assert text.count(before) == 1, f"{source} has changed: this mutant needs a new place"
    build_library(source, text.replace(before, after), tmp_path)
    by = [noun for noun in nouns if notices(build_test(noun, tmp_path))]
    print(f"{name}: noticed by {', '.join(f'store/{noun}' for noun in by) or 'nobody'}")
    assert by


def test_unchanged_is_not_noticed(tmp_path):
    """Else the others would show nothing."""
    text = (ROOT / "src/store/batch.c").read_text()
    build_library("batch.c", text, tmp_path)
    for noun in sorted({noun for mutant in MUTANTS.values() for noun in mutant[3]}):
        assert not notices(build_test(noun, tmp_path)), noun
