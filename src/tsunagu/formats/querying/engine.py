"""DuckDB over Parquet files that are read by ranges; runs inside the walls, opens no file and knows no path.

DuckDB sees each table as a data set of Arrow: projections and filters reach the Parquet files, so only the row groups and
columns that a query needs are asked for.
"""

from __future__ import annotations

import datetime as dt
import io
import json
import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pyarrow.dataset as pads
import pyarrow.fs as pafs
import pyarrow.parquet as pq

from tsunagu.formats.querying.types import DESCRIBE, Answer, ColumnCard, Question, TableCard, TableFiles

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Read = Callable[[int, int, int], bytes]  # number of the file, start, count

_LONGEST_TEXT = 10_000
_MOST_BINARY = 64
_BATCH = 512
_UNITS = (b"unit", b"units")
# The walls hold without these; with them DuckDB itself says in words what it may not do. No spilling: nothing is written.
_ORDERS = (
    "threads = 2",
    "temp_directory = ''",
    "autoinstall_known_extensions = false",
    "autoload_known_extensions = false",
    "python_enable_replacements = false",
    "enable_external_access = false",
)


class QueryError(Exception):
    """The query cannot be answered; the text is for whoever asked."""


def connect(*, memory_bytes: int) -> duckdb.DuckDBPyConnection:
    """An empty database of one thread, made before the last wall: DuckDB looks at the machine's limits when it starts.

    Args:
        memory_bytes: What DuckDB may take.
    """
    limits: dict[str, str | bool | int | float | list[str]] = {
        "threads": 1,
        "async_threads": 0,
        "memory_limit": f"{memory_bytes // 1_000_000}MB",
    }
    return duckdb.connect(":memory:", config=limits)


def answer(question: Question, read: Read, line: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """What is asked, as JSON values: ``{"tables": [...]}`` or ``{"answer": {...}}``.

    Args:
        question: The question.
        read: Gives bytes of a file; files are numbered through all tables in their order.
        line: A fresh database; it is used up.

    Raises:
        QueryError: the query is wrong, needs too much memory, or a file is no Parquet.
    """
    sources = _sources(question.tables, read)
    if question.kind == DESCRIBE:
        return {"tables": [_described(table, sources[table.name]) for table in question.tables]}
    try:
        return {"answer": _queried(question, sources, line)}
    except (duckdb.OutOfMemoryException, MemoryError) as error:
        raise QueryError(
            "The query needs more memory than it may have; ask for fewer rows or columns."
        ) from error
    except duckdb.Error as error:
        raise QueryError(str(error)[:2000]) from error
    except (pa.ArrowException, OSError) as error:
        raise QueryError(f"A file of the table cannot be read: {error}"[:2000]) from error


class _File(io.RawIOBase):
    """A file that is read by ranges."""

    def __init__(self, read: Callable[[int, int], bytes], size: int) -> None:
        super().__init__()
        self._read, self._size, self._at = read, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def size(self) -> int:
        return self._size

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence] + offset
        return self._at

    def read(self, count: int = -1) -> bytes:
        left = max(0, self._size - self._at)
        count = left if count < 0 else min(count, left)
        content = self._read(self._at, count) if count else b""
        if len(content) != count:
            raise OSError(
                "the stored bytes cannot be read"
            )  # Arrow would take fewer bytes for the end of a column
        self._at += len(content)
        return content


class _Files(pafs.FileSystemHandler):  # type: ignore[misc]  # Arrow ships no types
    """The files of all tables by their number as path: all that Arrow asks of a file system to read them."""

    def __init__(self, read: Read, sizes: Mapping[str, int]) -> None:
        self._read, self._sizes = read, sizes

    def get_type_name(self) -> str:
        return "ranges"

    def normalize_path(self, path: str) -> str:
        return path

    def get_file_info(self, paths: list[str]) -> list[pafs.FileInfo]:
        return [pafs.FileInfo(path, pafs.FileType.File, size=self._sizes[path]) for path in paths]

    def open_input_file(self, path: str) -> pa.PythonFile:
        number = int(path)
        reading = _File(lambda start, count: self._read(number, start, count), self._sizes[path])
        return pa.PythonFile(reading, mode="r")

    def open_input_stream(self, path: str) -> pa.PythonFile:
        return self.open_input_file(path)

    def _refuse(self, *_: object, **__: object) -> Any:
        raise OSError("nothing else is here")

    get_file_info_selector = create_dir = delete_dir = delete_dir_contents = delete_root_dir_contents = (
        _refuse
    )
    delete_file = move = copy_file = open_output_stream = open_append_stream = _refuse


def _sources(
    tables: tuple[TableFiles, ...], read: Read
) -> dict[str, tuple[pafs.FileSystem, tuple[str, ...]]]:
    sizes: dict[str, int] = {}
    found = {}
    for table in tables:
        names = tuple(str(len(sizes) + number) for number in range(len(table.sizes)))
        sizes |= dict(zip(names, table.sizes, strict=True))
        found[table.name] = names
    place = pafs.PyFileSystem(_Files(read, sizes))
    return {name: (place, names) for name, names in found.items()}


def _dataset(source: tuple[pafs.FileSystem, tuple[str, ...]]) -> pads.Dataset:
    place, names = source
    # No prefetch of whole row groups: a query that is cut early must not read on.
    scan = pads.ParquetFragmentScanOptions(pre_buffer=False, use_buffered_stream=True)
    return pads.dataset(
        list(names), filesystem=place, format=pads.ParquetFileFormat(default_fragment_scan_options=scan)
    )


def _described(table: TableFiles, source: tuple[pafs.FileSystem, tuple[str, ...]]) -> dict[str, Any]:
    place, names = source
    try:
        schema, rows = None, 0
        for name in names:
            with place.open_input_file(name) as file:
                metadata = pq.read_metadata(file)
            schema = metadata.schema.to_arrow_schema() if schema is None else schema
            rows += metadata.num_rows
    except (pa.ArrowException, OSError) as error:
        return _json(TableCard(table.name, problem=str(error)[:500]))
    columns = tuple(_column(field) for field in schema or ())
    return _json(TableCard(table.name, rows, columns))


def _column(field: pa.Field) -> ColumnCard:
    said = field.metadata or {}
    kind = field.type
    return ColumnCard(
        field.name,
        str(kind)[:200],
        next((said[name].decode("utf-8", "replace") for name in _UNITS if name in said), "")[:100],
        said.get(b"description", b"").decode("utf-8", "replace")[:500],
        is_number=bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)),
    )


def _queried(
    question: Question,
    sources: dict[str, tuple[pafs.FileSystem, tuple[str, ...]]],
    line: duckdb.DuckDBPyConnection,
) -> dict[str, Any]:
    for order in _ORDERS:
        line.execute(f"set {order}")
    statements = line.extract_statements(question.sql)
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise QueryError("Ask with one SELECT.")
    for name, source in sources.items():
        line.register(name, _dataset(source))
    line.execute("set lock_configuration = true")
    found = line.execute(statements[0], list(question.parameters))
    columns = tuple(one[0] for one in found.description or ())
    types = tuple(str(one[1]) for one in found.description or ())
    rows, is_cut = _rows(found, question)
    return _json(Answer(columns, types, tuple(rows), is_cut))


def _rows(found: duckdb.DuckDBPyConnection, question: Question) -> tuple[list[tuple[Any, ...]], bool]:
    rows: list[tuple[Any, ...]] = []
    size = 0
    while batch := found.fetchmany(_BATCH):
        for row in batch:
            shown = tuple(shown_value(value) for value in row)
            size += len(json.dumps(shown, ensure_ascii=False).encode())
            if len(rows) == question.most_rows or size > question.most_bytes:
                return rows, True
            rows.append(shown)
    return rows, False


def shown_value(value: Any) -> Any:
    """A value as JSON: numbers as they are, times as ISO 8601, bytes as hexadecimal, the rest as text."""
    match value:
        case None | bool() | int():
            return value
        case float():
            return value if math.isfinite(value) else str(value)
        case bytes() | bytearray():
            return value[:_MOST_BINARY].hex() + ("…" if len(value) > _MOST_BINARY else "")
        case list() | tuple():
            return [shown_value(one) for one in value]
        case dict():
            return {str(name): shown_value(one) for name, one in value.items()}
        case _:
            text = value.isoformat() if isinstance(value, (dt.date, dt.time)) else str(value)
            return text if len(text) <= _LONGEST_TEXT else text[:_LONGEST_TEXT] + "…"


def _json(card: Answer | TableCard) -> dict[str, Any]:
    return asdict(card)
