# AWS's protocol tests as one service: what the tables are made from and what is compared.
# SPDX-License-Identifier: Apache-2.0
import json
import re
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Iterator

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "tools"))

from gen import service_c  # noqa: E402
from gen.model import Model  # noqa: E402
from gen.service import Service, assemble_service  # noqa: E402
from gen.structs import struct_lines  # noqa: E402
from gen.tables import Tables  # noqa: E402

Raw = dict[str, Any]


@dataclass(frozen=True)
class Case:
    id: str
    side: str  # "input" or "output"
    operation: str
    raw: Raw
    suffix: str  # of its shapes' names

    def shape(self, name: str) -> str:
        return name + self.suffix


class Vectors:
    """Every suite has shapes of its own: they get its number. Each way in which a suite uses its
    operation becomes one."""

    def __init__(self, path: Path) -> None:
        self.shapes: Raw = {}
        self.operations: Raw = {}
        self.cases: list[Case] = []
        raw = json.loads(path.read_text(encoding="utf-8"))
        for side in ("input", "output"):
            for number, suite in enumerate(raw[side]):
                self.metadata = suite["metadata"]
                self._add_suite(side, f"_{side[0]}{number}", suite)

    def _add_suite(self, side: str, suffix: str, suite: Raw) -> None:
        for name, shape in suite["shapes"].items():
            self.shapes[name + suffix] = _renamed(shape, suffix)
        kinds: list[str] = []
        for raw in suite["cases"]:
            given = json.dumps(raw["given"], sort_keys=True)
            if given not in kinds:
                kinds.append(given)
            operation = f"{raw['given']['name']}{suffix}_{kinds.index(given)}"
            renamed = _renamed(raw["given"], suffix) | {"name": operation}
            if "output" in renamed:
                renamed["output"].setdefault("resultWrapper", raw["given"]["name"] + "Result")
            self.operations[operation] = renamed
            self.cases.append(Case(raw["id"], side, operation, raw, suffix))

    def service(self) -> Service:
        metadata = self.metadata | {"xmlNamespace": "https://example.com/", "endpointPrefix": "x"}
        raw = {"metadata": metadata, "operations": self.operations, "shapes": self.shapes}
        listed = list(self.operations)
        return assemble_service({"name": "vectors", "operations": listed}, [Model(raw, "v")], "v")


def _renamed(value: Any, suffix: str) -> Any:
    if isinstance(value, list):
        return [_renamed(item, suffix) for item in value]
    if not isinstance(value, dict):
        return value
    is_ref = isinstance(value.get("shape"), str)
    return {
        key: item + suffix if is_ref and key == "shape" else _renamed(item, suffix)
        for key, item in value.items()
    }


def tables_lines(service: Service) -> list[str]:
    """The service's tables, and a second set in which every member is in a JSON body under its own
    name: so that values of both sides can be compared as JSON."""
    lines = ['#include "src/wire/vectors/vectors.h"', "", *struct_lines(service.shapes)]
    tables = Tables(service.shapes)
    model = tables.model_lines()
    own = service_c.wire_lines(service, tables)
    lines += [*tables.text.lines(), *model, *own]
    lines += ["const struct wire_service *const vectors = &wire;", ""]
    plain = {
        name: replace(shape, payload_row=0, rows=tuple(_plain_row(row) for row in shape.rows))
        for name, shape in service.shapes.items()
    }
    tables = Tables(plain)
    model = tables.model_lines()
    lines += [_plain_line(line) for line in tables.text.lines() + model]
    return lines + ["const struct wire_model *const vectors_plain = &plain_model;"]


def _plain_row(row: Any) -> Any:
    return replace(row, json_name=row.name, location="WIRE_IN_BODY", time_format="WIRE_TIME_EPOCH")


_STATIC = re.compile(
    r"(?<![.\w])(text|members|shapes|constraints|enum_values|xml_namespaces|model)(?=\[| =|,)"
)


def _plain_line(line: str) -> str:
    is_code = line.startswith(("static const", "    ."))
    return _STATIC.sub(r"plain_\1", line) if is_code else line


def fields(data: bytes) -> Iterator[bytes]:
    """Each its length in decimal, a line feed, its bytes."""
    at = 0
    while at < len(data):
        end = data.index(b"\n", at)
        size = int(data[at:end])
        yield data[end + 1 : end + 1 + size]
        at = end + 1 + size


def frame(*values: str | bytes | int) -> bytes:
    out = b""
    for value in values:
        data = value if isinstance(value, bytes) else str(value).encode("utf-8")
        out += b"%d\n" % len(data) + data
    return out


def main() -> int:
    source, out = sys.argv[1:]
    lines = tables_lines(Vectors(Path(source)).service())
    Path(out).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
