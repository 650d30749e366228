# SqsManagedSseEnabled: bodies are not to be found on the disk, and come back all the same.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-configure-sqs-sse-queue.html
# SPDX-License-Identifier: Apache-2.0
import os

import pytest

from support import clients
from support.server import Server


@pytest.fixture
def home(tmp_path):
    return tmp_path / "c10m"


def files_with(directory, text):
    return [p for p in directory.rglob("*") if p.is_file() and text.encode() in p.read_bytes()]


def sqs_of(server):
    return clients.client("sqs", server.url(), "json")


def send(server, attributes, body):
    sqs = sqs_of(server)
    url = sqs.create_queue(QueueName="q" + os.urandom(4).hex() + attributes.pop("suffix", ""), Attributes=attributes)["QueueUrl"]
    fifo = {"MessageGroupId": "g", "MessageDeduplicationId": "d"} if url.endswith(".fifo") else {}
    sqs.send_message(
        QueueUrl=url,
        MessageBody=body,
        MessageAttributes={"a": {"DataType": "String", "StringValue": "attribute-" + body}},
        **fifo,
    )
    return url


def received_body(server, url):
    messages = sqs_of(server).receive_message(QueueUrl=url, WaitTimeSeconds=5)["Messages"]
    return messages[0]["Body"]


@pytest.mark.parametrize("fifo", [{}, {"FifoQueue": "true", "suffix": ".fifo"}])
def test_bodies_are_sealed_unless_the_queue_says_otherwise(home, fifo):
    sealed, plain = ("marker-" + os.urandom(16).hex() for _ in range(2))
    with Server(home) as server:
        url = send(server, dict(fifo), sealed)
        other = send(server, {"SqsManagedSseEnabled": "false", **fifo}, plain)
        server.kill()
        # As at AWS, attributes are not sealed: which shows that the message is there.
        assert files_with(server.data, "attribute-" + sealed)
        assert not files_with(server.data, '"' + sealed) and len(files_with(server.data, plain)) >= 1
        text = b"".join(p.read_bytes() for p in files_with(server.data, sealed))
        assert text.count(sealed.encode()) == text.count(b"attribute-" + sealed.encode())
        server.start()
        assert received_body(server, url) == sealed
        assert received_body(server, other) == plain


def test_what_was_sent_before_a_change_stays_as_it_is(home):
    early, late = ("marker-" + os.urandom(16).hex() for _ in range(2))
    with Server(home) as server:
        sqs = sqs_of(server)
        url = send(server, {"SqsManagedSseEnabled": "false"}, early)
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"SqsManagedSseEnabled": "true"})
        sqs.send_message(QueueUrl=url, MessageBody=late)
        assert files_with(server.data, early) and not files_with(server.data, late)
        assert {received_body(server, url), received_body(server, url)} == {early, late}


def test_a_dead_letter_is_sealed_by_its_new_queue(home):
    body = "marker-" + os.urandom(16).hex()
    with Server(home) as server:
        sqs = sqs_of(server)
        dead = sqs.create_queue(QueueName="dead", Attributes={"SqsManagedSseEnabled": "false"})["QueueUrl"]
        arn = f"arn:aws:sqs:us-east-1:{clients.ACCOUNT}:dead"
        policy = '{"deadLetterTargetArn":"%s","maxReceiveCount":1}' % arn
        url = sqs.create_queue(QueueName="q", Attributes={"RedrivePolicy": policy})["QueueUrl"]
        sqs.send_message(QueueUrl=url, MessageBody=body)
        sqs.receive_message(QueueUrl=url, VisibilityTimeout=0)
        assert not files_with(server.data, body)
        assert "Messages" not in sqs.receive_message(QueueUrl=url)
        assert received_body(server, dead) == body
        assert files_with(server.data, body)
