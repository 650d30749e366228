# The cheapest signed request: what the pipeline costs without a store.
# SPDX-License-Identifier: Apache-2.0
from machine import bare_row, fresh, load, running, serve_words, speed_row
from support.server import free_port

ABOUT = "sts GetCallerIdentity beside a bare epoll server"


def run(options):
    limit = bare_row(options.seconds)
    port = free_port()
    with running(serve_words(port, fresh("sts") / "data"), port) as process:
        result = load("sts", port, process, options.seconds)
        speed_row("sts GetCallerIdentity, signed", result, limit)
