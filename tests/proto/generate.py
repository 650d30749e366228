#!/usr/bin/env python3
# Writes every pinned model as a service, all of whose operations are built, for ring.c.
# SPDX-License-Identifier: Apache-2.0
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

from gen import service_c
from gen.model import load_model
from gen.service import assemble_service
from gen.structs import struct_lines
from gen.tables import Tables


# As a service.json lists those that its model lacks.
EXTRA_ERRORS = {
    "RingFailure": {"name": "RingFailure", "query": "Ring.Failure", "status": 409, "sender": True}
}


def pinned_services():
    """Folder of a model, and the releases and paths that make the service: the newest first, then
    an older one that speaks what the newest no longer speaks (SQS's query protocol)."""
    releases = json.loads((ROOT / "models/pins.json").read_text(encoding="utf-8"))["releases"]
    services = {}
    newest_first = sorted(releases, key=lambda r: [int(n) for n in r.split(".")], reverse=True)
    for release in newest_first:
        for path in releases[release]["models"]:
            services.setdefault(path.split("/")[0], []).append((release, path))
    return services


def load(models_dir, name):
    models = [
        load_model(models_dir, ROOT / "models/patches", release, path)
        for release, path in pinned_services()[name]
    ]
    raw = {"name": name, "models": [], "operations": sorted(models[0].operations)}
    raw |= {"errors": EXTRA_ERRORS, "buckets": name == "s3"}
    return assemble_service(raw, models, f"the test service {name}")


def lines_of(service):
    """Header and tables in one file. No shape is checked, since values are to be beyond what the
    model allows; every operation has the ring's handler."""
    tables = Tables(service.shapes, set())
    model = tables.model_lines()
    lines = service_c.origin(f"{service.name}, as the ring has it.", [m.label for m in service.models])
    lines += ["", '#include "tests/proto/ring.h"', "", *struct_lines(service.shapes)]
    wire = service_c.wire_lines(service, tables)
    lines += tables.text.lines() + model + wire
    lines += ["static service_handler_fn *const handlers[] = {"]
    lines += [f"    ring_handle, // {op.name}" for op in service.operations]
    lines += ["};", f"static const struct action_span asked[{len(service.operations)}];"]
    lines += [f"extern const struct service {service.prefix}_service;"]
    return lines + [
        f"const struct service {service.prefix}_service = {{",
        "    .wire = &wire,",
        "    .handlers = handlers,",
        "    .operation_actions = asked,",
        f"    .has_buckets = {str(service.has_buckets).lower()},",
        "};",
    ]


def write_service(models_dir, name, out):
    service = load(models_dir, name)
    (out / f"{name}.c").write_text("\n".join(lines_of(service)) + "\n", encoding="utf-8")


def write_registry(out):
    lines = service_c.registry_lines(sorted(pinned_services()))
    kept = [line for line in lines if not line.startswith('#include "services/')]
    at = kept.index("const struct service *const service_registry[] = {")
    kept[at:at] = [
        f"extern const struct service {name.replace('-', '_')}_service;"
        for name in sorted(pinned_services())
    ] + [""]
    out.write_text("\n".join(kept) + "\n", encoding="utf-8")


def main():
    command, *arguments = sys.argv[1:]
    if command == "list":
        print("\n".join(sorted(pinned_services())))
    elif command == "service":
        write_service(Path(arguments[0]), arguments[1], Path(arguments[2]))
    else:
        write_registry(Path(arguments[0]))


if __name__ == "__main__":
    main()
