# Queues by stock clients: made, found, listed, changed, deleted.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html
# SPDX-License-Identifier: Apache-2.0
import time

import pytest
from botocore.exceptions import ClientError

from support import clients
from support.errors import code_of

MISSING = "AWS.SimpleQueueService.NonExistentQueue"


def attributes_of(sqs, url):
    return sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]


def names_of(urls):
    return [url.rsplit("/", 1)[1] for url in urls]


def test_url_has_host_account_and_name(sqs, server, name):
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    assert url == f"{server.url()}/{clients.ACCOUNT}/{name}"
    assert sqs.get_queue_url(QueueName=name)["QueueUrl"] == url


def test_url_echoes_the_host_that_the_caller_used(server, protocol, name):
    by_name = clients.client("sqs", server.url("localhost"), protocol)
    url = by_name.create_queue(QueueName=name)["QueueUrl"]
    assert url == f"{server.url('localhost')}/{clients.ACCOUNT}/{name}"
    by_number = clients.client("sqs", server.url(), protocol)
    assert by_number.get_queue_url(QueueName=name)["QueueUrl"].startswith(server.url() + "/")
    assert by_name.list_queues(QueueNamePrefix=name)["QueueUrls"] == [url]


def test_attributes_have_their_defaults(sqs, name):
    before = int(time.time())
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    got = attributes_of(sqs, url)
    assert before <= int(got.pop("CreatedTimestamp")) <= time.time() + 1
    assert before <= int(got.pop("LastModifiedTimestamp")) <= time.time() + 1
    assert got == {
        "QueueArn": f"arn:aws:sqs:us-east-1:{clients.ACCOUNT}:{name}",
        "ApproximateNumberOfMessages": "0",
        "ApproximateNumberOfMessagesNotVisible": "0",
        "ApproximateNumberOfMessagesDelayed": "0",
        "DelaySeconds": "0",
        "MaximumMessageSize": "1048576",
        "MessageRetentionPeriod": "345600",
        "ReceiveMessageWaitTimeSeconds": "0",
        "VisibilityTimeout": "30",
        "SqsManagedSseEnabled": "true",
    }


def test_fifo_attributes_have_their_defaults(sqs, fifo):
    got = attributes_of(sqs, fifo)
    assert got["FifoQueue"] == "true"
    assert got["ContentBasedDeduplication"] == "false"
    assert got["DeduplicationScope"] == "queue"
    assert got["FifoThroughputLimit"] == "perQueue"


def test_only_the_attributes_asked_for_come_back(sqs, queue):
    asked = ["VisibilityTimeout", "QueueArn"]
    got = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=asked)["Attributes"]
    assert sorted(got) == sorted(asked)


def test_no_attributes_asked_for_none_returned(sqs, queue):
    assert not sqs.get_queue_attributes(QueueUrl=queue).get("Attributes")


def test_attributes_are_set(sqs, queue):
    wanted = {
        "VisibilityTimeout": "43200",
        "DelaySeconds": "900",
        "MaximumMessageSize": "1024",
        "MessageRetentionPeriod": "60",
        "ReceiveMessageWaitTimeSeconds": "20",
    }
    sqs.set_queue_attributes(QueueUrl=queue, Attributes=wanted)
    got = attributes_of(sqs, queue)
    assert {key: got[key] for key in wanted} == wanted


@pytest.mark.parametrize(
    "attribute, value",
    [
        ("VisibilityTimeout", "43201"),
        ("VisibilityTimeout", "-1"),
        ("VisibilityTimeout", "soon"),
        ("DelaySeconds", "901"),
        ("MaximumMessageSize", "1023"),
        ("MaximumMessageSize", "1048577"),
        ("MessageRetentionPeriod", "59"),
        ("MessageRetentionPeriod", "1209601"),
        ("ReceiveMessageWaitTimeSeconds", "21"),
    ],
)
def test_values_out_of_range_are_refused(sqs, queue, name, attribute, value):
    with pytest.raises(ClientError) as error:
        sqs.set_queue_attributes(QueueUrl=queue, Attributes={attribute: value})
    assert code_of(error) == "InvalidAttributeValue"
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    with pytest.raises(ClientError) as error:
        sqs.create_queue(QueueName=f"{name}-2", Attributes={attribute: value})
    assert code_of(error) == "InvalidAttributeValue"


def test_an_unknown_attribute_is_refused(sqs, queue):
    with pytest.raises(ClientError) as error:
        sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Colour": "red"})
    assert code_of(error) == "InvalidAttributeName"
    with pytest.raises(ClientError) as error:
        sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["Colour"])
    assert code_of(error) == "InvalidAttributeName"


def test_creating_twice_with_the_same_attributes_gives_the_same_queue(sqs, name):
    attributes = {"VisibilityTimeout": "7"}
    first = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    assert sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"] == first


def test_creating_twice_with_other_attributes_is_refused(sqs, name):
    sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "7"})
    with pytest.raises(sqs.exceptions.QueueNameExists) as error:
        sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "8"})
    assert code_of(error) == "QueueAlreadyExists"


@pytest.mark.parametrize("bad", ["a" * 81, "has space", "dot.ted", "q.fifo", "umlaut-ü"])
def test_bad_names_are_refused(sqs, bad):
    with pytest.raises(ClientError) as error:
        sqs.create_queue(QueueName=bad)
    assert code_of(error) == "InvalidParameterValue"


def test_a_name_of_80_characters_is_good(sqs, name):
    long_name = (name + "_" + "a" * 80)[:80]
    assert sqs.create_queue(QueueName=long_name)["QueueUrl"].endswith("/" + long_name)


def test_a_fifo_queue_must_be_named_fifo(sqs, name):
    with pytest.raises(ClientError) as error:
        sqs.create_queue(QueueName=name, Attributes={"FifoQueue": "true"})
    assert code_of(error) == "InvalidParameterValue"


def test_a_missing_queue_is_named_by_its_error(sqs, server, name):
    url = f"{server.url()}/{clients.ACCOUNT}/{name}"
    calls = [
        lambda: sqs.get_queue_url(QueueName=name),
        lambda: sqs.delete_queue(QueueUrl=url),
        lambda: sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"]),
        lambda: sqs.set_queue_attributes(QueueUrl=url, Attributes={"DelaySeconds": "1"}),
        lambda: sqs.send_message(QueueUrl=url, MessageBody="x"),
        lambda: sqs.receive_message(QueueUrl=url),
        lambda: sqs.delete_message(QueueUrl=url, ReceiptHandle="x"),
    ]
    for call in calls:
        with pytest.raises(sqs.exceptions.QueueDoesNotExist) as error:
            call()
        assert code_of(error) == MISSING
        assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_deleted_queues_are_gone_with_their_messages(sqs, queue, name):
    sqs.send_message(QueueUrl=queue, MessageBody="lost")
    sqs.delete_queue(QueueUrl=queue)
    with pytest.raises(sqs.exceptions.QueueDoesNotExist):
        sqs.get_queue_url(QueueName=name)
    with pytest.raises(sqs.exceptions.QueueDoesNotExist):
        sqs.receive_message(QueueUrl=queue)
    assert not sqs.list_queues(QueueNamePrefix=name).get("QueueUrls")


def test_listing_by_prefix(sqs, name):
    for suffix in ("-a", "-b", "-c"):
        sqs.create_queue(QueueName=name + suffix)
    listed = sqs.list_queues(QueueNamePrefix=name)
    assert sorted(names_of(listed["QueueUrls"])) == [name + "-a", name + "-b", name + "-c"]
    assert "NextToken" not in listed
    assert not sqs.list_queues(QueueNamePrefix=name + "-none").get("QueueUrls")


def test_listing_in_pages(sqs, name):
    wanted = {f"{name}-{i}" for i in range(7)}
    for each in wanted:
        sqs.create_queue(QueueName=each)
    seen, sizes, token = [], [], {}
    while True:
        page = sqs.list_queues(QueueNamePrefix=name, MaxResults=3, **token)
        urls = page.get("QueueUrls", [])
        seen += names_of(urls)
        sizes.append(len(urls))
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert len(seen) == 7 and set(seen) == wanted
    assert sizes == [3, 3, 1]


def test_listing_refuses_a_made_up_token(sqs, queue):
    with pytest.raises(ClientError) as error:
        sqs.list_queues(MaxResults=3, NextToken="no such token")
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_accounts_do_not_see_each_other(sqs, server, protocol, name):
    sqs.create_queue(QueueName=name)
    other = clients.client("sqs", server.url(), protocol, key="111122223333")
    assert not other.list_queues(QueueNamePrefix=name).get("QueueUrls")
    with pytest.raises(other.exceptions.QueueDoesNotExist):
        other.get_queue_url(QueueName=name)
    assert "/111122223333/" in other.create_queue(QueueName=name)["QueueUrl"]


def test_regions_do_not_see_each_other(sqs, server, name):
    from botocore.session import Session

    sqs.create_queue(QueueName=name)
    other = Session().create_client(
        "sqs",
        region_name="eu-west-1",
        endpoint_url=server.url(),
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    assert not other.list_queues(QueueNamePrefix=name).get("QueueUrls")
