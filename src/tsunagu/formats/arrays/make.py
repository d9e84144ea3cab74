"""Files in, one Zarr store and its profile out, in one pass and in bounded memory.

A pure function of the plan and the bytes, as the making of tables is.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tsunagu.formats.arrays.naming import Names
from tsunagu.formats.arrays.stack import Stack
from tsunagu.formats.arrays.types import FILE_DIMENSION, ArrayProfile, StoreProfile
from tsunagu.formats.arrays.whole import write_whole
from tsunagu.formats.arrays.zarr import ZarrWriter
from tsunagu.formats.converting.surprises import SourceFailedError
from tsunagu.formats.converting.types import CONVERTER, SOURCE_COLUMN, Problem
from tsunagu.formats.errors import UnreadableError
from tsunagu.formats.examine import open_source, plain_words
from tsunagu.formats.types import Limits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager
    from typing import BinaryIO

    from tsunagu.formats.arrays.types import StorePlan
    from tsunagu.formats.reader import Context, OpenArrays

_MOST_LEFT = 500  # of a thousand files that say the same


def make_store(
    plan: StorePlan,
    open_file: Callable[[int], AbstractContextManager[BinaryIO]],
    sink: Callable[[str, bytes], object],
    *,
    arrays: OpenArrays,
    limits: Limits | None = None,
    scratch: BinaryIO | None = None,
) -> StoreProfile:
    """Make one store.

    Args:
        plan: What is wanted.
        open_file: Opens the source of a number.
        sink: Takes the files of the store, each as a path in the store and pieces in a row.
        arrays: What opens the arrays of ``plan.reader``.
        limits: Of what a compressed source may unpack to.
        scratch: Where compressed sources are unpacked; in memory without it.

    Raises:
        SourceFailedError: a file cannot be read; another attempt without it will get further.
    """
    writer, names = ZarrWriter(sink), Names()
    file_columns = _FileColumns(plan, names)
    stack = Stack(writer, names, len(plan.sources)) if plan.is_stack else None
    made: tuple[ArrayProfile, ...] = ()
    left: list[Problem] = []
    said: Mapping[str, Any] = {}
    for index, source in enumerate(plan.sources):
        with open_file(index) as file, _blaming(index, source.name):
            with _unpacked(file, source.name, limits or Limits(), scratch) as (opened, context):
                found = arrays(opened, context)
                if stack is not None:
                    stack.add(found)
                else:
                    made = write_whole(found, writer, names)
                    said = found.groups.get("", {})
            out = list(found.left)
            if stack is not None:
                out += [
                    (name, "It holds words, which are not put one above the other.") for name in found.texts
                ]
            left += [Problem(source.path, f"{name}: {reason}") for name, reason in out]
    if stack is not None:
        made, said = stack.finish()
        file_columns.write(writer)
    writer.close(_attributes(plan, said))
    return StoreProfile(plan.name, made, tuple(left[:_MOST_LEFT]), len(plan.sources))


@contextmanager
def _blaming(index: int, name: str) -> Iterator[None]:
    """Whatever goes wrong names the source."""
    try:
        yield
    except UnreadableError as error:
        raise SourceFailedError(index, reason=error.message, code=error.reason_code) from error
    except SourceFailedError:
        raise
    except Exception as error:
        reason, code = plain_words(error, name)
        raise SourceFailedError(index, reason=reason, code=code) from error


@contextmanager
def _unpacked(
    file: BinaryIO, name: str, limits: Limits, scratch: BinaryIO | None
) -> Iterator[tuple[BinaryIO, Context]]:
    if scratch is not None:
        scratch.seek(0)
        scratch.truncate()
    opened, context = open_source(file, name, limits, scratch)
    try:
        yield opened, context
    finally:
        if opened is not file and opened is not scratch:
            opened.close()


def _attributes(plan: StorePlan, said: Mapping[str, Any]) -> dict[str, Any]:
    """Of the store: the file's own, what else it says, and where all of it comes from."""
    about: dict[str, Any] = {"converter": CONVERTER, "reader": plan.reader, "sources": len(plan.sources)}
    if not plan.is_stack:
        about[SOURCE_COLUMN] = plan.sources[0].path
    return {**said, "metadata": dict(plan.facts), "tsunagu": about}


class _FileColumns:
    """What is said of each file as a whole: coordinates along the dimension ``file``."""

    def __init__(self, plan: StorePlan, names: Names) -> None:
        self._plan = plan
        # Taken before those of arrays, so that they stand where people look for them.
        self._paths = [names.of(one.name) for one in plan.file_columns] if plan.is_stack else []
        self._source = names.of(SOURCE_COLUMN) if plan.is_stack else ""

    def write(self, writer: ZarrWriter) -> None:
        """As arrays of words or numbers."""
        dimensions = (FILE_DIMENSION,)
        writer.texts(
            self._source,
            [source.path for source in self._plan.sources],
            dimensions=dimensions,
            attributes={"description": "file that the numbers come from"},
        )
        for place, (column, path) in enumerate(zip(self._plan.file_columns, self._paths, strict=True)):
            values = [source.values[place] for source in self._plan.sources]
            attributes = {"units": column.unit} if column.unit else {}
            if column.description:
                attributes["long_name"] = column.description
            if column.kind in {"integer", "number"}:
                writer.numbers(path, values, dimensions=dimensions, attributes=attributes)
            else:
                texts = ["" if value is None else str(value) for value in values]
                writer.texts(path, texts, dimensions=dimensions, attributes=attributes)
