#!/usr/bin/env python3
# Makes an upgrade fixture with the build that C10M_PROGRAM names: a data directory with some of
# everything, which every later build must open. Run it for each release:
#     tests/upgrade/make.py tests/upgrade/VERSION.tar.xz
# The archive is committed and never changes again; what it must show is in expected.json inside.
import json
import pathlib
import subprocess
import sys
import tarfile
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.admin import clock_move  # noqa: E402
from support.clients import client  # noqa: E402
from support.server import PROGRAM, Server, eventually  # noqa: E402

DAY_S = 24 * 3600
YEAR_S = 365 * DAY_S
SHARED = PROGRAM.parent / "tests/upgrade/shared"
ARN = "arn:aws:sqs:us-east-1:000000000000:"
# Fourteen days of retention would be over when a later build looks; so `shared check` sets the
# service clock of the fixture back to this time, which its store remembers.
MADE_AT = "2030-01-01T00:00:00Z"


def body_list(sqs, url, **how):
    return [
        m["Body"]
        for m in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, **how).get("Messages", [])
    ]


def fill(server):
    sqs = client("sqs", server.url())
    made = {}

    def queue(name, **attributes):
        made[name] = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        return made[name]

    keep = {"MessageRetentionPeriod": str(14 * DAY_S)}
    dead = queue("dead", **keep)
    policy = json.dumps({"deadLetterTargetArn": ARN + "dead", "maxReceiveCount": 1})
    source = queue("source", RedrivePolicy=policy, VisibilityTimeout="0", **keep)
    for i in range(5):
        sqs.send_message(
            QueueUrl=source,
            MessageBody=f"dead {i}",
            MessageAttributes={"n": {"DataType": "Number", "StringValue": str(i)}},
        )
    eventually(lambda: not body_list(sqs, source), 30, "all messages are dead letters")
    plain = queue("plain", VisibilityTimeout="3600", **keep)
    sqs.tag_queue(QueueUrl=plain, Tags={"team": "storage", "empty": ""})
    for i in range(12):
        sqs.send_message(QueueUrl=plain, MessageBody=f"plain {i}")
    in_flight = body_list(sqs, plain)
    sqs.send_message(QueueUrl=plain, MessageBody="delayed", DelaySeconds=900)
    fifo = queue("ordered.fifo", FifoQueue="true", ContentBasedDeduplication="true", **keep)
    for i in range(9):
        sqs.send_message(QueueUrl=fifo, MessageBody=f"fifo {i}", MessageGroupId=f"g{i % 3}")
    first = sqs.receive_message(QueueUrl=fifo, VisibilityTimeout=3600)["Messages"][0]["Body"]
    sealed = queue("sealed", SqsManagedSseEnabled="true", **keep)
    for i in range(4):
        sqs.send_message(QueueUrl=sealed, MessageBody=f"sealed {i}")
    spread = {"DeduplicationScope": "messageGroup", "FifoThroughputLimit": "perMessageGroupId"}
    spread_url = queue("spread.fifo", FifoQueue="true", **spread, **keep)
    for i in range(6):
        how = {"MessageGroupId": f"g{i % 2}", "MessageDeduplicationId": f"d{i}"}
        sqs.send_message(QueueUrl=spread_url, MessageBody=f"spread {i}", **how)
    sqs.add_permission(
        QueueUrl=plain, Label="others", AWSAccountIds=["111122223333"], Actions=["SendMessage"]
    )
    # A slow move of the dead letters, which is under way when the fixture is closed.
    target = queue("target", **keep)
    for i in range(40):
        sqs.send_message(QueueUrl=dead, MessageBody=f"more {i}")
    sqs.start_message_move_task(
        SourceArn=ARN + "dead", DestinationArn=ARN + "target", MaxNumberOfMessagesPerSecond=1
    )
    gone = queue("gone")
    sqs.send_message(QueueUrl=gone, MessageBody="x")
    sqs.purge_queue(QueueUrl=gone)
    sqs.delete_queue(QueueUrl=gone)
    return {
        "made_at": MADE_AT,
        "plain": {"in_flight": sorted(in_flight), "total": 13, "tags": {"team": "storage", "empty": ""}},
        "fifo": {"total": 9, "in_flight": first},
        "dead_and_target": sorted([f"dead {i}" for i in range(5)] + [f"more {i}" for i in range(40)]),
        "sealed": sorted(f"sealed {i}" for i in range(4)),
        "spread": [f"spread {i}" for i in range(6)],
        "permission": "others",
        "queues": sorted(made.keys() - {"gone"}),
    }


def make(archive):
    with tempfile.TemporaryDirectory() as directory:
        directory = pathlib.Path(directory)
        server = Server(directory).start()
        try:
            clock_move(server, to=MADE_AT)
            expected = fill(server)
        finally:
            server.kill()
        subprocess.run([SHARED, "make", directory / "data"], check=True)
        (directory / "expected.json").write_text(json.dumps(expected, indent=1, sort_keys=True))
        with tarfile.open(archive, "w:xz") as tar:
            tar.add(directory / "data", "data")
            tar.add(directory / "expected.json", "expected.json")


if __name__ == "__main__":
    make(pathlib.Path(sys.argv[1]).resolve())
