# Commits and reads of the store, beside RocksDB's own transactions and the bare disk.
# SPDX-License-Identifier: Apache-2.0
import json
import subprocess

from machine import TOOLS, disk_row, fresh, row

ABOUT = "durable commits beside RocksDB's optimistic transactions and a bare log; cached reads"
WRITERS = 64


def measure(mode, seconds, writers=WRITERS):
    """Operations a second, and microseconds of CPU for each."""
    words = [str(TOOLS / "store"), mode, str(fresh(f"store-{mode}") / "data"), str(seconds)]
    done = subprocess.run(
        [*words, str(writers)], check=True, stdout=subprocess.PIPE, text=True
    )
    result = json.loads(done.stdout)
    count = max(result["operations"], 1)
    return count / result["seconds"], result["cpu_us"] / count


def measure_row(label, mode, seconds, beside=None):
    rate, cpu_us = measure(mode, seconds)
    ratio = f", {rate / beside:.2f}x" if beside else ""
    row(label, f"{rate:.0f}/s", f"{cpu_us:.1f} us CPU each{ratio}")
    return rate


def run(options):
    disk_row()
    ours = measure_row(f"durable single-key commits, {WRITERS} writers", "commits", options.seconds)
    peer = measure_row("  RocksDB's optimistic transactions", "optimistic", options.seconds)
    log = measure_row("  our committer on append and fdatasync", "log", options.seconds)
    row("  beside optimistic transactions", f"{ours / peer:.2f}x", "goal 2x")
    row("  beside the bare log", f"{100 * ours / log:.0f} %", "goal 50 %")
    measure_row("cached reads, one loop", "reads", options.seconds)
