# What every part of the bench uses: the machine's cores, a server and a load on them, rows of the report.
# The server runs on the first core with one loop, the load on the last.
# SPDX-License-Identifier: Apache-2.0
import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time

from support.server import ROOT, free_port

BUILD = ROOT / "build/release"
PROGRAM = BUILD / "c10m"
TOOLS = BUILD / "tests/bench"
WORK = ROOT / "build/bench"  # on the disk of the project, not in memory
CONNECTIONS = 64
SYNC_BYTES = 4096
CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE, LOAD_CORE = CORES[0], CORES[-1]
TICKS = os.sysconf("SC_CLK_TCK")
rows = []  # of the report: name, value, note


def pinned(core):
    return lambda: os.sched_setaffinity(0, {core})


def answers(port):
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as s:
            s.sendall(b"GET /_c10m/health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            return s.recv(1024).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


@contextlib.contextmanager
def running(words, port, is_ready=answers, **more):
    process = subprocess.Popen(
        [str(word) for word in words],
        preexec_fn=pinned(SERVER_CORE),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # by which its CPU time is counted
        **more,
    )
    try:
        deadline = time.monotonic() + 60
        while not is_ready(port):
            if process.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"bench: this does not answer: {words}")
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def serve_words(port, data, ephemeral=False):
    words = [PROGRAM, "serve", "--listen", f"127.0.0.1:{port}", "--data", data, "--loops", "1"]
    return words + (["--ephemeral"] if ephemeral else [])


def cpu_us(pid):
    """User and system time so far of a process and of all that it started (its session); in ticks of 10 ms, hence the long runs."""
    ticks = 0
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = path.read_text().rsplit(")", 1)[1].split()
            if int(fields[3]) == pid:
                ticks += int(fields[11]) + int(fields[12])
    return ticks * 1_000_000 // TICKS


def load_words(mode, port, seconds, queue_url="", connections=CONNECTIONS, rate=0, message_bytes=100):
    """What load.c takes; rate 0: a closed loop."""
    words = [TOOLS / "load", mode, port, connections, seconds, queue_url, rate, message_bytes]
    return [str(word) for word in words]


def load(mode, port, process, seconds, queue_url="", **more):
    before = cpu_us(process.pid)
    words = load_words(mode, port, seconds, queue_url, **more)
    done = subprocess.run(words, stdout=subprocess.PIPE, preexec_fn=pinned(LOAD_CORE), text=True)
    result = json.loads(done.stdout) if done.stdout else sys.exit("bench: the load failed")
    result["cpu_us"] = (cpu_us(process.pid) - before) / max(result["requests"], 1)
    result["rate"] = result["requests"] / result["seconds"]
    return result


def row(name, value, note=""):
    """One line of the report, and of the README's table."""
    rows.append((name, value, note))
    print(f"{name:44} {value:>14}  {note}".rstrip(), flush=True)


def milliseconds(took_ns):
    """Median and p99."""
    took = sorted(int(ns) / 1e6 for ns in took_ns)
    return statistics.median(took), took[min(len(took) - 1, len(took) * 99 // 100)]


def timing_row(label, took_ns, goal_ms=None):
    median, p99 = milliseconds(took_ns)
    note = f"p99 {p99:.2f} ms of {len(took_ns)}"
    row(label, f"{median:.2f} ms", f"{note}; goal {goal_ms} ms" if goal_ms else note)


def latency_text(result):
    return ", ".join(
        f"{name} {result[key] / 1000:.2f} ms"
        for name, key in (("p50", "p50_us"), ("p99", "p99_us"), ("p99.9", "p999_us"))
    )


def speed_row(name, result, limit=None):
    """limit: the bare server's result in the same run."""
    note = f"{result['cpu_us']:.1f} us CPU a request"
    if limit and limit["cpu_us"]:
        note += f" ({result['cpu_us'] / limit['cpu_us']:.1f}x the bare server)"
    note += ", " + latency_text(result)
    if result["errors"] or result["empty"]:
        note += f", {result['errors']} errors, {result['empty']} empty receives"
    row(name, f"{result['rate']:.0f}/s", note)


def fresh(name):
    shutil.rmtree(WORK / name, ignore_errors=True)
    (WORK / name).mkdir(parents=True)
    return WORK / name


def sync_us(block_bytes, seconds=1.0):
    """The median of serial appends of so many bytes, each synced: what one lonely durable write costs at least."""
    path = fresh("disk") / "file"
    fd = os.open(path, os.O_CREAT | os.O_WRONLY, 0o600)
    block, took, end = b"d" * block_bytes, [], time.monotonic() + seconds
    while time.monotonic() < end:
        began = time.monotonic_ns()
        os.write(fd, block)
        os.fdatasync(fd)
        took.append((time.monotonic_ns() - began) / 1000)
    os.close(fd)
    return statistics.median(took), len(took) / seconds


def disk_row():
    median_us, rate = sync_us(SYNC_BYTES)
    row("disk: append 4 KiB and fdatasync, serial", f"{rate:.0f}/s", f"median {median_us:.0f} us")
    return rate


def bare_row(seconds):
    """The limit of this machine in this run: an epoll loop that answers a constant."""
    port = free_port()
    with running([TOOLS / "bare_server", port], port) as process:
        result = load("bare", port, process, seconds)
    speed_row("limit: bare epoll server, constant answer", result)
    return result
