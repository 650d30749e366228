# What a c10m runs on this machine: asking for it, and counting what it leaves.
# SPDX-License-Identifier: Apache-2.0
import contextlib
import hashlib
import http.client
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
import uuid

from as_user import ORDINARY_ID
from support.admin import admin
from support.server import PROGRAM, Server, eventually

WAIT_SECONDS_MAX = 60
NAMESPACES = ("cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts")
# Where programs leave things; what is in the test's own folder is its own.
FIRST_GUEST_ID = 1 << 20
PLACES = ("/tmp", "/var/tmp", "/run", "/dev/shm", "/var/lib", "/etc", "/root")


def users():
    """Whom a test of the host layer runs as: root and an ordinary user, or whoever we are.

    The sanitized build runs as root only, but for --long: it is the same code, and CI has other things to do."""
    if os.geteuid() != 0:
        return ["user"]
    is_long = os.environ.get("C10M_TEST_LONG") == "1"
    return ["root"] if "asan" in str(PROGRAM) and not is_long else ["root", "user"]


def read(path):
    try:
        return path.read_bytes()
    except OSError:
        return b""


def link(path):
    try:
        return os.readlink(path)
    except OSError:
        return ""


def pids():
    return [int(p.name) for p in pathlib.Path("/proc").iterdir() if p.name.isdigit()]


def now():
    """In ticks since the kernel's start."""
    return int(time.clock_gettime(time.CLOCK_BOOTTIME) * os.sysconf("SC_CLK_TCK"))


def started(pid):
    fields = read(pathlib.Path(f"/proc/{pid}/stat")).decode().rsplit(")", 1)[-1].split()
    return int(fields[19]) if fields else now()


def parent(pid):
    fields = read(pathlib.Path(f"/proc/{pid}/stat")).decode().rsplit(")", 1)[-1].split()
    return int(fields[1]) if fields else 0


def post(server, body, page="units", headers=None):
    """Status and text of a wish, or of a fault."""
    if headers is None:
        token = (server.data / "admin-token").read_text().strip()
        headers = {"Authorization": f"Bearer {token}"}
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    try:
        text = body if isinstance(body, str) else json.dumps(body)
        connection.request("POST", f"/_c10m/host/{page}", body=text, headers=headers)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


class Machine:
    """A c10m with a folder of its own, started as one of users()."""

    def __init__(self, user, options=()):
        self.mark = uuid.uuid4().hex[:12]
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix=f"c10m-test-{self.mark}-", dir="/tmp"))
        uid = ORDINARY_ID if user == "user" and os.geteuid() == 0 else None
        if uid is not None:
            os.chown(self.dir, uid, uid)
        self.boot_id = self.dir / "boot-id"
        self.set_boot_id()
        options = [*options, "--boot-id-file", str(self.boot_id)]
        self.server = Server(self.dir, options=options, uid=uid)
        self.namespaces = {}  # that ours were seen in, and when last
        self.before = self.surroundings()

    def set_boot_id(self):
        self.boot_id.write_text(str(uuid.uuid4()))
        self.boot_id.chmod(0o644)

    @property
    def folder(self):
        return self.server.data / "host"

    # Asking.

    def post(self, body, page="units", headers=None):
        return post(self.server, body, page, headers)

    def want(self, kind, name, desired="run", spec=None, needs=(), **more):
        body = {"kind": kind, "name": name, "desired": desired, **more}
        if needs:
            body["needs"] = [{"kind": k, "name": n} for k, n in needs]
        if spec is not None:
            body["spec"] = spec
        status, text = self.post(body)
        assert status == 202, (status, text)

    def page(self):
        status, text = admin(self.server, "GET", "host")
        assert status == 200, text
        return json.loads(text)

    def units(self):
        return {unit["name"]: unit for unit in self.page()["units"]}

    def wait(self, name, state):
        """Until the unit is in the state, or gone (None)."""

        def has_come():
            unit = self.units().get(name)
            return (unit or {}).get("state") == state and (unit or {"gone": True})

        try:
            return eventually(has_come, WAIT_SECONDS_MAX, f"{name} is {state}")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.units().get(name)}\n{self.server.log_text()}")

    def network(self, name, ports=("p1",), **more):
        """A network whose ports may do everything; port N is 10.0.1.(3+N)."""
        everything = {"protocol": 0, "cidr": "0.0.0.0/0"}
        return {
            "addresses": ["10.0.1.1/24"],
            "groups": [{"name": "all", "rules": [everything, {**everything, "is_egress": True}]}],
            "ports": [
                {
                    "name": port,
                    "address": f"10.0.1.{4 + i}/24",
                    "gateway": "10.0.1.1",
                    "mac": f"0a:00:00:00:00:{4 + i:02x}",
                    "groups": ["all"],
                }
                for i, port in enumerate(ports)
            ],
            **more,
        }

    def guest(self, command="exec sleep 100000", **more):
        env = ["PATH=/usr/local/bin:/usr/sbin:/usr/bin", f"C10M_TEST_MARK={self.mark}"]
        return {
            "args": ["/bin/sh", "-c", command],
            "env": env,
            "stop_grace_ms": 5000,
            **more,
        }

    def console(self, name):
        return read(self.folder / "sandboxes" / name / "console").decode(errors="replace")

    def hear(self, name, text):
        eventually(lambda: text in self.console(name), WAIT_SECONDS_MAX, f"{name} says {text!r}")

    # Counting.

    def is_ours(self, pid):
        """Shims and holders are in the folder of what they stand beside; guests bear the mark."""
        if link(f"/proc/{pid}/cwd").startswith(str(self.folder)):
            return True
        return f"C10M_TEST_MARK={self.mark}".encode() in read(pathlib.Path(f"/proc/{pid}/environ"))

    def processes(self):
        """By id, what it is called; those that are ending included."""
        ours = set()
        parents = {pid: parent(pid) for pid in pids() if pid != self.server_pid()}
        for pid in parents:
            if self.is_ours(pid):
                ours.add(pid)
        while more := {pid for pid, above in parents.items() if above in ours} - ours:
            ours |= more
        found = {pid: read(pathlib.Path(f"/proc/{pid}/comm")).decode().strip() for pid in ours}
        for pid in found:
            for name in self.namespaces_of(pid):
                self.namespaces[name] = now()
        return found

    def server_pid(self):
        return self.server.process.pid if self.server.process else None

    def namespaces_of(self, pid):
        mine = {link(f"/proc/self/ns/{kind}") for kind in NAMESPACES}
        return {link(f"/proc/{pid}/ns/{kind}") for kind in NAMESPACES} - mine - {""}

    def namespaces_held(self):
        """Those of ours that a process is in or has open, with who holds them. The kernel gives their
        numbers again: who began later, or stands beside what another c10m runs, holds another one."""
        held = {}
        for pid in pids():
            cwd = link(f"/proc/{pid}/cwd")
            if cwd.startswith(("/tmp/c10m-", "/var/tmp/c10m-")) and not cwd.startswith(str(self.dir)):
                continue
            names = {
                name
                for name in self.namespaces_of(pid)
                if started(pid) <= self.namespaces.get(name, -1)
            }
            with contextlib.suppress(OSError):
                for fd in os.listdir(f"/proc/{pid}/fd"):
                    names |= {link(f"/proc/{pid}/fd/{fd}")} & self.namespaces.keys()
            for name in names:
                held.setdefault(name, []).append(read(pathlib.Path(f"/proc/{pid}/cmdline")))
        return held

    def cgroups(self):
        tag = hashlib.sha256(str(self.folder).encode()).hexdigest()[:8]
        return [path for path, _, _ in os.walk("/sys/fs/cgroup") if tag in os.path.basename(path)]

    def surroundings(self):
        """What c10m must leave as it is: links, addresses, routes and rules of the host's own
        network; mounts, sockets and loop devices that bear our name; files beside our folder."""
        mounts = read(pathlib.Path("/proc/self/mountinfo")).decode().splitlines()
        sockets = read(pathlib.Path("/proc/net/unix")).decode(errors="replace").splitlines()
        files = [
            entry
            for place in PLACES
            for entry in pathlib.Path(place).glob("*")
            if (self.mark in entry.name and entry != self.dir) or self.is_guests(entry)
        ]
        loops = [read(p).decode() for p in pathlib.Path("/sys/block").glob("loop*/loop/backing_file")]
        return {
            "links": sorted(os.listdir("/sys/class/net")),
            "addresses": read(pathlib.Path("/proc/net/fib_trie")),
            "routes": read(pathlib.Path("/proc/net/route")),
            "rules": self.rules(),
            "mounts": [line for line in mounts if self.mark in line],
            "sockets": [line for line in sockets if self.mark in line],
            "files": files,
            "loops": [path for path in loops if self.mark in path],
            "mounts of others": self.mounts_of_others(),
            "shared memory": self.shared_memory(),
        }

    @staticmethod
    def is_guests(path):
        """It lies outside of every test's folder, and belongs to an id that only guests have."""
        with contextlib.suppress(OSError):
            return path.lstat().st_uid >= FIRST_GUEST_ID and not path.name.startswith("c10m-")
        return False

    def mounts_of_others(self):
        """Namespaces of mounts where something of ours hangs, but for our own processes."""
        ours = self.namespaces.keys()
        return {
            namespace
            for pid in pids()
            if self.mark.encode() in read(pathlib.Path(f"/proc/{pid}/mountinfo"))
            and (namespace := link(f"/proc/{pid}/ns/mnt")) not in ours
            and pid != self.server_pid()
            and not self.is_ours(pid)
        }

    @staticmethod
    def shared_memory():
        """Segments of System V that only ids of guests have made."""
        lines = read(pathlib.Path("/proc/sysvipc/shm")).decode().splitlines()[1:]
        return [line for line in lines if int(line.split()[7]) >= FIRST_GUEST_ID]

    @staticmethod
    def rules():
        if os.geteuid() != 0:
            return ""  # an ordinary user has none
        return subprocess.run(["nft", "list", "ruleset"], capture_output=True, text=True).stdout

    def check_nothing_is_left(self):
        """c10m has powered off, or everything was removed."""
        eventually(lambda: not self.processes(), WAIT_SECONDS_MAX, "all processes have ended")
        eventually(lambda: not self.namespaces_held(), 5, f"none holds {self.namespaces_held()}")
        eventually(lambda: not self.cgroups(), WAIT_SECONDS_MAX, "control groups are gone")
        after = self.surroundings()
        for name, value in self.before.items():
            assert after[name] == value, name

    # Ends.

    def die(self):
        """As when the machine loses power: nothing of ours is left running, and nobody was told."""
        if self.server.process and self.server.process.poll() is None:
            self.server.kill()


        def none_is_left():
            left = self.processes()
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            return not left

        eventually(none_is_left, WAIT_SECONDS_MAX, f"all have ended: {self.processes()}")

    def boot(self):
        """After die: the machine starts anew, and c10m with it."""
        for path in sorted(self.cgroups(), key=len, reverse=True):
            with contextlib.suppress(OSError):
                os.rmdir(path)
        self.set_boot_id()
        self.server.start()

    def close(self):
        self.die()
        shutil.rmtree(self.dir, ignore_errors=True)


@contextlib.contextmanager
def machine(user, options=()):
    """A machine that runs, and is checked and cleared away at the end."""
    m = Machine(user, options)
    try:
        m.server.start()
        yield m
        m.processes()  # so that it knows their namespaces
        if m.server.process.poll() is None:
            assert m.server.stop() == 0, m.server.log_text()
        m.server.check_sanitizers()
        m.check_nothing_is_left()
    finally:
        m.close()
