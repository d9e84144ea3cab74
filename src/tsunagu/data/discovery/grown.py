"""The index of a grown node: a table of its PostgreSQL, which answers the same questions with the same records.

A phrase is found by the tokens in it (an inverted index) and then looked for in the text of tokens, blank by blank:
positions of PostgreSQL's own vectors end at 16,383. Order is by how often words stand in the title and elsewhere, and
only among the first 2,000 hits: ranking every hit of a common word would take seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction

from tsunagu.data.discovery import analysis
from tsunagu.data.discovery.clauses import Answer, Phrase, Question, Seen
from tsunagu.data.discovery.documents import Document
from tsunagu.data.discovery.entries import COLUMNS, row_of, shown_of
from tsunagu.data.discovery.statements import Statement, allowed, both, clause, phrase

FORM = f"3.{analysis.VERSION}"
_RANKED = 2000
_MOST_VALUES = 50
_ARRAYS = frozenset({"format", "creator", "outcome"})
_SORTS = {"newest": "updated_s desc, uid", "oldest": "updated_s, uid", "largest": "byte_count desc, uid"}


@dataclass(frozen=True, slots=True)
class PostgreSQL:
    """An index in the node's database."""

    def replace(self, ids: Iterable[str], documents: Iterable[Document]) -> None:
        """Put documents of datasets in the place of all that the index had of these; durable when it returns."""
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("delete from discovery_entry where uid = any(%s)", [list(ids)])
            self.add(documents)

    def add(self, documents: Iterable[Document]) -> None:
        """Put documents in that the index does not have."""
        marks = ", ".join(["%s"] * len(COLUMNS))
        # The vector is made of the tokens themselves: PostgreSQL's own parser would cut them again.
        statement = (
            f"insert into discovery_entry ({', '.join(COLUMNS)}, words) "  # noqa: S608 - names of this program
            f"values ({marks}, array_to_tsvector(%s))"
        )
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.executemany(statement, [row_of(one) for one in documents])

    def begin_anew(self) -> None:
        """Empty the index; it counts as unfinished until ``finish``."""
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("delete from discovery_state")
            cursor.execute("truncate discovery_entry")

    def finish(self) -> None:
        """From now on the index is whole."""
        with connection.cursor() as cursor:
            cursor.execute(
                "insert into discovery_state values (%s, true) on conflict (form) do update set is_whole = true",
                [FORM],
            )

    def is_whole(self) -> bool:
        """Whether there is an index of today's form that was finished."""
        with connection.cursor() as cursor:
            cursor.execute("select 1 from discovery_state where form = %s and is_whole", [FORM])
            return cursor.fetchone() is not None

    def answer(self, question: Question, seen: Seen) -> Answer:
        """What is found, for whom."""
        where = both([allowed(seen), *(clause(one) for one in question.clauses)])
        with connection.cursor() as cursor:
            cursor.execute(f"select count(*) from discovery_entry where {where.sql}", where.values)  # noqa: S608
            total = int(cursor.fetchone()[0])
            ids = self._ids(cursor, where, question)
            facets = {name: self._facet(cursor, where, name, seen.now_s) for name in question.facets}
        return Answer(tuple(ids), total, lambda: facets)

    @staticmethod
    def _ids(cursor: Any, where: Statement, question: Question) -> list[str]:
        window = [question.limit, question.skip]
        order = _SORTS.get(question.sort)
        if order:
            cursor.execute(
                f"select uid from discovery_entry where {where.sql} order by {order} limit %s offset %s",  # noqa: S608
                [*where.values, *window],
            )
        else:
            rank = _rank(question.ranked)
            cursor.execute(
                f"select uid from (select * from discovery_entry where {where.sql} limit %s) as first "  # noqa: S608
                f"order by {rank.sql} desc, updated_s desc, uid limit %s offset %s",
                [*where.values, max(_RANKED, question.skip + question.limit), *rank.values, *window],
            )
        return [row[0] for row in cursor.fetchall()]

    @staticmethod
    def _facet(cursor: Any, where: Statement, name: str, now_s: int) -> list[tuple[str, int]]:
        value = f"unnest({name})" if name in _ARRAYS else f"{name}::text"
        values = list(where.values)
        if name == "access":
            # An embargoed dataset counts as closed until its day.
            value, values = "case when embargo_until_s > %s then 'closed' else access end", [now_s, *values]
        named = " and project <> ''" if name == "project" else ""  # records of other repositories are in none
        cursor.execute(
            f"select {value} as value, count(*) from discovery_entry where {where.sql}{named} "  # noqa: S608
            "group by 1 order by 2 desc, 1 limit %s",
            [*values, _MOST_VALUES],
        )
        found: dict[str, tuple[str, int]] = {}
        for text, count in cursor.fetchall():
            key, shown = shown_of(text)
            first, before = found.get(key or shown, (shown, 0))
            found[key or shown] = first, before + int(count)
        return list(found.values())

    def begun_with(self, prefix: str, seen: Seen, *, limit: int) -> Sequence[tuple[str, int]]:
        """What people can go on typing, and how many records have it, the most frequent first."""
        folded = analysis.fold(prefix).strip()[:100]
        if not folded:
            return []
        where = allowed(seen)
        with connection.cursor() as cursor:
            cursor.execute(
                "select value, count(*) from (select unnest(begun) as value from discovery_entry "  # noqa: S608
                f"where {where.sql}) as held where starts_with(value, %s) group by 1 "
                "order by 2 desc, length(value), value limit %s",
                [*where.values, folded, limit],
            )
            return [(shown_of(str(value))[1], int(count)) for value, count in cursor.fetchall()]


def _rank(wanted: Sequence[Phrase]) -> Statement:
    """How much the title and the text say of what was asked."""
    parts: list[str] = []
    values: list[Any] = []
    for one in wanted:
        in_title, text = phrase(one, "title"), " ".join(one.tokens)
        parts.append(f"(case when {in_title.sql} then 5 else 0 end)")
        parts.append("least(3, (length(everything) - length(replace(everything, %s, ''))) / %s)")
        values += [*in_title.values, text, len(text)]
    return Statement(" + ".join(parts) or "0::int", tuple(values))
