# Values for a model's shapes, with the edges that the place of a value on the wire allows.
# SPDX-License-Identifier: Apache-2.0
import struct
from collections import Counter

ABSENT = object()
NODES_MAX = 20000  # of one value: then whatever may end, ends
RECURSION_MAX = 2  # a structure inside itself

TEXTS = ["", "a", "0", "true", "null", " a b ", "x" * 300, "<&>\"'/\\", "a=b&c+d%20;#?", "[1,{}]"]
UNICODE = ["é", "ÄÖ ß", "日本語", "😀 \U0010fffd", "a\u0300", "\u2028\u00a0\ufeff"]
UNICODE += ["\u07ff\u0800\uffef"]
CONTROLS = ["\x00", "a\x00b", "\x01\x1f\x7f\x80", "\r\n\t", "\b\f\v\x1b"]
WHITE = ["\t", "\n", "a\nb\tc", " ", "  two  "]
HEADERS = ["a", "0", "a b", "x" * 200, "!#$%&'*+-.^_`|~", "a=b;c/d?e", "(a):<b>@[c]"]
LABELS = ["a", "a b", "a/b", "%41", "a%2Fb", "é日😀", "!$&'()*+,;=:@", "~-_.", "?#[]"]
LABELS += ["x" * 200]
GREEDY = LABELS + ["folder/", "a//b", "a/b/c.txt", "a/ b/"]
BYTES = [b"", b"a", b"ab", b"abc", b"\x00", bytes(range(256)), b"\xff\xfe\xfd" * 40]
INTEGERS = [0, 1, -1, 127, 128, 255, 256, -129, 65535, 65536, 2**31 - 1, -(2**31)]
LONGS = INTEGERS + [2**31, 2**32, 2**53, 2**53 + 1, -(2**53) - 1, 2**63 - 1, -(2**63)]
DOUBLES = [0.0, 1.0, -1.0, 0.1, -1.5, 1e16, 123456789.125, 1e21, 1.7976931348623157e308]
DOUBLES += [2.2250738585072014e-308, 5e-324, 1 / 3, float("inf"), float("-inf"), float("nan")]
FLOATS = [0.0, 1.0, -1.0, -1.5, 16777216.0, 3.4028234663852886e38, 1.401298464324817e-45]
FLOATS += [float("inf"), float("-inf"), float("nan"), struct.unpack("<f", b"\xcd\xcc\xcc\x3d")[0]]
# 1900, the last second of 1969, 1970, 2000-02-29, 2016's leap second and 9999.
TIMES = [-2208988800000, -1, 0, 1, 951782400000, 1483228799999, 1700000000123, 253402300799999]
TIMES += [1700000000000, 1234567890120, 4102444800500, -86400000]
# In seconds, these are a little less than what a double can say.
TIMES += [1001, 1003, 1005, 1007]
DOCUMENTS = [{}, [], {"a": [1, -2.5, None, True, "é\u0000"]}, "text", 0, False, [[{}]]]


class Style:
    """What one protocol can carry in its bodies."""

    def __init__(self, protocol, is_request):
        self.is_xml = protocol in ("query", "ec2", "rest-xml") and not (
            is_request and protocol != "rest-xml"
        )
        self.is_form = protocol in ("query", "ec2") and is_request
        # ElementTree writes a carriage return as it is, and every reader of XML takes it for \n.
        self.has_return = not (self.is_xml and is_request)
        self.has_empty_items = not self.is_form
        self.texts = TEXTS + UNICODE + WHITE
        if not self.is_xml:
            self.texts = self.texts + CONTROLS
        elif self.has_return:
            self.texts = self.texts + ["a\rb\r\n", "\r"]


class Generator:
    def __init__(self, rng, style):
        self.rng = rng
        self.style = style
        self.used = Counter()  # rows of unions
        self.stack = Counter()
        self.nodes = 0
        self.cases = 0
        self.mode = "full"

    def root(self, shape, mode):
        """An input, output or error. Modes: absent, empty, full, random."""
        self.mode, self.nodes = mode, 0
        self.cases += 1
        self.stack.clear()
        self.stack[shape.name] += 1
        value = {}
        payload = shape.serialization.get("payload")
        for name, member in shape.members.items():
            made = self._member_of_root(shape, name, member, name == payload)
            if made is not ABSENT:
                value[name] = made
        return value

    def _member_of_root(self, shape, name, member, is_payload):
        location = member.serialization.get("location")
        if member.serialization.get("hostLabel"):
            return self.rng.choice(["a", "label-1", "123456789012"])
        if location == "statusCode":
            return self.rng.choice([200, 201, 202])
        is_needed = location is not None and name in shape.required_members
        if member.serialization.get("eventstream"):
            return self._events(member)
        if self._is_left_out() and not is_needed:
            return ABSENT
        if location in ("uri", "querystring", "header", "headers"):
            return self._located(member, location)
        if is_payload and member.type_name == "string":
            return self.rng.choice(TEXTS + UNICODE)
        return self.value(member)

    def _is_left_out(self):
        return self.mode == "absent" or (self.mode == "random" and self.rng.random() < 0.5)

    def _located(self, shape, location):
        texts = {"uri": LABELS, "querystring": self.style.texts}.get(location, HEADERS)
        if shape.serialization.get("location") == "uri" and self._is_greedy(shape):
            texts = GREEDY
        elif self.has_plain_labels and location == "uri":
            texts = [text for text in texts if "/" not in text]
        if shape.type_name == "list":
            return [self._text_or_scalar(shape.member, texts) for _ in range(self._count())]
        if shape.type_name == "map":
            keys = ["key", "Key-2", "a.b_c"][: self._count()]
            return {key: self._map_value(shape.value, texts) for key in keys}
        return self._text_or_scalar(shape, texts)

    def _map_value(self, shape, texts):
        if shape.type_name == "list":
            return [self._text_or_scalar(shape.member, texts)]
        return self._text_or_scalar(shape, texts)

    def _text_or_scalar(self, shape, texts):
        if shape.type_name in ("string", "character"):
            return self.rng.choice(texts)
        if shape.type_name in ("float", "double"):
            return self.rng.choice([v for v in DOUBLES if v == v])
        return self.value(shape)

    def _is_greedy(self, shape):
        return self.greedy_label == shape.serialization.get("name")

    greedy_label = None  # of the operation
    has_plain_labels = False  # S3 signs a path as it was before it was escaped

    def _count(self):
        return {"empty": 0, "full": 1}.get(self.mode, self.rng.randrange(4))

    def value(self, shape):
        self.nodes += 1
        return getattr(self, "_" + shape.type_name)(shape)

    def _structure(self, shape):
        if getattr(shape, "is_document_type", False):
            return self.rng.choice(DOCUMENTS)
        if self.stack[shape.name] >= RECURSION_MAX or self.nodes > NODES_MAX:
            return ABSENT
        self.stack[shape.name] += 1
        made = self._union(shape) if shape.is_tagged_union else self._members(shape)
        self.stack[shape.name] -= 1
        return made

    def _members(self, shape):
        value = {}
        for name, member in shape.members.items():
            if self.mode == "empty" or self._is_left_out():
                continue
            made = self.value(member)
            if made is not ABSENT:
                value[name] = made
        return value

    def _union(self, shape):
        order = list(shape.members)
        self.rng.shuffle(order)
        for name in sorted(order, key=lambda n: self.used[shape.name, n]):
            made = self.value(shape.members[name])
            if made is not ABSENT:
                self.used[shape.name, name] += 1
                return {name: made}
        return ABSENT

    def _events(self, shape):
        """Every event, and then maybe an error in turn."""
        errors = [name for name, m in shape.members.items() if m.metadata.get("exception")]
        plain = [name for name in shape.members if name not in errors]
        if self.mode == "absent":
            return []
        if self.mode == "random":
            plain = self.rng.choices(plain, k=self.rng.randrange(6))
        made = [{name: self._event(shape.members[name])} for name in plain]
        if errors:
            name = min(errors, key=lambda n: self.used[shape.name, n])
            self.used[shape.name, name] += 1
            made.append({"error": name, "message": self.rng.choice(self.style.texts)})
        return made

    def _event(self, shape):
        value = {}
        for name, member in shape.members.items():
            is_payload = member.serialization.get("eventpayload")
            if is_payload or not (self.mode == "empty" or self._is_left_out()):
                made = self.value(member)
                if made is not ABSENT:
                    value[name] = made
        return value

    def _item(self, shape):
        """An element of a list or a value of a map. In a form what is empty is not there at all,
        and no element can be left out."""
        made = self.value(shape)
        if self.style.has_empty_items or not vanishes(made):
            return made
        if shape.type_name == "structure" and made is not ABSENT:
            return self._smallest(shape)
        return ABSENT

    def _smallest(self, shape):
        for name, member in shape.members.items():
            if member.type_name not in ("structure", "list", "map"):
                return {name: self.value(member)}
        return ABSENT

    def _list(self, shape):
        count = self._count()
        element = shape.member
        if self.mode == "full" and getattr(element, "is_tagged_union", False):
            count = min(len(element.members), 40)
        items = [self._item(element) for _ in range(count)]
        items = [item for item in items if item is not ABSENT]
        if is_sparse(shape) and self.mode == "random" and not self.style.is_form:
            items.append(None)
        return items

    def _map(self, shape):
        value = {}
        for _ in range(self._count()):
            key, made = self.value(shape.key), self._item(shape.value)
            if made is not ABSENT:
                value[key] = made
        if is_sparse(shape) and self.mode == "random" and not self.style.is_form:
            value["null"] = None
        return value

    def _string(self, shape):
        return "" if self.mode == "empty" else self.rng.choice(self.style.texts)

    _character = _string

    def _blob(self, shape):
        return b"" if self.mode == "empty" else self.rng.choice(BYTES)

    def _boolean(self, shape):
        return False if self.mode == "empty" else self.rng.random() < 0.5

    def _integer(self, shape):
        return 0 if self.mode == "empty" else self.rng.choice(INTEGERS)

    def _long(self, shape):
        return 0 if self.mode == "empty" else self.rng.choice(LONGS)

    def _float(self, shape):
        return 0.0 if self.mode == "empty" else self.rng.choice(FLOATS)

    def _double(self, shape):
        return 0.0 if self.mode == "empty" else self.rng.choice(DOUBLES)

    def _timestamp(self, shape):
        return 0 if self.mode == "empty" else self.rng.choice(TIMES)


def is_sparse(shape):
    element = shape.value if shape.type_name == "map" else shape.member
    # botocore's serialisers know null in these only.
    is_simple = element.type_name in ("string", "boolean", "integer", "long")
    return bool(shape._shape_model.get("sparse")) and is_simple


def vanishes(value):
    """Whether nothing of it stands in a form."""
    if value is ABSENT:
        return True
    if isinstance(value, dict):
        return all(vanishes(v) for v in value.values())
    return isinstance(value, list) and (not value or all(vanishes(v) for v in value))
