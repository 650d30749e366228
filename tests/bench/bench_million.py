# A million messages: starts, memory, bytes on disk, and what other queues notice when the million goes.
# SPDX-License-Identifier: Apache-2.0
import json
import pathlib
import signal
import subprocess
import sys
import time

from bench_sqs import queue_create
from machine import TOOLS, fresh, load, row, running, serve_words, speed_row
from support.server import free_port
from support.signed import SignedClient

ABOUT = "sqs with a million messages of 256 bytes: start, memory, disk, and the queues beside it"
MESSAGES, MESSAGES_QUICK, MESSAGE_BYTES = 1_000_000, 5_000, 256
SETTLE_SECONDS_MAX = 120


def call(port, operation, **members):
    with SignedClient(port, timeout=300) as client:
        answer = client.json(operation, members)
    if answer.status != 200:
        sys.exit(f"bench: {operation}: {answer.body}")
    return json.loads(answer.body) if answer.body else {}


def fill(port, process, url, messages):
    return load("fill", port, process, messages, url, message_bytes=MESSAGE_BYTES)


def start_ms(port, data):
    """One start to the first answer; the program is killed after it."""
    words = [TOOLS / "start", port, 1, *serve_words(port, data)]
    done = subprocess.run(
        [str(word) for word in words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    return int(done.stdout) / 1000 if done.stdout else sys.exit("bench: no start")


def bytes_in(data):
    return sum(path.stat().st_size for path in data.rglob("*") if path.is_file())


def settled_bytes(data):
    """On disk, when compaction has come to rest."""
    before, deadline = -1, time.monotonic() + SETTLE_SECONDS_MAX
    while (now := bytes_in(data)) != before and time.monotonic() < deadline:
        before = now
        time.sleep(3)  # longer than between two compactions
    return now


def memory_mib(pid, kind="VmRSS"):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(kind):
            return int(line.split()[1]) / 1024
    return 0


def end(process, number):
    process.send_signal(number)
    process.wait()


def size_rows(messages, seconds):
    data, port = fresh("million") / "data", free_port()
    with running(serve_words(port, data), port) as process:
        url = queue_create(port)
        filled = fill(port, process, url, messages)
        speed_row(f"send {messages} messages by tens", filled)
        end(process, signal.SIGKILL)
    row("start after kill -9 while filling", f"{start_ms(port, data):.0f} ms", "the goal is 2000 ms")
    with running(serve_words(port, data), port) as process:
        load("sqs", port, process, seconds, url)
        row("resident memory with them, in use", f"{memory_mib(process.pid):.0f} MiB", "the goal is 96 MiB")
        end(process, signal.SIGTERM)
    row("start after a clean stop", f"{start_ms(port, data):.0f} ms", "the goal is 60 ms")
    with running(serve_words(port, data), port) as process:
        size = settled_bytes(data)
    part = size / (messages * MESSAGE_BYTES)
    row("bytes on disk, after compaction", f"{size / 2**20:.0f} MiB", f"{part:.2f}x the bodies; the goal is 2x")


def beside(port, process, url, seconds, rate):
    """Another queue: its top rate, and its latencies at a fixed rate."""
    closed = load("sqs", port, process, seconds, url)
    opened = load("sqs", port, process, seconds, url, rate=rate or closed["rate"] / 2)
    return closed, opened


def disturb_row(name, calm, now):
    loss = 1 - now[0]["rate"] / calm[0]["rate"]
    slower = now[1]["p99_us"] / max(calm[1]["p99_us"], 1)
    row(
        f"another queue while {name}",
        f"{now[0]['rate']:.0f}/s",
        f"{100 * loss:.0f} % fewer; p99 at half of the calm rate {now[1]['p99_us'] / 1000:.2f} ms, "
        f"{slower:.1f}x the calm one",
    )


def purge(port, url):
    call(port, "PurgeQueue", QueueUrl=url)


def delete(port, url):
    call(port, "DeleteQueue", QueueUrl=url)


def expire(port, url):
    """All messages are older than the period that the queue has from now on."""
    call(port, "SetQueueAttributes", QueueUrl=url, Attributes={"MessageRetentionPeriod": "60"})
    time.sleep(61)  # the wall clock is what the bench measures by


def redrive(port, url):
    arn = call(port, "GetQueueAttributes", QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 1})
    queue_create(port, "source", {"RedrivePolicy": policy})
    destination = queue_create(port, "destination")
    to = call(port, "GetQueueAttributes", QueueUrl=destination, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    call(port, "StartMessageMoveTask", SourceArn=arn, DestinationArn=to)
    return lambda: call(port, "ListMessageMoveTasks", SourceArn=arn)["Results"][0]["ApproximateNumberOfMessagesMoved"]


def disturbance_rows(messages, seconds):
    for number, (name, act) in enumerate(
        {
            "a million is redriven": redrive,
            "a purged million is deleted": purge,
            "a deleted queue's million is deleted": delete,
            "a million is past its retention": expire,
        }.items()
    ):
        port = free_port()
        with running(serve_words(port, fresh("million") / "data"), port) as process:
            full, other = queue_create(port, f"full{number}"), queue_create(port, "other")
            fill(port, process, full, messages)
            load("sqs", port, process, seconds, other)
            calm = beside(port, process, other, seconds, 0)
            progress = act(port, full)
            now = beside(port, process, other, seconds, calm[0]["rate"] / 2)
            disturb_row(name, calm, now)
            row("  peak of resident memory until then", f"{memory_mib(process.pid, 'VmHWM'):.0f} MiB")
            if progress:
                row("  of them moved meanwhile", f"{progress()}")


def run(options):
    messages = MESSAGES_QUICK if options.quick else MESSAGES
    size_rows(messages, options.seconds)
    disturbance_rows(messages, options.seconds)
