"""Parquet: schema, nulls and ranges from the footer, the first rows and a curve from the first row groups."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from tsunagu.formats import draw
from tsunagu.formats.errors import UnreadableError
from tsunagu.formats.findings import Findings
from tsunagu.formats.readers import arrow, parquet_footer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tsunagu.formats.reader import Context
    from tsunagu.formats.types import Column, Reading

_MAGIC = b"PAR1"
_BATCH_ROWS = 65536
_READ_ROWS = 1_000_000
_COLUMNS = 2000
_NAMED = 5
_UNIT_KEYS = (b"unit", b"units")
_WORD_KEYS = (b"description", b"comment")


def read(path: Path, context: Context) -> Reading:
    """Schema, rows, statistics.

    Raises:
        UnreadableError: the footer is missing or damaged, or the file is encrypted.
    """
    findings = Findings(context.limits)
    with path.open("rb") as source:
        source.seek(max(0, context.byte_count - 4))
        if source.read() != _MAGIC:
            raise UnreadableError(
                "The Parquet file breaks off: the description at its end is missing.", reason_code="truncated"
            )
        try:
            file = pq.ParquetFile(source, memory_map=False, pre_buffer=False)
            _describe(file, findings, context)
        except (pa.ArrowException, OSError, ValueError) as error:
            text = str(error).partition("\n")[0].rstrip(".")
            code = "encrypted" if "encrypt" in text.lower() else "corrupt"
            raise UnreadableError(
                f"The Parquet file is damaged: {text}.",
                reason_code=code,  # type: ignore[arg-type]
                partial=findings.finish(),
            ) from error
    return findings.finish()


def _describe(file: Any, findings: Findings, context: Context) -> None:
    metadata, schema = file.metadata, file.schema_arrow
    findings.field("created_by", metadata.created_by, where="footer")
    findings.field("rows", metadata.num_rows, where="footer")
    findings.field("row groups", metadata.num_row_groups, where="footer")
    for raw_key, raw in (metadata.metadata or {}).items():
        key = raw_key.decode("utf-8", "replace")
        if key == "ARROW:schema":
            continue
        value = raw.decode("utf-8", "replace")
        findings.field(key, _brief(value), where=f"footer, key {key}")
    table = _Table(metadata, list(schema)[:_COLUMNS])
    decoded = table.decoded()
    names = [table.names[index] for index in decoded]
    summary = _summary(file, names)
    columns = _columns(table, dict(zip(decoded, range(len(decoded)), strict=True)), summary, findings)
    findings.table(context.name, columns, row_count=table.rows, where="file")
    findings.preview(summary.curve(context.name, names, [table.units[index] for index in decoded]))
    findings.preview(draw.table(context.name, table.names, _first_rows(file, table.names), table.rows))


class _Table:
    """Its columns: names, units, descriptions, and what the footer says of those of which it says everything."""

    def __init__(self, metadata: Any, fields: Sequence[Any]) -> None:
        self.rows: int = metadata.num_rows
        self.types = [field.type for field in fields]
        self.names = [field.name for field in fields]
        self.units = [_said(field, _UNIT_KEYS) for field in fields]
        self.words = [_said(field, _WORD_KEYS) for field in fields]
        self.said = parquet_footer.columns(metadata, fields)

    def decoded(self) -> list[int]:
        """Places of the columns that a curve needs or that the footer is silent about; no others are decoded."""
        ranged = (index for index, said in self.said.items() if said.low is not None)
        drawn = [index for index in ranged if arrow.is_drawn(self.types[index])][: arrow.CURVE_COLUMNS]
        return [index for index in range(len(self.names)) if index in drawn or index not in self.said]


def _summary(file: Any, names: list[str]) -> arrow.Summary:
    """Of the first million rows of these columns."""
    summary = arrow.Summary(len(names))
    for batch in file.iter_batches(_BATCH_ROWS, columns=names, use_threads=False) if names else ():
        summary.add(batch)
        if summary.rows >= _READ_ROWS:
            break
    return summary


def _columns(
    table: _Table, decoded: Mapping[int, int], summary: arrow.Summary, findings: Findings
) -> list[Column]:
    """All of them: as the footer says, and from the rows that were decoded where it is silent or contradicted by them."""
    found: list[Column] = []
    cut: list[str] = []
    for index, (name, unit, words) in enumerate(zip(table.names, table.units, table.words, strict=True)):
        said, at = table.said.get(index), decoded.get(index)
        if said is not None and at is not None and not summary.lies_within(at, said.low, said.high):
            findings.warn(f"The footer names another range of {name} than its rows hold.")
            said = None
        if said is not None:
            column = arrow.column(name, table.types[index], table.rows, said.nulls, (said.low, said.high))
        else:
            column = summary.column(at or 0, name)
            if summary.rows < table.rows:
                column = replace(column, count=None, null_share=None)
                cut.append(name)
        found.append(replace(column, unit=unit, description=words))
    if cut:
        which = "Ranges" if len(cut) == len(found) else f"Ranges of {', '.join(cut[:_NAMED])}"
        findings.warn(f"{which} are of the first {summary.rows:,} of {table.rows:,} rows.")
    return found


def _first_rows(file: Any, names: list[str]) -> list[tuple[Any, ...]]:
    head = next(file.iter_batches(draw.TABLE_ROWS, columns=names, use_threads=False), None)
    return [] if head is None else list(zip(*(column.to_pylist() for column in head.columns), strict=True))


def _said(field: Any, keys: Sequence[bytes]) -> str | None:
    raw = next((field.metadata[key] for key in keys if field.metadata and key in field.metadata), None)
    return raw.decode("utf-8", "replace") if raw else None


def _brief(value: str) -> str:
    """The pandas block repeats the schema: only who wrote it is of interest."""
    if value.startswith("{"):
        try:
            document = json.loads(value)
        except ValueError:
            return value
        if isinstance(document, dict) and "pandas_version" in document:
            return f"pandas {document['pandas_version']}"
    return value
