"""What an index must be able to do, and which one this node has."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from typing import Protocol

from django.db import connection

from tsunagu.core import settings
from tsunagu.data.discovery.clauses import Answer, Question, Seen
from tsunagu.data.discovery.documents import Document


class Engine(Protocol):
    """An index. Only one process writes; what it wrote is found by all of them at once."""

    def replace(self, ids: Iterable[str], documents: Iterable[Document]) -> None:
        """Put documents of datasets in the place of all that the index had of these; durable when it returns."""

    def answer(self, question: Question, seen: Seen) -> Answer:
        """What is found, for whom; counts and facets count only what they see."""

    def add(self, documents: Iterable[Document]) -> None:
        """Put documents in that the index does not have, between ``begin_anew`` and ``finish``; durable with that."""

    def begin_anew(self) -> None:
        """Empty the index; it counts as unfinished until ``finish``."""

    def finish(self) -> None:
        """From now on the index is whole."""

    def is_whole(self) -> bool:
        """Whether there is an index of today's form that was finished."""

    def begun_with(self, prefix: str, seen: Seen, *, limit: int) -> Sequence[tuple[str, int]]:
        """What people can go on typing, and how many records have it, the most frequent first."""


@functools.cache
def engine() -> Engine:
    """The index of this node, as the setting ``search_engine`` says.

    Raises:
        BadSettingError: it is to lie in PostgreSQL, and the node's database is another.
    """
    if settings.current().search_engine == "postgresql":
        if connection.vendor != "postgresql":
            raise settings.BadSettingError(
                "The setting search_engine = postgresql needs a database_url that begins with postgresql://."
            )
        from tsunagu.data.discovery.grown import PostgreSQL

        return PostgreSQL()
    from tsunagu.data.discovery.embedded import Tantivy

    return Tantivy(settings.current().home / "search")
