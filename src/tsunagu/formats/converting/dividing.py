"""Parts for training, validation and test that keep together what belongs together; the same for ever.

A group (a patient, a sample, a file) has a place from 0 to 1 by the hash of its name; two cuts divide the line. So one
pass is enough, rows that come later fall where their group is, and no list of groups is kept. Few groups are seldom even:
the cuts lie where the groups that were seen make the wanted shares.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tsunagu.formats.converting.types import SOURCE_COLUMN, Cuts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tsunagu.formats.converting.types import Choice, TablePlan

SPLITS = ("train", "validation", "test")
SHARES = (80, 10, 10)
MOST_GROUPS = 10_000
_MOST_CANDIDATES = 4
_DIVIDING_KINDS = {
    "text",
    "integer",
    "wide_integer",
    "number",
    "boolean",
    "date",
    "time",
    "timestamp",
    "timestamp_utc",
}
GROUP_KINDS = frozenset({"text", "integer", "wide_integer"})
_LEAST_GROUPS = 3
# Names of what is measured more than once, in both languages; what people choose goes before.
_GROUP_NAMES = re.compile(
    r"(?:^|[_\W])(?:patient|subject|participant|donor|animal|mouse|person|individual|sample|specimen|wafer|batch|lot|plate"
    r"|session|site|subj|pid)s?(?:[_\W]?(?:id|no|number|name|code|key))?(?:$|[_\W])"
    r"|患者|被験者|参加者|対象者|個体|試料|検体|標本|サンプル|ロット|ウエハ|ウェハ|バッチ|施設",
    re.IGNORECASE,
)


def is_group_name(name: str) -> bool:
    """Whether a column is called like something that is measured more than once."""
    return bool(_GROUP_NAMES.search(name))


def place_of(value: str) -> float:
    """Where a group lies on the line from 0 to 1."""
    digest = hashlib.blake2b(value.encode(), digest_size=8, person=b"tsunagu-split").digest()
    return int.from_bytes(digest) / 2**64


class Dividing:
    """Counts the groups of columns that may hold some, and says in which part each row of the chosen one is.

    Attributes:
        column: Whose groups stay together in the parts; empty while nobody wants parts.
    """

    def __init__(self, plan: TablePlan, choice: Choice | None) -> None:
        self._plan = plan
        kinds = {one.name: one.kind for one in (*plan.columns, *plan.file_columns)}
        is_there = choice and (choice.column == SOURCE_COLUMN or kinds.get(choice.column) in _DIVIDING_KINDS)
        self.column = choice.column if choice and is_there else ""
        self._cuts = tuple(float(one) for one in choice.value.split("/")) if choice and choice.value else ()
        chosen = {
            one.column for one in plan.choices if one.kind == "group" and kinds.get(one.column) in GROUP_KINDS
        }
        named = [one for one, kind in kinds.items() if is_group_name(one) and kind in GROUP_KINDS]
        self._counts: dict[str, Counter[float] | None] = {
            name: Counter() for name in [*chosen, *named][:_MOST_CANDIDATES]
        }
        if len(plan.sources) >= _LEAST_GROUPS:
            self._counts[SOURCE_COLUMN] = Counter()

    @property
    def is_wanted(self) -> bool:
        """Whether a column for the part is to be made."""
        return bool(self.column)

    def add(self, index: int, cells: Sequence[Any]) -> Any:
        """The part of every row of a batch of one source as an Arrow array; None while nobody wants parts."""
        rows = len(cells[0]) if cells else 0
        for column, counts in self._counts.items():
            if counts is not None:
                self._count(column, counts, self._values(column, index, cells), rows)
        if not self.is_wanted:
            return None
        values = self._values(self.column, index, cells)
        if not isinstance(values, pa.Array):
            return pa.array([self._part(values)] * rows, pa.string())
        found = values.dictionary_encode()
        parts = pa.array([self._part(one) for one in found.dictionary.to_pylist()], pa.string())
        return pc.fill_null(parts.take(found.indices), self._part(None))

    def cuts(self) -> tuple[Cuts, ...]:
        """For each column that holds groups, where cuts make the usual shares of the rows."""
        found = []
        for column, counts in self._counts.items():
            if counts is None:
                low, high = SHARES[0] / 100, (SHARES[0] + SHARES[1]) / 100
                found.append(Cuts(column, 0, low, high, ()))
            elif _LEAST_GROUPS <= len(counts) < sum(counts.values()):
                found.append(_cut(column, counts))
        return tuple(found)

    def _values(self, column: str, index: int, cells: Sequence[Any]) -> Any:
        """An array of texts, or the one text (or None) that all rows of the source share."""
        source = self._plan.sources[index]
        if column == SOURCE_COLUMN:
            return source.path
        for place, one in enumerate(self._plan.columns):
            if one.name == column:
                return pc.cast(cells[place], pa.string())
        place = next(i for i, one in enumerate(self._plan.file_columns) if one.name == column)
        return None if source.values[place] is None else str(source.values[place])

    def _count(self, column: str, counts: Counter[float], values: Any, rows: int) -> None:
        if isinstance(values, pa.Array):
            different, several = pc.value_counts(values.drop_null()).flatten()
            if len(different) > MOST_GROUPS:
                self._counts[column] = None
                return
            pairs: Any = zip(different.to_pylist(), several.to_pylist(), strict=True)
        else:
            pairs = [(values, rows)] if values is not None else []
        for value, count in pairs:
            counts[place_of(value)] += count
        if len(counts) > MOST_GROUPS:
            self._counts[column] = None

    def _part(self, value: str | None) -> str:
        """Rows of no group are for training: in test they might belong to somebody in training."""
        if value is None or not self._cuts:
            return SPLITS[0]
        return SPLITS[int(np.searchsorted(self._cuts, place_of(value), side="right"))]


def _cut(column: str, counts: Mapping[float, int]) -> Cuts:
    """Cuts between groups, so that the parts come as near to the shares as whole groups can and none is empty."""
    places = sorted(counts.items())
    rows = np.array([count for _, count in places])
    ends = np.cumsum(rows)
    whole = int(ends[-1])
    first = nearest(ends, SHARES[0] / 100 * whole, 1, len(places) - 2)
    second = nearest(ends, (SHARES[0] + SHARES[1]) / 100 * whole, first + 1, len(places) - 1)
    middle = [(places[n - 1][0] + places[n][0]) / 2 for n in (first, second)]
    sizes = (int(ends[first - 1]), int(ends[second - 1] - ends[first - 1]), whole - int(ends[second - 1]))
    return Cuts(column, len(places), middle[0], middle[1], sizes)


def nearest(ends: Any, wanted: float, least: int, most: int) -> int:
    """How many groups, from ``least`` to ``most``, hold about the wanted number of rows."""
    return least + int(np.argmin(np.abs(ends[least - 1 : most] - wanted)))
