# Messages of standard queues by stock clients.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/
# SPDX-License-Identifier: Apache-2.0
import hashlib
import struct
import threading
import time
import uuid

import pytest
from botocore.exceptions import ClientError

from support import clients
from support.errors import code_of
from support.server import eventually

BYTES_MAX = 1048576


def md5(text):
    return hashlib.md5(text.encode()).hexdigest()


def md5_of_attributes(attributes):
    """As AWS documents it: names sorted; name, type, a byte for the transport type, value."""

    def sized(data):
        return struct.pack(">I", len(data)) + data

    digest = hashlib.md5()
    for name in sorted(attributes):
        value = attributes[name]
        digest.update(sized(name.encode()) + sized(value["DataType"].encode()))
        if "BinaryValue" in value:
            digest.update(b"\x02" + sized(value["BinaryValue"]))
        else:
            digest.update(b"\x01" + sized(value["StringValue"].encode()))
    return digest.hexdigest()


def receive(sqs, url, **how):
    return sqs.receive_message(QueueUrl=url, **how).get("Messages", [])


def receive_one(sqs, url, **how):
    messages = receive(sqs, url, WaitTimeSeconds=10, **how)
    assert len(messages) == 1
    return messages[0]


def counts(sqs, url):
    names = ["", "NotVisible", "Delayed"]
    names = ["ApproximateNumberOfMessages" + name for name in names]
    got = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return tuple(int(got[name]) for name in names)


def test_a_message_goes_through(sqs, queue):
    body = 'Grüße <&> "quoted" \t\n 😀 ' + "x" * 1000
    sent = sqs.send_message(QueueUrl=queue, MessageBody=body)
    assert uuid.UUID(sent["MessageId"])
    assert sent["MD5OfMessageBody"] == md5(body)
    got = receive_one(sqs, queue)
    assert got["Body"] == body
    assert got["MessageId"] == sent["MessageId"]
    assert got["MD5OfBody"] == md5(body)
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=got["ReceiptHandle"])
    assert counts(sqs, queue) == (0, 0, 0)


def test_an_empty_queue_gives_no_messages_member(sqs, queue):
    assert "Messages" not in sqs.receive_message(QueueUrl=queue)


def test_message_attributes_come_back_with_their_md5(sqs, queue):
    attributes = {
        "text": {"DataType": "String", "StringValue": "grün"},
        "number": {"DataType": "Number", "StringValue": "12.50"},
        "bytes": {"DataType": "Binary", "BinaryValue": bytes(range(256))},
        "custom.kind": {"DataType": "String.url", "StringValue": "http://example.com/?a=b&c=d"},
    }
    sent = sqs.send_message(QueueUrl=queue, MessageBody="x", MessageAttributes=attributes)
    assert sent["MD5OfMessageAttributes"] == md5_of_attributes(attributes)
    got = receive_one(sqs, queue, MessageAttributeNames=["All"])
    assert got["MessageAttributes"] == attributes
    assert got["MD5OfMessageAttributes"] == md5_of_attributes(attributes)


def test_only_the_message_attributes_asked_for_come_back(sqs, queue):
    attributes = {n: {"DataType": "String", "StringValue": n} for n in ("a.1", "a.2", "b")}
    sqs.send_message(QueueUrl=queue, MessageBody="x", MessageAttributes=attributes)
    got = receive_one(sqs, queue, MessageAttributeNames=["a.*"], VisibilityTimeout=0)
    assert sorted(got["MessageAttributes"]) == ["a.1", "a.2"]
    got = receive_one(sqs, queue, MessageAttributeNames=["b"], VisibilityTimeout=0)
    assert sorted(got["MessageAttributes"]) == ["b"]
    assert "MessageAttributes" not in receive_one(sqs, queue)


def test_system_attributes(sqs, queue):
    before = time.time() * 1000
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    assert "Attributes" not in receive_one(sqs, queue, VisibilityTimeout=0)
    got = receive_one(sqs, queue, AttributeNames=["All"])["Attributes"]
    assert before - 1 <= int(got["SentTimestamp"]) <= time.time() * 1000 + 1
    assert int(got["SentTimestamp"]) <= int(got["ApproximateFirstReceiveTimestamp"])
    assert got["ApproximateReceiveCount"] == "2"
    assert got["SenderId"]


@pytest.mark.parametrize(
    "attribute",
    [
        {"DataType": "Number", "StringValue": "many"},
        {"DataType": "Strange", "StringValue": "x"},
        {"DataType": "String"},
        {"DataType": "String", "StringValue": ""},
    ],
)
def test_bad_message_attributes_are_refused(sqs, queue, attribute):
    with pytest.raises(ClientError) as error:
        sqs.send_message(QueueUrl=queue, MessageBody="x", MessageAttributes={"a": attribute})
    assert code_of(error) == "InvalidParameterValue"
    assert counts(sqs, queue) == (0, 0, 0)


def test_more_than_ten_message_attributes_are_refused(sqs, queue):
    attributes = {f"a{i}": {"DataType": "String", "StringValue": "x"} for i in range(11)}
    with pytest.raises(ClientError) as error:
        sqs.send_message(QueueUrl=queue, MessageBody="x", MessageAttributes=attributes)
    assert code_of(error) == "InvalidParameterValue"


def test_an_empty_body_is_refused(sqs, queue):
    with pytest.raises(ClientError) as error:
        sqs.send_message(QueueUrl=queue, MessageBody="")
    assert code_of(error) in ("MissingParameter", "InvalidParameterValue")


def test_the_largest_body_goes_through_and_one_byte_more_does_not(sqs, queue):
    body = "m" * BYTES_MAX
    sqs.send_message(QueueUrl=queue, MessageBody=body)
    assert receive_one(sqs, queue)["Body"] == body
    with pytest.raises(ClientError) as error:
        sqs.send_message(QueueUrl=queue, MessageBody=body + "m")
    assert code_of(error) == "InvalidParameterValue"


def test_attributes_count_for_the_size(sqs, queue):
    attributes = {"a": {"DataType": "String", "StringValue": "v" * 100}}
    with pytest.raises(ClientError) as error:
        sqs.send_message(
            QueueUrl=queue, MessageBody="m" * (BYTES_MAX - 50), MessageAttributes=attributes
        )
    assert code_of(error) == "InvalidParameterValue"


def test_maximum_message_size_of_the_queue_holds(sqs, queue):
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"MaximumMessageSize": "1024"})
    sqs.send_message(QueueUrl=queue, MessageBody="m" * 1024)
    with pytest.raises(ClientError) as error:
        sqs.send_message(QueueUrl=queue, MessageBody="m" * 1025)
    assert code_of(error) == "InvalidParameterValue"


def test_a_received_message_is_invisible_until_its_timeout(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    first = receive_one(sqs, queue, VisibilityTimeout=3)
    began = time.monotonic()
    assert counts(sqs, queue) == (0, 1, 0)
    assert receive(sqs, queue) == [] or time.monotonic() - began > 3
    again = receive_one(sqs, queue, AttributeNames=["ApproximateReceiveCount"])
    assert time.monotonic() - began > 2.8
    assert again["MessageId"] == first["MessageId"]
    assert again["ReceiptHandle"] != first["ReceiptHandle"]
    assert again["Attributes"]["ApproximateReceiveCount"] == "2"


def test_the_queues_visibility_timeout_is_the_default(sqs, queue):
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "1"})
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    receive_one(sqs, queue)
    assert receive_one(sqs, queue)["Body"] == "x"


def test_visibility_zero_gives_a_message_back_at_once(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    handle = receive_one(sqs, queue)["ReceiptHandle"]
    sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=handle, VisibilityTimeout=0)
    assert counts(sqs, queue) == (1, 0, 0)
    assert len(receive(sqs, queue)) == 1


def test_visibility_can_be_prolonged(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    handle = receive_one(sqs, queue, VisibilityTimeout=1)["ReceiptHandle"]
    sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=handle, VisibilityTimeout=600)
    assert receive(sqs, queue, WaitTimeSeconds=2) == []
    assert counts(sqs, queue) == (0, 1, 0)


def test_visibility_errors(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    handle = receive_one(sqs, queue)["ReceiptHandle"]

    def change(seconds, handle=handle):
        with pytest.raises(ClientError) as error:
            sqs.change_message_visibility(
                QueueUrl=queue, ReceiptHandle=handle, VisibilityTimeout=seconds
            )
        return code_of(error)

    assert change(43201) == "InvalidParameterValue"
    assert change(-1) == "InvalidParameterValue"
    assert change(1, "no handle") == "ReceiptHandleIsInvalid"
    sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=handle, VisibilityTimeout=0)
    # Documented as the first; what AWS answers for a handle of the past is the second.
    assert change(10) in ("AWS.SimpleQueueService.MessageNotInflight", "InvalidParameterValue")


def test_deleting_twice_is_no_error(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    handle = receive_one(sqs, queue)["ReceiptHandle"]
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=handle)
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=handle)


def test_deleting_by_a_bad_handle_is_refused(sqs, queue):
    with pytest.raises(ClientError) as error:
        sqs.delete_message(QueueUrl=queue, ReceiptHandle="no handle")
    assert code_of(error) == "ReceiptHandleIsInvalid"


def test_a_delayed_message_comes_later(sqs, queue):
    sent_at = time.monotonic()
    sqs.send_message(QueueUrl=queue, MessageBody="later", DelaySeconds=1)
    if receive(sqs, queue):
        assert time.monotonic() - sent_at > 0.9
        return
    assert counts(sqs, queue)[1] == 0
    assert receive_one(sqs, queue)["Body"] == "later"
    assert time.monotonic() - sent_at > 0.9


def test_delay_of_the_queue_and_of_the_message(sqs, queue):
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"DelaySeconds": "600"})
    sqs.send_message(QueueUrl=queue, MessageBody="held")
    assert counts(sqs, queue) == (0, 0, 1)
    sqs.send_message(QueueUrl=queue, MessageBody="now", DelaySeconds=0)
    assert [m["Body"] for m in receive(sqs, queue, MaxNumberOfMessages=10)] == ["now"]
    with pytest.raises(ClientError) as error:
        sqs.send_message(QueueUrl=queue, MessageBody="x", DelaySeconds=901)
    assert code_of(error) == "InvalidParameterValue"


def test_a_waiting_receiver_gets_what_is_sent_meanwhile(sqs, server, protocol, queue):
    sender = clients.client("sqs", server.url(), protocol)
    timer = threading.Timer(
        0.3, sender.send_message, kwargs={"QueueUrl": queue, "MessageBody": "hi"}
    )
    began = time.monotonic()
    timer.start()
    messages = receive(sqs, queue, WaitTimeSeconds=20)
    waited = time.monotonic() - began
    timer.join()
    assert [m["Body"] for m in messages] == ["hi"]
    assert 0.25 < waited < 10


def test_many_waiting_receivers_share_what_is_sent(sqs, server, protocol, queue):
    got, lock = [], threading.Lock()

    def wait_for_one():
        messages = receive(clients.client("sqs", server.url(), protocol), queue, WaitTimeSeconds=20)
        with lock:
            got.extend(m["Body"] for m in messages)

    threads = [threading.Thread(target=wait_for_one) for _ in range(8)]
    for thread in threads:
        thread.start()
    for i in range(8):
        sqs.send_message(QueueUrl=queue, MessageBody=str(i))
    for thread in threads:
        thread.join()
    assert sorted(got) == [str(i) for i in range(8)]


def test_an_empty_wait_lasts_as_long_as_asked(sqs, queue):
    began = time.monotonic()
    assert receive(sqs, queue, WaitTimeSeconds=2) == []
    assert 1.9 < time.monotonic() - began < 19


def test_the_queues_wait_time_is_the_default(sqs, queue):
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"ReceiveMessageWaitTimeSeconds": "3"})
    began = time.monotonic()
    assert receive(sqs, queue) == []
    assert 2.9 < time.monotonic() - began < 19
    began = time.monotonic()
    assert receive(sqs, queue, WaitTimeSeconds=0) == []
    assert time.monotonic() - began < 2.9


@pytest.mark.parametrize(
    "bad",
    [
        {"MaxNumberOfMessages": 0},
        {"MaxNumberOfMessages": 11},
        {"WaitTimeSeconds": 21},
        {"VisibilityTimeout": 43201},
    ],
)
def test_receiving_out_of_range_is_refused(sqs, queue, bad):
    with pytest.raises(ClientError) as error:
        sqs.receive_message(QueueUrl=queue, **bad)
    assert code_of(error) == "InvalidParameterValue"


def test_up_to_ten_messages_at_once(sqs, queue):
    for start in (0, 10):
        entries = [{"Id": str(i), "MessageBody": str(start + i)} for i in range(10)]
        sqs.send_message_batch(QueueUrl=queue, Entries=entries)
    seen = set()

    def take():
        messages = receive(sqs, queue, MaxNumberOfMessages=10)
        assert len(messages) <= 10
        seen.update(m["Body"] for m in messages)
        return len(seen) == 20

    eventually(take, 20, "all 20 messages received")


def test_a_retention_period_forgets(sqs, queue):
    sent = sqs.send_message(QueueUrl=queue, MessageBody="kept")
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"MessageRetentionPeriod": "60"})
    assert receive_one(sqs, queue)["MessageId"] == sent["MessageId"]


@pytest.mark.parametrize(
    "name, value, reason",
    [
        ("WaitTimeSeconds", 21, "Must be >= 0 and <= 20, if provided."),
        ("WaitTimeSeconds", -1, "Must be >= 0 and <= 20, if provided."),
        ("MaxNumberOfMessages", 11, "Must be between 1 and 10, if provided."),
        ("MaxNumberOfMessages", 0, "Must be between 1 and 10, if provided."),
    ],
)
def test_the_bounds_of_a_receive(sqs, queue, name, value, reason):
    with pytest.raises(ClientError) as caught:
        sqs.receive_message(QueueUrl=queue, **{name: value})
    error = caught.value.response["Error"]
    assert error["Code"] == "InvalidParameterValue"
    assert error["Message"] == f"Value {value} for parameter {name} is invalid. Reason: {reason}"
