# Fair queues: messages with a MessageGroupId on standard queues, where one group must not keep the others waiting.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-fair-queues.html
# SPDX-License-Identifier: Apache-2.0
from support.admin import clock_move
from support.clients import client
from support.server import Server


def send_many(sqs, url, count, **more):
    for first in range(0, count, 10):
        entries = [{"Id": str(i), "MessageBody": str(first + i), **more} for i in range(10)]
        assert not sqs.send_message_batch(QueueUrl=url, Entries=entries).get("Failed")


def receive(sqs, url, **more):
    answer = sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["MessageGroupId"], **more
    )
    return answer.get("Messages", [])


def groups_of(messages):
    return [m.get("Attributes", {}).get("MessageGroupId") for m in messages]


def test_a_quiet_group_overtakes_the_backlog_of_a_noisy_one(sqs, queue):
    send_many(sqs, queue, 600, MessageGroupId="noisy")
    for _ in range(5):
        assert groups_of(receive(sqs, queue)) == ["noisy"] * 10
    send_many(sqs, queue, 10, MessageGroupId="quiet")
    assert groups_of(receive(sqs, queue)) == ["quiet"] * 10
    # The noisy group gets what is left, each of its messages once.
    left = [m for _ in range(60) for m in receive(sqs, queue)]
    assert groups_of(left) == ["noisy"] * 550
    assert len({m["Body"] for m in left}) == 550


def test_a_group_is_noisy_by_the_time_that_it_took_and_later_quiet_again(tmp_path):
    with Server(tmp_path) as server:
        sqs = client("sqs", server.url())
        url = sqs.create_queue(QueueName="q", Attributes={"VisibilityTimeout": "600"})["QueueUrl"]
        send_many(sqs, url, 40, MessageGroupId="slow")
        taken = receive(sqs, url)
        assert groups_of(taken) == ["slow"] * 10
        clock_move(server, advance_s=50)  # they are worked on
        send_many(sqs, url, 20, MessageGroupId="other")
        others = receive(sqs, url)
        assert groups_of(others) == ["other"] * 10
        for message in taken + others:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        clock_move(server, advance_s=1200)
        assert groups_of(receive(sqs, url)) == ["slow"] * 10  # the first ones that were sent


def test_of_noisy_groups_the_one_with_the_fewest_in_flight_is_first(sqs, queue):
    send_many(sqs, queue, 100, MessageGroupId="big")
    for _ in range(5):
        assert groups_of(receive(sqs, queue)) == ["big"] * 10
    send_many(sqs, queue, 80, MessageGroupId="small")
    for _ in range(4):
        assert groups_of(receive(sqs, queue)) == ["small"] * 10
    assert groups_of(receive(sqs, queue)) == ["small"] * 10  # noisy too: 40 against 50


def test_one_group_alone_and_messages_without_one_come_all(sqs, queue):
    send_many(sqs, queue, 100, MessageGroupId="only")
    send_many(sqs, queue, 20)
    got = [m for _ in range(12) for m in receive(sqs, queue)]
    assert len({m["MessageId"] for m in got}) == 120
    assert sorted(map(str, groups_of(got))) == ["None"] * 20 + ["only"] * 100
    assert receive(sqs, queue) == []
