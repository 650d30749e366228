# SIGTERM drains: no new connections, what was accepted is served, the status is 0.
# SPDX-License-Identifier: Apache-2.0
import signal
import socket
import threading
import time

from support.server import Server, eventually, health_status
from support.signed import SignedClient


def create(server, name="drain"):
    with SignedClient(server.port) as client:
        return client.json("CreateQueue", {"QueueName": name}).json()["QueueUrl"]


def test_idle_it_ends_at_once(tmp_path):
    with Server(tmp_path) as server:
        create(server)
        began = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - began < 15


def test_sigint_drains_too(tmp_path):
    with Server(tmp_path) as server:
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(20) == 0


def test_an_idle_connection_does_not_hold_it_up(tmp_path):
    with Server(tmp_path) as server, SignedClient(server.port) as client:
        assert client.json("ListQueues", {}).status == 200
        with socket.create_connection(("127.0.0.1", server.port)) as silent:
            assert silent.fileno() >= 0
            assert server.stop() == 0


def test_a_waiting_receiver_is_answered(tmp_path):
    with Server(tmp_path) as server, SignedClient(server.port) as client:
        url = create(server)
        client.start_json("ReceiveMessage", {"QueueUrl": url, "WaitTimeSeconds": 20})
        eventually(lambda: has_read_everything(server), 10, "the receiver waits")
        began = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        answer = client.finish()
        assert answer.status in (200, 503), answer.body
        assert server.stop() == 0
        assert time.monotonic() - began < 15


def has_read_everything(server):
    """No byte that a client sent still waits in the kernel."""
    local = f"0100007F:{server.port:04X}"
    with open("/proc/net/tcp") as table:
        rows = [line.split() for line in table.readlines()[1:]]
    return all(row[4].endswith(":00000000") for row in rows if row[1] == local and row[3] == "01")


def test_under_load_every_acknowledged_message_is_kept(tmp_path):
    with Server(tmp_path) as server:
        url = create(server)
        sent, lock, threads = [0], threading.Lock(), []

        def send():
            try:
                with SignedClient(server.port) as client:
                    while (
                        client.json("SendMessage", {"QueueUrl": url, "MessageBody": "x"}).status
                        == 200
                    ):
                        with lock:
                            sent[0] += 1
            except OSError:
                pass

        for _ in range(4):
            threads.append(threading.Thread(target=send))
            threads[-1].start()
        eventually(lambda: sent[0] > 50, 30, "messages are sent")
        assert server.stop() == 0
        for thread in threads:
            thread.join(20)
        assert health_status(server.port) is None
        server.start()
        with SignedClient(server.port) as client:
            names = ["ApproximateNumberOfMessages"]
            got = client.json(
                "GetQueueAttributes", {"QueueUrl": url, "AttributeNames": names}
            ).json()
        kept = int(got["Attributes"]["ApproximateNumberOfMessages"])
        assert sent[0] <= kept <= sent[0] + len(threads)
