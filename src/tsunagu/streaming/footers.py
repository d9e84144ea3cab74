"""Schema and row groups of Parquet files, read from their ends."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import repeat
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from tsunagu.client.errors import BadAnswerError
from tsunagu.client.messages import text
from tsunagu.streaming.errors import MixedSchemaError
from tsunagu.streaming.plan import Group

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tsunagu.streaming.door import Source
    from tsunagu.streaming.fetch import Ranges

SUFFIX = ".parquet"
_TAIL = 64 << 10
_MARK = b"PAR1"
_END = 8  # length of the footer and the mark
_THREADS = 8


@dataclass(frozen=True)
class Footer:
    """A file and what its end says."""

    source: Source
    metadata: pq.FileMetaData

    def spans(self, group: int, columns: Sequence[str] | None, *, gap: int) -> list[tuple[int, int]]:
        """Byte ranges (start, end) of the asked columns of a row group; near ones are joined."""
        facts = self.metadata.row_group(group)
        ranges = []
        for number in range(facts.num_columns):
            chunk = facts.column(number)
            if columns is not None and chunk.path_in_schema.split(".")[0] not in columns:
                continue
            start = chunk.data_page_offset
            if chunk.has_dictionary_page and chunk.dictionary_page_offset:
                start = min(start, chunk.dictionary_page_offset)
            ranges.append((start, start + chunk.total_compressed_size))
        joined: list[tuple[int, int]] = []
        for start, end in sorted(ranges):
            if joined and start <= joined[-1][1] + gap:
                joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
            else:
                joined.append((start, end))
        return joined

    def extents(self, group: int) -> Callable[[str], tuple[Any, Any] | None]:
        """Says of a column its least and greatest value in a row group; None where the file does not."""
        facts = self.metadata.row_group(group)
        chunks = {(one := facts.column(number)).path_in_schema: one for number in range(facts.num_columns)}

        def extent(name: str) -> tuple[Any, Any] | None:
            known = chunks[name].statistics if name in chunks else None
            return (known.min, known.max) if known is not None and known.has_min_max else None

        return extent


def read_all(ranges: Ranges, sources: Sequence[Source]) -> list[Footer]:
    """The footers of several files, in their order.

    Raises:
        BadAnswerError: a file is no Parquet file.
        MixedSchemaError: the files have different columns or types.
        TsunaguError: the node refused, or does not answer.
    """
    tails = ranges.tails(sources, _TAIL)
    if all(_length(tail) <= len(tail) for tail in tails):
        found = list(map(_read, repeat(ranges), sources, tails))
    else:
        with ThreadPoolExecutor(_THREADS) as pool:  # some are longer and fetched further
            found = list(pool.map(_read, repeat(ranges), sources, tails))
    for one in found[1:]:
        _same_schema(found[0], one)
    return found


def _read(ranges: Ranges, source: Source, end: memoryview) -> Footer:
    tail, count = bytes(end), len(end)
    if len(tail) < _END + len(_MARK) or tail[-len(_MARK) :] != _MARK:
        raise _unreadable(source)
    length = _length(end)
    if length > source.size:
        raise _unreadable(source)
    if length > count:
        tail = bytes(ranges.read(source, source.size - length, length - count)) + tail
    try:
        return Footer(source, pq.read_metadata(io.BytesIO(_MARK + tail[-length:])))
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(source) from error


def _length(tail: memoryview) -> int:
    return int.from_bytes(tail[-_END:-4], "little") + _END


def _unreadable(source: Source) -> BadAnswerError:
    return BadAnswerError(text("stream_no_parquet", path=source.path), path=source.path)


def _same_schema(first: Footer, other: Footer) -> None:
    one, two = first.metadata.schema.to_arrow_schema(), other.metadata.schema.to_arrow_schema()
    if one.equals(two):
        return
    wrong = next(
        (name for name in one.names if name not in two.names or two.field(name).type != one.field(name).type),
        next((name for name in two.names if name not in one.names), ", ".join(two.names)),
    )
    raise MixedSchemaError(
        text("stream_mixed", column=wrong, path=other.source.path, first=first.source.path),
        remedy=text("stream_mixed_remedy"),
        column=wrong,
        path=other.source.path,
    )


def groups(footers: Sequence[Footer]) -> list[Group]:
    """The row groups that hold rows, in the order of the files."""
    return [
        Group(file, index, facts.num_rows, facts.total_byte_size)
        for file, footer in enumerate(footers)
        for index in range(footer.metadata.num_row_groups)
        if (facts := footer.metadata.row_group(index)).num_rows
    ]


def may_be_null(footers: Sequence[Footer]) -> set[str]:
    """Columns in which a value may be missing: those whose files do not say that none is."""
    missing: set[str] = set()
    for footer in footers:
        for index in range(footer.metadata.num_row_groups):
            facts = footer.metadata.row_group(index)
            for number in range(facts.num_columns):
                chunk: Any = facts.column(number)
                known = chunk.statistics
                if known is None or not known.has_null_count or known.null_count:
                    missing.add(chunk.path_in_schema.split(".")[0])
    return missing
