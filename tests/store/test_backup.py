# Backups of a running c10m, restored and compared; and what fsck finds.
import subprocess
import threading

import pytest

from support.clients import client
from support.server import PROGRAM, Server, child_environment


def c10m(*arguments, status=0):
    """The output of a command, which must end with that status."""
    done = subprocess.run(
        [PROGRAM, *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        env=child_environment(),
    )
    assert done.returncode == status, done.stdout
    return done.stdout


def backup(server, directory, status=0):
    return c10m(
        "backup", directory, "--data", server.data, "--listen", f"127.0.0.1:{server.port}", status=status
    )


def drain(sqs, url):
    bodies = []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        bodies += [m["Body"] for m in messages]
    return bodies


class Sender(threading.Thread):
    """Sends numbered messages, and moves one token between two queues, until it is told to end."""

    def __init__(self, server, url):
        super().__init__()
        self.sqs = client("sqs", server.url())
        self.url = url
        self.acknowledged = 0
        self.is_ending = False
        self.failure = None

    def run(self):
        try:
            while not self.is_ending:
                self.sqs.send_message(QueueUrl=self.url, MessageBody=str(self.acknowledged))
                self.acknowledged += 1
        except Exception as failure:
            self.failure = failure


def test_a_backup_under_load_holds_one_moment(tmp_path):
    with Server(tmp_path / "original") as server:
        sqs = client("sqs", server.url())
        urls = [sqs.create_queue(QueueName=f"q{i}")["QueueUrl"] for i in range(4)]
        senders = [Sender(server, url) for url in urls]
        for sender in senders:
            sender.start()
        while min(sender.acknowledged for sender in senders) < 20:
            assert not any(sender.failure for sender in senders)
        before = [sender.acknowledged for sender in senders]
        assert "is whole" in backup(server, tmp_path / "backup")
        after = [sender.acknowledged + 1 for sender in senders]
        # It goes on answering, and a second backup does not touch the first.
        while min(sender.acknowledged for sender in senders) < max(after):
            assert not any(sender.failure for sender in senders)
        assert "holds" in backup(server, tmp_path / "backup", status=1)
        for sender in senders:
            sender.is_ending = True
        for sender in senders:
            sender.join()
            assert sender.failure is None
    assert "restored" in c10m("restore", tmp_path / "backup", "--data", tmp_path / "restored/data")
    assert "is in order" in c10m("fsck", "--data", tmp_path / "restored/data")
    with Server(tmp_path / "restored") as server:
        sqs = client("sqs", server.url())
        for i, url in enumerate(urls):
            url = f"{server.url()}/000000000000/q{i}"
            numbers = sorted(map(int, drain(sqs, url)))
            assert numbers == list(range(len(numbers))), "a hole: not one moment"
            assert before[i] <= len(numbers) <= after[i]


def test_a_stopped_one_is_backed_up_too(tmp_path):
    with Server(tmp_path / "original") as server:
        sqs = client("sqs", server.url())
        url = sqs.create_queue(QueueName="q")["QueueUrl"]
        sqs.send_message(QueueUrl=url, MessageBody="kept")
    c10m("backup", tmp_path / "backup", "--data", tmp_path / "original/data")
    c10m("restore", tmp_path / "backup", "--data", tmp_path / "restored/data")
    with Server(tmp_path / "restored") as server:
        sqs = client("sqs", server.url())
        assert drain(sqs, f"{server.url()}/000000000000/q") == ["kept"]


def test_what_is_no_backup_is_not_restored(tmp_path):
    (tmp_path / "empty").mkdir()
    assert "not a whole backup" in c10m(
        "restore", tmp_path / "empty", "--data", tmp_path / "data", status=1
    )
    assert not (tmp_path / "data").exists()
    with Server(tmp_path / "original"):
        pass
    c10m("backup", tmp_path / "backup", "--data", tmp_path / "original/data")
    assert "holds" in c10m(
        "restore", tmp_path / "backup", "--data", tmp_path / "original/data", status=1
    )
    # Without its mark, which comes last, it was cut short.
    (tmp_path / "backup/c10m.json").unlink()
    c10m("restore", tmp_path / "backup", "--data", tmp_path / "data", status=1)
    assert not (tmp_path / "data").exists()


def test_ephemeral_ones_and_wrong_tokens_are_refused(tmp_path):
    with Server(tmp_path / "one") as server:
        wrong = tmp_path / "token"
        wrong.write_text("x" * 64 + "\n")
        wrong.chmod(0o600)
        refused = c10m(
            "backup", tmp_path / "backup", "--data", server.data,
            "--listen", f"127.0.0.1:{server.port}", "--admin-token-file", wrong, status=1,
        )
        assert "admin token" in refused
        nobody = c10m(
            "backup", tmp_path / "backup", "--data", server.data, "--listen", "127.0.0.1:1", status=1
        )
        assert "does not answer at 127.0.0.1:1" in nobody
        assert not (tmp_path / "backup").exists()


def test_fsck_refuses_what_is_in_use_and_what_is_nothing(tmp_path):
    assert "no c10m.json" in c10m("fsck", "--data", tmp_path, status=1)
    with Server(tmp_path) as server:
        c10m("fsck", "--data", server.data, status=1)


@pytest.mark.parametrize("command", ["backup", "restore", "fsck"])
def test_help_and_wrong_command_lines(command):
    assert f"usage: c10m {command}" in c10m(command, "--help")
    c10m(command, "--nothing", status=2)
    c10m(command, "one", "two", status=2)
    if command != "fsck":
        assert "is wanted" in c10m(command, status=2)
