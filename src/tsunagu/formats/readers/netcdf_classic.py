"""How long a classic NetCDF file must be, from its header: the library reads zeros beyond the end.

Source: NetCDF Classic Format Specification (CDF-1, CDF-2, CDF-5).
"""

from __future__ import annotations

import struct

_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 4, 6: 8, 7: 1, 8: 2, 9: 4, 10: 8, 11: 8}
_NAME_BYTES = 4096
_LIST_ITEMS = 100_000


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
        if self.version < 5:  # noqa: PLR2004 - CDF-5
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

    def skip(self, count: int) -> None:
        """Pass over bytes with their padding to four."""
        self.at += (count + 3) // 4 * 4

    def name(self) -> None:
        """Pass over a name."""
        length = self.count()
        if length > _NAME_BYTES:
            raise struct.error
        self.skip(length)

    def items(self) -> int:
        """The number of elements of the list that begins here."""
        self.integer()
        number = self.count()
        if number > _LIST_ITEMS:
            raise struct.error
        return number


def announced_bytes(head: bytes) -> int | None:
    """The least length the header asks for, or ``None`` when it is no classic file or not all in the head."""
    if head[:3] != b"CDF" or head[3:4] not in {b"\x01", b"\x02", b"\x05"}:
        return None
    try:
        return _announced(_Cursor(head, head[3]))
    except (struct.error, KeyError, IndexError):
        return None


def _announced(cursor: _Cursor) -> int:
    streaming = 0xFFFFFFFF if cursor.version < 5 else 0xFFFFFFFFFFFFFFFF  # noqa: PLR2004
    records = cursor.count()
    lengths = []
    for _ in range(cursor.items()):
        cursor.name()
        lengths.append(cursor.count())
    _attributes(cursor)
    fixed_end, first_record, record_bytes, last_record = 0, None, [], 0
    for _ in range(cursor.items()):
        cursor.name()
        dimensions = [cursor.count() for _ in range(cursor.count())]
        _attributes(cursor)
        kind = cursor.integer()
        cursor.count()  # vsize: wrong for large variables, so the size is computed
        begin = cursor.offset()
        is_record = bool(dimensions) and lengths[dimensions[0]] == 0
        size = _SIZES[kind]
        for dimension in dimensions[1:] if is_record else dimensions:
            size *= lengths[dimension]
        if is_record:
            record_bytes.append(size)
            first_record = begin if first_record is None else min(first_record, begin)
            last_record = max(last_record, begin + size)
        else:
            fixed_end = max(fixed_end, begin + size)
    if first_record is None or records in {0, streaming}:
        return fixed_end
    # A single record variable is stored without padding; several are padded to four bytes each.
    step = record_bytes[0] if len(record_bytes) == 1 else sum((size + 3) // 4 * 4 for size in record_bytes)
    return max(fixed_end, last_record + (records - 1) * step)


def _attributes(cursor: _Cursor) -> None:
    for _ in range(cursor.items()):
        cursor.name()
        kind = cursor.integer()
        cursor.skip(cursor.count() * _SIZES[kind])
