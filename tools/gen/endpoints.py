# Services that share an endpoint, a version and operations, as RDS, Neptune and DocumentDB do: one is the
# host, whose model is the union of all inputs; the host's split says to which of them a call belongs.
# SPDX-License-Identifier: Apache-2.0
from pathlib import Path
from typing import Any

from .model import Model, wire_names
from .problem import Problem, read_json


def guest_operations(root: Path, host: str) -> tuple[set[str], list[Path]]:
    """What the guests of a host list, and the files that say so."""
    operations: set[str] = set()
    files = []
    for path in sorted((root / "services").glob("*/service.json")):
        raw = read_json(path)
        if raw.get("endpoint_of") == host:
            operations |= set(raw["operations"])
            files.append(path)
    return operations, files


def check_union(host: Model, guest: Model, operations: list[str], where: str) -> None:
    """Whatever a guest's inputs can hold, the host's tables read from the same request."""
    seen: set[tuple[str, str]] = set()
    for name in operations:
        if name not in host.operations:
            raise Problem(f"{where}: {host.label} has no operation '{name}', but its endpoint is shared")
        inputs = [model.operations[name].get("input") for model in (host, guest)]
        if inputs[1] and not inputs[0]:
            raise Problem(f"{where}: {name}: {host.label} has no input")
        if inputs[1]:
            _check_shape(host, guest, (inputs[0]["shape"], inputs[1]["shape"]), f"{where}: {name}", seen)


def _check_shape(
    host: Model, guest: Model, pair: tuple[str, str], where: str, seen: set[tuple[str, str]]
) -> None:
    if pair in seen:
        return
    seen.add(pair)
    types = [model.shapes[name]["type"] for model, name in zip((host, guest), pair)]
    if types[0] != types[1]:
        raise Problem(f"{where}: a {types[1]}, in {host.label} a {types[0]}")
    rows: dict[str, Any] = dict(host.refs(pair[0]))
    for key, ref in guest.refs(pair[1]):
        if key not in rows:
            raise Problem(f"{where}: {host.label} has no member '{key}': put it into a patch")
        if wire_names(host, key, rows[key]) != wire_names(guest, key, ref):
            raise Problem(f"{where}: '{key}' has other names in {host.label}")
        _check_shape(host, guest, (rows[key]["shape"], ref["shape"]), f"{where}: {key}", seen)
