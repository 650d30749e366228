# PurgeQueue and DeleteQueue: what goes, what stays, and their rules of sixty seconds.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_PurgeQueue.html
# SPDX-License-Identifier: Apache-2.0
import threading

import pytest
from botocore.exceptions import ClientError

from support.errors import code_of

COUNTS = [
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
]


def counts_of(sqs, url):
    got = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=COUNTS)["Attributes"]
    return [int(got[name]) for name in COUNTS]


def test_a_purge_takes_visible_delayed_and_flying_messages(sqs, queue):
    for body in "abc":
        sqs.send_message(QueueUrl=queue, MessageBody=body)
    sqs.send_message(QueueUrl=queue, MessageBody="later", DelaySeconds=900)
    sqs.receive_message(QueueUrl=queue)
    assert counts_of(sqs, queue) == [2, 1, 1]
    sqs.purge_queue(QueueUrl=queue)
    assert counts_of(sqs, queue) == [0, 0, 0]
    assert not sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages")
    sqs.send_message(QueueUrl=queue, MessageBody="new")
    assert sqs.receive_message(QueueUrl=queue)["Messages"][0]["Body"] == "new"


def test_a_second_purge_has_to_wait(sqs, queue, name):
    sqs.purge_queue(QueueUrl=queue)
    sqs.send_message(QueueUrl=queue, MessageBody="stays")
    with pytest.raises(sqs.exceptions.PurgeQueueInProgress) as error:
        sqs.purge_queue(QueueUrl=queue)
    assert code_of(error) == "AWS.SimpleQueueService.PurgeQueueInProgress"
    assert error.value.response["Error"]["Message"] == (
        f"Only one PurgeQueue operation on {name} is allowed every 60 seconds."
    )
    assert counts_of(sqs, queue) == [1, 0, 0]


def test_receipts_from_before_a_purge_are_those_of_deleted_messages(sqs, queue, fifo):
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    sqs.send_message(
        QueueUrl=fifo, MessageBody="x", MessageGroupId="g", MessageDeduplicationId="1"
    )
    for url in (queue, fifo):
        receipt = sqs.receive_message(QueueUrl=url)["Messages"][0]["ReceiptHandle"]
        sqs.purge_queue(QueueUrl=url)
        sqs.delete_message(QueueUrl=url, ReceiptHandle=receipt)
        with pytest.raises(ClientError) as error:
            sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=receipt, VisibilityTimeout=1)
        assert code_of(error) == "InvalidParameterValue"
        assert "Message does not exist" in error.value.response["Error"]["Message"]


def test_receipts_of_another_queue_stay_invalid(sqs, queue, name):
    other = sqs.create_queue(QueueName=f"{name}-other")["QueueUrl"]
    sqs.send_message(QueueUrl=other, MessageBody="x")
    receipt = sqs.receive_message(QueueUrl=other)["Messages"][0]["ReceiptHandle"]
    with pytest.raises(sqs.exceptions.ReceiptHandleIsInvalid):
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=receipt)


def test_a_long_poll_sees_what_is_sent_after_a_purge(sqs, queue):
    got = []

    def poll():
        got.extend(sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=20).get("Messages", []))

    poller = threading.Thread(target=poll)
    poller.start()
    sqs.purge_queue(QueueUrl=queue)
    sqs.send_message(QueueUrl=queue, MessageBody="after")
    poller.join(15)
    assert [m["Body"] for m in got] == ["after"]


def test_deduplication_ids_outlive_a_purge(sqs, fifo):
    message = {"MessageGroupId": "g", "MessageDeduplicationId": "once"}
    first = sqs.send_message(QueueUrl=fifo, MessageBody="x", **message)
    sqs.purge_queue(QueueUrl=fifo)
    again = sqs.send_message(QueueUrl=fifo, MessageBody="x", **message)
    assert again["MessageId"] == first["MessageId"]
    assert counts_of(sqs, fifo) == [0, 0, 0]


def test_order_goes_on_after_a_purge(sqs, fifo):
    for i in range(3):
        sqs.send_message(
            QueueUrl=fifo, MessageBody=str(i), MessageGroupId="g", MessageDeduplicationId=f"a{i}"
        )
    sqs.receive_message(QueueUrl=fifo)  # blocks the group
    sqs.purge_queue(QueueUrl=fifo)
    for i in range(3):
        sqs.send_message(
            QueueUrl=fifo, MessageBody=f"n{i}", MessageGroupId="g", MessageDeduplicationId=f"b{i}"
        )
    got = sqs.receive_message(QueueUrl=fifo, MaxNumberOfMessages=10)["Messages"]
    assert [m["Body"] for m in got] == ["n0", "n1", "n2"]


def test_purging_a_missing_queue(sqs, queue):
    with pytest.raises(sqs.exceptions.QueueDoesNotExist):
        sqs.purge_queue(QueueUrl=queue + "-none")


def test_a_name_cannot_be_used_again_at_once(sqs, queue, name):
    sqs.delete_queue(QueueUrl=queue)
    with pytest.raises(sqs.exceptions.QueueDeletedRecently) as error:
        sqs.create_queue(QueueName=name)
    assert code_of(error) == "AWS.SimpleQueueService.QueueDeletedRecently"
    assert error.value.response["Error"]["Message"] == (
        "You must wait 60 seconds after deleting a queue before you can create another with the "
        "same name."
    )
    assert sqs.create_queue(QueueName=f"{name}-2")["QueueUrl"]
