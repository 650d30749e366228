# The two commands of the README, as a person types them: ./dev up, eval "$(./dev env)", aws, ./dev down.
# SPDX-License-Identifier: Apache-2.0
import os
import subprocess

import pytest

from support.server import ROOT, free_port, health_status


@pytest.fixture
def dev(tmp_path):
    """Runs ./dev with process id and log in a folder of the test's own."""
    env = {**os.environ, "C10M_RUN_DIR": str(tmp_path / "run"), "AWS_PROFILE": "someone-else"}

    def dev(words, check=True):
        done = subprocess.run(
            ["bash", "-c", words], cwd=ROOT, env=env, capture_output=True, text=True, timeout=300
        )
        assert not check or done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
        return done

    yield dev
    dev("./dev down", check=False)


def test_up_env_down(dev, tmp_path):
    port = free_port()
    up = f"./dev up --data {tmp_path}/data --listen 127.0.0.1:{port}"
    first = dev(up)
    assert "aws sqs create-queue" in first.stdout
    assert health_status(port) == 200
    made = dev(
        'eval "$(./dev env)" && aws sqs create-queue --queue-name jobs --query QueueUrl --output text'
    )
    assert made.stdout.strip() == f"http://127.0.0.1:{port}/000000000000/jobs"
    assert "runs already" in dev(up).stdout
    dev("./dev down")
    assert health_status(port) is None
    assert "does not run" in dev("./dev down").stdout
    dev(up)
    listed = dev('eval "$(./dev env)" && aws sqs list-queues --query QueueUrls --output text')
    assert listed.stdout.strip() == made.stdout.strip()


def test_env_prints_shell_lines_only(dev):
    lines = dev("./dev env").stdout.splitlines()
    assert lines and all(line.startswith(("export ", "unset ")) for line in lines)
    seen = dev(
        'eval "$(./dev env)"; echo "${AWS_PROFILE-unset} $AWS_ENDPOINT_URL $(command -v aws)"'
    ).stdout.split()
    assert seen[0] == "unset"
    assert seen[1].startswith("http://127.0.0.1:")
    assert seen[2] == str(ROOT / "tools/bin/aws")


def test_up_says_why_it_cannot_start(dev, tmp_path):
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "thesis.txt").write_text("years of work")
    done = dev(f"./dev up --data {foreign} --listen 127.0.0.1:{free_port()}", check=False)
    assert done.returncode != 0
    assert str(foreign) in done.stderr


@pytest.mark.parametrize("words", ["dance", "up --colour red", "build nonsense"])
def test_wrong_words_are_refused(dev, words):
    done = dev(f"./dev {words}", check=False)
    assert done.returncode != 0
    assert "dev: " in done.stderr
