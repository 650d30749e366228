# Start, memory and size of the program.
# SPDX-License-Identifier: Apache-2.0
import pathlib
import statistics
import subprocess
import sys

from machine import PROGRAM, TOOLS, fresh, row, running, serve_words
from support.server import free_port

ABOUT = "start to first answer, memory when idle, size of the program"
STARTS, STARTS_QUICK = 11, 3


def start_rows(starts):
    port = free_port()
    for kind, ephemeral in (("on disk", False), ("--ephemeral", True)):
        words = serve_words(port, fresh("start") / "%", ephemeral)
        done = subprocess.run(
            [str(word) for word in [TOOLS / "start", port, starts, *words]],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        took = sorted(int(line) for line in done.stdout.split())
        if len(took) != starts:
            sys.exit("bench: not every start was answered")
        row(
            f"start to first answer, empty store, {kind}",
            f"{statistics.median(took) / 1000:.1f} ms",
            f"median of {starts}; {took[0] / 1000:.1f} to {took[-1] / 1000:.1f}",
        )


def memory_rows():
    port = free_port()
    with running(serve_words(port, fresh("memory") / "data"), port) as process:
        text = pathlib.Path(f"/proc/{process.pid}/smaps_rollup").read_text()
    fields = dict(line.split(":", 1) for line in text.splitlines()[1:])
    for name, label in (
        ("Rss", "resident memory, idle"),
        ("Private_Dirty", "of it private and dirty"),
    ):
        row(
            label,
            f"{int(fields[name].split()[0]) / 1024:.1f} MiB",
            "one loop, after the first request",
        )


def size_row():
    stripped = fresh("size") / "c10m"
    subprocess.run(["strip", "-o", stripped, PROGRAM], check=True)
    row("program, stripped", f"{stripped.stat().st_size / 2**20:.2f} MiB")


def run(options):
    start_rows(STARTS_QUICK if options.quick else STARTS)
    memory_rows()
    size_row()
