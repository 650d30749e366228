# Stored values, of a service (services/<name>/records.json) or a layer (src/<name>/records.json), in the
# form of a model of AWS's.
# SPDX-License-Identifier: Apache-2.0
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import names
from .model import Model
from .problem import Problem, check_keys, read_json
from .service_c import origin
from .shapes import CNames, Shape, Shapes, build_shapes
from .structs import struct_lines
from .tables import Tables

_BUILT_IN = ("String", "Blob", "Boolean", "Integer", "Long", "Double", "Timestamp")
_ID_MAX = 0xFFFF

# What was once written: shape, field id, type. It only grows, so that old values stay readable.
Lock = dict[str, dict[str, str]]


@dataclass(frozen=True)
class Records:
    service: str  # or layer
    folder: str  # "services/sqs", "src/host"
    versions: dict[str, int]  # by record
    shapes: Shapes

    @property
    def where(self) -> str:
        return f"{self.folder}/records.json"

    @property
    def prefix(self) -> str:
        return self.service.replace("-", "_")


def load_records(root: Path, service: str, above: str = "services") -> Records:
    folder = root / above / service
    records = assemble_records(service, read_json(folder / "records.json"), above)
    if (lock := folder / "records.lock.json").exists():
        check_lock(records, read_json(lock))
    return records


def assemble_records(service: str, raw: dict[str, Any], above: str = "services") -> Records:
    folder = f"{above}/{service}"
    where = f"{folder}/records.json"
    check_keys(where, raw, {"records"}, {"shapes"})
    for name, record in raw["records"].items():
        check_keys(f"{where}: {name}", record, {"version", "members"}, {"required"})
        if not 1 <= record["version"] <= 255:
            raise Problem(f"{where}: {name}: a version is one byte, from 1 on")
    shapes = _merge(where, raw["records"], raw.get("shapes", {}))
    _check_refs(where, shapes)
    for name, shape in shapes.items():
        _check_ids(where, name, shape)
    shapes = {name: _sorted_by_id(shape) for name, shape in shapes.items()}
    c_names = CNames(service.replace("-", "_"), "_record")
    roots = {name: f"{where}: {name}" for name in raw["records"]}
    versions = {name: record["version"] for name, record in raw["records"].items()}
    return Records(
        service, folder, versions, build_shapes(Model({"shapes": shapes}, where), roots, c_names, {})
    )


def _merge(where: str, records: dict[str, Any], extra: dict[str, Any]) -> dict[str, Any]:
    merged: dict[str, Any] = {name: {"type": name.lower()} for name in _BUILT_IN}
    structures = {name: {"type": "structure", **record} for name, record in records.items()}
    for shapes in (structures, extra):
        if twice := merged.keys() & shapes.keys():
            raise Problem(f"{where}: '{min(twice)}' is defined already")
        merged.update(shapes)
    return merged


def _check_refs(where: str, shapes: dict[str, Any]) -> None:
    model = Model({"shapes": shapes}, where)
    for name, shape in shapes.items():
        check_keys(
            f"{where}: {name}",
            shape,
            {"type"},
            {"version", "members", "required", "member", "key", "value"},
        )
        for key, ref in model.refs(name):
            if ref["shape"] not in shapes:
                raise Problem(f"{where}: {name}.{key} is of the unknown shape '{ref['shape']}'")


def _check_ids(where: str, name: str, shape: dict[str, Any]) -> None:
    seen: dict[int, str] = {}
    for key, ref in shape.get("members", {}).items():
        number = ref.get("id")
        if not isinstance(number, int) or not 1 <= number <= _ID_MAX:
            raise Problem(f"{where}: {name}.{key} needs an id from 1 to {_ID_MAX}")
        if seen.setdefault(number, key) != key:
            raise Problem(
                f"{where}: {name}.{key} and {name}.{seen[number]} have the same id {number}"
            )


def _sorted_by_id(shape: dict[str, Any]) -> dict[str, Any]:
    if "members" not in shape:
        return shape
    members = sorted(shape["members"].items(), key=lambda member: member[1]["id"])
    return {**shape, "members": dict(members)}


def lock_of(records: Records) -> Lock:
    return {
        shape.name: _lock_of_shape(shape, records.shapes)
        for shape in records.shapes.values()
        if shape.rows
    }


def _lock_of_shape(shape: Shape, shapes: Shapes) -> dict[str, str]:
    return {str(row.id or row.name): _lock_type(shapes[row.shape]) for row in shape.rows}


def _lock_type(shape: Shape) -> str:
    kind = shape.kind.removeprefix("WIRE_").lower()
    return f"{kind} {shape.name}" if shape.rows else kind


def check_lock(records: Records, lock: Lock) -> None:
    """A field's id and type never change. A field that is gone leaves its id unused for ever."""
    now = lock_of(records)
    for shape, fields in lock.items():
        for field, locked in fields.items():
            is_now = now.get(shape, {}).get(field, locked)
            if is_now != locked:
                raise Problem(
                    f"{records.where}: {shape}: the field {field} was stored as '{locked}' and is "
                    f"now '{is_now}': give it a new id"
                )


def merged_lock(records: Records, lock: Lock) -> Lock:
    check_lock(records, lock)
    now = lock_of(records)
    return {
        shape: lock.get(shape, {}) | now.get(shape, {})
        for shape in sorted(lock.keys() | now.keys())
    }


def header_lines(records: Records) -> list[str]:
    lines = origin(f"What {records.service} keeps in the store.", [records.where])
    lines += ["#pragma once", "", '#include "src/store/record.h"', ""]
    lines += struct_lines(records.shapes)
    lines += [
        f"extern const struct record_type {_type_name(records, name)};" for name in records.versions
    ]
    upgraded = [name for name, version in records.versions.items() if version > 1]
    if upgraded:
        lines += ["", "// The service's own (record.h): without them the program does not link."]
    return lines + [
        f"int {_upgrade_name(records, name)}(uint8_t version, void *record, struct arena *arena);"
        for name in upgraded
    ]


def tables_lines(records: Records) -> list[str]:
    tables = Tables(records.shapes)
    model = tables.model_lines()
    lines = origin(f"The tables of what {records.service} keeps in the store.", [records.where])
    lines += ["", f'#include "{records.folder}/{records.prefix}_records.h"', ""]
    lines += tables.text.lines() + model
    for name, version in records.versions.items():
        lines += [
            f"const struct record_type {_type_name(records, name)} = {{",
            "    .model = &model,",
        ]
        lines += [f"    .shape = {tables.shape_index(name)},", f"    .version = {version},"]
        lines += [f'    .name = "{records.service}.{names.snake(name)}",']
        if version > 1:
            lines += [f"    .upgrade = {_upgrade_name(records, name)},"]
        lines += ["};", ""]
    return lines[:-1]


def _upgrade_name(records: Records, record: str) -> str:
    return f"{records.prefix}_{names.snake(record)}_upgrade"


def _type_name(records: Records, record: str) -> str:
    return f"{records.prefix}_{names.snake(record)}_record_type"
