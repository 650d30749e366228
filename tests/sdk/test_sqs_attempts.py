# Receive request attempts of FIFO queues: a receive that is asked for again gives the same again.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/using-receiverequestattemptid-request-parameter.html
# SPDX-License-Identifier: Apache-2.0
import pytest
from botocore.exceptions import ClientError


def send(sqs, url, group, count):
    for i in range(count):
        sqs.send_message(
            QueueUrl=url,
            MessageBody=f"{group}{i}",
            MessageGroupId=group,
            MessageDeduplicationId=f"{group}{i}",
        )


def receive(sqs, url, attempt=None, count=10, **how):
    if attempt:
        how["ReceiveRequestAttemptId"] = attempt
    got = sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=count, AttributeNames=["All"], **how
    )
    return got.get("Messages", [])


def refuses(sqs, url, attempt):
    with pytest.raises(ClientError) as error:
        receive(sqs, url, attempt)
    assert error.value.response["Error"] == error.value.response["Error"] | {
        "Code": "InvalidParameterValue",
        "Message": f"Value {attempt} for parameter ReceiveRequestAttemptId is invalid. Reason: The "
        "receiveRequestAttemptId is not valid anymore since the receive call is not retryable.",
    }


def test_the_same_messages_and_handles_come_again(sqs, fifo):
    send(sqs, fifo, "a", 3)
    send(sqs, fifo, "b", 2)
    first = receive(sqs, fifo, "try-1")
    assert len(first) == 5
    assert receive(sqs, fifo) == []
    assert receive(sqs, fifo, "try-2") == []
    assert receive(sqs, fifo, "try-1") == first
    assert receive(sqs, fifo, "try-1") == first
    for message in first:
        sqs.delete_message(QueueUrl=fifo, ReceiptHandle=message["ReceiptHandle"])
    refuses(sqs, fifo, "try-1")


def test_a_retry_hides_anew(sqs, fifo):
    send(sqs, fifo, "a", 1)
    first = receive(sqs, fifo, "x", VisibilityTimeout=2)
    assert receive(sqs, fifo, "x", VisibilityTimeout=600) == first
    assert receive(sqs, fifo, WaitTimeSeconds=3) == []
    sqs.delete_message(QueueUrl=fifo, ReceiptHandle=first[0]["ReceiptHandle"])


def test_new_messages_come_under_a_new_attempt_only(sqs, fifo):
    send(sqs, fifo, "a", 1)
    first = receive(sqs, fifo, "x")
    send(sqs, fifo, "b", 1)
    assert receive(sqs, fifo, "x") == first
    assert [m["Body"] for m in receive(sqs, fifo, "y")] == ["b0"]


def test_an_attempt_whose_messages_were_changed_is_refused(sqs, fifo):
    send(sqs, fifo, "a", 2)
    first = receive(sqs, fifo, "x")
    sqs.delete_message(QueueUrl=fifo, ReceiptHandle=first[0]["ReceiptHandle"])
    refuses(sqs, fifo, "x")
    sqs.change_message_visibility(
        QueueUrl=fifo, ReceiptHandle=first[1]["ReceiptHandle"], VisibilityTimeout=0
    )
    refuses(sqs, fifo, "x")
    again = receive(sqs, fifo, "y")
    assert [m["Body"] for m in again] == ["a1"]
    assert again[0]["ReceiptHandle"] != first[1]["ReceiptHandle"]
    assert receive(sqs, fifo, "y") == again
    sqs.change_message_visibility(
        QueueUrl=fifo, ReceiptHandle=again[0]["ReceiptHandle"], VisibilityTimeout=600
    )
    refuses(sqs, fifo, "y")


def test_after_its_timeout_a_message_is_received_anew(sqs, fifo):
    send(sqs, fifo, "a", 1)
    first = receive(sqs, fifo, "x", VisibilityTimeout=0)
    again = receive(sqs, fifo, "x")
    assert again[0]["ReceiptHandle"] != first[0]["ReceiptHandle"]
    assert again[0]["Attributes"]["ApproximateReceiveCount"] == "2"


@pytest.mark.parametrize("bad", ["x" * 129, "has space", "tab\t"])
def test_bad_ids_are_refused(sqs, fifo, bad):
    with pytest.raises(ClientError) as error:
        receive(sqs, fifo, bad)
    assert error.value.response["Error"]["Code"] == "InvalidParameterValue"


def test_standard_queues_have_no_attempts(sqs, queue):
    with pytest.raises(ClientError) as error:
        receive(sqs, queue, "x")
    assert error.value.response["Error"]["Code"] == "InvalidParameterValue"
    assert "not valid for this queue type" in error.value.response["Error"]["Message"]
