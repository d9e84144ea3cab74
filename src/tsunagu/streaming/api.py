"""The door of streaming: ``tsunagu.stream(...)`` and what it raises."""

from tsunagu.streaming.errors import (
    MixedSchemaError,
    NothingToStreamError,
    OtherStreamError,
    StreamPackageMissingError,
)
from tsunagu.streaming.opening import stream
from tsunagu.streaming.reader import Stream

__all__ = [
    "MixedSchemaError",
    "NothingToStreamError",
    "OtherStreamError",
    "Stream",
    "StreamPackageMissingError",
    "stream",
]
