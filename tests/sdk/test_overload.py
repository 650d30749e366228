# Rates of operations, and what the log tells of slow and traced calls.
# SPDX-License-Identifier: Apache-2.0
import contextlib
import re

import pytest
from botocore.exceptions import ClientError

from support import clients
from support.admin import admin
from support.server import Server, eventually
from support.signed import SignedClient

POLLS = 5
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


def await_only_waiting(server, count):
    """So many polls wait, and nothing else is under way: whoever was woken has ended."""

    def is_so():
        status, text = admin(server, "GET", "metrics")
        assert status == 200
        names = ("c10m_requests_waiting", "c10m_requests_in_flight")
        found = [int(re.search(rf"^{name} (\d+)$", text, re.MULTILINE)[1]) for name in names]
        return found == [count, 0]

    eventually(is_so, 20, f"only {count} polls wait")


def test_long_polls_leave_room_for_others(tmp_path):
    """With one request under way at most, any number may wait."""
    with Server(tmp_path, options=["--requests-max", "1"]) as server:
        sqs = clients.client("sqs", server.url())
        url = sqs.create_queue(QueueName="jobs")["QueueUrl"]
        with contextlib.ExitStack() as stack:
            polls = [stack.enter_context(SignedClient(server.port)) for _ in range(POLLS)]
            for count, poll in enumerate(polls, 1):
                poll.start_json("ReceiveMessage", {"QueueUrl": url, "WaitTimeSeconds": 20})
                await_only_waiting(server, count)
            for number in range(POLLS):
                sqs.send_message(QueueUrl=url, MessageBody=str(number))
                await_only_waiting(server, POLLS - number - 1)
            bodies = [poll.finish().json()["Messages"][0]["Body"] for poll in polls]
        assert sorted(bodies) == [str(number) for number in range(POLLS)]
