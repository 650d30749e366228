# Bad start-ups end with one line that says what to do, and a status that is not zero.
# SPDX-License-Identifier: Apache-2.0
import os
import pathlib
import socket
import subprocess

import pytest

from support.server import PROGRAM, Server, child_environment, free_port
from support.small_disk import SmallDisk

START_SECONDS_MAX = 30


def run(*words, prefix=()):
    return subprocess.run(
        [*prefix, str(PROGRAM), *map(str, words)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=START_SECONDS_MAX,
        env=child_environment(),
    )


def serve(data, listen=None, prefix=(), options=()):
    listen = listen or f"127.0.0.1:{free_port()}"
    return run("serve", "--listen", listen, "--data", data, *options, prefix=prefix)


def check_refused(done, *words):
    """One line, on stderr, that names what is wrong."""
    lines = (done.stdout + done.stderr).splitlines()
    assert done.returncode > 0, f"status {done.returncode}: {lines}"
    assert len(lines) == 1, "\n".join(lines)
    assert not done.stdout
    for word in words:
        assert str(word) in lines[0]


@pytest.mark.parametrize(
    "words",
    [
        ["serve", "--nonsense"],
        ["serve", "--listen"],
        ["serve", "--listen", "nowhere"],
        ["serve", "--listen", "127.0.0.1:70000"],
        ["serve", "--listen", "127.0.0.1:http"],
        ["dance"],
        ["serve", "extra"],
    ],
    ids=" ".join,
)
def test_wrong_words(tmp_path, words):
    if words[0] == "serve":
        words = [*words, "--data", tmp_path / "data"] if words[-1] != "--listen" else words
    check_refused(run(*words))


def test_no_words_at_all():
    done = run()
    assert done.returncode != 0
    assert "--help" in done.stdout + done.stderr or "serve" in done.stdout + done.stderr


@pytest.mark.parametrize("command", ["serve", "supervise"])
def test_help_is_complete(command):
    top, own = run("--help"), run(command, "--help")
    for done in (top, own):
        assert done.returncode == 0 and not done.stderr
    assert command in top.stdout and "--help" in top.stdout
    for option in ("--listen", "--data", "--ephemeral"):
        assert option in own.stdout


def test_a_taken_port(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = "127.0.0.1:%d" % taken.getsockname()[1]
        check_refused(serve(tmp_path / "data", address), address)


def test_a_port_that_another_c10m_has(tmp_path):
    with Server(tmp_path / "first") as server:
        address = f"127.0.0.1:{server.port}"
        check_refused(serve(tmp_path / "second", address), address)


def test_an_address_that_is_not_ours(tmp_path):
    check_refused(serve(tmp_path / "data", "192.0.2.1:4566"), "192.0.2.1:4566")


def test_a_foreign_directory_is_left_alone(tmp_path):
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "thesis.txt").write_text("years of work")
    check_refused(serve(foreign), foreign)
    assert os.listdir(foreign) == ["thesis.txt"]
    assert (foreign / "thesis.txt").read_text() == "years of work"


def test_a_directory_that_another_c10m_has(tmp_path):
    with Server(tmp_path) as server:
        check_refused(serve(server.data), server.data)


def test_a_file_instead_of_a_directory(tmp_path):
    path = tmp_path / "file"
    path.write_text("I am a file")
    check_refused(serve(path), path)
    assert path.read_text() == "I am a file"


def test_a_place_where_no_directory_can_be_made(tmp_path):
    path = pathlib.Path("/proc/c10m-data")
    check_refused(serve(path), path)


def test_a_missing_parent_is_made_or_named(tmp_path):
    """Either it starts, or its one line names the directory."""
    data = tmp_path / "missing/data"
    port = free_port()
    process = Server(tmp_path, port=port)
    process.data = data
    try:
        process.start()
    except AssertionError:
        check_refused(serve(data), data)
    else:
        assert process.stop() == 0


@pytest.mark.parametrize("size", ["64k", "1m", "16m"])
def test_a_full_disk(tmp_path, size):
    with SmallDisk(tmp_path / "disk", size) as disk:
        data = disk.directory / "data"
        check_refused(serve(data, prefix=disk.prefix), data)


def test_another_address_needs_other_keys(tmp_path):
    """The development key is public, so only this machine may use it."""
    address = f"0.0.0.0:{free_port()}"
    done = run("serve", "--listen", address, "--data", tmp_path / "data", "--development-keys")
    check_refused(done, "0.0.0.0")
