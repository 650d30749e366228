# The pinned AWS CLI, as a person uses it after `eval "$(./dev env)"`.
# SPDX-License-Identifier: Apache-2.0
from support.clients import aws


def test_a_message_from_the_command_line(server, name):
    url = aws(server.url(), "sqs", "create-queue", "--queue-name", name)["QueueUrl"]
    assert url.startswith(server.url() + "/")
    sent = aws(
        server.url(), "sqs", "send-message", "--queue-url", url, "--message-body", "from a shell"
    )
    got = aws(
        server.url(), "sqs", "receive-message", "--queue-url", url, "--wait-time-seconds", "10"
    )
    (message,) = got["Messages"]
    assert message["Body"] == "from a shell" and message["MessageId"] == sent["MessageId"]
    handle = message["ReceiptHandle"]
    aws(server.url(), "sqs", "delete-message", "--queue-url", url, "--receipt-handle", handle)
    listed = aws(server.url(), "sqs", "list-queues", "--queue-name-prefix", name)
    assert listed["QueueUrls"] == [url]
    aws(server.url(), "sqs", "delete-queue", "--queue-url", url)


def test_fifo_from_the_command_line(server, name):
    url = aws(
        server.url(),
        *("sqs", "create-queue", "--queue-name", f"{name}.fifo"),
        *("--attributes", "FifoQueue=true,ContentBasedDeduplication=true"),
    )["QueueUrl"]
    for body in ("1", "2", "2"):
        words = ("--message-body", body, "--message-group-id", "g")
        aws(server.url(), "sqs", "send-message", "--queue-url", url, *words)
    words = ("--queue-url", url, "--max-number-of-messages", "10", "--wait-time-seconds", "10")
    got = aws(server.url(), "sqs", "receive-message", *words)
    assert [m["Body"] for m in got["Messages"]] == ["1", "2"]


def test_errors_are_awss(server, name):
    done = aws(server.url(), "sqs", "get-queue-url", "--queue-name", name, check=False)
    assert done.returncode != 0
    assert "NonExistentQueue" in done.stderr or "QueueDoesNotExist" in done.stderr


def test_caller_identity_from_the_command_line(server):
    assert aws(server.url(), "sts", "get-caller-identity")["Account"] == "000000000000"
