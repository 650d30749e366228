# AddPermission, RemovePermission and the Policy attribute: kept and returned, not yet evaluated.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_AddPermission.html
# SPDX-License-Identifier: Apache-2.0
import json

import pytest
from botocore.exceptions import ClientError

from support import clients
from support.errors import code_of, message_of

FRIEND = "111122223333"


def policy_of(sqs, url):
    got = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"]).get("Attributes", {})
    return json.loads(got["Policy"]) if got else None


def add(sqs, url, label="mine", accounts=(FRIEND,), actions=("SendMessage",)):
    sqs.add_permission(
        QueueUrl=url, Label=label, AWSAccountIds=list(accounts), Actions=list(actions)
    )


def allow(sid, effect="Allow"):
    return {
        "Sid": sid,
        "Effect": effect,
        "Principal": {"AWS": f"arn:aws:iam::{FRIEND}:root"},
        "Action": "SQS:SendMessage",
        "Resource": "*",
    }


def test_there_is_no_policy_at_first(sqs, queue):
    assert policy_of(sqs, queue) is None
    got = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
    assert "Policy" not in got


def test_a_permission_becomes_a_statement(sqs, queue, name):
    arn = f"arn:aws:sqs:us-east-1:{clients.ACCOUNT}:{name}"
    add(sqs, queue)
    add(sqs, queue, "two", [FRIEND, "444455556666"], ["SendMessage", "ReceiveMessage"])
    assert policy_of(sqs, queue) == {
        "Version": "2008-10-17",
        "Id": f"{arn}/SQSDefaultPolicy",
        "Statement": [
            {
                "Sid": "mine",
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{FRIEND}:root"},
                "Action": "SQS:SendMessage",
                "Resource": arn,
            },
            {
                "Sid": "two",
                "Effect": "Allow",
                "Principal": {
                    "AWS": [f"arn:aws:iam::{FRIEND}:root", "arn:aws:iam::444455556666:root"]
                },
                "Action": ["SQS:SendMessage", "SQS:ReceiveMessage"],
                "Resource": arn,
            },
        ],
    }


def test_permissions_are_removed_by_label(sqs, queue):
    for label in "abc":
        add(sqs, queue, label)
    sqs.remove_permission(QueueUrl=queue, Label="b")
    assert [s["Sid"] for s in policy_of(sqs, queue)["Statement"]] == ["a", "c"]
    sqs.remove_permission(QueueUrl=queue, Label="c")
    sqs.remove_permission(QueueUrl=queue, Label="a")
    assert policy_of(sqs, queue) is None


def test_labels_are_unique_and_must_be_there(sqs, queue):
    add(sqs, queue)
    with pytest.raises(ClientError) as error:
        add(sqs, queue)
    assert code_of(error) == "InvalidParameterValue"
    assert message_of(error) == (
        "Value mine for parameter Label is invalid. Reason: Already exists."
    )
    with pytest.raises(ClientError) as error:
        sqs.remove_permission(QueueUrl=queue, Label="other")
    assert code_of(error) == "InvalidParameterValue"
    assert "can't find label on existing policy" in message_of(error)


@pytest.mark.parametrize(
    "wrong, words",
    [
        ({"label": "has space"}, "parameter Label"),
        ({"label": "x" * 81}, "parameter Label"),
        ({"accounts": ["friend"]}, "Value [friend] for parameter PrincipalId is invalid. Reason: Unable to verify principal."),
        ({"actions": ["Sing"]}, "Value SQS:Sing for parameter ActionName is invalid."),
        ({"actions": ["SendMessageBatch"]}, "Value SQS:SendMessageBatch for parameter ActionName"),
    ],
)
def test_bad_permissions_are_refused(sqs, queue, wrong, words):
    with pytest.raises(ClientError) as error:
        add(sqs, queue, **wrong)
    assert code_of(error) == "InvalidParameterValue"
    assert words in message_of(error)
    assert policy_of(sqs, queue) is None


def test_limits_of_permissions(sqs, queue):
    many = [
        "SendMessage",
        "ReceiveMessage",
        "DeleteMessage",
        "ChangeMessageVisibility",
        "GetQueueAttributes",
        "GetQueueUrl",
        "PurgeQueue",
        "ListDeadLetterSourceQueues",
    ]
    with pytest.raises(sqs.exceptions.OverLimit) as error:
        add(sqs, queue, actions=many)
    words = "8 actions were found in a statement from the submitted policy, max allowed is 7"
    assert message_of(error) == words
    for i in range(20):
        add(sqs, queue, f"s{i}", actions=["*"])
    with pytest.raises(sqs.exceptions.OverLimit) as error:
        add(sqs, queue, "s20")
    words = "21 statements were found in the submitted policy, max allowed is 20"
    assert message_of(error) == words
    assert len(policy_of(sqs, queue)["Statement"]) == 20


def test_principals_are_counted_over_all_permissions(sqs, queue):
    accounts = [f"{n:012}" for n in range(1, 51)]
    add(sqs, queue, "half", accounts[:25])
    add(sqs, queue, "rest", accounts[25:])
    with pytest.raises(sqs.exceptions.OverLimit):
        add(sqs, queue, "more", accounts[:1])
    with pytest.raises(sqs.exceptions.OverLimit):
        add(sqs, queue, "much", accounts + [FRIEND])
    assert len(policy_of(sqs, queue)["Statement"]) == 2


# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-policies.html
@pytest.mark.parametrize(
    "most, more, words",
    [
        (
            {"Action": [f"sqs:Get{n}*" for n in range(7)]},
            {"Action": [f"sqs:Get{n}*" for n in range(8)]},
            "8 actions were found in a statement from the submitted policy, max allowed is 7",
        ),
        (
            {"Principal": {"AWS": [f"{n:012}" for n in range(49)], "Service": "s3.amazonaws.com"}},
            {"Principal": {"AWS": [f"{n:012}" for n in range(50)], "Service": "s3.amazonaws.com"}},
            "51 principals were found",
        ),
        (
            {"Condition": {"StringEquals": {f"aws:k{n}": "v" for n in range(10)}}},
            {"Condition": {"StringEquals": {f"aws:k{n}": "v" for n in range(11)}}},
            "11 conditions were found",
        ),
        ({"Sid": "x" * 7000}, {"Sid": "x" * 8200}, "Submitted policy is over max allowed size."),
    ],
    ids=["actions", "principals", "conditions", "size"],
)
def test_limits_of_a_policy(sqs, queue, most, more, words):
    def put(statement):
        text = json.dumps({"Version": "2012-10-17", "Statement": [allow("one") | statement]})
        sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": text})

    put(most)
    with pytest.raises(sqs.exceptions.OverLimit) as error:
        put(more)
    assert words in message_of(error)
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def test_statements_of_a_policy_are_limited(sqs, queue):
    statements = [allow(f"s{n}") for n in range(30)]
    text = json.dumps({"Version": "2012-10-17", "Statement": statements})
    with pytest.raises(sqs.exceptions.OverLimit) as error:
        sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": text})
    words = "30 statements were found in the submitted policy, max allowed is 20"
    assert message_of(error) == words


def test_a_policy_is_kept_as_it_is(sqs, queue, name):
    text = json.dumps({"Version": "2012-10-17", "Statement": allow("one")}, indent=1)
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": text})
    got = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["Policy"])["Attributes"]
    assert got == {"Policy": text}
    add(sqs, queue, "two")
    policy = policy_of(sqs, queue)
    assert policy["Version"] == "2012-10-17"
    assert [s["Sid"] for s in policy["Statement"]] == ["one", "two"]
    assert policy["Statement"][0] == allow("one")
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": ""})
    assert policy_of(sqs, queue) is None


def test_a_queue_is_made_with_a_policy(sqs, name):
    text = json.dumps({"Version": "2012-10-17", "Statement": [allow("one")]})
    url = sqs.create_queue(QueueName=name, Attributes={"Policy": text})["QueueUrl"]
    assert policy_of(sqs, url)["Statement"] == [allow("one")]


@pytest.mark.parametrize("bad",
    [
        "no json",
        "[]",
        "{}",
        '{"Statement":[]}',
        '{"Statement":[{}]}',
        '{"Statement":[{"Effect":"Allow","Action":"*"}]}',
        '{"Statement":[{"Effect":"Allow","Principal":"*"}]}',
    ],
)
def test_what_is_no_policy_is_refused(sqs, queue, bad):
    with pytest.raises(ClientError) as error:
        sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": bad})
    assert code_of(error) == "InvalidAttributeValue"
    # hashicorp/terraform-provider-aws#42209
    assert message_of(error) == "Invalid value for the parameter Policy."


def test_a_policy_that_denies_is_refused_by_name(sqs, queue):
    text = json.dumps({"Version": "2012-10-17", "Statement": [allow("a"), allow("b", "Deny")]})
    with pytest.raises(ClientError) as error:
        sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": text})
    assert code_of(error) == "NotImplemented"
    assert "Deny" in message_of(error)
    assert policy_of(sqs, queue) is None


def test_permissions_of_a_missing_queue(sqs, queue):
    with pytest.raises(sqs.exceptions.QueueDoesNotExist):
        add(sqs, queue + "-none")
    with pytest.raises(sqs.exceptions.QueueDoesNotExist):
        sqs.remove_permission(QueueUrl=queue + "-none", Label="x")
