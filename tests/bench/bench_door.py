# The front door: what connections cost that do nothing or wait, and what is served in an overload.
# SPDX-License-Identifier: Apache-2.0
import contextlib
import http.client
import json
import resource
import selectors
import socket
import ssl
import statistics
import sys
import threading
import time

from machine import TOOLS, fresh, free_port, load, row, running, serve_words
from support import clients
from support.signed import SignedClient

HEALTH = b"GET /_c10m/health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
# HTTP/2: the preface with no settings, and a GET of the same page (HPACK, literals only).
HEALTH_2 = (
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"
    b"\0\0\x1c\1\5\0\0\0\1\x82\x86\4\x0d/_c10m/health\1\x09127.0.0.1"
)
ABOUT = "idle connections, long polls, overload"
IDLE, IDLE_QUICK, IDLE_WARM = 10000, 500, 20
POLLS, POLLS_QUICK, POLLS_AT_ONCE = 5000, 200, 100
MESSAGES, MESSAGES_QUICK = 200, 10
AWAIT_SECONDS = 20
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


def exactly(sock, size):
    data = b""
    while len(data) < size:
        piece = sock.recv(size - len(data))
        if not piece:
            sys.exit("bench: a connection was closed")
        data += piece
    return data


def answer_2(sock):
    """Frames up to the end of the first stream."""
    ended = False
    while not ended:
        head = exactly(sock, 9)
        exactly(sock, int.from_bytes(head[:3], "big"))
        ended = int.from_bytes(head[5:], "big") == 1 and head[4] & 1


def tls_of(alpn):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols([alpn])
    return context


# What is spoken, its request, how its answer is read, and TLS if any.
IDLE_KINDS = (
    ("HTTP/1.1", HEALTH, answer, None),
    ("HTTP/1.1 over TLS", HEALTH, answer, "http/1.1"),
    ("HTTP/2", HEALTH_2, answer_2, None),
    ("HTTP/2 over TLS", HEALTH_2, answer_2, "h2"),
)


def served_once(port, request, read_answer, context):
    """A connection that has had one answer, and now does nothing."""
    sock = socket.create_connection(("127.0.0.1", port))
    if context:
        sock = context.wrap_socket(sock, server_hostname="localhost")
    sock.sendall(request)
    read_answer(sock)
    return sock


def idle(options, kind):
    name, request, read_answer, alpn = kind
    context = tls_of(alpn) if alpn else None
    count = IDLE_QUICK if options.quick else IDLE
    port = free_port()
    with running(serve_words(port, fresh("idle") / "data"), port) as process:
        # What the first ones bring, such as OpenSSL's tables, is not theirs alone.
        for _ in range(IDLE_WARM):
            served_once(port, request, read_answer, context).close()
        before = resident(process.pid)
        sockets = [served_once(port, request, read_answer, context) for _ in range(count)]
        each = (resident(process.pid) - before) / count
        row(f"{count} idle, {name}, each", f"{each:.0f} B", "limit 4096 B")
        for sock in sockets:
            sock.close()


def metric(port, data, name):
    token = (data / "admin-token").read_text().strip()
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port)) as connection:
        headers = {"Authorization": f"Bearer {token}"}
        connection.request("GET", "/_c10m/metrics", headers=headers)
        lines = connection.getresponse().read().decode().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name + " "))


def raw_call(port, operation, members):
    """One signed request, good for all connections."""
    body = json.dumps(members).encode()
    headers = {"Content-Type": "application/x-amz-json-1.0"}
    headers["X-Amz-Target"] = f"AmazonSQS.{operation}"
    with SignedClient(port) as client:
        headers = client.headers(headers, body)
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST / HTTP/1.1\r\n{lines}Content-Length: {len(body)}\r\n\r\n".encode() + body


def one_message(sender, request, selector):
    """How long until somebody has it, in ms, and who has something."""
    began = time.monotonic()
    sender.sendall(request)
    ready = selector.select(20)
    took = (time.monotonic() - began) * 1000
    if b"MessageId" not in (said := answer(sender)):
        sys.exit(f"bench: a send was refused: {said}")
    time_to_look = time.monotonic() + 0.005
    while time.monotonic() < time_to_look:
        ready = selector.select(0)
    return took, [key.fileobj for key, _ in ready]


def await_polls(port, data, count):
    deadline = time.monotonic() + AWAIT_SECONDS
    while (waiting := metric(port, data, "c10m_requests_waiting")) < count:
        if time.monotonic() > deadline:
            sys.exit(f"bench: of {count} long polls {waiting} wait")


def polls(options):
    count = POLLS_QUICK if options.quick else POLLS
    messages = MESSAGES_QUICK if options.quick else MESSAGES
    port = free_port()
    data = fresh("polls") / "data"
    with running(serve_words(port, data), port) as process:
        sqs = clients.client("sqs", f"http://127.0.0.1:{port}")
        url = sqs.create_queue(QueueName="jobs")["QueueUrl"]
        request = raw_call(port, "ReceiveMessage", {"QueueUrl": url, "WaitTimeSeconds": 20})
        send = raw_call(port, "SendMessage", {"QueueUrl": url, "MessageBody": "x"})
        sender = socket.create_connection(("127.0.0.1", port))
        before, selector = resident(process.pid), selectors.DefaultSelector()
        for made in range(1, count + 1):
            sock = socket.create_connection(("127.0.0.1", port))
            sock.sendall(request)
            selector.register(sock, selectors.EVENT_READ)
            # Consumers do not all begin in the same moment: that would be an overload.
            if made % POLLS_AT_ONCE == 0 or made == count:
                await_polls(port, data, made)
        each = (resident(process.pid) - before) / count
        row(f"{count} long polls, each", f"{each / 1024:.1f} KiB", "limit 80 KiB")
        times, several = [], 0
        for _ in range(messages):
            took, ready = one_message(sender, send, selector)
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
            self.sock.sendall(HEALTH)
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
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    for kind in IDLE_KINDS:
        idle(options, kind)
    polls(options)
    overload(options)


