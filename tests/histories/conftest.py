# The checker of histories, for all tests here.
# SPDX-License-Identifier: Apache-2.0
import os
import subprocess

import pytest

from support.server import ROOT

CHECKER = ROOT / "tests/histories/checker"


@pytest.fixture(scope="session")
def checker(tmp_path_factory):
    """Builds the checker; its module comes from Go's proxy once, pinned by go.sum."""
    program = tmp_path_factory.mktemp("checker") / "check"
    env = os.environ | {
        "GOMODCACHE": str(ROOT / ".cache/go/mod"),
        "GOCACHE": str(ROOT / ".cache/go/build"),
        "GOFLAGS": "-mod=readonly -modcacherw -buildvcs=false",
        "GOTOOLCHAIN": "local",
    }
    subprocess.run(["go", "build", "-o", str(program), "."], cwd=CHECKER, env=env, check=True)
    return program
