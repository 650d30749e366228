# Messages through a queue, durable and in memory.
# SPDX-License-Identifier: Apache-2.0
import sys

from machine import bare_row, disk_row, fresh, load, row, running, serve_words, speed_row
from support.server import free_port
from support.signed import SignedClient

ABOUT = "sqs send, receive, delete beside a bare epoll server and the disk's syncs"


def queue_create(port):
    with SignedClient(port) as client:
        answer = client.json("CreateQueue", {"QueueName": "bench"})
    if answer.status != 200:
        sys.exit(f"bench: CreateQueue: {answer.body}")
    return answer.json()["QueueUrl"]


def run(options):
    disk_row()
    limit = bare_row(options.seconds)
    for kind, ephemeral in (("durable", False), ("--ephemeral", True)):
        port = free_port()
        with running(serve_words(port, fresh("sqs") / "data", ephemeral), port) as process:
            result = load("sqs", port, process, options.seconds, queue_create(port))
        speed_row(f"sqs send, receive, delete, {kind}", result, limit)
        row("  whole cycles", f"{result['cycles'] / result['seconds']:.0f}/s")
