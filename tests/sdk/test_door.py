# Presigned URLs, hosts, regions, keys and tokens, as users meet them.
# SPDX-License-Identifier: Apache-2.0
import http.client
import re
import stat
import subprocess

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import botocore.exceptions
import boto3
import pytest

from support.server import PROGRAM, Server, free_port
from support.signed import SignedClient


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


@pytest.mark.parametrize(
    "host",
    [
        "localhost:4566",
        "sqs.us-east-1.localhost:4566",
        "sqs.localhost",
        "localhost.localstack.cloud:4566",
        "SQS.us-east-1.localhost.localstack.cloud:4566",
    ],
)
def test_names_of_the_service_and_its_region(server, host):
    with SignedClient(server.port) as client:
        client.host = host
        answer = client.json("CreateQueue", {"QueueName": "hosts"})
        assert answer.status == 200, answer.body
        assert answer.json()["QueueUrl"] == f"http://{host}/000000000000/hosts"
        assert client.form("ListQueues", {}).status == 200


@pytest.mark.parametrize("top", ["localhost:4566", "localhost.localstack.cloud:4566"])
def test_the_host_of_another_region(server, top):
    with SignedClient(server.port) as client:
        client.host = f"sqs.eu-west-1.{top}"
        words = "Credential should be scoped to a valid region, not 'us-east-1'. "
        answer = client.json("ListQueues", {})
        assert answer.status == 400
        assert answer.json()["__type"].endswith("#InvalidSignatureException")
        assert answer.json()["message"] == words
        answer = client.form("ListQueues", {})
        assert answer.status == 403
        assert answer.xml().findtext("Error/Code") == "SignatureDoesNotMatch"
        assert answer.xml().findtext("Error/Message") == words


def sqs_of(server, key, region):
    return boto3.client(
        "sqs",
        endpoint_url=server.url(),
        region_name=region,
        aws_access_key_id=key,
        aws_secret_access_key="test",
    )


def test_accounts_and_regions_are_apart(server):
    """A key of twelve digits is root of that account, in every region, from the start."""
    places = [
        (account, region)
        for account in ("111111111111", "222222222222")
        for region in ("eu-west-1", "ap-southeast-7")
    ]
    for account, region in places:
        sqs = sqs_of(server, account, region)
        url = sqs.create_queue(QueueName="apart")["QueueUrl"]
        assert f"/{account}/apart" in url
        sqs.send_message(QueueUrl=url, MessageBody=f"{account} {region}")
    for account, region in places:
        sqs = sqs_of(server, account, region)
        assert len(sqs.list_queues()["QueueUrls"]) == 1
        url = sqs.get_queue_url(QueueName="apart")["QueueUrl"]
        got = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
        assert [message["Body"] for message in got] == [f"{account} {region}"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
        assert arn["QueueArn"] == f"arn:aws:sqs:{region}:{account}:apart"


def answers_to(port, key, secret):
    with SignedClient(port, "sts", key, secret) as client:
        return client.form("GetCallerIdentity", {})


def test_open_to_the_network(tmp_path):
    """There the keys that everybody knows are unknown, and the first start makes one, shown once."""
    port = free_port()
    options = ["--listen", f"0.0.0.0:{port}"]
    with Server(tmp_path, options=options, port=port) as server:
        shown = re.findall(r"^(\d{12}):(\w+):(\S+)$", server.log_text(), re.MULTILINE)
        assert len(shown) == 1
        account, key, secret = shown[0]
        assert f"<Account>{account}</Account>" in answers_to(port, key, secret).body.decode()
        for known in ("test", "111111111111"):
            assert b"InvalidClientTokenId" in answers_to(port, known, "test").body
        for path in server.data.rglob("*"):  # sealed
            assert not path.is_file() or secret.encode() not in path.read_bytes()
        assert server.stop() == 0
        server.start()
        assert server.log_text().count(secret) == 1
        assert answers_to(port, key, secret).status == 200


def test_known_keys_are_not_for_the_network(tmp_path):
    words = ["serve", "--listen", "0.0.0.0:0", "--data", tmp_path / "data", "--development-keys"]
    done = subprocess.run([PROGRAM, *words], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "--development-keys" in done.stderr


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
