"""The header of classic NetCDF files: where the numbers stand, and how long the file must be.

The library that reads them gives zeros beyond the end, and wants a path, which there is none of behind walls.

Source: NetCDF Classic Format Specification (CDF-1, CDF-2, CDF-5).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np

_TYPES = {
    1: "i1", 2: "S1", 3: ">i2", 4: ">i4", 5: ">f4", 6: ">f8", 7: "u1", 8: ">u2", 9: ">u4", 10: ">i8", 11: ">u8",
}  # fmt: skip
_LETTERS = 2
_WIDE = 5  # CDF-5
_NAME_BYTES = 4096
_LIST_ITEMS = 100_000


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable.

    Attributes:
        begin: Of the first number, in bytes.
        record_bytes: From one record to the next; 0 where the variable stands in one piece.
    """

    name: str
    dimensions: tuple[str, ...]
    shape: tuple[int, ...]
    dtype: Any
    begin: int
    record_bytes: int = 0
    attributes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Header:
    """What the header says; ``byte_count`` is the least length of the file."""

    attributes: dict[str, Any]
    variables: tuple[Variable, ...]
    byte_count: int


class _Cursor:
    def __init__(self, data: bytes, version: int) -> None:
        self.data, self.at, self.version = data, 4, version

    def integer(self) -> int:
        """Four bytes."""
        value = int(struct.unpack_from(">I", self.data, self.at)[0])
        self.at += 4
        return value

    def count(self) -> int:
        """Four bytes, eight in CDF-5."""
        if self.version < _WIDE:
            return self.integer()
        value = int(struct.unpack_from(">Q", self.data, self.at)[0])
        self.at += 8
        return value

    def offset(self) -> int:
        """Four bytes in CDF-1, eight later."""
        code, size = (">I", 4) if self.version == 1 else (">Q", 8)
        value = int(struct.unpack_from(code, self.data, self.at)[0])
        self.at += size
        return value

    def take(self, count: int) -> bytes:
        """Bytes, with their padding to four passed over."""
        if self.at + count > len(self.data):
            raise struct.error
        value = self.data[self.at : self.at + count]
        self.at += (count + 3) // 4 * 4
        return value

    def name(self) -> str:
        """A name."""
        length = self.count()
        if length > _NAME_BYTES:
            raise struct.error
        return self.take(length).decode("utf-8", "replace")

    def items(self) -> int:
        """The number of elements of the list that begins here."""
        self.integer()
        number = self.count()
        if number > _LIST_ITEMS:
            raise struct.error
        return number

    def attributes(self) -> dict[str, Any]:
        """A list of attributes."""
        found: dict[str, Any] = {}
        for _ in range(self.items()):
            name = self.name()
            kind = self.integer()
            dtype = np.dtype(_TYPES[kind])
            data = self.take(self.count() * dtype.itemsize)
            if kind == _LETTERS:
                found[name] = data.decode("utf-8", "replace").rstrip("\x00")
            else:
                values = np.frombuffer(data, dtype).tolist()
                found[name] = values[0] if len(values) == 1 else values
        return found


def announced_bytes(head: bytes) -> int | None:
    """The least length the header asks for, or ``None`` when it is no classic file or not all in the head."""
    found = header(head)
    return found.byte_count if found else None


def header(head: bytes) -> Header | None:
    """The header, or ``None`` when it is no classic file, or not all of it is there."""
    if head[:3] != b"CDF" or head[3:4] not in {b"\x01", b"\x02", b"\x05"}:
        return None
    try:
        return _header(_Cursor(head, head[3]))
    except (struct.error, KeyError, IndexError, ValueError, OverflowError):
        return None


def _header(cursor: _Cursor) -> Header:
    streaming = 0xFFFFFFFF if cursor.version < _WIDE else 0xFFFFFFFFFFFFFFFF
    records = cursor.count()
    records = 0 if records == streaming else records
    dimensions = [(cursor.name(), cursor.count()) for _ in range(cursor.items())]
    said = cursor.attributes()
    variables = [_variable(cursor, dimensions) for _ in range(cursor.items())]
    # A single record variable is stored without padding; several are padded to four bytes each.
    sizes = [_record_size(one) for one in variables if one.record_bytes]
    step = sizes[0] if len(sizes) == 1 else sum((size + 3) // 4 * 4 for size in sizes)
    placed, need = [], 0
    for one in variables:
        if not one.record_bytes:
            placed.append(one)
            need = max(need, one.begin + prod(one.shape) * one.dtype.itemsize)
            continue
        shape = (records, *one.shape[1:])
        placed.append(
            Variable(one.name, one.dimensions, shape, one.dtype, one.begin, max(1, step), one.attributes)
        )
        if records:
            need = max(need, one.begin + _record_size(one) + (records - 1) * step)
    return Header(said, tuple(placed), need)


def _variable(cursor: _Cursor, dimensions: list[tuple[str, int]]) -> Variable:
    name = cursor.name()
    places = [cursor.count() for _ in range(cursor.count())]
    said = cursor.attributes()
    dtype = np.dtype(_TYPES[cursor.integer()])
    cursor.count()  # vsize: wrong for large variables, so the size is computed
    begin = cursor.offset()
    shape = tuple(dimensions[place][1] for place in places)
    is_record = bool(shape) and shape[0] == 0
    names = tuple(dimensions[place][0] for place in places)
    return Variable(name, names, shape, dtype, begin, 1 if is_record else 0, said)


def _record_size(one: Variable) -> int:
    return prod(one.shape[1:]) * int(one.dtype.itemsize)
