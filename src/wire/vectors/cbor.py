# Reads CBOR (RFC 8949): what the standard library lacks.
# SPDX-License-Identifier: Apache-2.0
import base64
import struct
from typing import Any

_BREAK = object()
_FLOATS = {25: ">e", 26: ">f", 27: ">d"}
_LITERALS = {20: False, 21: True, 22: None, 23: None}


class Reader:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, size: int) -> bytes:
        taken = self.data[self.at : self.at + size]
        if len(taken) < size:
            raise ValueError("the bytes end within an item")
        self.at += size
        return taken

    def item(self) -> Any:
        """Times are their seconds; bytes and what JSON has no number for are text as in JSON."""
        head = self.take(1)[0]
        major, info = head >> 5, head & 31
        if major == 7:
            return self._simple(info)
        count = self._count(info)
        if major <= 1:
            return count if major == 0 else -1 - count
        if major == 2:
            return base64.b64encode(self._text(count)).decode("ascii")
        if major == 3:
            return self._text(count).decode("utf-8")
        if major == 4:
            return self._items(count)
        if major == 5:
            items = self._items(None if count is None else 2 * count)
            return dict(zip(items[::2], items[1::2]))
        return self.item()  # a tag

    def _count(self, info: int) -> Any:
        if info < 24:
            return info
        return None if info == 31 else int.from_bytes(self.take(1 << (info - 24)), "big")

    def _text(self, size: int | None) -> bytes:
        if size is not None:
            return self.take(size)
        text = b""
        while self.data[self.at] != 0xFF:
            text += self.take(self._count(self.take(1)[0] & 31))
        self.at += 1
        return text

    def _items(self, count: int | None) -> list[Any]:
        items: list[Any] = []
        while count is None or len(items) < count:
            item = self.item()
            if item is _BREAK:
                break
            items.append(item)
        return items

    def _simple(self, info: int) -> Any:
        if info == 31:
            return _BREAK
        if info in _LITERALS:
            return _LITERALS[info]
        value = struct.unpack(_FLOATS[info], self.take(1 << (info - 24)))[0]
        names = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
        return names.get(str(value), value)
