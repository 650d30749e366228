# A guest that tries all it must not (tests/host/hostile): every attempt fails, and nobody else feels it.
# SPDX-License-Identifier: Apache-2.0
import hashlib
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import time

import pytest

from support.machine import read
from support.server import PROGRAM, ROOT, eventually

HOSTILE = PROGRAM.parent / "tests/host/hostile"
DOCUMENT = ROOT / "docs/internals/hostile-guests.md"
RUN_SECONDS_MAX = 300
MIB = 1024 * 1024
LIMITS = {
    "memory_bytes": 192 * MIB,
    "cpu_millis": 1000,
    "pids": 60,
    "files_open": 256,
    "disk_bytes": 64 * MIB,
    "disk_files": 2000,
}
SERVE = "mkdir /tmp/www; cd /tmp/www; echo page > page; exec python3 -m http.server 80"
WATCH = "while :; do curl -s -m 5 http://10.0.2.4/page; sleep 0.1; done"


def test_the_document_lists_every_attempt():
    table = subprocess.run([HOSTILE, "table"], capture_output=True, text=True, check=True).stdout
    assert table.strip() in DOCUMENT.read_text(), f"put this into {DOCUMENT}:\n{table}"


def host_addresses():
    """Of all interfaces; the host's own network is only looked at."""
    text = subprocess.run(["ip", "-4", "-o", "addr"], capture_output=True, text=True).stdout
    return re.findall(r"inet ([0-9.]+)", text)


def digest(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


class Host:
    """What only the host knows and has: a secret file, an abstract socket, shared memory."""

    def __init__(self, m):
        self.m = m
        self.word = f"only-the-host-knows-{m.mark}"
        self.secret = m.dir / "secret"
        self.secret.write_text(self.word)
        self.secret.chmod(0o644)
        m.dir.chmod(0o755)
        self.abstract = socket.socket(socket.AF_UNIX)
        self.abstract.bind(f"\0c10m-{m.mark}")
        self.abstract.listen()
        made = subprocess.run(["ipcmk", "-M", "1", "-p", "0666"], capture_output=True, text=True)
        self.shm = made.stdout.split()[-1]
        listed = subprocess.run(["ipcs", "-m"], capture_output=True, text=True).stdout
        self.shm_key = next(int(line.split()[0], 16) for line in listed.splitlines() if self.shm in line.split())
        self.programs = {path: digest(path) for path in ("/usr/bin/true", "/usr/bin/env")}

    def close(self):
        self.abstract.close()
        subprocess.run(["ipcrm", "-m", self.shm], check=True)

    def environment(self, network, groups, disk):
        m = self.m
        told = {
            "HOST_PID": m.server.process.pid,
            "WORD": self.word,
            "SECRET": self.secret,
            "ABSTRACT": f"c10m-{m.mark}",
            "SHM_KEY": self.shm_key,
            "HOST_ADDRESSES": " ".join(host_addresses()),
            "PORT": m.server.port,
            "TOKEN": (m.server.data / "admin-token").read_text().strip(),
            "NETWORK": network,
            "OWN": "10.0.1.4",
            "PEER": "10.0.1.5",
            "OTHER": "10.0.2.4",
            "GROUPS": groups,
            "MEMORY": LIMITS["memory_bytes"],
            "PIDS": LIMITS["pids"],
            "FILES": LIMITS["files_open"],
            **disk,
        }
        return [f"HOSTILE_{name}={value}" for name, value in told.items()]


@pytest.fixture
def host(m):
    made = Host(m)
    yield made
    made.close()


def neighbours(m):
    """A peer in the hostile guest's network, and two in another one, of which one asks the other."""
    m.want("network", "n1", spec=m.network("n1", ["p1", "p2"]))
    other = json.loads(json.dumps(m.network("n2", ["p1", "p2"])).replace("10.0.1.", "10.0.2."))
    m.want("network", "n2", spec=other)
    for name, network, port, command in (
        ("peer", "n1", "p2", SERVE),
        ("other", "n2", "p1", SERVE),
        ("watcher", "n2", "p2", WATCH),
    ):
        spec = m.guest(command, network=network, port=port)
        m.want("sandbox", name, spec=spec, needs=[("network", network)])
        m.wait(name, "up")
    m.hear("watcher", "page")


def attack(m, host, name, verb="run", **more):
    """The hostile guest's words when it has ended."""
    folder = m.dir / "programs"
    folder.mkdir(exist_ok=True)
    if not (folder / "hostile").exists():
        shutil.copy(HOSTILE, folder / "hostile")
    folder.chmod(0o755)
    unenforced = m.page()["limits_unenforced"]
    disk = {"DISK": LIMITS["disk_bytes"], "INODES": LIMITS["disk_files"]}
    if "disk" in unenforced:
        disk = {}
    is_limited = "memory" not in unenforced
    spec = m.guest(f"/hostile/hostile {verb}; echo status $?", network="n1", port="p1", **LIMITS, **more)
    spec["env"] += host.environment("n1", "yes" if is_limited else "", disk)
    spec["mounts"] = [{"at": "/hostile", "outside": str(folder)}]
    spec["console_bytes"] = MIB // 4
    m.want("sandbox", name, spec=spec, needs=[("network", "n1")])
    eventually(lambda: "\nstatus " in said(m, name), RUN_SECONDS_MAX, f"{name} has tried: {said(m, name)}")
    return said(m, name)


def said(m, name):
    """All that is kept, of which a part may just move; without the attempt that fills it."""
    folder = m.folder / "sandboxes" / name
    text = (read(folder / "console.old") + read(folder / "console")).decode(errors="replace")
    return re.sub(r"\.{100,}\n?", "", text)


def check_host(m, host):
    assert m.server.process.poll() is None
    assert {path: digest(path) for path in host.programs} == host.programs
    for path in (m.folder / "disks").glob("*/*/upper/srv/redirect"):
        for name in ("user.overlay.redirect", "user.overlay.metacopy", "trusted.overlay.redirect"):
            with pytest.raises(OSError):
                os.getxattr(path, name, follow_symlinks=False)
    before = m.console("watcher").count("page")
    eventually(lambda: m.console("watcher").count("page") > before + 5, 60, "neighbours still talk")


@pytest.mark.parametrize("rights", ["machine", "function"])
def test_every_attempt_fails(m, host, rights):
    neighbours(m)
    before, began = m.console("watcher").count("page"), time.monotonic()
    more = {"is_function": True, "uid": 1000, "gid": 1000} if rights == "function" else {}
    text = attack(m, host, "hostile", **more)
    print(text)
    seconds, asked = time.monotonic() - began, m.console("watcher").count("page") - before
    end = re.search(r"END (\d+) stopped, (\d+) succeeded, (\d+) not limited", text)
    assert end and "SUCCEEDED" not in text, text
    stopped, succeeded, unlimited = map(int, end.groups())
    assert stopped > (55 if rights == "machine" else 45) and succeeded == 0, text
    is_root = m.server.uid is None and os.geteuid() == 0
    assert unlimited == 0 or not is_root, text
    assert asked > seconds / 2, f"neighbours had {asked} pages in {seconds:.0f} s"
    kept = sum(p.stat().st_size for p in (m.folder / "sandboxes/hostile").glob("console*"))
    assert kept < MIB
    check_host(m, host)
    # What it has left on its disk does not come to life when it starts again, and can be removed.
    again = attack(m, host, "again", verb="'read a file of the host by its path'", **more)
    assert "END 1 stopped, 0 succeeded" in again, again
    m.want("sandbox", "hostile", desired="gone")
    m.wait("hostile", None)
    assert not (m.folder / "disks/hostile").exists()
