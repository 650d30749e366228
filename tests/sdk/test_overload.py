# Rates of operations, and what the log tells of slow and traced calls.
# SPDX-License-Identifier: Apache-2.0
import re

import pytest
from botocore.exceptions import ClientError

from support import clients
from support.server import Server
from support.signed import SignedClient

TRACE = "Root=1-67891233-abcdef012345678912345678;Parent=53995c3f42cd8ad8"


def test_the_rate_of_an_operation(tmp_path, protocol):
    options = ["--operation-rate", "sqs:GetQueueUrl=1", "--ephemeral"]
    with Server(tmp_path, options=options) as server:
        one = clients.client("sqs", server.url(), protocol)
        one.create_queue(QueueName="jobs")
        with pytest.raises(ClientError) as error:
            for _ in range(1000):
                one.get_queue_url(QueueName="jobs")
        assert error.value.response["Error"]["Code"] == "RequestThrottled"
        assert error.value.response["Error"]["Message"] == "Rate exceeded"
        one.list_queues()
        other = clients.client("sqs", server.url(), protocol, key="111111111111")
        with pytest.raises(ClientError, match="NonExistentQueue"):
            other.get_queue_url(QueueName="jobs")


def lines(server, **wanted):
    """The log's lines of requests that have these fields."""
    fields = [re.compile(rf"\b{name}={re.escape(value)}(\s|$)") for name, value in wanted.items()]
    text = server.log.read_text()
    return [line for line in text.splitlines() if all(f.search(line) for f in fields)]


def test_the_log(tmp_path):
    with Server(tmp_path, options=["--log-level", "debug", "--ephemeral"]) as server:
        with SignedClient(server.port) as client:
            url = client.json("CreateQueue", {"QueueName": "jobs"}).json()["QueueUrl"]
            body = b'{"QueueName":"jobs"}'
            headers = {
                "Content-Type": "application/x-amz-json-1.0",
                "X-Amz-Target": "AmazonSQS.GetQueueUrl",
                "X-Amzn-Trace-Id": TRACE,
            }
            answer = client.send(client.headers(headers, body), body)
            client.json("ReceiveMessage", {"QueueUrl": url, "WaitTimeSeconds": 2})
        (traced,) = lines(server, operation="GetQueueUrl", account="000000000000", status="200")
        assert f'trace="{TRACE}"' in traced
        assert f"id={answer.headers['x-amzn-requestid']}" in traced
        (polled,) = lines(server, operation="ReceiveMessage")
        assert "level=debug" in polled, "a long poll is not slow"
        assert int(re.search(r"waited_us=(\d+)", polled)[1]) > 1_000_000


def test_slow_requests(tmp_path):
    # The MD5 of a MiB alone takes longer than a millisecond.
    with Server(tmp_path, options=["--slow-request-ms", "1", "--ephemeral"]) as server:
        client = clients.client("sqs", server.url())
        url = client.create_queue(QueueName="jobs")["QueueUrl"]
        for _ in range(20):
            client.send_message(QueueUrl=url, MessageBody="x" * 1024 * 1024)
            if slow := lines(server, level="warn", operation="SendMessage"):
                assert "duration_us=" in slow[0]
                return
        pytest.fail("no call took a millisecond")
