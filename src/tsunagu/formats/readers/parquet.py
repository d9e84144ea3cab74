"""Parquet: schema and statistics from the footer, the first rows and a curve from the first row groups."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from tsunagu.formats import draw
from tsunagu.formats.errors import UnreadableError
from tsunagu.formats.findings import Findings
from tsunagu.formats.readers import arrow

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tsunagu.formats.reader import Context
    from tsunagu.formats.types import Reading

_MAGIC = b"PAR1"
_BATCH_ROWS = 65536
_READ_ROWS = 1_000_000
_COLUMNS = 2000
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
    names = [field.name for field in schema][:_COLUMNS]
    units = [_said(field, _UNIT_KEYS) for field in schema][:_COLUMNS]
    words = [_said(field, _WORD_KEYS) for field in schema][:_COLUMNS]
    summary = arrow.Summary(len(names))
    for batch in file.iter_batches(_BATCH_ROWS, columns=names, use_threads=False):
        summary.add(batch)
        if summary.rows >= _READ_ROWS:
            summary.is_cut = summary.rows < metadata.num_rows
            break
    columns = summary.columns(names, units, words)
    if summary.is_cut:
        columns = [replace(column, count=None, null_share=None) for column in columns]
        findings.warn(f"Ranges are of the first {summary.rows:,} of {metadata.num_rows:,} rows.")
    findings.table(context.name, columns, row_count=metadata.num_rows, where="file")
    findings.preview(summary.curve(context.name, names, units))
    findings.preview(draw.table(context.name, names, summary.first_rows, metadata.num_rows))


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
