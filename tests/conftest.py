# Fixtures that every ring of the Python tests shares.
# SPDX-License-Identifier: Apache-2.0
import pathlib
import sys
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import pytest

from support import clients
from support.server import Server


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """One c10m for all tests that leave it as it is: each uses names of its own."""
    with Server(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture(autouse=True)
def death_of_server(request):
    """A server that dies fails the test that killed it, and not all that follow."""
    yield
    if "server" not in request.fixturenames:
        return
    running = request.getfixturevalue("server")
    if running.process.poll() is not None:
        text = running.log_text()
        running.log.unlink()
        running.start()
        pytest.fail(f"c10m died in this test:\n{text}", pytrace=False)


@pytest.fixture(scope="session", params=["json", "query"])
def protocol(request):
    return request.param


@pytest.fixture(scope="session")
def sqs(server, protocol):
    return clients.client("sqs", server.url(), protocol)


@pytest.fixture
def name():
    return f"q-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def queue(sqs, name):
    return sqs.create_queue(QueueName=name)["QueueUrl"]


@pytest.fixture
def fifo(sqs, name):
    attributes = {"FifoQueue": "true"}
    return sqs.create_queue(QueueName=f"{name}.fifo", Attributes=attributes)["QueueUrl"]
