#!/usr/bin/env python3
# The tables of the services hold no relocations: in the built program they stand in read-only memory that all
# processes share. Only what points at them may be relocated.
# SPDX-License-Identifier: Apache-2.0
import subprocess
import sys

TABLES = {
    "text", "shapes", "members", "constraints", "enum_values", "xml_namespaces", "operations",
    "errors", "refusals", "routes",
}  # fmt: skip
ROOTS = {"model", "wire", "handlers"}  # a handler's address is 8 bytes an operation
NEEDED = {"text", "shapes", "members", "operations"}  # every service has them


def symbols(program: str) -> list[tuple[str, str, int]]:
    """Name, section's letter as nm has it, size."""
    words = ["nm", "--print-size", program]
    lines = subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()
    rows = [line.split() for line in lines]
    return [(row[3], row[2], int(row[1], 16)) for row in rows if len(row) == 4]


def main() -> int:
    found = [row for row in symbols(sys.argv[1]) if row[0] in TABLES | ROOTS]
    relocated = [row for row in found if row[0] in TABLES and row[1] not in "rR"]
    for name, letter, size in relocated:
        print(f"{sys.argv[1]}: the table '{name}' of {size} bytes is in a section '{letter}', not read-only")
    missing = NEEDED - {name for name, _, _ in found}
    if missing:
        print(f"{sys.argv[1]}: no table is named {', '.join(sorted(missing))}")
    tables = sum(size for name, _, size in found if name in TABLES)
    roots = sum(size for name, _, size in found if name in ROOTS)
    print(f"{len(found)} tables: {tables} bytes read-only, {roots} bytes relocated")
    return 1 if relocated or missing else 0


if __name__ == "__main__":
    sys.exit(main())
