#!/usr/bin/env python3
# No file names the machine where it was written: home folders, paths that leave the repository,
# hosts of package registries.
# SPDX-License-Identifier: Apache-2.0
import os
import re
import sys

import sources

HOME = re.compile(r"(?<![\w.~$}\])>])/(?:home|root|Users|work|workspace|mnt)/\w[\w./-]*")
UPWARDS = re.compile(r"(?<![\w/.])(?:\.\./)+\w[\w./-]*")
REGISTRY = re.compile(
    r"deb\.debian\.org|security\.debian\.org|pypi\.org/simple|files\.pythonhosted\.org|"
    r"registry\.npmjs\.org|proxy\.golang\.org|repo1?\.maven\.(?:org|apache)|static\.crates\.io"
)
BYTES_MAX = 1 << 20  # larger files are data


def leaves_repository(path, link):
    return os.path.normpath(os.path.join(path.parent, link)).startswith("..")


def file_problems(path, text):
    for number, line in enumerate(text.splitlines(), 1):
        for found in HOME.findall(line) + REGISTRY.findall(line):
            yield f"{path}:{number}: names a machine or a registry: {found}"
        for link in UPWARDS.findall(line):
            if leaves_repository(path, link):
                yield f"{path}:{number}: leaves the repository: {link}"


def problems(root=sources.ROOT):
    for path in sources.project_files(root):
        if path.stat().st_size > BYTES_MAX or path.name == "test_checks.py":
            continue  # the latter holds bad examples
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        yield from file_problems(path.relative_to(root), text)


if __name__ == "__main__":
    sys.exit(sources.report("names of machines", list(problems())))
