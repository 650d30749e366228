"""A disk that fails ends c10m at once, with a line that says so, and supervise starts it again."""
# SPDX-License-Identifier: Apache-2.0
import http.client

import pytest

from support.recorder import BUILD
from support.server import Server, eventually, health_status
from support.signed import SignedClient

MESSAGES = 30
BODY_BYTES = 100 * 1024
SECONDS_MAX = 60


def call(server, operation, **members):
    with SignedClient(server.port) as client:
        answer = client.json(operation, members)
    assert answer.status == 200, answer.body
    return answer.json()


def send(server, url, number):
    call(server, "SendMessage", QueueUrl=url, MessageBody=f"{number} ".ljust(BODY_BYTES, "x"))


def receive(server, url):
    got = call(server, "ReceiveMessage", QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0)
    return {int(message["Body"].split()[0]) for message in got["Messages"]}


@pytest.fixture
def broken(tmp_path):
    return tmp_path / "broken"


@pytest.fixture
def supervised(tmp_path, broken):
    env = {
        "LD_PRELOAD": str(BUILD / "broken_disk.so"),
        "BROKEN_ROOT": str(tmp_path / "data"),
        "BROKEN_WHEN": str(broken),
    }
    with Server(tmp_path, verb="supervise", env=env) as server:
        yield server


def ends_with(server, broken, what, line, request):
    """The disk fails; the request has no answer, and the log says why."""
    broken.write_text(what)
    with pytest.raises((OSError, http.client.HTTPException)):
        request()
    eventually(lambda: line in server.log.read_text(), SECONDS_MAX, line)
    broken.unlink()
    (said,) = {text for text in server.log.read_text().splitlines() if line in text}
    assert "level=error" in said and "action=abort" in said and "error" in said.lower()
    eventually(lambda: health_status(server.port) == 200, SECONDS_MAX, "it is started again")


def test_a_sync_that_fails(supervised, broken):
    server = supervised
    url = call(server, "CreateQueue", QueueName="q")["QueueUrl"]
    for number in range(MESSAGES):
        send(server, url, number)
    ends_with(server, broken, "s", "event=store_write_failed", lambda: send(server, url, MESSAGES))
    seen = set()
    eventually(lambda: seen.update(receive(server, url)) or seen >= set(range(MESSAGES)), SECONDS_MAX, "all")


def test_a_read_that_fails(supervised, broken):
    server = supervised
    url = call(server, "CreateQueue", QueueName="q")["QueueUrl"]
    for number in range(MESSAGES):
        send(server, url, number)
    # After a restart nothing is in memory.
    assert server.stop() == 0
    server.start()
    ends_with(server, broken, "r", "event=store_read_failed", lambda: receive(server, url))
    seen = set()
    eventually(lambda: seen.update(receive(server, url)) or seen >= set(range(MESSAGES)), SECONDS_MAX, "all")
