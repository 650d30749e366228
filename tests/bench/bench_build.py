# How long the project takes to build: everything from nothing, without a compiler's cache, and again after a handler was edited.
# SPDX-License-Identifier: Apache-2.0
import os
import subprocess
import time

from machine import fresh, row
from support.server import ROOT

ABOUT = "the release build on two cores, without ccache: from nothing, and after editing a handler"
CORES = 2
HANDLER = ROOT / "services/sqs/send.c"
GOALS = "goals: everything from nothing in 90 s, the program after an edit in 3 s"


def timed(words):
    """Seconds of the clock, and seconds of CPU time."""
    env = {**os.environ, "CCACHE_DISABLE": "1"}
    began, before = time.monotonic(), os.times()
    subprocess.run([str(word) for word in words], env=env, check=True, stdout=subprocess.DEVNULL)
    seconds, after = time.monotonic() - began, os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return seconds, cpu


def build_row(name, seconds, cpu):
    row(name, f"{seconds:.1f} s", f"{cpu:.1f} s of CPU time")


def with_edit(words):
    """A build after the handler's file became newer, which keeps the time that it had."""
    times = HANDLER.stat()
    try:
        os.utime(HANDLER)
        return timed(words)
    finally:
        os.utime(HANDLER, ns=(times.st_atime_ns, times.st_mtime_ns))


def run(options):
    folder = fresh("build") / "release"
    ninja = ["ninja", "-C", folder, "-j", CORES]
    build_row("configure", *timed(["meson", "setup", folder, ROOT, "--buildtype=release"]))
    build_row("program from nothing", *timed([*ninja, "c10m"]))
    if options.quick:
        subprocess.run(["ninja", "-C", folder, "-n"], check=True, stdout=subprocess.DEVNULL)
    else:
        build_row("everything else", *timed(ninja))
    build_row("program after editing a handler", *with_edit([*ninja, "c10m"]))
    print(GOALS)
