# Requests that must be refused: wrong secret, unknown key, no signature, an old one, a changed body.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/CommonErrors.html
# SPDX-License-Identifier: Apache-2.0
import datetime
import hashlib
import re

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


def message(answer):
    if answer.body.startswith(b"{"):
        return answer.json()["message"]
    return answer.xml().findtext("Error/Message")


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
    text = message(answer)
    assert text.startswith(
        "The request signature we calculated does not match the signature you provided. Check your "
        "AWS Secret Access Key and signing method. Consult the service documentation for details."
    )
    # The string to sign is of the canonical request that is shown.
    canonical = re.search(
        r"\n\nThe Canonical String for this request should have been\n'(.*?)'\n\n", text, re.DOTALL
    ).group(1)
    to_sign = re.search(r"The String-to-Sign should have been\n'(.*?)'", text, re.DOTALL).group(1)
    assert canonical.startswith("POST\n/\n\ncontent-type:application/x-")
    assert to_sign.startswith("AWS4-HMAC-SHA256\n")
    assert to_sign.endswith(hashlib.sha256(canonical.encode()).hexdigest())
    assert "guess" not in text


def test_an_unknown_key_is_refused(ask):
    answer, code = ask({}, key="AKIDUNKNOWN")
    check_refused(answer, code, ask.codes["key"])
    assert message(answer) == "The security token included in the request is invalid."


def test_an_unsigned_request_is_refused(ask):
    answer, code = ask({"sign": False})
    check_refused(answer, code, ask.codes["unsigned"])
    assert message(answer) == "Request is missing Authentication Token"


def test_another_scheme_is_refused_and_not_repeated(server):
    """AWS shows a hash of the header, which may have a password in it."""
    with SignedClient(server.port) as client:
        headers = {
            "Content-Type": "application/x-amz-json-1.0",
            "X-Amz-Target": "AmazonSQS.ListQueues",
            "Authorization": "Basic dXNlcjpwYXNzd29yZA==",
        }
        answer = client.send(headers, b"{}")
    check_refused(answer, answer.json()["__type"].split("#")[-1], {"IncompleteSignatureException"})
    assert "requires 'Credential' parameter" in message(answer)
    assert "dXNlcjpwYXNzd29yZA" not in message(answer)


@pytest.mark.parametrize("hours", [-1, 1])
def test_an_hour_of_difference_is_refused(ask, hours):
    sent = stamp(hours)
    answer, code = ask({"stamp": sent})
    check_refused(answer, code, ask.codes["skew"])
    time = r"\d{8}T\d{6}Z"
    words = (
        rf"Signature expired: {sent} is now earlier than {time} \({time} - 15 min\.\)"
        if hours < 0
        else rf"Signature not yet current: {sent} is still later than {time} \({time} \+ 15 min\.\)"
    )
    assert re.fullmatch(words, message(answer))


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
