# kill -9 under senders and receivers: what was acknowledged is there, what was deleted stays away.
# The oracles are the clients' own log of acknowledgements, and the invariants that fsck checks.
# SPDX-License-Identifier: Apache-2.0
import os
import random
import subprocess

import pytest

from support.ledger import (
    DRAIN_SECONDS_MAX,
    GROUPS,
    FifoLedger,
    Ledger,
    call,
    drain,
    end_workers,
    make_queue,
    start_workers,
)
from support.server import PROGRAM, Server, child_environment, eventually
from support.signed import SignedClient

ROUNDS = 100 if os.environ.get("C10M_TEST_LONG") == "1" else 5
SENDERS = 4
RECEIVERS = 3


def check_invariants(server):
    words = [str(PROGRAM), "fsck", "--data", str(server.data)]
    done = subprocess.run(words, capture_output=True, text=True, env=child_environment())
    assert done.returncode == 0, done.stdout + done.stderr


def kill_under_load(server, ledger, url):
    steps = [ledger.send_step(url)] * SENDERS + [ledger.receive_step(url)] * RECEIVERS
    stop, workers = start_workers([(server.port, step) for step in steps])
    enough = len(ledger.sent) + random.randrange(20, 400)
    eventually(
        lambda: len(ledger.sent) >= enough or any(w.error for w in workers), 60, "messages are sent"
    )
    server.kill()
    end_workers(stop, workers)


def test_acknowledged_messages_survive_kill_9(tmp_path):
    ledger = Ledger()
    with Server(tmp_path) as server:
        url = make_queue(server.port, "survivors", {})
        for _ in range(ROUNDS):
            kill_under_load(server, ledger, url)
            check_invariants(server)
            server.start()
            back = set()

            def note(message):
                ledger.note_receipt(message["Body"])
                back.add(message["Body"])

            drain(server.port, url, note)
            lost = ledger.sent - ledger.tried_to_delete - back
            assert not lost, f"{len(lost)} acknowledged messages are lost: {sorted(lost)[:5]}"
            ledger.deleted |= back
            ledger.tried_to_delete |= back
    assert len(ledger.sent) >= 20 * ROUNDS


def test_fifo_keeps_order_and_deduplication_over_kill_9(tmp_path):
    with Server(tmp_path) as server:
        ledger = FifoLedger(make_queue(server.port, "ordered.fifo", {"FifoQueue": "true"}))
        steps = [ledger.send_step(group) for group in range(GROUPS)] + [
            ledger.receive_step()
        ] * RECEIVERS
        stop, workers = start_workers([(server.port, step) for step in steps])
        for _ in range(ROUNDS):
            enough = sum(ledger.acknowledged) + random.randrange(20, 200)
            eventually(
                lambda: sum(ledger.acknowledged) >= enough or any(w.error for w in workers),
                60,
                "messages are sent",
            )
            server.kill()
            check_invariants(server)
            server.start()
        ledger.is_sending = False
        drained = lambda: sum(map(len, ledger.first_receipts)) >= sum(ledger.acknowledged)
        try:
            eventually(
                lambda: drained() or any(w.error for w in workers), DRAIN_SECONDS_MAX, "all came"
            )
        finally:
            end_workers(stop, workers)
        drain(server.port, ledger.url, ledger.note)
        ledger.check()


@pytest.mark.parametrize("attribute, value", [("VisibilityTimeout", "77"), ("DelaySeconds", "5")])
def test_settings_survive_kill_9(tmp_path, attribute, value):
    with Server(tmp_path) as server:
        url = make_queue(server.port, "settings", {})
        with SignedClient(server.port) as client:
            call(client, "SetQueueAttributes", {"QueueUrl": url, "Attributes": {attribute: value}})
        server.kill()
        server.start()
        with SignedClient(server.port) as client:
            got = call(client, "GetQueueAttributes", {"QueueUrl": url, "AttributeNames": ["All"]})
            assert got["Attributes"][attribute] == value
            call(client, "DeleteQueue", {"QueueUrl": url})
        server.kill()
        server.start()
        with SignedClient(server.port) as client:
            assert not call(client, "ListQueues", {}).get("QueueUrls")


def test_a_message_in_flight_at_the_kill_comes_back_by_its_timeout(tmp_path):
    with Server(tmp_path) as server:
        url = make_queue(server.port, "flight", {})
        with SignedClient(server.port) as client:
            call(client, "SendMessage", {"QueueUrl": url, "MessageBody": "x"})
            call(client, "ReceiveMessage", {"QueueUrl": url, "WaitTimeSeconds": 5})
        server.kill()
        server.start()
        with SignedClient(server.port) as client:
            got = call(
                client,
                "ReceiveMessage",
                {"QueueUrl": url, "WaitTimeSeconds": 20, "AttributeNames": ["All"]},
            )
        (message,) = got["Messages"]
        assert message["Attributes"]["ApproximateReceiveCount"] == "2"


def test_ephemeral_forgets(tmp_path):
    with Server(tmp_path, options=["--ephemeral"]) as server:
        make_queue(server.port, "mist", {})
        server.kill()
        server.start()
        with SignedClient(server.port) as client:
            assert not call(client, "ListQueues", {}).get("QueueUrls")
