# Databases, caches and proxies of others as units of a running c10m, asked by stock clients.
# SPDX-License-Identifier: Apache-2.0
import os
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from support.engines import KINDS, LOAD, NETWORK, PSYCOPG, Client, HaProxy, address, engine_spec
from support.machine import machine, parent, users
from support.server import eventually

REPLICATING = [kind for kind in KINDS.values() if kind.replicates]
SECONDS = 120
RELOADS = 5


@pytest.fixture(params=users())
def m(request):
    with machine(request.param) as running:
        running.want(*NETWORK, spec=running.network("n1", [f"p{i}" for i in range(1, 6)]))
        yield running


def of_kind(kinds):
    return pytest.mark.parametrize("kind", kinds, ids=lambda kind: kind.kind)


def engine(m, kind, name="e1", port="p2", needs=(), **more):
    spec = engine_spec(kind.kind, port, **more)
    m.want(kind.kind, name, spec=spec, needs=[NETWORK, *needs], restarts=True)


def main_process(m, kind):
    """The one of the engine's processes whose parent is no other of them; several engines: all."""
    found = {pid for pid, name in m.processes().items() if name == kind.process}
    return sorted(pid for pid in found if parent(pid) not in found | {0})  # 0: it has just ended


def has(kind, client, port, key, value):
    eventually(lambda: kind.get(client, address(port), key) == value, SECONDS, f"{key} is {value}")


def is_adopted(m, kind, times=1):
    mark = f"host_unit_adopted kind={kind.kind}"
    eventually(lambda: m.server.log.read_text().count(mark) >= times, SECONDS, "it is adopted")


def write_first(kind, client, port="p2"):
    if kind.kind == "haproxy":
        has(kind, client, port, "", "first")
    else:
        kind.put(client, address(port), "one", "first")
        has(kind, client, port, "one", "first")


@of_kind(KINDS.values())
def test_an_engines_life(m, kind):
    client = Client(m)
    engine(m, kind)
    unit = m.wait("e1", "up")
    assert unit["kind"] == kind.kind and unit["problem"] == "" and unit["ids_row"] >= 0
    assert b"secret" not in (m.folder / "engines/e1/applied").read_bytes()
    write_first(kind, client)
    before = main_process(m, kind)
    assert len(before) == 1

    # The next c10m finds it, and it does not notice.
    m.server.kill()
    m.server.start()
    is_adopted(m, kind)
    assert main_process(m, kind) == before
    if kind.kind != "haproxy":
        has(kind, client, "p2", "one", "first")

    # A setting that it can change while it runs is changed while it runs.
    engine(m, kind, settings=[kind.setting])
    if kind.kind == "memcached":
        m.want(kind.kind, "e1", desired="stop")
        m.wait("e1", "down")
        engine(m, kind, settings=[kind.setting])
    eventually(lambda: kind.has_setting(client, address("p2")), SECONDS, "the setting is in force")
    m.wait("e1", "up")
    assert (main_process(m, kind) == before) == (kind.kind != "memcached")

    # Stopped, and started again with what it had.
    m.want(kind.kind, "e1", desired="stop")
    m.wait("e1", "down")
    assert not main_process(m, kind)
    engine(m, kind, settings=[kind.setting])
    m.wait("e1", "up")
    if kind.keeps:
        has(kind, client, "p2", "one", "first")
    assert kind.has_setting(client, address("p2"))

    # Its words are lines of our log.
    if kind.kind != "memcached":  # which has nothing to say
        lines = m.server.log.read_text().splitlines()
        assert any(f"event=engine kind={kind.kind} name=e1 line=" in s for s in lines)

    # The machine loses power.
    m.die()
    m.boot()
    m.wait("e1", "up")
    eventually(lambda: len(main_process(m, kind)) == 1, SECONDS, "it runs, once")
    if kind.keeps:
        has(kind, client, "p2", "one", "first")
    eventually(lambda: kind.has_setting(client, address("p2")), SECONDS, "it answers again")

    m.want(kind.kind, "e1", desired="gone")
    m.wait("e1", None)
    assert not main_process(m, kind)
    assert not [path for path in (m.folder / "engines").iterdir()]


@of_kind(REPLICATING)
def test_a_replica_is_promoted(m, kind):
    client = Client(m)
    engine(m, kind)
    m.wait("e1", "up")
    write_first(kind, client)
    engine(m, kind, "e2", "p3", needs=[(kind.kind, "e1")], primary_host=address("p2"))
    m.wait("e2", "up")
    kind.put(client, address("p2"), "two", "second")
    for key, value in (("one", "first"), ("two", "second")):
        has(kind, client, "p3", key, value)
    assert not kind.try_put(client, address("p3"), "three", "refused"), "a replica only reads"
    before = main_process(m, kind)
    assert len(before) == 2

    # Both are found again, and the replica still follows.
    m.server.kill()
    m.server.start()
    is_adopted(m, kind, 2)
    assert main_process(m, kind) == before
    kind.put(client, address("p2"), "four", "fourth")
    has(kind, client, "p3", "four", "fourth")

    # Its primary is killed and gone; it is promoted, also when c10m is killed meanwhile.
    m.want(kind.kind, "e1", desired="gone")
    engine(m, kind, "e2", "p3")
    m.server.kill()
    m.server.start()
    eventually(
        lambda: kind.try_put(client, address("p3"), "five", "fifth"), SECONDS, "it takes writes"
    )
    for key, value in (("one", "first"), ("four", "fourth"), ("five", "fifth")):
        has(kind, client, "p3", key, value)
    m.wait("e1", None)
    assert len(main_process(m, kind)) == 1


def test_an_engine_that_was_killed_is_started_again(m):
    kind, client = KINDS["postgres"], Client(m)
    engine(m, kind)
    m.wait("e1", "up")
    write_first(kind, client)
    (before,) = main_process(m, kind)
    os.kill(before, signal.SIGKILL)
    eventually(lambda: len(set(main_process(m, kind)) - {before}) == 1, SECONDS, "another runs")
    m.wait("e1", "up")
    has(kind, client, "p2", "one", "first")


def test_sigterm_stops_replicas_then_primaries_then_networks(m):
    postgres, haproxy = KINDS["postgres"], KINDS["haproxy"]
    engine(m, postgres, "e1", "p2")
    engine(m, postgres, "e2", "p3", needs=[("postgres", "e1")], primary_host=address("p2"))
    engine(m, haproxy, "e3", "p4", needs=[("postgres", "e2")])
    for name in ("e1", "e2", "e3"):
        m.wait(name, "up")
    m.processes()
    assert m.server.stop() == 0
    m.check_nothing_is_left()
    lines = [line for line in m.server.log.read_text().splitlines() if "state=down" in line]
    assert [line.split("name=")[1].split()[0] for line in lines] == ["e3", "e2", "e1", "n1"]
    m.server.start()
    for name in ("e1", "e2", "e3"):
        m.wait(name, "up")


def test_haproxy_is_reloaded_under_load_without_a_failed_request(m):
    kind, client = KINDS["haproxy"], Client(m)
    engine(m, kind)
    m.wait("e1", "up")
    has(kind, client, "p2", "", "first")
    (before,) = main_process(m, kind)
    with ThreadPoolExecutor() as pool:
        load = pool.submit(client.python, LOAD, address("p2"))
        eventually((client.path.parent / "begun").exists, SECONDS, "the load has begun")
        for i in range(RELOADS):
            engine(m, kind, settings=[HaProxy.page(f"page-{i}")])
            has(kind, client, "p2", "", f"page-{i}")
        (client.path.parent / "stop").touch()
        seen = dict(reversed(line.split(" ", 1)) for line in load.result().splitlines())
    good = {"200 first"} | {f"200 page-{i}" for i in range(RELOADS)}
    assert seen.keys() <= good and f"200 page-{RELOADS - 1}" in seen, seen
    assert sum(map(int, seen.values())) > 50 * RELOADS, seen
    assert main_process(m, kind) == [before], "its master stays"


def copier(m):
    """The program that copies a primary, held."""

    def held():
        for pid, name in m.processes().items():
            if name == "pg_basebackup":
                os.kill(pid, signal.SIGSTOP)
                return pid

    return eventually(held, SECONDS, "a primary is being copied")


def test_a_copy_goes_on_while_calls_and_c10ms_end(m):
    kind, client = KINDS["postgres"], Client(m)
    engine(m, kind, settings=[{"name": "log_replication_commands", "value": "on"}])
    m.wait("e1", "up")
    table = "create table big as select repeat(md5(n::text), 30) from generate_series(1, 50000) n"
    client.python(PSYCOPG, address("p2"), table)
    write_first(kind, client)
    engine(m, kind, "e2", "p3", needs=[("postgres", "e1")], primary_host=address("p2"))
    pid = copier(m)
    words = "the copy of its primary is being made"
    for _ in range(2):
        eventually(lambda: m.units()["e2"]["problem"] == words, SECONDS, "it says so")
        m.server.kill()
        m.server.start()
    assert m.processes()[pid] == "pg_basebackup"
    os.kill(pid, signal.SIGCONT)
    m.wait("e2", "up")
    has(kind, client, "p3", "one", "first")
    command = "received replication command: BASE_BACKUP"
    eventually(lambda: command in m.server.log.read_text(), SECONDS, "its log comes through")
    assert m.server.log.read_text().count(command) == 1

    # Powered off it is ended, and begins again.
    engine(m, kind, "e3", "p4", needs=[("postgres", "e1")], primary_host=address("p2"))
    copier(m)
    assert m.server.stop() == 0
    m.check_nothing_is_left()
    m.server.start()
    m.wait("e3", "up")
    has(kind, client, "p4", "one", "first")
