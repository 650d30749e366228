# One service in one protocol: every operation, every error, both ways.
# SPDX-License-Identifier: Apache-2.0
import itertools
import random
import traceback
import zlib
from dataclasses import dataclass, field

import malformed
import wire
from generate import EXTRA_ERRORS, pinned_services
from peer import Died, Mistyped, from_lines, to_lines
from values import Generator, Style

MODES = ["absent", "empty", "full"] + 8 * ["random"]
IDLE_MAX = 60  # cases in a row, while a member is still to be covered
EXTRA_ERROR = EXTRA_ERRORS["RingFailure"]


@dataclass
class Result:
    """Of one service in one protocol."""

    service: str
    protocol: str
    operations: int = 0
    operations_done: int = 0
    excepted: int = 0  # operations
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


def mark_event(shape, event, covered):
    name = event.get("error")
    if name is None:
        mark_members(shape, event, covered)
        return
    covered.add((shape.name, name))
    error = shape.members[name]
    covered.update((error.name, member) for member in error.members)


def mark_members(shape, value, covered):
    for name, member in value.items():
        covered.add((shape.name, name))
        mark(shape.members[name], member, covered)


def mark(shape, value, covered):
    if isinstance(value, list) and shape.serialization.get("eventstream"):
        for event in value:
            mark_event(shape, event, covered)
        return
    if isinstance(value, dict) and shape.type_name == "structure" and not shape.is_document_type:
        mark_members(shape, value, covered)
    elif isinstance(value, list) and shape.type_name == "list":
        for item in value:
            mark(shape.member, item, covered)
    elif isinstance(value, dict) and shape.type_name == "map":
        for item in value.values():
            mark(shape.value, item, covered)


class Misrouted(Exception):
    """A request did not reach the handler that was to answer it."""


def without(value, names):
    return {name: v for name, v in value.items() if name not in names}


class Run:
    def __init__(self, options, models_dir, peer, task):
        _, self.name, release, path, self.protocol = task
        self.peer = peer
        self.service = wire.load_service(models_dir, release, path, self.protocol)
        self.exceptions = options.exceptions
        self.rng = random.Random(zlib.crc32(f"{options.seed}{self.name}{self.protocol}".encode()))
        self.result = Result(self.name, self.protocol)
        self.models = [wire.load_model(models_dir, *m) for m in pinned_services()[self.name]]
        self.cases_max = options.cases
        self.carriers = {}  # requests that bring a plan to the handler, by operation

    @property
    def endpoint(self):
        """S3 takes names in front of its host for buckets."""
        name = "" if self.name == "s3" else f"{self.name}.us-east-1."
        return f"http://{name}localhost:{self.peer.address}"

    def run(self):
        for name in self.service.operation_names:
            self.result.operations += 1
            if self._is_excepted(f"{name}:", "operation"):
                self.result.excepted += 1
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
        generator = self._generator(operation, side == "request")
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

    def _generator(self, operation, is_request):
        generator = Generator(self.rng, Style(self.protocol, is_request))
        generator.greedy_label = greedy_label(operation)
        generator.has_plain_labels = self.service.signing_name == "s3"
        return generator

    def _side_malformed(self, operation):
        shape = operation.input_shape
        if shape is None:
            return
        generator = self._generator(operation, True)
        value = generator.root(shape, "full")
        self._try(operation.name, "malformed", self._malformed, operation, shape, value)

    def _try(self, where, side, case, *arguments):
        self.result.cases += 1
        try:
            found = case(*arguments)
        except (Died, Misrouted, Mistyped) as e:
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
        made = wire.serialise(self.service, operation, value, self.endpoint)
        routed, lines, answer = self._decode(operation, made)
        sent = f"{made.method} {made.target}"
        if routed is None:
            return [f"{sent}: refused, {answer.status} {answer.body[:300]}: {made.body[:200]}"]
        if routed != operation.name:
            return [f"is taken for {routed}: {sent}"]
        expected = wire.Loss(self.protocol, True).root(shape, value) if shape else {}
        expected.update(wire.query_maps(shape, made.query))
        for name in wire.length_members(shape):
            expected.pop(name, None)
            expected |= {name: len(made.body)} if made.has_length else {}
        actual = from_lines(shape, lines) if shape else {}
        actual = wire.without_empty(shape, actual, self.protocol, True)
        return self._compare("request", shape, expected, actual)

    def _decode(self, operation, made):
        """The operation that it was taken for, or None, what was found in it, and the answer."""
        name = f"{self.name}.{operation.name}"
        seen, answer = self.peer.ask(name, "answer", "-", "", "", made)
        if seen is None:
            return None, "", answer
        service, _, routed = seen[0].partition(".")
        return (routed if service == self.name else seen[0]), seen[1], answer

    def _malformed(self, operation, shape, value):
        """What is no request is refused in words, and what is odd is read all the same."""
        made = wire.serialise(self.service, operation, value, self.endpoint)
        routed, before, answer = self._decode(operation, made)
        if routed is None:
            return [f"refused before anything was changed: {answer.body[:200]}"]
        before, found = from_lines(shape, before), []
        lengths = wire.length_members(shape)
        for kind, changed, outcome in malformed.variants(self.protocol, shape, made, self.rng):
            self.result.malformed += 1
            routed, after, answer = self._decode(operation, changed.sign(self.service.signing_name))
            wanted = before if outcome == malformed.SAME else outcome
            if routed is None:
                is_right = outcome == malformed.REFUSED and self._is_refusal(answer)
            else:
                after = from_lines(shape, after)
                is_right = isinstance(wanted, dict) and not any(
                    wire.differences(without(wanted, lengths), without(after, lengths))
                )
            if not is_right:
                said = "read" if routed else f"refused, {answer.status} {answer.body[:200]}"
                found.append(f"{kind}: {said}: {changed.body[:120]}")
        return found

    def _is_refusal(self, answer):
        parsed = wire.parse(self.service, None, answer.status, dict(answer.headers), answer.body)[1]
        error = parsed.get("Error", {})
        return answer.status == 400 and error.get("Code") and error.get("Message")

    def _response(self, operation, shape, value):
        lines = to_lines(shape, value) if shape else ""
        answer = self._answer(operation, "answer", "-", "", lines)
        headers = dict(answer.headers)
        parsed, raw = wire.parse(self.service, shape, answer.status, headers, answer.body)
        expected = wire.Loss(self.protocol, False).root(shape, value)
        for name in wire.length_members(shape):
            is_head = operation.http.get("method") == "HEAD"
            if not is_head or expected.get(name, -1) < 0:
                length = answer.header("Content-Length")
                expected.pop(name, None)
                expected |= {name: int(length)} if length is not None else {}
        parsed = wire.without_empty(shape, parsed, self.protocol, False)
        parsed = wire.without_default_type(shape, parsed, value)
        found = [*self._compare("response", shape, expected, parsed)]
        found += self._request_id(answer, raw)
        status = wire.status_of(operation, value)
        return found + list(wire.differences(status, answer.status, "status"))

    def _request_id(self, answer, raw):
        """It is in a header, and the one of a body is the same."""
        name = "x-amz-request-id" if self.service.signing_name == "s3" else "x-amzn-RequestId"
        sent = answer.header(name)
        if not sent:
            return [f"no {name}"]
        if not answer.body:
            return []
        return list(wire.differences(sent, raw["ResponseMetadata"].get("RequestId"), "RequestId"))

    def _answer(self, operation, kind, name, message, lines):
        """Of the operation, asked with what it needs, to a plan."""
        if operation.name not in self.carriers:
            generator = self._generator(operation, True)
            shape = operation.input_shape
            value = generator.root(shape, "absent") if shape else {}
            made = wire.serialise(self.service, operation, value, self.endpoint)
            self.carriers[operation.name] = made
        full_name = f"{self.name}.{operation.name}"
        made = self.carriers[operation.name]
        seen, answer = self.peer.ask(full_name, kind, name, message, lines, made)
        if seen is None or seen[0] != full_name:
            raise Misrouted(f"{made.method} {made.target}: {seen and seen[0]}: {answer.body[:200]}")
        return answer

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
        code = self._query_code(shape) if self._has_query_codes() else shape.name
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
        code = EXTRA_ERROR["query"] if self._has_query_codes() else EXTRA_ERROR["name"]
        found, answer = self._error_answer(EXTRA_ERROR["name"], code, "a message", "")
        return found + list(wire.differences(EXTRA_ERROR["status"], answer[0], "status"))

    def _error_answer(self, name, code, message, lines):
        """What is wrong with its code and message; and status, headers and body."""
        answer = self._answer(self._carrier_of_errors(), "error", name, message, lines)
        parts = answer.status, dict(answer.headers), answer.body
        _, parsed = wire.parse(self.service, None, *parts)
        error = parsed.get("Error", {})
        found = list(wire.differences(code, error.get("Code"), "Code"))
        found += wire.differences(message, error.get("Message") or "", "Message")
        return found + self._request_id(answer, parsed), parts

    def _query_code(self, shape):
        """An older model may be the only one that says it."""
        errors = [m["shapes"].get(shape.name, {}).get("error", {}) for m in self.models]
        return next((e["code"] for e in reversed(errors) if "code" in e), shape.name)

    def _has_query_codes(self):
        """In XML, and in x-amzn-query-error for those that know the codes from there."""
        is_compatible = "awsQueryCompatible" in self.service.metadata
        return wire.is_xml(self.protocol) or is_compatible

    def _carrier_of_errors(self):
        """The first whose answers have bodies."""
        for name in self.service.operation_names:
            operation = self.service.operation_model(name)
            is_head = operation.http.get("method") == "HEAD"
            if not is_head and not self._is_excepted(f"{name}:", "operation"):
                return operation
        raise Misrouted("no operation can answer an error")

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
