# A c10m whose store is a PostgreSQL: whose root key fits, and how it is backed up and checked.
# SPDX-License-Identifier: Apache-2.0
import shutil
import subprocess

import pytest

from support.clients import client
from support.postgres import postgres
from support.server import PROGRAM, Server, child_environment, free_port

START_SECONDS_MAX = 60


@pytest.fixture(scope="module")
def url():
    with postgres() as database:
        yield database.url


@pytest.fixture(scope="module")
def server(url, tmp_path_factory):
    with Server(tmp_path_factory.mktemp("first"), options=["--store", url]) as server:
        yield server


def c10m(*words, status=0):
    done = subprocess.run(
        [PROGRAM, *map(str, words)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=START_SECONDS_MAX,
        env=child_environment(),
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


def serve_refused(data, url):
    """The line that says why."""
    words = ["serve", "--data", data, "--listen", f"127.0.0.1:{free_port()}", "--store", url]
    lines = c10m(*words, status=1).splitlines()
    return [line for line in lines if line.startswith("c10m: ")][0]


def test_another_root_key_is_refused(server, url, tmp_path):
    data = tmp_path / "second/data"
    data.mkdir(parents=True)
    key = data / "root.key"
    key.write_bytes(bytes(32))
    key.chmod(0o600)
    line = serve_refused(data, url)
    assert str(key) in line and "is not the root key that this store was used with" in line


def test_a_missing_root_key_is_not_made_anew(server, url, tmp_path):
    data = tmp_path / "second/data"
    line = serve_refused(data, url)
    assert str(data / "root.key") in line and "is missing: put it back" in line
    assert not (data / "root.key").exists()


def test_the_same_root_key_is_welcome(server, url, tmp_path):
    (tmp_path / "second/data").mkdir(parents=True)
    shutil.copy2(server.data / "root.key", tmp_path / "second/data/root.key")
    client("sqs", server.url()).create_queue(QueueName="shared")
    with Server(tmp_path / "second", options=["--store", url]) as second:
        found = client("sqs", second.url()).get_queue_url(QueueName="shared")["QueueUrl"]
        assert found.endswith("/shared")


def test_a_backup_is_a_data_directory(server, tmp_path):
    sqs = client("sqs", server.url())
    url = sqs.create_queue(QueueName="kept")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="sealed, and kept")
    where = ["--data", server.data, "--listen", f"127.0.0.1:{server.port}"]
    assert "is whole" in c10m("backup", tmp_path / "backup", *where)
    c10m("restore", tmp_path / "backup", "--data", tmp_path / "restored/data")
    assert "is in order" in c10m("fsck", "--data", tmp_path / "restored/data")
    with Server(tmp_path / "restored") as restored:
        sqs = client("sqs", restored.url())
        (message,) = sqs.receive_message(QueueUrl=f"{restored.url()}/000000000000/kept")["Messages"]
        assert message["Body"] == "sealed, and kept"


# ("sqs", "", "", "known", ...): the list of all queues.
KNOWN = b"\x02sqs\0\x02\0\x02\0\x02known\0"


def sql(database, text):
    words = ["psql", "-X", "-v", "ON_ERROR_STOP=1", "-c", text, database]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_database_is_checked_and_mended_while_nobody_uses_it(tmp_path):
    with postgres() as database:
        where = ["--data", tmp_path / "first/data", "--store", database.url]
        with Server(tmp_path / "first", options=["--store", database.url]) as first:
            sqs = client("sqs", first.url())
            for number in range(3):
                sqs.create_queue(QueueName=f"q{number}")
            busy = c10m("fsck", *where, status=1)
            assert "a c10m uses the database of --store" in busy
            sqs.create_queue(QueueName="after")  # and goes on using it
        assert f"{database.url} is in order" in c10m("fsck", *where)
        # As a bug would do: the list of queues is not what it should be.
        sql(database.url, f"DELETE FROM c10m.kv WHERE substr(key, 1, {len(KNOWN)}) = "
                          f"'\\x{KNOWN.hex()}'::bytea")
        assert "has 4 problems, 0 of them mended" in c10m("fsck", *where, status=1)
        assert "has 4 problems, 4 of them mended" in c10m("fsck", "--repair", *where)
        assert "is in order" in c10m("fsck", *where)
        with Server(tmp_path / "first", options=["--store", database.url]) as first:
            urls = client("sqs", first.url()).list_queues()["QueueUrls"]
            assert [url.rsplit("/", 1)[1] for url in urls] == ["after", "q0", "q1", "q2"]


def test_what_does_not_work_is_refused_by_name(server, tmp_path):
    assert "say where with --store" in c10m("fsck", "--data", server.data, status=1)
    c10m("backup", tmp_path / "backup", "--data", server.data, "--listen", f"127.0.0.1:{server.port}")
    assert "holds" in c10m("restore", tmp_path / "backup", "--data", server.data, status=1)
    words = ["fsck", "--data", tmp_path, "--store", "rocks:/tmp"]
    assert "a postgresql:// URL" in c10m(*words, status=2)
    nobody = ["--data", server.data, "--listen", "127.0.0.1:1"]
    assert "does not answer at 127.0.0.1:1" in c10m("backup", tmp_path / "other", *nobody, status=1)
