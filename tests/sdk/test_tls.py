# HTTPS and HTTP/2 on the port that answers HTTP: stock clients that trust the development CA.
# SPDX-License-Identifier: Apache-2.0
import os
import subprocess

import boto3
import pytest
from botocore.exceptions import SSLError

from support.clients import REGION
from support.server import PROGRAM


@pytest.fixture(scope="module")
def ca(server):
    done = subprocess.run(
        [PROGRAM, "ca", "--data", server.data], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def sqs_by_tls(server, verify):
    return boto3.client(
        "sqs",
        endpoint_url=f"https://localhost:{server.port}",
        region_name=REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        verify=verify,
    )


def test_boto3_over_https(server, ca, name):
    sqs = sqs_by_tls(server, ca)
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    assert url == f"https://localhost:{server.port}/000000000000/{name}"
    sqs.send_message(QueueUrl=url, MessageBody="over TLS")
    assert sqs.receive_message(QueueUrl=url)["Messages"][0]["Body"] == "over TLS"


def test_who_does_not_trust_the_ca_is_not_served(server):
    with pytest.raises(SSLError):
        sqs_by_tls(server, True).list_queues()


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "sqs.us-east-1.localhost"])
def test_http_2_by_alpn(server, ca, host):
    done = subprocess.run(
        ["curl", "--silent", "--show-error", "--cacert", ca, "--http2", "--write-out", "%{http_version}"]
        + ["--resolve", f"{host}:{server.port}:127.0.0.1", "--noproxy", "*", "--output", os.devnull]
        + [f"https://{host}:{server.port}/_c10m/health"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "2"


def test_http_2_by_prior_knowledge(server):
    done = subprocess.run(
        ["curl", "--silent", "--http2-prior-knowledge", "--write-out", "%{http_version}"]
        + ["--noproxy", "*", "--output", os.devnull, f"http://127.0.0.1:{server.port}/_c10m/health"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "2"
