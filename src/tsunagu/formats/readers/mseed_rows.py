"""The samples of miniSEED: a row each, with its channel and its time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import pyarrow as pa
from pymseed import MiniSEEDError, MS3Record

from tsunagu.formats.errors import UnreadableError
from tsunagu.formats.reader import Rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tsunagu.formats.reader import Context

_BATCH_ROWS = 1 << 17
_NANOSECONDS = 1_000_000_000


def mseed_rows(source: BinaryIO, context: Context, table: str, kinds: Mapping[str, str]) -> Rows:
    """Every sample of every channel, in the order of the records.

    Raises:
        UnreadableError: a record is damaged or cut off.
    """
    del table, kinds
    skips = context.head[6:7] in b"VASTD" and not context.head[6:8].startswith(b"D ")
    return Rows(_batches(source, skips=skips))


def _batches(source: BinaryIO, *, skips: bool) -> Iterator[Any]:
    held: list[tuple[str, Any, Any]] = []
    rows = 0
    try:
        # By descriptor, which stays open: no path can be opened behind walls, and the reader of file objects knows no
        # control headers.
        source.seek(0)
        for record in MS3Record.from_file(source.fileno(), unpack_data=True, skip_not_data=skips):
            if not record.numsamples or record.sampletype not in {"i", "f", "d"}:
                continue
            values = np.array(record.np_datasamples, dtype=np.float64)
            # Whole numbers first: a rate of 100 Hz must not drift over a day.
            steps = np.arange(values.size, dtype=np.int64)
            period = _NANOSECONDS / record.samprate if record.samprate else 0.0
            times = record.starttime + np.rint(steps * period).astype(np.int64)
            held.append((record.sourceid, times // 1000, values))
            rows += values.size
            if rows >= _BATCH_ROWS:
                yield _batch(held)
                held, rows = [], 0
    except (MiniSEEDError, ValueError, OSError) as error:
        raise UnreadableError(
            f"A record is damaged or cut off: {' '.join(str(error).split()).rstrip('.')}.",
            reason_code="truncated",
        ) from error
    if held:
        yield _batch(held)


def _batch(held: list[tuple[str, Any, Any]]) -> Any:
    names = [name for name, _, _ in held]
    counts = [values.size for _, _, values in held]
    places = pa.array(np.repeat(np.arange(len(names)), counts))
    times = np.concatenate([times for _, times, _ in held])
    return pa.RecordBatch.from_arrays(
        [
            pa.array(names, pa.string()).take(places),
            pa.array(times).cast(pa.timestamp("us", "UTC")),
            pa.array(np.concatenate([values for _, _, values in held])),
        ],
        names=["channel", "time", "value"],
    )
