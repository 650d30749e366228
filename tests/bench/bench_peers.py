# The same cycle of messages through other emulators, by the same load in the same run.
# SPDX-License-Identifier: Apache-2.0

from bench_sqs import queue_create
from machine import fresh, load, row, running, serve_words, speed_row
from peers import PEERS, NotInstalled
from support.server import free_port

WARM_UP = 4  # times as long as is measured: virtual machines compile meanwhile
ABOUT = "sqs send, receive, delete on peers from the registries, and how many times as much a CPU second gives here"


def own(seconds, ephemeral):
    port = free_port()
    with running(serve_words(port, fresh("sqs") / "data", ephemeral), port) as process:
        url = queue_create(port)
        load("sqs", port, process, seconds / 2, url)
        result = load("sqs", port, process, seconds, url)
    speed_row(f"c10m, {'--ephemeral' if ephemeral else 'durable'}", result)
    return result


def peer_result(peer, seconds):
    port, process = peer.running()
    with process as running_process:
        url = queue_create(port)
        load("sqs", port, running_process, max(seconds * WARM_UP, 1), url)
        return load("sqs", port, running_process, seconds, url)


def run(options):
    durable, ephemeral = (own(options.seconds, kind) for kind in (False, True))
    for peer in PEERS:
        try:
            result = peer_result(peer, options.seconds)
        except NotInstalled as reason:
            row(peer.name, "-", f"not installed: {reason}")
            continue
        except SystemExit as reason:
            row(peer.name, "-", str(reason))
            continue
        if result["rate"] == 0:
            row(peer.name, "-", "it answered nothing")
            continue
        speed_row(peer.name, result)
        cpu = result["cpu_us"]
        row(
            "  c10m's requests a CPU second beside it",
            f"{cpu / durable['cpu_us']:.0f}x",
            f"durable; --ephemeral {cpu / ephemeral['cpu_us']:.0f}x",
        )
