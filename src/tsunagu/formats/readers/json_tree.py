"""JSON documents and JSON lines: leaves become fields, lists of equal objects become tables."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tsunagu.formats import draw
from tsunagu.formats.encoding import decode, detect
from tsunagu.formats.errors import UnreadableError, truncated
from tsunagu.formats.findings import Findings
from tsunagu.formats.types import Column

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tsunagu.formats.reader import Context
    from tsunagu.formats.types import ColumnType, Reading

_DOCUMENT_BYTES = 64 << 20
_TABLE_LEAST = 2
_LIST_ITEMS = 20


def read(path: Path, context: Context) -> Reading:
    """A JSON document up to 64 MiB, or JSON lines of any size.

    Raises:
        UnreadableError: invalid, cut off, or larger than the cap.
    """
    with path.open("rb") as source:
        data = source.read(_DOCUMENT_BYTES + 1)
    encoding = detect(context.head)
    if encoding is None:
        raise UnreadableError("The content is not text in any known encoding.")
    text = decode(data[:_DOCUMENT_BYTES], encoding).removeprefix("\ufeff")
    findings = Findings(context.limits)
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        rows = _lines(text, findings, is_whole=len(data) <= _DOCUMENT_BYTES)
        if rows is None:
            raise _sentence(error, text, len(data)) from error
        document = rows
    _walk(document, "", findings, context, 0)
    if isinstance(document, dict) and "@context" in document:
        findings.field("format", "JSON-LD", where="key @context")
    if not findings.has_preview:
        findings.preview(
            draw.text(context.name, text[: draw.TEXT_CHARACTERS], is_whole=len(text) <= draw.TEXT_CHARACTERS)
        )
    return findings.finish()


def _sentence(error: json.JSONDecodeError, text: str, size: int) -> UnreadableError:
    if size > _DOCUMENT_BYTES:
        return UnreadableError(
            f"The JSON document is larger than {_DOCUMENT_BYTES:,} bytes, which is the limit.",
            reason_code="too_big",
        )
    if error.pos >= len(text.rstrip()) - 1 or error.msg.startswith("Unterminated"):
        cut = truncated(size, size, "The JSON document")
        cut.message = f"The JSON document breaks off in line {error.lineno}."
        return cut
    return UnreadableError(
        f"The JSON is not valid in line {error.lineno}, column {error.colno}: {error.msg}."
    )


def _lines(text: str, findings: Findings, *, is_whole: bool) -> list[Any] | None:
    """JSON lines, or ``None`` when the first two lines are not JSON by themselves."""
    rows, bad = [], 0
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) < _TABLE_LEAST:
        return None
    for number, line in enumerate(lines):
        try:
            rows.append(json.loads(line))
        except ValueError:
            if number < _TABLE_LEAST:
                return None
            bad += 1
    if bad:
        findings.warn(f"{bad:,} of {len(lines):,} lines are not valid JSON.")
    if not is_whole:
        findings.warn(f"Only the first {_DOCUMENT_BYTES:,} bytes were looked at.")
    return rows


def _walk(node: Any, place: str, findings: Findings, context: Context, depth: int) -> None:
    """Leaves by their path; ``{"value": 1, "unit": "K"}`` is one leaf with a unit."""
    if depth > context.limits.depth:
        findings.warn(f"What is nested deeper than {context.limits.depth} levels was left out.")
        return
    if isinstance(node, dict):
        if "value" in node and not isinstance(node["value"], (dict, list)) and _unit(node) is not None:
            findings.field(place or "value", node["value"], unit=_unit(node), where=f"key {place}")
            return
        for key, child in node.items():
            _walk(child, f"{place}.{key}" if place else str(key), findings, context, depth + 1)
    elif isinstance(node, list):
        _walk_list(node, place, findings, context, depth)
    else:
        findings.field(place or "value", node, where=f"key {place}" if place else "document")


def _unit(node: dict[str, Any]) -> str | None:
    unit = node.get("unit", node.get("units"))
    return unit if isinstance(unit, str) else None


def _walk_list(node: list[Any], place: str, findings: Findings, context: Context, depth: int) -> None:
    name = place or context.name
    if len(node) >= _TABLE_LEAST and all(isinstance(item, dict) for item in node[:100]):
        _table(node, name, place, findings)
    elif node and all(isinstance(item, (int, float)) and not isinstance(item, bool) for item in node[:1000]):
        if len(node) <= context.limits.list_length:
            findings.field(place or "value", node, where=f"key {place}")
        else:
            numbers = [item for item in node if isinstance(item, (int, float))]
            findings.array(
                name, (len(node),), "number", minimum=min(numbers), maximum=max(numbers), where=f"key {place}"
            )
            if len(numbers) == len(node) and not findings.has_preview:
                findings.preview(
                    draw.curve(name, [draw.series(name, range(len(node)), numbers)], x=("index", None))
                )
    elif node and not any(isinstance(item, (dict, list)) for item in node):
        findings.field(place or "value", node, where=f"key {place}")
    else:
        for index, child in enumerate(node[:_LIST_ITEMS]):
            _walk(child, f"{place}[{index}]", findings, context, depth + 1)
        if len(node) > _LIST_ITEMS:
            findings.array(name, (len(node),), "object", where=f"key {place}")


def _table(rows: Sequence[Any], name: str, place: str, findings: Findings) -> None:
    names: dict[str, None] = {}
    for row in rows[:1000]:
        if isinstance(row, dict):
            names.update(dict.fromkeys(map(str, row)))
    titles = list(names)[: draw.TABLE_COLUMNS]
    columns = [_column(title, [row.get(title) for row in rows if isinstance(row, dict)]) for title in titles]
    findings.table(name, columns, row_count=len(rows), where=f"key {place}" if place else "document")
    if not findings.has_preview:
        first = [
            [_short(row.get(title)) for title in titles]
            for row in rows[: draw.TABLE_ROWS]
            if isinstance(row, dict)
        ]
        findings.preview(draw.table(name, titles, first, len(rows)))


def _short(value: Any) -> Any:
    return (
        json.dumps(value, ensure_ascii=False)[: draw.CELL_LENGTH]
        if isinstance(value, (dict, list))
        else value
    )


def _column(name: str, values: Sequence[Any]) -> Column:
    present = [value for value in values if value is not None]
    kinds = {type(value) for value in present}
    word: ColumnType = "other"
    low = high = None
    if not present:
        word = "empty"
    elif kinds == {bool}:
        word = "boolean"
    elif kinds <= {int, float}:
        word = "integer" if kinds == {int} else "number"
        low, high = min(present), max(present)
    elif kinds == {str}:
        word = "text"
    share = round(1 - len(present) / len(values), 6) if values else None
    return Column(name, word, count=len(present), null_share=share, minimum=low, maximum=high)
