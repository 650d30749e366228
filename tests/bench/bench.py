#!/usr/bin/env python3
# Measures the release build, beside the limits of this machine and peers in the same run.
# A part of the bench is a file bench_NAME.py beside this one, with ABOUT (one line) and run(options).
# SPDX-License-Identifier: Apache-2.0
import argparse
import importlib
import os
import pathlib
import shutil
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import report
from machine import CONNECTIONS, LOAD_CORE, SERVER_CORE, WORK, rows

SECONDS, SECONDS_QUICK = 4, 0.5


def find_parts():
    names = sorted(path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py"))
    return {name: importlib.import_module(f"bench_{name}") for name in names}


def parse_arguments(parts):
    width = max(map(len, parts))
    parser = argparse.ArgumentParser(
        prog="./dev bench",
        epilog="\n".join(["parts:", *(f"  {n:{width}}  {p.ABOUT}" for n, p in parts.items())]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seconds", type=float, help=f"of each measurement of speed ({SECONDS})")
    parser.add_argument(
        "--quick", action="store_true", help="small numbers, to see that it runs; no figures"
    )
    parser.add_argument(
        "--readme", action="store_true", help="write the report into README.md, between its marks"
    )
    parser.add_argument("parts", nargs="*", metavar="NAME", help="only these parts")
    options = parser.parse_args()
    if unknown := [name for name in options.parts if name not in parts]:
        parser.error(f"there is no part '{unknown[0]}': {', '.join(parts)}")
    options.seconds = options.seconds or (SECONDS_QUICK if options.quick else SECONDS)
    return options


def main():
    parts = find_parts()
    options = parse_arguments(parts)
    print(
        f"{os.cpu_count()} cores; server on core {SERVER_CORE}, load on core {LOAD_CORE}, "
        f"{CONNECTIONS} connections"
    )
    for name, part in parts.items():
        if not options.parts or name in options.parts:
            print(f"\n-- {name}: {part.ABOUT}", flush=True)
            rows.append((f"**{name}**: {part.ABOUT}", "", ""))
            part.run(options)
    shutil.rmtree(WORK, ignore_errors=True)
    if options.readme:
        report.write(rows)


if __name__ == "__main__":
    main()
