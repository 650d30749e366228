# Celery with SQS as its broker: every task is done, though workers are killed all the time.
# SPDX-License-Identifier: Apache-2.0
import os
import random
import signal
import subprocess
import sys

import pytest

from support import clients
from support.server import ROOT, eventually

LONG = os.environ.get("C10M_TEST_LONG") == "1"
TASKS, KILLS, WORKERS = (10000, 40, 4) if LONG else (200, 3, 2)
SECONDS_MAX = 3600 if LONG else 240
SEED = 7


class Workers:
    """Worker processes of one process each; a killed one is replaced."""

    def __init__(self, environment, log):
        self.environment, self.log = environment, log
        self.running = [self.start() for _ in range(WORKERS)]

    def start(self):
        words = [sys.executable, "-m", "celery", "-A", "support.celery_app", "worker"]
        words += ["--pool", "solo", "--loglevel", "WARNING", "--without-gossip", "--without-mingle"]
        return subprocess.Popen(
            words, cwd=ROOT / "tests", env=self.environment, stdout=self.log, stderr=self.log
        )

    def kill_one(self, rng):
        at = rng.randrange(len(self.running))
        self.running[at].send_signal(signal.SIGKILL)
        self.running[at].wait()
        self.running[at] = self.start()

    def end(self):
        for process in self.running:
            process.kill()
            process.wait()


@pytest.fixture
def environment(server, tmp_path):
    return {
        **os.environ,
        "JOBS_BROKER": f"sqs://test:test@127.0.0.1:{server.port}",
        "JOBS_DONE": str(tmp_path / "done"),
        "AWS_DEFAULT_REGION": clients.REGION,
    }


def send_tasks(environment):
    code = f"from support.celery_app import note\nfor i in range({TASKS}): note.delay(i)"
    subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT / "tests", env=environment, check=True, timeout=SECONDS_MAX
    )


def done_tasks(environment):
    try:
        with open(environment["JOBS_DONE"]) as done:
            return {int(line) for line in done}
    except FileNotFoundError:
        return set()


def test_every_task_is_done_though_workers_are_killed(server, environment, tmp_path):
    rng = random.Random(SEED)
    sqs = clients.client("sqs", server.url(), "json")
    send_tasks(environment)
    with open(tmp_path / "workers", "wb") as log:
        workers = Workers(environment, log)
        try:
            for kill in range(1, KILLS + 1):
                goal = TASKS * kill // (KILLS + 1)
                eventually(lambda: len(done_tasks(environment)) >= goal, SECONDS_MAX, f"{goal} tasks done")
                workers.kill_one(rng)
            eventually(lambda: len(done_tasks(environment)) == TASKS, SECONDS_MAX, "all tasks done")
            # Those of the killed come back once more, and then the queue is empty.
            url = sqs.get_queue_url(QueueName="celery")["QueueUrl"]
            eventually(lambda: is_empty(sqs, url), SECONDS_MAX, "the queue is empty")
        finally:
            workers.end()
    assert done_tasks(environment) == set(range(TASKS))


def is_empty(sqs, url):
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    got = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return all(number == "0" for number in got.values())
