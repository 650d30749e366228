# Limits by control groups of version 2, under a kernel of their own (User-Mode Linux), whatever this machine has.
# SPDX-License-Identifier: Apache-2.0
import os
import subprocess

import pytest

from support.server import PROGRAM

TESTS = PROGRAM.parent / "src/host/test_host_sandbox"
KERNEL_SECONDS_MAX = 400
# Not: sees_itself, which wants a time namespace, and what waits for a slow machine's clock.
NAMES = ("memory_is_limited", "processes_are_limited", "cpu_is_limited", "io_is_limited", "disk_is_limited")
NAMES += ("is_frozen_and_thawed", "keeps_its_disk", "is_alone", "a_function_gains_no_rights")
# Process 1 of that machine: its root is ours, read and written as who we are; its /tmp is a disk of its own.
INIT = """#!/usr/bin/python3
import ctypes, os, pathlib, subprocess
libc = ctypes.CDLL(None, use_errno=True)
FINIT_MODULE = 313
os.environ["PATH"] = "/usr/sbin:/usr/bin"
def mount(kind, what, where):
    os.makedirs(where, exist_ok=True)
    assert libc.mount(what.encode(), where.encode(), kind.encode(), 0, None) == 0, where
mount("proc", "none", "/proc")
mount("sysfs", "none", "/sys")
mount("cgroup2", "none", "/sys/fs/cgroup")
mount("ext4", "/dev/ubda", "/tmp")
for module in ("fs/overlayfs/overlay", "drivers/block/loop"):
    for path in pathlib.Path("/usr/lib/uml/modules").glob(f"*/kernel/{module}.ko"):
        libc.syscall(FINIT_MODULE, os.open(path, os.O_RDONLY), b"", 0)
print("controllers:", pathlib.Path("/sys/fs/cgroup/cgroup.controllers").read_text(), flush=True)
for name in "NAMES".split():
    code = subprocess.run(["TESTS", "test_" + name], stderr=subprocess.STDOUT).returncode
    print("result", name, code, flush=True)
left = [p.name for p in pathlib.Path("/sys/fs/cgroup").iterdir() if p.name.startswith("c10m-")]
print("left", left, flush=True)
os.sync()
libc.reboot(0x4321FEDC)
"""


@pytest.fixture(scope="module")
def words(tmp_path_factory):
    folder = tmp_path_factory.mktemp("uml")
    init, disk = folder / "init", folder / "disk"
    init.write_text(INIT.replace("NAMES", " ".join(NAMES)).replace("TESTS", str(TESTS)))
    init.chmod(0o755)
    with open(disk, "wb") as file:
        file.truncate(512 << 20)
    subprocess.run(["mke2fs", "-q", "-F", "-t", "ext4", str(disk)], check=True)
    command = ["linux.uml", "rootfstype=hostfs", "rootflags=/", "rw", "mem=512M"]
    command += [f"ubd0={disk}", f"init={init}", "con=null", "con0=null,fd:1", f"uml_dir={folder}"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=KERNEL_SECONDS_MAX)
    return done.stdout + done.stderr


# One build is enough for the kernel's part of it, and only root makes control groups there.
IS_HERE = os.geteuid() == 0 and "asan" not in str(PROGRAM)


if IS_HERE:

    @pytest.mark.parametrize("name", NAMES)
    def test_it_is_enforced(words, name):
        assert "cpu io memory pids" in words, words[-4000:]
        assert f"result {name} 0" in words, words[-8000:]

    def test_no_group_is_left(words):
        assert "left []" in words, words[-4000:]
