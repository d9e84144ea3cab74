"""The points of scans and spectra as rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import pyarrow as pa

from tsunagu.formats.encoding import decode, detect
from tsunagu.formats.errors import UnreadableError
from tsunagu.formats.reader import Rows
from tsunagu.formats.readers import jcamp, xrd
from tsunagu.formats.readers.scans import SCAN

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tsunagu.formats.reader import Context
    from tsunagu.formats.readers.scans import Axes


def xrd_rows(source: BinaryIO, context: Context, table: str, kinds: Mapping[str, str]) -> Rows:
    """The points of every scan of a file.

    Raises:
        UnreadableError: damaged, or cut off inside a scan.
    """
    del table, kinds  # one table, always of numbers
    scans, problem = xrd.find_scans(source.read(), context.head)
    if problem:
        raise UnreadableError(problem, reason_code="truncated")
    return Rows(_batches(scans, xrd.SCAN_AXES))


def jcamp_rows(source: BinaryIO, context: Context, table: str, kinds: Mapping[str, str]) -> Rows:
    """The points of every spectrum with the axes of the table.

    Raises:
        UnreadableError: the text holds no such table.
    """
    del kinds
    encoding = detect(context.head)
    text = decode(source.read(), encoding).removeprefix("\ufeff") if encoding else ""
    for name, axes, curves in jcamp.spectra(jcamp.data_tables(text)):
        if name == table:
            return Rows(_batches(curves, axes))
    raise UnreadableError("The data table cannot be decoded any more.")


def _batches(curves: Sequence[tuple[Any, Any]], axes: Axes) -> Iterator[Any]:
    for number, (x, y) in enumerate(curves, 1):
        yield pa.RecordBatch.from_arrays(
            [
                pa.array(np.full(x.size, number)),
                pa.array(np.ascontiguousarray(x, dtype=np.float64)),
                pa.array(np.ascontiguousarray(y, dtype=np.float64)),
            ],
            names=[SCAN, axes[0][0], axes[1][0]],
        )
