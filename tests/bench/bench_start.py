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


def starts(count, data, ephemeral=False):
    """The microseconds of so many starts; `%` in data is the number of each."""
    port = free_port()
    words = serve_words(port, data, ephemeral)
    done = subprocess.run(
        [str(word) for word in [TOOLS / "start", port, count, *words]],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    took = [int(line) for line in done.stdout.split()]
    if len(took) != count:
        sys.exit("bench: not every start was answered")
    return took


def start_row(kind, took):
    row(
        f"start to first answer, {kind}",
        f"{statistics.median(took) / 1000:.1f} ms",
        f"median of {len(took)}; {min(took) / 1000:.1f} to {max(took) / 1000:.1f}",
    )


def start_rows(count):
    start_row("new data directory", starts(count, fresh("start") / "%"))
    # The first one makes it; each is killed.
    start_row("empty store, after kill -9", starts(count + 1, fresh("start") / "data")[1:])
    start_row("--ephemeral", starts(count, fresh("start") / "%", ephemeral=True))


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
