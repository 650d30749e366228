# FIFO queues: order per group, deduplication, one group's messages in flight at a time.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/FIFO-queues-understanding-logic.html
# SPDX-License-Identifier: Apache-2.0
import pytest
from botocore.exceptions import ClientError

from support.errors import code_of

GROUPS = "abc"


def send(sqs, url, group, body, deduplication=None):
    return sqs.send_message(
        QueueUrl=url,
        MessageBody=body,
        MessageGroupId=group,
        MessageDeduplicationId=deduplication or f"{group}{body}",
    )


def receive(sqs, url, count=1, seconds=0, **how):
    got = sqs.receive_message(
        QueueUrl=url,
        MaxNumberOfMessages=count,
        WaitTimeSeconds=seconds,
        AttributeNames=["All"],
        **how,
    )
    return got.get("Messages", [])


def drain(sqs, url, count, at_once=10):
    """Receives and deletes until `count` messages came; gives them in order."""
    messages = []
    while len(messages) < count:
        more = receive(sqs, url, at_once, seconds=10)
        assert more, f"only {len(messages)} of {count} messages came"
        messages += more
        for message in more:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return messages


@pytest.mark.parametrize("at_once", [1, 10])
def test_order_holds_within_each_group(sqs, fifo, at_once):
    for i in range(10):
        for group in GROUPS:
            send(sqs, fifo, group, str(i))
    got = drain(sqs, fifo, 30, at_once)
    for group in GROUPS:
        bodies = [m["Body"] for m in got if m["Attributes"]["MessageGroupId"] == group]
        assert bodies == [str(i) for i in range(10)]
    assert receive(sqs, fifo) == []


def test_a_batch_keeps_its_order(sqs, fifo):
    entries = [
        {
            "Id": f"e{i}",
            "MessageBody": str(i),
            "MessageGroupId": "g",
            "MessageDeduplicationId": str(i),
        }
        for i in range(10)
    ]
    done = sqs.send_message_batch(QueueUrl=fifo, Entries=entries)
    assert len(done["Successful"]) == 10
    assert [m["Body"] for m in drain(sqs, fifo, 10)] == [str(i) for i in range(10)]


def test_sequence_numbers_grow(sqs, fifo):
    sent = [send(sqs, fifo, "g", str(i))["SequenceNumber"] for i in range(5)]
    assert all(number.isdigit() for number in sent)
    assert [int(number) for number in sent] == sorted({int(number) for number in sent})
    got = drain(sqs, fifo, 5)
    assert [m["Attributes"]["SequenceNumber"] for m in got] == sent
    assert [m["Attributes"]["MessageDeduplicationId"] for m in got] == [f"g{i}" for i in range(5)]


def test_the_same_id_within_five_minutes_is_accepted_and_not_delivered(sqs, fifo):
    send(sqs, fifo, "g", "first", "same")
    send(sqs, fifo, "g", "second", "same")
    send(sqs, fifo, "other", "third", "same")
    assert [m["Body"] for m in drain(sqs, fifo, 1)] == ["first"]
    assert receive(sqs, fifo) == []
    send(sqs, fifo, "g", "fourth", "same")
    assert receive(sqs, fifo) == [], "deduplication outlives the deletion of the message"


def test_deduplication_by_content(sqs, name):
    attributes = {"FifoQueue": "true", "ContentBasedDeduplication": "true"}
    url = sqs.create_queue(QueueName=f"{name}.fifo", Attributes=attributes)["QueueUrl"]
    for body in ("x", "y", "x", "x"):
        sqs.send_message(QueueUrl=url, MessageBody=body, MessageGroupId="g")
    sqs.send_message(
        QueueUrl=url, MessageBody="x", MessageGroupId="g", MessageDeduplicationId="own"
    )
    assert [m["Body"] for m in drain(sqs, url, 3)] == ["x", "y", "x"]
    assert receive(sqs, url) == []


def test_a_group_is_locked_while_a_message_of_it_is_in_flight(sqs, fifo):
    for body in ("1", "2"):
        send(sqs, fifo, "locked", body)
    (first,) = receive(sqs, fifo)
    assert receive(sqs, fifo, 10) == []
    send(sqs, fifo, "free", "3")
    (other,) = receive(sqs, fifo, 10)
    assert other["Body"] == "3"
    sqs.delete_message(QueueUrl=fifo, ReceiptHandle=first["ReceiptHandle"])
    (second,) = receive(sqs, fifo, 10)
    assert second["Body"] == "2"


def test_a_message_given_back_comes_first_again(sqs, fifo):
    for body in ("1", "2", "3"):
        send(sqs, fifo, "g", body)
    (first,) = receive(sqs, fifo)
    sqs.change_message_visibility(
        QueueUrl=fifo, ReceiptHandle=first["ReceiptHandle"], VisibilityTimeout=0
    )
    assert [m["Body"] for m in drain(sqs, fifo, 3, 1)] == ["1", "2", "3"]


def test_a_group_waits_for_the_timeout_of_its_first_message(sqs, fifo):
    for body in ("1", "2"):
        send(sqs, fifo, "g", body)
    (first,) = receive(sqs, fifo, VisibilityTimeout=1)
    again = receive(sqs, fifo, 10, seconds=10)
    assert [m["Body"] for m in again] == ["1", "2"]
    assert again[0]["MessageId"] == first["MessageId"]
    assert again[0]["Attributes"]["ApproximateReceiveCount"] == "2"


def test_what_a_fifo_queue_requires(sqs, fifo):
    with pytest.raises(ClientError) as error:
        sqs.send_message(QueueUrl=fifo, MessageBody="x", MessageDeduplicationId="d")
    assert code_of(error) == "MissingParameter"
    with pytest.raises(ClientError) as error:
        sqs.send_message(QueueUrl=fifo, MessageBody="x", MessageGroupId="g")
    assert code_of(error) == "InvalidParameterValue"
    with pytest.raises(ClientError) as error:
        sqs.send_message(
            QueueUrl=fifo,
            MessageBody="x",
            MessageGroupId="g",
            MessageDeduplicationId="d",
            DelaySeconds=1,
        )
    assert code_of(error) == "InvalidParameterValue"
    assert receive(sqs, fifo) == []


def test_fifo_cannot_be_switched(sqs, queue, fifo):
    for url, value in ((queue, "true"), (fifo, "false")):
        with pytest.raises(ClientError) as error:
            sqs.set_queue_attributes(QueueUrl=url, Attributes={"FifoQueue": value})
        assert code_of(error) in ("InvalidAttributeName", "InvalidAttributeValue")
