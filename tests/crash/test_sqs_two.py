# Two c10m processes on one PostgreSQL: queues are one, whichever process is asked, and stay so when
# one of the two is killed.
# SPDX-License-Identifier: Apache-2.0
import contextlib
import json
import os
import random
import threading
import time

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
from support.postgres import postgres
from support.server import Server, eventually
from support.signed import SignedClient

KILLS = 50 if os.environ.get("C10M_TEST_LONG") == "1" else 2
LOAD_SECONDS_MAX = 120
MESSAGES = 800
POLL_SECONDS = 20
MOVED, MOVED_PER_SECOND = 400, 20
# A lease lasts for ten seconds after its holder's death.
TAKEN_OVER_SECONDS_MAX = 60
# Much less than the poll waits, and much more than a wake takes.
WOKEN_SECONDS_MAX = 8


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """One directory for both: they share the root key."""
    directory = tmp_path_factory.mktemp("two")
    with contextlib.ExitStack() as stack:
        options = ["--store", stack.enter_context(postgres()).url]
        yield [stack.enter_context(Server(directory, options=options)) for _ in range(2)]


@pytest.fixture
def ports(pair):
    return [server.port for server in pair]


def one_call(port, operation, members):
    with SignedClient(port) as client:
        return call(client, operation, members)


def receive(port, url, **members):
    return one_call(port, "ReceiveMessage", {"QueueUrl": url, **members}).get("Messages", [])


def kill_under(pair, workers, has_enough):
    """Kills one of the two and starts it again, under load."""
    for _ in range(KILLS):
        victim = random.choice(pair)
        enough = has_enough()
        eventually(lambda: enough() or any(w.error for w in workers), LOAD_SECONDS_MAX, "load")
        victim.kill()
        enough = has_enough()  # on the other one
        eventually(lambda: enough() or any(w.error for w in workers), LOAD_SECONDS_MAX, "load")
        victim.start()


def test_acknowledged_messages_survive_the_death_of_one(pair, ports, name):
    url = make_queue(ports[0], name, {})
    ledger = Ledger()
    steps = [(port, ledger.send_step(url)) for port in ports * 2]
    steps += [(port, ledger.receive_step(url)) for port in ports]

    def has_enough():
        count = len(ledger.sent) + random.randrange(20, 100)
        return lambda: len(ledger.sent) >= count

    stop, workers = start_workers(steps)
    try:
        kill_under(pair, workers, has_enough)
    finally:
        end_workers(stop, workers)
    back = set()

    def note(message):
        ledger.note_receipt(message["Body"])
        back.add(message["Body"])

    drain(ports[1], url, note)
    lost = ledger.sent - ledger.tried_to_delete - back
    assert not lost, f"{len(lost)} acknowledged messages are lost: {sorted(lost)[:5]}"
    assert len(ledger.sent) >= 40 * KILLS and len(ledger.deleted) > 0
    assert not receive(ports[0], url, WaitTimeSeconds=1)


def test_one_receives_all_that_the_other_sends(pair, ports, name):
    """Also what was committed behind the place that the receiver's sweep had come to."""
    url = make_queue(ports[0], name, {"VisibilityTimeout": "600"})
    ledger = Ledger()
    got = set()

    def receive_step(client):
        members = {"QueueUrl": url, "MaxNumberOfMessages": 10}
        got.update(m["Body"] for m in call(client, "ReceiveMessage", members).get("Messages", []))

    steps = [(ports[0], ledger.send_step(url))] * 6 + [(ports[1], receive_step)] * 2
    stop, workers = start_workers(steps)
    try:
        is_enough = lambda: len(ledger.sent) >= MESSAGES or any(w.error for w in workers)
        eventually(is_enough, LOAD_SECONDS_MAX, "messages are sent")
    finally:
        end_workers(stop, workers)
    with SignedClient(ports[1]) as client:

        def all_came():
            receive_step(client)
            return ledger.sent <= got

        eventually(all_came, LOAD_SECONDS_MAX / 4, "all were received")


def test_groups_keep_their_order_between_two(pair, ports, name):
    ledger = FifoLedger(make_queue(ports[0], f"{name}.fifo", {"FifoQueue": "true"}))
    steps = [(ports[group % 2], ledger.send_step(group)) for group in range(GROUPS)]
    steps += [(port, ledger.receive_step()) for port in ports * 2]

    def has_enough():
        counts = list(ledger.acknowledged)
        # Groups are sent to either process, and one of them may be dead.
        return lambda: sum(ledger.acknowledged) >= sum(counts) + 20

    stop, workers = start_workers(steps)
    drained = lambda: sum(map(len, ledger.first_receipts)) >= sum(ledger.acknowledged)
    try:
        kill_under(pair, workers, has_enough)
        ledger.is_sending = False
        eventually(
            lambda: drained() or any(w.error for w in workers), DRAIN_SECONDS_MAX, "all came"
        )
    finally:
        end_workers(stop, workers)
    drain(ports[1], ledger.url, ledger.note)
    ledger.check()
    assert all(count > 0 for count in ledger.acknowledged)


class Poll(threading.Thread):
    """A long poll, and when it ended."""

    def __init__(self, port, url):
        super().__init__(daemon=True)
        self.port, self.url = port, url
        self.messages, self.ended = None, None
        self.start()

    def run(self):
        self.messages = receive(self.port, self.url, WaitTimeSeconds=POLL_SECONDS)
        self.ended = time.monotonic()

    def bodies_since(self, began):
        self.join(POLL_SECONDS + 30)
        assert self.ended is not None and self.ended - began < WOKEN_SECONDS_MAX
        return [message["Body"] for message in self.messages]


@pytest.mark.parametrize("kind", ["standard", "fifo"])
def test_a_send_to_one_wakes_a_poll_of_the_other(ports, name, kind):
    is_fifo = kind == "fifo"
    attributes = {"FifoQueue": "true"} if is_fifo else {}
    url = make_queue(ports[0], name + (".fifo" if is_fifo else ""), attributes)
    for sender, receiver in (ports, ports[::-1]):
        members = {"MessageGroupId": "g", "MessageDeduplicationId": str(sender)} if is_fifo else {}
        # A look of its own first, so that the process knows the queue to be empty.
        assert not receive(receiver, url, WaitTimeSeconds=1)
        poll = Poll(receiver, url)
        time.sleep(0.5)
        assert poll.is_alive()
        began = time.monotonic()
        one_call(sender, "SendMessage", {"QueueUrl": url, "MessageBody": "x", **members})
        assert poll.bodies_since(began) == ["x"]
        (message,) = poll.messages
        # Deleted where it was not received.
        handle = {"QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"]}
        one_call(sender, "DeleteMessage", handle)
        assert not receive(receiver, url) and not receive(sender, url)


def test_a_message_given_back_to_one_wakes_a_poll_of_the_other(ports, name):
    url = make_queue(ports[0], name, {"VisibilityTimeout": "600"})
    one_call(ports[0], "SendMessage", {"QueueUrl": url, "MessageBody": "x"})
    (message,) = receive(ports[0], url)
    poll = Poll(ports[1], url)
    time.sleep(0.5)
    assert poll.is_alive()
    began = time.monotonic()
    handle = {"QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"]}
    one_call(ports[0], "ChangeMessageVisibility", {**handle, "VisibilityTimeout": 0})
    assert poll.bodies_since(began) == ["x"]


def test_a_purge_at_one_holds_at_the_other(ports, name):
    url = make_queue(ports[0], name, {"VisibilityTimeout": "0"})
    one_call(ports[0], "SendMessage", {"QueueUrl": url, "MessageBody": "old"})
    assert [m["Body"] for m in receive(ports[1], url, WaitTimeSeconds=5)] == ["old"]
    one_call(ports[0], "PurgeQueue", {"QueueUrl": url})
    assert not receive(ports[1], url)
    one_call(ports[1], "SendMessage", {"QueueUrl": url, "MessageBody": "new"})
    assert [m["Body"] for m in receive(ports[0], url, WaitTimeSeconds=5)] == ["new"]
    one_call(ports[1], "DeleteQueue", {"QueueUrl": url})
    with SignedClient(ports[0]) as client:
        assert client.json("ReceiveMessage", {"QueueUrl": url}).status == 400


def make_moving(port, name):
    """A task that moves MOVED messages out of a dead-letter queue. Its ARN, and the queue that they go to."""

    def arn_of(url):
        got = one_call(port, "GetQueueAttributes", {"QueueUrl": url, "AttributeNames": ["QueueArn"]})
        return got["Attributes"]["QueueArn"]

    dead, to = (make_queue(port, f"{name}-{kind}", {}) for kind in ("dead", "to"))
    policy = json.dumps({"deadLetterTargetArn": arn_of(dead), "maxReceiveCount": 1})
    make_queue(port, name, {"RedrivePolicy": policy})
    for at in range(0, MOVED, 10):
        entries = [{"Id": str(i), "MessageBody": f"m{at + i}"} for i in range(10)]
        one_call(port, "SendMessageBatch", {"QueueUrl": dead, "Entries": entries})
    members = {"SourceArn": arn_of(dead), "DestinationArn": arn_of(to)}
    one_call(
        port,
        "StartMessageMoveTask",
        {**members, "MaxNumberOfMessagesPerSecond": MOVED_PER_SECOND},
    )
    return members["SourceArn"], to


def test_a_move_task_outlives_the_process_that_works_on_it(pair, name):
    """Each of the two dies once; whoever had the task then, the other one goes on with it."""
    arn, to = make_moving(pair[0].port, name)

    def task(server):
        got = one_call(server.port, "ListMessageMoveTasks", {"SourceArn": arn})
        return got["Results"][0]

    for victim, other in (pair, pair[::-1]):
        moved = task(other)["ApproximateNumberOfMessagesMoved"]
        has_moved = lambda: task(other)["ApproximateNumberOfMessagesMoved"] > moved
        eventually(has_moved, TAKEN_OVER_SECONDS_MAX, "the task goes on")
        victim.kill()
        moved = task(other)["ApproximateNumberOfMessagesMoved"]
        assert moved < MOVED
        eventually(has_moved, TAKEN_OVER_SECONDS_MAX, "the task is taken over")
        victim.start()
    eventually(lambda: task(pair[0])["Status"] == "COMPLETED", LOAD_SECONDS_MAX, "the task ends")
    assert task(pair[1])["ApproximateNumberOfMessagesMoved"] == MOVED
    bodies = []
    drain(pair[0].port, to, lambda message: bodies.append(message["Body"]))
    assert sorted(bodies) == sorted(f"m{n}" for n in range(MOVED))
