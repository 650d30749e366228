#!/usr/bin/env python3
# Every source file says in its first line what it is for; every header compiles alone.
# SPDX-License-Identifier: Apache-2.0
import concurrent.futures
import os
import subprocess
import sys
import tempfile

import sources

SPDX = "// SPDX-License-Identifier: Apache-2.0"
FLAGS = ["-std=gnu17", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Wno-unused-parameter", "-Werror"]


def text_problems(path, text):
    lines = text.splitlines() or [""]
    if not lines[0].startswith("// ") or lines[0].startswith("// SPDX"):
        yield f"{path}:1: the first line must say what the file is for"
    if SPDX not in lines[1:10]:
        yield f"{path}:2: `{SPDX}` must follow the first comment"
    if path.suffix == ".h" and "#pragma once" not in lines[:12]:
        yield f"{path}:3: a header begins with #pragma once"


def compile_problem(path, include_folders):
    """None when a file that includes nothing but this header compiles."""
    with tempfile.NamedTemporaryFile("w", suffix=".c") as alone:
        alone.write(f'#include "{path}"\n')
        alone.flush()
        words = [
            "gcc",
            *FLAGS,
            "-fsyntax-only",
            *(f"-I{folder}" for folder in include_folders),
            alone.name,
        ]
        done = subprocess.run(words, capture_output=True, text=True)
    first = next((line for line in done.stderr.splitlines() if "error" in line), done.stderr)
    return f"{path}: does not compile alone: {first}" if done.returncode else None


def problems(root=sources.ROOT, generated="build/release"):
    """generated: the build folder whose generated headers are used."""
    headers = []
    for path in sources.c_files(root):
        yield from text_problems(path.relative_to(root), path.read_text())
        if path.suffix == ".h":
            headers.append(path.relative_to(root))
    folders = [root, root / generated]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        found = pool.map(lambda header: compile_problem(header, folders), headers)
        yield from (problem for problem in found if problem)


if __name__ == "__main__":
    sys.exit(sources.report("headers", list(problems())))
