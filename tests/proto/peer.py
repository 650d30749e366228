# The program that decodes and encodes, and the lines that stand for typed values.
# SPDX-License-Identifier: Apache-2.0
import json
import struct
import subprocess

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
    return "j" if is_document else KINDS[shape.type_name]


class Died(Exception):
    """The program ended; its last words are on stderr."""


class Peer:
    def __init__(self, program):
        self.program = program
        self.process = None

    def _start(self):
        self.process = subprocess.Popen(
            [self.program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def ask(self, *fields):
        if self.process is None:
            self._start()
        parts = [f.encode("utf-8") if isinstance(f, str) else bytes(f) for f in fields]
        message = struct.pack("<I", len(parts))
        message += b"".join(struct.pack("<I", len(part)) + part for part in parts)
        try:
            self.process.stdin.write(message)
            self.process.stdin.flush()
            count = self._number()
            return [self._read(self._number()) for _ in range(count)]
        except (OSError, struct.error) as e:
            self.close()
            raise Died() from e

    def _number(self):
        return struct.unpack("<I", self.process.stdout.read(4))[0]

    def _read(self, size):
        return self.process.stdout.read(size)

    def close(self):
        """The program's exit status: sanitizers have their say at its end."""
        if self.process is None:
            return 0
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        self.process.stdout.close()
        status = self.process.wait()
        self.process = None
        return status


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
