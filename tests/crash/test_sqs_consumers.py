# Consumers of other languages do all of their work, though c10m is killed in between.
# SPDX-License-Identifier: Apache-2.0
import os
import random
import signal
import subprocess

import pytest

from support import clients
from support.ledger import call, make_queue, messages_left
from support.programs import go_program, javascript
from support.server import Server, eventually
from support.signed import SignedClient

IS_LONG = os.environ.get("C10M_TEST_LONG") == "1"
MESSAGES, KILLS = (5000, 20) if IS_LONG else (300, 3)
SECONDS_MAX = 120


@pytest.fixture
def victim(tmp_path):
    with Server(tmp_path / "server") as running:
        yield running


def lines_of(path):
    return path.read_text().splitlines() if path.exists() else []


def send_all(port, url):
    with SignedClient(port) as client:
        for at in range(0, MESSAGES, 10):
            entries = [{"Id": str(i), "MessageBody": f"m{at + i}"} for i in range(10)]
            done = call(client, "SendMessageBatch", {"QueueUrl": url, "Entries": entries})
            assert len(done["Successful"]) == 10


def is_empty(port, url):
    with SignedClient(port) as client:
        return messages_left(client, url) == 0


def consume_under_kills(server, words, folder):
    rng = random.Random(3)
    url = make_queue(server.port, "work", {})
    send_all(server.port, url)
    done = folder / "done"
    env = clients.cli_environment(server.url())
    with subprocess.Popen([*words, url, str(done)], env=env, stdout=subprocess.PIPE) as consumer:
        try:
            for kill in range(1, KILLS + 1):
                goal = rng.randint(1, MESSAGES * kill // (KILLS + 1))
                eventually(lambda: len(lines_of(done)) >= goal, SECONDS_MAX, f"{goal} messages")
                server.kill()
                server.start()
            everything = {f"m{n}" for n in range(MESSAGES)}
            eventually(lambda: set(lines_of(done)) == everything, SECONDS_MAX, "all messages")
            eventually(lambda: is_empty(server.port, url), SECONDS_MAX, "the queue is empty")
            assert consumer.poll() is None, "it survived all of it"
            consumer.send_signal(signal.SIGTERM)
            assert consumer.communicate(timeout=SECONDS_MAX)[0] == b"done\n"
        finally:
            consumer.kill()


def test_javascript_sqs_consumer(victim, javascript, tmp_path):
    consume_under_kills(victim, ["node", str(javascript / "consume.mjs")], tmp_path)


if IS_LONG:

    def test_go(victim, go_program, tmp_path):
        consume_under_kills(victim, [str(go_program), "consume"], tmp_path)
