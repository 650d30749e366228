# How names of AWS's models become names in C.
# SPDX-License-Identifier: Apache-2.0
import re

# A word begins at a capital after a small letter or digit, and at the last capital of a run that
# small letters follow ("DBInstance": "DB", "Instance"), but not before a plural's s ("ARNs").
_WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z](?!s(?![a-z]))[a-z])")

_C_RESERVED = frozenset(
    "auto break case char const continue default do double else enum extern float for goto if "
    "inline int long register restrict return short signed sizeof static struct switch typedef "
    "union unsigned void volatile while asm typeof bool true false linux unix errno "
    "stdin stdout stderr assert offsetof NULL".split()
)


def snake(name: str) -> str:
    words = _WORD_START.sub("_", name)
    return re.sub(r"_+", "_", re.sub(r"[^A-Za-z0-9]", "_", words)).strip("_").lower()


def member(name: str) -> str:
    """A struct member keeps AWS's own name where C allows it."""
    c_name = re.sub(r"[^A-Za-z0-9_]", "_", name)
    if c_name in _C_RESERVED:
        return c_name + "_"
    return "_" + c_name if c_name[0].isdigit() else c_name


def enumerator(prefix: str, name: str) -> str:
    return f"{prefix}_{snake(name)}".upper()


def string_literal(text: str) -> str:
    return '"' + "".join(_escape(byte) for byte in text.encode("utf-8")) + '"'


def _escape(byte: int) -> str:
    if byte in b'"\\':
        return "\\" + chr(byte)
    return chr(byte) if 0x20 <= byte < 0x7F else f"\\{byte:03o}"
