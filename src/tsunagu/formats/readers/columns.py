"""Columns of numbers and words as Arrow has them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from tsunagu.formats.types import ColumnType

BATCH_BYTES = 16 << 20
_MOST_ROWS = 1 << 16
_WORDS: dict[str, ColumnType] = {
    "i": "integer", "u": "integer", "f": "number", "b": "boolean", "S": "text", "U": "text", "O": "text",
}  # fmt: skip


def type_of(dtype: Any) -> ColumnType:
    """Our word for a NumPy type; a row that holds several numbers is a list of them."""
    dtype = np.dtype(dtype)
    if dtype.subdtype is not None:
        return "numbers" if dtype.subdtype[0].kind in "iufb" else "other"
    return _WORDS.get(dtype.kind, "other")


def rows_at_once(row_bytes: int) -> int:
    """How many rows of a size are read together."""
    return max(1, min(_MOST_ROWS, BATCH_BYTES // max(1, row_bytes)))


def arrow_of(values: Any, missing: Any = None) -> Any:
    """One column; ``missing`` marks the cells without a value. Shape: (N,), or (N, ...) for a list a row."""
    values = np.asarray(values)
    if values.ndim > 1:
        return _lists(values)
    if values.dtype.kind in "iufb":
        return pa.array(np.ascontiguousarray(values.astype(values.dtype.newbyteorder("="))), mask=missing)
    texts: list[str | None] = [_text(value) for value in values.tolist()]
    if missing is not None:
        texts = [None if gone else text for text, gone in zip(texts, missing, strict=True)]
    return pa.array(texts, pa.string())


def _lists(values: Any) -> Any:
    width = int(np.prod(values.shape[1:]))
    if values.dtype.kind not in "iufb":
        return pa.array([str(row.tolist()) for row in values], pa.string())
    flat = np.ascontiguousarray(values.reshape(-1).astype(np.float64))
    offsets = np.arange(len(values) + 1, dtype=np.int32) * width
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(flat))


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace").rstrip("\x00 ")
    return value if isinstance(value, str) else str(value)
