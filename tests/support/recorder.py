"""Runs a program of tests/power under the preloaded recorder, with its marks going to a file."""
# SPDX-License-Identifier: Apache-2.0
import os
import pathlib
import subprocess

# Of the release build: a preloaded library must not come before the sanitizers.
BUILD = pathlib.Path(__file__).resolve().parents[2] / "build/release/tests/power"
MARK_FD = 9
DEADLINE_S = 300


def environment(root, **settings):
    """settings: RECORD_LOG and so on, in lower case without the prefix."""
    env = {**os.environ, "LD_PRELOAD": str(BUILD / "recorder.so"), "RECORD_ROOT": str(root)}
    return env | {f"RECORD_{name.upper()}": str(value) for name, value in settings.items()}


def run(words, marks, root, **settings):
    env = environment(root, **settings)
    with open(marks, "ab") as file:
        return subprocess.run(
            [str(word) for word in words],
            env=env,
            close_fds=False,
            preexec_fn=lambda: os.dup2(file.fileno(), MARK_FD),
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
        )


def check(folder, lines, *what):
    """Opens what is left with the driver, which compares it with the marks."""
    words = [BUILD / "driver", "check", folder, *what]
    text = "\n".join(lines)
    return subprocess.run(words, input=text, capture_output=True, text=True, timeout=DEADLINE_S)
