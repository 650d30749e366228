# The front door: what connections cost that do nothing or wait, and what is served in an overload.
# SPDX-License-Identifier: Apache-2.0
import selectors
import socket
import statistics
import sys
import threading
import time

from machine import TOOLS, fresh, free_port, load, row, running, serve_words
from support import clients
from support.signed import SignedClient

ABOUT = "idle connections, long polls, overload"
IDLE, IDLE_QUICK = 10000, 500
POLLS, POLLS_QUICK = 5000, 200
MESSAGES, MESSAGES_QUICK = 200, 10
BUSY_CONNECTIONS, FACTOR = 1000, 10
MEMORY_MIB = 64


def resident(pid):
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmRSS"))


def answer(sock):
    """One response with a length; its body."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = sock.recv(65536)
        if not piece:
            sys.exit("bench: a connection was closed")
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    while len(body) < length:
        body += sock.recv(65536)
    return body


def idle(options):
    count = IDLE_QUICK if options.quick else IDLE
    port = free_port()
    with running(serve_words(port, fresh("idle") / "data"), port) as process:
        before = resident(process.pid)
        sockets = []
        for _ in range(count):
            sock = socket.create_connection(("127.0.0.1", port))
            sock.sendall(b"GET /_c10m/health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            answer(sock)
            sockets.append(sock)
        each = (resident(process.pid) - before) / count
        row(f"{count} idle connections, each", f"{each:.0f} B", "limit 4096 B")
        for sock in sockets:
            sock.close()


def raw_receive(port, url):
    """One signed request, good for all connections: a long poll of 20 s."""
    body = f'{{"QueueUrl":"{url}","WaitTimeSeconds":20}}'.encode()
    headers = {"Content-Type": "application/x-amz-json-1.0"}
    headers["X-Amz-Target"] = "AmazonSQS.ReceiveMessage"
    with SignedClient(port) as client:
        headers = client.headers(headers, body)
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST / HTTP/1.1\r\n{lines}Content-Length: {len(body)}\r\n\r\n".encode() + body


def one_message(sqs, url, selector):
    """How long until somebody has it, in ms, and how many had something."""
    began = time.monotonic()
    sqs.send_message(QueueUrl=url, MessageBody="x")
    ready = selector.select(20)
    took = (time.monotonic() - began) * 1000
    time_to_look = time.monotonic() + 0.005
    while time.monotonic() < time_to_look:
        ready = selector.select(0)
    return took, [key.fileobj for key, _ in ready]


def polls(options):
    count = POLLS_QUICK if options.quick else POLLS
    messages = MESSAGES_QUICK if options.quick else MESSAGES
    port = free_port()
    with running(serve_words(port, fresh("polls") / "data"), port) as process:
        sqs = clients.client("sqs", f"http://127.0.0.1:{port}")
        url = sqs.create_queue(QueueName="jobs")["QueueUrl"]
        request = raw_receive(port, url)
        before, selector = resident(process.pid), selectors.DefaultSelector()
        for _ in range(count):
            sock = socket.create_connection(("127.0.0.1", port))
            sock.sendall(request)
            selector.register(sock, selectors.EVENT_READ)
        each = (resident(process.pid) - before) / count
        row(f"{count} long polls, each", f"{each / 1024:.1f} KiB", "limit 80 KiB")
        times, several = [], 0
        for _ in range(messages):
            took, ready = one_message(sqs, url, selector)
            times.append(took)
            several += len(ready) != 1
            for sock in ready:
                if b'"Body":"x"' in answer(sock):
                    sock.sendall(request)
                else:
                    several += 1
        median = statistics.median(times)
        row("one message to one of them, p50", f"{median:.2f} ms", "with the send; limit 2 ms")
        row("messages that not exactly one had", several, f"of {messages}")


class Health(threading.Thread):
    """Asks for health on a connection of its own, again and again."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.sock = socket.create_connection(("127.0.0.1", port))
        self.times, self.is_over = [], False

    def run(self):
        while not self.is_over:
            began = time.monotonic()
            self.sock.sendall(b"GET /_c10m/health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            answer(self.sock)
            self.times.append((time.monotonic() - began) * 1000)
            time.sleep(0.005)

    def p99(self):
        self.is_over = True
        self.join()
        return statistics.quantiles(self.times, n=100)[98]


def goodput(result):
    return (result["requests"] - result["errors"]) / result["seconds"]


def overload(options):
    port = free_port()
    words = [TOOLS / "busy_server", port, 10000, MEMORY_MIB]
    with running(words, port) as process:
        peak = goodput(load("sts", port, process, options.seconds, connections=4))
        before, health = resident(process.pid), Health(port)
        health.start()
        result = load(
            "sts", port, process, options.seconds, connections=BUSY_CONNECTIONS, rate=peak * FACTOR
        )
        grown = (resident(process.pid) - before) / 2**20
        good = goodput(result)
        row("an operation of 1 ms of CPU, at its peak", f"{peak:.0f} /s")
        offered = result["requests"] / result["seconds"]
        row(f"of {offered:.0f} /s, served", f"{good:.0f} /s", f"{good / peak:.0%}; limit 80%")
        row("health beside it, p99", f"{health.p99():.1f} ms", "limit 10 ms")
        row("memory that it took", f"{grown:.1f} MiB", f"limit {MEMORY_MIB} MiB")


def run(options):
    idle(options)
    polls(options)
    overload(options)


