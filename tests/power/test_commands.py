"""kill -9 around every write, sync, rename and unlink of backup, restore, fsck --repair, and of a start
on what an earlier build left."""
# SPDX-License-Identifier: Apache-2.0
import concurrent.futures
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import tarfile

import pytest
from botocore.exceptions import EndpointConnectionError, HTTPClientError

from support import recorder
from support.clients import client
from support.recorder import BUILD, check
from support.server import PROGRAM, ROOT, Server, eventually, free_port, health_status

LONG = os.environ.get("C10M_TEST_LONG") == "1"
WORKERS = 2
# On CI one in so many of the moments; which ones differs from run to run.
ONE_IN = 1 if LONG else 12
NUMBERS, WRITERS = 40, 4
QUEUES = 12
# ("sqs", "", "", "known", ...): the list of all queues.
KNOWN = b"\x02sqs\0\x02\0\x02\0\x02known\0"
FIXTURE = ROOT / "tests/upgrade/0.1.0-a.tar.xz"
START_SECONDS_MAX = 60


def c10m(*words):
    return subprocess.run(
        [str(word) for word in (PROGRAM, *words)], capture_output=True, text=True, timeout=300
    )


def killed(words, folder, moment, **settings):
    """Runs c10m under the recorder; whether it was killed. Fails when it ended badly by itself."""
    done = recorder.run([PROGRAM, *words], folder / "marks", folder, kill=moment, **settings)
    if done.returncode == -signal.SIGKILL:
        return True
    assert done.returncode == 0, f"moment {moment}: {done.stdout}{done.stderr}"
    return False


def at_every_moment(folder, trial, moments_min, first=0):
    """Before step n at moment 2n, after it at 2n + 1, until a run ends unkilled. Threads make runs
    differ a little, so that is seen more than once. first: moments before it are others' matter."""
    count = folder / "count"
    (folder / "whole").mkdir()
    trial(folder / "whole", -1, count=count)
    last = 2 * int(count.read_text())
    assert last - first >= moments_min
    moments = range(first + random.randrange(ONE_IN), last + 2 * ONE_IN + 40, ONE_IN)

    def one(moment):
        here = folder / str(moment)
        here.mkdir()
        was_killed = trial(here, moment)
        shutil.rmtree(here)
        return was_killed

    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        found = list(pool.map(one, moments))
    assert found.count(True) > (last - first) / ONE_IN / 2
    assert found[-1] is False, "no run ended unkilled: there may be moments beyond the last one"
    print(f"{found.count(True)} kills at {last} moments")


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A data directory with pairs, blobs and boxes, and the lines that say what is in it."""
    folder = tmp_path_factory.mktemp("written")
    words = [BUILD / "driver", "run", folder / "data", 0, NUMBERS, WRITERS, "-"]
    done = recorder.run(words, folder / "marks", folder)
    assert done.returncode == 0, done.stderr
    return folder / "data", (folder / "marks").read_text().splitlines()


def expect_whole(data, lines):
    found = check(data, lines)
    assert found.returncode == 0, f"{found.stdout}{found.stderr}"


def test_kills_around_every_step_of_backup(written, tmp_path):
    """The data stays as it was; the backup counts when it is whole, and only then."""
    data, lines = written

    def trial(here, moment, **settings):
        shutil.copytree(data, here / "data")
        was_killed = killed(["backup", here / "backup", "--data", here / "data"], here, moment, **settings)
        expect_whole(here / "data", lines)
        is_backup = (here / "backup/c10m.json").exists()
        assert is_backup or was_killed
        restored = c10m("restore", here / "backup", "--data", here / "restored")
        assert (restored.returncode == 0) == is_backup, restored.stderr
        if is_backup:
            expect_whole(here / "restored", lines)
            return was_killed
        again = c10m("backup", here / "again", "--data", here / "data")
        assert again.returncode == 0, again.stderr
        return was_killed

    at_every_moment(tmp_path, trial, 40)


def test_kills_around_every_step_of_restore(written, tmp_path):
    """What was cut short is no data directory, and is refused; the backup is as good as before."""
    data, lines = written
    assert c10m("backup", tmp_path / "backup", "--data", data).returncode == 0

    def trial(here, moment, **settings):
        words = ["restore", tmp_path / "backup", "--data", here / "data"]
        was_killed = killed(words, here, moment, **settings)
        if (here / "data/c10m.json").exists():
            expect_whole(here / "data", lines)
            return was_killed
        assert was_killed
        for command in (["fsck"], ["backup", here / "another"]):
            refused = c10m(*command, "--data", here / "data")
            assert refused.returncode == 1
            assert "is not a c10m data directory: there is no c10m.json in it" in refused.stderr
        assert not (here / "another").exists()
        again = c10m("restore", tmp_path / "backup", "--data", here / "again")
        assert again.returncode == 0, again.stderr
        return was_killed

    at_every_moment(tmp_path, trial, 40)
    expect_whole(tmp_path / "backup", lines)


@pytest.fixture(scope="module")
def broken(tmp_path_factory):
    """A data directory with queues that are not in the list of all queues."""
    folder = tmp_path_factory.mktemp("broken")
    with Server(folder) as server:
        sqs = client("sqs", server.url())
        for number in range(QUEUES):
            url = sqs.create_queue(QueueName=f"q{number}")["QueueUrl"]
            sqs.send_message(QueueUrl=url, MessageBody=str(number))
    words = [str(BUILD / "driver"), "lose", str(folder / "data"), KNOWN.hex()]
    lost = subprocess.run(words, capture_output=True, text=True)
    assert lost.stdout == f"{QUEUES}\n", lost.stderr
    assert f"{QUEUES} problems" in c10m("fsck", "--data", folder / "data").stdout
    return folder / "data"


def test_kills_around_every_step_of_a_repair(broken, tmp_path):
    """A repair that was cut short can be made again, and nothing that was in order breaks."""

    def trial(here, moment, **settings):
        shutil.copytree(broken, here / "data")
        was_killed = killed(["fsck", "--repair", "--data", here / "data"], here, moment, **settings)
        again = c10m("fsck", "--repair", "--data", here / "data")
        assert again.returncode == 0, again.stdout + again.stderr
        found = c10m("fsck", "--data", here / "data")
        assert "is in order" in found.stdout, found.stdout
        return was_killed

    at_every_moment(tmp_path, trial, 40)


def serve_until_ready(here, moment, work=None, **settings):
    """Whether it was killed before it answered, during work, or when it was told to end."""
    port = free_port()
    words = [PROGRAM, "serve", "--data", here / "data", "--listen", f"127.0.0.1:{port}"]
    env = recorder.environment(here, kill=moment, **settings)
    with open(here / "log", "wb") as log:
        process = subprocess.Popen([str(w) for w in words], env=env, stdout=log, stderr=log)
    eventually(
        lambda: process.poll() is not None or health_status(port) == 200, START_SECONDS_MAX, "a start"
    )
    if work is not None and process.poll() is None:
        work(f"http://127.0.0.1:{port}")
    process.send_signal(signal.SIGTERM)
    status = process.wait(START_SECONDS_MAX)
    assert status in (0, -signal.SIGKILL), (here / "log").read_text()
    return status != 0


def old_data(here):
    """What 0.1.0-a left, in here; what it must show."""
    with tarfile.open(FIXTURE) as tar:
        tar.extractall(here)
    return json.loads((here / "expected.json").read_text())


def expect_in_order(here):
    found = c10m("fsck", "--data", here / "data")
    assert "is in order" in found.stdout, found.stdout + found.stderr


def test_kills_around_every_step_of_a_start_on_older_data(tmp_path):
    """Whatever a start changes in what an earlier build left: the next start finds all of it."""

    def trial(here, moment, **settings):
        expected = old_data(here)
        was_killed = serve_until_ready(here, moment, **settings)
        expect_in_order(here)
        with Server(here) as server:
            sqs = client("sqs", server.url())
            names = sorted(url.rsplit("/", 1)[1] for url in sqs.list_queues()["QueueUrls"])
            assert names == expected["queues"]
        return was_killed

    at_every_moment(tmp_path, trial, 20)


class Upgrades:
    """Changes every queue of an older build, so that its records become today's; knows which
    changes were acknowledged, and which may have happened."""

    def __init__(self, expected):
        self.tags = {name: dict(expected[name].get("tags", {})) if name in expected else {}
                     for name in expected["queues"]}
        self.timeouts = {}
        self.doubt = None

    def __call__(self, url):
        try:
            sqs = client("sqs", url)
            for name in self.tags:
                queue = f"{url}/000000000000/{name}"
                self.doubt = (name, "tag")
                sqs.tag_queue(QueueUrl=queue, Tags={"new": name})
                self.tags[name]["new"] = name
                self.doubt = (name, "timeout")
                sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "77"})
                self.timeouts[name] = "77"
            self.doubt = None
        except (EndpointConnectionError, HTTPClientError):
            pass  # it was killed

    def check(self, url):
        sqs = client("sqs", url)
        for name, tags in self.tags.items():
            queue = f"{url}/000000000000/{name}"
            found = sqs.list_queue_tags(QueueUrl=queue).get("Tags", {})
            may = {**tags, "new": name} if self.doubt == (name, "tag") else tags
            assert found in (tags, may)
            asked = {"QueueUrl": queue, "AttributeNames": ["VisibilityTimeout"]}
            timeout = sqs.get_queue_attributes(**asked)["Attributes"]["VisibilityTimeout"]
            if self.doubt != (name, "timeout"):
                assert (timeout == "77") == (name in self.timeouts)


def test_kills_around_every_step_of_the_upgrade_of_records(tmp_path):
    """Queues of version 1 become version 2, with their tags among the resources: each of them as a
    whole, with what was acknowledged meanwhile."""
    (tmp_path / "start").mkdir()
    old_data(tmp_path / "start")
    serve_until_ready(tmp_path / "start", -1, count=tmp_path / "start/count")
    started = int((tmp_path / "start/count").read_text())

    def trial(here, moment, **settings):
        upgrades = Upgrades(old_data(here))
        was_killed = serve_until_ready(here, moment, upgrades, **settings)
        assert was_killed or upgrades.doubt is None
        expect_in_order(here)
        with Server(here) as server:
            upgrades.check(server.url())
        return was_killed

    # The moments of the start itself stand above.
    at_every_moment(tmp_path, trial, 20, first=2 * (started // 2))
