# Known attacks on HTTP/1.1 servers, byte for byte: smuggling, oversize, floods of slow clients, injection.
# SPDX-License-Identifier: Apache-2.0
import gzip
import os
import re
import socket
import time

import pytest

from support.server import health_status
from support.signed import SignedClient

ANSWER_SECONDS = 60  # at most; the machine may be busy
SLOW_CLIENTS = 300
MEMORY_GROWTH_MAX = 64 << 20  # bytes
IS_SANITIZED = "asan" in os.environ.get("C10M_PROGRAM", "")


def connect(server):
    return socket.create_connection(("127.0.0.1", server.port), timeout=ANSWER_SECONDS)


def read_to_end(connection):
    """All that comes until the server closes."""
    parts = []
    try:
        while part := connection.recv(65536):
            parts.append(part)
    except ConnectionResetError:
        pass
    return b"".join(parts)


def exchange(server, request):
    with connect(server) as connection:
        try:
            connection.sendall(request)
        except (ConnectionResetError, BrokenPipeError):
            pass
        return read_to_end(connection)


def statuses(answer):
    return [int(s) for s in re.findall(rb"HTTP/1\.1 (\d{3}) ", answer)]


def resident_bytes(server):
    with open(f"/proc/{server.process.pid}/status") as status:
        return int(re.search(r"VmRSS:\s+(\d+)", status.read()).group(1)) << 10


def answer_so_far(connection):
    connection.setblocking(False)  # MSG_DONTWAIT would not do: a socket with a time-out polls first
    try:
        return connection.recv(65536)
    except OSError:
        return b""


# -- smuggling: a proxy in front may see another end of the request than we do

HEAD = b"POST /_c10m/health HTTP/1.1\r\nHost: localhost\r\n"
SMUGGLED = b"GET /_c10m/health HTTP/1.1\r\nHost: localhost\r\n\r\n"
CHUNKED_EMPTY = b"0\r\n\r\n"

FRAMINGS = {
    "CL.TE": b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKED_EMPTY,
    "TE.CL": b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n" + CHUNKED_EMPTY,
    "TE.CL tab": b"Transfer-Encoding:\tchunked\r\nContent-Length: 5\r\n\r\n" + CHUNKED_EMPTY,
    "TE.TE identity": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n"
    + CHUNKED_EMPTY,
    "TE.TE list": b"Transfer-Encoding: identity, chunked\r\n\r\n" + CHUNKED_EMPTY,
    "TE.TE reversed": b"Transfer-Encoding: chunked, identity\r\n\r\n" + CHUNKED_EMPTY,
    "TE.TE twice": b"Transfer-Encoding: chunked\r\nTransfer-encoding: chunked\r\n\r\n"
    + CHUNKED_EMPTY,
    "TE unknown": b"Transfer-Encoding: xchunked\r\n\r\n" + CHUNKED_EMPTY,
    "TE quoted": b'Transfer-Encoding: "chunked"\r\n\r\n' + CHUNKED_EMPTY,
    "TE parameter": b"Transfer-Encoding: chunked;q=1\r\n\r\n" + CHUNKED_EMPTY,
    "TE vertical tab": b"Transfer-Encoding: \x0bchunked\r\n\r\n" + CHUNKED_EMPTY,
    "TE no-break space": b"Transfer-Encoding: \xa0chunked\r\n\r\n" + CHUNKED_EMPTY,
    "TE NUL": b"Transfer-Encoding: chunked\x00\r\n\r\n" + CHUNKED_EMPTY,
    "TE empty": b"Transfer-Encoding:\r\n\r\n",
    "space before colon": b"Transfer-Encoding : chunked\r\n\r\n" + CHUNKED_EMPTY,
    "tab before colon": b"Content-Length\t: 5\r\n\r\n" + CHUNKED_EMPTY,
    "leading space": b" Transfer-Encoding: chunked\r\n\r\n" + CHUNKED_EMPTY,
    "obs-fold": b"X: a\r\n Transfer-Encoding: chunked\r\n\r\n" + CHUNKED_EMPTY,
    "obs-fold value": b"Transfer-Encoding:\r\n chunked\r\n\r\n" + CHUNKED_EMPTY,
    "no colon": b"Transfer-Encoding\r\n\r\n" + CHUNKED_EMPTY,
    "empty name": b": chunked\r\n\r\n",
    "CL twice": b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
    "CL differ": b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    "CL list": b"Content-Length: 5, 5\r\n\r\nhello",
    "CL plus": b"Content-Length: +5\r\n\r\nhello",
    "CL minus": b"Content-Length: -5\r\n\r\nhello",
    "CL hexadecimal": b"Content-Length: 0x5\r\n\r\nhello",
    "CL underscore": b"Content-Length: 5_0\r\n\r\nhello",
    "CL decimal": b"Content-Length: 5.0\r\n\r\nhello",
    "CL two numbers": b"Content-Length: 5 5\r\n\r\nhello",
    "CL empty": b"Content-Length: \r\n\r\nhello",
    "CL overflow": b"Content-Length: 18446744073709551621\r\n\r\nhello",
    "CL huge": b"Content-Length: 9223372036854775807\r\n\r\nhello",
    "bare LF": b"X: a\nContent-Length: 5\r\n\r\nhello",
    "bare LF end": b"X: a\r\n\nhello",
    "bare CR": b"X: a\rContent-Length: 5\r\n\r\nhello",
    "CR CR LF": b"X: a\r\r\n\r\nhello",
    "NUL in a value": b"X: a\x00b\r\n\r\n",
    "NUL in a name": b"X\x00: a\r\n\r\n",
    "control in a value": b"X: a\x08b\r\n\r\n",
    "Host twice": b"Host: localhost\r\n\r\n",
    "Host elsewhere": b"Host: evil.example\r\n\r\n",
    "expectation": b"Expect: 200-maybe\r\n\r\n",
}

CHUNKS = {
    "size overflow": b"10000000000000005\r\nhello\r\n0\r\n\r\n",
    "size prefix": b"0x5\r\nhello\r\n0\r\n\r\n",
    "size plus": b"+5\r\nhello\r\n0\r\n\r\n",
    "size minus": b"-5\r\nhello\r\n0\r\n\r\n",
    "size empty": b"\r\nhello\r\n0\r\n\r\n",
    "size space": b" 5\r\nhello\r\n0\r\n\r\n",
    "space behind": b"5 \r\nhello\r\n0\r\n\r\n",
    "size LF": b"5\nhello\r\n0\r\n\r\n",
    "data too long": b"5\r\nhellohello\r\n0\r\n\r\n",
    "data too short": b"5\r\nhel\r\n0\r\n\r\n",
    "data LF": b"5\r\nhello\n0\r\n\r\n",
    "extension CR": b"5;a\rb\r\nhello\r\n0\r\n\r\n",
    "extension LF": b"5;a\nhello\r\n0\r\n\r\n",
    "extension too long": b"5;" + b"a" * 4000 + b"\r\nhello\r\n0\r\n\r\n",
    "last LF": b"5\r\nhello\r\n0\n\n",
    "trailer fold": b"0\r\nA: b\r\n c\r\n\r\n",
    "trailer space": b"0\r\nA : b\r\n\r\n",
    "trailer LF": b"0\r\nA: b\nContent-Length: 5\r\n\r\n",
    "trailers too long": b"0\r\n" + b"A: b\r\n" * 4000 + b"\r\n",
}

REQUEST_LINES = {
    "two spaces": b"GET  / HTTP/1.1",
    "tab": b"GET\t/ HTTP/1.1",
    "trailing space": b"GET / HTTP/1.1 ",
    "no version": b"GET /",
    "HTTP/2.0": b"GET / HTTP/2.0",
    "lower case": b"GET / http/1.1",
    "long version": b"GET / HTTP/1.10",
    "NUL": b"GET /\x00 HTTP/1.1",
    "raw byte": b"GET /\xe4 HTTP/1.1",
    "space in path": b"GET /a b HTTP/1.1",
    "fragment": b"GET /a#b HTTP/1.1",
    "no slash": b"GET a HTTP/1.1",
    "CONNECT": b"CONNECT localhost:80 HTTP/1.1",
    "asterisk": b"GET * HTTP/1.1",
    "method": b"G@T / HTTP/1.1",
    "long method": b"G" * 100 + b" / HTTP/1.1",
    "userinfo": b"GET http://a@localhost/ HTTP/1.1",
    "no host": b"GET http:/// HTTP/1.1",
    "bad host": b"GET http://a%00b/ HTTP/1.1",
    "leading LF": b"\nGET / HTTP/1.1",
    "two empty lines": b"\r\n\r\nGET / HTTP/1.1",
}


def expect_refused(answer):
    """One refusal, and nothing behind it was taken as a request."""
    assert len(statuses(answer)) == 1, answer
    assert 400 <= statuses(answer)[0] < 600, answer
    assert b"\r\nConnection: close\r\n" in answer


@pytest.mark.parametrize("name", FRAMINGS)
def test_framing_that_smuggles_is_refused(server, name):
    expect_refused(exchange(server, HEAD + FRAMINGS[name] + SMUGGLED))


@pytest.mark.parametrize("name", CHUNKS)
def test_chunks_that_smuggle_are_refused(server, name):
    head = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
    expect_refused(exchange(server, head + CHUNKS[name] + SMUGGLED))


@pytest.mark.parametrize("name", REQUEST_LINES)
def test_request_lines_that_are_none_are_refused(server, name):
    expect_refused(exchange(server, REQUEST_LINES[name] + b"\r\nHost: localhost\r\n\r\n" + SMUGGLED))


def test_a_name_that_only_looks_like_a_length_is_no_length(server):
    """The five bytes are then the next request, which is none."""
    answer = exchange(server, HEAD + b"Content_Length: 5\r\n\r\nhello\r\n\r\n" + SMUGGLED)
    assert len(statuses(answer)) == 2 and statuses(answer)[1] == 400


def test_the_authority_of_the_target_counts(server):
    request = b"GET http://evil.example/_c10m/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    assert statuses(exchange(server, request)) == [403]
    request = b"GET http://localhost/_c10m/health HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"
    assert statuses(exchange(server, request)) == [200]


# -- too much of anything


def test_heads_have_limits(server):
    line = b"GET / HTTP/1.1\r\nHost: localhost\r\n"
    assert statuses(exchange(server, line + b"X: " + b"a" * 70000 + b"\r\n\r\n")) == [431]
    assert statuses(exchange(server, line + b"X: a\r\n" * 101 + b"\r\n")) == [431]
    assert statuses(exchange(server, b"GET /" + b"a" * 17000 + b" HTTP/1.1\r\n\r\n")) == [414]
    assert statuses(exchange(server, HEAD + b"Content-Length: 16777217\r\n\r\n")) == [413]


def test_endless_heads_end(server):
    """A head without an end is refused at its limit; what follows is dropped, and for a moment only."""
    deadline = time.monotonic() + ANSWER_SECONDS
    before = resident_bytes(server)
    with connect(server) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n")
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            while time.monotonic() < deadline:
                connection.sendall(b"X: " + b"a" * (1 << 16))
    assert IS_SANITIZED or resident_bytes(server) - before < MEMORY_GROWTH_MAX


def test_large_bodies_before_authentication_have_a_budget(server):
    """Nobody is known yet, and each may send 16 MiB: together they get what --memory-max says."""
    before = resident_bytes(server)
    connections = [connect(server) for _ in range(60)]
    piece = b"a" * (15 << 20)
    for connection in connections:
        try:
            connection.sendall(HEAD + b"Content-Length: 16000000\r\n\r\n" + piece)
        except (ConnectionResetError, BrokenPipeError):
            pass
    assert health_status(server.port) == 200
    grown = resident_bytes(server) - before
    refused = [c for c in connections if answer_so_far(c).startswith(b"HTTP/1.1 503 ")]
    for connection in connections:
        connection.close()
    assert IS_SANITIZED or grown < 768 << 20, grown  # the budget of 512 MiB, and some
    assert len(refused) > 0


# -- slow clients


def test_slow_clients_do_not_keep_others_waiting(server):
    connections = [connect(server) for _ in range(SLOW_CLIENTS)]
    before = resident_bytes(server)
    try:
        for n, connection in enumerate(connections):
            if n % 2:
                connection.sendall(b"GET / HTTP/1.1\r\nHost: loc")
            else:
                connection.sendall(HEAD + b"Content-Length: 1000\r\n\r\na")
        for connection in connections:
            connection.sendall(b"a")
        began = time.monotonic()
        for _ in range(20):
            assert health_status(server.port) == 200
        assert time.monotonic() - began < ANSWER_SECONDS
        assert IS_SANITIZED or resident_bytes(server) - before < MEMORY_GROWTH_MAX
    finally:
        for connection in connections:
            connection.close()


def test_a_client_that_reads_nothing_is_not_read_from(server):
    """Its requests wait in its own socket once our answers fill it."""
    before = resident_bytes(server)
    request = b"GET /_c10m/health HTTP/1.1\r\nHost: localhost\r\n\r\n" * 1000
    sent = 0
    with connect(server) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(2)
        try:
            while sent < 256 << 20:
                connection.sendall(request)
                sent += len(request)
        except (TimeoutError, ConnectionResetError):
            pass
        assert health_status(server.port) == 200
        assert sent < 256 << 20
        assert IS_SANITIZED or resident_bytes(server) - before < MEMORY_GROWTH_MAX


# -- what is inside


def test_zip_bombs_stay_small(server):
    """Bodies are never decompressed here, so a small one cannot become a large one."""
    before = resident_bytes(server)
    bomb = gzip.compress(b"\0" * (64 << 20))
    head = (
        b"POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Encoding: gzip\r\n"
        b"Content-Type: application/x-amz-json-1.0\r\nX-Amz-Target: AmazonSQS.SendMessage\r\n"
    )
    answer = exchange(server, head + b"Content-Length: %d\r\n\r\n" % len(bomb) + bomb)
    assert len(statuses(answer)) == 1 and 400 <= statuses(answer)[0] < 500
    assert IS_SANITIZED or resident_bytes(server) - before < MEMORY_GROWTH_MAX


def test_compressed_calls_are_refused_by_name(server):
    body = gzip.compress(b'{"QueueName": "compressed"}')
    headers = {
        "Content-Type": "application/x-amz-json-1.0",
        "X-Amz-Target": "AmazonSQS.CreateQueue",
        "Content-Encoding": "gzip",
    }
    with SignedClient(server.port) as client:
        answer = client.send(client.headers(headers, body), body)
    assert answer.status == 501
    assert b"Content-Encoding gzip" in answer.body


@pytest.mark.parametrize(
    "path",
    [
        "/%0d%0aX-Injected:%201",
        "/?Action=a%0d%0aX-Injected:%201&Version=b%0d%0aX-Injected:%201",
        "/000000000000/%0d%0aX-Injected:%201?Action=SendMessage",
        "/_c10m/%0d%0aX-Injected:%201",
    ],
)
def test_escaped_line_ends_stay_escaped(server, path):
    request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    head = exchange(server, request.encode()).split(b"\r\n\r\n")[0]
    assert b"X-Injected" not in head
