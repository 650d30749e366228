#!/usr/bin/env python3
# No function that overruns buffers; and no clock, random source or socket outside of src/task, so that a
# simulated runtime can stand in for all of them.
# SPDX-License-Identifier: Apache-2.0
import re
import sys

import sources

BANNED = {
    "strcpy": "str, buf or snprintf",
    "strcat": "buf",
    "stpcpy": "buf",
    "strncpy": "memcpy with a checked length",
    "strncat": "buf",
    "sprintf": "snprintf or buf_print",
    "vsprintf": "vsnprintf",
    "strtok": "str_find_char",
    "strtok_r": "str_find_char",
    "gets": "read",
    "alloca": "the arena",
    "setjmp": "a result code",
    "longjmp": "a result code",
    "system": "src/host",
    "popen": "src/host",
    "tmpnam": "mkstemp",
    "mktemp": "mkstemp",
    "atoi": "a parser that reports errors",
    "atol": "a parser that reports errors",
    "atoll": "a parser that reports errors",
}
ONLY_IN_TASK = (
    "time gettimeofday clock_gettime timespec_get getrandom getentropy rand rand_r srand random srandom "
    "drand48 arc4random socket socketpair connect accept accept4 bind listen send sendto sendmsg recv "
    "recvfrom recvmsg poll ppoll select pselect epoll_create epoll_create1 epoll_ctl epoll_wait "
    "epoll_pwait epoll_pwait2 sleep usleep nanosleep clock_nanosleep timerfd_create"
).split()
# Files outside of src/task that may call the operating system, each with its reason.
EXEMPT = {
    "src/cloud/doctor.c": "a process of its own without a runtime: it looks at the machine, not at the cloud",
    "src/store/pg_conn.c": "waits for the sockets of libpq, on threads of their own",
    "src/cloud/supervise.c": "a process of its own without a runtime: it must outlive the server's faults",
    "tests/bench/bare_server.c": "the limit of the machine is measured without our code",
    "tests/bench/first.c": "what a measured sandbox runs",
    "tests/bench/guests.c": "measures from outside, in namespaces of others",
    "tests/bench/host.c": "measures from outside, in namespaces of others",
    "tests/bench/host_bench.c": "measures from outside, in namespaces of others",
    "tests/bench/load.c": "a client beside the server, with an event loop as small as can be",
    "tests/bench/load_requests.c": "its requests are signed by the second",
    "tests/bench/runs.c": "measures other programs, from outside",
    "tests/bench/start.c": "measures a start from outside",
    "tests/bench/wire.c": "measures functions, without a runtime",
    "tests/host/killer.c": "stands before these calls, under a program that is to die at them",
}
# Folders of programs that stand beside c10m and have no runtime.
EXEMPT_FOLDERS = {
    "tests/host/hostile": "a guest that tries what it may not, by the kernel's own calls",
    "src/host/holder": "a network's holder outlives c10m too",
    "src/host/shim": "a sandbox's shim outlives c10m and costs 100 KiB: its world is poll",
}
CALL = re.compile(r"(?<![\w.>])(" + "|".join([*BANNED, *ONLY_IN_TASK]) + r")\s*\(")


def is_free(path):
    """A unit test stands outside of the program: it is the client, and the one who waits."""
    is_test = path.name.startswith("test_") and path.parts[0] in ("src", "services")
    return path.parts[:2] == ("src", "task") or str(path) in EXEMPT or str(path.parent) in EXEMPT_FOLDERS or is_test


def file_problems(path, text):
    for number, line in enumerate(sources.without(text, keep_strings=False).splitlines(), 1):
        for name in CALL.findall(line):
            if name in BANNED:
                yield f"{path}:{number}: {name} is banned: use {BANNED[name]}"
            elif not is_free(path):
                yield f"{path}:{number}: only src/task calls {name}: see src/task/runtime.h, socket.h"


def problems(root=sources.ROOT):
    for path in sources.c_files(root):
        yield from file_problems(path.relative_to(root), path.read_text())
    for name in [*EXEMPT, *EXEMPT_FOLDERS]:
        if not (root / name).exists():
            yield f"tools/check_banned.py: {name} is exempt, but there is no such file"


if __name__ == "__main__":
    sys.exit(sources.report("banned functions", list(problems())))
