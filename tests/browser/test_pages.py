# Pages of other origins in real Chromium: they can send much, and c10m does what flags and rules allow.
# SPDX-License-Identifier: Apache-2.0
import http.client
import json
import pathlib
import queue
import re
import shutil
import socket
import subprocess
import threading

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pytest

from support import clients
from support.server import PROGRAM, Server, child_environment, eventually, free_port, health_status

PAGE = pathlib.Path(__file__).with_name("hostile.html")
CORS_PAGE = PAGE.with_name("cors.html")
THINGS_SERVER = PROGRAM.parent / "tests/browser/things_server"
NAMES = "fetch-cors fetch-no-cors post-plain post-form image form-get form-post".split()
BROWSER_SECONDS_MAX = 60
# What the page sees: an error where it may not look, and never a 200.
SEEN = {
    "fetch cors": {"TypeError"},
    "fetch no-cors": {"opaque", "TypeError"},
    "fetch post plain": {"opaque", "TypeError"},
    "fetch post form": {"opaque", "TypeError"},
    "fetch json": {"TypeError"},
    "fetch health": {"TypeError"},
    "image": {"error"},
    "form get": {"sent"},
    "form post": {"sent"},
    "rebound health": {"403"},
    "rebound call": {"403"},
    "rebound json": {"403"},
}


# By origin: status, bytes and whether the page may read the request's id.
BY_RULES = {
    "http://app.test": {
        "open get": "200 5 id",
        "open get preflighted": "200 5 id",
        "open put": "TypeError",
        "any get": "200 5 no id",
        "any get preflighted": "TypeError",
        "closed get": "TypeError",
        "health": "TypeError",
    },
    "http://x.app.test": {
        "open get": "200 5 no id",
        "open get preflighted": "200 5 no id",
        "open put": "204 0 no id",
        "any get": "200 5 no id",
        "any get preflighted": "TypeError",
        "closed get": "TypeError",
        "health": "TypeError",
    },
    "http://evil.test": {
        "open get": "TypeError",
        "open get preflighted": "TypeError",
        "open put": "TypeError",
        "any get": "200 5 no id",
        "any get preflighted": "TypeError",
        "closed get": "TypeError",
        "health": "TypeError",
    },
}


def presigned(base, name, method="GET"):
    """A URL that creates a queue, signed with the key that everybody knows."""
    url = f"{base}?Action=CreateQueue&QueueName={name}&Version=2012-11-05"
    request = botocore.awsrequest.AWSRequest(method, url)
    credentials = botocore.credentials.Credentials("test", "test")
    botocore.auth.SigV4QueryAuth(credentials, "sqs", "us-east-1", expires=600).add_auth(request)
    return request.url


class Attacker:
    """Serves the page under whatever name; all other connections to it end at c10m, as after a rebinding."""

    def __init__(self, port, page):
        self.target_port = port
        self.page = page.encode()
        self.report = queue.Queue()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        with client:
            head = b""
            while b"\r\n\r\n" not in head:
                piece = client.recv(65536)
                if not piece:
                    return
                head += piece
            if head.startswith(b"GET /page "):
                client.sendall(
                    b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nConnection: close\r\n"
                    b"Content-Length: %d\r\n\r\n%s" % (len(self.page), self.page)
                )
            elif head.startswith(b"POST /report "):
                self.take_report(client, head)
            else:
                self.pass_on(client, head)

    def take_report(self, client, head):
        head, _, body = head.partition(b"\r\n\r\n")
        length = int(re.search(rb"(?i)content-length: (\d+)", head)[1])
        while len(body) < length:
            body += client.recv(65536)
        self.report.put(body.decode())
        client.sendall(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")

    def pass_on(self, client, head):
        with socket.create_connection(("127.0.0.1", self.target_port)) as c10m:
            c10m.sendall(head)

            def back():
                try:
                    while piece := c10m.recv(65536):
                        client.sendall(piece)
                    client.shutdown(socket.SHUT_WR)
                except OSError:
                    pass

            threading.Thread(target=back, daemon=True).start()
            try:
                while piece := client.recv(65536):
                    c10m.sendall(piece)
            except OSError:
                pass


def hostile_page(port):
    target = f"http://127.0.0.1:{port}/"
    signed = {name: presigned(target, name, "POST" if "post" in name else "GET") for name in NAMES}
    signed |= {"target": target, "rebound": presigned("http://evil.test/", "rebound")}
    return PAGE.read_text().replace("SIGNED", json.dumps(signed), 1)


def outcomes(url, attacker, profile):
    """What the page reports in the end."""
    chromium = shutil.which("chromium")
    assert chromium, "the setup of ./dev test installs chromium"
    words = [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic"]
    words += ["--no-first-run", "--disable-background-networking", "--disable-component-update"]
    words += ["--disable-sync", f"--user-data-dir={profile}"]
    words += [f"--host-resolver-rules=MAP *.test 127.0.0.1:{attacker.port}", url]
    log = profile.with_suffix(".log")
    with open(log, "wb") as out:
        browser = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    try:
        text = attacker.report.get(timeout=BROWSER_SECONDS_MAX)
    except queue.Empty:
        raise AssertionError(f"the page reported nothing: {log.read_text()[-4000:]}") from None
    finally:
        browser.terminate()
        browser.wait(30)
    return dict(line.split(": ") for line in text.splitlines())


def queue_urls(server):
    return clients.client("sqs", server.url()).list_queues().get("QueueUrls", [])


def test_it_gets_nothing(tmp_path):
    with Server(tmp_path, options=["--ephemeral"]) as server:
        attacker = Attacker(server.port, hostile_page(server.port))
        seen = outcomes("http://evil.test/page", attacker, tmp_path / "profile")
        assert queue_urls(server) == []
        assert seen.keys() == SEEN.keys()
        for name, outcome in seen.items():
            assert outcome in SEEN[name], f"{name}: {outcome}"
        # The same requests would have been good ones, had no page sent them.
        for name in ("image", "form-get"):
            connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
            url = presigned(f"http://127.0.0.1:{server.port}/", name)
            connection.request("GET", "/?" + url.split("?", 1)[1])
            assert connection.getresponse().status == 200
        assert len(queue_urls(server)) == 2


def test_what_a_flag_allows(tmp_path):
    options = ["--ephemeral", "--allow-origin", "http://evil.test"]
    with Server(tmp_path, options=options) as server:
        attacker = Attacker(server.port, hostile_page(server.port))
        seen = outcomes("http://evil.test/page", attacker, tmp_path / "profile")
        assert seen["fetch health"] == "200"
        assert seen["fetch cors"] == "200"
        assert any(url.endswith("/fetch-cors") for url in queue_urls(server))
        assert seen["rebound health"] == "403", "a name is not an origin"


@pytest.fixture
def things_port():
    """A c10m whose service has CORS rules."""
    port = free_port()
    with subprocess.Popen([str(THINGS_SERVER), str(port)], env=child_environment()) as process:
        try:
            eventually(lambda: health_status(port) == 200, 30, "things_server answers")
            yield port
            assert process.poll() is None
        finally:
            process.kill()


@pytest.mark.parametrize("origin", BY_RULES)
def test_what_a_rule_allows(things_port, tmp_path, origin):
    target = json.dumps(f"http://127.0.0.1:{things_port}/")
    page = CORS_PAGE.read_text().replace("TARGET", target, 1)
    attacker = Attacker(things_port, page)
    assert outcomes(f"{origin}/page", attacker, tmp_path / "profile") == BY_RULES[origin]
