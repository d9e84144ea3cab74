"""The contract of a reader, and what it is given."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Protocol, runtime_checkable

from tsunagu.formats.types import Limits, ReaderInfo, Reading, Table

HEAD_BYTES = 65536


@dataclass(frozen=True, slots=True)
class Context:
    """What a reader may know besides the bytes.

    ``name`` is the file's name as the researcher knows it, without the ending of a compression that was
    already undone; ``byte_count`` the size of what ``path`` gives; ``head`` its first 64 KiB.
    """

    name: str
    byte_count: int
    head: bytes = b""
    limits: Limits = field(default_factory=Limits)

    @property
    def is_whole_head(self) -> bool:
        """Whether ``head`` is the whole file."""
        return self.byte_count <= len(self.head)


Read = Callable[[Path, Context], Reading]


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of one table of a file.

    ``batches`` yields Arrow record batches with the columns that the reading names; ``skipped`` tells afterwards how
    many lines do not have the table's columns and were passed over.
    """

    batches: Iterator[Any]
    skipped: Callable[[], int] = lambda: 0


# Open file, context, name of the table in the reading, and the kind that each column should have (a reader that
# parses text follows it and raises ``CellError`` at a cell that does not fit; others give what the file has).
OpenRows = Callable[[BinaryIO, Context, str, Mapping[str, str]], Rows]


@dataclass(frozen=True, slots=True)
class OpenArray:
    """An array of an open file; its numbers come piece by piece.

    Attributes:
        name: What the file calls it, with its groups: ``entry/data/counts``.
        dtype: NumPy's.
        read: Gives the numbers of an extent (a slice an axis). It is asked for whole chunks of ``native``, or for runs
            of numbers in their order: single steps, one part of an axis, whole axes.
        dimensions: A name an axis; empty where the file has none.
        fill: The value that stands for "not measured", where the file names one.
        native: The chunks of the file, if any part is as easily read as another.
        is_reversed: Whether the first axis runs fastest in the file.
    """

    name: str
    shape: tuple[int, ...]
    dtype: Any
    read: Callable[[tuple[slice, ...]], Any]
    dimensions: tuple[str, ...] = ()
    unit: str = ""
    description: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    fill: Any = None
    native: tuple[int, ...] | None = None
    is_reversed: bool = False


@dataclass(frozen=True, slots=True)
class Arrays:
    """The arrays of an open file.

    Attributes:
        texts: One-dimensional arrays of words: name -> values.
        left: Arrays that cannot be given, each with the reason in words.
        groups: Attributes of the groups that arrays lie in; the file's own under an empty name.
    """

    arrays: Sequence[OpenArray]
    texts: Mapping[str, Sequence[str]] = field(default_factory=dict)
    left: Sequence[tuple[str, str]] = ()
    groups: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


# Open file (it stays open while numbers are read) and context.
OpenArrays = Callable[[BinaryIO, Context], Arrays]


@runtime_checkable
class Reader(Protocol):
    """What an entry point of the group ``tsunagu.readers`` resolves to.

    Importing and sniffing must be light: numpy, h5py and the like are imported by :meth:`load` only.
    """

    @property
    def info(self) -> ReaderInfo:
        """Name, version, what it reads."""
        ...

    def sniff(self, head: bytes, name: str) -> int:
        """How surely the content is this format: 0 (no) to 100 (a signature that nothing else has).

        Args:
            head: The first 64 KiB; of a compressed file, of what it holds.
            name: The file's name; only a hint that breaks ties.
        """
        ...

    def load(self) -> Read:
        """Import the heavy part. The callable raises ``UnreadableError`` for what it cannot read."""
        ...


@runtime_checkable
class RowReader(Reader, Protocol):
    """A reader that also gives the rows of the tables it names, so that they can become Parquet."""

    @property
    def has_rows(self) -> bool:
        """Whether ``load_rows`` gives anything."""
        ...

    @property
    def whole_tables(self) -> tuple[Table, ...]:
        """What a file of this format is a row (or several) of, where its reading names no table; mostly nothing."""
        ...

    def load_rows(self) -> OpenRows | None:
        """Import the heavy part; ``None`` where this format has no rows."""
        ...


@runtime_checkable
class ArrayReader(Reader, Protocol):
    """A reader that also gives the numbers of the arrays it names, so that they can become Zarr."""

    @property
    def has_arrays(self) -> bool:
        """Whether ``load_arrays`` gives anything."""
        ...

    def load_arrays(self) -> OpenArrays | None:
        """Import the heavy part; ``None`` where this format has no arrays."""
        ...
