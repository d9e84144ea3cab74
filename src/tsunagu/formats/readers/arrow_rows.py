"""The rows of formats that bring types of their own: Parquet, flow cytometry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from tsunagu.formats.errors import UnreadableError
from tsunagu.formats.reader import Rows
from tsunagu.formats.readers import fcs
from tsunagu.formats.readers.arrow import column_type

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tsunagu.formats.reader import Context

_BATCH_ROWS = 1 << 16


def parquet_rows(source: BinaryIO, context: Context, table: str, kinds: Mapping[str, str]) -> Rows:
    """Every row group in turn; what is nested becomes JSON-like text where a column was planned as text.

    Raises:
        UnreadableError: damaged, or encrypted.
    """
    del context, table
    try:
        file = pq.ParquetFile(source, memory_map=False, pre_buffer=False)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise UnreadableError(f"The Parquet file is damaged: {str(error).partition(chr(10))[0]}.") from error
    return Rows(_flat(file.iter_batches(_BATCH_ROWS, columns=list(kinds), use_threads=False)))


def _flat(batches: Iterator[Any]) -> Iterator[Any]:
    for batch in batches:
        arrays = [_plain(column) for column in batch.columns]
        yield pa.RecordBatch.from_arrays(arrays, names=batch.schema.names)


def _plain(column: Any) -> Any:
    if pa.types.is_dictionary(column.type):
        return column.dictionary_decode()
    if column_type(column.type) == "numbers":
        return column.cast(pa.list_(pa.float64()))
    if pa.types.is_nested(column.type):
        return pa.array([None if value is None else str(value) for value in column.to_pylist()], pa.string())
    return column


def fcs_rows(source: BinaryIO, context: Context, table: str, kinds: Mapping[str, str]) -> Rows:
    """Every event.

    Raises:
        UnreadableError: offsets that make no sense, or a layout that is not read.
    """
    del table
    names = list(kinds)
    return Rows(
        pa.RecordBatch.from_arrays([pa.array(part[:, place]) for place in range(len(names))], names=names)
        for part in fcs.event_parts(source, context.byte_count, len(names))
    )
