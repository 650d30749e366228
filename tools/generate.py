#!/usr/bin/env python3
# Writes the C of every service from its service.json, its records.json and AWS's models.
# SPDX-License-Identifier: Apache-2.0
import argparse
import json
import sys
from pathlib import Path

from gen import records, service_c
from gen.problem import Problem, read_json
from gen.service import load_service, service_names

ROOT = Path(__file__).resolve().parent.parent


def write_if_changed(path: Path, lines: list[str]) -> None:
    """What did not change keeps its time, so that nothing is compiled again."""
    text = "\n".join(lines) + "\n"
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def run_list(args: argparse.Namespace) -> None:
    print("\n".join(service_names(ROOT)))


def run_service(args: argparse.Namespace) -> None:
    service = load_service(ROOT, args.models, args.name)
    stem = args.out / service.prefix
    outputs = {
        f"{stem}_api.h": service_c.header_lines(service),
        f"{stem}_tables.c": service_c.tables_lines(service),
    }
    inputs = [file for model in service.models for file in model.files]
    inputs += service.guest_files
    inputs += service.action_files
    if (ROOT / "services" / args.name / "records.json").exists():
        kept = records.load_records(ROOT, args.name)
        outputs[f"{stem}_records.h"] = records.header_lines(kept)
        outputs[f"{stem}_records.c"] = records.tables_lines(kept)
    for path, lines in outputs.items():
        write_if_changed(Path(path), lines)
    if args.depfile:
        inputs += [Path(__file__), *sorted((ROOT / "tools/gen").glob("*.py"))]
        needed = " ".join(str(path).replace(" ", "\\ ") for path in inputs)
        write_if_changed(args.depfile, [f"{args.depfile_target}: {needed}"])


def run_layer(args: argparse.Namespace) -> None:
    kept = records.load_records(ROOT, args.name, "src")
    write_if_changed(args.out / f"{args.name}_records.h", records.header_lines(kept))
    write_if_changed(args.out / f"{args.name}_records.c", records.tables_lines(kept))


def run_registry(args: argparse.Namespace) -> None:
    write_if_changed(args.out, service_c.registry_lines(sorted(args.names)))


def run_lock(args: argparse.Namespace) -> None:
    for name in args.names:
        path = ROOT / "services" / name / "records.lock.json"
        kept = records.load_records(ROOT, name)
        lock = records.merged_lock(kept, read_json(path) if path.exists() else {})
        path.write_text(json.dumps(lock, indent=2) + "\n", encoding="utf-8")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Writes the C of every service from AWS's models.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    command = commands.add_parser("list", help="print the names of all services")
    command.set_defaults(run=run_list)
    command = commands.add_parser("service", help="write a service's header, tables and records")
    command.add_argument("name")
    command.add_argument("--models", type=Path, default=ROOT / ".cache/models")
    command.add_argument("--out", type=Path, required=True, help="folder")
    command.add_argument("--depfile", type=Path)
    command.add_argument("--depfile-target")
    command.set_defaults(run=run_service)
    command = commands.add_parser("layer", help="write the records of a layer below src/")
    command.add_argument("name")
    command.add_argument("--out", type=Path, required=True, help="folder")
    command.set_defaults(run=run_layer)
    command = commands.add_parser("registry", help="write the list of all services")
    command.add_argument("--out", type=Path, required=True, help="file")
    command.add_argument("names", nargs="*")
    command.set_defaults(run=run_registry)
    command = commands.add_parser(
        "lock", help="note the ids and types of stored fields in records.lock.json"
    )
    command.add_argument("names", nargs="+")
    command.set_defaults(run=run_lock)
    return parser.parse_args()


def main() -> int:
    args = parse_arguments()
    try:
        args.run(args)
    except Problem as problem:
        print(f"generate: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
