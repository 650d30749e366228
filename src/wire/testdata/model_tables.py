# Makes the tables of a model of the tests, named like its file: MODEL HEADER SOURCE.
# SPDX-License-Identifier: Apache-2.0
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "tools"))

from gen import service_c  # noqa: E402
from gen.model import Model  # noqa: E402
from gen.service import assemble_service  # noqa: E402
from gen.structs import struct_lines  # noqa: E402
from gen.tables import Tables  # noqa: E402


def main() -> int:
    source, header, tables_c = (Path(argument) for argument in sys.argv[1:])
    model = Model(json.loads(source.read_text(encoding="utf-8")), source.name)
    name = source.stem
    raw = {"name": name, "operations": list(model.operations)}
    service = assemble_service(raw, [model], source.name)
    tables = Tables(service.shapes)
    lines = tables.model_lines()
    lines += service_c.wire_lines(service, tables)
    enumerators = [f"    {error.enumerator}," for error in service.errors]
    types = ["#pragma once", "", '#include "src/wire/protocol.h"', ""]
    types += struct_lines(service.shapes)
    types += [f"enum {name}_error {{", *enumerators, "};"] if enumerators else []
    types += [f"extern const struct wire_service *const {name};"]
    header.write_text("\n".join(types) + "\n", encoding="utf-8")
    text = [f'#include "src/wire/{header.name}"', "", *tables.text.lines(), *lines]
    text += [f"const struct wire_service *const {name} = &wire;"]
    tables_c.write_text("\n".join(text) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
