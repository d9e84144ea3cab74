"""What the making of a store is told and what it answers: frozen values that turn into plain JSON and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from tsunagu.formats.converting.types import Choice, ColumnPlan, Problem, SourcePlan

FILE_DIMENSION = "file"
METADATA = "zarr.json"


@dataclass(frozen=True, slots=True)
class StorePlan:
    """One Zarr store to be made from files that one reader opens.

    Several sources become one store whose arrays have a leading dimension ``file``; they all hold the same arrays.

    Attributes:
        file_columns: What is said of each file as a whole; one value a source, as in a table.
        facts: What the files say that is the same in all of them, by key and place.
        is_stack: Whether there is a leading dimension; it stays when all files but one were left out.
    """

    name: str
    reader: str
    sources: tuple[SourcePlan, ...]
    file_columns: tuple[ColumnPlan, ...] = ()
    facts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    is_stack: bool = False

    @property
    def path(self) -> str:
        """The folder of the store in the dataset that is made."""
        return f"arrays/{self.name}.zarr"

    @property
    def byte_count(self) -> int:
        """Of all sources."""
        return sum(source.byte_count for source in self.sources)

    def without(self, source: int) -> StorePlan:
        """The plan without one of its sources."""
        return replace(self, sources=self.sources[:source] + self.sources[source + 1 :])

    def with_choices(self, choices: Sequence[Choice]) -> StorePlan:
        """The plan without the files that people left out; other choices speak of columns."""
        left_out = {one.column for one in choices if one.kind == "leave_out"}
        return replace(self, sources=tuple(one for one in self.sources if one.path not in left_out))

    def as_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> StorePlan:
        """The inverse of :meth:`as_json`."""
        return cls(
            data["name"],
            data["reader"],
            tuple(SourcePlan(**{**one, "values": tuple(one["values"])}) for one in data["sources"]),
            tuple(ColumnPlan(**one) for one in data["file_columns"]),
            data["facts"],
            data["is_stack"],
        )


@dataclass(frozen=True, slots=True)
class ArrayConflict:
    """An array of one name that differs between files, which were kept apart for that.

    Attributes:
        what: ``shape``, ``type`` or ``unit``.
        values: Each of them, as text, with how many files say so.
    """

    array: str
    what: str
    values: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class ArrayProfile:
    """An array as it was written.

    Attributes:
        path: Of the array in its store.
        name: What the files call it.
        dimensions: One name an axis.
        dtype: The data type's name in Zarr.
        count: Numbers that were looked at: all of them.
        fill_count: How many equal the value that stands for "not measured".
        minimum, maximum, mean, deviation: Of finite numbers that are no fill.
    """

    path: str
    name: str
    shape: tuple[int, ...]
    dimensions: tuple[str, ...]
    dtype: str
    unit: str = ""
    description: str = ""
    byte_count: int = 0
    count: int = 0
    nan_count: int = 0
    infinite_count: int = 0
    fill_count: int = 0
    minimum: float | None = None
    maximum: float | None = None
    mean: float | None = None
    deviation: float | None = None


@dataclass(frozen=True, slots=True)
class StoreProfile:
    """What is in a store.

    Attributes:
        left: Arrays of the files that are not in it, with the reason in words.
        file_count: Files that the store consists of.
    """

    name: str
    arrays: tuple[ArrayProfile, ...]
    left: tuple[Problem, ...] = ()
    file_count: int = 0

    def as_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> StoreProfile:
        """The inverse of :meth:`as_json`.

        Raises:
            ValueError: it is none.
        """
        try:
            arrays = tuple(
                ArrayProfile(
                    **{
                        **one,
                        "shape": tuple(int(n) for n in one["shape"]),
                        "dimensions": tuple(str(n) for n in one["dimensions"]),
                    }
                )
                for one in data["arrays"]
            )
            left = tuple(Problem(**one) for one in data["left"])
            made = cls(str(data["name"]), arrays, left, int(data["file_count"]))
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"This is no profile of a store: {error}") from error
        return made
