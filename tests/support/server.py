# A real c10m process of a test's own: free port, own data directory, real signals.
# SPDX-License-Identifier: Apache-2.0
import http.client
import os
import pathlib
import signal
import socket
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(os.environ.get("C10M_PROGRAM", ROOT / "build/release/c10m")).resolve()
START_SECONDS_MAX = 30
STOP_SECONDS_MAX = 30
SANITIZER_MARKS = ("AddressSanitizer", "runtime error:", "LeakSanitizer")


def eventually(condition, seconds, what):
    """Waits for a condition to give something true, and returns that."""
    deadline = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.005)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def child_environment():
    env = dict(os.environ)
    env.setdefault("ASAN_OPTIONS", "detect_leaks=1:detect_stack_use_after_return=0")
    env.setdefault("UBSAN_OPTIONS", "halt_on_error=1:print_stacktrace=1")
    return env


def health_status(port):
    """The HTTP status of the health page, or None while nobody answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/_c10m/health")
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


class Server:
    """`with Server(directory) as server:` serves; leaving the block checks a clean end."""

    def __init__(
        self, directory, verb="serve", options=(), port=None, uid=None, env=None, prefix=(), log=None
    ):
        self.directory = pathlib.Path(directory)
        self.data = self.directory / "data"
        self.log = pathlib.Path(log or self.directory / "log")
        self.verb = verb
        self.options = list(options)
        self.prefix = list(prefix)  # of the command, such as small_disk's
        self.port = port or free_port()
        self.process = None
        self.uid = uid  # of an ordinary user; None: ours
        self.env = env or {}

    def command(self):
        address = f"127.0.0.1:{self.port}"
        return [
            *self.prefix,
            str(PROGRAM),
            self.verb,
            "--listen",
            address,
            "--data",
            str(self.data),
            *self.options,
        ]

    def start(self):
        self.directory.mkdir(parents=True, exist_ok=True)
        with open(self.log, "ab") as log, open(PROGRAM, "rb") as program:
            # By its descriptor: a user may not be able to enter the folder that it is in.
            path = f"/proc/self/fd/{program.fileno()}"
            words = [path if w == str(PROGRAM) and self.prefix else w for w in self.command()]
            self.process = subprocess.Popen(
                words,
                executable=None if self.prefix else path,
                pass_fds=[program.fileno()],
                cwd="/" if self.uid else None,
                user=self.uid,
                group=self.uid,
                extra_groups=[] if self.uid else None,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**child_environment(), **self.env},
            )
        eventually(self.answers_or_is_dead, START_SECONDS_MAX, f"{self.command()} answers")
        assert self.process.poll() is None, f"c10m ended at its start:\n{self.log_text()}"
        return self

    def answers_or_is_dead(self):
        return health_status(self.port) == 200 or self.process.poll() is not None

    def kill(self):
        """kill -9: nothing is drained, nothing is flushed."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        """SIGTERM; returns the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"c10m did not end on SIGTERM:\n{self.log_text()}")

    def url(self, host="127.0.0.1"):
        return f"http://{host}:{self.port}"

    def log_text(self):
        return self.log.read_text(errors="replace")[-8000:]

    def check_sanitizers(self):
        text = self.log.read_text(errors="replace")
        assert not any(mark in text for mark in SANITIZER_MARKS), text[-20000:]

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, value, traceback):
        status = self.stop()
        self.check_sanitizers()
        if kind is None:
            assert status == 0, f"status {status}:\n{self.log_text()}"
