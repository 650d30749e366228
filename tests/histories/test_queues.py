# Concurrent clients of queues while c10m is killed: what they saw could have been, by a model of queues.
# SPDX-License-Identifier: Apache-2.0
import contextlib
import json
import os
import random
import subprocess
import threading
import time

import pytest

from support.ledger import LOST, end_workers, make_queue, messages_left, start_workers
from support.postgres import postgres
from support.server import Server, eventually
from support.signed import SignedClient

IS_LONG = os.environ.get("C10M_TEST_LONG") == "1"
KILLS = 40 if IS_LONG else 3
OPERATIONS_BETWEEN_KILLS = (100, 400)
SECONDS_MAX = 120
HIDDEN_SECONDS = 2
GROUPS, SENDERS_OF_A_GROUP = 2, 2
STANDARD_CLIENTS, FIFO_RECEIVERS = 4, 2
BACKLOG_MAX = 60


class Recorder:
    """What the clients asked for and were told, for the checker."""

    def __init__(self):
        self.lock = threading.Lock()
        self.operations = []
        self.has_lost_receives = False
        self.sequences = {}  # of FIFO messages, by their bodies
        self.waiting = set()  # FIFO messages that are not deleted yet

    def note(self, kind, part, call, returned, **more):
        with self.lock:
            operation = {"Kind": kind, "Part": part, "Call": call, "Return": returned, **more}
            self.operations.append(operation | {"Client": threading.get_ident() % 1_000_000})

    def text(self):
        lost = {"Lost": self.has_lost_receives}
        for operation in self.operations:
            if operation["Kind"] == "send" and "IDs" in operation:
                operation["Sequence"] = self.sequences.get(operation["IDs"][0], "")
        return "".join(json.dumps(o | lost) + "\n" for o in self.operations)


class Client:
    """One queue's operations over one connection, recorded."""

    def __init__(self, client, recorder, url):
        self.client, self.recorder, self.url = client, recorder, url

    def ask(self, operation, members):
        answer = self.client.json(operation, {"QueueUrl": self.url, **members})
        if answer.status >= 500:
            raise ConnectionError(answer.body)
        return answer

    def change(self, kind, operation, part, members, **more):
        """Anything but a receive. None: it was refused, so it did not happen."""
        call = time.monotonic_ns()
        try:
            answer = self.ask(operation, members)
        except ConnectionRefusedError:
            raise  # it did not happen
        except LOST:
            self.recorder.note(kind, part, call, None, **more)
            raise
        if answer.status == 200:
            self.recorder.note(kind, part, call, time.monotonic_ns(), **more)
            return answer
        assert b"ReceiptHandle is invalid" in answer.body, answer.body
        return None

    def receive(self, count):
        members = {"MaxNumberOfMessages": count, "AttributeNames": ["All"]}
        call = time.monotonic_ns()
        try:
            answer = self.ask("ReceiveMessage", members)
        except ConnectionRefusedError:
            raise
        except LOST:
            self.recorder.has_lost_receives = True
            raise
        assert answer.status == 200, answer.body
        return answer.json().get("Messages", []), call, time.monotonic_ns()


class Standard(Client):
    def receive_some(self):
        messages, call, returned = self.receive(random.choice((1, 3, 10)))
        for message in messages:
            count = int(message["Attributes"]["ApproximateReceiveCount"])
            more = {"Count": count, "Hidden": HIDDEN_SECONDS * 10**9}
            self.recorder.note("receive", message["Body"], call, returned, **more)
            message["Count"] = count
        return messages

    def finish(self, message):
        part, more = message["Body"], {"Count": message["Count"]}
        self.change("delete", "DeleteMessage", part, {"ReceiptHandle": message["ReceiptHandle"]}, **more)

    def show(self, message):
        members = {"ReceiptHandle": message["ReceiptHandle"], "VisibilityTimeout": 0}
        part, more = message["Body"], {"Count": message["Count"]}
        self.change("show", "ChangeMessageVisibility", part, members, **more)


class Fifo(Client):
    def receive_some(self):
        messages, call, returned = self.receive(random.choice((1, 3, 10)))
        groups = {}
        for message in messages:
            message["Part"] = "group " + message["Attributes"]["MessageGroupId"]
            groups.setdefault(message["Part"], []).append(message["Body"])
            self.recorder.sequences[message["Body"]] = message["Attributes"]["SequenceNumber"]
        for part, bodies in groups.items():
            more = {"IDs": bodies, "Hidden": HIDDEN_SECONDS * 10**9}
            self.recorder.note("receive", part, call, returned, **more)
        return messages

    def finish(self, message):
        members = {"ReceiptHandle": message["ReceiptHandle"]}
        if self.change("delete", "DeleteMessage", message["Part"], members, IDs=[message["Body"]]):
            self.recorder.waiting.discard(message["Body"])

    def show(self, message):
        members = {"ReceiptHandle": message["ReceiptHandle"], "VisibilityTimeout": 0}
        more = {"IDs": [message["Body"]]}
        self.change("show", "ChangeMessageVisibility", message["Part"], members, **more)


def handle(client, messages):
    """Most are deleted, some given back, some forgotten."""
    for message in messages:
        what = random.random()
        if what < 0.8:
            client.finish(message)
        elif what < 0.9:
            client.show(message)


class Queues:
    """A standard and a FIFO queue with their clients."""

    def __init__(self, port):
        hidden = {"VisibilityTimeout": str(HIDDEN_SECONDS)}
        self.recorder = Recorder()
        self.standard = make_queue(port, "standard", hidden)
        self.fifo = make_queue(port, "ordered.fifo", {"FifoQueue": "true", **hidden})
        self.numbers = {}  # of the message that a sender sends until it is acknowledged
        self.sent, self.received = 0, 0
        self.next_id = 0

    def standard_step(self, connection):
        client = Standard(connection, self.recorder, self.standard)
        if random.random() < 0.5 and self.sent - self.received < BACKLOG_MAX:
            with self.recorder.lock:
                self.next_id += 1
                body = f"m{self.next_id}"
            client.change("send", "SendMessage", body, {"MessageBody": body})
            self.sent += 1
        messages = client.receive_some()
        self.received += len(messages)
        handle(client, messages)

    def send_step(self, group, sender):
        key = (group, sender)
        self.numbers[key] = 1

        def step(connection):
            if len(self.recorder.waiting) > BACKLOG_MAX:
                time.sleep(0.01)
                return
            number = self.numbers[key]
            body = f"{group}-{sender}-{number}"
            members = {
                "MessageBody": body,
                "MessageGroupId": str(group),
                "MessageDeduplicationId": body,
            }
            more = {"IDs": [body], "Sender": sender, "Number": number}
            client = Fifo(connection, self.recorder, self.fifo)
            answer = client.change("send", "SendMessage", f"group {group}", members, **more)
            self.recorder.sequences[body] = answer.json()["SequenceNumber"]
            self.recorder.waiting.add(body)
            self.numbers[key] = number + 1

        return step

    def fifo_step(self, connection):
        client = Fifo(connection, self.recorder, self.fifo)
        handle(client, client.receive_some())

    def steps(self):
        pairs = [(g, s) for g in range(GROUPS) for s in range(SENDERS_OF_A_GROUP)]
        steps = [self.send_step(*pair) for pair in pairs]
        return steps + [self.standard_step] * STANDARD_CLIENTS + [self.fifo_step] * FIFO_RECEIVERS

    def drain(self, port):
        with SignedClient(port) as connection:
            for client in (
                Standard(connection, self.recorder, self.standard),
                Fifo(connection, self.recorder, self.fifo),
            ):

                def is_empty(client=client):
                    messages = client.receive_some()
                    for message in messages:
                        client.finish(message)
                    return not messages and messages_left(connection, client.url) == 0

                eventually(is_empty, SECONDS_MAX, "the queues are empty")
        now = time.monotonic_ns()
        for part in {operation["Part"] for operation in self.recorder.operations}:
            self.recorder.note("gone", part, now, now + 1)


def check(checker, text):
    words = [str(checker), "queues"]
    done = subprocess.run(words, input=text, capture_output=True, text=True)
    print(done.stdout + done.stderr)
    return done


def run_under_kills(checker, tmp_path, servers):
    """Clients are spread over the servers, one of which is killed and started again each time."""
    queues = Queues(servers[0].port)
    steps = [(servers[i % len(servers)].port, step) for i, step in enumerate(queues.steps())]
    stop, workers = start_workers(steps)
    try:
        for _ in range(KILLS):
            enough = len(queues.recorder.operations) + random.randint(*OPERATIONS_BETWEEN_KILLS)
            is_enough = lambda: len(queues.recorder.operations) >= enough or any(
                w.error for w in workers
            )
            eventually(is_enough, SECONDS_MAX, "operations")
            victim = random.choice(servers)
            victim.kill()
            victim.start()
    finally:
        end_workers(stop, workers)
    queues.drain(servers[-1].port)
    text = queues.recorder.text()
    done = check(checker, text)
    if done.returncode != 0:
        (tmp_path / "history").write_text(text)
        pytest.fail(f"{done.stdout}{done.stderr} (the history: {tmp_path / 'history'})")
    kinds = {operation["Kind"] for operation in queues.recorder.operations}
    assert kinds == {"send", "receive", "delete", "show", "gone"}


def test_rocks(checker, tmp_path):
    with Server(tmp_path) as server:
        run_under_kills(checker, tmp_path, [server])


def test_two_processes_on_one_database(checker, tmp_path):
    with contextlib.ExitStack() as stack:
        options = ["--store", stack.enter_context(postgres()).url]
        pair = [stack.enter_context(Server(tmp_path, options=options)) for _ in range(2)]
        run_under_kills(checker, tmp_path, pair)


def history(*operations):
    """Operations one after the other, each a kind and what else it has."""
    lines = []
    for at, (kind, more) in enumerate(operations):
        times = {"Call": at * 10, "Return": at * 10 + 5}
        lines.append(json.dumps({"Kind": kind, "Part": "m", **times, **more}) + "\n")
    return "".join(lines)


SEND, GONE = ("send", {}), ("gone", {})


def took(count, **more):
    return ("receive", {"Count": count, **more})


def ended(count, **more):
    return ("delete", {"Count": count, **more})


@pytest.mark.parametrize(
    "good, bad",
    [
        # Lost.
        ([SEND, took(1), ended(1), GONE], [SEND, took(1), GONE]),
        # Back after its deletion was acknowledged; but not if somebody had received it meanwhile.
        ([SEND, took(1), ended(1)], [SEND, took(1), ended(1), took(2)]),
        (
            [SEND, took(1), ended(1, Lost=True), took(3, Lost=True), ended(3), GONE],
            [SEND, took(1), ended(1, Lost=True), took(2, Lost=True)],
        ),
        # An old receipt deletes nothing.
        ([SEND, took(1), took(2), ended(1), took(3)], [SEND, took(1), took(2), ended(1), GONE]),
        # Given to two, or before it is visible again.
        ([SEND, took(1), took(2)], [SEND, took(1), took(1)]),
        ([SEND, took(1, Hidden=5), took(2)], [SEND, took(1, Hidden=50), took(2)]),
        (
            [SEND, took(1, Hidden=50), ("show", {"Count": 1}), took(2)],
            [SEND, took(1), ended(1), ("show", {"Count": 1})],
        ),
        # A deletion whose answer was lost may have happened or not.
        ([SEND, took(1), ended(1, Return=None), GONE], [SEND, took(1), GONE]),
        ([SEND, took(1), ended(1, Return=None), took(2), ended(2), GONE], [took(1)]),
    ],
)
def test_the_checker_knows_standard_queues(checker, good, bad):
    assert check(checker, history(*good)).returncode == 0
    assert check(checker, history(*bad)).returncode == 1


def sent(sender, number, sequence=""):
    more = {"Sender": sender, "Number": number, "Sequence": sequence}
    return ("send", {"IDs": [f"{sender}-{number}"], **more})


def got(*ids, **more):
    return ("receive", {"IDs": list(ids), **more})


def done(one):
    return ("delete", {"IDs": [one]})


@pytest.mark.parametrize(
    "good, bad",
    [
        ([sent(0, 1), sent(1, 1), got("0-1", "1-1")], [sent(0, 1), sent(1, 1), got("1-1")]),
        # A message that is sent again is known.
        (
            [sent(0, 1), sent(0, 1), got("0-1"), done("0-1"), GONE],
            [sent(0, 1), sent(0, 1), got("0-1"), done("0-1"), got("0-1")],
        ),
        # A group is one receiver's while its messages are in flight.
        (
            [sent(0, 1), sent(0, 2), got("0-1", Hidden=500), done("0-1"), got("0-2")],
            [sent(0, 1), sent(0, 2), got("0-1", Hidden=500), got("0-1")],
        ),
        (
            [sent(0, 1), got("0-1", Hidden=500), ("show", {"IDs": ["0-1"]}), got("0-1")],
            [sent(0, 1), sent(0, 2), got("0-1", Hidden=500), got("0-2")],
        ),
        ([sent(0, 1), got("0-1"), done("0-1"), GONE], [sent(0, 1), got("0-1"), GONE]),
        ([sent(0, 1, "1"), sent(1, 1, "2")], [sent(0, 1, "2"), sent(1, 1, "1")]),
    ],
)
def test_the_checker_knows_fifo_groups(checker, good, bad):
    as_group = lambda text: text.replace('"m"', '"group g"')
    assert check(checker, as_group(history(*good))).returncode == 0
    assert check(checker, as_group(history(*bad))).returncode == 1
