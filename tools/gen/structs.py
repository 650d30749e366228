# Writes the C structs of shapes, each after what it holds in place.
# SPDX-License-Identifier: Apache-2.0
from .shapes import Shape, Shapes


def struct_lines(shapes: Shapes) -> list[str]:
    """Lists and maps hold pointers and structures hold lists and maps in place; only a map's entry
    holds a structure in place. So this order is enough, however shapes refer to each other."""
    lines: list[str] = []
    for kind, write in (
        ("WIRE_STRUCTURE", _forward),
        ("WIRE_MAP", _forward_entry),
        ("WIRE_LIST", _list),
        ("WIRE_MAP", _map),
        ("WIRE_STRUCTURE", _structure),
        ("WIRE_MAP", _entry),
    ):
        written = [
            line for shape in shapes.values() if shape.kind == kind for line in write(shape, shapes)
        ]
        lines += written + [""] if written else []
    return lines


def _forward(shape: Shape, shapes: Shapes) -> list[str]:
    return [f"{shape.c_type};"]


def _forward_entry(shape: Shape, shapes: Shapes) -> list[str]:
    return [f"{shape.entry_type};"]


def _list(shape: Shape, shapes: Shapes) -> list[str]:
    return _array(shape.c_type, shapes[shape.rows[0].shape].c_type)


def _map(shape: Shape, shapes: Shapes) -> list[str]:
    return _array(shape.c_type, shape.entry_type)


def _array(c_type: str, item_type: str) -> list[str]:
    return [f"{c_type} {{", f"    {item_type} *items;", "    size_t count;", "};"]


def _structure(shape: Shape, shapes: Shapes) -> list[str]:
    members = [f"    {_declare(shapes[row.shape], row.c_name)};" for row in shape.rows]
    return [f"{shape.c_type} {{", *(members or ["    char unused_; // it has no members"]), "};"]


def _declare(shape: Shape, name: str) -> str:
    if shape.kind == "WIRE_STRUCTURE":
        return f"{shape.c_type} *{name}"
    return f"{shape.c_type}{name}" if shape.c_type.endswith("*") else f"{shape.c_type} {name}"


def _entry(shape: Shape, shapes: Shapes) -> list[str]:
    members = [f"    {shapes[row.shape].c_type} {row.c_name};" for row in shape.rows]
    return [f"{shape.entry_type} {{", *members, "};"]
