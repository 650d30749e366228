# Tags of queues by stock clients.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_TagQueue.html
# SPDX-License-Identifier: Apache-2.0
import pytest
from botocore.exceptions import ClientError

from support.errors import code_of


def tags_of(sqs, url):
    return sqs.list_queue_tags(QueueUrl=url).get("Tags", {})


def test_a_queue_has_no_tags_at_first(sqs, queue):
    assert "Tags" not in sqs.list_queue_tags(QueueUrl=queue)


def test_tags_are_added_overwritten_and_removed(sqs, queue):
    sqs.tag_queue(QueueUrl=queue, Tags={"Owner": "ann", "owner": "bob", "empty": ""})
    sqs.tag_queue(QueueUrl=queue, Tags={"Owner": "cy", "naïve key": "größe _.:/=+-@"})
    assert tags_of(sqs, queue) == {
        "Owner": "cy",
        "owner": "bob",
        "empty": "",
        "naïve key": "größe _.:/=+-@",
    }
    sqs.untag_queue(QueueUrl=queue, TagKeys=["Owner", "empty", "never there"])
    assert tags_of(sqs, queue) == {"owner": "bob", "naïve key": "größe _.:/=+-@"}
    sqs.untag_queue(QueueUrl=queue, TagKeys=["owner", "naïve key"])
    assert "Tags" not in sqs.list_queue_tags(QueueUrl=queue)


def test_a_queue_is_made_with_tags(sqs, name):
    url = sqs.create_queue(QueueName=name, tags={"team": "blue", "cost": "7"})["QueueUrl"]
    assert tags_of(sqs, url) == {"team": "blue", "cost": "7"}
    # Tags are no attributes: another set is no conflict, and changes nothing.
    assert sqs.create_queue(QueueName=name, tags={"team": "red"})["QueueUrl"] == url
    assert tags_of(sqs, url) == {"team": "blue", "cost": "7"}


def test_tags_survive_a_purge(sqs, queue):
    sqs.tag_queue(QueueUrl=queue, Tags={"k": "v"})
    sqs.purge_queue(QueueUrl=queue)
    assert tags_of(sqs, queue) == {"k": "v"}


@pytest.mark.parametrize(
    "tags",
    [
        {"k" * 129: "v"},
        {"k": "v" * 257},
        {"": "v"},
        {"aws:mine": "v"},
        {"AWS:mine": "v"},
        {"k": "aws:v"},
        {"semi;colon": "v"},
        {"k": "a*b"},
    ],
)
def test_bad_tags_are_refused(sqs, queue, name, tags):
    for call in (
        lambda: sqs.tag_queue(QueueUrl=queue, Tags=tags),
        lambda: sqs.create_queue(QueueName=f"{name}-2", tags=tags),
    ):
        with pytest.raises(ClientError) as error:
            call()
        assert code_of(error) == "InvalidParameterValue"
    assert tags_of(sqs, queue) == {}


def test_the_longest_tags_are_good(sqs, queue):
    tags = {"ü" * 128: "ö" * 256}
    sqs.tag_queue(QueueUrl=queue, Tags=tags)
    assert tags_of(sqs, queue) == tags


def test_a_queue_has_at_most_50_tags(sqs, queue, name):
    tags = {f"k{i}": str(i) for i in range(50)}
    sqs.tag_queue(QueueUrl=queue, Tags=tags)
    sqs.tag_queue(QueueUrl=queue, Tags={"k7": "other"})
    with pytest.raises(ClientError) as error:
        sqs.tag_queue(QueueUrl=queue, Tags={"one": "more"})
    assert code_of(error) == "InvalidParameterValue"
    assert error.value.response["Error"]["Message"] == f"Too many tags added for queue {name}."
    assert tags_of(sqs, queue) == tags | {"k7": "other"}


def test_tags_of_a_missing_queue(sqs, queue):
    missing = queue + "-none"
    for call in (
        lambda: sqs.tag_queue(QueueUrl=missing, Tags={"k": "v"}),
        lambda: sqs.untag_queue(QueueUrl=missing, TagKeys=["k"]),
        lambda: sqs.list_queue_tags(QueueUrl=missing),
    ):
        with pytest.raises(sqs.exceptions.QueueDoesNotExist):
            call()
