# The host layer: networks here; sandboxes in host_sandboxes.py, engines in host_engines.py.
# SPDX-License-Identifier: Apache-2.0
import statistics
import subprocess
import sys

import host_engines
import host_sandboxes
from machine import TOOLS, fresh, row, timing_row

ABOUT = "networks, sandboxes and engines: how soon they are there, how much passes, what they cost"
COUNT, COUNT_QUICK = 100, 10
NAMES = {
    "network": ("network made, with its rules", 3),
    "port": ("port made, with its groups", 4),
    "group": ("security group's change in force", 5),
    "cut": ("zone's cut in force", 10),
}


def tool(*words):
    done = subprocess.run([str(w) for w in (TOOLS / "host", *words)], stdout=subprocess.PIPE, text=True)
    return done.stdout if done.returncode == 0 else sys.exit(f"bench: host {words[0]} failed")


def network_rows(count):
    lines = [line.split() for line in tool("networks", fresh("host"), count).splitlines()]
    for key, (label, goal_ms) in NAMES.items():
        timing_row(label, [ns for what, ns in lines if what == key], goal_ms)


def throughput_row(seconds):
    """In turns, so that what else the machine does meets both."""
    bare, routed, through = [], [], []
    for _ in range(3):
        bare.append(float(tool("bare", seconds)))
        routed.append(float(tool("routed", seconds)))
        through.append(float(tool("through", fresh("host"), seconds)))
    share = statistics.median(through) / statistics.median(bare)
    rates = f"{statistics.median(through) / 1e9:.2f} of {statistics.median(bare) / 1e9:.2f} GB/s"
    row("through a group, of a bare veth", f"{share * 100:.0f} %", f"{rates}; goal 80 %")
    share = statistics.median(through) / statistics.median(routed)
    row("through a group, of the same path without rules", f"{share * 100:.0f} %", "two pairs of veth, routed")


def run(options):
    network_rows(COUNT_QUICK if options.quick else COUNT)
    throughput_row(max(1, int(options.seconds)))
    host_sandboxes.rows(options)
    host_engines.rows(options)
