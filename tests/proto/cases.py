# One service in one protocol: every operation, every error, both ways.
# SPDX-License-Identifier: Apache-2.0
import itertools
import random
import traceback
import zlib
from dataclasses import dataclass, field

import malformed
import wire
from generate import EXTRA_ERRORS
from peer import Died, Mistyped, from_lines, to_lines
from values import Generator, Style

MODES = ["absent", "empty", "full"] + 8 * ["random"]
IDLE_MAX = 60  # cases in a row, while a member is still to be covered
REQUEST_ID = "01234567-89ab-cdef-0123-456789abcdef"  # as echo.c has it
EXTRA_ERROR = EXTRA_ERRORS["RingFailure"]


@dataclass
class Result:
    """Of one service in one protocol."""

    service: str
    protocol: str
    operations: int = 0
    operations_done: int = 0
    errors: int = 0
    cases: int = 0
    malformed: int = 0
    rows: set = field(default_factory=set)
    covered: set = field(default_factory=set)
    failures: list = field(default_factory=list)
    exceptions: set = field(default_factory=set)  # that something was excepted by


def rows_of(shape, rows):
    """All members that are reached from a shape, as (structure, member)."""
    todo, seen = [shape], set()
    while todo:
        shape = todo.pop()
        if shape is None or shape.name in seen:
            continue
        seen.add(shape.name)
        if shape.type_name == "structure" and not shape.is_document_type:
            rows.update((shape.name, name) for name in shape.members)
            todo += shape.members.values()
        elif shape.type_name == "list":
            todo.append(shape.member)
        elif shape.type_name == "map":
            todo += [shape.key, shape.value]


def mark(shape, value, covered):
    if isinstance(value, dict) and shape.type_name == "structure" and not shape.is_document_type:
        for name, member in value.items():
            covered.add((shape.name, name))
            mark(shape.members[name], member, covered)
    elif isinstance(value, list) and shape.type_name == "list":
        for item in value:
            mark(shape.member, item, covered)
    elif isinstance(value, dict) and shape.type_name == "map":
        for item in value.values():
            mark(shape.value, item, covered)


class Run:
    def __init__(self, options, models_dir, peer, task):
        _, self.name, release, path, self.protocol = task
        self.peer = peer
        self.service = wire.load_service(models_dir, release, path, self.protocol)
        self.exceptions = options.exceptions
        self.rng = random.Random(zlib.crc32(f"{options.seed}{self.name}{self.protocol}".encode()))
        self.result = Result(self.name, self.protocol)
        self.cases_max = options.cases

    def run(self, refused):
        for name in self.service.operation_names:
            self.result.operations += 1
            if name in refused:
                if not self._is_excepted(name, "operation"):
                    self._fail(name, "operation", f"the tables cannot hold it: {refused[name]}")
                continue
            operation = self.service.operation_model(name)
            before = len(self.result.failures)
            self._side(operation, operation.input_shape, "request", self._request)
            self._side(operation, operation.output_shape, "response", self._response)
            self._side_malformed(operation)
            self.result.operations_done += before == len(self.result.failures)
        for shape in self.service.error_shapes:
            self._error(shape)
        self._try(EXTRA_ERROR["name"], "error", self._extra_error_case)
        self.result.errors += 1
        return self.result

    def _side(self, operation, shape, side, case):
        rows = set()
        rows_of(shape, rows)
        wanted = {(side, *row) for row in rows if not self._is_excepted_row(row, side)}
        self.result.rows |= wanted
        generator = Generator(self.rng, Style(self.protocol, side == "request"))
        generator.greedy_label = greedy_label(operation)
        idle = 0  # cases in a row that covered nothing new
        for mode in itertools.chain(MODES[: self.cases_max], itertools.repeat("full")):
            before = len(self.result.covered)
            value = generator.root(shape, mode) if shape else {}
            if not self._try(operation.name, side, case, operation, shape, value) or not shape:
                return
            idle = 0 if len(self.result.covered) > before else idle + 1
            is_done = wanted <= self.result.covered or idle > IDLE_MAX
            if is_done and generator.cases >= self.cases_max:
                return

    def _side_malformed(self, operation):
        shape = operation.input_shape
        if shape is None:
            return
        generator = Generator(self.rng, Style(self.protocol, True))
        generator.greedy_label = greedy_label(operation)
        value = generator.root(shape, "full")
        self._try(operation.name, "malformed", self._malformed, operation, shape, value)

    def _try(self, where, side, case, *arguments):
        self.result.cases += 1
        try:
            found = case(*arguments)
        except (Died, Mistyped) as e:
            found = [f"{type(e).__name__}: {e}"]
        except Exception as e:  # botocore's parsers raise what they like
            found = [f"{type(e).__name__}: {e}: {traceback.format_exc(limit=-2)}"]
        found = [text for text in found if not self._is_excepted(f"{where}: {text}", side)]
        for text in found[:3]:
            self._fail(where, side, text)
        return not found

    def _fail(self, where, side, text):
        self.result.failures.append(f"{self.name} {self.protocol} {where} {side}: {text}")

    def _request(self, operation, shape, value):
        made = wire.serialise(self.service, operation, value)
        is_read, routed, lines = self._decode(operation, made)
        sent = f"{made.method} {made.path}?{made.query}"
        if not is_read:
            return [f"{sent}: refused, {routed}: {made.body[:200]}"]
        found = [] if routed == operation.name else [f"is taken for {routed}: {sent}"]
        expected = wire.Loss(self.protocol, True).root(shape, value)
        expected.update(wire.query_maps(shape, made.query))
        actual = from_lines(shape, lines) if shape else {}
        actual = wire.without_empty(shape, actual, self.protocol, True)
        return found + self._compare("request", shape, expected, actual)

    def _decode(self, operation, made):
        headers = [part for pair in made.headers for part in pair]
        words = ["decode", self.name, self.protocol, operation.name]
        words += [made.method, made.path, made.query, made.body, *headers]
        status, routed, *lines = self.peer.ask(*words)
        return status == b"ok", routed.decode(), lines[0].decode() if lines else ""

    def _malformed(self, operation, shape, value):
        """What is no request is refused in words, and what is odd is read all the same."""
        made = wire.serialise(self.service, operation, value)
        was_read, text, before = self._decode(operation, made)
        if not was_read:
            return [f"refused before anything was changed: {text}"]
        before, found = from_lines(shape, before), []
        for kind, changed, outcome in malformed.variants(self.protocol, shape, made, self.rng):
            self.result.malformed += 1
            is_read, text, after = self._decode(operation, changed)
            wanted = before if outcome == malformed.SAME else outcome
            if not is_read:
                is_right = outcome == malformed.REFUSED and text
            else:
                is_right = not any(wire.differences(wanted, from_lines(shape, after)))
            if not is_right:
                said = "read" if is_read else f"refused, '{text}'"
                found.append(f"{kind}: {said}: {changed.body[:120]}")
        return found

    def _response(self, operation, shape, value):
        method = operation.http.get("method", "POST")
        lines = to_lines(shape, value) if shape else ""
        words = ["encode", self.name, self.protocol, operation.name, method, lines]
        status, headers, body = self._answer(words)
        parsed, raw = wire.parse(self.service, shape, status, headers, body)
        expected = wire.Loss(self.protocol, False).root(shape, value)
        parsed = wire.without_empty(shape, parsed, self.protocol, False)
        parsed = wire.without_default_type(shape, parsed, value)
        found = [*self._compare("response", shape, expected, parsed), *self._request_id(raw)]
        return found + list(wire.differences(wire.status_of(operation, value), status, "status"))

    def _request_id(self, raw):
        """Of the body; elsewhere it is a header, which is not the interpreters'."""
        if self.protocol not in ("query", "ec2"):
            return []
        return wire.differences(REQUEST_ID, raw["ResponseMetadata"].get("RequestId"), "RequestId")

    def _answer(self, words):
        state, status, body, *rest = self.peer.ask(*words)
        names = [name.decode("latin-1") for name in rest[::2]]
        return int(status), dict(zip(names, [v.decode("latin-1") for v in rest[1::2]])), body

    def _compare(self, side, shape, expected, actual):
        found = list(wire.differences(expected, actual))
        if not found and shape:
            covered = set()
            mark(shape, expected, covered)
            self.result.covered |= {(side, *row) for row in covered}
        return found

    def _error(self, shape):
        rows = {(shape.name, n) for n in shape.members if n.lower() != "message"}
        self.result.rows |= {("error", *r) for r in rows if not self._is_excepted_row(r, "error")}
        self.result.errors += 1
        generator = Generator(self.rng, Style(self.protocol, False))
        for mode in ("full", "empty", "random"):
            made = generator.root(shape, mode)
            value = {n: v for n, v in made.items() if n.lower() != "message"}
            if not self._try(shape.name, "error", self._error_case, shape, value):
                return

    def _error_case(self, shape, value):
        traits = shape.metadata.get("error", {})
        code = traits.get("code", shape.name) if wire.is_xml(self.protocol) else shape.name
        message = self.rng.choice(Style(self.protocol, False).texts)
        found, answer = self._error_answer(shape.name, code, message, to_lines(shape, value))
        if "httpStatusCode" in traits:
            found += wire.differences(traits["httpStatusCode"], answer[0], "status")
        actual, _ = wire.parse(self.service, shape, *answer)
        expected = wire.Loss(self.protocol, False).root(shape, value)
        # The modelled message is the same text, under its own name.
        expected.update({n: message for n in shape.members if n in self._message_names()})
        actual = {n: v for n, v in actual.items() if n in expected or n.lower() != "message"}
        return found + self._compare("error", shape, expected, actual)

    def _extra_error_case(self):
        """One that is in service.json and not in the model."""
        code = EXTRA_ERROR["query"] if wire.is_xml(self.protocol) else EXTRA_ERROR["name"]
        found, answer = self._error_answer(EXTRA_ERROR["name"], code, "a message", "")
        return found + list(wire.differences(EXTRA_ERROR["status"], answer[0], "status"))

    def _error_answer(self, name, code, message, lines):
        """What is wrong with its code and message; and status, headers and body."""
        words = ["error", self.name, self.protocol, name, message, lines]
        answer = self._answer(words)
        _, parsed = wire.parse(self.service, None, *answer)
        error = parsed.get("Error", {})
        found = list(wire.differences(code, error.get("Code"), "Code"))
        found += wire.differences(message, error.get("Message") or "", "Message")
        return found + list(self._request_id(parsed)), answer

    def _message_names(self):
        """In XML it is <Message>, whatever the model says, and botocore does not look there."""
        return ("Message",) if wire.is_xml(self.protocol) else ("message", "Message")

    def _is_excepted(self, where, side):
        """exceptions.json: a place begins with the key, whose parts may be '*'."""
        text = f"{self.name} {self.protocol} {side} {where}"
        found = {key for key in self.exceptions if _matches(key, text)}
        self.result.exceptions |= found
        return bool(found)

    def _is_excepted_row(self, row, side):
        return self._is_excepted("/".join(row), f"{side} row")


def _matches(key, text):
    parts, words = key.split(" "), text.split(" ", key.count(" "))
    if len(words) < len(parts):
        return False
    *middle, last = zip(parts, words)
    return all(p in ("*", w) for p, w in middle) and last[1].startswith(last[0])


def greedy_label(operation):
    uri = operation.http.get("requestUri", "")
    return uri.partition("+}")[0].rpartition("{")[2] if "+}" in uri else None
