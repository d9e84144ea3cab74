"""Questions about the tables of a version: who may, which bytes, how many at once."""

from __future__ import annotations

import functools
import queue

from tsunagu.core import settings
from tsunagu.data.datasets import api as datasets
from tsunagu.data.tables.errors import NoTablesError, TooManyQueriesError
from tsunagu.data.tables.naming import SUFFIX, named
from tsunagu.formats import api as formats
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.storage import api as storage

_AT_ONCE = 2
_WAIT_S = 15.0
MOST_ROWS = 10_000
_MOST_FILES = 5000


class Tables:
    """The tables of one version for one asker; made by ``open_tables``."""

    def __init__(
        self, version: int, files: dict[str, list[datasets.FileCard]], domains: tuple[str, ...]
    ) -> None:
        self.version = version
        self._files = files
        self._domains = domains
        self._places: dict[bytes, storage.Location] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the tables."""
        return tuple(self._files)

    def paths(self, name: str) -> tuple[str, ...]:
        """Paths of a table's files."""
        return tuple(file.path for file in self._files[name])

    def describe(self) -> list[formats.TableCard]:
        """Columns and rows of every table.

        Raises:
            QueryFailedError, TooManyQueriesError: it could not be asked.
        """
        found = self._ask(formats.Question("describe", self._named()))
        assert isinstance(found, list)
        return found

    def query(
        self, sql: str, parameters: tuple[object, ...] = (), *, most_rows: int = 1000
    ) -> formats.Answer:
        """The rows of one SELECT; at most 10,000, and 8 MiB of them.

        Raises:
            QueryFailedError: it is wrong or costs too much.
            TooManyQueriesError: it got no turn.
        """
        question = formats.Question("query", self._named(), sql, parameters, min(most_rows, MOST_ROWS))
        found = self._ask(question)
        assert isinstance(found, formats.Answer)
        return found

    def _named(self) -> tuple[formats.TableFiles, ...]:
        return tuple(
            formats.TableFiles(name, tuple(file.byte_count for file in files))
            for name, files in self._files.items()
        )

    def _ask(self, question: formats.Question) -> list[formats.TableCard] | formats.Answer:
        node = settings.current()
        limits = formats.Limits(
            wall_s=node.query_timeout_s,
            cpu_s=max(1, int(2 * node.query_timeout_s)),
            memory_bytes=node.query_memory_bytes,
        )
        contents = [file.sha256 for files in self._files.values() for file in files]
        self._places = storage.locate(contents, self._domains)

        def read(number: int, start: int, count: int) -> bytes:
            place = self._places.get(contents[number])
            return storage.read_range(place, start, count) if place is not None else b""

        waiting = _queriers()
        try:
            querier = waiting.get(timeout=_WAIT_S)
        except queue.Empty:
            raise TooManyQueriesError from None
        try:
            return querier.ask(question, read, limits=limits)
        finally:
            waiting.put(querier)


def open_tables(actor: Actor, card: datasets.DatasetCard, *, version: int | None = None) -> Tables:
    """The tables of a version: its Parquet files, shards of one name together.

    Args:
        actor: Who asks.
        card: The dataset.
        version: Its number; None: the newest state that the actor may see.

    Raises:
        NoTablesError: the version has no Parquet files, or more than 5,000.
        NotFoundError, NoSuchVersionError: the actor may not read it, or there is none.
    """
    number = datasets.resolve_version(actor, card, version)
    ending = datasets.files_ending(card, number, SUFFIX, limit=_MOST_FILES + 1)
    files = {file.path: file for file in ending}
    if not files or len(files) > _MOST_FILES:
        raise NoTablesError(version=number)
    return Tables(
        number,
        {name: [files[path] for path in paths] for name, paths in named(files).items()},
        card.domains,
    )


@functools.cache
def _queriers() -> queue.Queue[formats.Querier]:
    """A process each, started with the first question."""
    waiting: queue.Queue[formats.Querier] = queue.Queue()
    for _ in range(_AT_ONCE):
        waiting.put(formats.Querier())
    return waiting


def stop() -> None:
    """End the processes, for tests."""
    waiting = _queriers()
    for _ in range(_AT_ONCE):
        querier = waiting.get()
        querier.close()
        waiting.put(querier)
