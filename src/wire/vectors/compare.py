#!/usr/bin/env python3
# Runs AWS's protocol tests of one protocol: PROGRAM VECTORS. They are a client's: parameters and
# the request that they make, a response and the result that it has. The other way round they are a
# server's. Both sides are run.
# SPDX-License-Identifier: Apache-2.0
import base64
import json
import math
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections import Counter
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import partial
from operator import itemgetter
from pathlib import Path
from typing import Any, Callable, Iterator
from urllib.parse import parse_qsl, unquote

from cbor import Reader
from exceptions import EXCEPTIONS
from vectors import Case, Raw, Vectors, fields, frame


class Mismatch(Exception):
    pass


def expect(what: str, is_now: Any, wanted: Any) -> None:
    if is_now != wanted:
        raise Mismatch(f"{what}: {is_now!r} instead of {wanted!r}")


class Values:
    """Parameters and results of the tests as plain JSON, and back to what compares equal."""

    def __init__(self, shapes: Raw) -> None:
        self.shapes = shapes

    def plain(self, name: str, value: Any) -> Any:
        shape = self.shapes[name]
        if value is None or shape.get("document"):
            return value
        if shape["type"] == "structure":
            members = shape["members"]
            items = {key: self.plain(members[key]["shape"], item) for key, item in value.items()}
            return {key: item for key, item in items.items() if item is not None}
        if shape["type"] == "list":
            items = [self.plain(shape["member"]["shape"], item) for item in value]
            return items if shape.get("sparse") else [item for item in items if item is not None]
        if shape["type"] == "map":
            items = {key: self.plain(shape["value"]["shape"], item) for key, item in value.items()}
            if shape.get("sparse"):
                return items
            return {key: item for key, item in items.items() if item is not None}
        if shape["type"] == "blob":
            return base64.b64encode(value.encode("utf-8")).decode("ascii")
        return value

    def sent(self, name: str, value: Any) -> Any:
        """What a request can say: no empty lists and maps outside of the body; and a map of all
        parameters has those of the other members too, which the tests leave out or not."""
        members = self.shapes[name]["members"]
        empty = [k for k, v in value.items() if not v and v is not False and v != 0 and v != ""]
        kept = {k: v for k, v in value.items() if not (k in empty and self._is_in_http(members[k]))}
        own = {ref.get("locationName") for ref in members.values()}
        for key, ref in members.items():
            is_map = self.shapes[ref["shape"]]["type"] == "map"
            if key in kept and is_map and ref.get("location") == "querystring":
                rest = {name: item for name, item in kept.pop(key).items() if name not in own}
                kept |= {key: rest} if rest else {}
        return kept

    @staticmethod
    def _is_in_http(ref: Raw) -> bool:
        return ref.get("location") in IN_HTTP


IN_HTTP = {"querystring", "header", "headers"}
NAME_SUFFIX = re.compile(r"_[io]\d+_\d+")  # of operations: see Vectors


def is_time(text: str) -> bool:
    return len(text) >= 20 and (text[4] == "-" or text[3] == ",")


def time_of(text: str) -> float | str:
    try:
        if text[3:4] == ",":
            return parsedate_to_datetime(text).timestamp()
        return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
    except ValueError:
        return text


def scalar(text: str) -> Any:
    if is_time(text):
        return time_of(text)
    try:
        number = float(text)
    except ValueError:
        return text
    return number if math.isfinite(number) else text


def json_tree(value: Any) -> Any:
    """Members that are null, and times in another form, are equal to those that are not."""
    if isinstance(value, dict):
        return {key: json_tree(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [json_tree(item) for item in value if item is not None]
    return time_of(value) if isinstance(value, str) and is_time(value) else value


XML_EXTRA = {"ResponseMetadata", "RequestId", "requestId", "RequestID", "Detail"}


def local(name: str) -> str:
    return name.rpartition("}")[2]


def xml_tree(node: ElementTree.Element, name: str = "") -> Any:
    """Of equal names the order counts, of others it does not. What every answer of ours has and the
    tests do not is left out."""
    children = [xml_tree(child) for child in node if local(child.tag) not in XML_EXTRA]
    attributes = {local(key): value for key, value in node.attrib.items()}
    text = node.text or ""
    is_layout = "\n" in text and not text.strip()
    value = "" if children or is_layout else scalar(text)
    children.sort(key=itemgetter(0))  # equals keep their order
    return (name or NAME_SUFFIX.sub("", local(node.tag)), attributes, value, children)


def body_tree(protocol: str, body: str) -> Any:
    """A body that is neither JSON nor XML, such as a payload, is compared as it is."""
    if not body.strip():
        return {} if is_json(protocol) else ("root", {}, "", [])
    try:
        if protocol == CBOR:
            return json_tree(Reader(body.encode("latin-1")).item())
        if "json" in protocol:
            return json_tree(json.loads(body))
        # What root and result are called is no matter to clients.
        tree = xml_tree(ElementTree.fromstring(body), "root")
        is_empty = protocol == "query" and tree[3] and tree[3][0][2:] == ("", [])
        return tree[:3] + ([],) if is_empty else tree
    except (ValueError, ElementTree.ParseError):
        return body


CBOR = "smithy-rpc-v2-cbor"


def is_json(protocol: str) -> bool:
    """Or of its form."""
    return "json" in protocol or protocol == CBOR


def without_code(tree: Any) -> Any:
    return {key: item for key, item in tree.items() if key not in ("__type", "code")}


def error_code(headers: Raw, tree: Any) -> str:
    """As clients find it: without namespace and URI."""
    code = headers.get("x-amzn-errortype") or tree.get("__type") or tree.get("code") or ""
    return code.partition(":")[0].rpartition("#")[2]


def read_headers(answer: Iterator[bytes]) -> Raw:
    headers = {}
    for _ in range(int(next(answer))):
        name = next(answer).decode("utf-8").lower()
        headers[name] = next(answer).decode("utf-8")
    return headers


def pairs(form: str) -> list[tuple[str, Any]]:
    return sorted((name, scalar(value)) for name, value in parse_qsl(form, keep_blank_values=True))


class Run:
    def __init__(self, vectors: Vectors) -> None:
        self.vectors = vectors
        self.values = Values(vectors.shapes)
        self.protocol = vectors.metadata["protocol"]

    def request(self, case: Case) -> bytes:
        """The fields that the program reads."""
        if case.side == "input":
            sent = case.raw["serialized"]
            headers = list(sent.get("headers", {}).items())
            names = [field for header in headers for field in header]
            uri = sent.get("uri", "/")
            method = sent.get("method", "POST")
            fixed = frame("request", case.operation, method, uri, len(headers), *names)
            return fixed + frame(self.encoded(sent.get("body")))
        if "errorCode" in case.raw:
            return self.error(case)
        given = self.vectors.operations[case.operation]
        shape = given.get("output", {}).get("shape")
        plain = self.values.plain(shape, case.raw.get("result", {})) if shape else {}
        return frame("response", case.operation, json.dumps(plain, ensure_ascii=False))

    def encoded(self, body: str | None) -> bytes:
        text = body or ""
        return base64.b64decode(text) if self.protocol == CBOR else text.encode("utf-8")

    def decoded(self, body: bytes) -> str:
        return body.decode("latin-1" if self.protocol == CBOR else "utf-8")

    @property
    def has_client(self) -> bool:
        return self.protocol not in ("ec2", CBOR)

    def client_request(self, case: Case) -> bytes:
        """Same, for the client's side."""
        if not self.has_client:
            return b""
        given = self.vectors.operations[case.operation]
        if case.side == "input":
            shape = given.get("input", {}).get("shape")
            params = case.raw["params"] | EXCEPTIONS.get(case.id, {}).get("sent", {})
            plain = self.values.plain(shape, params) if shape else {}
            return frame("client-request", case.operation, json.dumps(plain, ensure_ascii=False))
        reply = case.raw["response"]
        headers = list(reply.get("headers", {}).items())
        names = [field for header in headers for field in header]
        mode = "client-error" if "errorCode" in case.raw else "client-response"
        fixed = frame(mode, case.operation, reply["status_code"], len(headers), *names)
        return fixed + frame(reply.get("body") or "")

    def check_client(self, case: Case, answer: Iterator[bytes]) -> None:
        if case.side == "input":
            outcome, method, path, query = (next(answer).decode("utf-8") for _ in range(4))
            headers = read_headers(answer)
            body = next(answer).decode("utf-8")
            expect("outcome", outcome, "ok")
            self.check_client_request(case, method, (path, query), headers, body)
        elif "errorCode" in case.raw:
            code, message = next(answer).decode("utf-8"), next(answer).decode("utf-8")
            expect("code", code, case.raw["errorCode"])
            expect("message", message, case.raw.get("errorMessage", message))
        else:
            outcome, value = next(answer).decode("utf-8"), next(answer).decode("utf-8")
            expect("outcome", outcome, "ok")
            given = self.vectors.operations[case.operation]
            if "output" in given:
                name = given["output"]["shape"]
                wanted = self.values.plain(name, case.raw.get("result", {}))
                got = self.values.sent(name, json.loads(value))
                expect("value", got, self.values.sent(name, wanted))

    def check_client_request(
        self, case: Case, method: str, target: tuple[str, str], headers: Raw, body: str
    ) -> None:
        wanted = case.raw["serialized"]
        path, _, query = wanted.get("uri", "/").partition("?")
        expect("method", method, wanted.get("method", "POST"))
        expect("path", unquote(target[0]).replace(".000Z", "Z"), unquote(path))
        expect("query", pairs(target[1]), pairs(query))
        for name, value in wanted.get("headers", {}).items():
            if name.lower() not in OTHERS_HEADERS and name != "X-Amz-Target":
                is_now = headers.get(name.lower(), "").removesuffix("; charset=utf-8")
                expect(name, _header(is_now), _header(value))
        if self.protocol == "query":
            renamed = NAME_SUFFIX.sub("", body, count=1)
            expect("body", pairs(renamed), pairs(wanted.get("body", "")))
        else:
            trees = [body_tree(self.protocol, text) for text in (body, wanted.get("body", ""))]
            expect("body", trees[0], trees[1])

    def error(self, case: Case) -> bytes:
        given = self.vectors.operations[case.operation]
        name = given["errors"][0]["shape"]
        message = case.raw.get("errorMessage", "")
        members = {k: v for k, v in case.raw.get("error", {}).items() if k.lower() != "message"}
        plain = self.values.plain(name, members)
        code = case.raw["errorCode"]
        return frame("error", case.operation, name, code, message, json.dumps(plain))

    @staticmethod
    def _message_fields(answer: Iterator[bytes], before: int) -> list[bytes]:
        taken = [next(answer) for _ in range(before + 1)]
        return taken + [next(answer) for _ in range(2 * int(taken[-1]) + 1)]

    def fields_of(self, case: Case, answer: Iterator[bytes]) -> list[bytes]:
        if case.side == "input":
            return [next(answer) for _ in range(3)]
        return self._message_fields(answer, 1)

    def fields_of_client(self, case: Case, answer: Iterator[bytes]) -> list[bytes]:
        if case.side == "output":
            return [next(answer) for _ in range(2)]
        return self._message_fields(answer, 4)

    def check(self, case: Case, answer: Iterator[bytes]) -> None:
        if case.side == "input":
            self.check_request(case, [next(answer) for _ in range(3)])
            return
        status, headers = int(next(answer)), read_headers(answer)
        self.check_response(case, status, headers, self.decoded(next(answer)))

    def check_request(self, case: Case, answer: list[bytes]) -> None:
        outcome, value, match = (field.decode("utf-8") for field in answer)
        expect("outcome", outcome, "ok")
        given = self.vectors.operations[case.operation]
        if "input" in given:
            name = given["input"]["shape"]
            wanted = self.values.plain(name, case.raw["params"])
            # Clients send some members that nobody set.
            wanted |= EXCEPTIONS.get(case.id, {}).get("sent", {})
            got = self.values.sent(name, json.loads(value))
            expect("value", got, self.values.sent(name, wanted))
        if self.protocol.startswith("rest"):
            operations = self.vectors.operations
            expect("match", operations.get(match, {}).get("http"), given["http"])

    def check_response(self, case: Case, status: int, headers: Raw, body: str) -> None:
        wanted = case.raw["response"]
        if self.protocol.startswith("rest"):
            expect("status", status, wanted["status_code"])
            for name, value in wanted.get("headers", {}).items():
                if name.lower() not in OTHERS_HEADERS and not (name == "Content-Type" and not body):
                    expect(name, _header(headers.get(name.lower(), "")), _header(value))
        tree = body_tree(self.protocol, body)
        wanted_body = self.decoded(self.encoded(wanted.get("body")))
        wanted_tree = body_tree(self.protocol, wanted_body)
        if "errorCode" in case.raw and is_json(self.protocol):
            expect("code", error_code(headers, tree), case.raw["errorCode"])
            tree, wanted_tree = without_code(tree), without_code(wanted_tree or {})
        expect("body", tree, wanted_tree)


# The server's; and the code, which is compared as a client reads it.
OTHERS_HEADERS = {"content-length", "x-amzn-errortype"}


def _header(value: str) -> str | float:
    value = value.replace(", ", ",")
    return time_of(value.replace(",", ", ")) if is_time(value) and value.count(",") < 2 else value


def outcome_of(check: Callable[[], None], what: str, reason: str | None) -> str:
    try:
        check()
    except Mismatch as mismatch:
        if not reason:
            print(f"{what}: {mismatch}")
        return "excepted" if reason else "failed"
    if reason:
        print(f"{what} passes and stands in the list of exceptions")
    return "failed" if reason else "passed"


def main() -> int:
    program, path = sys.argv[1:]
    vectors = Vectors(Path(path))
    run = Run(vectors)
    requests = b"".join(run.request(case) + run.client_request(case) for case in vectors.cases)
    done = subprocess.run([program], input=requests, stdout=subprocess.PIPE, check=True)
    answer = fields(done.stdout)
    counts: Counter[str] = Counter()
    for case in vectors.cases:
        reasons = EXCEPTIONS.get(case.id, {})
        # A mismatch must not leave fields of its case unread.
        checks = {"server": partial(run.check, case, iter(run.fields_of(case, answer)))}
        if run.has_client:
            client = run.fields_of_client(case, answer)
            checks["client"] = partial(run.check_client, case, iter(client))
        for side, check in checks.items():
            outcome = outcome_of(check, f"{side} {case.side} {case.id}", reasons.get(side))
            counts[f"{side} {outcome}"] += 1
    print(", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items())))
    return 1 if any(outcome.endswith("failed") for outcome in counts) else 0


if __name__ == "__main__":
    sys.exit(main())
