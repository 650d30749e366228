# A backup under load, restored: what was acknowledged before it is there, order and receipts hold.
# SPDX-License-Identifier: Apache-2.0
import subprocess

from support.ledger import (
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

SECONDS_MAX = 120
ENOUGH = 100


def c10m(*arguments):
    words = [str(PROGRAM), *map(str, arguments)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=300, env=child_environment())
    assert done.returncode == 0, done.stdout + done.stderr


def one_call(port, operation, members):
    with SignedClient(port) as client:
        return call(client, operation, members)


class Load:
    """Senders and receivers of a standard and a FIFO queue."""

    def __init__(self, port):
        self.standard = Ledger()
        self.url = make_queue(port, "standard", {})
        self.fifo = FifoLedger(make_queue(port, "ordered.fifo", {"FifoQueue": "true"}))
        steps = [self.standard.send_step(self.url)] * 3 + [self.standard.receive_step(self.url)]
        steps += [self.fifo.send_step(group) for group in range(GROUPS)]
        steps += [self.fifo.receive_step()]
        self.stop, self.workers = start_workers([(port, step) for step in steps])

    def wait(self):
        """Until more was sent to both, and received from both."""
        was = self.counts()

        def has_more():
            assert not any(w.error for w in self.workers)
            return all(now >= then + ENOUGH for now, then in zip(self.counts(), was))

        eventually(has_more, SECONDS_MAX, "messages are sent and received")

    def counts(self):
        fifo = self.fifo
        sent = (len(self.standard.sent), sum(fifo.acknowledged))
        return sent + (len(self.standard.tried_to_delete), sum(map(len, fifo.first_receipts)))

    def end(self):
        end_workers(self.stop, self.workers)


def in_flight(port):
    """A message that is hidden for long, and its receipt."""
    url = make_queue(port, "flight", {"VisibilityTimeout": "43000"})
    one_call(port, "SendMessage", {"QueueUrl": url, "MessageBody": "x"})
    (message,) = one_call(port, "ReceiveMessage", {"QueueUrl": url, "WaitTimeSeconds": 5})["Messages"]
    return message["ReceiptHandle"]


def check_standard(port, url, sent, deleted, kept):
    """sent, deleted: before the backup began. kept: what nobody had tried to delete at its end."""
    back = set()
    drain(port, url, lambda message: back.add(message["Body"]))
    lost = (sent & kept) - back
    assert not lost, f"{len(lost)} acknowledged messages are lost: {sorted(lost)[:5]}"
    assert not deleted & back, "deleted messages came back"


def check_fifo(port, url, acknowledged):
    numbers = [[] for _ in range(GROUPS)]

    def note(message):
        group, number = map(int, message["Body"].split())
        numbers[group].append(number)

    drain(port, url, note)
    for group in range(GROUPS):
        got = numbers[group]
        assert got == list(range(got[0], got[0] + len(got))) if got else True, f"{group}: {got}"
        assert not got or got[-1] >= acknowledged[group] - 1, f"{group}: the last are lost"


def check_receipt(port, handle):
    url = one_call(port, "GetQueueUrl", {"QueueName": "flight"})["QueueUrl"]
    receive = lambda: one_call(port, "ReceiveMessage", {"QueueUrl": url}).get("Messages", [])
    receipt = {"QueueUrl": url, "ReceiptHandle": handle}
    assert not receive(), "it is in flight"
    one_call(port, "ChangeMessageVisibility", {**receipt, "VisibilityTimeout": 0})
    (message,) = receive()
    one_call(port, "DeleteMessage", receipt)  # an old one by now
    receipt["ReceiptHandle"] = message["ReceiptHandle"]
    one_call(port, "ChangeMessageVisibility", {**receipt, "VisibilityTimeout": 0})
    (message,) = receive()
    one_call(port, "DeleteMessage", {"QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"]})
    assert not receive()


def test_a_backup_under_load_is_restored(tmp_path):
    with Server(tmp_path / "original") as server:
        handle = in_flight(server.port)
        load = Load(server.port)
        load.wait()
        sent, deleted = set(load.standard.sent), set(load.standard.deleted)
        acknowledged = list(load.fifo.acknowledged)
        address = f"127.0.0.1:{server.port}"
        c10m("backup", tmp_path / "backup", "--data", server.data, "--listen", address)
        kept = sent - load.standard.tried_to_delete
        load.wait()
        load.end()
    c10m("restore", tmp_path / "backup", "--data", tmp_path / "restored/data")
    c10m("fsck", "--data", tmp_path / "restored/data")
    assert len(sent) >= ENOUGH and len(deleted) > 0
    with Server(tmp_path / "restored") as server:
        here = lambda url: f"{server.url()}/000000000000/{url.rsplit('/', 1)[1]}"
        check_standard(server.port, here(load.url), sent, deleted, kept)
        check_fifo(server.port, here(load.fifo.url), acknowledged)
        check_receipt(server.port, handle)
