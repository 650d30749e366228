# Random operations on queues, step by step beside a model of what SQS promises. A failing seed repeats by its id.
# SPDX-License-Identifier: Apache-2.0
import hashlib
import json
import os
import random
import time
from dataclasses import dataclass, field

import pytest

from support.clients import ACCOUNT, REGION
from support.signed import SignedClient

LONG = os.environ.get("C10M_TEST_LONG") == "1"
SEEDS = range(40) if LONG else range(2)
STEPS = 4000 if LONG else 500
RECEIVES_MAX = 3
HIDDEN_S = 600  # longer than any run: time decides nothing here
GROUPS = [f"group-{i}" for i in range(4)]
PURGE_SECONDS = 60  # between two purges
CLOCK_SECONDS = 10  # that the server's clock and ours may differ by, over that time


@dataclass
class Message:
    body: str
    group: str = None
    order: int = 0  # in the order of sending
    receives: int = 0
    handle: str = None  # of the last receive
    is_hidden: bool = False
    is_delayed: bool = False

    def may_be_buried(self):
        """It goes to the dead-letter queue at the next look of a receiver, or has gone already."""
        return self.receives >= RECEIVES_MAX and not self.is_hidden


@dataclass
class Model:
    """One queue with a dead-letter queue, used by one client that knows all that was done."""

    client: SignedClient
    rng: random.Random
    is_fifo: bool
    base: str = ""  # of the queues' names
    url: str = ""
    dead_url: str = ""
    messages: dict = field(default_factory=dict)  # by id
    gone: list = field(default_factory=list)  # handles of deleted messages
    stale: list = field(default_factory=list)  # handles of receives before the last
    duplicates: dict = field(default_factory=dict)  # deduplication id: message id
    sent: int = 0
    noted: int = 0
    last_sequence: int = -1
    tags: dict = field(default_factory=dict)
    permissions: dict = field(default_factory=dict)  # label: action
    lost: set = field(default_factory=set)  # ids of messages that a purge or a deleted queue took
    purged_at: float = None
    made: int = 0

    def refuse(self, code, operation, **members):
        answer = self.client.json(operation, members)
        assert answer.status in (400, 403), answer.body
        assert answer.json()["__type"].endswith(f"#{code}"), answer.body

    def call(self, operation, **members):
        answer = self.client.json(operation, members)
        assert answer.status == 200, (operation, members, answer.body)
        return answer.json() if answer.body else {}

    def make(self, base):
        self.made += 1
        name = f"{base}-{self.made}"
        self.base = base
        suffix = ".fifo" if self.is_fifo else ""
        kind = {"FifoQueue": "true"} if self.is_fifo else {}
        self.dead_url = self.call("CreateQueue", QueueName=f"{name}-dead{suffix}", Attributes=kind)["QueueUrl"]
        arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}-dead{suffix}"
        policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": RECEIVES_MAX})
        attributes = {**kind, "RedrivePolicy": policy, "VisibilityTimeout": str(HIDDEN_S)}
        self.url = self.call("CreateQueue", QueueName=name + suffix, Attributes=attributes)["QueueUrl"]

    def new_entry(self):
        self.sent += 1
        body = f"{self.sent}-" + "x" * self.rng.choice([0, 10, 300, 20000])
        entry = {"MessageBody": body}
        if self.is_fifo:
            entry["MessageGroupId"] = self.rng.choice(GROUPS)
            old = list(self.duplicates)
            is_repeated = old and self.rng.random() < 0.2
            entry["MessageDeduplicationId"] = self.rng.choice(old) if is_repeated else f"d{self.sent}"
        elif self.rng.random() < 0.15:
            entry["DelaySeconds"] = self.rng.choice([0, 900])
        if not self.is_fifo and self.rng.random() < 0.2:
            entry["MessageGroupId"] = self.rng.choice(GROUPS)
        return entry

    def note_sent(self, entry, result):
        assert result["MD5OfMessageBody"] == hashlib.md5(entry["MessageBody"].encode()).hexdigest()
        message_id = result["MessageId"]
        if self.is_fifo:
            known = self.duplicates.setdefault(entry["MessageDeduplicationId"], message_id)
            assert known == message_id
            if message_id in self.messages or message_id in self.gone or message_id in self.lost:
                return
            sequence = int(result["SequenceNumber"])
            assert sequence > self.last_sequence
            self.last_sequence = sequence
        assert message_id not in self.messages
        delayed = entry.get("DelaySeconds", 0) > 0
        self.noted += 1
        self.messages[message_id] = Message(
            entry["MessageBody"], entry.get("MessageGroupId"), self.noted, is_delayed=delayed
        )

    def send(self):
        entry = self.new_entry()
        self.note_sent(entry, self.call("SendMessage", QueueUrl=self.url, **entry))

    def send_batch(self):
        entries = [{"Id": str(i), **self.new_entry()} for i in range(self.rng.randint(1, 10))]
        bad = self.rng.random() < 0.2
        if bad:
            entries[-1]["MessageBody"] = "\x01"
        got = self.call("SendMessageBatch", QueueUrl=self.url, Entries=entries)
        results = {r["Id"]: r for r in got.get("Successful", [])}
        assert [f["Id"] for f in got.get("Failed", [])] == ([entries[-1]["Id"]] if bad else [])
        for entry in entries[: -1 if bad else None]:
            self.note_sent(entry, results[entry["Id"]])

    def visible(self):
        return {i: m for i, m in self.messages.items() if not m.is_hidden and not m.is_delayed}

    def blocked_groups(self):
        return {m.group for m in self.messages.values() if m.is_hidden}

    def receivable(self):
        """What a receive must be able to give; only those that will surely not be buried."""
        found = {i: m for i, m in self.visible().items() if not m.may_be_buried()}
        if not self.is_fifo:
            return found
        blocked = self.blocked_groups()
        return {i: m for i, m in found.items() if m.group not in blocked}

    def receive(self):
        wanted = self.rng.randint(1, 10)
        expected = self.receivable()
        timeout = self.rng.choice([0, HIDDEN_S, HIDDEN_S])
        got = self.call(
            "ReceiveMessage",
            QueueUrl=self.url,
            MaxNumberOfMessages=wanted,
            VisibilityTimeout=timeout,
            MessageSystemAttributeNames=["All"],
        ).get("Messages", [])
        assert len(got) <= wanted and len({m["MessageId"] for m in got}) == len(got)
        # A standard queue may look at buried ones first, and then gives at least one of the rest.
        assert len(got) > 0 or not expected
        for message in got:
            self.note_received(message, expected, timeout)
        if self.is_fifo:
            self.check_order(got)

    def note_received(self, got, expected, timeout):
        message = self.messages[got["MessageId"]]
        assert got["MessageId"] in expected, "hidden, delayed, blocked, deleted or due for burial"
        assert got["Body"] == message.body
        message.receives += 1
        assert got["Attributes"]["ApproximateReceiveCount"] == str(message.receives)
        assert got["Attributes"].get("MessageGroupId") == message.group
        if message.handle:
            self.stale.append((message.handle, got["MessageId"]))
        message.handle = got["ReceiptHandle"]
        message.is_hidden = timeout > 0

    def check_order(self, got):
        for group in GROUPS:
            orders = [self.messages[m["MessageId"]].order for m in got if self.messages[m["MessageId"]].group == group]
            assert orders == sorted(orders)
            given = {m["MessageId"] for m in got}
            before = [
                m.order
                for i, m in self.messages.items()
                if m.group == group and i not in given and not m.may_be_buried()
            ]
            assert not orders or not before or orders[-1] < min(before), "not the group's first ones"

    def hidden(self):
        return [(i, m) for i, m in self.messages.items() if m.is_hidden]

    def delete(self):
        if not self.hidden():
            return
        message_id, message = self.rng.choice(self.hidden())
        self.call("DeleteMessage", QueueUrl=self.url, ReceiptHandle=message.handle)
        self.forget(message_id)

    def forget(self, message_id):
        self.gone += [message_id, self.messages.pop(message_id).handle]

    def delete_batch(self):
        chosen = self.rng.sample(self.hidden(), min(len(self.hidden()), 10))
        if not chosen:
            return
        entries = [{"Id": str(i), "ReceiptHandle": m.handle} for i, (_, m) in enumerate(chosen)]
        got = self.call("DeleteMessageBatch", QueueUrl=self.url, Entries=entries)
        assert len(got["Successful"]) == len(entries) and not got.get("Failed")
        for message_id, _ in chosen:
            self.forget(message_id)

    def delete_again(self):
        """Deleting what is gone succeeds and changes nothing."""
        if len(self.gone) > 1:
            self.call("DeleteMessage", QueueUrl=self.url, ReceiptHandle=self.gone[-1])

    def delete_by_an_old_receipt(self):
        if not self.stale or self.is_fifo:
            return
        handle, _ = self.rng.choice(self.stale)
        self.call("DeleteMessage", QueueUrl=self.url, ReceiptHandle=handle)

    def show(self):
        """Makes a hidden message visible, or hides it for longer."""
        if not self.hidden():
            return
        _, message = self.rng.choice(self.hidden())
        timeout = self.rng.choice([0, HIDDEN_S * 2])
        self.call(
            "ChangeMessageVisibility",
            QueueUrl=self.url,
            ReceiptHandle=message.handle,
            VisibilityTimeout=timeout,
        )
        message.is_hidden = timeout > 0

    def show_batch(self):
        chosen = self.rng.sample(self.hidden(), min(len(self.hidden()), 10))
        if not chosen:
            return
        timeouts = [self.rng.choice([0, HIDDEN_S * 2]) for _ in chosen]
        entries = [
            {"Id": str(i), "ReceiptHandle": m.handle, "VisibilityTimeout": timeouts[i]}
            for i, (_, m) in enumerate(chosen)
        ]
        entries[-1]["VisibilityTimeout"] = 43201
        got = self.call("ChangeMessageVisibilityBatch", QueueUrl=self.url, Entries=entries)
        assert [f["Id"] for f in got["Failed"]] == [entries[-1]["Id"]]
        assert len(got.get("Successful", [])) == len(entries) - 1
        for (_, message), timeout in list(zip(chosen, timeouts))[:-1]:
            message.is_hidden = timeout > 0

    def lose_all(self):
        self.lost.update(self.messages)
        self.messages.clear()

    def purge(self):
        """Of both queues, as what is due for burial may lie in either."""
        began = time.monotonic()
        since = PURGE_SECONDS + CLOCK_SECONDS if self.purged_at is None else began - self.purged_at
        if since <= PURGE_SECONDS - CLOCK_SECONDS:
            self.refuse("PurgeQueueInProgress", "PurgeQueue", QueueUrl=self.url)
        elif since >= PURGE_SECONDS + CLOCK_SECONDS:
            self.call("PurgeQueue", QueueUrl=self.url)
            self.call("PurgeQueue", QueueUrl=self.dead_url)
            self.purged_at = began
            self.lose_all()
            assert self.counts_of(self.url) == self.counts_of(self.dead_url) == [0, 0, 0]

    def make_again(self):
        """Deletes both queues and makes others: a deleted one's name is not free for a minute."""
        old_url = self.url
        self.call("DeleteQueue", QueueUrl=self.url)
        self.call("DeleteQueue", QueueUrl=self.dead_url)
        self.lose_all()
        self.gone, self.stale, self.duplicates = [], [], {}
        self.tags, self.permissions, self.purged_at = {}, {}, None
        self.make(self.base)
        kind = {"FifoQueue": "true"} if self.is_fifo else {}
        old_name = old_url.rsplit("/", 1)[1]
        self.refuse("QueueDeletedRecently", "CreateQueue", QueueName=old_name, Attributes=kind)
        self.refuse("QueueDoesNotExist", "ReceiveMessage", QueueUrl=old_url)

    def permit(self):
        label = f"label-{self.rng.randint(0, 3)}"
        if label in self.permissions:
            self.call("RemovePermission", QueueUrl=self.url, Label=label)
            del self.permissions[label]
        else:
            action = self.rng.choice(["SendMessage", "ReceiveMessage"])
            members = {"AWSAccountIds": [ACCOUNT], "Actions": [action]}
            self.call("AddPermission", QueueUrl=self.url, Label=label, **members)
            self.permissions[label] = action
        got = self.call("GetQueueAttributes", QueueUrl=self.url, AttributeNames=["Policy"])
        policy = json.loads(got.get("Attributes", {}).get("Policy") or '{"Statement": []}')
        found = {s["Sid"]: s["Action"] for s in policy["Statement"]}
        assert found == {sid: f"SQS:{action}" for sid, action in self.permissions.items()}

    def counts_of(self, url):
        names = ["", "NotVisible", "Delayed"]
        got = self.call("GetQueueAttributes", QueueUrl=url, AttributeNames=["All"])["Attributes"]
        return [int(got["ApproximateNumberOfMessages" + name]) for name in names]

    def count(self):
        """Exact, since nobody else is here; what is due for burial may lie in either queue."""
        visible, hidden, delayed = self.counts_of(self.url)
        dead = sum(self.counts_of(self.dead_url))
        assert hidden == len(self.hidden())
        assert delayed == sum(m.is_delayed for m in self.messages.values())
        assert visible + dead == len(self.visible())
        assert dead <= sum(m.may_be_buried() for m in self.messages.values())

    def tag(self):
        key, value = f"k{self.rng.randint(0, 5)}", str(self.rng.random())
        if self.rng.random() < 0.5:
            self.call("TagQueue", QueueUrl=self.url, Tags={key: value})
            self.tags[key] = value
        else:
            self.call("UntagQueue", QueueUrl=self.url, TagKeys=[key])
            self.tags.pop(key, None)
        assert self.call("ListQueueTags", QueueUrl=self.url).get("Tags", {}) == self.tags

    def change(self):
        sealed = self.rng.choice(["true", "false"])
        self.call("SetQueueAttributes", QueueUrl=self.url, Attributes={"SqsManagedSseEnabled": sealed})

    def step(self):
        actions = {
            self.send: 8,
            self.send_batch: 3,
            self.receive: 10,
            self.delete: 5,
            self.delete_batch: 1,
            self.delete_again: 1,
            self.delete_by_an_old_receipt: 1,
            self.show: 4,
            self.count: 1,
            self.tag: 1,
            self.change: 1,
            self.show_batch: 1,
            self.permit: 1,
            self.purge: 0.3,
            self.make_again: 0.15,
        }
        self.rng.choices(list(actions), list(actions.values()))[0]()

    def drain(self, url):
        found = {}
        while got := self.call("ReceiveMessage", QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=HIDDEN_S).get("Messages"):
            for m in got:
                assert m["MessageId"] not in found
                found[m["MessageId"]] = m["Body"]
                self.call("DeleteMessage", QueueUrl=url, ReceiptHandle=m["ReceiptHandle"])
        return found

    def finish(self):
        """Everything that was not deleted is in exactly one of the two queues, and nothing else is."""
        for _, message in self.hidden():
            self.call("ChangeMessageVisibility", QueueUrl=self.url, ReceiptHandle=message.handle, VisibilityTimeout=0)
            message.is_hidden = False
        expected = {i: m.body for i, m in self.visible().items()}
        buried = {i for i, m in self.visible().items() if m.may_be_buried()}
        alive, dead = self.drain(self.url), self.drain(self.dead_url)
        assert set(dead) == buried
        assert {**alive, **dead} == expected and not set(alive) & set(dead)
        delayed = sum(m.is_delayed for m in self.messages.values())
        assert self.counts_of(self.url) == [0, 0, delayed] and self.counts_of(self.dead_url) == [0, 0, 0]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("kind", ["standard", "fifo"])
def test_random_operations_agree_with_the_model(server, kind, seed):
    with SignedClient(server.port) as client:
        model = Model(client, random.Random(f"{kind}-{seed}"), kind == "fifo")
        model.make(f"model-{kind}-{seed}-{os.urandom(4).hex()}")
        for step in range(STEPS):
            try:
                model.step()
            except AssertionError as error:
                raise AssertionError(f"seed {kind}-{seed}, step {step}: {error}") from error
        model.finish()
