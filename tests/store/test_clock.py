# The service clock is moved: what is due happens at once, and it stays moved after a restart.
import json
import threading
import time

from support.admin import admin, clock_move
from support.clients import client
from support.server import Server

DAY_S = 24 * 3600


def test_a_moved_clock_survives_a_kill(tmp_path):
    with Server(tmp_path) as server:
        moved = clock_move(server, advance_s=30 * DAY_S)
        assert 30 * DAY_S * 1000 - 5000 < moved["ahead_ms"] <= 30 * DAY_S * 1000 + 5000
        server.kill()
        server.start()
        status, body = admin(server, "GET", "clock")
        assert status == 200 and json.loads(body)["ahead_ms"] == 30 * DAY_S * 1000
        clock_move(server, advance_s=-30 * DAY_S)
        assert json.loads(admin(server, "GET", "clock")[1])["ahead_ms"] == 0
        assert clock_move(server, to="2040-02-29T12:00:00Z")["service"].startswith("2040-02-29T12:0")


def test_bad_moves_are_refused_and_move_nothing(tmp_path):
    with Server(tmp_path) as server:
        for how in ({}, {"advance_s": "x"}, {"to": "soon"}, {"advance_s": 1, "to": "2040-01-01T00:00:00Z"},
                    {"advance_s": 2**62}, {"to": "1969-01-01T00:00:00Z"}, {"seconds": 1}):
            assert admin(server, "POST", "clock", **how)[0] == 400, how
        assert admin(server, "PUT", "clock", advance_s=1)[0] == 405
        assert json.loads(admin(server, "GET", "clock")[1])["ahead_ms"] == 0


def test_messages_become_visible_and_polls_wake(tmp_path):
    with Server(tmp_path) as server:
        sqs = client("sqs", server.url())
        url = sqs.create_queue(QueueName="q", Attributes={"VisibilityTimeout": "3600"})["QueueUrl"]
        sqs.send_message(QueueUrl=url, MessageBody="hidden")
        sqs.send_message(QueueUrl=url, MessageBody="delayed", DelaySeconds=900)
        assert [m["Body"] for m in sqs.receive_message(QueueUrl=url)["Messages"]] == ["hidden"]
        assert "Messages" not in sqs.receive_message(QueueUrl=url)
        server.kill()
        server.start()
        found = []
        poll = threading.Thread(
            target=lambda: found.extend(
                sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20).get("Messages", [])
            )
        )
        began = time.monotonic()
        poll.start()
        while poll.is_alive() and time.monotonic() - began < 15:
            clock_move(server, advance_s=901)
            poll.join(0.5)
        assert not poll.is_alive(), "a long poll sleeps on after the clock was moved"
        assert [m["Body"] for m in found] == ["delayed"]
        clock_move(server, advance_s=3600)
        bodies = [m["Body"] for m in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]]
        assert sorted(bodies) == ["delayed", "hidden"]


def test_what_is_past_its_retention_is_gone_when_the_move_returns(tmp_path):
    with Server(tmp_path) as server:
        sqs = client("sqs", server.url())
        url = sqs.create_queue(QueueName="q")["QueueUrl"]
        for i in range(30):
            sqs.send_message_batch(
                QueueUrl=url, Entries=[{"Id": str(n), "MessageBody": "x"} for n in range(10)]
            )
        clock_move(server, advance_s=4 * DAY_S + 60)
        count = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])
        assert count["Attributes"]["ApproximateNumberOfMessages"] == "0"
