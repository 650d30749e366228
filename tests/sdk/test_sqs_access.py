# Whose queue it is: another account's root is refused in AWS's words, in both protocols.
# SPDX-License-Identifier: Apache-2.0
import pytest
from botocore.exceptions import ClientError

from support import clients

OTHER = "111122223333"
OPERATIONS = {
    "send_message": ("sqs:sendmessage", {"MessageBody": "x"}),
    "send_message_batch": ("sqs:sendmessage", {"Entries": [{"Id": "1", "MessageBody": "x"}]}),
    "receive_message": ("sqs:receivemessage", {}),
    "purge_queue": ("sqs:purgequeue", {}),
    "get_queue_attributes": ("sqs:getqueueattributes", {}),
    "tag_queue": ("sqs:tagqueue", {"Tags": {"a": "b"}}),
}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_another_account(server, queue, protocol, operation):
    action, more = OPERATIONS[operation]
    other = clients.client("sqs", server.url(), protocol, key=OTHER)
    with pytest.raises(ClientError) as error:
        getattr(other, operation)(QueueUrl=queue, **more)
    name = queue.rsplit("/", 1)[1]
    assert error.value.response["Error"]["Code"] == "AccessDenied"
    assert error.value.response["Error"]["Message"] == (
        f"User: arn:aws:iam::{OTHER}:root is not authorized to perform: {action} on resource: "
        f"arn:aws:sqs:us-east-1:000000000000:{name} because no resource-based policy allows the "
        f"{action} action"
    )


def test_a_queue_that_another_account_may_not_see(server, sqs, queue):
    other = clients.client("sqs", server.url(), key=OTHER)
    with pytest.raises(ClientError, match="NonExistentQueue"):
        other.get_queue_url(
            QueueName=queue.rsplit("/", 1)[1], QueueOwnerAWSAccountId=clients.ACCOUNT
        )
