"""What is in a table, seen once while it is written: ranges, gaps, repetition, splits, what looks personal.

Memory is bounded whatever the size of the table: counts and moments, a sample for the histogram, at most four million
row hashes. Parts of one table that were profiled apart are no different from one profile only in sums; whoever
distributes a conversion gives a worker whole tables.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tsunagu.formats.converting import personal
from tsunagu.formats.converting.leaking import LeakFinder, crossing, own_hashes
from tsunagu.formats.converting.rowhash import cell_hashes, combined
from tsunagu.formats.converting.types import (
    SPLIT_COLUMN,
    ColumnPlan,
    ColumnProfile,
    TablePlan,
    TableProfile,
)
from tsunagu.formats.moments import Moments

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tsunagu.formats.converting.part import Part

_NUMBERS = {"number", "integer", "wide_integer"}
_DISTINCT = 1000
_COMMON = 20
_COMMON_LENGTH = 80
_SAMPLE = 50_000
_SAMPLED_A_PART = 4_000
_BINS = 24
_HASHED_ROWS = 4_000_000
_TWINS = 100
_OUTLIER_RANGES = 3.0
# Letters of UTF-8 read as CP932 or as Windows-1252, and the sign for what could not be read.
_GARBLED = "\ufffd|縺|繧|繝[^\\s]|譁|荳|驥|Ã[\\x{0080}-\\x{00BF}¡-ÿ]|â€"
_AMBIGUOUS_DATE = r"^(?:0?[1-9]|1[0-2])[/.-](?:0?[1-9]|1[0-2])[/.-](?:\d{2}|\d{4})(?:\s|$)"
_SPLIT_COLUMN = re.compile(r"^(?:split|subset|fold|partition|データ分割|分割)$", re.IGNORECASE)
_SPLITS = {
    "train": "train", "training": "train", "学習": "train", "訓練": "train", "test": "test", "testing": "test",
    "テスト": "test", "試験": "test", "valid": "validation", "validation": "validation", "val": "validation",
    "dev": "validation", "検証": "validation",
}  # fmt: skip
_NAMES = tuple(sorted({*_SPLITS.values()}))
_WORDS = re.compile(r"[/_.\- ]+")


def split_of(text: str) -> str:
    """``train``, ``test`` or ``validation`` where a path or a value says so; empty otherwise."""
    return next((_SPLITS[word] for word in _WORDS.split(text.lower()) if word in _SPLITS), "")


@dataclass(slots=True)
class _Column:
    """One column so far."""

    plan: ColumnPlan
    is_of_file: bool
    nulls: int = 0
    moments: Moments = field(default_factory=Moments)
    low: Any = None
    high: Any = None
    seen: Counter[Any] | None = field(default_factory=Counter)
    sample: list[Any] = field(default_factory=list)
    garbled: int = 0
    ambiguous: int = 0
    personal: Counter[str] = field(default_factory=Counter)

    def add(self, values: Any) -> None:
        self.nulls += values.null_count
        kind = self.plan.kind
        if kind == "numbers":
            # What is said of a list is said of all its numbers.
            self.seen = None
            self._numbers(values.flatten())
            return
        if kind in _NUMBERS:
            self._numbers(values)
        elif kind not in {"text", "boolean", "binary"} and values.null_count < len(values):
            extent = pc.min_max(values).as_py()
            self._widen(extent["min"], extent["max"])
        counted = self._distinct(values)
        if kind == "text":
            self._texts(*counted)

    def add_said(self, part: Part, values: Any) -> None:
        """The same for what is said of files, each value once with the rows that it stands for."""
        if len(values) > _DISTINCT:
            self.add(part.spread(values))  # files of a few rows
            return
        if self.plan.kind in _NUMBERS:
            self._numbers(part.spread(values))
        elif self.plan.kind not in {"text", "boolean"} and values.null_count < len(values):
            extent = pc.min_max(values).as_py()
            self._widen(extent["min"], extent["max"])
        found = values.dictionary_encode(null_encoding="encode")
        counts = np.zeros(len(found.dictionary), dtype=np.int64)
        np.add.at(counts, found.indices.to_numpy(), part.counts)
        self.nulls += int(part.counts[values.is_null().to_numpy(zero_copy_only=False)].sum())
        self._count(found.dictionary, counts.tolist())
        if self.plan.kind == "text":
            self._texts(found.dictionary, pa.array(counts))

    def _numbers(self, values: Any) -> None:
        if self.plan.kind not in {"number", "numbers"}:
            self.personal.update(personal.find_in_numbers(self.plan.name, values))
        numbers = pc.cast(values.drop_null(), pa.float64(), safe=False).to_numpy(zero_copy_only=False)
        numbers = self.moments.add(numbers)
        if not numbers.size:
            return
        self.low, self.high = self.moments.low, self.moments.high
        if len(self.sample) * _SAMPLED_A_PART < _SAMPLE:
            self.sample.append(numbers[:: max(1, numbers.size // _SAMPLED_A_PART)].copy())

    def _texts(self, values: Any, counts: Any) -> None:
        """Look at different texts once each; most columns of words repeat a few."""
        for name, pattern in (("garbled", _GARBLED), ("ambiguous", _AMBIGUOUS_DATE)):
            hits = pc.match_substring_regex(values, pattern)
            setattr(self, name, getattr(self, name) + int(pc.sum(counts.filter(hits)).as_py() or 0))
        self.personal.update(personal.find(self.plan.name, values, counts))

    def _widen(self, low: Any, high: Any) -> None:
        self.low = low if self.low is None else min(self.low, low)
        self.high = high if self.high is None else max(self.high, high)

    def _distinct(self, values: Any) -> tuple[Any, Any]:
        """Count the different values while they are few; returns those of the part with their counts."""
        is_text = self.plan.kind == "text"
        if self.plan.kind == "binary":
            self.seen = None
        if self.seen is None and not is_text:
            return None, None
        # A glance at the first rows spares the whole column where all values differ.
        is_many = pc.count_distinct(values[: 4 * _DISTINCT]).as_py() > _DISTINCT
        if is_many:
            self.seen = None
            return values, pa.array(np.ones(len(values), dtype=np.int64))
        different, counts = pc.value_counts(values).flatten()
        self._count(different, counts.to_pylist() if len(different) <= _DISTINCT else ())
        return different, counts

    def _count(self, different: Any, counts: Sequence[int]) -> None:
        """Take the different values of a part in; no counts: they are too many."""
        if self.seen is None:
            return
        if counts:
            for value, count in zip(different.to_pylist(), counts, strict=True):
                self.seen[value] += count
        if max(len(different), len(self.seen)) > _DISTINCT:
            self.seen = None

    def finish(self) -> ColumnProfile:
        sample = np.concatenate(self.sample) if self.sample else np.zeros(0)
        seen = {value: count for value, count in (self.seen or {}).items() if value is not None}
        is_few = self.seen is not None and (len(seen) <= _COMMON or self.plan.kind in {"text", "boolean"})
        is_few = is_few and not self.personal  # a profile is shown: it names nobody
        common = Counter(seen).most_common(_COMMON) if is_few else []
        return ColumnProfile(
            name=self.plan.name,
            kind=self.plan.kind,
            unit=self.plan.unit,
            description=self.plan.description,
            null_count=self.nulls,
            nan_count=self.moments.nans,
            infinite_count=self.moments.infinite,
            minimum=_plain(self.low),
            maximum=_plain(self.high),
            mean=_plain(self.moments.mean) if self.moments.finite else None,
            deviation=_plain(self.moments.deviation),
            distinct_count=len(seen) if self.seen is not None else None,
            common=tuple((str(value)[:_COMMON_LENGTH], count) for value, count in common),
            histogram=_histogram(sample, self.low, self.high),
            outlier_share=_outliers(sample),
            garbled_count=self.garbled,
            ambiguous_date_count=self.ambiguous,
            personal=dict(self.personal),
            is_of_file=self.is_of_file,
        )


class Profiler:
    """Takes the parts of one table in the order in which they are written."""

    def __init__(self, plan: TablePlan) -> None:
        self.plan = plan
        self.rows = 0
        self._columns = [_Column(one, is_of_file=False) for one in plan.columns]
        self._columns += [_Column(one, is_of_file=True) for one in plan.file_columns]
        # Of each row in its file; and, where there are splits, of the row alone with its split.
        self._own: list[Any] = []
        self._alone: list[Any] = []
        self._hashed = 0
        self._sums = np.zeros(len(plan.sources), dtype=np.uint64)
        self._counts = np.zeros(len(plan.sources), dtype=np.int64)
        self._split_of_file = [split_of(source.path) for source in plan.sources]
        names = [i for i, one in enumerate(plan.columns) if _SPLIT_COLUMN.match(one.name)]
        # The one that was asked for goes before what the files call a fold or a subset.
        names.sort(key=lambda place: plan.columns[place].name != SPLIT_COLUMN)
        self._split_column = next(iter(names), None)
        self._splits: list[Any] = []
        self._split_counts: Counter[str] = Counter()
        self._leaks = LeakFinder(plan, self._split_column, _NAMES)

    def add(self, part: Part) -> None:
        """One part."""
        of_cells, of_files = self._columns[: len(part.cells)], self._columns[len(part.cells) :]
        for column, values in zip(of_cells, part.cells, strict=True):
            column.add(values)
        for column, values in zip(of_files, part.said, strict=True):
            column.add_said(part, values)
        files = part.files
        self.rows += len(files)
        # Equal rows in two splits are a leak: the split itself does not make them different.
        hashed = [cell_hashes(one) for one in part.cells]
        hashes = combined([one for place, one in enumerate(hashed) if place != self._split_column])
        # The sum does not depend on how a file was cut into parts.
        np.add.at(self._sums, files, hashes)
        self._counts += np.bincount(files, minlength=self._counts.size)
        splits = self._splits_of(part.cells, files)
        self._leaks.add(part, hashed, splits)
        if self._hashed < _HASHED_ROWS:
            self._own.append(own_hashes(hashes, files))
            if splits is not None:
                self._splits.append(splits)
            if splits is not None or self._leaks.compares_files:
                self._alone.append(hashes)
            self._hashed += hashes.size

    def _splits_of(self, cells: Sequence[Any], files: Any) -> Any:
        """Number of the split of each row, 0 for none; ``None`` where no row can have one. Shape: (N,) int8."""
        names = _NAMES
        if self._split_column is not None:
            texts = pc.cast(cells[self._split_column], pa.string()).dictionary_encode()
            codes = [
                names.index(one) + 1 if (one := split_of(str(t))) else 0 for t in texts.dictionary.to_pylist()
            ]
            places = pc.fill_null(texts.indices, len(codes)).to_numpy(zero_copy_only=False)
            found = np.array([*codes, 0], dtype=np.int8)[places]
        elif any(self._split_of_file):
            codes = [names.index(one) + 1 if one else 0 for one in self._split_of_file]
            found = np.array(codes, dtype=np.int8)[files]
        else:
            return None
        for code, count in enumerate(np.bincount(found, minlength=len(names) + 1)):
            if code and count:
                self._split_counts[names[code - 1]] += int(count)
        return found

    def finish(self, skipped: dict[str, int]) -> TableProfile:
        """The profile of the whole."""
        own, alone = _joined(self._own, np.uint64), _joined(self._alone, np.uint64)
        splits = _joined(self._splits, np.int8)
        has_splits = len(self._split_counts) > 1
        exact = alone if self._leaks.compares_files else own
        leakage = self._leaks.finish(exact, alone, splits, has_splits=has_splits)
        own.sort()
        return TableProfile(
            name=self.plan.name,
            row_count=self.rows,
            columns=tuple(column.finish() for column in self._columns),
            duplicate_row_count=int((own[1:] == own[:-1]).sum()),
            twin_files=self._twins(),
            skipped_rows=skipped,
            split_counts=dict(self._split_counts),
            leaked_row_count=crossing(alone, splits) if has_splits else 0,
            hashed_rows=self._hashed,
            leakage=leakage,
        )

    def _twins(self) -> tuple[tuple[str, str], ...]:
        first: dict[tuple[int, int], str] = {}
        twins = []
        for source, total, count in zip(
            self.plan.sources, self._sums.tolist(), self._counts.tolist(), strict=True
        ):
            known = first.setdefault((total, count), source.path)
            if count and known != source.path:
                twins.append((known, source.path))
        return tuple(twins[:_TWINS])


def _joined(parts: list[Any], kind: Any) -> Any:
    """The parts as one array; the parts are let go."""
    whole = np.concatenate(parts) if parts else np.zeros(0, kind)
    parts.clear()
    return whole


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _histogram(sample: Any, low: Any, high: Any) -> tuple[int, ...]:
    if not sample.size or low == high:
        return ()
    # Halves: the distance between the largest floats is no float.
    span = high / 2 - low / 2
    if span == 0:
        return ()
    places = np.clip((sample / 2 - low / 2) / span, 0, 1)
    return tuple(int(n) for n in np.histogram(places, bins=_BINS, range=(0, 1))[0])


def _outliers(sample: Any) -> float | None:
    if sample.size < _BINS:
        return None
    with np.errstate(over="ignore", invalid="ignore"):
        first, third = np.percentile(sample, (25, 75))
        reach = _OUTLIER_RANGES * (third - first)
        if reach == 0 or not math.isfinite(reach):
            return None
        return round(float(((sample < first - reach) | (sample > third + reach)).mean()), 6)
