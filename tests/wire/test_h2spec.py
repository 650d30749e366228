# h2spec's cases of HTTP/2 against a server, over TLS; in the long ring also in the clear.
# SPDX-License-Identifier: Apache-2.0
import os
import pathlib
import subprocess
import xml.etree.ElementTree as ElementTree

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
CASES_MIN = 140
# The cases that fail, and no others: by section and title.
# libnghttp2 drops HEADERS of a stream that it does not know any more, since they may be the trailers of
# one that was reset meanwhile; h2spec wants the connection to end (RFC 9113 section 5.1.1).
OLD_STREAM = ("http2/5.1.1", "Sends stream identifier that is numerically smaller than previous")
# What begins otherwise is HTTP/1.1 on the port that both share, and gets its 400; h2spec reads that as a
# frame. RFC 9113 section 3.4 lets GOAWAY be left out, since such a peer does not speak HTTP/2.
PREFACE = ("http2/3.5", "Sends invalid connection preface")
KNOWN = {"clear": {OLD_STREAM, PREFACE}, "tls": {OLD_STREAM}}
HOWS = ("clear", "tls") if os.environ.get("C10M_TEST_LONG") == "1" else ("tls",)


@pytest.fixture(scope="module")
def h2spec(tmp_path_factory):
    """Its modules come from Go's proxy once, pinned by go.sum."""
    program = tmp_path_factory.mktemp("h2spec") / "h2spec"
    env = os.environ | {
        "GOMODCACHE": str(ROOT / ".cache/go/mod"),
        "GOCACHE": str(ROOT / ".cache/go/build"),
        "GOFLAGS": "-mod=readonly -modcacherw -buildvcs=false",
        "GOTOOLCHAIN": "local",
    }
    folder = ROOT / "tests/wire/h2spec"
    subprocess.run(["go", "build", "-o", str(program), "."], cwd=folder, env=env, check=True)
    return program


@pytest.mark.parametrize("how", HOWS)
def test_h2spec(server, h2spec, tmp_path, how):
    report = tmp_path / "report.xml"
    words = [h2spec, "127.0.0.1", str(server.port), report, *(["tls"] if how == "tls" else [])]
    done = subprocess.run(words, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    cases = list(ElementTree.parse(report).iter("testcase"))
    failed = {
        (case.get("package"), case.get("classname")): "".join(case.itertext()).strip()
        for case in cases
        if case.find("failure") is not None or case.find("error") is not None
    }
    assert len(cases) >= CASES_MIN
    assert set(failed) == KNOWN[how], failed
