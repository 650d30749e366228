#!/usr/bin/env python3
# Writes the tables of every pinned model with every operation that tables can hold, for echo.c.
# SPDX-License-Identifier: Apache-2.0
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

from gen import service_c
from gen.model import load_model
from gen.problem import Problem
from gen.service import assemble_service


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


def load(models_dir, name, operations):
    """Anew each time: assembling changes the models."""
    models = [
        load_model(models_dir, ROOT / "models/patches", release, path)
        for release, path in pinned_services()[name]
    ]
    listed = sorted(models[0].operations) if operations is None else operations
    raw = {"name": name, "models": [], "operations": listed, "errors": EXTRA_ERRORS}
    return assemble_service(raw, models, f"the test service {name}")


def holdable(models_dir, name):
    """The service with all operations that its tables can hold, and why not the others."""
    try:
        return load(models_dir, name, None), {}
    except Problem:
        pass
    good, refused = [], {}
    release, path = pinned_services()[name][0]
    model = load_model(models_dir, ROOT / "models/patches", release, path)
    for operation in sorted(model.operations):
        try:
            load(models_dir, name, [operation])
            good.append(operation)
        except Problem as problem:
            refused[operation] = str(problem)
    return load(models_dir, name, good), refused


def lines_of(service):
    """Header and tables in one file. No handler exists: each is a weak symbol, which stays NULL."""
    skipped = ("#pragma once", f'#include "services/{service.name}/')
    lines = service_c.header_lines(service) + service_c.tables_lines(service)
    weak = [f"#pragma weak {op.c_name}" for op in service.operations if op.is_built]
    return [line for line in lines if not line.startswith(skipped)] + weak


def write_service(models_dir, name, out):
    service, refused = holdable(models_dir, name)
    (out / f"{name}.c").write_text("\n".join(lines_of(service)) + "\n", encoding="utf-8")
    (out / f"{name}.json").write_text(json.dumps(refused, indent=2) + "\n", encoding="utf-8")


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
