# Engines in a running c10m: how soon they are there, take writes as a new primary, and reload.
# SPDX-License-Identifier: Apache-2.0
import os
import shutil
import signal
import statistics
import time
from concurrent.futures import ThreadPoolExecutor

from machine import row, timing_row
from support.engines import LOAD, NETWORK, Client, HaProxy, address, engine_spec
from support.machine import machine
from support.server import eventually

READY_MS, PROMOTED_MS = 150, 300
TRIES, TRIES_QUICK = 20, 2
RELOADS, RELOADS_QUICK = 20, 3
WAIT_SECONDS_MAX = 120
# Says by the wall clock, in ns, when a statement first went well.
FIRST = """
import psycopg2, sys, time
host, sql = sys.argv[1:]
while True:
    try:
        with psycopg2.connect(host=host, user="boss", password="secret", dbname="postgres", connect_timeout=1) as c:
            c.cursor().execute(sql)
        break
    except psycopg2.Error:
        time.sleep(0.002)
print(time.time_ns())
"""


def want(m, kind, name, port, needs=(), **more):
    spec = engine_spec(kind, port, **more)
    m.want(kind, name, spec=spec, needs=[NETWORK, *needs])


def took(client, pool, host, sql, action):
    """Nanoseconds from an action to the first statement that goes well."""
    first = pool.submit(client.python, FIRST, host, sql)
    time.sleep(0.3)  # its interpreter has started
    begun = time.time_ns()
    action()
    return int(first.result()) - begun


def gone(m, *names):
    for name in names:
        m.want("postgres", name, desired="gone")
    for name in names:
        m.wait(name, None)


def main_process(m, name):
    """An engine's own process 1's child: the server itself."""
    path = m.folder / f"engines/{name}/files/data/postmaster.pid"
    inside = int(path.read_text().split()[0])
    for pid, comm in m.processes().items():
        status = open(f"/proc/{pid}/status").read() if comm == "postgres" else ""
        if f"NSpid:\t{pid}\t{inside}\n" in status and link_of(pid) == name:
            return pid
    raise AssertionError(f"{name} does not run")


def link_of(pid):
    """The host name of its sandbox is the engine's."""
    environ = os.popen(f"nsenter -t {pid} -u hostname").read()
    return environ.strip()


def ready_ns(m, client, pool, has_spare=False):
    """With the spare copy that a c10m makes when it has time, or without."""
    spare = next((m.folder / "templates").glob("postgres*.spare"), None)
    if has_spare and not spare:
        want(m, "postgres", "e0", "p3")
        find = (m.folder / "templates").glob
        eventually(lambda: list(find("postgres*.spare")), WAIT_SECONDS_MAX, "there is a spare copy")
        gone(m, "e0")
    elif not has_spare and spare:
        shutil.rmtree(spare)
    ns = took(client, pool, address("p2"), "select 1", lambda: want(m, "postgres", "e1", "p2"))
    m.wait("e1", "up")
    gone(m, "e1")
    return ns


def promoted_ns(m, client, pool):
    want(m, "postgres", "e1", "p2")
    m.wait("e1", "up")
    client.ask(*"env PGPASSWORD=secret psql -U boss -d postgres -h".split(), address("p2"), "-c", "create table t (n int)")
    want(m, "postgres", "e2", "p3", needs=[("postgres", "e1")], primary_host=address("p2"))
    m.wait("e2", "up")
    primary = main_process(m, "e1")

    def fail_over():
        os.kill(primary, signal.SIGKILL)
        want(m, "postgres", "e2", "p3")

    ns = took(client, pool, address("p3"), "insert into t values (1)", fail_over)
    gone(m, "e1", "e2")
    return ns


def reload_row(m, client, pool, reloads):
    want(m, "haproxy", "h1", "p2")
    m.wait("h1", "up")
    folder = client.path.parent
    load = pool.submit(client.python, LOAD, address("p2"))
    eventually((folder / "begun").exists, WAIT_SECONDS_MAX, "the load has begun")
    took_ms = []
    for i in range(reloads):
        begun = time.monotonic()
        want(m, "haproxy", "h1", "p2", settings=[HaProxy.page(f"page-{i}")])
        version = m.units()["h1"]["want_version"]
        eventually(lambda: m.units()["h1"]["applied_version"] == version, WAIT_SECONDS_MAX, "it is reloaded")
        took_ms.append((time.monotonic() - begun) * 1e3)
    (folder / "stop").touch()
    seen = dict(reversed(line.split(" ", 1)) for line in load.result().splitlines())
    good = sum(int(count) for said, count in seen.items() if said.startswith("200 "))
    failed = sum(map(int, seen.values())) - good
    note = f"of {good + failed} requests, through {reloads} reloads of {statistics.median(took_ms):.0f} ms; goal 0"
    row("HAProxy reloaded: requests failed", str(failed), note)


def rows(options):
    tries = TRIES_QUICK if options.quick else TRIES
    with machine("root" if os.geteuid() == 0 else "user") as m, ThreadPoolExecutor() as pool:
        m.want(*NETWORK, spec=m.network("n1", ["p1", "p2", "p3"]))
        client = Client(m)
        ready_ns(m, client, pool)  # makes the template
        for label, has_spare in (("its template's spare copy", True), ("its template", False)):
            times = [ready_ns(m, client, pool, has_spare) for _ in range(tries)]
            timing_row(f"PostgreSQL ready, from {label}", times, READY_MS)
        timing_row(
            "PostgreSQL takes writes, after kill -9 of its primary",
            [promoted_ns(m, client, pool) for _ in range(tries)],
            PROMOTED_MS,
        )
        reload_row(m, client, pool, RELOADS_QUICK if options.quick else RELOADS)
