"""Files in, one Parquet file and its profile out, in one pass and in bounded memory.

A pure function of the plan and the bytes: the same call in this process, behind the sandbox's walls or on a worker
elsewhere makes the same bytes (with the same pyarrow).
"""

from __future__ import annotations

import io
import json
import queue
import threading
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tsunagu.formats.converting.choices import Chooser
from tsunagu.formats.converting.kinds import ARROW_TYPES
from tsunagu.formats.converting.part import Part
from tsunagu.formats.converting.profiling import Profiler
from tsunagu.formats.converting.surprises import ColumnChangedError, SourceFailedError
from tsunagu.formats.converting.types import CONVERTER, SOURCE_COLUMN
from tsunagu.formats.errors import CellError, UnreadableError
from tsunagu.formats.examine import open_source, plain_words
from tsunagu.formats.types import Limits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from tsunagu.formats.converting.types import ColumnPlan, TablePlan, TableProfile
    from tsunagu.formats.reader import OpenRows

PIECE_BYTES = 1 << 20
# A part becomes a row group: large enough to be read fast, small enough that work on several overlaps.
PART_BYTES = 32 << 20
PART_ROWS = 1 << 18
# Of a file up to this size nothing is passed on before all of it was read: if it fails, only it is left out.
_HELD_BYTES = 32 << 20
_FEW_BATCHES = 2048
_SAID_PREFIX = "tsunagu"


def convert(
    plan: TablePlan,
    open_file: Callable[[int], AbstractContextManager[BinaryIO]],
    sink: Callable[[bytes], object],
    *,
    rows: OpenRows,
    limits: Limits | None = None,
    scratch: BinaryIO | None = None,
) -> TableProfile:
    """Make one table.

    Args:
        plan: What is wanted.
        open_file: Opens the source of a number.
        sink: Takes the Parquet file, piece by piece.
        rows: The row reader of ``plan.reader``.
        limits: Of what a compressed source may unpack to.
        scratch: Where compressed sources are unpacked; in memory without it.

    Raises:
        ColumnChangedError: a cell does not fit; another attempt with a wider column will get further.
        SourceFailedError: a file cannot be read; another attempt without it will get further.
    """
    chooser = Chooser(plan)
    maker = _Maker(chooser.plan, sink)
    skipped: dict[str, int] = {}
    try:
        for index, source in enumerate(plan.sources):
            with open_file(index) as file:
                held: list[Any] = []
                batches = _aligned(
                    plan, index, file, rows=rows, limits=limits or Limits(), scratch=scratch, skipped=skipped
                )
                for batch in batches:
                    held.append(chooser.apply(index, batch))
                    if source.byte_count > _HELD_BYTES:
                        maker.take(index, held.pop())
                for batch in held:
                    maker.take(index, batch)
        profile = maker.finish(skipped)
        assert profile.leakage is not None
        cuts, time_cuts = chooser.dividing.cuts(), chooser.by_time.cuts()
        return replace(profile, leakage=replace(profile.leakage, cuts=cuts, time_cuts=time_cuts))
    except BaseException:
        maker.abandon()
        raise


def _aligned(
    plan: TablePlan,
    index: int,
    file: BinaryIO,
    *,
    rows: OpenRows,
    limits: Limits,
    scratch: BinaryIO | None,
    skipped: dict[str, int],
) -> Iterator[list[Any]]:
    """The columns of the plan, batch by batch; whatever goes wrong names the source."""
    source = plan.sources[index]
    kinds = {column.name: column.kind for column in plan.columns}
    try:
        if scratch is not None:
            scratch.seek(0)
            scratch.truncate()
        opened, context = open_source(file, source.name, limits, scratch)
        found = rows(opened, context, source.table, kinds)
        for batch in found.batches:
            if batch.num_rows:
                yield [_column(batch, column) for column in plan.columns]
        if count := found.skipped():
            skipped[source.path] = count
    except CellError as error:
        raise ColumnChangedError(
            error.column, source=index, reason=error.reason, is_text=error.is_text
        ) from error
    except UnreadableError as error:
        raise SourceFailedError(index, reason=error.message, code=error.reason_code) from error
    except Exception as error:
        reason, code = plain_words(error, source.name)
        raise SourceFailedError(index, reason=reason, code=code) from error


def _column(batch: Any, column: ColumnPlan) -> Any:
    place = batch.schema.get_field_index(column.name)
    if place < 0:
        raise UnreadableError(f"The file has no column {column.name} any more.")
    values, wanted = batch.column(place), ARROW_TYPES[column.kind]
    if values.type == wanted:
        return values
    try:
        return pc.cast(values, wanted)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise CellError(column.name, " ".join(str(error).split())) from error


class _Line:
    """A thread that does one thing after the other; it runs on after a failure, so that nobody waits for it."""

    def __init__(self, name: str) -> None:
        self._queue: queue.Queue[Callable[[], Any] | None] = queue.Queue(1)
        self._failure: BaseException | None = None
        self._result: Any = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def put(self, work: Callable[[], Any]) -> None:
        if self._failure is not None:
            raise self._failure
        self._queue.put(work)

    def end(self) -> None:
        self._queue.put(None)
        self._thread.join()

    def result(self) -> Any:
        """What the last of it gave."""
        self.end()
        if self._failure is not None:
            raise self._failure
        return self._result

    def _run(self) -> None:
        while (work := self._queue.get()) is not None:
            if self._failure is None:
                try:
                    self._result = work()
                except BaseException as error:  # noqa: BLE001 - raised again in the thread that reads
                    self._failure = error
            del work


class _Maker:
    """Collects batches to parts; parts are written and profiled in threads of their own while the next is read."""

    def __init__(self, plan: TablePlan, sink: Callable[[bytes], object]) -> None:
        self.plan = plan
        self._profiler = Profiler(plan)
        self._writer = _Writer(plan, sink)
        self._writing, self._profiling = _Line("parquet"), _Line("profile")
        self._batches: list[list[Any]] = []
        self._small: list[list[Any]] = []
        self._files: list[tuple[int, int]] = []
        self._rows = self._bytes = 0

    def take(self, index: int, batch: list[Any]) -> None:
        count = len(batch[0]) if batch else 0
        if not count:
            return  # every row was a repetition
        self._small.append(batch)
        if len(self._small) >= _FEW_BATCHES:
            self._gather()
        self._files.append((index, count))
        self._rows += count
        self._bytes += sum(column.nbytes for column in batch)
        if self._rows >= PART_ROWS or self._bytes >= PART_BYTES:
            self._pass_on()

    def _gather(self) -> None:
        """Many small batches as one: what Arrow keeps of each is larger than the rows of a tiny file."""
        self._batches.append(_joined(self._small))
        self._small = []

    def _pass_on(self) -> None:
        if self._rows:
            cells = _joined([*self._batches, *self._small])
            part = Part.of(self.plan, cells, self._files)
            self._writing.put(partial(self._writer.write, part))
            self._profiling.put(partial(self._profiler.add, part))
        self._batches, self._small, self._files = [], [], []
        self._rows = self._bytes = 0

    def abandon(self) -> None:
        for line in (self._writing, self._profiling):
            line.end()
        self._writer.abandon()

    def finish(self, skipped: dict[str, int]) -> TableProfile:
        self._pass_on()
        self._profiling.put(partial(self._profiler.finish, skipped))
        self._writing.put(self._writer.close)
        self._writing.result()
        profile: TableProfile = self._profiling.result()
        return profile


def _joined(batches: list[list[Any]]) -> list[Any]:
    """The columns of several batches."""
    return [pa.chunked_array(parts).combine_chunks() for parts in zip(*batches, strict=True)]


class _Writer:
    """The Parquet file: every column with its unit and words, rows in order of time inside a row group."""

    def __init__(self, plan: TablePlan, sink: Callable[[bytes], object]) -> None:
        self.schema = arrow_schema(plan)
        self._paths = pa.array([source.path for source in plan.sources], pa.string())
        times = (
            i for i, one in enumerate(plan.columns) if one.kind in {"timestamp", "timestamp_utc", "date"}
        )
        self._time = next(times, None)
        columns = [*plan.columns, *plan.file_columns]
        # A dictionary of floats costs time and is thrown away in the end.
        repeated = [SOURCE_COLUMN, *(one.name for one in plan.file_columns)]
        repeated += [one.name for one in columns if one.kind == "text" and one.name not in repeated]
        sorting = [pq.SortingColumn(self._time + 1)] if self._time is not None else None
        self._stream = io.BufferedWriter(_Stream(sink), PIECE_BYTES)
        self._writer = pq.ParquetWriter(
            self._stream,
            self.schema,
            compression="zstd",
            use_dictionary=repeated,
            write_page_index=True,
            sorting_columns=sorting,
        )

    def write(self, part: Part) -> None:
        paths = self._paths.take(pa.array(part.sources))
        said = [part.spread(values) for values in (paths, *part.said)]
        table = pa.Table.from_arrays([said[0], *part.cells, *said[1:]], schema=self.schema)
        if self._time is not None:
            order = pc.array_sort_indices(part.cells[self._time])
            if not np.array_equal(order.to_numpy(), np.arange(len(part.files))):
                table = table.take(order)
        self._writer.write_table(table, row_group_size=PART_ROWS)

    def close(self) -> None:
        self._writer.close()
        self._stream.flush()

    def abandon(self) -> None:
        # The sink may be what failed: closing would write the footer to it.
        self._writer.is_open = False


class _Stream(io.RawIOBase):
    """A function as a file to write to."""

    def __init__(self, sink: Callable[[bytes], object]) -> None:
        self._sink = sink

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, data: Any, /) -> int:
        """Hand all of it on."""
        for start in range(0, len(data), PIECE_BYTES):
            self._sink(bytes(data[start : start + PIECE_BYTES]))
        return len(data)


def arrow_schema(plan: TablePlan) -> Any:
    """The schema with unit, words and origin of every column."""
    described = [_field(one, "cell") for one in plan.columns] + [
        _field(one, "file") for one in plan.file_columns
    ]
    first = pa.field(
        SOURCE_COLUMN, pa.string(), nullable=False, metadata={"description": "file that the row comes from"}
    )
    about = {"converter": CONVERTER, "reader": plan.reader, "sources": len(plan.sources)}
    return pa.schema([first, *described], metadata={_SAID_PREFIX: json.dumps(about)})


def _field(column: ColumnPlan, origin: str) -> Any:
    metadata = {"origin": origin}
    if column.unit:
        metadata["unit"] = column.unit
    if column.description:
        metadata["description"] = column.description
    return pa.field(column.name, ARROW_TYPES[column.kind], metadata=metadata)
