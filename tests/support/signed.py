# A small client below the SDK: requests signed by botocore's signer, sent as they are.
# SPDX-License-Identifier: Apache-2.0
import http.client
import json
import urllib.parse
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass

import botocore.auth
import botocore.awsrequest
import botocore.credentials

REGION = "us-east-1"
SQS_VERSION = "2012-11-05"
STS_VERSION = "2011-06-15"


class SkewedAuth(botocore.auth.SigV4Auth):
    """Signs as if the clock showed another time."""

    def __init__(self, credentials, service, region, stamp):
        super().__init__(credentials, service, region)
        self.stamp = stamp

    def add_auth(self, request):
        request.context["timestamp"] = self.stamp
        self._modify_request_before_signing(request)
        self._inject_signature_to_request(
            request,
            self.signature(self.string_to_sign(request, self.canonical_request(request)), request),
        )


@dataclass
class Answer:
    status: int
    headers: dict
    body: bytes

    def json(self):
        return json.loads(self.body)

    def xml(self):
        """The document with its namespaces dropped."""
        root = ElementTree.fromstring(self.body)
        for element in root.iter():
            element.tag = element.tag.split("}")[-1]
        return root


class SignedClient:
    """One keep-alive connection. Not for threads to share."""

    def __init__(self, port, service="sqs", key="test", secret="test", timeout=60):
        self.host = f"127.0.0.1:{port}"
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
        self.service = service
        self.credentials = botocore.credentials.Credentials(key, secret)

    def close(self):
        self.connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    def headers(self, headers, body, stamp=None, sign=True):
        """The headers to send, with the signature over them."""
        request = botocore.awsrequest.AWSRequest(
            "POST", f"http://{self.host}/", headers={"Host": self.host, **headers}, data=body
        )
        if stamp:
            SkewedAuth(self.credentials, self.service, REGION, stamp).add_auth(request)
        elif sign:
            botocore.auth.SigV4Auth(self.credentials, self.service, REGION).add_auth(request)
        return dict(request.headers.items())

    def start(self, headers, body):
        self.connection.request("POST", "/", body=body, headers=headers)

    def finish(self):
        response = self.connection.getresponse()
        return Answer(
            response.status, {k.lower(): v for k, v in response.getheaders()}, response.read()
        )

    def send(self, headers, body):
        self.start(headers, body)
        return self.finish()

    def start_json(self, operation, members, **how):
        body = json.dumps(members).encode()
        headers = {
            "Content-Type": "application/x-amz-json-1.0",
            "X-Amz-Target": f"AmazonSQS.{operation}",
        }
        self.start(self.headers(headers, body, **how), body)

    def json(self, operation, members, **how):
        self.start_json(operation, members, **how)
        return self.finish()

    def form(self, action, parameters, **how):
        version = STS_VERSION if self.service == "sts" else SQS_VERSION
        body = urllib.parse.urlencode({"Action": action, "Version": version, **parameters}).encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
        return self.send(self.headers(headers, body, **how), body)
