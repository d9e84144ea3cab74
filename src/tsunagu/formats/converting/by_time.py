"""Parts for training, validation and test in the order of time, for what is to be forecast: test comes last.

Two moments divide the rows: before the first is training, from it on validation, from the second on test. Rows of one
moment stay together, and one pass is enough. Where the moments lie is proposed from a sketch of the times that were seen.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tsunagu.formats.converting.dividing import SHARES, SPLITS, nearest
from tsunagu.formats.converting.kinds import ARROW_TYPES
from tsunagu.formats.converting.moments import (
    RUNNING_KINDS,
    TIMES,
    moments_text,
    read_moments,
)
from tsunagu.formats.converting.sketch import Sketch
from tsunagu.formats.converting.types import TimeCuts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tsunagu.formats.converting.types import Choice, Kind, TablePlan

_MOST_CANDIDATES = 4
_LEAST_MOMENTS = 2
OF_BIRTH = re.compile(r"生年月日|誕生日|birth", re.IGNORECASE)
# Names of numbers that run with time; what people choose goes before.
_RUNNING_NAMES = re.compile(
    r"(?:^|[_\W])(?:t|time|timestamp|elapsed|epoch|seconds?|sec|minutes?|hours?|days?|step|tick|index|frame)(?:$|[_\W])"
    r"|時刻|時間|経過",
    re.IGNORECASE,
)


class DividingByTime:
    """Sees the times of columns that may divide a table, and says in which part each row is.

    Attributes:
        column: Along which the parts follow each other; empty while nobody wants parts, or where its cells cannot be
            compared with the moments that were chosen.
        moments: Those that were chosen, as people write them.
    """

    def __init__(self, plan: TablePlan, choice: Choice | None) -> None:
        self._plan = plan
        self._kinds = {
            one.name: one.kind for one in (*plan.columns, *plan.file_columns) if one.kind in RUNNING_KINDS
        }
        self.column = ""
        self.moments = choice.value if choice else ""
        if choice and choice.column in self._kinds:
            try:
                self._moments = read_moments(choice.value, self._kinds[choice.column])
                self.column = choice.column
            except ValueError:
                pass  # said of other tables with a column of that name
        self._sketches = {name: Sketch() for name in self._candidates()}

    @property
    def is_wanted(self) -> bool:
        """Whether a column for the part is to be made."""
        return bool(self.column)

    def add(self, index: int, cells: Sequence[Any]) -> Any:
        """The part of every row of a batch of one source, as an Arrow array; null where the row has no time.

        None while nobody wants parts.
        """
        rows = len(cells[0]) if cells else 0
        for column, sketch in self._sketches.items():
            numbers, is_there = self._numbers(column, index, cells, rows)
            sketch.add(numbers[is_there])
        if not self.is_wanted:
            return None
        numbers, is_there = self._numbers(self.column, index, cells, rows)
        cuts = np.array(self._moments, numbers.dtype)
        parts = np.searchsorted(cuts, numbers, side="right")
        return pa.array(SPLITS).take(pa.array(parts, mask=~is_there))

    def cuts(self) -> tuple[TimeCuts, ...]:
        """For each column that may be the time, at which moments cuts make about the usual shares of the rows."""
        found = (_cut(column, self._kinds[column], sketch) for column, sketch in self._sketches.items())
        return tuple(one for one in found if one)

    def _candidates(self) -> list[str]:
        """What people named, then times, then numbers by their names; none whose values the table hides."""
        hidden = {one.column for one in self._plan.choices if one.kind in {"drop", "pseudonymise"}}
        seen = {name: kind for name, kind in self._kinds.items() if name not in hidden}
        chosen = [one.column for one in self._plan.choices if one.kind in {"time", "split_by_time"}]
        times = [name for name, kind in seen.items() if kind in TIMES and not OF_BIRTH.search(name)]
        named = [name for name, kind in seen.items() if kind not in TIMES and _RUNNING_NAMES.search(name)]
        wanted = [one for one in (*chosen, *times, *named) if one in seen]
        return list(dict.fromkeys(wanted))[:_MOST_CANDIDATES]

    def _numbers(self, column: str, index: int, cells: Sequence[Any], rows: int) -> tuple[Any, Any]:
        for place, one in enumerate(self._plan.columns):
            if one.name == column:
                return numbers_of(cells[place])
        place = next(i for i, one in enumerate(self._plan.file_columns) if one.name == column)
        said = pa.array([self._plan.sources[index].values[place]])
        numbers, is_there = numbers_of(pc.cast(said, ARROW_TYPES[self._kinds[column]]))
        return np.repeat(numbers, rows), np.repeat(is_there, rows)


def numbers_of(values: Any) -> tuple[Any, Any]:
    """Cells as numbers, and which of them are there: NaN and the infinite are no time. Shapes: (N,), (N,) bool."""
    is_there = values.is_valid().to_numpy(zero_copy_only=False)
    if pa.types.is_date32(values.type):
        values = values.cast(pa.int32()).cast(pa.int64())
    elif pa.types.is_timestamp(values.type):
        values = values.cast(pa.int64())
    numbers = pc.fill_null(values, 0).to_numpy(zero_copy_only=False)
    if pa.types.is_floating(values.type):
        is_there = is_there & np.isfinite(numbers)
    return numbers, is_there


def _cut(column: str, kind: Kind, sketch: Sketch) -> TimeCuts | None:
    """Moments so near to the shares as whole moments can be, no part empty (of two moments: no validation)."""
    moments, ends = sketch.ranks()
    if moments.size < _LEAST_MOMENTS:
        return None
    is_few = moments.size == _LEAST_MOMENTS
    first = 1 if is_few else nearest(ends, SHARES[0] / 100 * sketch.count, 1, moments.size - 2)
    second = 1 if is_few else nearest(ends, sum(SHARES[:2]) / 100 * sketch.count, first + 1, moments.size - 1)
    until = int(ends[first - 1]), int(ends[second - 1])
    try:
        low, high = (moments_text([moments[place].item()], kind) for place in (first, second))
    except OverflowError:
        return None
    sizes = (until[0], until[1] - until[0], sketch.count - until[1])
    return TimeCuts(column, kind, low, high, sizes, sketch.error)
