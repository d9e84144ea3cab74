"""A split by time as people ask for it: the moments that they write are read, others come from the tables. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from tsunagu.data.readiness.errors import BadChoiceError, BadMomentsError
from tsunagu.formats import api as formats

KIND = "split_by_time"
_HIDING = ("drop", "encode", "pseudonymise")
# What a column that is in no table any more may hold; the next conversion knows.
_ANY = ("number", "timestamp", "timestamp_utc")


def completed(
    choice: formats.Choice,
    tables: Iterable[formats.TableProfile],
    applied: Sequence[formats.Choice],
    *,
    is_sealed: bool,
) -> formats.Choice:
    """The choice with its moments as the column writes its own; without any, with those that the tables propose.

    Args:
        choice: Of this kind.
        tables: As they were made.
        applied: The choices by which they were made.
        is_sealed: Whether values of the tables may not be written into a choice.

    Raises:
        BadChoiceError: the column is no time and no number.
        BadMomentsError: the moments cannot be read, or nothing proposes any.
    """
    seen = sorted(tables, key=lambda one: -one.row_count)
    columns = [
        one
        for table in seen
        for one in table.columns
        if _source_name(one.name, applied) == choice.column and one.null_count < table.row_count
    ]
    is_hidden = any(one.kind in _HIDING and one.column == choice.column for one in applied)
    kinds = [] if is_hidden else [one.kind for one in columns if one.kind in formats.RUNNING_KINDS]
    if columns and not kinds and not is_hidden:
        raise BadChoiceError(
            f"The column {choice.column!r} holds neither times nor numbers; split:COLUMN divides by groups."
        )
    if choice.value:
        return replace(choice, value=_read(choice.value, kinds or _ANY))
    if is_sealed:
        raise BadMomentsError("The values of a sealed dataset are not written into its choices.")
    cuts = cuts_of(seen, choice.column)
    if cuts is None:
        raise BadMomentsError(_why_none(choice.column, columns, is_hidden=is_hidden))
    return replace(choice, value=f"{cuts.low}/{cuts.high}")


def cuts_of(tables: Iterable[formats.TableProfile], column: str) -> formats.TimeCuts | None:
    """What the largest table proposes that knows the column."""
    for table in sorted(tables, key=lambda one: -one.row_count):
        for cuts in table.leakage.time_cuts if table.leakage else ():
            if cuts.column == column:
                return cuts
    return None


def _read(value: str, kinds: Sequence[str]) -> str:
    """The moments as a column of the first kind that can hold them writes them."""
    first: Exception | None = None
    for kind in kinds:
        try:
            return formats.moments_text(formats.read_moments(value, kind), kind)
        except (ValueError, OverflowError) as error:
            first = first or error
    raise BadMomentsError(str(first)) from first


def _why_none(column: str, columns: Sequence[formats.ColumnProfile], *, is_hidden: bool) -> str:
    if not columns and not is_hidden:
        return f"No row has a value in the column {column!r}."
    if columns and all(one.minimum == one.maximum for one in columns):
        return f"All rows are of one moment by the column {column!r}, so there is nothing to divide."
    return f"The tables propose no moments for the column {column!r}."


def _source_name(name: str, applied: Sequence[formats.Choice]) -> str:
    return next((one.column for one in applied if one.kind == "rename" and one.value == name), name)
