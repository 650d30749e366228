#!/usr/bin/env python3
# The proto ring: botocore against c10m's interpreters, for every operation of every pinned model.
# SPDX-License-Identifier: Apache-2.0
import argparse
import itertools
import json
import multiprocessing
import os
import random
import sys
import time
import traceback
import zlib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import malformed
import wire
from generate import pinned_services
from peer import Died, Mistyped, Peer, from_lines, to_lines
from values import Generator, Style

ROOT = Path(__file__).resolve().parents[2]
MODES = ["absent", "empty", "full"] + 8 * ["random"]
IDLE_MAX = 60  # cases in a row, while a member is still to be covered
REQUEST_ID = "01234567-89ab-cdef-0123-456789abcdef"  # as echo.c has it
SHOWN_MAX = 40  # failures


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


def tasks():
    """Every service in every protocol that one of its models speaks, with the newest such model."""
    models_dir = default_models_dir()
    for name, models in pinned_services().items():
        seen = set()
        for release, path in models:
            raw = json.loads((models_dir / release / path / "service-2.json").read_text("utf-8"))
            metadata = raw["metadata"]
            for protocol in metadata.get("protocols") or [metadata["protocol"]]:
                if protocol not in seen:
                    version = f"-{metadata['jsonVersion']}" if protocol == "json" else ""
                    yield len(raw["shapes"]), name, release, path, protocol + version
                seen.add(protocol)


def default_models_dir():
    return Path(os.environ.get("C10M_CACHE") or ROOT / ".cache") / "models"


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
    def __init__(self, options, peer, task):
        _, self.name, release, path, self.protocol = task
        self.peer = peer
        self.service = wire.load_service(default_models_dir(), release, path, self.protocol)
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
            if generator.cases >= self.cases_max and (wanted <= self.result.covered or idle > IDLE_MAX):
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
        return [*self._compare("response", shape, expected, parsed), *self._request_id(raw)]

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
            value = generator.root(shape, mode)
            value = {n: v for n, v in value.items() if n.lower() != "message"}
            if not self._try(shape.name, "error", self._error_case, shape, value):
                return

    def _error_case(self, shape, value):
        message = self.rng.choice(Style(self.protocol, False).texts)
        lines = to_lines(shape, value)
        words = ["error", self.name, self.protocol, shape.name, message, lines]
        status, headers, body = self._answer(words)
        _, parsed = wire.parse(self.service, None, status, headers, body)
        error = parsed.get("Error", {})
        found = list(wire.differences(self._code(shape), error.get("Code"), "Code"))
        found += wire.differences(message, error.get("Message") or "", "Message")
        actual, _ = wire.parse(self.service, shape, status, headers, body)
        expected = wire.Loss(self.protocol, False).root(shape, value)
        # The modelled message is the same text, under its own name.
        expected.update({n: message for n in shape.members if n in self._message_names()})
        actual = {n: v for n, v in actual.items() if n in expected or n.lower() != "message"}
        found += self._request_id(parsed)
        return found + self._compare("error", shape, expected, actual)

    def _message_names(self):
        """In XML it is <Message>, whatever the model says, and botocore does not look there."""
        return ("Message",) if wire.is_xml(self.protocol) else ("message", "Message")

    def _code(self, shape):
        traits = shape.metadata.get("error", {})
        return traits.get("code", shape.name) if wire.is_xml(self.protocol) else shape.name

    def _is_excepted(self, where, side):
        """exceptions.json: a place begins with the key, whose parts may be '*'."""
        text = f"{self.name} {self.protocol} {side} {where}"
        return any(_matches(key, text) for key in self.exceptions)

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


def run_task(arguments):
    options, task = arguments
    peer = Peer(options.program)
    refused = json.loads((options.tables / f"{task[1]}.json").read_text("utf-8"))
    try:
        result = Run(options, peer, task).run(refused)
    finally:
        status = peer.close()
    if status != 0:
        result.failures.append(f"{result.service} {result.protocol}: the program ended with {status}")
    return result


def read_exceptions(path):
    return {entry["where"]: entry["reason"] for entry in json.loads(path.read_text("utf-8"))}


def print_protocols(results):
    totals = {}
    for r in results:
        total = totals.setdefault(r.protocol, Counter())
        total.update(services=1, operations=r.operations, done=r.operations_done, errors=r.errors)
        total.update(cases=r.cases, rows=len(r.rows), covered=len(r.rows & r.covered))
        total.update(malformed=r.malformed, failures=len(r.failures))
    print(
        f"{'protocol':20} {'services':>8} {'operations':>14} {'errors':>7} {'members':>16} "
        f"{'cases':>7} {'malformed':>9} {'failures':>8}"
    )
    for protocol, t in sorted(totals.items()):
        print(
            f"{protocol:20} {t['services']:8} {t['done']:6} of {t['operations']:4} {t['errors']:7} "
            f"{t['covered']:7} of {t['rows']:5} {t['cases']:7} {t['malformed']:9} {t['failures']:8}"
        )


def print_failures(results, limit):
    failures = [text for r in results for text in r.failures]
    for text in failures[:limit]:
        print(f"FAILED {text}")
    if len(failures) > limit:
        print(f"... and {len(failures) - limit} more")
    bare = [(r, row) for r in results for row in sorted(r.rows - r.covered) if not r.failures]
    for r, row in bare[:limit]:
        print(f"NOT COVERED {r.service} {r.protocol} {' '.join(row)}")
    return len(failures) + len(bare)


def parse_arguments():
    parser = argparse.ArgumentParser(description="botocore against c10m's interpreters.")
    parser.add_argument("--program", required=True, help="proto_echo")
    parser.add_argument("--tables", type=Path, required=True, help="the folder of the made tables")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cases", type=int, default=len(MODES), help="of each operation and side")
    parser.add_argument("--show", type=int, default=SHOWN_MAX, help="failures to print")
    parser.add_argument("--jobs", type=int, default=min(os.cpu_count() or 1, 4))
    parser.add_argument("--report", type=Path, help="a file for the counts")
    parser.add_argument("names", nargs="*", help="of services or protocols (default: all)")
    options = parser.parse_args()
    options.exceptions = read_exceptions(Path(__file__).with_name("exceptions.json"))
    return options


def main():
    options = parse_arguments()
    began = time.monotonic()
    peer = Peer(options.program)
    spoken = {name.decode() for name in peer.ask("protocols")}
    peer.close()
    todo = sorted(tasks(), key=lambda t: t[0], reverse=True)
    if options.names:
        todo = [t for t in todo if t[1] in options.names or t[4] in options.names]
    mute = sorted({t[4] for t in todo} - spoken)
    with multiprocessing.Pool(options.jobs) as pool:
        work = [(options, t) for t in todo if t[4] in spoken]
        results = list(pool.imap_unordered(run_task, work))
    results.sort(key=lambda r: (r.protocol, r.service))
    failed = print_failures(results, options.show)
    print_protocols(results)
    for protocol in mute:
        print(f"NOT SPOKEN {protocol}")
    failed += len(mute)
    if options.report:
        passed = sum(r.cases + r.malformed for r in results) - failed
        options.report.write_text(json.dumps({"passed": passed, "failed": failed}), "utf-8")
    print(f"proto: seed {options.seed}, {failed} failures, {time.monotonic() - began:.0f} s")
    return 1 if failed or not results else 0


if __name__ == "__main__":
    sys.exit(main())
