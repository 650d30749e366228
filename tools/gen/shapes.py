# The shapes of one set of tables: what is reached from some roots, with its rows and its C types.
# SPDX-License-Identifier: Apache-2.0
from dataclasses import dataclass
from typing import Any

from . import names
from .model import Model, NameOverlay, Ref, json_name, wire_names
from .problem import Problem

# Type in the model: enum wire_type, type in C ("": each shape has a struct of its own).
_KINDS: dict[str, tuple[str, str]] = {
    "structure": ("WIRE_STRUCTURE", ""),
    "list": ("WIRE_LIST", ""),
    "map": ("WIRE_MAP", ""),
    "string": ("WIRE_STRING", "struct str"),
    "character": ("WIRE_STRING", "struct str"),
    "blob": ("WIRE_BLOB", "struct str"),
    "boolean": ("WIRE_BOOLEAN", "struct opt_bool"),
    "integer": ("WIRE_INTEGER", "struct opt_int"),
    "long": ("WIRE_LONG", "struct opt_long"),
    "float": ("WIRE_DOUBLE", "struct opt_double"),
    "double": ("WIRE_DOUBLE", "struct opt_double"),
    "timestamp": ("WIRE_TIMESTAMP", "struct opt_time"),
}
_TIME_FORMATS = {
    None: "WIRE_TIME_DEFAULT",
    "iso8601": "WIRE_TIME_ISO",
    "unixTimestamp": "WIRE_TIME_EPOCH",
    "rfc822": "WIRE_TIME_HTTP",
}


@dataclass(frozen=True)
class Row:
    """One struct wire_member."""

    name: str
    json_name: str
    query_name: str
    xml_name: str
    c_name: str
    shape: str
    id: int
    flags: tuple[str, ...]
    time_format: str


@dataclass(frozen=True)
class Constraint:
    min: int | None = None
    max: int | None = None
    pattern: str = ""
    enum: tuple[str, ...] = ()


@dataclass(frozen=True)
class Shape:
    name: str
    kind: str  # enum wire_type
    c_type: str
    rows: tuple[Row, ...]
    constraint: Constraint
    is_union: bool
    is_sensitive: bool
    entry_type: str  # of a map, else ""


Shapes = dict[str, Shape]


class CNames:
    """Names of structs in C: each shape has its own, however alike the model's names are."""

    def __init__(self, prefix: str, suffix: str = "", taken: tuple[str, ...] = ()) -> None:
        self._prefix = prefix
        self._suffix = suffix
        self._owners: dict[str, str] = {name: "" for name in taken}

    def struct(self, shape: str) -> str:
        c_name = f"{self._prefix}_{names.snake(shape)}{self._suffix}"
        if self._owners.get(c_name) == "":
            c_name += "_shape"
        if self._owners.setdefault(c_name, shape) != shape:
            raise Problem(
                f"the shapes {self._owners[c_name]} and {shape} are both named {c_name} in C"
            )
        return f"struct {c_name}"

    def entry(self, map_shape: str) -> str:
        """To be called when the structs of all shapes have their names: S3 has a map Metadata and
        a structure MetadataEntry."""
        c_type = self.struct(map_shape) + "_entry"
        return c_type + "_of_map" if c_type.removeprefix("struct ") in self._owners else c_type


def build_shapes(
    model: Model, roots: dict[str, str], c_names: CNames, overlay: NameOverlay
) -> Shapes:
    """roots: shape, and what it is there for. In the order of their names."""
    reached = sorted(_reach(model, roots))
    c_types = {name: _c_type(model, name, c_names) for name in reached}
    return {name: _build_shape(model, name, c_types[name], c_names, overlay) for name in reached}


def _c_type(model: Model, name: str, c_names: CNames) -> str:
    model_type = model.shapes[name]["type"]
    if model_type not in _KINDS:
        raise Problem(f"{model.label}: {name} is of the unknown type '{model_type}'")
    return _KINDS[model_type][1] or c_names.struct(name)


def _reach(model: Model, roots: dict[str, str]) -> set[str]:
    todo = list(roots.items())
    reached: set[str] = set()
    while todo:
        name, why = todo.pop()
        if name in reached:
            continue
        reached.add(name)
        _refuse_untyped(model.shapes[name], why)
        for key, ref in model.refs(name):
            _refuse_untyped(ref, f"{why}.{key}")
            todo.append((ref["shape"], f"{why}.{key}"))
    return reached


def _refuse_untyped(shape_or_ref: dict[str, Any], why: str) -> None:
    for trait in ("document", "streaming", "eventstream"):
        if shape_or_ref.get(trait):
            raise Problem(f"{why} is a {trait} shape, for which the tables have no type yet")
    for bound in ("min", "max"):
        if shape_or_ref.get(bound, 0) != int(shape_or_ref.get(bound, 0)):
            raise Problem(
                f"{why} has the {bound} {shape_or_ref[bound]}, and the tables hold whole numbers"
            )


def _build_shape(
    model: Model, name: str, c_type: str, c_names: CNames, overlay: NameOverlay
) -> Shape:
    raw = model.shapes[name]
    return Shape(
        name=name,
        kind=_KINDS[raw["type"]][0],
        c_type=c_type,
        rows=tuple(_build_row(model, name, key, ref, overlay) for key, ref in model.refs(name)),
        constraint=_build_constraint(raw),
        is_union=bool(raw.get("union")),
        is_sensitive=bool(raw.get("sensitive")),
        entry_type=c_names.entry(name) if raw["type"] == "map" else "",
    )


def _build_row(model: Model, shape: str, key: str, ref: Ref, overlay: NameOverlay) -> Row:
    wire = overlay.get((shape, key)) or wire_names(model, key, ref)
    flags = (
        ("WIRE_REQUIRED", key in model.shapes[shape].get("required", [])),
        ("WIRE_FLATTENED", wire.is_flattened),
        ("WIRE_XML_ATTRIBUTE", bool(model.trait(ref, "xmlAttribute"))),
    )
    return Row(
        name=key,
        json_name=json_name(model, key, ref),
        query_name=wire.query,
        xml_name=wire.xml,
        c_name=names.member(key),
        shape=ref["shape"],
        id=ref.get("id", 0),
        flags=tuple(flag for flag, is_set in flags if is_set),
        time_format=_TIME_FORMATS[model.trait(ref, "timestampFormat")],
    )


def _build_constraint(raw: dict[str, Any]) -> Constraint:
    return Constraint(
        min=None if "min" not in raw else int(raw["min"]),
        max=None if "max" not in raw else int(raw["max"]),
        pattern=raw.get("pattern", ""),
        enum=tuple(raw.get("enum", ())),
    )
