#!/usr/bin/env python3
# A PostgreSQL 15 of a test's own: postgres.py COMMAND... runs the command with its URL in
# C10M_TEST_POSTGRESQL.
# SPDX-License-Identifier: Apache-2.0
import contextlib
import os
import pathlib
import pwd
import shutil
import subprocess
import sys
import tempfile
import time

PROGRAMS = pathlib.Path("/usr/lib/postgresql/15/bin")  # where Debian's postgresql-15 puts them
START_SECONDS = 120
SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",  # processes are killed here, not machines
    "max_connections": "60",
    "shared_buffers": "16MB",
    "log_min_messages": "error",
}


class Postgres:
    """One server with a data directory and a socket directory in a temporary one."""

    def __init__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="c10m-pg-"))
        self.user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        self.server = None
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            shutil.chown(self.dir, self.user)
        words = ["--no-sync", "-U", "c10m", "-A", "trust", "-E", "UTF8", "--locale=C", "-D"]
        self._run("initdb", *words, str(self.dir / "data"))

    @property
    def url(self):
        return f"postgresql:///postgres?host={self.dir}&user=c10m"

    def _as_user(self):
        return {"user": self.user, "extra_groups": []} if os.geteuid() == 0 else {}

    def _run(self, program, *words):
        words = [str(PROGRAMS / program), *words]
        done = subprocess.run(words, capture_output=True, text=True, cwd="/", **self._as_user())
        if done.returncode != 0:
            raise RuntimeError(f"{program}: {done.stdout}{done.stderr}")
        return done.stdout

    def start(self):
        words = [str(PROGRAMS / "postgres"), "-D", str(self.dir / "data"), "-k", str(self.dir)]
        for name, value in SETTINGS.items():
            words += ["-c", f"{name}={value}"]
        with open(self.dir / "log", "ab") as log:
            self.server = subprocess.Popen(
                words, stdout=log, stderr=log, cwd="/", start_new_session=True, **self._as_user()
            )
        deadline = time.monotonic() + START_SECONDS
        while not self.is_ready():
            if self.server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("postgres did not start: " + (self.dir / "log").read_text())
            time.sleep(0.02)

    def is_ready(self):
        words = [str(PROGRAMS / "pg_isready"), "-q", "-h", str(self.dir), "-t", "1"]
        return subprocess.run(words).returncode == 0

    def query(self, sql):
        """What psql prints, unaligned and without headers."""
        words = ["-h", str(self.dir), "-U", "c10m", "-d", "postgres", "-qAtc", sql]
        return self._run("psql", *words).strip()

    def kill(self):
        """As a crash would: no shutdown, all sessions cut off."""
        self.server.kill()
        self.server.wait()

    def stop(self):
        if self.server is not None and self.server.poll() is None:
            self.server.terminate()
            try:
                self.server.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()
        shutil.rmtree(self.dir, ignore_errors=True)


@contextlib.contextmanager
def postgres():
    server = Postgres()
    try:
        server.start()
        yield server
    finally:
        server.stop()


if __name__ == "__main__":
    with postgres() as own:
        env = os.environ | {"C10M_TEST_POSTGRESQL": own.url}
        status = subprocess.run(sys.argv[1:], env=env).returncode
    sys.exit(status if status >= 0 else 1)
