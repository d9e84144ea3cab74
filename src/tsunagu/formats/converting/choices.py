"""What people chose about the tables that are made: applied to every part on its way into the table, in one pass.

A choice names a column as the files have it. Where a table has no such column, the choice says nothing of that table.
Source bytes never change; a choice that is taken back leaves no trace in the next table.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from tsunagu.formats.converting.by_time import DividingByTime
from tsunagu.formats.converting.dividing import Dividing
from tsunagu.formats.converting.kinds import ARROW_TYPES
from tsunagu.formats.converting.rowhash import SeenRows, row_hashes
from tsunagu.formats.converting.types import SPLIT_COLUMN, ColumnPlan

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tsunagu.formats.converting.types import Choice, SourcePlan, TablePlan

_PSEUDONYM_BYTES = 8
_TEXT: pa.DataType = ARROW_TYPES["text"]


class Chooser:
    """Makes the columns of a plan into those of the table.

    Attributes:
        plan: What is written and profiled: names, kinds and units as chosen, with the column of the split.
    """

    def __init__(self, plan: TablePlan) -> None:
        self._asked = plan
        self._by_column: dict[str, dict[str, Choice]] = {}
        for choice in plan.choices:
            self._by_column.setdefault(choice.column, {})[choice.kind] = choice
        self._seen = SeenRows() if "deduplicate" in self._of("") else None
        self.dividing = Dividing(plan, _last(plan, "split"))
        self.by_time = DividingByTime(plan, _last(plan, "split_by_time"))
        self._file = -1
        self.plan = self._planned()
        self._has_own_split = any(one.name == SPLIT_COLUMN for one in plan.columns)

    def apply(self, index: int, cells: list[Any]) -> list[Any]:
        """The columns of a batch of one source as they stand in the table; no rows where all were repetition.

        Args:
            index: Number of the source.
            cells: An Arrow array for each column of the plan that was asked for.
        """
        columns = self._asked.columns
        cells = [self._without_codes(one, values) for one, values in zip(columns, cells, strict=True)]
        if self._seen is not None:
            if index != self._file:
                self._file = index
                self._seen.clear()
            is_new = self._seen.add(row_hashes(cells))
            if not is_new.all():
                kept = pa.array(is_new)
                cells = [values.filter(kept) for values in cells]
        parts = self.dividing.add(index, cells)
        by_time = self.by_time.add(index, cells)
        parts = by_time if by_time is not None else parts
        made = [
            self._changed(one, values)
            for one, values in zip(columns, cells, strict=True)
            if self._stays(one) and not (parts is not None and one.name == SPLIT_COLUMN)
        ]
        return [*made, parts] if parts is not None else made

    def name_of(self, column: str) -> str:
        """What a column of the files is called in the table."""
        renamed = self._of(column).get("rename")
        return renamed.value if renamed else column

    def _of(self, column: str) -> Mapping[str, Choice]:
        return self._by_column.get(column, {})

    def _stays(self, column: ColumnPlan) -> bool:
        return "drop" not in self._of(column.name)

    def _planned(self) -> TablePlan:
        plan = self._asked
        is_divided = self.dividing.is_wanted or self.by_time.is_wanted
        columns = [
            self._column(one)
            for one in plan.columns
            if self._stays(one) and not (is_divided and one.name == SPLIT_COLUMN)
        ]
        if is_divided:
            columns.append(ColumnPlan(SPLIT_COLUMN, "text", "", self._split_in_words()))
        kept = [place for place, one in enumerate(plan.file_columns) if self._stays(one)]
        return replace(
            plan,
            columns=tuple(columns),
            file_columns=tuple(self._column(plan.file_columns[place]) for place in kept),
            sources=tuple(self._source(one, kept) for one in plan.sources),
            choices=tuple(replace(one, column=self.name_of(one.column)) for one in plan.choices),
        )

    def _split_in_words(self) -> str:
        if self.by_time.is_wanted:
            first, second = self.by_time.moments.split("/")
            return (
                f"part for training and test in the order of {self.by_time.column}: train before {first}, "
                f"validation before {second}, then test"
            )
        return f"part for training and test; rows of one {self.dividing.column} stay together"

    def _column(self, column: ColumnPlan) -> ColumnPlan:
        chosen = self._of(column.name)
        if "pseudonymise" in chosen:
            words = f"{column.description} (pseudonyms)".strip()
            column = replace(column, kind="text", unit="", description=words)
        elif "encode" in chosen:
            column = replace(column, kind="integer", description=_codes_in_words(column, chosen["encode"]))
        if "unit" in chosen:
            column = replace(column, unit=chosen["unit"].value)
        return replace(column, name=self.name_of(column.name))

    def _source(self, source: SourcePlan, kept: list[int]) -> SourcePlan:
        """A source with the values of its file columns as chosen."""
        if not self._asked.choices:
            return source
        values = []
        for place in kept:
            column, value = self._asked.file_columns[place], source.values[place]
            if value is not None:
                is_text = isinstance(value, str)
                array = pa.array([value], _TEXT if is_text else ARROW_TYPES[column.kind])
                made = self._changed(column, self._without_codes(column, array))
                value = made[0].as_py()
            values.append(value)
        return replace(source, values=tuple(values))

    def _without_codes(self, column: ColumnPlan, values: Any) -> Any:
        """Cells that hold the code for a missing value become empty."""
        choice = self._of(column.name).get("missing")
        if choice is None:
            return values
        for code in choice.value.split("|"):
            try:
                wanted = pa.scalar(code.strip(), _TEXT).cast(values.type)
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
                continue  # no cell of this type can hold it
            values = pc.if_else(pc.equal(values, wanted).fill_null(fill_value=False), None, values)
        return values

    def _changed(self, column: ColumnPlan, values: Any) -> Any:
        chosen = self._of(column.name)
        if "pseudonymise" in chosen:
            return _pseudonyms(values, bytes.fromhex(chosen["pseudonymise"].value))
        if "encode" in chosen:
            known = pa.array(chosen["encode"].value.split("|"), _TEXT)
            return pc.index_in(_as_text(values), value_set=known, skip_nulls=True).cast(pa.int64())
        return values


def _last(plan: TablePlan, kind: str) -> Choice | None:
    return next((one for one in reversed(plan.choices) if one.kind == kind), None)


def _codes_in_words(column: ColumnPlan, choice: Choice) -> str:
    codes = ", ".join(f"{code} = {value}" for code, value in enumerate(choice.value.split("|")))
    return f"{column.description}; {codes}" if column.description else codes


def _as_text(values: Any) -> Any:
    """Cells as text; empty where they cannot be, for what is to be hidden must not stay."""
    try:
        return pc.cast(values, _TEXT)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return pa.nulls(len(values), _TEXT)


def _pseudonyms(values: Any, key: bytes) -> Any:
    """The same word for the same value, which nobody without the key can turn back or try out."""
    found = _as_text(values).dictionary_encode()
    words = [
        hmac.new(key, value.encode(), hashlib.sha256).digest()[:_PSEUDONYM_BYTES].hex()
        for value in found.dictionary.to_pylist()
    ]
    return pa.array(words, _TEXT).take(found.indices)
