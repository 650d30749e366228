# Writes the tables that the wire's bench walks: one operation of each of three models. MODELS-DIR OUT-DIR.
# SPDX-License-Identifier: Apache-2.0
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

from gen import service_c
from gen.model import load_model
from gen.service import assemble_service
from gen.structs import struct_lines
from gen.tables import Tables

RELEASE = "1.44.5"
SERVICES = {
    "dynamodb": ("dynamodb/2012-08-10", "PutItem"),
    "ec2": ("ec2/2016-11-15", "DescribeInstances"),
    "s3": ("s3/2006-03-01", "ListObjectsV2"),
}


def write(models_dir, name, out):
    path, operation = SERVICES[name]
    model = load_model(models_dir, ROOT / "models/patches", RELEASE, path)
    service = assemble_service({"name": name, "operations": [operation]}, [model], name)
    tables = Tables(service.shapes)
    lines = tables.model_lines()
    lines += service_c.wire_lines(service, tables)
    header = ["#pragma once", '#include "src/wire/protocol.h"', *struct_lines(service.shapes)]
    header += [f"extern const struct wire_service *const bench_{name};"]
    (out / f"bench_{name}.h").write_text("\n".join(header) + "\n", encoding="utf-8")
    text = [f'#include "bench_{name}.h"', *tables.text.lines(), *lines]
    text += [f"const struct wire_service *const bench_{name} = &wire;"]
    (out / f"bench_{name}.c").write_text("\n".join(text) + "\n", encoding="utf-8")


if __name__ == "__main__":
    for service_name in SERVICES:
        write(Path(sys.argv[1]), service_name, Path(sys.argv[2]))
