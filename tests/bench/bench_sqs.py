# Messages through a queue, durable and in memory: throughput, CPU, latency.
# SPDX-License-Identifier: Apache-2.0
import sys

from machine import bare_row, disk_row, fresh, load, row, running, serve_words, speed_row, sync_us
from support.server import free_port
from support.signed import SignedClient

ABOUT = "sqs send, receive, delete beside a bare epoll server and the disk's syncs"
ONE_WRITE_BYTES = 512  # about what a send of 100 bytes writes to the log


def queue_create(port, name="bench", attributes=None):
    with SignedClient(port) as client:
        answer = client.json("CreateQueue", {"QueueName": name, "Attributes": attributes or {}})
    if answer.status != 200:
        sys.exit(f"bench: CreateQueue: {answer.body}")
    return answer.json()["QueueUrl"]


def cycle_rows(seconds, limit, syncs, kind, ephemeral):
    port = free_port()
    with running(serve_words(port, fresh("sqs") / "data", ephemeral), port) as process:
        url = queue_create(port)
        load("sqs", port, process, seconds / 2, url)  # warm
        result = load("sqs", port, process, seconds, url)
        speed_row(f"sqs send, receive, delete, {kind}", result, limit)
        row("  whole cycles", f"{result['cycles'] / result['seconds']:.0f}/s")
        if not ephemeral:
            row("  requests for each serial fdatasync", f"{result['rate'] / syncs:.1f}")
        batch = load("batch", port, process, seconds, url)
        speed_row("  batches of ten", batch, limit)
        row("  messages in them, whole cycles", f"{batch['cycles'] / batch['seconds']:.0f}/s")
        half = load("sqs", port, process, seconds, url, rate=result["rate"] / 2, connections=256)
        speed_row("  at half of that rate, open loop", half, limit)


def plain_cycle_row(seconds, limit):
    """What sealing bodies costs: the same without."""
    port = free_port()
    with running(serve_words(port, fresh("sqs") / "data"), port) as process:
        url = queue_create(port, attributes={"SqsManagedSseEnabled": "false"})
        load("sqs", port, process, seconds / 2, url)
        result = load("sqs", port, process, seconds, url)
        speed_row("sqs, durable, SqsManagedSseEnabled=false", result, limit)


def lonely_rows(seconds):
    port = free_port()
    with running(serve_words(port, fresh("sqs") / "data"), port) as process:
        url = queue_create(port)
        load("send", port, process, seconds / 2, url, connections=1)
        result = load("send", port, process, seconds, url, connections=1)
    sync, _ = sync_us(ONE_WRITE_BYTES)
    speed_row("sqs send, durable, one client alone", result)
    row(
        "  its median beside an fdatasync",
        f"{result['p50_us']:.0f} us",
        f"{sync:.0f} us for {ONE_WRITE_BYTES} bytes; the goal is {1.5 * sync + 150:.0f} us",
    )


def run(options):
    syncs = disk_row()
    limit = bare_row(options.seconds)
    cycle_rows(options.seconds, limit, syncs, "durable", False)
    cycle_rows(options.seconds, limit, syncs, "--ephemeral", True)
    plain_cycle_row(options.seconds, limit)
    lonely_rows(options.seconds)
