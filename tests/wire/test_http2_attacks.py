# Known attacks on HTTP/2 servers, frame by frame: none may take memory or time from the others.
# SPDX-License-Identifier: Apache-2.0
import os
import re
import socket
import struct

import pytest

from support.server import health_status

ANSWER_SECONDS = 60
MEMORY_GROWTH_MAX = 64 << 20
FLOOD_BYTES_MAX = 64 << 20  # of an attack that nothing ends
IS_SANITIZED = "asan" in os.environ.get("C10M_PROGRAM", "")

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = (
    0,
    1,
    2,
    3,
    4,
    6,
    7,
    8,
    9,
)
END_STREAM, END_HEADERS = 1, 4
ENHANCE_YOUR_CALM = 11


def frame(kind, flags, stream, payload=b""):
    return (
        struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload
    )


def literal(name, value):
    return b"\0" + bytes([len(name)]) + name + bytes([len(value)]) + value


def head(method=b"GET", path=b"/_c10m/health"):
    return (
        literal(b":method", method)
        + literal(b":scheme", b"http")
        + literal(b":path", path)
        + literal(b":authority", b"localhost")
    )


class Client:
    def __init__(self, server, settings=b""):
        self.connection = socket.create_connection(("127.0.0.1", server.port), timeout=5)
        self.connection.sendall(PREFACE + frame(SETTINGS, 0, 0, settings))

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.connection.close()

    def flood(self, piece):
        """Sends until the server ends it or takes no more; returns how many bytes it took."""
        sent = 0
        self.connection.settimeout(1)
        try:
            while sent < FLOOD_BYTES_MAX:
                self.connection.sendall(piece)
                sent += len(piece)
        except (TimeoutError, ConnectionResetError, BrokenPipeError):
            pass
        return sent

    def read_frames(self):
        """Up to the end of the connection: (kind, flags, stream, payload)."""
        self.connection.settimeout(ANSWER_SECONDS)
        rest = b""
        try:
            while part := self.connection.recv(65536):
                rest += part
                while len(rest) >= 9 and len(rest) >= 9 + int.from_bytes(rest[:3]):
                    end = 9 + int.from_bytes(rest[:3])
                    yield rest[3], rest[4], int.from_bytes(rest[5:9]), rest[9:end]
                    rest = rest[end:]
        except ConnectionResetError:
            pass

    def goaway_code(self):
        for kind, _, _, payload in self.read_frames():
            if kind == GOAWAY and int.from_bytes(payload[4:8]) != 0:
                return int.from_bytes(payload[4:8])
        return None


def resident_bytes(server):
    with open(f"/proc/{server.process.pid}/status") as status:
        return int(re.search(r"VmRSS:\s+(\d+)", status.read()).group(1)) << 10


@pytest.fixture(autouse=True)
def unharmed(server):
    """Whatever the attack, others are answered, and memory stays."""
    before = resident_bytes(server)
    yield
    assert health_status(server.port) == 200
    assert IS_SANITIZED or resident_bytes(server) - before < MEMORY_GROWTH_MAX


def test_rapid_reset(server):
    """CVE-2023-44487: streams that are opened only to be ended."""
    with Client(server) as client:
        for n in range(1, 4001, 2):
            try:
                client.connection.sendall(
                    frame(HEADERS, END_HEADERS | END_STREAM, n, head())
                    + frame(RST_STREAM, 0, n, struct.pack(">I", 8))
                )
            except (ConnectionResetError, BrokenPipeError):
                break
        assert client.goaway_code() == ENHANCE_YOUR_CALM


def test_made_you_reset(server):
    """CVE-2025-8671: the client breaks the rules, so that it is the server that resets."""
    with Client(server) as client:
        for n in range(1, 4001, 2):
            try:
                client.connection.sendall(
                    frame(HEADERS, END_HEADERS, n, head(b"POST"))
                    + frame(WINDOW_UPDATE, 0, n, struct.pack(">I", 0))
                )
            except (ConnectionResetError, BrokenPipeError):
                break
        assert client.goaway_code() is not None


def test_continuation_flood(server):
    """CVE-2024-28182: a head that never ends."""
    with Client(server) as client:
        client.connection.sendall(frame(HEADERS, END_STREAM, 1, head()))
        assert client.flood(frame(CONTINUATION, 0, 1, literal(b"a", b"b") * 1000)) < 4 << 20


def test_empty_continuation_flood(server):
    with Client(server) as client:
        client.connection.sendall(frame(HEADERS, END_STREAM, 1, head()))
        assert client.flood(frame(CONTINUATION, 0, 1) * 1000) < 4 << 20


def test_header_bomb(server):
    """One large field in the table of the connection, named again and again (CVE-2016-6581)."""
    value = b"v" * 4000
    entry = b"\x40\x01a" + b"\x7f" + bytes([(len(value) - 127) % 128 | 128, (len(value) - 127) // 128]) + value
    block = head() + entry + b"\xbe" * 8000  # 32 MB when spelled out
    with Client(server) as client:
        client.connection.sendall(frame(HEADERS, END_HEADERS | END_STREAM, 1, block))
        client.connection.sendall(frame(GOAWAY, 0, 0, bytes(8)))
        answers = [f for f in client.read_frames() if f[0] in (HEADERS, RST_STREAM, GOAWAY)]
        assert answers


@pytest.mark.parametrize(
    "piece",
    [
        frame(PING, 0, 0, b"12345678"),
        frame(SETTINGS, 0, 0),
    ],
    ids=["PING", "SETTINGS"],
)
def test_floods_that_want_answers(server, piece):
    """CVE-2019-9512, -9515: we stop reading, or the connection ends, before the answers pile up."""
    with Client(server) as client:
        assert client.flood(piece * 1000) < FLOOD_BYTES_MAX


@pytest.mark.parametrize(
    "piece",
    [
        frame(PRIORITY, 0, 3, struct.pack(">IB", 1, 5)),
        frame(SETTINGS, 0, 0, struct.pack(">HI", 4, 65535) * 100),
        frame(200, 0, 0, b"unknown"),
    ],
    ids=["PRIORITY", "full SETTINGS", "unknown"],
)
def test_floods_that_want_few_answers_are_only_read(server, piece):
    """CVE-2019-9513 and the like: `unharmed` says that nothing is kept of them."""
    with Client(server) as client:
        client.flood(piece * 1000)


def test_empty_data_flood(server):
    """CVE-2019-9518."""
    with Client(server) as client:
        client.connection.sendall(frame(HEADERS, END_HEADERS, 1, head(b"POST")))
        client.flood(frame(DATA, 0, 1) * 1000)


def test_tiny_windows(server):
    """CVE-2019-9511, -9517: answers that the client takes byte by byte, or never."""
    tiny = struct.pack(">HI", 4, 0)
    clients = [Client(server, tiny) for _ in range(20)]
    try:
        for client in clients:
            for n in range(1, 201, 2):
                client.connection.sendall(frame(HEADERS, END_HEADERS | END_STREAM, n, head()))
            for n in range(1, 201, 2):
                client.connection.sendall(frame(WINDOW_UPDATE, 0, n, struct.pack(">I", 1)))
        assert health_status(server.port) == 200
    finally:
        for client in clients:
            client.connection.close()


def test_more_streams_than_allowed(server):
    with Client(server) as client:
        client.connection.sendall(
            b"".join(frame(HEADERS, END_HEADERS, n, head(b"POST")) for n in range(1, 2001, 2))
        )
        refused = 0
        for kind, _, _, _ in client.read_frames():
            refused += kind == RST_STREAM
            if kind == GOAWAY or refused > 100:
                break
        assert refused > 0


def test_windows_that_overflow(server):
    with Client(server) as client:
        client.connection.sendall(frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", 0x7FFFFFFF)))
        assert client.goaway_code() == 3  # FLOW_CONTROL_ERROR


def test_lengths_that_lie(server):
    with Client(server) as client:
        headers = frame(HEADERS, END_HEADERS, 1, head(b"POST") + literal(b"content-length", b"5"))
        client.connection.sendall(headers + frame(DATA, END_STREAM, 1, b"hello, and more"))
        kinds = {}
        client.connection.sendall(frame(GOAWAY, 0, 0, bytes(8)))
        for kind, _, stream, payload in client.read_frames():
            if stream == 1:
                kinds[kind] = payload
        assert RST_STREAM in kinds
