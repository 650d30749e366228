# Functions in prepared sandboxes of a running c10m: what they find, share, and how they end.
# SPDX-License-Identifier: Apache-2.0
import http.client
import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from support.server import eventually

SECONDS = 60


def pool(m, name="fns", prepared=2, **codes):
    """A pool whose codes are shell scripts."""
    shelf = m.dir / "shelf"
    for code, text in codes.items():
        folder = shelf / code
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "main.sh").write_text(text)
    spec = {
        "args": ["/bin/sh", "/var/task/main.sh"],
        "env": ["PATH=/usr/bin", f"C10M_TEST_MARK={m.mark}"],
        "shelf": str(shelf),
        "memory_bytes": 256 << 20,
        "pids": 32,
        "prepared": prepared,
    }
    m.want("functions", name, spec=spec)


def call(m, code, name="fns", **more):
    token = (m.server.data / "admin-token").read_text().strip()
    connection = http.client.HTTPConnection("127.0.0.1", m.server.port, timeout=120)
    body = json.dumps({"pool": name, "code": code, **more})
    connection.request("POST", "/_c10m/host/functions", body=body, headers={"Authorization": f"Bearer {token}"})
    response = connection.getresponse()
    text = response.read().decode()
    connection.close()
    return json.loads(text) if response.status == 200 else (response.status, text)


def counts(m, name="fns"):
    return next((p for p in m.page().get("pools", []) if p["name"] == name), None)


def ready(m, count):
    eventually(lambda: (counts(m) or {}).get("ready") == count, SECONDS, f"{count} are prepared")


def sandboxes(m):
    return {path.name for path in (m.folder / "sandboxes").iterdir()}


def test_a_prepared_one_runs_once(m):
    pool(m, hello='echo "$WHO $(id -u) $(ls /var/task)"; exit 3')
    m.wait("fns", "up")
    ready(m, 2)
    before = sandboxes(m)
    answer = call(m, "hello", env=["WHO=me"])
    assert (answer["output"], answer["status"]) == ("me 993 main.sh\n", 3)
    assert not answer["timed_out"] and not answer["lost"] and answer["signal"] == 0
    ready(m, 2)
    after = sandboxes(m)
    assert len(after) == 2 and len(before & after) == 1, "another took its place"
    assert counts(m) == {"name": "fns", "ready": 2, "running": 0, "started": 1}
    # As many as want to at once, whether they were prepared or not.
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda i: call(m, "hello", env=[f"WHO={i}"], deadline_ms=60000), range(8)))
    assert [a["output"] for a in answers] == [f"{i} 993 main.sh\n" for i in range(8)]


def test_two_tenants_share_nothing(m):
    leave = "for d in /tmp /dev/shm /run /var/tmp /var/task / /usr /home; do "
    leave += "(echo secret >$d/left) 2>/dev/null && echo wrote $d; done; ls -A /tmp /dev/shm /run; ps -e -o comm="
    pool(m, prepared=1, spy=leave, other="echo SECRET-CODE")
    m.wait("fns", "up")
    texts = [call(m, "spy")["output"] for _ in range(2)]
    for text in texts:
        assert "wrote /tmp" in text and "wrote /usr" not in text and "wrote /var/task" not in text
        assert "left" not in text.replace("wrote", "") or text.count("left") == texts[0].count("left")
        assert "other" not in text and "postgres" not in text
    assert texts[0] == texts[1], "the second finds nothing of the first"


def test_it_is_killed_on_its_deadline(m):
    pool(m, hangs="trap '' TERM; echo begun; while :; do sleep 1; done")
    m.wait("fns", "up")
    answer = call(m, "hangs", deadline_ms=500)
    assert answer["timed_out"] and answer["output"] == "begun\n"
    ready(m, 2)
    eventually(lambda: "sleep" not in m.processes().values(), SECONDS, "all of it was killed")


def test_it_is_frozen_and_thawed(m):
    pool(m, ticks="for i in $(seq 20); do date +%s%N; sleep 0.02; done")
    m.wait("fns", "up")
    begun = time.time_ns()
    answer = call(m, "ticks", frozen_ms=900, deadline_ms=30000)
    ready(m, 2)
    if not m.page()["root"]:  # control groups freeze, and nobody has delegated one
        assert answer[0] == 500 and "cannot be frozen" in answer[1]
        return
    times = [begun, *map(int, answer["output"].split())]
    assert len(times) == 21 and max(b - a for a, b in zip(times, times[1:])) > 700e6, times


def test_kill_9_sweeps_them_and_the_next_prepares_anew(m):
    pool(m, hangs="sleep 100000", hello="echo hello")
    m.wait("fns", "up")
    ready(m, 2)
    with ThreadPoolExecutor() as threads:
        lost = threads.submit(call, m, "hangs", deadline_ms=60000)
        eventually(lambda: "sleep" in m.processes().values(), SECONDS, "it runs")
        assert counts(m)["running"] == 1
        before = sandboxes(m)
        m.server.kill()
        with pytest.raises((OSError, http.client.HTTPException)):
            lost.result()
    m.server.start()
    ready(m, 2)
    assert not before & sandboxes(m) and "sleep" not in m.processes().values()
    assert call(m, "hello")["output"] == "hello\n"


def test_a_pool_that_is_stopped_or_gone_leaves_nothing(m):
    pool(m, hangs="sleep 100000")
    m.wait("fns", "up")
    with ThreadPoolExecutor() as threads:
        ended = threads.submit(call, m, "hangs", deadline_ms=60000)
        eventually(lambda: "sleep" in m.processes().values(), SECONDS, "it runs")
        m.want("functions", "fns", desired="stop")
        m.wait("fns", "down")
        ended.result()
    assert not sandboxes(m) and not m.processes()
    assert call(m, "hangs")[0] == 404
    m.want("functions", "fns", desired="gone")
    m.wait("fns", None)
    m.check_nothing_is_left()


@pytest.mark.parametrize(
    "spec, words",
    [
        ({"args": [], "shelf": "/"}, "functions need args"),
        ({"args": ["/bin/sh"], "shelf": "here"}, "absolute path"),
        ({"args": ["/bin/sh"], "shelf": "/nowhere-at-all", "prepared": 1}, ""),
    ],
)
def test_what_cannot_be_a_pool_says_so(m, spec, words):
    m.want("functions", "fns", spec=spec)
    assert words in m.wait("fns", "failed")["problem"]
