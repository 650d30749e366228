# AWS's service models (botocore's service-2.json) and the names that the protocols give to members.
# SPDX-License-Identifier: Apache-2.0
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterator

from .problem import Problem, read_json

Ref = dict[str, Any]  # {"shape": NAME, traits}

_JSON_PROTOCOLS = {"json", "rest-json", "smithy-rpc-v2-cbor"}


class Model:
    def __init__(self, raw: dict[str, Any], label: str, path: Path | None = None) -> None:
        self.label = label  # "botocore 1.44.5 sqs/2012-11-05"
        self.path = path
        self.metadata: dict[str, Any] = raw.get("metadata", {})
        self.operations: dict[str, dict[str, Any]] = raw.get("operations", {})
        self.shapes: dict[str, dict[str, Any]] = raw["shapes"]

    def leave_checks(self, traits: list[str]) -> None:
        self.shapes = {
            name: {key: value for key, value in raw.items() if key not in traits}
            for name, raw in self.shapes.items()
        }

    @property
    def protocols(self) -> list[str]:
        """None in the model of records, which no protocol carries."""
        return self.metadata.get("protocols") or [
            self.metadata[k] for k in ("protocol",) if k in self.metadata
        ]

    @property
    def is_json(self) -> bool:
        return not _JSON_PROTOCOLS.isdisjoint(self.protocols)

    @property
    def is_ec2(self) -> bool:
        return "ec2" in self.protocols

    def trait(self, ref: Ref, key: str) -> Any:
        """A reference's own traits win over those of its shape, as in botocore."""
        return ref.get(key, self.shapes[ref["shape"]].get(key))

    def refs(self, shape_name: str) -> Iterator[tuple[str, Ref]]:
        """The rows of a structure, list or map, under their default names."""
        shape = self.shapes[shape_name]
        if shape["type"] == "structure":
            yield from shape.get("members", {}).items()
        elif shape["type"] == "list":
            yield "member", shape["member"]
        elif shape["type"] == "map":
            yield "key", shape["key"]
            yield "value", shape["value"]


def load_model(models_dir: Path, release: str, path: str) -> Model:
    file = models_dir / release / path / "service-2.json"
    if not file.is_file():
        raise Problem(f"there is no {file}: run './dev fetch' (models/pins.json lists the models)")
    return Model(read_json(file), f"botocore {release} {path}", file)


@dataclass(frozen=True)
class WireNames:
    query: str
    xml: str
    is_flattened: bool


def wire_names(model: Model, key: str, ref: Ref) -> WireNames:
    """The names of a row in forms and in XML, by the rules of botocore's serialisers."""
    is_flattened = bool(model.trait(ref, "flattened"))
    own_name = model.trait(ref, "locationName")
    xml = own_name or key
    shape = model.shapes[ref["shape"]]
    if is_flattened and shape["type"] == "list":
        # The items of a flattened list stand in the list's own place, under their own name.
        xml = model.trait(shape["member"], "locationName") or xml
    query = _ec2_query_name(model, key, ref, own_name) if model.is_ec2 else xml
    return WireNames(query, xml, is_flattened)


def _ec2_query_name(model: Model, key: str, ref: Ref, own_name: str | None) -> str:
    capitalised = own_name[0].upper() + own_name[1:] if own_name else key
    return str(model.trait(ref, "queryName") or capitalised)


def json_name(model: Model, key: str, ref: Ref) -> str:
    return (model.trait(ref, "locationName") if model.is_json else None) or key


NameOverlay = dict[tuple[str, str], WireNames]  # by shape and row


def overlay_names(new: Model, old: Model, operations: list[str]) -> NameOverlay:
    """The names that an older model gives to a newer model's rows: both are walked from the
    operations, side by side."""
    overlay: NameOverlay = {}
    todo = [pair for name in operations for pair in _operation_pairs(new, old, name)]
    seen: set[tuple[str, str]] = set()
    while todo:
        pair = todo.pop()
        if pair in seen or new.shapes[pair[0]]["type"] != old.shapes[pair[1]]["type"]:
            continue
        seen.add(pair)
        old_refs = dict(old.refs(pair[1]))
        for key, ref in new.refs(pair[0]):
            if key in old_refs:
                _overlay_row(overlay, (pair[0], key), wire_names(old, key, old_refs[key]), old)
                todo.append((ref["shape"], old_refs[key]["shape"]))
    return overlay


def _operation_pairs(new: Model, old: Model, name: str) -> Iterator[tuple[str, str]]:
    newer, older = new.operations[name], old.operations.get(name, {})
    for side in ("input", "output"):
        if side in newer and side in older:
            yield newer[side]["shape"], older[side]["shape"]


def _overlay_row(overlay: NameOverlay, row: tuple[str, str], names: WireNames, old: Model) -> None:
    if overlay.setdefault(row, names) != names:
        raise Problem(
            f"{old.label}: {'.'.join(row)} has two names there, {overlay[row]} and {names}"
        )
