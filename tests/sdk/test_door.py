# Presigned URLs, hosts, regions, keys and tokens, as users meet them.
# SPDX-License-Identifier: Apache-2.0
import http.client
import stat

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import botocore.exceptions
import boto3
import pytest

from support.server import Server


def ask(port, path, headers=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", path, headers=headers or {})
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def presigned_path(url, secret="test"):
    request = botocore.awsrequest.AWSRequest("GET", url)
    credentials = botocore.credentials.Credentials("test", secret)
    botocore.auth.SigV4QueryAuth(credentials, "sqs", "us-east-1", expires=60).add_auth(request)
    return "/" + request.url.split("/", 3)[3]


def test_a_presigned_get_on_a_queue_url(server, sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="hello")
    url = f"{queue}?Action=ReceiveMessage&Version=2012-11-05"
    host = {"Host": queue.split("/")[2]}
    status, text = ask(server.port, presigned_path(url), host)
    assert status == 200 and "<Body>hello</Body>" in text
    status, text = ask(server.port, presigned_path(url, "wrong"), host)
    assert status == 403 and "SignatureDoesNotMatch" in text


def test_a_region_that_does_not_exist(server):
    sts = boto3.client(
        "sts",
        endpoint_url=server.url(),
        region_name="mars-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    with pytest.raises(botocore.exceptions.ClientError, match="valid region, not 'mars-1'"):
        sts.get_caller_identity()


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "10.0.0.1"])
def test_a_foreign_host(server, host):
    status, text = ask(server.port, "/_c10m/health", {"Host": f"{host}:{server.port}"})
    assert status == 403 and "--allow-host" in text


def test_keys_and_token(tmp_path):
    options = ["--root-key", "111111111111:AKIAMINE:secret", "--no-development-keys"]
    with Server(tmp_path, options=options) as server:
        mine, known = (
            boto3.client(
                "sts",
                endpoint_url=server.url(),
                region_name="us-east-1",
                aws_access_key_id=key,
                aws_secret_access_key=secret,
            )
            for key, secret in (("AKIAMINE", "secret"), ("test", "test"))
        )
        assert mine.get_caller_identity()["Account"] == "111111111111"
        with pytest.raises(botocore.exceptions.ClientError, match="InvalidClientTokenId"):
            known.get_caller_identity()
        token = server.data / "admin-token"
        assert stat.S_IMODE(token.stat().st_mode) == 0o600
        assert ask(server.port, "/_c10m/metrics")[0] == 401
        bearer = {"Authorization": f"Bearer {token.read_text().strip()}"}
        assert ask(server.port, "/_c10m/metrics", bearer)[0] == 200
