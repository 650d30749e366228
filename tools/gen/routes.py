# Which operation a method and URI mean: the order of comparison, and what tells twins apart.
# SPDX-License-Identifier: Apache-2.0
import re
from dataclasses import dataclass
from typing import Any

from .model import Model, Ref
from .problem import Problem

_SEGMENT = re.compile(r"[^{}]*|\{[^{}+]+\+?\}")
_SEGMENT_KINDS = {"literal": 0, "label": 1, "greedy": 2, "end": 3}


@dataclass(frozen=True)
class Guard:
    """What must be in a request, beyond method and URI, for the operation to be meant."""

    query: tuple[str, ...] = ()
    header: str = ""


def guards(model: Model) -> dict[str, Guard]:
    """S3 has UploadPartCopy, UploadPart, CopyObject and PutObject at one URI: each but the last is
    known by parameters that it requires."""
    twins: dict[tuple[Any, ...], list[str]] = {}
    for name, op in model.operations.items():
        path, literals = _split(model, name)
        anonymous = tuple("{}" if part.startswith("{") else part for part in path)
        twins.setdefault((op["http"]["method"], anonymous, literals), []).append(name)
    return {
        name: _guard(model, name) if len(group) > 1 else Guard()
        for group in twins.values()
        for name in group
    }


def route_order(model: Model, guarded: dict[str, Guard]) -> list[str]:
    """The more specific first; of equals, the one that AWS has not deprecated."""

    def key(name: str) -> tuple[Any, ...]:
        path, literals = _split(model, name)
        kinds = [_SEGMENT_KINDS[_kind(part)] for part in path] + [_SEGMENT_KINDS["end"]]
        guard = guarded[name]
        guard_count = len(guard.query) + bool(guard.header)
        is_deprecated = bool(model.operations[name].get("deprecated"))
        return kinds, -len(literals), -guard_count, is_deprecated, name

    return sorted(model.operations, key=key)


def _split(model: Model, name: str) -> tuple[tuple[str, ...], frozenset[str]]:
    uri = model.operations[name]["http"]["requestUri"]
    path, _, query = uri.partition("?")
    parts = tuple(path.strip("/").split("/")) if path.strip("/") else ()
    for part in parts:
        if not _SEGMENT.fullmatch(part):
            raise Problem(f"{model.label}: {name}: no pattern of ours matches the URI {uri}")
    return parts, frozenset(query.split("&")) if query else frozenset()


def _kind(part: str) -> str:
    if not part.startswith("{"):
        return "literal"
    return "greedy" if part.endswith("+}") else "label"


def _guard(model: Model, name: str) -> Guard:
    op = model.operations[name]
    shape = model.shapes[op["input"]["shape"]] if "input" in op else {}
    required: list[Ref] = [shape["members"][key] for key in shape.get("required", [])]
    query = [ref["locationName"] for ref in required if ref.get("location") == "querystring"]
    headers = [ref["locationName"] for ref in required if ref.get("location") == "header"]
    # One header is enough to tell any two of AWS's apart.
    return Guard(tuple(query), headers[0] if headers else "")
