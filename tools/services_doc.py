#!/usr/bin/env python3
# Writes docs/services.md: what of each service is built, and what becomes of members without effect.
# SPDX-License-Identifier: Apache-2.0
import argparse
import pathlib
import sys

from gen import members
import sources
from gen.problem import Problem, read_json
from gen.service import load_service, service_names

PATH = "docs/services.md"
HEAD = """\
# Services

Made by tools/services_doc.py from `services/*/service.json` and AWS's models: `./dev fmt` writes this page, `./dev lint`
checks it. An operation that is not built answers 501 `NotImplemented`. Of one that is built, every member of the input is
read by its code, or stands below.
"""
PROTOCOLS = {
    "WIRE_JSON_1_0": "JSON 1.0",
    "WIRE_JSON_1_1": "JSON 1.1",
    "WIRE_QUERY": "query",
    "WIRE_EC2": "EC2 query",
    "WIRE_REST_JSON": "REST-JSON",
    "WIRE_REST_XML": "REST-XML",
    "WIRE_RPC_V2_CBOR": "RPC v2 CBOR",
}


def said(raw, kind):
    """(operation, path, reason) of each member of this kind."""
    for operation, entries in sorted(raw.get(kind, {}).items()):
        for path, reason in sorted(entries.items()):
            yield operation, path, reason


def row(cells):
    return f"| {' | '.join(str(cell) for cell in cells)} |"


def summary(service, raw):
    built = sum(op.is_built for op in service.operations)
    return row(
        [
            f"[{service.name}](../services/{service.name}/README.md)",
            f"{built} of {len(service.operations)}",
            ", ".join(PROTOCOLS[protocol] for protocol in service.protocols),
            *(len(list(said(raw, kind))) for kind in members.KINDS),
        ]
    )


def section(service, raw):
    built = [op.name for op in service.operations if op.is_built]
    lines = ["", f"## {service.name}", "", ", ".join(built) + "." if built else "No operation is built."]
    rows = [
        row([operation, f"`{path}`", f"{kind}: {reason}"])
        for kind in members.KINDS
        for operation, path, reason in said(raw, kind)
    ]
    if rows:
        lines += ["", "| operation | member | what becomes of it |", "|---|---|---|", *rows]
    return lines


def text(root, models):
    services = [
        (load_service(root, models, name), read_json(root / "services" / name / "service.json"))
        for name in service_names(root)
    ]
    lines = HEAD.splitlines()
    lines += ["", *(f"- **{kind}**: {meaning}." for kind, meaning in members.KINDS.items()), ""]
    lines += [row(["service", "operations", "protocols", *members.KINDS]), row(["---"] * 6)]
    lines += [summary(*service) for service in services]
    for service in services:
        lines += section(*service)
    return "\n".join(lines) + "\n"


def write(root, models):
    wanted, path = text(root, models), root / PATH
    if not path.exists() or path.read_text(encoding="utf-8") != wanted:
        path.parent.mkdir(exist_ok=True)
        path.write_text(wanted, encoding="utf-8")


def problems(root, models):
    path = root / PATH
    is_same = path.exists() and path.read_text(encoding="utf-8") == text(root, models)
    return [] if is_same else [f"{PATH} is not what the services are: ./dev fmt writes it"]


def main():
    parser = argparse.ArgumentParser(description=f"Checks {PATH}.")
    parser.add_argument("--write", action="store_true", help="write it instead")
    parser.add_argument("--models", type=pathlib.Path, default=sources.ROOT / ".cache/models")
    args = parser.parse_args()
    try:
        if args.write:
            write(sources.ROOT, args.models)
            return 0
        return sources.report("list of services", problems(sources.ROOT, args.models))
    except Problem as problem:
        return sources.report("list of services", [str(problem)])


if __name__ == "__main__":
    sys.exit(main())
