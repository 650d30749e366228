# botocore's side: values to requests, responses to values, and what each protocol cannot carry.
# SPDX-License-Identifier: Apache-2.0
import datetime
import json
import struct
from types import SimpleNamespace
from urllib.parse import parse_qs, urlencode, urlsplit

from botocore import parsers, serialize
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import (
    AWSRequest,
    HeadersDict,
    create_request_object,
    prepare_request_dict,
)
from botocore.credentials import Credentials
from botocore.exceptions import EventStreamError
from botocore.handlers import parse_get_bucket_location
from botocore.model import ServiceModel
from values import ABSENT

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
MILLISECOND = datetime.timedelta(milliseconds=1)


def is_xml(protocol):
    """Its responses."""
    return protocol in ("query", "ec2", "rest-xml")


def load_model(models_dir, release, path):
    return json.loads((models_dir / release / path / "service-2.json").read_text(encoding="utf-8"))


def load_service(models_dir, release, path, protocol):
    raw = load_model(models_dir, release, path)
    raw["metadata"]["protocol"] = protocol.partition("-1.")[0]
    return ServiceModel(raw, path.split("/")[0])


def to_params(shape, value):
    """A value as a user of boto3 gives it."""
    if value is None or getattr(shape, "is_document_type", False):
        return value
    if shape.type_name == "structure":
        return {name: to_params(shape.members[name], v) for name, v in value.items()}
    if shape.type_name == "list":
        return [to_params(shape.member, v) for v in value]
    if shape.type_name == "map":
        return {key: to_params(shape.value, v) for key, v in value.items()}
    return EPOCH + value * MILLISECOND if shape.type_name == "timestamp" else value


def from_parsed(shape, parsed):
    """What botocore's parsers return, as this ring's values."""
    if parsed is None or getattr(shape, "is_document_type", False):
        return parsed
    if shape.type_name == "structure":
        return {n: from_parsed(m, parsed[n]) for n, m in shape.members.items() if n in parsed}
    if shape.type_name == "list":
        return [from_parsed(shape.member, v) for v in parsed]
    if shape.type_name == "map":
        return {key: from_parsed(shape.value, v) for key, v in parsed.items()}
    if shape.type_name == "timestamp":
        return round((parsed - EPOCH) / MILLISECOND)
    if shape.type_name in ("float", "double"):
        return float(parsed)  # botocore's JSON parser leaves "NaN" as it is
    if shape.type_name == "blob":
        return bytes(parsed)
    return parsed


class Request:
    def __init__(self, prepared):
        url = urlsplit(prepared.url)
        self.method = prepared.method
        self.host = url.netloc
        self.path, self.query = url.path, url.query
        body = prepared.body or b""
        self.body = body.encode("utf-8") if isinstance(body, str) else bytes(body)
        # Its length is HTTP's to say.
        self.headers = [
            (name, _text(value))
            for name, value in prepared.headers.items()
            if name.lower() != "content-length"
        ]

    @property
    def target(self):
        return f"{self.path}?{self.query}" if self.query else self.path

    def sign(self, signing_name):
        """By botocore's signer; what was signed before is signed anew."""
        kept = [(n, v) for n, v in self.headers if n.lower() not in SIGNERS]
        made = AWSRequest(method=self.method, url=f"http://{self.host}{self.target}", data=self.body)
        for name, value in kept:
            made.headers[name] = value
        signer = S3SigV4Auth if signing_name == "s3" else SigV4Auth
        signer(CREDENTIALS, signing_name, "us-east-1").add_auth(made)
        signed = [(n, _text(v)) for n, v in made.headers.items() if n.lower() in SIGNERS]
        self.headers = kept + signed
        return self

    @property
    def has_length(self):
        return bool(self.body) or self.method in ("POST", "PUT", "PATCH")

    def wire_bytes(self):
        lines = [f"{self.method} {self.target} HTTP/1.1", f"Host: {self.host}"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        lines += [f"Content-Length: {len(self.body)}"] if self.has_length else []
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + self.body


CREDENTIALS = Credentials("AKIDRING", "secret")
SIGNERS = ("authorization", "x-amz-date", "x-amz-content-sha256")


def _text(value):
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def serialise(service, operation, value, endpoint):
    serializer = serialize.create_serializer(
        service.metadata["protocol"], include_validation=False
    )
    params = to_params(operation.input_shape, value) if operation.input_shape else {}
    made = serializer.serialize_to_request(params, operation)
    made["context"] = {}
    prepare_request_dict(made, endpoint_url=endpoint)
    made["headers"].pop("User-Agent", None)
    if isinstance(made["body"], dict):
        made["body"] = urlencode(
            {k: v.encode("utf-8") if isinstance(v, str) else v for k, v in made["body"].items()}
        )
    return Request(create_request_object(made).prepare()).sign(service.signing_name)


def length_members(shape):
    """Those that HTTP's own Content-Length fills in, whatever anybody says."""
    members = shape.members.items() if shape else ()
    return [name for name, member in members if _header_name(member) == "content-length"]


class EventBody:
    """As urllib3 has it."""

    def __init__(self, body):
        self.body = body

    def stream(self):
        yield self.body

    def close(self):
        pass


def _read_events(shape, events):
    """Each as its value; the error that ends them as its name and message."""
    found = []
    try:
        for event in events:
            found.append({n: from_parsed(shape.members[n], v) for n, v in event.items()})
    except EventStreamError as e:
        error = e.response["Error"]
        found.append({"error": error["Code"], "message": error["Message"]})
    return found


def parse(service, shape, status, headers, body):
    """The value that a response holds, and its metadata."""
    parser = parsers.create_parser(service.metadata["protocol"])
    response = {
        "status_code": status,
        "headers": HeadersDict(headers),
        # botocore decodes bytes of a payload as UTF-8, and leaves other kinds of bytes alone.
        "body": bytearray(body) if _has_blob_payload(shape) else body,
        "context": {"operation_name": "Ring"},
    }
    events = shape.event_stream_name if shape and status < 300 else None
    if events:
        response["body"] = EventBody(body)
    parsed = parser.parse(response, shape)
    if events:
        told = _read_events(shape.members[events], parsed.pop(events))
        return {**from_parsed(shape, parsed), events: told}, parsed
    if shape and shape.name == "GetBucketLocationOutput":
        parse_get_bucket_location(parsed, SimpleNamespace(raw=body, content=body))
        if parsed["LocationConstraint"] is None:
            del parsed["LocationConstraint"]
    return (from_parsed(shape, parsed) if shape else {}), parsed


def _has_blob_payload(shape):
    payload = shape.serialization.get("payload") if shape else None
    return payload is not None and shape.members[payload].type_name == "blob"


class Loss:
    """What is left of a value when a protocol has carried it."""

    def __init__(self, protocol, is_request):
        self.protocol = protocol
        self.is_request = is_request
        self.is_form = protocol in ("query", "ec2") and is_request
        self.is_xml = not self.is_form and is_xml(protocol)
        self.is_rest = protocol.startswith("rest-")

    def root(self, shape, value):
        if shape is None:
            return {}
        if not self.is_rest:
            kept = self.value(shape, value)
            return self._empty_lists(shape) if kept is ABSENT else kept
        payload = shape.serialization.get("payload")
        if shape.name == "GetBucketLocationOutput":
            payload = "LocationConstraint"  # which is all that the root element holds
        result = {}
        for name, v in value.items():
            kept = self._member_of_root(shape.members[name], v, name == payload)
            if kept is not ABSENT:
                result[name] = kept
        return result

    def _member_of_root(self, member, value, is_payload):
        location = member.serialization.get("location")
        if location in ("header", "headers", "querystring"):
            return ABSENT if value in ([], {}) else self._located(member, value, location)
        kept = self.value(member, value)
        is_empty = is_payload and _is_empty_body(kept, self.protocol, self.is_request)
        return ABSENT if is_empty else kept

    def _located(self, shape, value, location):
        if shape.type_name == "list":
            return [self._located(shape.member, v, location) for v in value]
        if shape.type_name == "timestamp":
            default = "rfc822" if location == "header" else "iso8601"
            # botocore's own serialiser drops the fraction before it writes any header.
            is_cut = location == "header" and self.is_request
            return value // 1000 * 1000 if is_cut else self._time(shape, value, default)
        return self.value(shape, value)

    def value(self, shape, value):
        if value is None or getattr(shape, "is_document_type", False):
            return value
        if shape.serialization.get("eventstream"):
            return [self._event(shape, event) for event in value]
        handle = getattr(self, "_" + shape.type_name, None)
        return handle(shape, value) if handle else value

    def _event(self, shape, event):
        if "error" in event:
            return event
        return {name: self.value(shape.members[name], v) for name, v in event.items()}

    def _structure(self, shape, value):
        result = {}
        for name, v in value.items():
            kept = self.value(shape.members[name], v)
            if kept is not ABSENT:
                result[name] = kept
        if self.is_form and not result:
            return ABSENT
        return {**self._empty_lists(shape), **result}

    def _empty_lists(self, shape):
        """SDKs send nothing for an empty list, so that c10m takes a required one that is not there
        for empty: SQS then says EmptyBatchRequest. EC2 says MissingParameter."""
        required = shape.required_members if self.is_form and self.protocol == "query" else []
        return {name: [] for name in required if shape.members[name].type_name == "list"}

    def _list(self, shape, value):
        if not value and self._is_lost_when_empty(shape):
            return ABSENT
        return [self.value(shape.member, v) for v in value]

    def _map(self, shape, value):
        if not value and (self.is_form or self._is_lost_when_empty(shape)):
            return ABSENT
        return {key: self.value(shape.value, v) for key, v in value.items()}

    def _is_lost_when_empty(self, shape):
        is_flat = bool(shape.serialization.get("flattened"))
        if self.is_form:
            # Query's "Name=" is under the list's own name, which no decoder looks for when the
            # elements of a flat list have another.
            return self.protocol == "ec2" or (is_flat and _has_named_items(shape))
        return self.is_xml and is_flat

    def _timestamp(self, shape, value):
        return self._time(shape, value, None)

    def _time(self, shape, value, default):
        if self.protocol == "smithy-rpc-v2-cbor":
            return value
        format_ = shape.serialization.get("timestampFormat", default)
        return value // 1000 * 1000 if format_ == "rfc822" else value


def _is_empty_body(payload, protocol, is_request):
    """No body and an empty text are one. So are no body and an empty structure to botocore, except
    that it sends an empty element."""
    is_element = is_request and protocol == "rest-xml"
    return payload in ("", b"") or (payload == {} and not is_element)


def without_empty(shape, value, protocol, is_request):
    """A value from the other end, less what stands there for nothing."""
    result = {}
    for name, v in value.items():
        is_payload = name == shape.serialization.get("payload")
        is_header_map = shape.members[name].serialization.get("location") == "headers"
        if is_payload and _is_empty_body(v, protocol, is_request):
            continue
        if not (is_header_map and v == {}):
            result[name] = v
    return result


def without_default_type(shape, parsed, value):
    """A body has a type, whether the output says it or not."""
    types = [n for n, m in shape.members.items() if _header_name(m) == "content-type"] if shape else []
    return {name: v for name, v in parsed.items() if name in value or name not in types}


def _header_name(member):
    return member.serialization.get("name", "").lower()


def status_of(operation, value):
    """Of a success. Protocols without URIs know 200 only."""
    if operation.service_model.metadata["protocol"].startswith("rest-"):
        members = operation.output_shape.members if operation.output_shape else {}
        for name, member in members.items():
            if member.serialization.get("location") == "statusCode" and name in value:
                return value[name]
        return operation.http.get("responseCode", 200)
    return 200


def query_maps(shape, query):
    """A map of the query string holds all of it, whatever else is bound there:
    https://smithy.io/2.0/spec/http-bindings.html#httpqueryparams-trait"""
    maps = {}
    for name, member in shape.members.items() if shape else ():
        if member.serialization.get("location") == "querystring" and member.type_name == "map":
            found = parse_qs(query, keep_blank_values=True, strict_parsing=bool(query))
            is_list = member.value.type_name == "list"
            maps[name] = {k: v if is_list else v[-1] for k, v in found.items()}
    return {name: found for name, found in maps.items() if found}


def _has_named_items(shape):
    name = shape.member.serialization.get("name") if shape.type_name == "list" else None
    return name is not None and name != shape.serialization.get("name")


def differences(expected, actual, path=""):
    """Paths and both sides, for what is not the same."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        for key in list(expected) + [key for key in actual if key not in expected]:
            left, right = expected.get(key, ABSENT), actual.get(key, ABSENT)
            yield from differences(left, right, f"{path}.{key}")
    elif isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        for index, (left, right) in enumerate(zip(expected, actual)):
            yield from differences(left, right, f"{path}[{index}]")
    elif not _is_same(expected, actual):
        yield f"{path or '.'}: expected {_show(expected)}, got {_show(actual)}"


def _is_same(left, right):
    if isinstance(left, float) and isinstance(right, float):
        is_nan = left != left and right != right
        return is_nan or struct.pack("<d", left) == struct.pack("<d", right)
    return type(left) is type(right) and left == right


def _show(value):
    return "nothing" if value is ABSENT else repr(value)[:200]
