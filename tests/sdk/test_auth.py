# Requests that must be refused: wrong secret, unknown key, no signature, an old one, a changed body.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/CommonErrors.html
# SPDX-License-Identifier: Apache-2.0
import datetime

import pytest

from support.signed import SignedClient

JSON_CODES = {
    "secret": {"InvalidSignatureException"},
    "key": {"UnrecognizedClientException", "InvalidClientTokenId"},
    "unsigned": {"MissingAuthenticationTokenException", "MissingAuthenticationToken"},
    "skew": {"InvalidSignatureException", "RequestExpired"},
}
QUERY_CODES = {
    "secret": {"SignatureDoesNotMatch"},
    "key": {"InvalidClientTokenId"},
    "unsigned": {"MissingAuthenticationToken"},
    "skew": {"SignatureDoesNotMatch", "RequestExpired"},
}


def stamp(hours):
    when = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=hours)
    return when.strftime("%Y%m%dT%H%M%SZ")


@pytest.fixture(params=["sqs-json", "sqs-query", "sts-query"])
def ask(request, server):
    """Sends a harmless request; gives the answer, its error code, and the codes of that protocol."""
    service, protocol = request.param.split("-")

    def ask(how, key="test", secret="test"):
        with SignedClient(server.port, service, key, secret) as client:
            if protocol == "json":
                answer = client.json("ListQueues", {}, **how)
                code = answer.json().get("__type", "").split("#")[-1]
            else:
                action = "ListQueues" if service == "sqs" else "GetCallerIdentity"
                answer = client.form(action, {}, **how)
                code = answer.xml().findtext("Error/Code")
        return answer, code

    ask.codes = JSON_CODES if protocol == "json" else QUERY_CODES
    return ask


def check_refused(answer, code, codes):
    assert answer.status in (400, 403), answer.body
    assert code in codes
    assert answer.headers["x-amzn-requestid"]


def test_the_right_secret_is_accepted(ask):
    answer, _ = ask({})
    assert answer.status == 200


def test_a_wrong_secret_is_refused(ask):
    answer, code = ask({}, secret="guess")
    check_refused(answer, code, ask.codes["secret"])
    assert b"signature" in answer.body.lower()


def test_an_unknown_key_is_refused(ask):
    answer, code = ask({}, key="AKIDUNKNOWN")
    check_refused(answer, code, ask.codes["key"])


def test_an_unsigned_request_is_refused(ask):
    answer, code = ask({"sign": False})
    check_refused(answer, code, ask.codes["unsigned"])


@pytest.mark.parametrize("hours", [-1, 1])
def test_an_hour_of_difference_is_refused(ask, hours):
    answer, code = ask({"stamp": stamp(hours)})
    check_refused(answer, code, ask.codes["skew"])


def test_ten_minutes_of_difference_are_accepted(ask):
    for hours in (-1 / 6, 1 / 6):
        answer, _ = ask({"stamp": stamp(hours)})
        assert answer.status == 200


def test_a_changed_body_is_refused(server):
    with SignedClient(server.port) as client:
        headers = client.headers(
            {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "AmazonSQS.ListQueues"},
            b'{"QueueNamePrefix":"a"}',
        )
        answer = client.send(headers, b'{"QueueNamePrefix":"b"}')
    assert answer.status in (400, 403)
    assert answer.json()["__type"].endswith("InvalidSignatureException")


def test_a_changed_operation_is_refused(server):
    with SignedClient(server.port) as client:
        headers = client.headers(
            {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "AmazonSQS.ListQueues"},
            b"{}",
        )
        headers["X-Amz-Target"] = "AmazonSQS.DeleteQueue"
        answer = client.send(headers, b"{}")
    assert answer.status in (400, 403)
    assert answer.json()["__type"].endswith("InvalidSignatureException")


def test_an_unknown_operation_is_refused(server):
    with SignedClient(server.port) as client:
        answer = client.json("MakeCoffee", {})
        assert answer.status in (400, 404)
        assert answer.json()["__type"].split("#")[-1] in (
            "UnknownOperationException",
            "InvalidAction",
        )
        answer = client.form("MakeCoffee", {})
        assert answer.status == 400
        assert answer.xml().findtext("Error/Code") == "InvalidAction"


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"QueueNamePrefix":5}', b"\xff", b'{"a":' * 1000])
def test_malformed_json_is_refused(server, body):
    with SignedClient(server.port) as client:
        headers = {
            "Content-Type": "application/x-amz-json-1.0",
            "X-Amz-Target": "AmazonSQS.ListQueues",
        }
        answer = client.send(client.headers(headers, body), body)
    assert answer.status == 400
    assert answer.json()["__type"].split("#")[-1] in (
        "SerializationException",
        "MalformedInput",
        "InvalidParameterValue",
    )
