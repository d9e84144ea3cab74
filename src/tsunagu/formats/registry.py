"""Which readers there are, and which of them is right for some bytes."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from tsunagu.formats.reader import ArrayReader, Reader, RowReader

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tsunagu.formats.types import Table

GROUP = "tsunagu.readers"
# Below this nothing is claimed: the file is "unrecognised".
LEAST_SCORE = 5


@lru_cache(maxsize=1)
def installed_readers() -> tuple[tuple[Reader, ...], tuple[str, ...]]:
    """All readers that entry points announce, and one sentence for each that could not be taken in.

    A broken plugin must not take the others down; ``tsunagu check`` shows the sentences.
    """
    readers: dict[str, Reader] = {}
    problems: list[str] = []
    for point in sorted(_entry_points(), key=lambda point: point.name):
        try:
            reader = point.load()
        except Exception as error:  # noqa: BLE001 - a plugin may fail in any way while it is imported
            problems.append(f"The reader {point.name} ({point.value}) cannot be imported: {error}")
            continue
        if not isinstance(reader, Reader):
            problems.append(f"The reader {point.name} ({point.value}) lacks info, sniff or load.")
        elif reader.info.name in readers:
            problems.append(f"Two readers are called {reader.info.name}; {point.value} is not used.")
        else:
            readers[reader.info.name] = reader
    return tuple(readers.values()), tuple(problems)


def _entry_points() -> Iterable[metadata.EntryPoint]:
    points = list(metadata.entry_points(group=GROUP))
    if not any(point.value.startswith("tsunagu.formats.") for point in points):
        points += _source_tree_points()
    return points


def _source_tree_points() -> list[metadata.EntryPoint]:
    """The same table from pyproject.toml, for a source tree that runs without having been installed."""
    project = Path(__file__).parents[3] / "pyproject.toml"
    if not project.is_file():
        return []
    table = tomllib.loads(project.read_text("utf-8"))["project"]["entry-points"].get(GROUP, {})
    return [metadata.EntryPoint(name, value, GROUP) for name, value in table.items()]


@lru_cache(maxsize=1)
def row_readers() -> Mapping[str, tuple[Table, ...]]:
    """The installed readers that give rows, by name, with the tables that every file of theirs is."""
    readers, _ = installed_readers()
    return {one.info.name: one.whole_tables for one in readers if isinstance(one, RowReader) and one.has_rows}


@lru_cache(maxsize=1)
def array_readers() -> frozenset[str]:
    """The names of the installed readers that give arrays."""
    readers, _ = installed_readers()
    return frozenset(one.info.name for one in readers if isinstance(one, ArrayReader) and one.has_arrays)


def choose(head: bytes, name: str, readers: Sequence[Reader]) -> Reader | None:
    """The reader that claims the content most surely, or ``None``.

    A sniffer that raises claims nothing. Equal scores go to the reader whose name sorts first, so that the
    answer never depends on the order of installation.
    """
    best: tuple[int, Reader] | None = None
    for reader in sorted(readers, key=lambda reader: reader.info.name):
        try:
            score = min(100, int(reader.sniff(head, name)))
        except Exception:  # noqa: BLE001, S112 - third-party code on hostile bytes
            continue
        if score >= LEAST_SCORE and (best is None or score > best[0]):
            best = (score, reader)
    return best[1] if best else None
