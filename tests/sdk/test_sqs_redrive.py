# Dead-letter queues: their policies, and what happens to messages that are received too often.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html
# SPDX-License-Identifier: Apache-2.0
import json
import threading

import pytest
from botocore.exceptions import ClientError

from support.errors import code_of, message_of
from support.queues import arn_of, count_of


def policy(dead_letter_name, receives_max=2):
    return json.dumps(
        {"deadLetterTargetArn": arn_of(dead_letter_name), "maxReceiveCount": receives_max}
    )


def attribute_of(sqs, url, name):
    got = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name]).get("Attributes", {})
    return got.get(name)


def receive(sqs, url, count=10, timeout=0, **how):
    got = sqs.receive_message(
        QueueUrl=url,
        MaxNumberOfMessages=count,
        VisibilityTimeout=timeout,
        AttributeNames=["All"],
        **how,
    )
    return got.get("Messages", [])


@pytest.fixture
def dead(sqs, name):
    return sqs.create_queue(QueueName=f"{name}-dead")["QueueUrl"]


@pytest.fixture
def source(sqs, name, dead):
    attributes = {"RedrivePolicy": policy(f"{name}-dead")}
    return sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]


@pytest.fixture
def fifo_dead(sqs, name):
    return sqs.create_queue(
        QueueName=f"{name}-dead.fifo", Attributes={"FifoQueue": "true"}
    )["QueueUrl"]


@pytest.fixture
def fifo_source(sqs, name, fifo_dead):
    attributes = {"FifoQueue": "true", "RedrivePolicy": policy(f"{name}-dead.fifo")}
    return sqs.create_queue(QueueName=f"{name}.fifo", Attributes=attributes)["QueueUrl"]


def test_a_message_received_too_often_moves(sqs, source, dead, name):
    sent = sqs.send_message(
        QueueUrl=source,
        MessageBody="poison",
        MessageAttributes={"a": {"DataType": "String", "StringValue": "v"}},
    )
    first = receive(sqs, source)[0]
    assert receive(sqs, source)[0]["Attributes"]["ApproximateReceiveCount"] == "2"
    assert count_of(sqs, dead) == 0
    assert receive(sqs, source) == []
    assert (count_of(sqs, source), count_of(sqs, dead)) == (0, 1)
    got = receive(sqs, dead, MessageAttributeNames=["All"])[0]
    assert got["MessageId"] == sent["MessageId"]
    assert got["Body"] == "poison"
    assert got["MessageAttributes"]["a"]["StringValue"] == "v"
    assert got["Attributes"]["DeadLetterQueueSourceArn"] == arn_of(name)
    # The expiration of a message is always based on its original enqueue timestamp.
    assert got["Attributes"]["SentTimestamp"] == first["Attributes"]["SentTimestamp"]


def test_only_the_ones_received_too_often_move(sqs, source, dead):
    sqs.send_message(QueueUrl=source, MessageBody="old")
    for _ in range(2):
        receive(sqs, source)
    sqs.send_message(QueueUrl=source, MessageBody="new")
    bodies = []
    for _ in range(2):
        bodies += [m["Body"] for m in receive(sqs, source)]
    assert set(bodies) == {"new"}
    assert [m["Body"] for m in receive(sqs, dead)] == ["old"]


def test_receipts_of_a_message_that_moved(sqs, source, dead):
    sqs.send_message(QueueUrl=source, MessageBody="x")
    old = [receive(sqs, source)[0]["ReceiptHandle"] for _ in range(2)]
    receive(sqs, source)
    for receipt in old:
        sqs.delete_message(QueueUrl=source, ReceiptHandle=receipt)
    message = receive(sqs, dead, timeout=30)[0]
    sqs.delete_message(QueueUrl=dead, ReceiptHandle=message["ReceiptHandle"])
    assert receive(sqs, dead) == []
    assert count_of(sqs, dead) == 0


def test_a_poll_of_the_dead_letter_queue_wakes(sqs, source, dead):
    got = []

    def poll():
        got.extend(receive(sqs, dead, WaitTimeSeconds=20))

    poller = threading.Thread(target=poll)
    poller.start()
    sqs.send_message(QueueUrl=source, MessageBody="x")
    for _ in range(3):
        receive(sqs, source)
    poller.join(15)
    assert [m["Body"] for m in got] == ["x"]


def test_dead_letter_queues_in_a_row_count_anew(sqs, source, dead, name):
    last = sqs.create_queue(QueueName=f"{name}-last")["QueueUrl"]
    sqs.set_queue_attributes(
        QueueUrl=dead, Attributes={"RedrivePolicy": policy(f"{name}-last", 1)}
    )
    sqs.send_message(QueueUrl=source, MessageBody="x")
    for _ in range(3):
        receive(sqs, source)
    assert len(receive(sqs, dead)) == 1
    assert receive(sqs, dead) == []
    assert receive(sqs, last)[0]["Attributes"]["DeadLetterQueueSourceArn"] == arn_of(
        f"{name}-dead"
    )


def test_without_its_dead_letter_queue_a_message_is_received_on(sqs, source, dead):
    sqs.delete_queue(QueueUrl=dead)
    sqs.send_message(QueueUrl=source, MessageBody="x")
    for _ in range(5):
        assert [m["Body"] for m in receive(sqs, source)] == ["x"]


def test_fifo_messages_move_in_order_and_free_their_group(sqs, fifo_source, fifo_dead, name):
    for i in range(4):
        sqs.send_message(
            QueueUrl=fifo_source,
            MessageBody=str(i),
            MessageGroupId="g",
            MessageDeduplicationId=f"d{i}",
        )
    before = receive(sqs, fifo_source, 2)
    assert [m["Body"] for m in receive(sqs, fifo_source, 2)] == ["0", "1"]
    assert [m["Body"] for m in receive(sqs, fifo_source, 2)] == ["2", "3"]
    moved = receive(sqs, fifo_dead)
    assert [m["Body"] for m in moved] == ["0", "1"]
    for was, now in zip(before, moved):
        assert now["MessageId"] == was["MessageId"]
        assert now["Attributes"]["MessageGroupId"] == "g"
        assert now["Attributes"]["MessageDeduplicationId"] == was["MessageId"]
        assert now["Attributes"]["DeadLetterQueueSourceArn"] == arn_of(f"{name}.fifo")
        # The enqueue timestamp resets when a FIFO message moves.
        assert int(now["Attributes"]["SentTimestamp"]) >= int(was["Attributes"]["SentTimestamp"])
    assert [m["Body"] for m in receive(sqs, fifo_source, 10)] == ["2", "3"]
    for message in receive(sqs, fifo_dead, timeout=30):
        sqs.delete_message(QueueUrl=fifo_dead, ReceiptHandle=message["ReceiptHandle"])
    assert count_of(sqs, fifo_dead) == 0


def test_many_groups_move_at_once(sqs, fifo_source, fifo_dead):
    for i in range(30):
        sqs.send_message(
            QueueUrl=fifo_source,
            MessageBody=str(i),
            MessageGroupId=f"g{i % 5}",
            MessageDeduplicationId=f"d{i}",
        )
    seen = 0
    while seen < 60:
        got = receive(sqs, fifo_source)
        assert got
        seen += len(got)
    while receive(sqs, fifo_source):
        pass
    assert (count_of(sqs, fifo_source), count_of(sqs, fifo_dead)) == (0, 30)
    groups = {}
    while len(got := receive(sqs, fifo_dead, timeout=30)):
        for m in got:
            groups.setdefault(m["Attributes"]["MessageGroupId"], []).append(int(m["Body"]))
            sqs.delete_message(QueueUrl=fifo_dead, ReceiptHandle=m["ReceiptHandle"])
    assert len(groups) == 5 and all(len(g) == 6 and g == sorted(g) for g in groups.values())


def test_the_policy_comes_back_as_aws_writes_it(sqs, source, name, queue=None):
    assert json.loads(attribute_of(sqs, source, "RedrivePolicy")) == {
        "deadLetterTargetArn": arn_of(f"{name}-dead"),
        "maxReceiveCount": 2,
    }
    text = json.dumps({"deadLetterTargetArn": arn_of(f"{name}-dead"), "maxReceiveCount": "7"})
    sqs.set_queue_attributes(QueueUrl=source, Attributes={"RedrivePolicy": text})
    assert json.loads(attribute_of(sqs, source, "RedrivePolicy"))["maxReceiveCount"] == 7
    sqs.set_queue_attributes(
        QueueUrl=source,
        Attributes={"RedrivePolicy": json.dumps({"deadLetterTargetArn": arn_of(f"{name}-dead")})},
    )
    assert json.loads(attribute_of(sqs, source, "RedrivePolicy"))["maxReceiveCount"] == 10
    sqs.set_queue_attributes(QueueUrl=source, Attributes={"RedrivePolicy": ""})
    assert attribute_of(sqs, source, "RedrivePolicy") is None


def test_creating_again_compares_the_policy(sqs, source, name):
    again = {"RedrivePolicy": policy(f"{name}-dead")}
    assert sqs.create_queue(QueueName=name, Attributes=again)["QueueUrl"] == source
    with pytest.raises(sqs.exceptions.QueueNameExists):
        sqs.create_queue(QueueName=name, Attributes={"RedrivePolicy": policy(f"{name}-dead", 3)})


@pytest.mark.parametrize(
    "text, words",
    [
        ("no json", "Redrive policy is not a valid JSON map."),
        ("{}", "does not contain mandatory attribute: maxReceiveCount."),
        ('{"maxReceiveCount":3}', "does not contain mandatory attribute: deadLetterTargetArn."),
        ('{"deadLetterTargetArn":"%s","maxReceiveCount":0}', "Invalid value for maxReceiveCount: 0"),
        ('{"deadLetterTargetArn":"%s","maxReceiveCount":1001}', "valid values are from 1 to 1000"),
        ('{"deadLetterTargetArn":"%s","maxReceiveCount":1.5}', "maxReceiveCount: 1.5"),
        ('{"deadLetterTargetArn":"%s-none","maxReceiveCount":1}', "target does not exist."),
        ('{"deadLetterTargetArn":"arn:x","maxReceiveCount":1}', "deadLetterTargetArn"),
        (
            '{"deadLetterTargetArn":"arn:aws:sqs:eu-west-1:000000000000:q","maxReceiveCount":1}',
            "same account and Region",
        ),
        (
            '{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:111122223333:q","maxReceiveCount":1}',
            "same account and Region",
        ),
    ],
)
def test_bad_policies_are_refused(sqs, queue, dead, name, text, words):
    text = text.replace("%s", arn_of(f"{name}-dead"))
    for call in (
        lambda: sqs.set_queue_attributes(QueueUrl=queue, Attributes={"RedrivePolicy": text}),
        lambda: sqs.create_queue(QueueName=f"{name}-2", Attributes={"RedrivePolicy": text}),
    ):
        with pytest.raises(ClientError) as error:
            call()
        assert code_of(error) == "InvalidParameterValue"
        assert message_of(error).startswith(f"Value {text} for parameter RedrivePolicy is invalid.")
        assert words in message_of(error)
    assert attribute_of(sqs, queue, "RedrivePolicy") is None


def test_types_must_match_and_a_queue_is_not_its_own(sqs, queue, fifo, name, fifo_dead):
    for url, target in ((queue, f"{name}.fifo"), (fifo, name), (queue, name)):
        with pytest.raises(ClientError) as error:
            sqs.set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": policy(target)})
        assert code_of(error) == "InvalidParameterValue"


def test_a_dead_letter_queue_chooses_its_sources(sqs, dead, name):
    urls = [sqs.create_queue(QueueName=f"{name}-{i}")["QueueUrl"] for i in range(2)]

    def allow(permission, *sources):
        value = {"redrivePermission": permission}
        if sources:
            value["sourceQueueArns"] = [arn_of(s) for s in sources]
        sqs.set_queue_attributes(
            QueueUrl=dead, Attributes={"RedriveAllowPolicy": json.dumps(value)}
        )
        assert json.loads(attribute_of(sqs, dead, "RedriveAllowPolicy")) == value

    def use(url):
        sqs.set_queue_attributes(
            QueueUrl=url, Attributes={"RedrivePolicy": policy(f"{name}-dead")}
        )

    allow("denyAll")
    with pytest.raises(ClientError):
        use(urls[0])
    allow("byQueue", f"{name}-0")
    use(urls[0])
    with pytest.raises(ClientError) as error:
        use(urls[1])
    assert code_of(error) == "InvalidParameterValue"
    allow("allowAll")
    use(urls[1])
    sqs.set_queue_attributes(QueueUrl=dead, Attributes={"RedriveAllowPolicy": ""})
    assert attribute_of(sqs, dead, "RedriveAllowPolicy") is None


@pytest.mark.parametrize(
    "value",
    [
        "x",
        {},
        {"redrivePermission": "maybe"},
        {"redrivePermission": "byQueue"},
        {"redrivePermission": "allowAll", "sourceQueueArns": [arn_of("a")]},
        {"redrivePermission": "byQueue", "sourceQueueArns": ["a"]},
        {"redrivePermission": "byQueue", "sourceQueueArns": [arn_of(f"a{i}") for i in range(11)]},
    ],
)
def test_bad_allow_policies_are_refused(sqs, queue, value):
    with pytest.raises(ClientError) as error:
        sqs.set_queue_attributes(
            QueueUrl=queue, Attributes={"RedriveAllowPolicy": json.dumps(value)}
        )
    assert code_of(error) == "InvalidParameterValue"
    assert "RedriveAllowPolicy" in message_of(error)


def names_of(urls):
    return [url.rsplit("/", 1)[1] for url in urls]


def test_sources_are_listed_in_pages(sqs, dead, name):
    wanted = [f"{name}-s{i}" for i in range(5)]
    attributes = {"RedrivePolicy": policy(f"{name}-dead")}
    for source in wanted:
        sqs.create_queue(QueueName=source, Attributes=attributes)
    listed = sqs.list_dead_letter_source_queues(QueueUrl=dead)
    assert names_of(listed["queueUrls"]) == wanted
    assert "NextToken" not in listed
    seen, token = [], {}
    while True:
        page = sqs.list_dead_letter_source_queues(QueueUrl=dead, MaxResults=2, **token)
        seen.append(names_of(page["queueUrls"]))
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert seen == [wanted[:2], wanted[2:4], wanted[4:]]


def test_sources_come_and_go_with_their_policies(sqs, source, dead, name):
    def sources():
        return names_of(sqs.list_dead_letter_source_queues(QueueUrl=dead).get("queueUrls", []))

    assert sources() == [name]
    sqs.set_queue_attributes(QueueUrl=source, Attributes={"RedrivePolicy": ""})
    assert sources() == []
    sqs.set_queue_attributes(
        QueueUrl=source, Attributes={"RedrivePolicy": policy(f"{name}-dead", 5)}
    )
    assert sources() == [name]
    sqs.create_queue(QueueName=f"{name}-dead2")
    sqs.set_queue_attributes(QueueUrl=source, Attributes={"RedrivePolicy": policy(f"{name}-dead2")})
    assert sources() == []
    sqs.set_queue_attributes(QueueUrl=source, Attributes={"RedrivePolicy": policy(f"{name}-dead")})
    sqs.delete_queue(QueueUrl=source)
    assert sources() == []


def test_sources_of_a_missing_queue(sqs, queue):
    with pytest.raises(sqs.exceptions.QueueDoesNotExist):
        sqs.list_dead_letter_source_queues(QueueUrl=queue + "-none")
