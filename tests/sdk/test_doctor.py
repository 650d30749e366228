# c10m doctor finds what is wrong, says how to mend it, and goes by the exit status.
# SPDX-License-Identifier: Apache-2.0
import os
import resource
import socket
import subprocess

import pytest

from support.server import PROGRAM, free_port

NAMES = "names port data clock files namespaces limits networks endpoint aws node go java".split()


def doctor(*options, env=None, **how):
    done = subprocess.run(
        [str(PROGRAM), "doctor", *options],
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        timeout=120,
        **how,
    )
    lines = done.stdout.splitlines()
    findings = {words[1]: line for line in lines[:-1] if (words := line.split())[0] != "->"}
    return done.returncode, findings, done.stdout


def tool(folder, name, text):
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def test_a_good_machine(tmp_path):
    tool(tmp_path, "aws", "echo aws-cli/2.15.0 Python/3.11.6")
    env = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "AWS_ENDPOINT_URL": "http://localhost:1"}
    options = ["--listen", f"127.0.0.1:{free_port()}", "--data", str(tmp_path / "data")]
    status, findings, text = doctor(*options, env=env)
    assert status == 0, text
    assert list(findings) == NAMES
    for name in ("port", "data", "clock", "endpoint", "aws"):
        assert findings[name].startswith("ok "), text
    assert "aws-cli/2.15.0" in findings["aws"]
    assert not (tmp_path / "data").exists(), "it changes nothing"


def test_a_port_that_is_taken(server):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        # It accepts, and never says that it is c10m.
        status, findings, text = doctor("--listen", f"127.0.0.1:{port}")
    assert status == 1
    assert findings["port"].startswith("bad ")
    assert "choose another port with --listen" in text
    status, findings, _ = doctor("--listen", f"127.0.0.1:{server.port}")
    assert findings["port"].startswith("ok ") and "c10m answers" in findings["port"]


def test_data_that_cannot_be_used(tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    status, findings, text = doctor("--listen", "127.0.0.1:0", "--data", str(file))
    assert status == 1 and findings["data"].startswith("bad ")
    assert "with --data" in text


@pytest.mark.parametrize("limit, verdict", [(512, "bad"), (4096, "warning")])
def test_file_limits(limit, verdict):
    def lower():
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))

    _, findings, text = doctor("--listen", "127.0.0.1:0", preexec_fn=lower)
    assert findings["files"].startswith(verdict)
    assert "ulimit -n 1048576" in text


def test_restricted_namespaces():
    """The setting is each user namespace's own, and applies to what is made in it."""
    script = 'echo 0 > /proc/sys/user/max_user_namespaces; exec "$0" doctor --listen 127.0.0.1:0'
    command = ["unshare", "--user", "--map-root-user", "sh", "-c", script, str(PROGRAM)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    lines = done.stdout.splitlines()
    (at,) = [i for i, line in enumerate(lines) if " namespaces " in line]
    assert lines[at].startswith("warning ") and "/proc/sys/user/max_user_namespaces" in lines[at]
    assert "sysctl -w user.max_user_namespaces=65536" in lines[at + 1]


def test_clients(tmp_path):
    tool(tmp_path, "aws", "echo aws-cli/1.46.0 Python/3.11.6")
    tool(tmp_path, "node", "exit 3")
    env = {"PATH": str(tmp_path), "AWS_ENDPOINT_URL": "http://localhost:1"}
    _, findings, text = doctor("--listen", "127.0.0.1:0", env=env)
    assert findings["aws"].startswith("warning ") and "version 1" in findings["aws"]
    assert "not on PATH" in findings["node"] and "not on PATH" in findings["go"]
    (tmp_path / "aws").unlink()
    _, findings, text = doctor("--listen", "127.0.0.1:0", env=env)
    assert findings["aws"].startswith("warning ") and "there is no AWS CLI" in findings["aws"]
