"""Files in, one Parquet file and its profile out, in one pass and in bounded memory.

A pure function of the plan and the bytes: the same call in this process, behind the sandbox's walls or on a worker
elsewhere makes the same bytes (with the same pyarrow).
"""

from __future__ import annotations

import json
import queue
import threading
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tsunagu.formats.converting.kinds import ARROW_TYPES
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

PART_BYTES = 64 << 20
PART_ROWS = 1 << 20
# Of a file up to this size nothing is passed on before all of it was read: if it fails, only it is left out.
_HELD_BYTES = 32 << 20
_SAID_PREFIX = "tsunagu"


class Sink(Protocol):
    """Where the bytes of the Parquet file go, in order."""

    def write(self, data: bytes, /) -> Any:
        """Take the next bytes."""


def convert(
    plan: TablePlan,
    open_file: Callable[[int], AbstractContextManager[BinaryIO]],
    sink: Sink,
    *,
    rows: OpenRows,
    limits: Limits | None = None,
    scratch: BinaryIO | None = None,
) -> TableProfile:
    """Make one table.

    Args:
        plan: What is wanted.
        open_file: Opens the source of a number.
        sink: Takes the Parquet file.
        rows: The row reader of ``plan.reader``.
        limits: Of what a compressed source may unpack to.
        scratch: Where compressed sources are unpacked; in memory without it.

    Raises:
        ColumnChangedError: a cell does not fit; another attempt with a wider column will get further.
        SourceFailedError: a file cannot be read; another attempt without it will get further.
    """
    maker = _Maker(plan, sink)
    skipped: dict[str, int] = {}
    try:
        for index, source in enumerate(plan.sources):
            with open_file(index) as file:
                held: list[Any] = []
                batches = _aligned(
                    plan, index, file, rows=rows, limits=limits or Limits(), scratch=scratch, skipped=skipped
                )
                for batch in batches:
                    held.append(batch)
                    if source.byte_count > _HELD_BYTES:
                        maker.take(index, held.pop())
                for batch in held:
                    maker.take(index, batch)
    except BaseException:
        maker.abandon()
        raise
    return maker.finish(skipped)


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


class _Maker:
    """Collects batches to parts, and writes and profiles the parts in a thread of its own while the next is read."""

    def __init__(self, plan: TablePlan, sink: Sink) -> None:
        self.plan = plan
        self.profiler = Profiler(plan)
        self._writer = _Writer(plan, sink)
        self._batches: list[list[Any]] = []
        self._files: list[tuple[int, int]] = []
        self._rows = self._bytes = 0
        self._queue: queue.Queue[tuple[list[Any], Any] | None] = queue.Queue(1)
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name="parquet", daemon=True)
        self._thread.start()

    def take(self, index: int, batch: list[Any]) -> None:
        count = len(batch[0])
        self._batches.append(batch)
        self._files.append((index, count))
        self._rows += count
        self._bytes += sum(column.nbytes for column in batch)
        if self._rows >= PART_ROWS or self._bytes >= PART_BYTES:
            self._pass_on()

    def _pass_on(self) -> None:
        if self._failure is not None:
            raise self._failure
        if self._rows:
            columns = [pa.chunked_array(parts).combine_chunks() for parts in zip(*self._batches, strict=True)]
            numbers, counts = zip(*self._files, strict=True)
            self._queue.put((columns, np.repeat(np.array(numbers), counts)))
        self._batches, self._files = [], []
        self._rows = self._bytes = 0

    def _work(self) -> None:
        while (part := self._queue.get()) is not None:
            if self._failure is None:
                try:
                    cells, files = part
                    said = [_said(self.plan, place, files) for place in range(len(self.plan.file_columns))]
                    self.profiler.add(cells, said, files)
                    self._writer.write(cells, said, files)
                except BaseException as error:  # noqa: BLE001 - raised again in the thread that reads
                    self._failure = error
            del part

    def abandon(self) -> None:
        self._queue.put(None)
        self._thread.join()
        self._writer.abandon()

    def finish(self, skipped: dict[str, int]) -> TableProfile:
        try:
            self._pass_on()
        finally:
            self._queue.put(None)
            self._thread.join()
        if self._failure is not None:
            raise self._failure
        self._writer.close()
        return self.profiler.finish(skipped)


def _said(plan: TablePlan, place: int, files: Any) -> Any:
    """The value of a file column for every row."""
    kind = ARROW_TYPES[plan.file_columns[place].kind]
    first, last = int(files[0]), int(files[-1])
    values = [source.values[place] for source in plan.sources[first : last + 1]]
    # Times come as text out of JSON.
    made = (
        pc.cast(pa.array(values), kind) if any(isinstance(v, str) for v in values) else pa.array(values, kind)
    )
    return made.take(pa.array(files - first))


class _Writer:
    """The Parquet file: every column with its unit and words, rows in order of time inside a row group."""

    def __init__(self, plan: TablePlan, sink: Sink) -> None:
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
        self._file = pa.PythonFile(sink, mode="w")
        self._writer = pq.ParquetWriter(
            self._file,
            self.schema,
            compression="zstd",
            use_dictionary=repeated,
            write_page_index=True,
            sorting_columns=sorting,
        )

    def write(self, cells: list[Any], said: list[Any], files: Any) -> None:
        table = pa.Table.from_arrays([self._paths.take(pa.array(files)), *cells, *said], schema=self.schema)
        if self._time is not None:
            order = pc.array_sort_indices(cells[self._time])
            if not np.array_equal(order.to_numpy(), np.arange(len(files))):
                table = table.take(order)
        self._writer.write_table(table, row_group_size=PART_ROWS)

    def close(self) -> None:
        self._writer.close()

    def abandon(self) -> None:
        # The sink may be what failed: closing would write the footer to it.
        self._writer.is_open = False


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
