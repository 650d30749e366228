# What the checks of this folder share: which files there are, and C text without comments and strings.
# SPDX-License-Identifier: Apache-2.0
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
FOLDERS = ("src", "services", "tests", "ladder")
COMMENT_OR_LITERAL = re.compile(
    r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|' r"'(?:\\.|[^'\\\n])*'", re.DOTALL
)


def c_files(root=ROOT, suffixes=(".c", ".h")):
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in suffixes and path.is_file():
                yield path


def project_files(root=ROOT):
    """Every file of the project, committed or not yet."""
    words = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(words, cwd=root, capture_output=True, check=True).stdout
    paths = (root / name for name in listed.decode().split("\0") if name)
    return sorted(path for path in paths if path.is_file())


def without(text, keep_strings):
    """The text with comments (and literals) blanked out; lines keep their numbers."""

    def blank(match):
        found = match.group()
        if found[0] in "\"'":
            return found if keep_strings else found[0] * 2
        return re.sub(r"[^\n]", " ", found)

    return COMMENT_OR_LITERAL.sub(blank, text)


def report(name, problems):
    """Prints `file:line: problem` lines; the status to exit with."""
    for problem in problems:
        print(problem)
    print(f"{name}: {len(problems)} problems" if problems else f"{name}: ok", file=sys.stderr)
    return 1 if problems else 0
