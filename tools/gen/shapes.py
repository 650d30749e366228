# The shapes of one set of tables: what is reached from some roots, with its rows and its C types.
# SPDX-License-Identifier: Apache-2.0
from dataclasses import dataclass
from typing import Any

from . import names
from .model import (
    Model,
    NameOverlay,
    Ref,
    json_name,
    location,
    payload_name,
    wire_names,
    xml_attribute,
)
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
    "document": ("WIRE_DOCUMENT", "struct str"),
    "stream": ("WIRE_STREAM", "struct stream *"),
    "events": ("WIRE_EVENTS", "struct event_source *"),
}
_EVENT_PLACES = {"eventheader": "WIRE_IN_EVENT_HEADER", "eventpayload": "WIRE_IN_EVENT_PAYLOAD"}
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
    location: str  # enum wire_location
    xml_namespace: str  # the attribute that declares it


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
    is_sparse: bool
    payload_row: int  # from 1; 0: none
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
    model: Model,
    roots: dict[str, str],
    c_names: CNames,
    overlay: NameOverlay,
    inputs: frozenset[str] = frozenset(),
) -> Shapes:
    """roots: shape, and what it is there for; inputs: those that requests carry. In the order of
    their names."""
    reached = sorted(_reach(model, roots))
    c_types = {name: _c_type(model, name, c_names) for name in reached}
    bound = frozenset(roots) if model.is_rest else frozenset()
    builder = _Builder(model, bound, inputs, c_types, c_names, overlay)
    return {name: builder.shape(name) for name in reached}


def _model_type(model: Model, name: str) -> str:
    raw = model.shapes[name]
    return "document" if raw.get("document") else str(raw["type"])


def _c_type(model: Model, name: str, c_names: CNames) -> str:
    model_type = _model_type(model, name)
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
        _refuse_sparse(model, name, why)
        for key, ref in model.refs(name):
            todo.append((ref["shape"], f"{why}.{key}"))
    return reached


def _refuse_sparse(model: Model, name: str, why: str) -> None:
    """A structure in a list stands in place: only a union can say that it is not there."""
    raw = model.shapes[name]
    if not raw.get("sparse"):
        return
    element = model.shapes[(raw["value"] if raw["type"] == "map" else raw["member"])["shape"]]
    if element["type"] == "structure" and not element.get("union"):
        raise Problem(f"{why} is sparse and holds structures: the tables have no type for it yet")


@dataclass(frozen=True)
class _Builder:
    model: Model
    bound: frozenset[str]  # inputs, outputs and errors whose members have places in HTTP
    inputs: frozenset[str]
    c_types: dict[str, str]
    c_names: CNames
    overlay: NameOverlay

    def shape(self, name: str) -> Shape:
        raw = self.model.shapes[name]
        refs = list(self.model.refs(name))
        model_type = _model_type(self.model, name)
        payload = raw.get("payload") if name in self.bound else _events_key(self.model, refs)
        return Shape(
            name=name,
            kind=_KINDS[model_type][0],
            c_type=self.c_types[name],
            rows=tuple(self._row(name, key, ref, key == payload) for key, ref in refs),
            constraint=_build_constraint(raw),
            is_union=bool(raw.get("union")),
            is_sensitive=bool(raw.get("sensitive")),
            is_sparse=bool(raw.get("sparse")),
            payload_row=[key for key, _ in refs].index(payload) + 1 if payload else 0,
            entry_type=self.c_names.entry(name) if model_type == "map" else "",
        )

    def _row(self, shape: str, key: str, ref: Ref, is_payload: bool) -> Row:
        model = self.model
        wire = self.overlay.get((shape, key)) or wire_names(model, key, ref)
        place = self._location(shape, ref)
        return Row(
            name=key,
            json_name=json_name(model, key, ref),
            query_name=wire.query,
            xml_name=_xml_name(model, ref, place, is_payload, wire.xml),
            c_name=names.member(key),
            shape=ref["shape"],
            id=ref.get("id", 0),
            flags=_row_flags(model, shape, key, ref, wire.is_flattened),
            time_format=_TIME_FORMATS[model.trait(ref, "timestampFormat")],
            location=place,
            xml_namespace=xml_attribute(model.trait(ref, "xmlNamespace")),
        )

    def _location(self, shape: str, ref: Ref) -> str:
        for trait, place in _EVENT_PLACES.items():
            if ref.get(trait):
                return place
        if self.model.shapes[ref["shape"]]["type"] == "events":
            return "WIRE_IN_EVENT_PAYLOAD"
        if shape not in self.bound:
            return "WIRE_IN_BODY"
        place = location(self.model, ref)
        # A response has no URI.
        is_of_request = place in ("WIRE_IN_URI", "WIRE_IN_QUERY", "WIRE_IN_QUERY_MAP")
        return "WIRE_IN_BODY" if is_of_request and shape not in self.inputs else place



def _events_key(model: Model, refs: list[tuple[str, Ref]]) -> str | None:
    """In protocols that are not REST only events are all of a body."""
    return next((key for key, ref in refs if model.shapes[ref["shape"]]["type"] == "events"), None)


def _xml_name(model: Model, ref: Ref, place: str, is_payload: bool, name: str) -> str:
    if place == "WIRE_IN_PREFIX_HEADERS":
        return str(ref.get("locationName", ""))
    return payload_name(model, ref) if is_payload else name


def _row_flags(
    model: Model, shape: str, key: str, ref: Ref, is_flattened: bool
) -> tuple[str, ...]:
    flags = {
        "WIRE_REQUIRED": key in model.shapes[shape].get("required", []),
        "WIRE_FLATTENED": is_flattened,
        "WIRE_XML_ATTRIBUTE": model.trait(ref, "xmlAttribute"),
        "WIRE_IDEMPOTENCY_TOKEN": model.trait(ref, "idempotencyToken"),
        "WIRE_HOST_LABEL": ref.get("hostLabel"),
        "WIRE_STREAMING": model.trait(ref, "streaming"),
    }
    return tuple(flag for flag, is_set in flags.items() if is_set)


def _bound(raw: dict[str, Any], key: str) -> int | None:
    """Those of doubles are in thousandths: WIRE_FRACTION."""
    if key not in raw:
        return None
    bound = raw[key] * (1000 if raw["type"] in ("double", "float") else 1)
    if abs(bound - round(bound)) > 1e-9 * abs(bound):
        raise Problem(f"the {key} {raw[key]} has more digits than the tables hold")
    return max(-(2**63) + 1, min(2**63 - 2, round(bound)))


def _build_constraint(raw: dict[str, Any]) -> Constraint:
    return Constraint(
        min=_bound(raw, "min"),
        max=_bound(raw, "max"),
        pattern=raw.get("pattern", ""),
        enum=tuple(raw.get("enum", ())),
    )
