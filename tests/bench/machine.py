# What every part of the bench uses: the machine's cores, a server and a load on them, rows of the report.
# The server runs on the first core with one loop, the load on the last.
# SPDX-License-Identifier: Apache-2.0
import contextlib
import json
import os
import pathlib
import shutil
import socket
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
def running(words, port):
    process = subprocess.Popen(
        [str(word) for word in words],
        preexec_fn=pinned(SERVER_CORE),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 30
        while not answers(port):
            if process.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"bench: this does not answer: {words}")
        yield process
    finally:
        process.kill()
        process.wait()


def serve_words(port, data, ephemeral=False):
    words = [PROGRAM, "serve", "--listen", f"127.0.0.1:{port}", "--data", data, "--loops", "1"]
    return words + (["--ephemeral"] if ephemeral else [])


def cpu_us(pid):
    """User and system time of a process so far; in ticks of 10 ms, hence the long runs."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) * 1_000_000 // TICKS


def load(mode, port, process, seconds, queue_url=""):
    words = [str(TOOLS / "load"), mode, str(port), str(CONNECTIONS), str(seconds), queue_url]
    before = cpu_us(process.pid)
    done = subprocess.run(words, stdout=subprocess.PIPE, preexec_fn=pinned(LOAD_CORE), text=True)
    result = json.loads(done.stdout) if done.stdout else sys.exit("bench: the load failed")
    result["cpu_us"] = (cpu_us(process.pid) - before) / max(result["requests"], 1)
    return result


def row(name, value, note=""):
    print(f"{name:44} {value:>14}  {note}".rstrip(), flush=True)


def speed_row(name, result, limit):
    rate = result["requests"] / result["seconds"]
    per_core = 1e6 / result["cpu_us"] if result["cpu_us"] else 0
    note = (
        f"{result['cpu_us']:6.1f} us CPU each = {per_core:7.0f}/s a core, "
        f"p50 {result['p50_us']} us, p99 {result['p99_us']} us"
    )
    if limit:
        note += f", {100 * rate / limit:.0f} % of the bare server"
    if result["errors"] or result["empty"]:
        note += f", {result['errors']} errors, {result['empty']} empty receives"
    row(name, f"{rate:.0f}/s", note)
    return rate


def fresh(name):
    shutil.rmtree(WORK / name, ignore_errors=True)
    (WORK / name).mkdir(parents=True)
    return WORK / name


def disk_row():
    """Serial syncs of one block: what one lonely durable write costs at least."""
    path = fresh("disk") / "file"
    fd = os.open(path, os.O_CREAT | os.O_WRONLY, 0o600)
    block, count, began = b"d" * SYNC_BYTES, 0, time.monotonic()
    while time.monotonic() - began < 1:
        os.write(fd, block)
        os.fdatasync(fd)
        count += 1
    os.close(fd)
    rate = count / (time.monotonic() - began)
    row("disk: append 4 KiB and fdatasync, serial", f"{rate:.0f}/s")
    return rate


def bare_row(seconds):
    """The limit of this machine in this run: an epoll loop that answers a constant."""
    port = free_port()
    with running([TOOLS / "bare_server", port], port) as process:
        result = load("bare", port, process, seconds)
    return speed_row("limit: bare epoll server, constant answer", result, 0)
