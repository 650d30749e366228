# Batches: each entry has its own outcome, the batch as a whole has its own errors.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html
# SPDX-License-Identifier: Apache-2.0
import hashlib

import pytest
from botocore.exceptions import ClientError

from support.errors import code_of

PREFIX = "AWS.SimpleQueueService."


def receive_all(sqs, url, count, **how):
    messages = []
    while len(messages) < count:
        more = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=10, **how)
        assert more.get("Messages"), f"only {len(messages)} of {count} messages came"
        messages += more["Messages"]
    return messages


def test_a_batch_goes_through(sqs, queue):
    entries = [{"Id": f"id_{i}-x", "MessageBody": f"body {i}"} for i in range(10)]
    done = sqs.send_message_batch(QueueUrl=queue, Entries=entries)
    assert not done.get("Failed")
    assert [e["Id"] for e in done["Successful"]] == [e["Id"] for e in entries]
    for entry, sent in zip(entries, done["Successful"]):
        assert sent["MD5OfMessageBody"] == hashlib.md5(entry["MessageBody"].encode()).hexdigest()
    messages = receive_all(sqs, queue, 10)
    assert sorted(m["Body"] for m in messages) == sorted(e["MessageBody"] for e in entries)
    assert {m["MessageId"] for m in messages} == {e["MessageId"] for e in done["Successful"]}


def test_one_bad_entry_does_not_hinder_the_others(sqs, queue):
    entries = [
        {"Id": "good", "MessageBody": "x"},
        {"Id": "bad", "MessageBody": "x", "DelaySeconds": 901},
        {"Id": "also", "MessageBody": "y"},
    ]
    done = sqs.send_message_batch(QueueUrl=queue, Entries=entries)
    assert [e["Id"] for e in done["Successful"]] == ["good", "also"]
    (failed,) = done["Failed"]
    assert failed["Id"] == "bad"
    assert failed["SenderFault"] is True
    assert failed["Code"] == "InvalidParameterValue"
    assert failed["Message"]
    assert len(receive_all(sqs, queue, 2)) == 2


@pytest.mark.parametrize(
    "entries, code",
    [
        ([], "EmptyBatchRequest"),
        ([{"Id": str(i), "MessageBody": "x"} for i in range(11)], "TooManyEntriesInBatchRequest"),
        ([{"Id": "a", "MessageBody": "x"}] * 2, "BatchEntryIdsNotDistinct"),
        ([{"Id": "a b", "MessageBody": "x"}], "InvalidBatchEntryId"),
        ([{"Id": "a" * 81, "MessageBody": "x"}], "InvalidBatchEntryId"),
        ([{"Id": str(i), "MessageBody": "m" * 600000} for i in range(2)], "BatchRequestTooLong"),
    ],
    ids=["empty", "eleven", "same-ids", "bad-id", "long-id", "too-long"],
)
def test_a_bad_batch_is_refused_whole(sqs, queue, entries, code):
    with pytest.raises(ClientError) as error:
        sqs.send_message_batch(QueueUrl=queue, Entries=entries)
    assert code_of(error) == PREFIX + code
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert "Messages" not in sqs.receive_message(QueueUrl=queue)


def test_deleting_in_a_batch(sqs, queue):
    sqs.send_message_batch(
        QueueUrl=queue, Entries=[{"Id": str(i), "MessageBody": str(i)} for i in range(4)]
    )
    messages = receive_all(sqs, queue, 4)
    entries = [{"Id": str(i), "ReceiptHandle": m["ReceiptHandle"]} for i, m in enumerate(messages)]
    entries[1]["ReceiptHandle"] = "no handle"
    done = sqs.delete_message_batch(QueueUrl=queue, Entries=entries)
    assert [e["Id"] for e in done["Successful"]] == ["0", "2", "3"]
    (failed,) = done["Failed"]
    assert failed["Id"] == "1" and failed["SenderFault"] is True
    assert failed["Code"] == "ReceiptHandleIsInvalid"
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    left = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"]
    assert [left[name] for name in names] == ["0", "1"]


def test_changing_visibility_in_a_batch(sqs, queue):
    sqs.send_message_batch(
        QueueUrl=queue, Entries=[{"Id": str(i), "MessageBody": str(i)} for i in range(3)]
    )
    messages = receive_all(sqs, queue, 3)
    entries = [
        {"Id": str(i), "ReceiptHandle": m["ReceiptHandle"], "VisibilityTimeout": seconds}
        for i, (m, seconds) in enumerate(zip(messages, (0, 43201, 0)))
    ]
    done = sqs.change_message_visibility_batch(QueueUrl=queue, Entries=entries)
    assert [e["Id"] for e in done["Successful"]] == ["0", "2"]
    assert [(e["Id"], e["Code"]) for e in done["Failed"]] == [("1", "InvalidParameterValue")]
    again = receive_all(sqs, queue, 2)
    assert {m["Body"] for m in again} == {messages[0]["Body"], messages[2]["Body"]}


@pytest.mark.parametrize("operation", ["delete_message_batch", "change_message_visibility_batch"])
def test_empty_and_doubled_batches_are_refused(sqs, queue, operation):
    entry = {"Id": "a", "ReceiptHandle": "x"}
    if operation == "change_message_visibility_batch":
        entry["VisibilityTimeout"] = 1
    for entries, code in (([], "EmptyBatchRequest"), ([entry, entry], "BatchEntryIdsNotDistinct")):
        with pytest.raises(ClientError) as error:
            getattr(sqs, operation)(QueueUrl=queue, Entries=entries)
        assert code_of(error) == PREFIX + code
