"""The door of streaming: ``tsunagu.stream(...)`` and what it raises."""

from tsunagu.streaming.errors import (
    MixedSchemaError,
    NothingToStreamError,
    OtherStreamError,
    StreamPackageMissingError,
)
from tsunagu.streaming.reader import Stream, stream

__all__ = [
    "MixedSchemaError",
    "NothingToStreamError",
    "OtherStreamError",
    "Stream",
    "StreamPackageMissingError",
    "stream",
]
