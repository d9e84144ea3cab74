"""What goes wrong while a file is read; the reason of each becomes the ``reason`` of an outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from tsunagu.core.errors import InvalidInputError, TsunaguError

if TYPE_CHECKING:
    from tsunagu.formats.types import Reading

ReasonCode = Literal[
    "empty",
    "truncated",
    "corrupt",
    "encrypted",
    "unsupported",
    "pickled",
    "too_big",
    "out_of_memory",
    "out_of_time",
    "crashed",
    "reader_failed",
    "not_accessible",
    "unrecognised",
]


class UnreadableError(TsunaguError):
    """Raised by a reader that knows what is wrong; the message is shown to the researcher as it stands.

    Args:
        message: One sentence naming what is wrong, with numbers where there are any.
        reason_code: The stable word for it.
        partial: What was found before it broke; a researcher still wants the header of half a file.
    """

    code: ClassVar[str] = "formats.unreadable"
    status: ClassVar[int] = 422
    default_message = "The file could not be read."

    def __init__(
        self, message: str = "", *, reason_code: ReasonCode = "corrupt", partial: Reading | None = None
    ) -> None:
        self.reason_code: ReasonCode = reason_code
        self.partial = partial
        super().__init__(message)


class CellError(Exception):
    """Raised while rows are read: a cell does not fit the kind that its column was asked to have.

    Args:
        column: Name of the column.
        reason: One sentence, with the cell and its line where they are known.
        is_text: Whether only text can hold the column (``007`` is no number).
    """

    def __init__(self, column: str, reason: str, *, is_text: bool = False) -> None:
        self.column = column
        self.reason = reason
        self.is_text = is_text
        super().__init__(reason)


def truncated(
    have: int, need: int, what: str = "The file", *, partial: Reading | None = None
) -> UnreadableError:
    """The error for a file that is shorter than it says; sizes in bytes."""
    return UnreadableError(
        f"{what} ends after {have:,} of {need:,} announced bytes.", reason_code="truncated", partial=partial
    )


class MappingError(InvalidInputError):
    """A mapping file is wrong; the message names the line."""

    code = "formats.mapping"
    default_message = "The mapping cannot be used."
    default_remedy = "Correct the line and save again; the mapping in force stays as it was."


class SandboxError(TsunaguError):
    """The child process that reads files cannot be started on this machine."""

    code = "formats.sandbox"
    status = 500
    default_message = "The process that reads files cannot be started."
    default_remedy = "Run `tsunagu check`; it says which wall is missing."


class ConversionError(TsunaguError):
    """A table cannot be made from its files."""

    code = "formats.conversion"
    status = 422
    default_message = "The table could not be made."
    default_remedy = "Correct the files that are named, freeze a new version and try again."


class QueryFailedError(InvalidInputError):
    """A query is wrong, or costs more than it may."""

    code = "formats.query_failed"
    default_message = "The query could not be answered."
    default_remedy = (
        "The names of tables and columns stand beside the query; DuckDB's documentation explains its SQL."
    )
