"""Whether a model could know of the test data what it should predict: by groups, by time, by the target, by likeness.

Everything is counted in the pass that writes the table. Memory is bounded: what has too many different values is no
group and gives no target away by its values.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tsunagu.formats.converting.by_time import OF_BIRTH, numbers_of
from tsunagu.formats.converting.dividing import GROUP_KINDS, is_group_name
from tsunagu.formats.converting.moments import RUNNING_KINDS, TIMES
from tsunagu.formats.converting.near import MOST_PICTURES, is_nearable, is_picture, near_cells
from tsunagu.formats.converting.rowhash import cell_hashes, combined
from tsunagu.formats.converting.types import (
    LABEL_NAMES,
    SOURCE_COLUMN,
    Giveaway,
    GroupLeak,
    Leakage,
    TimeLeak,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tsunagu.formats.converting.part import Part
    from tsunagu.formats.converting.types import TablePlan

_MOST_PAIRS = 200_000
_LIKENED_ROWS = 1_000_000
_MOST_TARGETS = 1000
_MOST_CANDIDATES = 4
_LEAST_ROWS = 20
_CHANCE = math.log(1e6)  # a column gives the target away by chance once in a million
_LINE = 0.99
_NUMBERS = {"number", "integer", "wide_integer", "boolean"}
_SPLIT_BITS = np.uint64(3)


class LeakFinder:
    """Takes the parts of one table in order, each row with the number of its split.

    Args:
        plan: The table as it is written, with the choices about what its columns mean.
        split_column: Place of the column that tells the split; None where files do.
        splits: Names of the splits; a row's number counts from 1, 0 is none.

    Attributes:
        compares_files: Whether rows of different files are compared, as with pictures, each of which is a file; tables may
            well agree in some rows.
    """

    def __init__(self, plan: TablePlan, split_column: int | None, splits: Sequence[str]) -> None:
        self._columns = [*plan.columns, *plan.file_columns]
        self._split_column = split_column
        self._train, self._test = (splits.index(one) + 1 for one in ("train", "test"))
        self._chosen = {one.kind: one.column for one in plan.choices}
        names = {one.name: place for place, one in enumerate(self._columns)}
        self._groups: dict[str, _Pairs] = {name: _Pairs() for name in self._group_names(plan, set(names))}
        self._places = names
        # Who divides by a time says what the time is.
        self._chosen_time = self._chosen.get("time", self._chosen.get("split_by_time"))
        self._time = self._time_place(names)
        self._until: Any = None
        self._from: Any = None
        target = self._chosen.get("target")
        if target is None:
            target = next((name for name in names if name.strip().lower() in LABEL_NAMES), "")
        self._target = names.get(target)
        self._telling = self._telling_columns(plan)
        self._target_counts: Counter[int] | None = Counter()
        self._has_near = any(is_nearable(one) for one in plan.columns)
        self.compares_files = any(is_picture(one) for one in plan.columns)
        self._pictures = self._likened = 0
        self._near: list[Any] = []
        self._near_own: list[Any] = []

    def add(self, part: Part, hashed: Sequence[Any], splits: Any) -> None:
        """One part.

        Args:
            part: The rows.
            hashed: Hashes of the cells of each of its columns.
            splits: Number of the split of each row; None where there is none.
        """
        has_splits = splits is not None and splits.any()
        if has_splits or self._target is not None:
            said = [part.spread(values) for values in part.said]
            columns = [*part.cells, *said]
            several = [*hashed, *(cell_hashes(one) for one in said)]
            if has_splits:
                self._add_groups(columns, several, part.files, splits)
                self._add_time(columns, splits)
            if self._target is not None:
                self._add_target(columns, several)
        if self._has_near and self._likened < _LIKENED_ROWS:
            self._add_near(part, hashed, has_splits=splits is not None)

    def finish(self, exact: Any, alone: Any, splits: Any, *, has_splits: bool) -> Leakage:
        """What was found.

        Args:
            exact: Hash of each compared row, in its file or alone, as ``compares_files`` says. Shape: (N,).
            alone: Hash of each compared row; empty where there are no splits. Shape: (N,).
            splits: Its split; empty where there are none.
            has_splits: Whether there are at least two.
        """
        count = self._likened  # the first rows of all
        alike = _alike(np.concatenate(self._near_own), exact[:count]) if count else 0
        leaked = 0
        if count and has_splits:
            leaked = _crossing(np.concatenate(self._near), alone[:count], splits[:count])
        return Leakage(
            groups=self._group_leaks() if has_splits else (),
            time=self._time_leak() if has_splits else None,
            target="" if self._target is None else self._columns[self._target].name,
            target_is_chosen=bool(self._chosen.get("target")),
            giveaways=self._giveaways(),
            near_duplicate_row_count=alike,
            near_leaked_row_count=leaked,
        )

    # --- Groups and time

    def _group_names(self, plan: TablePlan, names: set[str]) -> list[str]:
        chosen = self._chosen.get("group")
        if chosen is not None:
            return [chosen] if chosen in names or chosen == SOURCE_COLUMN else []
        kinds = {one.name: one.kind for one in self._columns}
        named = [name for name, kind in kinds.items() if is_group_name(name) and kind in GROUP_KINDS]
        if not named and self._split_column is not None and len(plan.sources) > 1:
            return [SOURCE_COLUMN]
        return named[:_MOST_CANDIDATES]

    def _add_groups(self, columns: Sequence[Any], hashed: Sequence[Any], files: Any, splits: Any) -> None:
        for name, pairs in self._groups.items():
            if pairs.is_over:
                continue
            if name == SOURCE_COLUMN:
                hashes, is_there = combined([files.astype(np.uint64)]), splits > 0
            else:
                place = self._places[name]
                hashes = combined([hashed[place]])
                is_there = (splits > 0) & columns[place].is_valid().to_numpy(zero_copy_only=False)
            pairs.add((hashes[is_there] & ~_SPLIT_BITS) | splits[is_there].astype(np.uint64))

    def _group_leaks(self) -> tuple[GroupLeak, ...]:
        found = []
        for name, pairs in self._groups.items():
            groups, counts = np.unique(pairs.seen & ~_SPLIT_BITS, return_counts=True)
            is_chosen = name == self._chosen.get("group")
            # What never repeats is the number of a row, not of a group.
            if not pairs.is_over and (is_chosen or groups.size < pairs.rows):
                found.append(GroupLeak(name, int(groups.size), int((counts > 1).sum()), is_chosen))
        return tuple(found)

    def _time_place(self, names: dict[str, int]) -> int | None:
        """What people named, who may also mean numbers; else the first column of times."""
        if self._chosen_time is not None:
            place = names.get(self._chosen_time)
            return place if place is not None and self._columns[place].kind in RUNNING_KINDS else None
        places = (i for i, one in enumerate(self._columns) if one.kind in TIMES)
        return next((i for i in places if not OF_BIRTH.search(self._columns[i].name)), None)

    def _add_time(self, columns: Sequence[Any], splits: Any) -> None:
        if self._time is None:
            return
        values = columns[self._time]
        if self._columns[self._time].kind == "number":
            is_there = numbers_of(values)[1]
            values, splits = values.filter(pa.array(is_there)), splits[is_there]
        last = pc.max(values.filter(pa.array(splits == self._train))).as_py()
        first = pc.min(values.filter(pa.array(splits == self._test))).as_py()
        if last is not None:
            self._until = last if self._until is None else max(self._until, last)
        if first is not None:
            self._from = first if self._from is None else min(self._from, first)

    def _time_leak(self) -> TimeLeak | None:
        if self._time is None or self._until is None or self._from is None:
            return None
        name = self._columns[self._time].name
        until, start = self._until, self._from
        if self._columns[self._time].kind in TIMES:
            until, start = until.isoformat(), start.isoformat()
        return TimeLeak(name, until, start, name == self._chosen_time)

    # --- The target

    def _telling_columns(self, plan: TablePlan) -> dict[int, _Telling]:
        if self._target is None:
            return {}
        left_out = {self._target, self._places.get(self._chosen.get("group") or "", -1)}
        if self._split_column is not None:
            left_out.add(self._split_column)
        has_line = self._columns[self._target].kind in _NUMBERS
        return {
            place: _Telling(has_line=has_line and one.kind in _NUMBERS)
            for place, one in enumerate([*plan.columns, *plan.file_columns])
            if place not in left_out and one.kind != "binary"
        }

    def _add_target(self, columns: Sequence[Any], hashed: Sequence[Any]) -> None:
        assert self._target is not None
        target, hashes = columns[self._target], hashed[self._target]
        is_there: Any = slice(None)
        if target.null_count:
            is_there = target.is_valid().to_numpy(zero_copy_only=False)
            hashes = hashes[is_there]
        if not hashes.size:
            return
        if self._target_counts is not None:
            values, counts = np.unique(hashes, return_counts=True)
            if values.size + len(self._target_counts) <= 2 * _MOST_TARGETS:
                self._target_counts.update(dict(zip(values.tolist(), counts.tolist(), strict=True)))
            if values.size > _MOST_TARGETS or len(self._target_counts) > _MOST_TARGETS:
                self._target_counts = None
        numbers = _floats(target) if self._columns[self._target].kind in _NUMBERS else None
        for place, telling in self._telling.items():
            if self._target_counts is None:
                telling.tell_nothing()
            telling.add(hashed[place][is_there], hashes)
            if numbers is not None and telling.has_line:
                telling.add_line(_floats(columns[place]), numbers)

    def _giveaways(self) -> tuple[Giveaway, ...]:
        counts = self._target_counts
        found = []
        for place, telling in self._telling.items():
            name, line = self._columns[place].name, telling.correlation()
            if line is not None and abs(line) > _LINE:
                found.append(Giveaway(name, "line", round(line, 4)))
            elif (
                counts is not None
                and len(counts) > 1
                and telling.is_telling(max(counts.values()) / counts.total())
            ):
                found.append(Giveaway(name, "values"))
        return tuple(found)

    # --- Likeness

    def _add_near(self, part: Part, hashed: Sequence[Any], *, has_splits: bool) -> None:
        files = part.files
        has_pictures = self.compares_files and self._pictures < MOST_PICTURES
        self._pictures += len(files) if has_pictures else 0
        several = []
        for place, values in enumerate(part.cells):
            if place != self._split_column:
                near = near_cells(self._columns[place], values, has_pictures=has_pictures)
                several.append(hashed[place] if near is None else near)
        found = combined(several)
        self._likened += len(files)
        if has_splits:
            self._near.append(found)
        self._near_own.append(found if self.compares_files else own_hashes(found, files))


class _Pairs:
    """Different numbers while they are few."""

    def __init__(self) -> None:
        self.seen = np.zeros(0, dtype=np.uint64)
        self.rows = 0
        self.is_over = False

    def add(self, numbers: Any) -> None:
        self.rows += numbers.size
        self.seen = np.union1d(self.seen, numbers)
        if self.seen.size > _MOST_PAIRS:
            self.seen, self.is_over = np.zeros(0, dtype=np.uint64), True


class _Telling:
    """Whether one column tells the target."""

    def __init__(self, *, has_line: bool) -> None:
        self._values = _Pairs()
        self._both = _Pairs()
        self._can_tell = True
        self.has_line = has_line
        self._middle: tuple[float, float] | None = None
        self._sums = np.zeros(6)

    def tell_nothing(self) -> None:
        """The target has too many values for any of them to be given away."""
        self._can_tell = False

    def add(self, hashes: Any, targets: Any) -> None:
        """Hashes of the cells of a part and of their targets."""
        if self._can_tell:
            self._values.add(combined([hashes]))
            self._both.add(combined([hashes, targets]))
            self._can_tell = not self._both.is_over and self._both.seen.size == self._values.seen.size

    def add_line(self, one: Any, other: Any) -> None:
        """Numbers of a part and their targets."""
        is_there = np.isfinite(one) & np.isfinite(other)
        one, other = one[is_there], other[is_there]
        if not one.size:
            return
        if self._middle is None:
            self._middle = float(one.mean()), float(other.mean())  # sums near the middle lose no digits
        with np.errstate(over="ignore", invalid="ignore"):
            one, other = one - self._middle[0], other - self._middle[1]
            self._sums += (
                one.size,
                one.sum(),
                other.sum(),
                (one * one).sum(),
                (other * other).sum(),
                (one * other).sum(),
            )

    def correlation(self) -> float | None:
        """Pearson's r; None where rows are few or one side never changes."""
        count, one, other, ones, others, both = self._sums.tolist()
        if count < _LEAST_ROWS:
            return None
        spread = (ones - one * one / count) * (others - other * other / count)
        if not math.isfinite(spread) or spread <= 0:
            return None
        return (both - one * other / count) / math.sqrt(spread)

    def is_telling(self, commonest: float) -> bool:
        """Whether each value has one target, more often than chance explains.

        Args:
            commonest: Share of the most frequent target: how often any two rows agree at least.
        """
        repeats = self._values.rows - self._values.seen.size
        return self._can_tell and repeats >= _LEAST_ROWS and repeats * -math.log(commonest) > _CHANCE


def own_hashes(hashes: Any, files: Any) -> Any:
    """Hashes that are equal only in one file. Shapes: (N,), (N,) -> (N,)."""
    with np.errstate(over="ignore"):
        return hashes ^ (files.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15))


def _floats(values: Any) -> Any:
    if pa.types.is_boolean(values.type):
        values = values.cast(pa.int8())
    return pc.fill_null(pc.cast(values, pa.float64(), safe=False), math.nan).to_numpy(zero_copy_only=False)


def _alike(near: Any, exact: Any) -> int:
    """Rows beyond the first of those that are alike without being the same."""
    ordered = np.sort(exact)
    if (ordered[1:] == ordered[:-1]).any():
        near = near[_first_places(exact)]
    different = np.sort(near)
    return int((different[1:] == different[:-1]).sum())


def _first_places(numbers: Any) -> Any:
    """Where each different number stands first, as ``np.unique`` tells it with a sort that is four times as slow."""
    order = np.argsort(numbers)
    ordered = numbers[order]
    starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    return np.minimum.reduceat(order, starts)


def crossing(hashes: Any, splits: Any) -> int:
    """Rows that stand in another split too."""
    hashes, splits = hashes[splits > 0], splits[splits > 0]
    if not hashes.size:
        return 0
    order = np.argsort(hashes, kind="stable")
    hashes, splits = hashes[order], splits[order]
    starts = np.flatnonzero(np.concatenate(([True], hashes[1:] != hashes[:-1])))
    is_mixed = np.minimum.reduceat(splits, starts) != np.maximum.reduceat(splits, starts)
    return int(np.diff(np.append(starts, hashes.size))[is_mixed].sum())


def _crossing(near: Any, exact: Any, splits: Any) -> int:
    """Rows that are like one in another split but not the same as one."""
    return max(0, crossing(near, splits) - crossing(exact, splits))
