"""What kinds of columns are in Arrow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Mapping

# Microseconds reach from before writing to beyond the sun; nanoseconds only from 1677 to 2262.
ARROW_TYPES: Mapping[str, Any] = {
    "boolean": pa.bool_(),
    "integer": pa.int64(),
    "wide_integer": pa.int64(),
    "number": pa.float64(),
    "date": pa.date32(),
    "time": pa.time64("us"),
    "timestamp": pa.timestamp("us"),
    "timestamp_utc": pa.timestamp("us", "UTC"),
    "text": pa.string(),
    "binary": pa.binary(),
    "numbers": pa.list_(pa.float64()),
}
