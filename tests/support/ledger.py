# What clients of a queue know while servers die under them, to be held against what comes back.
# SPDX-License-Identifier: Apache-2.0
import http.client
import random
import threading
import time

from support.server import eventually
from support.signed import SignedClient

GROUPS = 4
# Of a group: where receivers are slower than senders, the end would else take long.
BACKLOG_MAX = 100
VISIBILITY_SECONDS = 3
DRAIN_SECONDS_MAX = VISIBILITY_SECONDS + 30
# A deletion long after the receipt may meet an expired handle, which proves nothing.
DELETE_SECONDS_MAX = VISIBILITY_SECONDS - 1
LOST = (OSError, http.client.HTTPException)


class Worker(threading.Thread):
    """Calls step(client, url) until told to stop; a lost connection is made again."""

    def __init__(self, port, stop, step):
        super().__init__(daemon=True)
        self.port, self.stop, self.step = port, stop, step
        self.error = None

    def run(self):
        try:
            while not self.stop.is_set():
                try:
                    with SignedClient(self.port) as client:
                        while not self.stop.is_set():
                            self.step(client)
                except LOST:
                    time.sleep(0.01)
        except BaseException as error:
            self.error = error


def call(client, operation, members):
    answer = client.json(operation, members)
    assert answer.status == 200, answer.body
    return answer.json()


class Ledger:
    """What the clients know: bodies sent, and those whose deletion was acknowledged."""

    def __init__(self):
        self.lock = threading.Lock()
        self.number = 0
        self.sent = set()
        self.tried_to_delete = set()
        self.deleted = set()

    def next_body(self):
        with self.lock:
            self.number += 1
            return f"message {self.number}"

    def send_step(self, url):
        def step(client):
            bodies = [self.next_body() for _ in range(random.choice((1, 1, 4)))]
            if len(bodies) == 1:
                call(client, "SendMessage", {"QueueUrl": url, "MessageBody": bodies[0]})
            else:
                entries = [{"Id": str(i), "MessageBody": body} for i, body in enumerate(bodies)]
                done = call(client, "SendMessageBatch", {"QueueUrl": url, "Entries": entries})
                assert len(done["Successful"]) == len(bodies)
            with self.lock:
                self.sent.update(bodies)

        return step

    def receive_step(self, url):
        def step(client):
            got = call(
                client,
                "ReceiveMessage",
                {"QueueUrl": url, "MaxNumberOfMessages": 5, "WaitTimeSeconds": 1},
            )
            received_at = time.monotonic()
            for message in got.get("Messages", []):
                self.note_receipt(message["Body"])
                with self.lock:
                    self.tried_to_delete.add(message["Body"])
                call(
                    client,
                    "DeleteMessage",
                    {"QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"]},
                )
                if time.monotonic() - received_at < DELETE_SECONDS_MAX:
                    with self.lock:
                        self.deleted.add(message["Body"])

        return step

    def note_receipt(self, body):
        with self.lock:
            assert body not in self.deleted, f"{body} came back after its deletion was acknowledged"


def start_workers(steps):
    """One for each pair of a port and a step."""
    stop = threading.Event()
    workers = [Worker(port, stop, step) for port, step in steps]
    for worker in workers:
        worker.start()
    return stop, workers


def end_workers(stop, workers):
    stop.set()
    for worker in workers:
        worker.join(60)
        assert not worker.is_alive()
        if worker.error:
            raise worker.error


def messages_left(client, url):
    names = ["ApproximateNumberOfMessages" + kind for kind in ("", "NotVisible", "Delayed")]
    got = call(client, "GetQueueAttributes", {"QueueUrl": url, "AttributeNames": names})
    return sum(int(value) for value in got["Attributes"].values())


def drain(port, url, note):
    """Receives and deletes until nothing is left, also of what was in flight at the kill."""
    with SignedClient(port) as client:

        def take():
            got = call(
                client,
                "ReceiveMessage",
                {"QueueUrl": url, "MaxNumberOfMessages": 10, "WaitTimeSeconds": 1},
            )
            messages = got.get("Messages", [])
            for message in messages:
                note(message)
            if messages:
                entries = [
                    {"Id": str(i), "ReceiptHandle": m["ReceiptHandle"]}
                    for i, m in enumerate(messages)
                ]
                done = call(client, "DeleteMessageBatch", {"QueueUrl": url, "Entries": entries})
                assert len(done["Successful"]) == len(messages)
            return not messages and messages_left(client, url) == 0

        eventually(take, DRAIN_SECONDS_MAX, "the queue is empty")


def make_queue(port, name, attributes):
    attributes = {"VisibilityTimeout": str(VISIBILITY_SECONDS), **attributes}
    with SignedClient(port) as client:
        return call(client, "CreateQueue", {"QueueName": name, "Attributes": attributes})[
            "QueueUrl"
        ]


class FifoLedger:
    """Each group's sender repeats a message until it is acknowledged; receivers note first receipts."""

    def __init__(self, url):
        self.url = url
        self.lock = threading.Lock()
        self.acknowledged = [0] * GROUPS
        self.first_receipts = [[] for _ in range(GROUPS)]
        self.seen = set()
        self.is_sending = True

    def send_step(self, group):
        def step(client):
            number = self.acknowledged[group]
            if not self.is_sending or number - len(self.first_receipts[group]) > BACKLOG_MAX:
                time.sleep(0.01)
                return
            members = {
                "QueueUrl": self.url,
                "MessageBody": f"{group} {number}",
                "MessageGroupId": str(group),
                "MessageDeduplicationId": f"{group}-{number}",
            }
            call(client, "SendMessage", members)
            self.acknowledged[group] = number + 1

        return step

    def note(self, message):
        group, number = map(int, message["Body"].split())
        with self.lock:
            if (group, number) not in self.seen:
                self.seen.add((group, number))
                self.first_receipts[group].append(number)

    def receive_step(self):
        def step(client):
            got = call(
                client,
                "ReceiveMessage",
                {"QueueUrl": self.url, "MaxNumberOfMessages": 3, "WaitTimeSeconds": 1},
            )
            for message in got.get("Messages", []):
                self.note(message)
            for message in got.get("Messages", []):
                call(
                    client,
                    "DeleteMessage",
                    {"QueueUrl": self.url, "ReceiptHandle": message["ReceiptHandle"]},
                )

        return step

    def check(self):
        for group in range(GROUPS):
            wanted = list(range(self.acknowledged[group]))
            got = self.first_receipts[group]
            # The one that was being sent at the end may or may not have arrived.
            assert got in (wanted, wanted + [len(wanted)]), f"group {group}: {got}"
