#!/usr/bin/env python3
# Start, memory and speed of the release build, beside the limits of this machine in the same run.
# The server runs on the first core with one loop, the load on the last.
# SPDX-License-Identifier: Apache-2.0
import argparse
import contextlib
import json
import os
import pathlib
import shutil
import socket
import statistics
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.server import ROOT, free_port
from support.signed import SignedClient

BUILD = ROOT / "build/release"
PROGRAM = BUILD / "c10m"
TOOLS = BUILD / "tests/bench"
WORK = ROOT / "build/bench"  # on the disk of the project, not in memory
STARTS = 11
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
        deadline = time.monotonic() + 10
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


def queue_create(port):
    with SignedClient(port) as client:
        answer = client.json("CreateQueue", {"QueueName": "bench"})
    if answer.status != 200:
        sys.exit(f"bench: CreateQueue: {answer.body}")
    return answer.json()["QueueUrl"]


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


def bench_start():
    port = free_port()
    for kind, ephemeral in (("on disk", False), ("--ephemeral", True)):
        words = serve_words(port, fresh("start") / "%", ephemeral)
        done = subprocess.run(
            [str(word) for word in [TOOLS / "start", port, STARTS, *words]],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        took = sorted(int(line) for line in done.stdout.split())
        if len(took) != STARTS:
            sys.exit("bench: not every start was answered")
        row(
            f"start to first answer, empty store, {kind}",
            f"{statistics.median(took) / 1000:.1f} ms",
            f"median of {STARTS}; {took[0] / 1000:.1f} to {took[-1] / 1000:.1f}",
        )


def bench_memory():
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


def bench_size():
    stripped = fresh("size") / "c10m"
    subprocess.run(["strip", "-o", stripped, PROGRAM], check=True)
    row("program, stripped", f"{stripped.stat().st_size / 2**20:.2f} MiB")


def bench_disk():
    """Serial syncs of one block: what one lonely durable write costs at least."""
    path = fresh("disk") / "file"
    fd = os.open(path, os.O_CREAT | os.O_WRONLY, 0o600)
    block, count, began = b"d" * SYNC_BYTES, 0, time.monotonic()
    while time.monotonic() - began < 1:
        os.write(fd, block)
        os.fdatasync(fd)
        count += 1
    os.close(fd)
    row("disk: append 4 KiB and fdatasync, serial", f"{count / (time.monotonic() - began):.0f}/s")


def bench_speed(seconds):
    port = free_port()
    with running([TOOLS / "bare_server", port], port) as process:
        limit = speed_row(
            "limit: bare epoll server, constant answer", load("bare", port, process, seconds), 0
        )
    for kind, ephemeral in (("durable", False), ("--ephemeral", True)):
        port = free_port()
        with running(serve_words(port, fresh("speed") / "data", ephemeral), port) as process:
            if not ephemeral:
                speed_row(
                    "sts GetCallerIdentity, signed", load("sts", port, process, seconds), limit
                )
            result = load("sqs", port, process, seconds, queue_create(port))
            speed_row(f"sqs send, receive, delete, {kind}", result, limit)
            row("  whole cycles", f"{result['cycles'] / result['seconds']:.0f}/s")


def main():
    parser = argparse.ArgumentParser(prog="./dev bench")
    parser.add_argument("--seconds", type=float, default=4, help="of each measurement of speed (4)")
    options = parser.parse_args()
    print(
        f"{os.cpu_count()} cores; server on core {SERVER_CORE}, load on core {LOAD_CORE}, {CONNECTIONS} connections"
    )
    bench_start()
    bench_memory()
    bench_size()
    bench_disk()
    bench_speed(options.seconds)
    shutil.rmtree(WORK, ignore_errors=True)


if __name__ == "__main__":
    main()
