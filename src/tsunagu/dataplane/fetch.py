"""``POST /fetch``: many small files in one answer, as a bundle; ``POST /tails``: the ends of many files."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from tsunagu.core.bundle import END, HEADER_SIZE, MEDIA_TYPE, encode_header
from tsunagu.core.errors import InvalidInputError
from tsunagu.dataplane.exchange import Request, Response
from tsunagu.dataplane.objects import GUARD_HEADERS, Item, read_item

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tsunagu.core.blobs import BlobStore
    from tsunagu.dataplane.context import Context

_MAX_FILES = 10_000
_MAX_BODY = 32 << 20
_MAX_TAILS = 256
_MAX_TAIL = 64 << 10
_READERS = 8
_PIECE = 256 << 10
# Neighbours in a pack are read at once when no more than this lies between them: paths and headers of the pack.
_GAP = 8 << 10


def post_fetch(context: Context, request: Request) -> Response:
    """Answer the files of many ``get`` capabilities, in their order."""
    items = _asked(context, request.json(limit=_MAX_BODY), most=_MAX_FILES)
    for key in {item.key for item in items}:
        context.store.size(key)  # a missing object is an error now, not a broken stream later
    length = len(END) + sum(HEADER_SIZE + len(item.name.encode()) + item.size for item in items)
    context.metrics.add("sent_bytes", length)
    headers = [("Content-Type", MEDIA_TYPE), ("Content-Length", str(length)), *GUARD_HEADERS]
    return Response(200, headers, _stream(items))


def post_tails(context: Context, request: Request) -> Response:
    """Answer the last bytes of many files, one after the other: where Parquet and ZIP say what is in them.

    A file that is shorter comes whole, so whoever knows the sizes knows where each begins.
    """
    wish = request.json(limit=_MAX_BODY)
    items = _asked(context, wish, most=_MAX_TAILS)
    count = wish.get("bytes")
    if not isinstance(count, int) or not 0 < count <= _MAX_TAIL:
        raise InvalidInputError(f'"bytes" must be a number from 1 to {_MAX_TAIL:,}.')

    def tail(item: Item) -> bytes:
        size = min(item.size, count)
        with item.store.open(item.key, item.offset + item.size - size, size) as reader:
            return b"".join(reader.pieces())

    with ThreadPoolExecutor(_READERS) as pool:  # an object store answers many as fast as one
        pieces = list(pool.map(tail, items))
    length = sum(map(len, pieces))
    context.metrics.add("sent_bytes", length)
    headers = [
        ("Content-Type", "application/octet-stream"),
        ("Content-Length", str(length)),
        *GUARD_HEADERS,
    ]
    return Response(200, headers, pieces)


def _asked(context: Context, wish: Any, *, most: int) -> list[Item]:
    tokens = wish.get("capabilities") if isinstance(wish, dict) else None
    if not isinstance(tokens, list) or not all(isinstance(token, str) for token in tokens):
        raise InvalidInputError('The body must hold {"capabilities": [TOKEN, ...]}.')
    if len(tokens) > most:
        raise InvalidInputError(f"At most {most:,} files can be asked for at once.", count=len(tokens))
    stores: dict[tuple[str, str], BlobStore] = {}
    return [read_item(context, token, stores) for token in tokens]


def _stream(items: list[Item]) -> Iterator[bytes]:
    pieces: list[bytes] = []
    held = 0
    for run in _group(items):
        first, last = run[0], run[-1]
        span = last.offset + last.size - first.offset
        with first.store.open(first.key, first.offset, span) as reader:
            if len(run) == 1:
                pieces.append(_header(first))
                for piece in reader.pieces():
                    pieces.append(piece)
                    held += len(piece)
                    if held >= _PIECE:
                        yield b"".join(pieces)
                        pieces, held = [], 0
                continue
            block = memoryview(b"".join(reader.pieces()))
            for item in run:
                start = item.offset - first.offset
                pieces += [_header(item), bytes(block[start : start + item.size])]
                held += item.size
        if held >= _PIECE:
            yield b"".join(pieces)
            pieces, held = [], 0
    yield b"".join([*pieces, END])


def _group(items: list[Item]) -> Iterator[list[Item]]:
    """Neighbours in one object, at most a few pieces long, so that S3 is not asked once per file."""
    run: list[Item] = []
    for item in items:
        if run:
            end = run[-1].offset + run[-1].size
            is_neighbour = item.key == run[0].key and end <= item.offset <= end + _GAP
            if not is_neighbour or item.offset + item.size - run[0].offset > 4 * _PIECE:
                yield run
                run = []
        run.append(item)
    if run:
        yield run


def _header(item: Item) -> bytes:
    return encode_header(item.name, item.size, bytes.fromhex(item.sha256))
