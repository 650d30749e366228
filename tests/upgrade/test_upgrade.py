# Data directories of earlier builds, opened by this one: nothing is missing, and it works on.
import json
import pathlib
import subprocess
import tarfile

import pytest

from support.admin import clock_move
from support.clients import client
from support.server import PROGRAM, Server, child_environment, eventually

FIXTURES = sorted(pathlib.Path(__file__).parent.glob("*.tar.xz"))
SHARED = PROGRAM.parent / "tests/upgrade/shared"
ACCOUNT_PATH = "/000000000000/"


def test_there_are_fixtures():
    assert FIXTURES


def drain(sqs, url):
    bodies = []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            bodies.append(message["Body"])
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return bodies


@pytest.fixture(params=FIXTURES, ids=lambda path: path.name.removesuffix(".tar.xz"))
def opened(request, tmp_path):
    with tarfile.open(request.param) as tar:
        tar.extractall(tmp_path)
    return tmp_path, json.loads((tmp_path / "expected.json").read_text())


def check_shared(directory):
    done = subprocess.run(
        [SHARED, "check", directory / "data"],
        capture_output=True,
        text=True,
        env=child_environment(),
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def fsck(directory):
    done = subprocess.run(
        [PROGRAM, "fsck", "--data", directory / "data"],
        capture_output=True, text=True, env=child_environment(), timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_it_is_in_order_and_shared_state_is_there(opened):
    directory, _ = opened
    fsck(directory)
    check_shared(directory)


def test_tags_are_where_they_belong_today(opened):
    directory, expected = opened
    check_shared(directory)
    with Server(directory) as server:
        sqs = client("sqs", server.url())
        url = server.url() + ACCOUNT_PATH + "plain"
        sqs.tag_queue(QueueUrl=url, Tags={"new": "1"})
        sqs.untag_queue(QueueUrl=url, TagKeys=["team"])
        tags = {**expected["plain"]["tags"], "new": "1"}
        del tags["team"]
        assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == tags
        server.stop()
    fsck(directory)


def check_later(sqs, url, expected):
    """What fixtures have since 0.1.0-b."""
    if "sealed" not in expected:
        return
    assert sorted(drain(sqs, url("sealed"))) == expected["sealed"]
    asked = {"QueueUrl": url("sealed"), "AttributeNames": ["SqsManagedSseEnabled"]}
    assert sqs.get_queue_attributes(**asked)["Attributes"] == {"SqsManagedSseEnabled": "true"}
    spread = drain(sqs, url("spread.fifo"))
    for group in range(2):
        of_group = [body for body in expected["spread"] if int(body.split()[1]) % 2 == group]
        assert [body for body in spread if body in of_group] == of_group
    assert len(spread) == len(expected["spread"])
    sqs.remove_permission(QueueUrl=url("plain"), Label=expected["permission"])


def test_queues_are_as_they_were(opened):
    directory, expected = opened
    check_shared(directory)
    with Server(directory) as server:
        sqs = client("sqs", server.url())

        def url(name):
            return server.url() + ACCOUNT_PATH + name

        listed = sorted(u.rsplit("/", 1)[1] for u in sqs.list_queues()["QueueUrls"])
        assert listed == expected["queues"]
        assert sqs.list_queue_tags(QueueUrl=url("plain"))["Tags"] == expected["plain"]["tags"]
        # In flight and delayed ones stay away until their time.
        visible = [
            m["Body"]
            for m in sqs.receive_message(QueueUrl=url("plain"), MaxNumberOfMessages=10)["Messages"]
        ]
        assert not set(visible) & {*expected["plain"]["in_flight"], "delayed"}
        clock_move(server, advance_s=2 * 3600)
        bodies = drain(sqs, url("plain"))
        assert len(bodies) == len(set(bodies)) == expected["plain"]["total"]
        assert {*expected["plain"]["in_flight"], "delayed"} <= set(bodies)
        ordered = drain(sqs, url("ordered.fifo"))
        assert len(ordered) == expected["fifo"]["total"]
        for group in range(3):
            of_group = [b for b in ordered if int(b.split()[1]) % 3 == group]
            assert of_group == sorted(of_group)
        check_later(sqs, url, expected)
        # The move goes on, and nothing of it is lost or doubled.
        moved = eventually(lambda: drain(sqs, url("target")), 30, "the move task goes on")
        assert set(moved) <= set(expected["dead_and_target"])
