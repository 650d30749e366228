# Writes struct wire_model: tables of offsets into one text, so that they cost no private memory.
# SPDX-License-Identifier: Apache-2.0
from . import names
from .problem import Problem
from .shapes import Constraint, Row, Shape, Shapes


class TextPool:
    """Zero-terminated strings one after the other, each once; offset 0 is the empty one."""

    def __init__(self) -> None:
        self._offsets = {"": 0}
        self._size = 1

    def add(self, text: str) -> int:
        offset = self._offsets.setdefault(text, self._size)
        if offset == self._size:
            self._size += len(text.encode("utf-8")) + 1
        return offset

    def lines(self) -> list[str]:
        lines = ["// Longer than what ISO C asks every compiler to take; gcc and clang take it."]
        lines += [
            '#pragma GCC diagnostic ignored "-Woverlength-strings"',
            "static const char text[] =",
        ]
        # Neighbouring literals are joined after their escapes are read: "\0" "12" is safe.
        lines += [
            f'    {names.string_literal(text)[:-1]}\\0" // {at}'
            for text, at in self._offsets.items()
        ]
        return lines + ["    ;", ""]


def checked_shapes(shapes: Shapes) -> set[str]:
    """Those of which a value, or what it holds, can break a rule of the model."""
    checked = {name for name, shape in shapes.items() if _has_rules(shape)}
    is_growing = True
    while is_growing:
        holders = {
            name for name, shape in shapes.items() if any(row.shape in checked for row in shape.rows)
        }
        is_growing = not holders <= checked
        checked |= holders
    return checked


def _has_rules(shape: Shape) -> bool:
    is_required = any("WIRE_REQUIRED" in row.flags for row in shape.rows)
    return shape.is_union or is_required or shape.constraint != Constraint()


class Tables:
    def __init__(self, shapes: Shapes, checked: set[str] | None = None) -> None:
        """checked: those that the validator looks at; by default those with rules."""
        self.text = TextPool()
        self._shapes = shapes
        self._indexes = {name: index for index, name in enumerate(shapes)}
        self._checked = checked_shapes(shapes) if checked is None else checked
        self._constraints: dict[Constraint, int] = {Constraint(): 0}
        self._enums: dict[tuple[str, ...], int] = {}
        self._namespaces: dict[str, int] = {"": 0}

    def shape_index(self, name: str | None) -> str:
        return "WIRE_NO_SHAPE" if name is None else str(self._indexes[name])

    def member_row(self, shape: str, index: int) -> int:
        """Of a shape's row among all members."""
        names = list(self._shapes)
        before = names[: names.index(shape)]
        return sum(len(self._shapes[name].rows) for name in before) + index

    def model_lines(self) -> list[str]:
        """Everything but the texts, which are complete only when all users have added theirs."""
        members = self._member_lines()
        shapes = self._shape_lines()
        enum_values = self._enum_lines()
        constraints = self._constraint_lines()
        namespaces = self._namespace_lines()
        lines = members + shapes + enum_values + constraints + namespaces
        lines += ["static const struct wire_model model = {", "    .text = text,"]
        for name, table in (("shapes", shapes), ("members", members), ("enum_values", enum_values)):
            lines += [f"    .{name} = {name},"] if table else []
        lines += ["    .constraints = constraints,", "    .xml_namespaces = xml_namespaces,"]
        return lines + ["};", ""]

    def _member_lines(self) -> list[str]:
        rows = []
        for shape in self._shapes.values():
            rows += [f"    // {shape.name}"] if shape.rows else []
            rows += [self._member_line(shape, row) for row in shape.rows]
        return _table("struct wire_member", "members", rows)

    def _member_line(self, shape: Shape, row: Row) -> str:
        texts = (row.name, row.json_name, row.query_name, row.xml_name)
        fields = [str(self.text.add(text)) for text in texts]
        fields += [_offset(shape, row), self.shape_index(row.shape), str(row.id)]
        fields += [" | ".join(row.flags) or "0", row.time_format, row.location]
        fields += [str(self._namespaces.setdefault(row.xml_namespace, len(self._namespaces)))]
        return f"    {{{', '.join(fields)}}}, // {row.name}: {row.shape}"

    def _shape_lines(self) -> list[str]:
        rows, first = [], 0
        for index, shape in enumerate(self._shapes.values()):
            rows.append(f"    // {index}: {shape.name}")
            rows.append(self._shape_line(shape, first))
            first += len(shape.rows)
        return _table("struct wire_shape", "shapes", rows)

    def _shape_line(self, shape: Shape, first: int) -> str:
        constraint = self._constraints.setdefault(shape.constraint, len(self._constraints))
        fields = [str(self.text.add(shape.name)), f"sizeof({shape.c_type})", self._item_size(shape)]
        fields += [str(first), str(len(shape.rows)), str(constraint), shape.kind]
        is_unchecked = shape.name not in self._checked
        flags = (shape.is_union, shape.is_sensitive, shape.is_sparse, is_unchecked)
        fields += [*(str(flag).lower() for flag in flags), str(shape.payload_row)]
        return f"    {{{', '.join(fields)}}},"

    def _item_size(self, shape: Shape) -> str:
        if shape.kind == "WIRE_LIST":
            return f"sizeof({self._shapes[shape.rows[0].shape].c_type})"
        return f"sizeof({shape.entry_type})" if shape.kind == "WIRE_MAP" else "0"

    def _constraint_lines(self) -> list[str]:
        return _table(
            "struct wire_constraint",
            "constraints",
            [self._constraint_line(c) for c in self._constraints],
        )

    def _constraint_line(self, c: Constraint) -> str:
        low = "INT64_MIN" if c.min is None else str(c.min)
        high = "INT64_MAX" if c.max is None else str(c.max)
        first = self._enums[c.enum] if c.enum else 0
        return f"    {{{low}, {high}, {self.text.add(c.pattern)}, {first}, {len(c.enum)}}},"

    def _namespace_lines(self) -> list[str]:
        if len(self._namespaces) > 256:
            raise Problem("the tables hold at most 255 XML namespaces")
        rows = [f"    {self.text.add(text)}, // {text}".rstrip("/ ") for text in self._namespaces]
        return _table("uint32_t", "xml_namespaces", rows)

    def _enum_lines(self) -> list[str]:
        rows, first = [], 0
        for values in dict.fromkeys(c.enum for c in self._constraints if c.enum):
            self._enums[values] = first
            rows += [f"    {self.text.add(value)}, // {value}" for value in values]
            first += len(values)
        return _table("uint32_t", "enum_values", rows)


def _offset(shape: Shape, row: Row) -> str:
    if shape.kind in ("WIRE_LIST", "WIRE_EVENTS"):
        return "0"
    owner = shape.entry_type if shape.kind == "WIRE_MAP" else shape.c_type
    return f"offsetof({owner}, {row.c_name})"


def _table(c_type: str, name: str, rows: list[str]) -> list[str]:
    return [f"static const {c_type} {name}[] = {{", *rows, "};", ""] if rows else []
