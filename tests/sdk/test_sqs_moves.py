# Message move tasks: messages of a dead-letter queue go back to where they came from, or elsewhere.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html
# SPDX-License-Identifier: Apache-2.0
import json
import time

import pytest
from botocore.exceptions import ClientError

from support import clients
from support.errors import code_of, message_of
from support.queues import arn_of, arn_of_url, count_of
from support.server import Server, eventually


def policy(dead, receives_max=1):
    return json.dumps({"deadLetterTargetArn": arn_of_url(dead), "maxReceiveCount": receives_max})


def send_many(sqs, url, bodies, **fields):
    bodies = list(bodies)
    for at in range(0, len(bodies), 10):
        entries = [
            {"Id": str(i), "MessageBody": body} | {k: f(body) for k, f in fields.items()}
            for i, body in enumerate(bodies[at : at + 10])
        ]
        assert not sqs.send_message_batch(QueueUrl=url, Entries=entries).get("Failed")


def receive(sqs, url, **how):
    got = sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["All"], **how
    )
    return got.get("Messages", [])


def drain(sqs, url):
    messages = []
    while got := receive(sqs, url):
        messages += got
        entries = [
            {"Id": str(i), "ReceiptHandle": m["ReceiptHandle"]} for i, m in enumerate(got)
        ]
        sqs.delete_message_batch(QueueUrl=url, Entries=entries)
    return messages


def bury(sqs, url):
    """Receives until everything went to the dead-letter queue."""
    while receive(sqs, url, VisibilityTimeout=0) or count_of(sqs, url):
        pass


def task_of(sqs, url, **how):
    return sqs.list_message_move_tasks(SourceArn=arn_of_url(url), **how)["Results"][0]


def ended(sqs, url):
    def look():
        task = task_of(sqs, url)
        return task if task["Status"] not in ("RUNNING", "CANCELLING") else None

    return eventually(look, 30, "the task ends")


@pytest.fixture
def dead(sqs, name):
    return sqs.create_queue(QueueName=f"{name}-dead")["QueueUrl"]


@pytest.fixture
def source(sqs, name, dead):
    attributes = {"RedrivePolicy": policy(dead)}
    return sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]


def test_messages_go_back_to_their_sources(sqs, dead, source, name):
    other = sqs.create_queue(
        QueueName=f"{name}-other", Attributes={"RedrivePolicy": policy(dead)}
    )["QueueUrl"]
    send_many(sqs, source, [f"s{i}" for i in range(25)])
    send_many(sqs, other, [f"o{i}" for i in range(25)])
    bury(sqs, source)
    bury(sqs, other)
    assert count_of(sqs, dead) == 50
    old = {m["Body"]: m for m in receive(sqs, dead, VisibilityTimeout=0)}
    handle = sqs.start_message_move_task(SourceArn=arn_of_url(dead))["TaskHandle"]
    assert handle
    task = ended(sqs, dead)
    assert task["Status"] == "COMPLETED"
    assert task["SourceArn"] == arn_of_url(dead)
    assert task["ApproximateNumberOfMessagesMoved"] == 50
    assert task["ApproximateNumberOfMessagesToMove"] == 50
    assert abs(task["StartedTimestamp"] / 1000 - time.time()) < 60
    for absent in (
        "TaskHandle",
        "DestinationArn",
        "MaxNumberOfMessagesPerSecond",
        "FailureReason",
    ):
        assert absent not in task
    assert (count_of(sqs, dead), count_of(sqs, source), count_of(sqs, other)) == (0, 25, 25)
    back = drain(sqs, source) + drain(sqs, other)
    assert sorted(m["Body"] for m in back) == sorted(
        [f"s{i}" for i in range(25)] + [f"o{i}" for i in range(25)]
    )
    for m in back:
        # Redriven messages are new messages.
        assert m["Attributes"]["ApproximateReceiveCount"] == "1"
        assert "DeadLetterQueueSourceArn" not in m["Attributes"]
        if m["Body"] in old:
            assert m["MessageId"] != old[m["Body"]]["MessageId"]


def test_messages_go_to_another_queue(sqs, dead, source, queue, name):
    target = sqs.create_queue(QueueName=f"{name}-target")["QueueUrl"]
    send_many(sqs, dead, "abc")  # sent to it directly: nothing says where they came from
    poll = receive(sqs, target)
    assert poll == []
    sqs.start_message_move_task(
        SourceArn=arn_of_url(dead),
        DestinationArn=arn_of_url(target),
        MaxNumberOfMessagesPerSecond=500,
    )
    assert len(receive(sqs, target, WaitTimeSeconds=10)) >= 1
    task = ended(sqs, dead)
    assert task["Status"] == "COMPLETED"
    assert task["DestinationArn"] == arn_of_url(target)
    assert task["MaxNumberOfMessagesPerSecond"] == 500
    assert count_of(sqs, dead) == 0


def test_hidden_messages_stay(sqs, dead, source, queue):
    send_many(sqs, dead, "abc")
    hidden = sqs.receive_message(QueueUrl=dead, VisibilityTimeout=600)["Messages"][0]
    sqs.start_message_move_task(SourceArn=arn_of_url(dead), DestinationArn=arn_of_url(source))
    assert ended(sqs, dead)["ApproximateNumberOfMessagesMoved"] == 2
    sqs.delete_message(QueueUrl=dead, ReceiptHandle=hidden["ReceiptHandle"])
    assert sorted(m["Body"] for m in drain(sqs, source)) == sorted(
        set("abc") - {hidden["Body"]}
    )


def test_fifo_messages_keep_the_order_of_their_groups(sqs, name):
    fifo = {"FifoQueue": "true"}
    dead = sqs.create_queue(QueueName=f"{name}-dead.fifo", Attributes=fifo)["QueueUrl"]
    source = sqs.create_queue(
        QueueName=f"{name}.fifo", Attributes=fifo | {"RedrivePolicy": policy(dead)}
    )["QueueUrl"]
    bodies = [f"{i % 4}:{i:03}" for i in range(120)]
    fields = {"MessageGroupId": lambda b: b[0], "MessageDeduplicationId": lambda b: b}
    send_many(sqs, source, bodies, **fields)
    bury(sqs, source)
    assert count_of(sqs, dead) == 120
    sqs.start_message_move_task(SourceArn=arn_of_url(dead))
    assert ended(sqs, dead)["ApproximateNumberOfMessagesMoved"] == 120
    groups = {}
    for m in drain(sqs, source):
        groups.setdefault(m["Attributes"]["MessageGroupId"], []).append(m["Body"])
    assert groups == {g: [b for b in bodies if b[0] == g] for g in "0123"}


def test_the_rate_is_kept_and_a_task_can_be_cancelled(sqs, dead, source):
    send_many(sqs, dead, [str(i) for i in range(200)])
    began = time.monotonic()
    handle = sqs.start_message_move_task(
        SourceArn=arn_of_url(dead),
        DestinationArn=arn_of_url(source),
        MaxNumberOfMessagesPerSecond=20,
    )["TaskHandle"]
    running = task_of(sqs, dead)
    assert running["Status"] == "RUNNING"
    assert running["TaskHandle"] == handle
    with pytest.raises(sqs.exceptions.UnsupportedOperation) as error:
        sqs.start_message_move_task(SourceArn=arn_of_url(dead))
    assert code_of(error) == "AWS.SimpleQueueService.UnsupportedOperation"
    assert "Only one active task" in message_of(error)
    eventually(lambda: count_of(sqs, source) >= 10, 30, "some moved")
    assert count_of(sqs, source) <= 20 * (time.monotonic() - began) + 3
    moved = sqs.cancel_message_move_task(TaskHandle=handle)["ApproximateNumberOfMessagesMoved"]
    assert 10 <= moved < 200
    task = ended(sqs, dead)
    assert task["Status"] == "CANCELLED"
    assert "TaskHandle" not in task
    assert task["ApproximateNumberOfMessagesMoved"] == count_of(sqs, source) < 200
    assert count_of(sqs, dead) + count_of(sqs, source) == 200
    with pytest.raises(sqs.exceptions.UnsupportedOperation):
        sqs.cancel_message_move_task(TaskHandle=handle)
    sqs.start_message_move_task(SourceArn=arn_of_url(dead), DestinationArn=arn_of_url(source))
    assert ended(sqs, dead)["Status"] == "COMPLETED"
    assert count_of(sqs, source) == 200


def test_the_newest_ten_tasks_are_listed(sqs, dead, source):
    assert sqs.list_message_move_tasks(SourceArn=arn_of_url(dead)).get("Results", []) == []
    for i in range(12):
        send_many(sqs, dead, ["x"] * i)
        sqs.start_message_move_task(SourceArn=arn_of_url(dead), DestinationArn=arn_of_url(source))
        ended(sqs, dead)

    def moved(**how):
        got = sqs.list_message_move_tasks(SourceArn=arn_of_url(dead), **how)["Results"]
        return [task["ApproximateNumberOfMessagesMoved"] for task in got]

    assert moved() == [11]
    assert moved(MaxResults=3) == [11, 10, 9]
    assert moved(MaxResults=10) == list(range(11, 1, -1))


def test_a_task_fails_when_a_message_has_nowhere_to_go(sqs, dead, source):
    send_many(sqs, source, "ab")
    bury(sqs, source)
    send_many(sqs, dead, "x")  # of unknown origin, behind the others
    sqs.start_message_move_task(SourceArn=arn_of_url(dead))
    task = ended(sqs, dead)
    assert task["Status"] == "FAILED"
    assert task["FailureReason"] == "CouldNotDetermineMessageSource"
    assert task["ApproximateNumberOfMessagesMoved"] == 2
    assert count_of(sqs, dead) == 1
    assert [m["Body"] for m in receive(sqs, dead, VisibilityTimeout=0)] == ["x"]


def test_a_task_fails_when_the_source_is_gone(sqs, dead, source, name):
    sqs.create_queue(QueueName=f"{name}-also", Attributes={"RedrivePolicy": policy(dead)})
    send_many(sqs, source, "a")
    bury(sqs, source)
    sqs.delete_queue(QueueUrl=source)
    sqs.start_message_move_task(SourceArn=arn_of_url(dead))
    task = ended(sqs, dead)
    assert task["Status"] == "FAILED"
    assert task["FailureReason"] == "AWS.SimpleQueueService.NonExistentQueue"
    assert count_of(sqs, dead) == 1


def test_what_cannot_start(sqs, dead, source, queue, fifo, name):
    def refused(code, source_arn, **more):
        with pytest.raises(ClientError) as error:
            sqs.start_message_move_task(SourceArn=source_arn, **more)
        assert code_of(error) == code

    refused("InvalidParameterValue", "nonsense")
    refused("InvalidParameterValue", arn_of_url(dead), DestinationArn="nonsense")
    refused("ResourceNotFoundException", arn_of(f"{name}-none"))
    refused("AccessDenied", f"arn:aws:sqs:us-east-1:111122223333:{name}-dead")
    refused("ResourceNotFoundException", arn_of_url(dead), DestinationArn=arn_of(f"{name}-none"))
    refused("InvalidParameterValue", arn_of_url(source))  # no dead-letter queue
    refused("InvalidParameterValue", arn_of_url(dead), DestinationArn=arn_of_url(dead))
    refused("InvalidParameterValue", arn_of_url(dead), DestinationArn=arn_of_url(fifo))
    refused("InvalidParameterValue", arn_of_url(dead), MaxNumberOfMessagesPerSecond=0)
    refused("InvalidParameterValue", arn_of_url(dead), MaxNumberOfMessagesPerSecond=501)
    assert sqs.list_message_move_tasks(SourceArn=arn_of_url(dead)).get("Results", []) == []


def test_bad_handles_and_sources(sqs, dead, name):
    for handle in ("nonsense", "e30=", "bm90IGpzb24="):
        with pytest.raises(ClientError) as error:
            sqs.cancel_message_move_task(TaskHandle=handle)
        assert code_of(error) == "InvalidParameterValue"
    with pytest.raises(sqs.exceptions.ResourceNotFoundException):
        sqs.list_message_move_tasks(SourceArn=arn_of(f"{name}-none"))
    for bad in (0, 11):
        with pytest.raises(ClientError) as error:
            sqs.list_message_move_tasks(SourceArn=arn_of_url(dead), MaxResults=bad)
        assert code_of(error) == "InvalidParameterValue"


def test_deleting_the_source_ends_the_task(sqs, dead, source, name):
    send_many(sqs, dead, [str(i) for i in range(50)])
    sqs.start_message_move_task(
        SourceArn=arn_of_url(dead),
        DestinationArn=arn_of_url(source),
        MaxNumberOfMessagesPerSecond=1,
    )
    sqs.delete_queue(QueueUrl=dead)
    with pytest.raises(sqs.exceptions.ResourceNotFoundException):
        sqs.list_message_move_tasks(SourceArn=arn_of_url(dead))


def test_a_task_goes_on_after_kill_9(tmp_path, name):
    total = 3000
    server = Server(tmp_path).start()
    sqs = clients.client("sqs", server.url())
    dead = sqs.create_queue(QueueName=f"{name}-dead")["QueueUrl"]
    source = sqs.create_queue(QueueName=name, Attributes={"RedrivePolicy": policy(dead)})["QueueUrl"]
    send_many(sqs, dead, [str(i) for i in range(total)])
    sqs.start_message_move_task(
        SourceArn=arn_of_url(dead),
        DestinationArn=arn_of_url(source),
        MaxNumberOfMessagesPerSecond=500,
    )
    for least in (100, 600):
        eventually(lambda: count_of(sqs, source) >= least, 60, f"{least} moved")
        server.kill()
        server.start()
    task = ended(sqs, dead)
    assert task["Status"] == "COMPLETED"
    assert task["ApproximateNumberOfMessagesMoved"] == total == count_of(sqs, source)
    assert sorted(int(m["Body"]) for m in drain(sqs, source)) == list(range(total))
    # A task that runs does not keep c10m from ending.
    send_many(sqs, dead, "abc")
    sqs.start_message_move_task(
        SourceArn=arn_of_url(dead),
        DestinationArn=arn_of_url(source),
        MaxNumberOfMessagesPerSecond=1,
    )
    assert server.stop() == 0
    server.check_sanitizers()
