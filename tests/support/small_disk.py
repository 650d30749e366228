# A small disk of a test's own: a tmpfs in a mount namespace, for root and for everybody else.
# SPDX-License-Identifier: Apache-2.0
import os
import pathlib
import subprocess

MIB = 1024 * 1024
FILL_PIECE_BYTES = MIB


class SmallDisk:
    """`with SmallDisk(directory, "256m") as disk:`: commands with disk.prefix see it mounted on the
    directory; the test reaches it by disk.outside."""

    def __init__(self, directory, size):
        self.directory = pathlib.Path(directory)
        self.size = size
        self.holder = None

    def __enter__(self):
        self.directory.mkdir(parents=True, exist_ok=True)
        script = f'mount -t tmpfs -o size={self.size} tmpfs "$0" && echo mounted && exec cat'
        self.holder = subprocess.Popen(
            ["unshare", "--map-root-user", "--mount", "sh", "-c", script, str(self.directory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.holder.stdout.readline() == "mounted\n"
        return self

    def __exit__(self, *error):
        self.holder.stdin.close()
        self.holder.wait(30)
        self.holder.stdout.close()

    @property
    def prefix(self):
        """Of a command, which keeps its process id."""
        words = ["nsenter", "--preserve-credentials", "--user", "--mount", "--target"]
        return [*words, str(self.holder.pid), "--"]

    @property
    def outside(self):
        return pathlib.Path(f"/proc/{self.holder.pid}/root{self.directory}")

    def free_bytes(self):
        stat = os.statvfs(self.outside)
        return stat.f_bavail * stat.f_frsize

    def fill(self, leave_bytes):
        """As another program would: until so much is left."""
        with open(self.outside / "other", "ab", buffering=0) as other:
            while (more := self.free_bytes() - leave_bytes) > 0:
                try:
                    other.write(bytes(min(more, FILL_PIECE_BYTES)))
                except OSError:
                    assert leave_bytes == 0
                    return

    def make_room(self):
        (self.outside / "other").unlink()
