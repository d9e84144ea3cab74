"""Xorbs: up to 8,192 chunks of a client's files in one body, each stored plain or compressed.

Source: huggingface/xet-core v1.6.0, ``cas_object`` (chunk header, schemes, limits).
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

import lz4.frame

from tsunagu.core.errors import InvalidInputError
from tsunagu.dataplane.cas.hashes import SIZE, Tree, as_text, chunk_hash

if TYPE_CHECKING:
    import mmap

MOST_BYTES = (64 << 20) + (1 << 20)  # the data of a full xorb, its chunk headers and its footer
_MOST_CHUNKS = 8192
_MOST_CHUNK = 128 << 10
_HEADER = 8
_FOOTER = b"XETBLOB"
_STORED, _LZ4, _GROUPED = range(3)
# A frame is never much longer than what it holds; a client stores a chunk that does not shrink.
_MOST_PACKED = _MOST_CHUNK + 4096


class BadXorbError(InvalidInputError):
    """A xorb that is not what its name says, or is no xorb."""

    code = "dataplane.bad_xorb"
    status = 400
    default_message = "This block of data is damaged, or is not the one that its name says."
    default_remedy = "Send it again."


class Chunk(NamedTuple):
    """A chunk of a xorb: its hash, the length of its plain bytes, and where its header stands."""

    digest: bytes
    length: int
    start: int


def read_header(header: bytes) -> tuple[int, int, int]:
    """Packed length, scheme and plain length of a chunk; refused before anything is allocated for it.

    Raises:
        BadXorbError: a length or the scheme cannot be.
    """
    packed, length = int.from_bytes(header[1:4], "little"), int.from_bytes(header[5:8], "little")
    scheme = header[4]
    is_possible = 0 < length <= _MOST_CHUNK and 0 < packed <= _MOST_PACKED
    if header[0] or scheme > _GROUPED or not is_possible or (scheme == _STORED and packed != length):
        raise BadXorbError("A chunk has an impossible header.")
    return packed, scheme, length


def unpack(data: bytes, scheme: int, length: int) -> bytes:
    """The plain bytes of a chunk; never more than ``length`` are made.

    Raises:
        BadXorbError: it does not unpack to exactly that.
    """
    if scheme == _STORED:
        return data
    frame = lz4.frame.LZ4FrameDecompressor()
    try:
        plain: bytes = frame.decompress(data, max_length=length)
        # The end mark may stand behind the last byte that was asked for.
        rest = b"" if frame.eof else frame.decompress(b"", max_length=1)
    except (RuntimeError, EOFError) as error:
        raise BadXorbError("A chunk does not unpack.") from error
    if len(plain) != length or rest or not frame.eof or frame.unused_data:
        raise BadXorbError("A chunk does not unpack to the length that it says.")
    return _ungroup(plain) if scheme == _GROUPED else plain


def _ungroup(planes: bytes) -> bytes:
    """Undo byte grouping: all first bytes of each four, then all second ones, ..."""
    plain = bytearray(len(planes))
    position = 0
    for number in range(4):
        count = (len(planes) - number + 3) // 4
        plain[number::4] = planes[position : position + count]
        position += count
    return bytes(plain)


class XorbParser:
    """Reads a xorb while it arrives (see ``follower.Consumer``): every chunk is unpacked and hashed once."""

    def __init__(self) -> None:
        self.position = 0
        self.chunks: list[Chunk] = []
        self._tree = Tree()
        self._has_footer = False

    def advance(self, buffer: mmap.mmap | bytes, end: int, *, base: int = 0) -> None:
        """Read all chunks that are whole before byte ``end``.

        Raises:
            BadXorbError: a chunk is damaged, or there are too many.
        """
        with memoryview(buffer) as view:
            while not self._has_footer and end - self.position >= _HEADER:
                start = self.position - base
                header = bytes(view[start : start + _HEADER])
                if header.startswith(_FOOTER):
                    self._has_footer = True
                    break
                packed, scheme, length = read_header(header)
                if self.position + _HEADER + packed > end:
                    return
                data = bytes(view[start + _HEADER : start + _HEADER + packed])
                self._take(unpack(data, scheme, length))
                self.position += _HEADER + packed
        if self._has_footer:
            self.position = end  # lengths and offsets that are known by now

    def finish(self, size: int, name: bytes) -> None:
        """Say that nothing more comes.

        Raises:
            BadXorbError: it was cut off, or has another name.
        """
        if self.position != size or not self.chunks:
            raise BadXorbError("This block of data was cut off.")
        if self._tree.root() != name:
            raise BadXorbError(expected=as_text(name))

    def _take(self, plain: bytes) -> None:
        if len(self.chunks) == _MOST_CHUNKS:
            raise BadXorbError(f"A block of data holds more than {_MOST_CHUNKS:,} chunks.")
        digest = chunk_hash(plain)
        self.chunks.append(Chunk(digest, len(plain), self.position))
        self._tree.add(digest, len(plain))


_ROW = struct.Struct(f"<{SIZE}sII")
_END = struct.Struct(f"<{SIZE}sI8s")
_MARK = b"tsunxorb"


def index_of(name: bytes, chunks: list[Chunk]) -> bytes:
    """What is written behind a xorb that was checked, so that its chunks are found again."""
    return b"".join(_ROW.pack(*chunk) for chunk in chunks) + _END.pack(name, len(chunks), _MARK)


END_SIZE = _END.size


def index_size(end: bytes, name: bytes) -> int | None:
    """How long the index is that ends so; None: this is no xorb of that name that was received to its end."""
    found, count, mark = _END.unpack(end)
    return count * _ROW.size + END_SIZE if (found, mark) == (name, _MARK) and count <= _MOST_CHUNKS else None


def read_index(index: bytes) -> list[Chunk]:
    """The chunks that an index names."""
    return [Chunk(*row) for row in _ROW.iter_unpack(index[:-END_SIZE])]
