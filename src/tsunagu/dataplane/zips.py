"""``GET /zip/...``: a folder or a whole version as one ZIP stream.

Nothing is compressed (scientific files rarely shrink, and a download should cost no processor), sizes over 4 GiB use
ZIP64, names are UTF-8. The directory at the end of the ZIP grows in a temporary file: a million files need no memory.
Form: APPNOTE.TXT 6.3.9, sections 4.3.7 (local header) to 4.3.16 (end of central directory).
"""

from __future__ import annotations

import struct
import tempfile
import zlib
from typing import TYPE_CHECKING, Any

from tsunagu.core.paths import check_path
from tsunagu.dataplane.exchange import Request, Response
from tsunagu.dataplane.objects import GUARD_HEADERS, disposition

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tsunagu.core.blobs import BlobStore
    from tsunagu.dataplane.context import Context

_U16, _U32 = 0xFFFF, 0xFFFFFFFF
_UTF8_AND_DESCRIPTOR = 0x0808
_NEEDS_ZIP64 = 45
_MADE_BY_UNIX = 3 << 8 | _NEEDS_ZIP64
_MODE = 0o100644 << 16
_DOS_DATE = 1 << 5 | 1  # 1980-01-01: the time of a file is part of its metadata, not of its bytes
_PIECE = 256 << 10
_SPOOL = 1 << 20
SUMS = "SHA256SUMS.txt"


def get_zip(context: Context, request: Request, token: str, name: str) -> Response:
    """Stream what a ``list`` capability names."""
    context.signer.read(token, "list")
    page = context.control.listing(token, "")  # refused or silent: said before the stream begins
    headers = [
        ("Content-Type", "application/zip"),
        ("Content-Disposition", disposition(name or "dataset.zip")),
        *GUARD_HEADERS,
    ]
    if request.method == "HEAD":
        return Response(200, headers)
    return Response(200, headers, _stream(context, token, page))


def _stream(context: Context, token: str, page: dict[str, Any]) -> Iterator[bytes]:
    with tempfile.SpooledTemporaryFile(_SPOOL) as directory, tempfile.SpooledTemporaryFile(_SPOOL) as sums:
        archive = _Archive(directory)
        is_name_free = True
        stores: dict[tuple[str, str], BlobStore] = {}  # the last one: neighbours lie in one object
        while True:
            for path, size, sha256, key, offset, hidden in page["files"]:
                name = check_path(path)
                is_name_free = is_name_free and name.casefold() != SUMS.casefold()
                sums.write(f"{sha256}  {name}\n".encode())
                if (key, hidden) not in stores:
                    stores = {(key, hidden): context.store_of(key, hidden)}
                with stores[key, hidden].open(key, offset, size) as reader:
                    yield from _gather(archive.add(name, size, reader.pieces()), context)
            if not page.get("next"):
                break
            page = context.control.listing(token, page["next"])
        length = sums.tell()
        sums.seek(0)
        name = SUMS if is_name_free else "SHA256SUMS.of-this-download.txt"
        yield from archive.add(name, length, iter(lambda: sums.read(_PIECE), b""))
        yield from archive.end()


def _gather(pieces: Iterable[bytes], context: Context) -> Iterator[bytes]:
    """Small pieces are joined per file, large ones pass through."""
    held: list[bytes] = []
    count = 0
    for piece in pieces:
        held.append(piece)
        count += len(piece)
        if count >= _PIECE:
            context.metrics.add("sent_bytes", count)
            yield b"".join(held)
            held, count = [], 0
    context.metrics.add("sent_bytes", count)
    yield b"".join(held)


class _Archive:
    """Writes a ZIP front to back."""

    def __init__(self, directory: tempfile.SpooledTemporaryFile[bytes]) -> None:
        self._directory = directory
        self._position = 0
        self._count = 0

    def add(self, name: str, size: int, content: Iterable[bytes]) -> Iterator[bytes]:
        """One file: its header, its content, and its checksum behind it, for it is known only then."""
        raw = name.encode()
        start = self._position
        is_large = size >= _U32
        extra = struct.pack("<HHQQ", 1, 16, 0, 0) if is_large else b""
        limit = _U32 if is_large else 0
        yield self._count_out(
            struct.pack(
                "<4sHHHHHIIIHH",
                b"PK\x03\x04",
                _NEEDS_ZIP64,
                _UTF8_AND_DESCRIPTOR,
                0,
                0,
                _DOS_DATE,
                0,
                limit,
                limit,
                len(raw),
                len(extra),
            )
            + raw
            + extra
        )
        checksum = 0
        for piece in content:
            checksum = zlib.crc32(piece, checksum)
            yield self._count_out(piece)
        form = "<4sIQQ" if is_large else "<4sIII"
        yield self._count_out(struct.pack(form, b"PK\x07\x08", checksum, size, size))
        self._record(raw, size, checksum, start)

    def end(self) -> Iterator[bytes]:
        """The directory and the end records."""
        start, length, count = self._position, self._directory.tell(), self._count
        self._directory.seek(0)
        while piece := self._directory.read(_PIECE):
            yield piece
        yield struct.pack(
            "<4sQHHIIQQQQ", b"PK\x06\x06", 44, _MADE_BY_UNIX, _NEEDS_ZIP64, 0, 0, count, count, length, start
        )
        yield struct.pack("<4sIQI", b"PK\x06\x07", 0, start + length, 1)
        few = min(count, _U16)
        yield struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, few, few, min(length, _U32), min(start, _U32), 0)

    def _record(self, raw: bytes, size: int, checksum: int, start: int) -> None:
        large = [value for value in (size, size, start) if value >= _U32]
        extra = struct.pack(f"<HH{len(large)}Q", 1, 8 * len(large), *large) if large else b""
        self._directory.write(
            struct.pack(
                "<4sHHHHHHIIIHHHHHII",
                b"PK\x01\x02",
                _MADE_BY_UNIX,
                _NEEDS_ZIP64,
                _UTF8_AND_DESCRIPTOR,
                0,
                0,
                _DOS_DATE,
                checksum,
                min(size, _U32),
                min(size, _U32),
                len(raw),
                len(extra),
                0,
                0,
                0,
                _MODE,
                min(start, _U32),
            )
            + raw
            + extra
        )
        self._count += 1

    def _count_out(self, data: bytes) -> bytes:
        self._position += len(data)
        return data
