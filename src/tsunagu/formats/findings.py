"""Where a reader collects what it finds; caps and cleaning happen here, once for all formats."""

from __future__ import annotations

import datetime as dt
import math
import re
from typing import TYPE_CHECKING, Any

from tsunagu.formats.types import Array, Column, Field, Preview, Reading, Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tsunagu.formats.types import FieldValue, Limits, Scalar

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
# Beyond this JavaScript and many databases round silently.
_SAFE_INTEGER = 1 << 63


class Findings:
    """Collects fields, tables, arrays, previews and warnings within the limits.

    Nothing that goes in can make the result unserialisable: control characters, lone surrogates and NUL
    (which PostgreSQL refuses) are dropped, long texts clipped, numpy scalars turned into plain numbers.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._fields: list[Field] = []
        self._previews: list[Preview] = []
        self._tables: list[Table] = []
        self._arrays: list[Array] = []
        self._warnings: dict[str, None] = {}
        self._left_out = {"header values": 0, "tables": 0, "arrays": 0}

    @property
    def is_full(self) -> bool:
        """Whether further fields would only be counted."""
        return len(self._fields) >= self.limits.field_count

    @property
    def field_count(self) -> int:
        """How many fields were kept so far."""
        return len(self._fields)

    def field(
        self,
        key: str,
        value: Any,
        *,
        unit: Any = None,
        where: str = "",
        term: str | None = None,
        personal: bool = False,
    ) -> None:
        """Keep one fact; empty keys and values that cannot be shown are passed over."""
        if self.is_full:
            self._left_out["header values"] += 1
            return
        clean_key = clip(str(key), 300).strip()
        if not clean_key:
            return
        self._fields.append(
            Field(
                key=clean_key,
                value=as_value(value, self.limits),
                unit=clean_unit(unit),
                where=clip(where, 300),
                term=term,
                personal=personal,
            )
        )

    def table(
        self, name: str, columns: Iterable[Column], *, row_count: int | None = None, where: str = ""
    ) -> None:
        """Keep the description of a table."""
        if len(self._tables) >= self.limits.table_count:
            self._left_out["tables"] += 1
            return
        self._tables.append(Table(clip(name, 300), tuple(columns), row_count, clip(where, 300)))

    def array(
        self,
        name: str,
        shape: Sequence[int],
        dtype: Any,
        *,
        unit: Any = None,
        minimum: Any = None,
        maximum: Any = None,
        where: str = "",
    ) -> None:
        """Keep the description of an array."""
        if len(self._arrays) >= self.limits.array_count:
            self._left_out["arrays"] += 1
            return
        self._arrays.append(
            Array(
                name=clip(name, 300),
                shape=tuple(int(n) for n in shape),
                dtype=clip(str(dtype), 100),
                unit=clean_unit(unit),
                minimum=as_number(minimum),
                maximum=as_number(maximum),
                where=clip(where, 300),
            )
        )

    def preview(self, preview: Preview | None) -> None:
        """Keep a preview; ``None`` is passed over."""
        if preview is not None:
            self._previews.append(preview)

    @property
    def has_preview(self) -> bool:
        """Whether there is something to look at already."""
        return bool(self._previews)

    def warn(self, text: str) -> None:
        """Keep a warning once; one sentence a researcher understands."""
        if len(self._warnings) < self.limits.warning_count:
            self._warnings[clip(" ".join(text.split()), 500)] = None

    def finish(self) -> Reading:
        """The reading, with a warning for all that was left out."""
        for what, count in self._left_out.items():
            if count:
                kept = {
                    "header values": self.limits.field_count,
                    "tables": self.limits.table_count,
                    "arrays": self.limits.array_count,
                }[what]
                self._warnings[f"{count:,} more {what} were left out; the limit is {kept:,}."] = None
        return Reading(
            fields=tuple(self._fields),
            previews=tuple(self._previews),
            tables=tuple(self._tables),
            arrays=tuple(self._arrays),
            warnings=tuple(self._warnings),
        )


def clip(text: str, length: int) -> str:
    """Text without control characters, at most ``length`` characters, with an ellipsis when cut."""
    if not text.isprintable():
        text = _CONTROL.sub("", text)
    return text if len(text) <= length else text[: length - 1] + "…"


def clean_unit(unit: Any) -> str | None:
    """The unit as written, or ``None`` when there is none."""
    if unit is None:
        return None
    if isinstance(unit, bytes):
        unit = unit.decode("utf-8", "replace")
    return clip(str(unit), 100).strip() or None


def as_number(value: Any) -> float | None:
    """A finite float, else ``None``."""
    if value is None:
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def as_value(value: Any, limits: Limits) -> FieldValue:
    """A JSON scalar, or a short tuple of them, from whatever a library returned."""
    if hasattr(value, "tolist") and not isinstance(value, (str, bytes, memoryview)):
        value = value.tolist() if getattr(value, "size", 1) <= limits.list_length else _describe(value)
    if isinstance(value, (list, tuple, set, frozenset)):
        items = list(value)
        if len(items) == 1:
            return as_value(items[0], limits)
        kept = [_as_scalar(item, limits) for item in items[: limits.list_length]]
        if len(items) > limits.list_length:
            kept.append(f"… ({len(items):,} values)")
        return tuple(kept)
    return _as_scalar(value, limits)


def _describe(value: Any) -> str:
    shape = " x ".join(str(n) for n in getattr(value, "shape", ()))
    return f"({shape} array of {getattr(value, 'dtype', 'values')})"


def _as_scalar(value: Any, limits: Limits) -> Scalar:  # noqa: PLR0911 - one line for each kind of value
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value) if -_SAFE_INTEGER <= value < _SAFE_INTEGER else str(value)
    if isinstance(value, float):
        # "nan" as a word: JSON has none, and a silent null would hide that the file said it.
        return float(value) if math.isfinite(value) else str(float(value))
    if isinstance(value, (dt.datetime, dt.date, dt.time)):
        return value.isoformat()
    if isinstance(value, (bytes, bytearray, memoryview)):
        return _as_text(bytes(value), limits)
    if hasattr(value, "item") and getattr(value, "ndim", None) == 0:
        return _as_scalar(value.item(), limits)
    return clip(str(value), limits.text_length).strip()


def _as_text(value: bytes, limits: Limits) -> str:
    raw = value[: limits.text_length * 4].rstrip(b"\x00 ")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    printable = sum(c.isprintable() or c in "\r\n\t" for c in text)
    if text and printable < 0.85 * len(text):
        return f"({len(value):,} bytes)"
    return clip(text, limits.text_length).strip()
