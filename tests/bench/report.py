# The table of figures in README.md, with the machine, the versions and the date they are of.
# SPDX-License-Identifier: Apache-2.0
import datetime
import os
import pathlib
import platform
import subprocess

from support.server import ROOT

BEGIN, END = "<!-- bench: written by ./dev bench --readme -->", "<!-- bench: end -->"


def processor():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def memory_gib():
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def revision():
    words = ["git", "describe", "--always", "--dirty"]
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def head():
    return (
        f"Measured on {datetime.date.today()} at {revision()}: {processor()}, {os.cpu_count()} cores, "
        f"{memory_gib():.0f} GiB, Linux {platform.release()}. The server on one core with one loop, the "
        "load on another; every request signed."
    )


def table(rows):
    lines = ["| what | figure | |", "|---|---:|---|"]
    return lines + ["| " + " | ".join(cell.strip() for cell in row) + " |" for row in rows]


def write(rows):
    path = ROOT / "README.md"
    text = path.read_text()
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    body = "\n".join([BEGIN, "", head(), "", *table(rows), "", END])
    path.write_text(before + body + after)
    print(f"\nwritten into {path.name}")
