# A disk that fills up, by c10m itself or by another program: writes are refused by one named error,
# reads and deletes go on, and writes are accepted again when there is room.
# SPDX-License-Identifier: Apache-2.0
import pytest

from support.server import Server, eventually, health_status
from support.signed import SignedClient
from support.small_disk import MIB, SmallDisk

# More than twice the reserve of 64 MiB.
DISK = "160m"
LOW_BYTES = 40 * MIB  # below the reserve, above the quarter of it that deletions leave
BODY_BYTES = 200 * 1024
SENT_MAX = 2000
SECONDS_MAX = 60
REFUSAL = "The disk is nearly full"


def number_of(body):
    return int(body.split()[0])


class User:
    def __init__(self, server):
        self.connect(server)
        self.url = self.call("CreateQueue", QueueName="q")["QueueUrl"]
        self.attempts = 0
        self.sent = []

    def connect(self, server):
        self.client = SignedClient(server.port)

    def answer(self, operation, **members):
        return self.client.json(operation, members)

    def call(self, operation, **members):
        """As SDKs do, again after a 503: files that the engine rewrites take room for a while."""

        def answered():
            answer = self.answer(operation, **members)
            assert answer.status in (200, 503), answer.body
            return answer.status == 200 and answer

        return eventually(answered, SECONDS_MAX, f"{operation} succeeds").json()

    def send(self, size=BODY_BYTES):
        """True, or False when the disk is full; any other answer is wrong."""
        self.attempts += 1
        body = f"{self.attempts} ".ljust(size, "x")
        answer = self.answer("SendMessage", QueueUrl=self.url, MessageBody=body)
        if answer.status == 200:
            self.sent.append(number_of(body))
            return True
        assert answer.status == 503, answer.body
        assert answer.json()["__type"].endswith("ServiceUnavailable"), answer.body
        assert REFUSAL in answer.body.decode()
        return False

    def receive(self, **members):
        got = self.call("ReceiveMessage", QueueUrl=self.url, MaxNumberOfMessages=10, **members)
        return got.get("Messages", [])

    def delete(self, message):
        self.call("DeleteMessage", QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])

    def show_again(self, message):
        receipt = message["ReceiptHandle"]
        self.call("ChangeMessageVisibility", QueueUrl=self.url, ReceiptHandle=receipt, VisibilityTimeout=0)

    def count(self):
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        got = self.call("GetQueueAttributes", QueueUrl=self.url, AttributeNames=names)
        return sum(int(got["Attributes"][name]) for name in names)

    def drain(self):
        """The numbers of all that is left, deleted."""
        numbers = []
        while messages := self.receive():
            numbers += [number_of(message["Body"]) for message in messages]
            for message in messages:
                self.delete(message)
        return numbers


def reads_and_deletes_go_on(user):
    before = user.count()
    assert before == len(user.sent)
    message, *others = user.receive()
    user.sent.remove(number_of(message["Body"]))
    user.delete(message)
    assert user.count() == before - 1
    for other in others:  # what was received with it is to be seen again
        user.show_again(other)


@pytest.fixture
def disk(tmp_path):
    with SmallDisk(tmp_path / "disk", DISK) as disk:
        yield disk


def server_on(disk, **how):
    return Server(disk.directory, prefix=disk.prefix, log=disk.directory.parent / "log", **how)


def test_filled_by_itself(disk):
    with server_on(disk) as server:
        user = User(server)
        while user.send():
            assert len(user.sent) < SENT_MAX, "it never fills up"
        # The engine rewrites files meanwhile, which takes room for a while.
        eventually(lambda: disk.free_bytes() > LOW_BYTES, SECONDS_MAX, "it stopped at the reserve")
        eventually(lambda: not user.send(), SECONDS_MAX, "what that gave back is used up")
        reads_and_deletes_go_on(user)
        # Deleting what takes the room brings it back, without anything else.
        user.call("PurgeQueue", QueueUrl=user.url)
        user.sent = []
        eventually(user.send, SECONDS_MAX, "writes are accepted again")
        assert user.drain() == user.sent


def test_filled_by_another_program(disk):
    with server_on(disk) as server:
        user = User(server)
        for _ in range(20):
            assert user.send()
        disk.fill(LOW_BYTES)
        eventually(lambda: not user.send(10), SECONDS_MAX, "writes are refused")
        reads_and_deletes_go_on(user)
        disk.make_room()
        eventually(user.send, SECONDS_MAX, "writes are accepted again")
    # What it acknowledged is there, and it starts although little room is left.
    disk.fill(LOW_BYTES)
    with server_on(disk) as server:
        user.connect(server)
        assert not user.send(10)
        assert sorted(user.drain()) == sorted(user.sent)


def test_nothing_at_all_is_left(disk):
    """Then deletes are refused too, or it ends with a line; nothing that it acknowledged is lost."""
    with server_on(disk, verb="supervise") as server:
        user = User(server)
        for _ in range(20):
            assert user.send()
        disk.fill(0)

        def is_refused():
            try:
                return not user.send(10)
            except OSError:
                user.connect(server)
                return True

        # It looks at the disk ten times a second.
        eventually(is_refused, SECONDS_MAX, "writes are refused")
        for _ in range(50):
            assert is_refused()
        disk.make_room()
        eventually(lambda: health_status(server.port) == 200, SECONDS_MAX, "it answers")
        user.connect(server)
        eventually(user.send, SECONDS_MAX, "writes are accepted again")
        assert sorted(user.drain()) == sorted(user.sent)
