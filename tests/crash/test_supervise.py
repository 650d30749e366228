# `c10m supervise`: a killed server is started again, a bad start is not repeated for ever.
# SPDX-License-Identifier: Apache-2.0
import os
import pathlib
import signal
import socket
import subprocess

from support.server import Server, child_environment, eventually, health_status
from support.signed import SignedClient


def children(pid):
    found = []
    for status in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rsplit(")", 1)[1].split()
        except (OSError, IndexError):
            continue
        if int(fields[1]) == pid and fields[0] != "Z":
            found.append(int(status.parent.name))
    return found


def call(server, operation, members):
    with SignedClient(server.port) as client:
        answer = client.json(operation, members)
    assert answer.status == 200, answer.body
    return answer.json()


def test_a_killed_server_is_started_again_with_its_data(tmp_path):
    with Server(tmp_path, verb="supervise") as server:
        url = call(server, "CreateQueue", {"QueueName": "kept"})["QueueUrl"]
        call(server, "SendMessage", {"QueueUrl": url, "MessageBody": "still here"})
        for _ in range(2):
            (old,) = children(server.process.pid)
            os.kill(old, signal.SIGKILL)
            eventually(
                lambda: children(server.process.pid) not in ([], [old]), 30, "a new server runs"
            )
            eventually(lambda: health_status(server.port) == 200, 30, "it answers")
        got = call(server, "ReceiveMessage", {"QueueUrl": url, "WaitTimeSeconds": 5})
        assert got["Messages"][0]["Body"] == "still here"


def test_sigterm_ends_supervisor_and_server(tmp_path):
    with Server(tmp_path, verb="supervise") as server:
        (child,) = children(server.process.pid)
        assert server.stop() == 0
        assert not pathlib.Path(f"/proc/{child}").exists()
        assert health_status(server.port) is None


def test_the_server_does_not_outlive_its_supervisor(tmp_path):
    with Server(tmp_path, verb="supervise") as server:
        (child,) = children(server.process.pid)
        server.kill()
        eventually(lambda: not pathlib.Path(f"/proc/{child}").exists(), 30, "the server ends too")
        server.start()


def test_a_bad_start_is_reported_and_ends(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        server = Server(tmp_path, verb="supervise", port=taken.getsockname()[1])
        done = subprocess.run(
            server.command(), capture_output=True, text=True, timeout=30, env=child_environment()
        )
    assert done.returncode > 0
    assert str(server.port) in done.stderr
