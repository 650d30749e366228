# Requests as no SDK sends them, and what is to become of them.
# SPDX-License-Identifier: Apache-2.0
import copy
import json

REFUSED = "refused"
SAME = "same"

# Of a member's shape: what its type can never be.
WRONG_JSON = {"structure": [], "list": {}, "map": [], "string": {}, "character": {}, "blob": {}}
WRONG_JSON |= {"boolean": {}, "integer": {}, "long": "x", "float": {}, "double": []}
WRONG_JSON |= {"timestamp": {}}
# The same for CBOR: an array, a map or a text.
WRONG_CBOR = {kind: b"\xa0" for kind in WRONG_JSON}
WRONG_CBOR |= {"structure": b"\x80", "map": b"\x61x", "integer": b"\x61x", "boolean": b"\x01"}


def variants(protocol, shape, request, rng):
    """Kind, request and the outcome: REFUSED, SAME as before, or the value to be found."""
    payload = shape.serialization.get("payload")
    if payload and shape.members[payload].type_name in ("blob", "string"):
        return
    if protocol.startswith(("json", "rest-json")):
        yield from _json_variants(shape, request, rng, is_rest=protocol.startswith("rest"))
    elif protocol == "smithy-rpc-v2-cbor":
        yield from _cbor_variants(shape, request, rng)
    elif protocol == "rest-xml":
        yield from _xml_variants(request, rng)
    else:
        yield from _form_variants(request)


def _with(request, body):
    changed = copy.copy(request)
    changed.body = body
    return changed


def _cut(request, rng):
    return _with(request, request.body[: rng.randrange(1, len(request.body))])


def _json_variants(shape, request, rng, is_rest):
    if not request.body or (is_rest and request.body == b"{}"):
        return
    yield "cut short", _cut(request, rng), REFUSED
    yield "more after its end", _with(request, request.body + b"}"), REFUSED
    yield "a list", _with(request, b"[]"), REFUSED
    yield "not UTF-8", _with(request, b'{"a":"\xff"}'), REFUSED
    yield "nested without end", _with(request, b'{"a":' + b"[" * 100000), REFUSED
    told = json.loads(request.body)
    plain = json.dumps(told, ensure_ascii=False, indent=1).encode("utf-8")
    yield "in plain UTF-8, with space", _with(request, plain), SAME
    more = {"RingUnknown": [1, {"a": None}, "\u0000", 1e300, True], **told}
    yield "an unknown member", _with(request, json.dumps(more).encode("utf-8")), SAME
    if not is_rest:
        yield from _json_member_variants(shape, request, rng)


def _json_member_variants(shape, request, rng):
    names = {m.serialization.get("name", n): m for n, m in shape.members.items()}
    nulls = json.dumps({name: None for name in names}).encode("utf-8")
    yield "all members null", _with(request, nulls), {}
    typed = [n for n, m in names.items() if not getattr(m, "is_document_type", False)]
    if typed:
        name = rng.choice(typed)
        wrong = json.dumps({name: WRONG_JSON[names[name].type_name]}).encode("utf-8")
        yield f"{name} of another type", _with(request, wrong), REFUSED


def _cbor_text(text):
    raw = text.encode("utf-8")
    return bytes([0x78, len(raw)]) + raw


def _cbor_variants(shape, request, rng):
    if not request.body:
        return
    if len(request.body) > 1:
        yield "cut short", _cut(request, rng), REFUSED
    yield "more after its end", _with(request, request.body + b"\x00"), REFUSED
    yield "a list", _with(request, b"\x80"), REFUSED
    yield "not UTF-8", _with(request, b"\xa1\x61\xff\x01"), REFUSED
    yield "nested without end", _with(request, b"\xa1\x61a" + b"\x81" * 100000), REFUSED
    yield "a length beyond its end", _with(request, b"\xa1\x61a\x9b" + b"\x7f" * 8), REFUSED
    nulls = b"".join(_cbor_text(name) + b"\xf6" for name in shape.members)
    yield "all members null", _with(request, b"\xbf" + nulls + b"\xff"), {}
    if shape.members:
        name = rng.choice(list(shape.members))
        wrong = b"\xa1" + _cbor_text(name) + WRONG_CBOR[shape.members[name].type_name]
        yield f"{name} of another type", _with(request, wrong), REFUSED


def _xml_variants(request, rng):
    if not request.body:
        return
    yield "cut short", _cut(request, rng), REFUSED
    yield "more after its end", _with(request, request.body + b"<a/>"), REFUSED
    yield "not UTF-8", _with(request, b"<a>\xff</a>"), REFUSED
    yield "nested without end", _with(request, b"<a>" * 100000), REFUSED
    entity = b'<!DOCTYPE a [<!ENTITY b "c">]>'
    yield "with an entity of its own", _with(request, entity + request.body), REFUSED


def _form_variants(request):
    yield "a broken escape", _with(request, request.body + b"&RingUnknown=%zz"), REFUSED
    yield "an unknown member", _with(request, request.body + b"&RingUnknown.1.A=b"), SAME
    yield "no member", _with(request, request.body + b"&&"), SAME
