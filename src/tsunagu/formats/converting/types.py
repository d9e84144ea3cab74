"""What a conversion is told and what it answers: frozen values that turn into plain JSON and back.

A plan is complete: whoever has it and the bytes (this process, a walled-in child, a worker elsewhere) makes the same
Parquet file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, get_args

CONVERTER = "2"  # part of the name of a result: raise it when the same files would become other bytes

Kind = Literal[
    "boolean",
    "integer",
    "wide_integer",
    "number",
    "date",
    "time",
    "timestamp",
    "timestamp_utc",
    "text",
    "binary",
    "numbers",
]
KINDS: tuple[str, ...] = get_args(Kind)
# What a column becomes when a cell does not fit. A wide integer as a float would lose its last digits.
_NEXT: Mapping[str, Kind] = {
    "integer": "number",
    "date": "timestamp",
    "timestamp": "timestamp_utc",
}
SOURCE_COLUMN = "source_file"
SPLIT_COLUMN = "split"
# What a column to be predicted is often called.
LABEL_NAMES = ("label", "labels", "class", "target", "category", "ラベル", "分類", "クラス", "カテゴリ")
ChoiceKind = Literal[
    "group",
    "time",
    "target",
    "rename",
    "encode",
    "missing",
    "unit",
    "deduplicate",
    "leave_out",
    "split",
    "split_by_time",
    "pseudonymise",
    "drop",
]
CHOICES: tuple[str, ...] = get_args(ChoiceKind)


@dataclass(frozen=True, slots=True)
class Choice:
    """What somebody chose about the tables.

    Attributes:
        kind: ``group``, ``time`` and ``target`` say what a column means (no column: there is none); the others change
            the table.
        column: As the files have it; the path of a file for ``leave_out``; empty for ``deduplicate``.
        value: ``rename``: the new name; ``encode``: the values in the order of their numbers, with ``|`` between;
            ``missing``: codes, with ``|`` between; ``unit``: the unit; ``split``: the cuts, with ``/`` between;
            ``split_by_time``: the moments, likewise;
            ``pseudonymise``: the key, in hexadecimal.
    """

    kind: ChoiceKind
    column: str = ""
    value: str = ""


@dataclass(frozen=True, slots=True)
class Cuts:
    """Where a split by the groups of a column would cut their line from 0 to 1.

    Attributes:
        group_count: How many groups there are; 0: more than were counted.
        sizes: Rows for training, validation and test; empty where groups were not counted.
    """

    column: str
    group_count: int
    low: float
    high: float
    sizes: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class TimeCuts:
    """At which moments a split by the time of a column would cut.

    Attributes:
        kind: Of the column.
        low, high: Where validation and test begin, as people write them (ISO 8601, or a number).
        sizes: Rows for training, validation and test; those without a time are in none.
        error: By how many rows a size may be wrong at most at either of its ends.
    """

    column: str
    kind: Kind
    low: str
    high: str
    sizes: tuple[int, ...]
    error: int = 0


@dataclass(frozen=True, slots=True)
class GroupLeak:
    """Groups of a column that stand in more than one part; ``is_chosen``: a person named the column."""

    column: str
    group_count: int
    leaked_count: int
    is_chosen: bool = False


@dataclass(frozen=True, slots=True)
class TimeLeak:
    """How far training reaches and where test begins: times as ISO 8601, or numbers that run with time."""

    column: str
    train_until: str | float
    test_from: str | float
    is_chosen: bool = False

    @property
    def is_leak(self) -> bool:
        """Whether a row to be predicted is older than one to learn from."""
        return self.test_from < self.train_until  # type: ignore[operator]  # both are of one column


@dataclass(frozen=True, slots=True)
class Giveaway:
    """A column that alone tells the target: each of its values has one (``values``), or it runs with it (``line``)."""

    column: str
    way: Literal["values", "line"]
    correlation: float | None = None


@dataclass(frozen=True, slots=True)
class Leakage:
    """What of the test data a model could know already, and rows that are nearly the same.

    Attributes:
        groups: Of the column that was chosen, else of those whose names sound like groups.
        target: The column to be predicted; empty where none is known.
        near_duplicate_row_count: Rows equal to another but for rounding, case, width or spaces; pictures that look alike.
        near_leaked_row_count: The same over the parts.
        cuts: Where a split by groups would cut.
        time_cuts: Where one by time would; empty in profiles of older converters.
    """

    groups: tuple[GroupLeak, ...] = ()
    time: TimeLeak | None = None
    target: str = ""
    target_is_chosen: bool = False
    giveaways: tuple[Giveaway, ...] = ()
    near_duplicate_row_count: int = 0
    near_leaked_row_count: int = 0
    cuts: tuple[Cuts, ...] = ()
    time_cuts: tuple[TimeCuts, ...] = ()

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Leakage:
        """The inverse of ``asdict``."""
        return cls(
            **{
                **data,
                "groups": tuple(GroupLeak(**one) for one in data["groups"]),
                "time": TimeLeak(**data["time"]) if data["time"] else None,
                "giveaways": tuple(Giveaway(**one) for one in data["giveaways"]),
                "cuts": tuple(Cuts(**{**one, "sizes": tuple(one["sizes"])}) for one in data["cuts"]),
                "time_cuts": tuple(
                    TimeCuts(**{**one, "sizes": tuple(one["sizes"])}) for one in data.get("time_cuts", ())
                ),
            }
        )


@dataclass(frozen=True, slots=True)
class ColumnPlan:
    """A column of the table that is made; ``unit`` as the files have it."""

    name: str
    kind: Kind
    unit: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class SourcePlan:
    """One file: where it lies in its dataset, which of its tables is meant, its values for the file columns."""

    path: str
    table: str
    byte_count: int
    values: tuple[Any, ...] = ()

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class TablePlan:
    """One table to be made from files that one reader reads.

    ``columns`` come out of the files; ``file_columns`` hold what is said of each file as a whole, one value a source.
    """

    name: str
    reader: str
    columns: tuple[ColumnPlan, ...]
    file_columns: tuple[ColumnPlan, ...]
    sources: tuple[SourcePlan, ...]
    choices: tuple[Choice, ...] = ()

    @property
    def path(self) -> str:
        """Where the table lies in the dataset that is made."""
        return f"data/{self.name}.parquet"

    @property
    def byte_count(self) -> int:
        """Of all sources."""
        return sum(source.byte_count for source in self.sources)

    def widened(self, column: str) -> TablePlan:
        """The plan with a column that takes one kind of value more; text takes all."""
        columns = (
            replace(one, kind=_NEXT.get(one.kind, "text")) if one.name == column else one
            for one in self.columns
        )
        return replace(self, columns=tuple(columns))

    def as_text(self, column: str) -> TablePlan:
        """The plan with a column as text."""
        columns = (replace(one, kind="text") if one.name == column else one for one in self.columns)
        return replace(self, columns=tuple(columns))

    def without(self, source: int) -> TablePlan:
        """The plan without one of its sources."""
        return replace(self, sources=self.sources[:source] + self.sources[source + 1 :])

    def with_choices(self, choices: tuple[Choice, ...]) -> TablePlan:
        """The plan as people chose, without the files that they left out."""
        left_out = {one.column for one in choices if one.kind == "leave_out"}
        sources = tuple(one for one in self.sources if one.path not in left_out)
        return replace(self, sources=sources, choices=choices)

    def as_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> TablePlan:
        """The inverse of :meth:`as_json`."""
        return cls(
            data["name"],
            data["reader"],
            tuple(ColumnPlan(**one) for one in data["columns"]),
            tuple(ColumnPlan(**one) for one in data["file_columns"]),
            tuple(SourcePlan(**{**one, "values": tuple(one["values"])}) for one in data["sources"]),
            tuple(Choice(**one) for one in data.get("choices", ())),
        )


@dataclass(frozen=True, slots=True)
class ColumnProfile:
    """What the conversion saw in a column.

    Attributes:
        kind: Of the values as they are in the result.
        null_count, nan_count, infinite_count: Cells without a (finite) value.
        minimum, maximum, mean, deviation: Of finite numbers; minimum and maximum also of times, as ISO 8601.
        distinct_count: Exact up to a thousand; None beyond.
        common: The most frequent values with how often they occur, where they are few.
        histogram: Equal bins from minimum to maximum over a sample of the numbers.
        outlier_share: Of the sample, beyond three interquartile ranges from the quartiles.
        garbled_count: Texts that look like the wrong encoding.
        ambiguous_date_count: Texts like 03/05/2024, which read two ways.
        personal: How many texts look like personal information, by recogniser.
    """

    name: str
    kind: str
    unit: str = ""
    description: str = ""
    null_count: int = 0
    nan_count: int = 0
    infinite_count: int = 0
    minimum: float | str | None = None
    maximum: float | str | None = None
    mean: float | None = None
    deviation: float | None = None
    distinct_count: int | None = None
    common: tuple[tuple[str, int], ...] = ()
    histogram: tuple[int, ...] = ()
    outlier_share: float | None = None
    garbled_count: int = 0
    ambiguous_date_count: int = 0
    personal: Mapping[str, int] = field(default_factory=dict)
    is_of_file: bool = False


@dataclass(frozen=True, slots=True)
class TableProfile:
    """What the conversion saw in a table.

    Attributes:
        duplicate_row_count: Rows that say the same as another row of the same file.
        twin_files: Pairs of files whose rows are all the same.
        skipped_rows: Per file, lines that do not have the table's columns and are not in the result.
        split_counts: Rows of each split (train, test ...), where the files or a column tell.
        leaked_row_count: Rows that stand in more than one split.
        hashed_rows: How many rows the counts of duplicates and leaks looked at.
        leakage: Ways for test data to be known in training; None in profiles of older converters.
    """

    name: str
    row_count: int
    columns: tuple[ColumnProfile, ...]
    duplicate_row_count: int = 0
    twin_files: tuple[tuple[str, str], ...] = ()
    skipped_rows: Mapping[str, int] = field(default_factory=dict)
    split_counts: Mapping[str, int] = field(default_factory=dict)
    leaked_row_count: int = 0
    hashed_rows: int = 0
    leakage: Leakage | None = None

    def as_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> TableProfile:
        """The inverse of :meth:`as_json`.

        Raises:
            ValueError: it is none.
        """
        try:
            columns = tuple(
                ColumnProfile(
                    **{
                        **one,
                        "common": tuple((str(value), int(count)) for value, count in one["common"]),
                        "histogram": tuple(int(count) for count in one["histogram"]),
                    }
                )
                for one in data["columns"]
            )
            twins = tuple((str(one), str(other)) for one, other in data["twin_files"])
            leakage = Leakage.from_json(data["leakage"]) if data.get("leakage") else None
            made = cls(**{**data, "columns": columns, "twin_files": twins, "leakage": leakage})
            int(made.row_count), int(made.duplicate_row_count), int(made.leaked_row_count)
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"This is no profile of a table: {error}") from error
        return made


@dataclass(frozen=True, slots=True)
class Problem:
    """A file that is not in the result as it should be, with the reason in words."""

    path: str
    reason: str
    code: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """A column that became another kind because a cell did not fit."""

    column: str
    before: str
    now: str
    path: str
    reason: str


def json_list(several: Sequence[Any]) -> list[dict[str, Any]]:
    """Dataclasses as plain JSON."""
    return [asdict(one) for one in several]
