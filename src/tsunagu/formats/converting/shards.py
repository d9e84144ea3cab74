"""Pictures of a table once more as WebDataset shards: tar files that a training run reads from end to end.

A sample is two members of one key: the picture's bytes as they are, and JSON with what is said of it. No picture is
opened here; the table's conversion looked at each of them.

Source: WebDataset, "The WebDataset Format" (https://github.com/webdataset/webdataset): members of a sample follow each
other and share what stands before the first dot of their names.
"""

from __future__ import annotations

import json
import re
import tarfile
from typing import TYPE_CHECKING, Any

from tsunagu.formats.converting.types import SOURCE_COLUMN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tsunagu.formats.converting.types import TablePlan

SHARD_BYTES = 256 << 20
READER = "image"  # whose tables are pictures, a file each
_ENDING = re.compile(r"[a-z0-9]{1,8}")


def shards_of(
    plan: TablePlan,
    pieces: Callable[[int], Iterable[bytes]],
    *,
    shard_bytes: int = SHARD_BYTES,
) -> Iterator[tuple[str, Iterator[bytes]]]:
    """Path and bytes of each shard; every one must be read to its end before the next.

    Args:
        plan: Of a table that was made: its sources are sound.
        pieces: The bytes of a source by its number; as many as the plan says.
        shard_bytes: A shard ends with the sample that reaches it.
    """
    at = 0
    for number in range(len(plan.sources)):
        if at >= len(plan.sources):
            return
        first, last, size = at, at, 0
        while last < len(plan.sources) and size < shard_bytes:
            size += plan.sources[last].byte_count
            last += 1
        yield f"data/{plan.name}-{number:06}.tar", _shard(plan, pieces, first, last)
        at = last


def _shard(
    plan: TablePlan, pieces: Callable[[int], Iterable[bytes]], first: int, last: int
) -> Iterator[bytes]:
    for index in range(first, last):
        source = plan.sources[index]
        ending = source.name.rpartition(".")[2].lower() if "." in source.name else "bin"
        key = f"{index:09}"
        yield from _member(
            f"{key}.{ending if _ENDING.fullmatch(ending) else 'bin'}", source.byte_count, pieces(index)
        )
        said: dict[str, Any] = {SOURCE_COLUMN: source.path}
        for column, value in zip(plan.file_columns, source.values, strict=True):
            said[column.name] = value
            if column.unit:
                said[f"{column.name}_unit"] = column.unit
        text = json.dumps(said, ensure_ascii=False).encode()
        yield from _member(f"{key}.json", len(text), [text])
    yield bytes(2 * tarfile.BLOCKSIZE)


def _member(name: str, byte_count: int, pieces: Iterable[bytes]) -> Iterator[bytes]:
    info = tarfile.TarInfo(name)
    info.size, info.mode = byte_count, 0o644  # no time and no owner: the same again is the same bytes
    yield info.tobuf(tarfile.USTAR_FORMAT if byte_count < 1 << 33 else tarfile.GNU_FORMAT)
    given = 0
    for piece in pieces:
        given += len(piece)
        yield piece
    if given != byte_count:
        raise OSError(f"{name} has {given:,} bytes, and {byte_count:,} were announced.")
    yield bytes(-byte_count % tarfile.BLOCKSIZE)
