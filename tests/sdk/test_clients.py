# Unmodified AWS clients do the same work, over HTTP and HTTPS. docs/clients.md has the list.
# SPDX-License-Identifier: Apache-2.0
import hashlib
import os
import shutil
import subprocess

import boto3
import pytest

from support import clients
from support.programs import BUILD_SECONDS_MAX, go_program, javascript, run, with_newest
from support.server import PROGRAM, ROOT

CLI_2 = "/usr/bin/aws"  # of Debian's package; another aws may stand before it on PATH
IS_LONG = os.environ.get("C10M_TEST_LONG") == "1"


def ca_file(server):
    words = [str(PROGRAM), "ca", "--data", str(server.data)]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture(params=["http", "https"])
def environment(request, server):
    """What ./dev env gives a client, and how each is told of the CA."""
    env = clients.cli_environment(server.url())
    if request.param == "https":
        ca = ca_file(server)
        env |= {"AWS_ENDPOINT_URL": f"https://127.0.0.1:{server.port}", "AWS_CA_BUNDLE": ca}
        env |= {"NODE_EXTRA_CA_CERTS": ca, "SSL_CERT_FILE": ca}
    return env


def test_boto3(environment, name):
    sqs = boto3.client(
        "sqs",
        endpoint_url=environment["AWS_ENDPOINT_URL"],
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        verify=environment.get("AWS_CA_BUNDLE"),
    )
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    assert url.startswith(environment["AWS_ENDPOINT_URL"])
    sent = sqs.send_message(QueueUrl=url, MessageBody="höllo")
    (one,) = sqs.receive_message(QueueUrl=url)["Messages"]
    assert (one["Body"], one["MessageId"]) == ("höllo", sent["MessageId"])
    sqs.delete_message(QueueUrl=url, ReceiptHandle=one["ReceiptHandle"])
    entries = [{"Id": f"e{n}", "MessageBody": f"body {n}"} for n in range(3)]
    assert len(sqs.send_message_batch(QueueUrl=url, Entries=entries)["Successful"]) == 3
    got = []
    while len(got) < 3:
        more = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=5)
        got += more.get("Messages", [])
    ends = [{"Id": f"e{n}", "ReceiptHandle": m["ReceiptHandle"]} for n, m in enumerate(got)]
    assert len(sqs.delete_message_batch(QueueUrl=url, Entries=ends)["Successful"]) == 3
    with pytest.raises(sqs.exceptions.QueueDoesNotExist):
        sqs.get_queue_url(QueueName="none")
    sqs.delete_queue(QueueUrl=url)


def cli_work(environment, name, aws):
    url = f"{environment['AWS_ENDPOINT_URL']}/000000000000/{name}"
    assert url in aws("create-queue", "--queue-name", name)
    aws("send-message", "--queue-url", url, "--message-body", "hello")
    assert '"hello"' in aws("receive-message", "--queue-url", url, "--wait-time-seconds", "5")
    aws("delete-queue", "--queue-url", url)


def test_cli_1(environment, name, tmp_path):
    def aws(*words):
        return run([str(ROOT / "tools/bin/aws"), "sqs", *words], environment, tmp_path)

    assert "aws-cli/1." in run([str(ROOT / "tools/bin/aws"), "--version"], environment, tmp_path)
    cli_work(environment, name, aws)


def test_cli_2(environment, name, tmp_path):
    """A version of before AWS_ENDPOINT_URL, which speaks the query protocol to SQS."""
    words = [CLI_2, "--endpoint-url", environment["AWS_ENDPOINT_URL"], "sqs"]
    assert "aws-cli/2." in run([CLI_2, "--version"], environment, tmp_path)
    cli_work(environment, name, lambda *more: run([*words, *more], environment, tmp_path))


def test_javascript_3(environment, javascript):
    assert run(["node", "work.mjs"], environment, javascript) == "done\n"


def check_sums(folder, sums):
    """Each file that the list names, and no other."""
    wanted = dict(reversed(line.split()) for line in sums.read_text().splitlines())
    found = {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.iterdir()}
    assert found == wanted


@pytest.fixture(scope="session")
def java_words():
    """How the work is run, with the pinned SDK's files beside it."""
    source = ROOT / "tests/clients/java"
    folder = ROOT / "build/test/clients-java"
    words = ["mvn", "--batch-mode", "--quiet", "--strict-checksums", "dependency:copy-dependencies"]
    words += [f"-DoutputDirectory={folder}", "-f", str(source / "pom.xml")]
    shutil.rmtree(folder, ignore_errors=True)
    run(words, dict(os.environ), ROOT, BUILD_SECONDS_MAX)
    check_sums(folder, source / "SHA256SUMS")
    return ["java", "-cp", f"{folder}/*"], str(source / "Work.java")


def trust_store(environment, folder):
    """Java reads no PEM: the CA goes into a store of its own."""
    store = folder / "trust.p12"
    words = ["keytool", "-importcert", "-noprompt", "-alias", "c10m", "-storepass", "changeit"]
    words += ["-file", environment["AWS_CA_BUNDLE"], "-keystore", str(store)]
    run(words, dict(os.environ), folder)
    return [f"-Djavax.net.ssl.trustStore={store}", "-Djavax.net.ssl.trustStorePassword=changeit"]


@pytest.fixture(scope="session")
def rust_program():
    folder = ROOT / "build/test/clients-rust"
    words = ["cargo", "build", "--quiet", "--locked", "--target-dir", str(folder)]
    source = ROOT / "tests/clients/rust"
    run(words, with_newest("cargo", "--version"), source, BUILD_SECONDS_MAX)
    return folder / "debug/c10m-clients"


if IS_LONG:

    def test_go_2(environment, go_program, tmp_path):
        assert run([str(go_program)], environment, tmp_path) == "done\n"

    def test_java_2(environment, java_words, tmp_path):
        java, work = java_words
        if "AWS_CA_BUNDLE" in environment:
            java = java + trust_store(environment, tmp_path)
        assert run([*java, work], environment, tmp_path) == "done\n"

    def test_rust(environment, rust_program, tmp_path):
        assert run([str(rust_program)], environment, tmp_path) == "done\n"
