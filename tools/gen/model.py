# AWS's service models (botocore's service-2.json) and the names that the protocols give to members.
# SPDX-License-Identifier: Apache-2.0
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterator
from xml.sax.saxutils import quoteattr

from .problem import Problem, check_keys, read_json

Ref = dict[str, Any]  # {"shape": NAME, traits}

_JSON_PROTOCOLS = {"json", "rest-json", "smithy-rpc-v2-cbor"}


class Model:
    def __init__(self, raw: dict[str, Any], label: str, files: list[Path] | None = None) -> None:
        self.label = label  # "botocore 1.44.5 sqs/2012-11-05"
        self.files = files or []  # that it was read from
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
    def is_rest(self) -> bool:
        return any(protocol.startswith("rest-") for protocol in self.protocols)

    @property
    def xml_namespace(self) -> str:
        """That of documents. Where the metadata has none, it stands at the inputs."""
        if uri := self.metadata.get("xmlNamespace"):
            return str(uri)
        refs = [op["input"] for op in self.operations.values() if "input" in op]
        for shape in self.shapes.values():
            refs += shape.get("members", {}).values()
        traits = [ref["xmlNamespace"] for ref in refs if "xmlNamespace" in ref]
        uris = [t["uri"] for t in traits if isinstance(t, dict) and "prefix" not in t]
        return _most_common(uris)

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
        elif shape["type"] == "events":
            yield "event", shape["member"]


def _most_common(texts: list[str]) -> str:
    return Counter(texts).most_common(1)[0][0] if texts else ""


def load_model(models_dir: Path, patches_dir: Path, release: str, path: str) -> Model:
    file = models_dir / release / path / "service-2.json"
    if not file.is_file():
        raise Problem(f"there is no {file}: run './dev fetch' (models/pins.json lists the models)")
    raw = read_json(file)
    patch = patches_dir / release / f"{path.split('/', maxsplit=1)[0]}.json"
    if not patch.is_file():
        return Model(raw, f"botocore {release} {path}", [file])
    apply_patch(raw, read_json(patch), str(patch))
    return Model(raw, f"botocore {release} {path}", [file, patch])


def apply_patch(raw: dict[str, Any], patch: dict[str, Any], where: str) -> None:
    """What a patch says is put into the model; null takes out (RFC 7386)."""
    check_keys(where, patch, {"reason"}, {"metadata", "operations", "shapes"})
    for part in patch.keys() - {"reason"}:
        _merge(raw[part], patch[part])


def _merge(target: dict[str, Any], patch: dict[str, Any]) -> None:
    for key, value in patch.items():
        if value is None:
            del target[key]
        elif isinstance(value, dict) and isinstance(target.get(key), dict):
            _merge(target[key], value)
        else:
            target[key] = value


@dataclass(frozen=True)
class WireNames:
    query: str
    xml: str
    is_flattened: bool


def element_name(model: Model, ref: Ref) -> str | None:
    """A structure's own name is that of a document of its own."""
    is_structure = model.shapes[ref["shape"]]["type"] == "structure"
    return ref.get("locationName") if is_structure else model.trait(ref, "locationName")


def wire_names(model: Model, key: str, ref: Ref) -> WireNames:
    """The names of a row in forms and in XML, by the rules of botocore's serialisers."""
    is_flattened = bool(model.trait(ref, "flattened"))
    own_name = element_name(model, ref)
    xml = own_name or key
    shape = model.shapes[ref["shape"]]
    if shape.get("flattened") and shape["type"] == "list":
        # The items of a flattened list stand in the list's own place: under their own name where
        # the list is flattened wherever it is used, under the list's where a member says it.
        xml = element_name(model, shape["member"]) or xml
    query = _ec2_query_name(model, key, ref, own_name) if model.is_ec2 else xml
    return WireNames(query, xml, is_flattened)


def _ec2_query_name(model: Model, key: str, ref: Ref, own_name: str | None) -> str:
    name = own_name or key
    return str(model.trait(ref, "queryName") or name[0].upper() + name[1:])


LOCATIONS = {
    None: "WIRE_IN_BODY",
    "uri": "WIRE_IN_URI",
    "querystring": "WIRE_IN_QUERY",
    "header": "WIRE_IN_HEADER",
    "headers": "WIRE_IN_PREFIX_HEADERS",
    "statusCode": "WIRE_IN_STATUS_CODE",
}


def location(model: Model, ref: Ref) -> str:
    place = LOCATIONS[model.trait(ref, "location")]
    is_map = model.shapes[ref["shape"]]["type"] == "map"
    return "WIRE_IN_QUERY_MAP" if is_map and place == "WIRE_IN_QUERY" else place


def payload_name(model: Model, ref: Ref) -> str:
    """Of the root element of a body that is one structure."""
    return str(model.trait(ref, "locationName") or ref.get("plainShape", ref["shape"]))


def xml_attribute(trait: dict[str, str] | str | None) -> str:
    """The attribute that declares a namespace."""
    if not trait:
        return ""
    if isinstance(trait, str):
        trait = {"uri": trait}
    name = f"xmlns:{trait['prefix']}" if trait.get("prefix") else "xmlns"
    return f"{name}={quoteattr(trait['uri'])}"


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
