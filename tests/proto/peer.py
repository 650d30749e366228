# The program that serves, the connection to it, and the lines that stand for typed values.
# SPDX-License-Identifier: Apache-2.0
import json
import os
import socket
import subprocess
import tempfile
from pathlib import Path

KINDS = {
    "structure": "{",
    "list": "[",
    "map": "(",
    "string": "s",
    "character": "s",
    "blob": "b",
    "boolean": "?",
    "integer": "i",
    "long": "l",
    "float": "d",
    "double": "d",
    "timestamp": "t",
}


def kind(shape):
    is_document = getattr(shape, "is_document_type", False)
    if shape.serialization.get("eventstream"):
        return "e"
    return "j" if is_document else KINDS[shape.type_name]


class Died(Exception):
    """The program ended or said nothing; its last words are on stderr."""


SECONDS_MAX = 120  # for one answer, also on a busy machine


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers  # pairs, as they came
        self.body = body

    def header(self, name):
        return next((v for n, v in self.headers if n.lower() == name.lower()), None)


class Peer:
    """One program and one connection. A case is a plan, a request and a response."""

    def __init__(self, program):
        self.folder = tempfile.TemporaryDirectory(prefix="c10m-ring-", dir=_memory_folder())
        self.plan = Path(self.folder.name, "plan")
        self.seen = Path(self.folder.name, "seen")
        self.program = program
        self.process = None
        self.connection = None
        self.cases = 0

    def _start(self):
        env = dict(os.environ, RING_FOLDER=self.folder.name)
        self.process = subprocess.Popen(
            [self.program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env
        )
        self.port = int(self.process.stdout.readline() or 0)

    @property
    def address(self):
        if self.process is None:
            self._start()
        return self.port

    def ask(self, operation, kind, name, message, lines, request):
        """What the handler saw, or None when it was not reached, and the answer."""
        self.cases += 1
        head = f"{self.cases} {operation} {kind} {name}\n{message.encode('utf-8').hex()}\n"
        self.plan.write_text(head + lines, encoding="utf-8")
        try:
            answer = self._exchange(request)
        except OSError as e:
            self.close()
            raise Died(str(e)) from e
        return self._what_was_seen(), answer

    def _what_was_seen(self):
        """SERVICE.OPERATION and lines."""
        if not self.seen.exists():
            return None
        head, _, lines = self.seen.read_text(encoding="utf-8").partition("\n")
        number, operation = head.split(" ")
        return (operation, lines) if int(number) == self.cases else None

    def _exchange(self, request):
        if self.connection is None:
            made = socket.create_connection(("127.0.0.1", self.address), timeout=SECONDS_MAX)
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connection = made
            self.reader = made.makefile("rb")
        self.connection.sendall(request.wire_bytes())
        return self._read_answer(request.method == "HEAD")

    def _read_answer(self, is_head):
        line = self.reader.readline()
        if not line.endswith(b"\r\n"):
            raise OSError("the connection was closed before an answer")
        headers = []
        while (field := self.reader.readline()) not in (b"\r\n", b""):
            name, _, value = field.decode("latin-1").partition(":")
            headers.append((name, value.strip()))
        answer = Answer(int(line.split()[1]), headers, b"")
        if not is_head and answer.status not in (204, 304):
            answer.body = self._read_body(answer)
        if (answer.header("Connection") or "").lower() == "close":
            self._disconnect()
        return answer

    def _read_body(self, answer):
        if answer.header("Transfer-Encoding") is None:
            return self.reader.read(int(answer.header("Content-Length")))
        body = b""
        while size := int(self.reader.readline(), 16):
            body += self.reader.read(size)
            self.reader.readline()
        self.reader.readline()
        return body

    def _disconnect(self):
        if self.connection is not None:
            self.reader.close()
            self.connection.close()
        self.connection = None

    def close(self):
        """The program's exit status: sanitizers have their say at its end."""
        self._disconnect()
        if self.process is None:
            return 0
        self.process.stdin.close()
        self.process.stdout.close()
        status = self.process.wait()
        self.process = None
        return status


def _memory_folder():
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


# Values as this ring has them: a structure is a dict, a time milliseconds, a document what JSON
# says, a blob bytes, and null None.


def to_lines(shape, value):
    lines = []
    _put(shape, value, lines)
    return "\n".join(lines) + "\n"


def _put(shape, value, lines):
    k = kind(shape)
    if value is None:
        lines.append("~")
    elif k == "{":
        lines.append("{")
        for name, member in value.items():
            lines.append("." + name)
            _put(shape.members[name], member, lines)
        lines.append("}")
    elif k == "e":
        _put_events(shape, value, lines)
    elif k == "[":
        lines.append(f"[{len(value)}")
        for item in value:
            _put(shape.member, item, lines)
    elif k == "(":
        lines.append(f"({len(value)}")
        for key, item in value.items():
            _put(shape.key, key, lines)
            _put(shape.value, item, lines)
    else:
        lines.append(k + _scalar_text(k, value))


def _put_events(shape, events, lines):
    """The last may be an error: it has a name and a message instead of members."""
    *rest, last = events or [None]
    error = last if last is not None and "error" in last else None
    plain = rest if error else events
    lines.append(f"[{len(plain)}")
    for event in plain:
        lines.append("{")
        for name, member in event.items():
            lines.append("." + name)
            _put(shape.members[name], member, lines)
        lines.append("}")
    if error:
        lines += ["!" + error["error"], "s" + error["message"].encode("utf-8").hex()]


def _scalar_text(k, value):
    if k == "s":
        return value.encode("utf-8").hex()
    if k == "b":
        return value.hex()
    if k == "j":
        return json.dumps(value).encode("utf-8").hex()
    if k == "?":
        return str(int(value))
    return value.hex() if k == "d" else str(value)


class Mistyped(Exception):
    """A line is of another kind than the model's shape."""


def from_lines(shape, text):
    return _take(shape, iter(text.split("\n")), None)


def _take(shape, lines, line):
    line = next(lines) if line is None else line
    k = kind(shape)
    if line == "~":
        return None
    if line[:1] != k:
        raise Mistyped(f"{shape.name}: the model says '{k}', the program '{line[:40]}'")
    if k == "{":
        return _take_structure(shape, lines)
    if k == "[":
        return [_take(shape.member, lines, None) for _ in range(int(line[1:]))]
    if k == "(":
        pairs = [
            (_take(shape.key, lines, None), _take(shape.value, lines, None))
            for _ in range(int(line[1:]))
        ]
        if len(dict(pairs)) != len(pairs):
            raise Mistyped(f"{shape.name}: a key is there twice")
        return dict(pairs)
    return _scalar_value(k, line[1:])


def _take_structure(shape, lines):
    value = {}
    while (line := next(lines)) != "}":
        value[line[1:]] = _take(shape.members[line[1:]], lines, None)
    return value


def _scalar_value(k, text):
    if k == "s":
        return bytes.fromhex(text).decode("utf-8")
    if k == "b":
        return bytes.fromhex(text)
    if k == "j":
        return json.loads(bytes.fromhex(text))
    if k == "?":
        return text == "1"
    return float.fromhex(text) if k == "d" else int(text)
