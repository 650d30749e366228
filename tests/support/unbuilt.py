# Operations that are not built: each must say so, whatever it is asked, in its own protocol.
# SPDX-License-Identifier: Apache-2.0
import datetime
import json
import urllib.parse

import botocore
from botocore.exceptions import ClientError

from support import clients
from support.server import ROOT

DEPTH_MAX = 8


def sample(shape, depth=0):
    """As little as boto3 lets pass: the required members, of the least length."""
    if shape.type_name == "structure":
        required = shape.required_members if depth < DEPTH_MAX else []
        return {name: sample(shape.members[name], depth + 1) for name in required}
    least = int(shape.metadata.get("min", 0))
    if shape.type_name == "list":
        return [sample(shape.member, depth + 1)] * least
    if shape.type_name == "map":
        return {}
    if shape.type_name == "string":
        return shape.enum[0] if shape.enum else "x" * max(1, least)
    others = {"blob": b"x" * max(1, least), "boolean": True, "timestamp": datetime.datetime(2026, 1, 1)}
    return others.get(shape.type_name, max(1, least))


def names(service):
    """boto3's name of a service, and the operations that service.json does not list."""
    raw = json.loads((ROOT / "services" / service / "service.json").read_text())
    return raw["models"][0]["path"].split("/")[0], set(raw["operations"])


def answer(client, operation):
    model = client.meta.service_model.operation_model(operation)
    call = getattr(client, botocore.xform_name(operation))
    try:
        call(**(sample(model.input_shape) if model.input_shape else {}))
    except ClientError as error:
        return error.response
    return None


def to_server(server):
    """Some operations put an account before the host's name, and no DNS here knows such hosts."""

    def send(request, **context):
        parts = urllib.parse.urlsplit(request.url)
        request.headers["Host"] = parts.netloc  # as it was signed
        request.url = parts._replace(netloc=f"127.0.0.1:{server.port}").geturl()

    return send


def check(server, service):
    boto_name, built = names(service)
    client = clients.client(boto_name, server.url())
    client.meta.events.register("before-send", to_server(server))
    missing = [name for name in client.meta.service_model.operation_names if name not in built]
    for operation in missing:
        response = answer(client, operation)
        assert response is not None, f"{operation} pretends to be built"
        assert response["ResponseMetadata"]["HTTPStatusCode"] == 501, f"{operation}: {response}"
        assert response["Error"]["Code"] == "NotImplemented", f"{operation}: {response}"
        assert operation in response["Error"]["Message"], f"{operation}: {response}"
