# Sandboxes of the host layer: how soon a guest runs, beside crun, bubblewrap and podman; ssh servers; many at once; prepared functions.
# SPDX-License-Identifier: Apache-2.0
import contextlib
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile

from as_user import ORDINARY_ID
from machine import TOOLS, milliseconds, row, timing_row
from support.server import ROOT

COUNT, COUNT_QUICK = 100, 5
COUNT_PODMAN = 5  # it takes half a second each time
CROWD, CROWD_QUICK = 200, 10
COMMAND_SECONDS_MAX = 120
AS_USER = [sys.executable, str(ROOT / "tests/as_user.py")]
MIB = 1024 * 1024


class Runner:
    """As whom and where something is measured."""

    def __init__(self, is_root):
        self.is_root = is_root
        self.prefix = AS_USER if os.geteuid() == 0 and not is_root else []
        self.label = "as root" if is_root else "as an ordinary user"
        # Where an ordinary user can enter, on the disk that guests' disks are on by default.
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="c10m-bench-", dir="/var/tmp"))
        code = self.dir / "shelf/code"
        code.mkdir(parents=True)
        shutil.copy(TOOLS / "first", code / "first")
        self.own()

    def own(self):
        """What is in the folder becomes the user's."""
        if self.prefix:
            for path in [self.dir, *self.dir.rglob("*")]:
                os.chown(path, ORDINARY_ID, ORDINARY_ID, follow_symlinks=False)

    def words(self, tool, *words):
        return [*self.prefix, str(TOOLS / tool), *map(str, words)]

    def took(self, words):
        """The nanoseconds that a tool tells; None: it cannot do it here, and `problem` says why."""
        env = {**os.environ, "HOME": str(self.dir), "XDG_RUNTIME_DIR": str(self.dir)}
        more = {"capture_output": True, "text": True, "timeout": COMMAND_SECONDS_MAX}
        done = subprocess.run(words, cwd=self.dir, env=env, **more)
        self.problem = (done.stderr.strip().splitlines() or ["it failed"])[-1][:160]
        return [int(line.split()[1]) for line in done.stdout.splitlines()] if done.returncode == 0 else None

    def close(self):
        shutil.rmtree(self.dir, ignore_errors=True)


# Ours.


def own_row(runner, what, label, goal_ms, count):
    took = runner.took(runner.words("guests", what, runner.dir / "host", count))
    if took is None:
        sys.exit(f"bench: guests {what}: {runner.problem}")
    timing_row(f"{label}, {runner.label}", took, goal_ms)


def own_rows(runner, count):
    host = runner.dir / "host"
    host.mkdir()
    shutil.copytree(runner.dir / "shelf", host / "shelf")
    runner.own()
    own_row(runner, "exec", "sandbox: to the guest's first instruction", 3 if runner.is_root else 5, count)
    own_row(runner, "functions", "prepared function: to its first instruction", 2, count)
    own_row(runner, "ssh", "guest with dropbear: until port 22 is open", 60, max(count // 2, 3))


# Others, with the same program in a sandbox as near to ours as they make one.


def bundle(runner):
    """What crun runs: a root of its own, whose only program is ours."""
    folder = runner.dir / "bundle"
    (folder / "rootfs").mkdir(parents=True, exist_ok=True)
    shutil.copy(TOOLS / "first", folder / "rootfs/first")
    path = folder / "config.json"
    path.unlink(missing_ok=True)
    subprocess.run(["crun", "spec", *([] if runner.is_root else ["--rootless"])], cwd=folder, check=True)
    config = json.loads(path.read_text())
    config["process"].update(args=["/first"], terminal=False)
    if not runner.is_root:
        identity = {"containerID": 0, "hostID": ORDINARY_ID if runner.prefix else os.geteuid(), "size": 1}
        config["linux"].update(uidMappings=[identity], gidMappings=[identity])
    path.write_text(json.dumps(config))
    runner.own()
    return folder


def crun_words(runner):
    words = [shutil.which("crun"), "--root", str(runner.dir / "crun"), "run", "-b", str(bundle(runner)), "bench"]
    return words if runner.is_root else [words[0], "--cgroup-manager=disabled", *words[1:]]


def bubblewrap_words(runner):
    words = [shutil.which("bwrap"), "--unshare-all", "--ro-bind", "/usr", "/usr", "--proc", "/proc", "--dev", "/dev"]
    words += ["--tmpfs", "/tmp", "--tmpfs", "/run", "--ro-bind", str(runner.dir / "shelf/code/first"), "/first"]
    return [*words, "/first"]


def podman_words(runner):
    root = str(runner.dir / "bundle/rootfs")  # crun's
    stores = ["--root", str(runner.dir / "podman"), "--runroot", str(runner.dir / "podman-run")]
    limits = ["--ulimit", "nofile=1000:1000", "--ulimit", "nproc=1000:1000"]
    run = ["run", "--rm", "--network=none", "--cgroups=disabled", *limits, "--rootfs", root, "/first"]
    return [shutil.which("podman"), "--cgroup-manager=cgroupfs", *stores, *run]


# A machine with control groups of both versions is refused by crun while the second one is in sight.
HIDE_V2 = ["unshare", "-m", "sh", "-c", 'umount -l /sys/fs/cgroup/unified 2>/dev/null; exec "$@"', "sh"]
PEERS = [
    ("crun", "crun", crun_words, HIDE_V2),
    ("bubblewrap", "bwrap", bubblewrap_words, []),
    ("podman", "podman", podman_words, HIDE_V2),
]


def peer_row(runner, name, program, words, prefix, count):
    label = f"  {name}, {runner.label}"
    if shutil.which(program) is None:
        return row(label, "-", "not installed")
    try:
        tool = runner.words("runs", count, *words(runner))
        took = runner.took([*prefix, *tool] if os.geteuid() == 0 else tool)
    except (subprocess.SubprocessError, OSError) as error:
        return row(label, "-", f"does not run here: {error}"[:160])
    if took is None:
        return row(label, "-", f"does not run here: {runner.problem}")
    timing_row(label, took)


def peer_rows(runner, count):
    took = runner.took(runner.words("runs", count, runner.dir / "shelf/code/first"))
    timing_row(f"  the program alone, {runner.label}", took)
    for name, program, words, prefix in PEERS:
        peer_row(runner, name, program, words, prefix, min(count, COUNT_PODMAN) if name == "podman" else count)


# Many at once.


def memory_available():
    for line in pathlib.Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024


def status(pid, folder, key):
    """A line of /proc/PID/FOLDER, in bytes; 0: it has ended, as those do that served one connection."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for line in pathlib.Path(f"/proc/{pid}/{folder}").read_text().splitlines():
            if line.startswith(key):
                return int(line.split()[1]) * 1024
    return 0


def parents():
    found = {}
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            found[int(path.parent.name)] = int(path.read_text().rsplit(")", 1)[1].split()[1])
        except OSError:
            continue
    return found


def with_descendants(pid, above):
    return [pid, *(p for child, parent in above.items() if parent == pid for p in with_descendants(child, above))]


def read_crowd(tool):
    """What it tells until all are there."""
    told = {"guest": []}
    for line in tool.stdout:
        words = line.split()
        if words == ["ready"]:
            return told
        if words[0] == "guest":
            told["guest"].append(int(words[1]))
        else:
            told[words[0]] = int(words[1]) / 1e9
    sys.exit(f"bench: guests crowd: {tool.stderr.read().strip()}")


def crowd_rows(runner, count):
    before = memory_available()
    words = runner.words("guests", "crowd", runner.dir / "host", count)
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    with subprocess.Popen(words, text=True, cwd=runner.dir, **pipes) as tool:
        told = read_crowd(tool)
        above = parents()
        shims = [above[pid] for pid in told["guest"]]
        everyone = [pid for shim in shims for pid in with_descendants(shim, above)]
        shares = sum(status(pid, "smaps_rollup", "Pss:") for pid in everyone) / count / MIB
        taken = (before - memory_available()) / count / MIB
        resident = [status(shim, "status", "VmRSS:") / 1024 for shim in shims]
        stopped = tool.communicate("\n")[0].split()
    if tool.returncode != 0:
        sys.exit("bench: guests crowd: it does not end")
    name = f"{count} guests at once, {runner.label}"
    note = f"their ports before in {told['ports']:.2f} s; all ended in {int(stopped[-1]) / 1e9:.2f} s"
    row(f"{name}: all ssh ports open", f"{told['open']:.2f} s", note)
    note = f"what the machine has less; {shares:.2f} MiB of it are processes' shares; goal 4 MiB"
    row("  each, idle, with its ssh server", f"{taken:.2f} MiB", note)
    row("  its shim, resident", f"{statistics.median(resident):.0f} KiB", f"at most {max(resident):.0f}; goal 500 KiB")


def rows(options):
    count = COUNT_QUICK if options.quick else COUNT
    for is_root in [True, False] if os.geteuid() == 0 else [False]:
        runner = Runner(is_root)
        try:
            own_rows(runner, count)
            peer_rows(runner, count)
            crowd_rows(runner, CROWD_QUICK if options.quick else CROWD)
        finally:
            runner.close()
