# STS by boto3 and by a hand-written form.
# https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
# SPDX-License-Identifier: Apache-2.0
import pytest
from botocore.exceptions import ClientError

from support import clients
from support.signed import SignedClient


def test_the_development_key_is_root(server):
    got = clients.client("sts", server.url()).get_caller_identity()
    assert got["Account"] == "000000000000"
    assert got["Arn"] == "arn:aws:iam::000000000000:root"
    assert got["UserId"] == "000000000000"


def test_twelve_digits_are_root_of_that_account(server):
    got = clients.client("sts", server.url(), key="123456789012").get_caller_identity()
    assert got["Account"] == "123456789012"
    assert got["Arn"] == "arn:aws:iam::123456789012:root"


def test_the_document_is_awss(server):
    with SignedClient(server.port, "sts") as sts:
        answer = sts.form("GetCallerIdentity", {})
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/xml")
    assert b'xmlns="https://sts.amazonaws.com/doc/2011-06-15/"' in answer.body
    root = answer.xml()
    assert root.tag == "GetCallerIdentityResponse"
    assert root.findtext("GetCallerIdentityResult/Account") == "000000000000"
    assert root.findtext("ResponseMetadata/RequestId") == answer.headers["x-amzn-requestid"]


def test_an_operation_that_is_not_built_says_so(server):
    with pytest.raises(ClientError) as error:
        clients.client("sts", server.url()).get_session_token()
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501
    assert error.value.response["Error"]["Code"] == "NotImplemented"
    assert "GetSessionToken" in error.value.response["Error"]["Message"]
