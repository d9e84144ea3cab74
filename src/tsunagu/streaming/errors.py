"""What can go wrong before the first batch."""

from __future__ import annotations

from tsunagu.core.errors import ConflictError, InvalidInputError, NotFoundError


class NothingToStreamError(NotFoundError):
    """The version has no Parquet files, or none of the split."""

    code = "streaming.nothing_to_stream"


class MixedSchemaError(InvalidInputError):
    """Files of one split have different columns or types."""

    code = "streaming.mixed_schema"


class OtherStreamError(ConflictError):
    """A saved position belongs to another stream: other data, seed or number of readers."""

    code = "streaming.other_stream"


class StreamPackageMissingError(InvalidInputError):
    """A library that the chosen form needs is not installed."""

    code = "streaming.package_missing"
