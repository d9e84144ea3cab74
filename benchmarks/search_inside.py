"""Run by ``search.py`` in a process with a node's settings: makes the records and the indexes, prints times as JSON."""

from __future__ import annotations

import itertools
import json
import os
import random
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import django

ASKED = 60
PROJECTS = 500
SEEN_PROJECTS = 20
_KANJI = [chr(0x4E00 + 7 * number) for number in range(1800)]
_SOUNDS = [a + b for a in "bdfgklmnprstvz" for b in ("a", "e", "i", "o", "u", "an", "er", "is", "on", "ul")]


class Words:
    """Words of two languages with the frequencies of a language (Zipf)."""

    def __init__(self) -> None:
        dice = random.Random(11)
        self.kanji = _distinct(lambda: "".join(dice.choices(_KANJI, k=dice.choice((2, 2, 2, 3, 4)))), 30_000)
        self.english = _distinct(lambda: "".join(dice.choices(_SOUNDS, k=dice.choice((2, 3, 4)))), 20_000)
        self._weights = {
            id(words): list(itertools.accumulate(1 / (rank + 4) for rank in range(len(words))))
            for words in (self.kanji, self.english)
        }

    def some(self, words: list[str], count: int, dice: random.Random) -> list[str]:
        """A few words, the frequent ones often."""
        return dice.choices(words, cum_weights=self._weights[id(words)], k=count)


def _distinct(make: Callable[[], str], count: int) -> list[str]:
    found: dict[str, None] = {}
    while len(found) < count:
        found[make()] = None
    return list(found)


def records(words: Words, count: int, uids: list[str], projects: list[tuple[str, str]]) -> Iterator[Any]:
    """Documents as the room makes them, from nothing but a seed."""
    from tsunagu.data.discovery.documents import BOTH, Document

    dice = random.Random(7)
    levels = {"sensitivity": 0, "personal": 0, "export_control": 0, "contract": 0, "consent": 0}
    people = [" ".join(words.some(words.english, 2, dice)) for _ in range(5000)]
    for number in range(count):
        uid, project = projects[number % PROJECTS]
        is_open = number % 5 != 0
        japanese = words.some(words.kanji, 22, dice)
        english = words.some(words.english, 30, dice)
        yield Document(
            id=uids[number],
            face=BOTH,
            project_id=uid,
            project=project,
            access="open" if is_open else "closed",
            embargo_until_s=0,
            has_frozen=True,
            labels=levels,
            origins=(),
            titles=("の".join(japanese[:4]), " ".join(english[:6])),
            slug=f"{project}/d{number}",
            texts=("を".join(japanese[4:14]) + "。" + "と".join(japanese[14:]), " ".join(english[6:])),
            creators=(people[number % 5000],),
            keywords=(japanese[0], english[0]),
            formats=(("csv", "hdf5", "jcamp", "tiff", "netcdf")[number % 5],),
            licence=("CC-BY-4.0", "CC0-1.0", "none")[number % 3],
            updated_s=1_700_000_000 + number,
            year=2020 + number % 7,
            byte_count=number * 1000,
            file_count=number % 1000,
        )


def main(count: int, address: str) -> None:
    """Everything, in this order: rows, indexes, questions, changes."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tsunagu.config.settings")
    django.setup()
    from tsunagu.core import settings
    from tsunagu.data.discovery.embedded import Tantivy
    from tsunagu.data.discovery.engines import engine

    reader, uids, projects = _rows(count)
    words, found = Words(), {}
    ours = engine()
    assert isinstance(ours, Tantivy)
    home = settings.current().home / "search"
    started = time.perf_counter()
    for _one in records(words, count, uids, projects):
        pass
    making_s = time.perf_counter() - started  # of the records: no contestant's work
    started = time.perf_counter()
    ours.begin_anew()
    several = records(words, count, uids, projects)
    while part := list(itertools.islice(several, 1000)):  # as the node does
        ours.add(part)
    ours.finish()
    found["index_s"], found["index_mb"] = time.perf_counter() - started - making_s, _size(home)
    bare = Bare(home.parent / "bare")
    started = time.perf_counter()
    bare.fill(records(words, count, uids, projects))
    found["bare_s"], found["bare_mb"] = time.perf_counter() - started - making_s, _size(home.parent / "bare")
    peer = Fts5(home.parent / "fts5.db")
    started = time.perf_counter()
    peer.fill(records(words, count, uids, projects))
    found["fts_s"] = time.perf_counter() - started - making_s
    peers: dict[str, Fts5 | Gin] = {"SQLite FTS5": peer}
    if address:
        peers["PostgreSQL GIN"] = gin = Gin(address)
        started = time.perf_counter()
        gin.fill(records(words, count, uids, projects))
        found["gin_s"] = time.perf_counter() - started - making_s
    mine = [projects[number] for number in range(SEEN_PROJECTS)]
    found["times"] = _ask(reader, words, bare, peers, mine)
    found["changes"] = _changes(uids)
    print(json.dumps(found))


def _rows(count: int) -> tuple[Any, list[str], list[tuple[str, str]]]:
    """The rows that rules and hits are asked of."""
    from django.db import transaction

    from tsunagu.core import bulk, clock
    from tsunagu.core.ids import new_id
    from tsunagu.foundation.identity import api as identity
    from tsunagu.foundation.policy import api as policy

    card = identity.ensure_person("reader@example.org")
    reader = identity.Actor("person", card.id, "reader")
    now = clock.now()
    projects = [(new_id(), f"p{number:03}") for number in range(PROJECTS)]
    uids = [new_id() for _ in range(count)]
    with transaction.atomic():
        bulk.insert(
            "datasets_project",
            ("uid", "name", "title", "description", "created_by", "created_at"),
            ((uid, name, "", "", card.id, now) for uid, name in projects),
        )
        columns = (
            "uid", "project_id", "name", "title", "access", "embargo_until_s", "described", "draft_number", "live_count",
            "live_bytes", "key_domain", "seal_state", "has_frozen", "is_description_changed", "created_by", "created_at",
            "updated_at",
        )  # fmt: skip
        bulk.insert(
            "datasets_dataset",
            columns,
            (
                (uid, projects[n % PROJECTS][0], f"d{n}", f"題名 {n}", "open" if n % 5 else "closed", 0, "{}", 1, 0, 0, "", "",
                 True, False, card.id, now, now)
                for n, uid in enumerate(uids)
            ),
        )  # fmt: skip
    for uid, _name in projects[:SEEN_PROJECTS]:
        policy.place(
            policy.Resource("project", uid),
            subject_kind="person",
            subject_id=card.id,
            role=policy.Role.READER,
            by=card.id,
        )
    return reader, uids, projects


class Bare:
    """tantivy as one would use it by hand: its own pairs of letters, a filter of two terms."""

    def __init__(self, folder: Path) -> None:
        import tantivy

        self.t = tantivy
        build = tantivy.SchemaBuilder()
        build.add_text_field("uid", tokenizer_name="raw", stored=True)
        build.add_text_field("title", tokenizer_name="pairs")
        build.add_text_field("everything", tokenizer_name="pairs")
        build.add_text_field("access", tokenizer_name="raw", index_option="basic")
        for name in ("project", "format", "licence", "creator"):
            build.add_text_field(name, tokenizer_name="raw", index_option="basic", fast=True)
        for name in ("updated_s", "year"):
            build.add_integer_field(name, indexed=True, fast=True)
        folder.mkdir()
        self.schema = build.build()
        self.index = tantivy.Index(self.schema, path=str(folder))
        pairs = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.ngram(2, 2)).filter(tantivy.Filter.lowercase())
        self.index.register_tokenizer("pairs", pairs.build())

    def fill(self, documents: Iterator[Any]) -> None:
        """The same records."""
        writer = self.index.writer(64 << 20, 1)
        for one in documents:
            text = "\n".join((*one.titles, one.slug, *one.keywords, *one.creators, *one.texts, *one.formats))
            writer.add_document(
                self.t.Document(
                    uid=one.id, title="\n".join(one.titles), everything=text, access=one.access, project=one.project,
                    format=list(one.formats), licence=one.licence, creator=list(one.creators), updated_s=one.updated_s,
                    year=one.year,
                )
            )  # fmt: skip
        writer.commit()
        writer.wait_merging_threads()
        self.index.reload()
        self.searcher = self.index.searcher()

    def ask(self, words: list[str], projects: list[str], *, facets: bool) -> list[str]:
        """Twenty ids."""
        query, must, should = self.t.Query, self.t.Occur.Must, self.t.Occur.Should
        parts = []
        for word in words:
            pairs = [word[at : at + 2] for at in range(len(word) - 1)]
            for field, occur in (("everything", must), ("title", should)):
                made = (
                    query.phrase_query(self.schema, field, pairs)
                    if len(pairs) > 1
                    else query.term_query(self.schema, field, pairs[0])
                )
                parts.append((occur, made))
        allowed = query.boolean_query(
            [
                (should, query.term_query(self.schema, "access", "open")),
                (should, query.term_set_query(self.schema, "project", projects)),
            ]
        )
        whole = query.boolean_query([*parts, (must, query.const_score_query(allowed, 0.0))])
        found = self.searcher.search(whole, 20)
        if facets:
            names = ("project", "format", "licence", "creator", "access", "year")
            asked = {name: {"terms": {"field": name, "size": 50}} for name in names if name != "access"}
            self.searcher.aggregate(whole, asked)
        return [self.searcher.doc(address)["uid"] for _score, address in found.hits]


class Fts5:
    """SQLite's full text search over our tokens, with the filter as a join."""

    def __init__(self, file: Path) -> None:
        self.base = sqlite3.connect(file)
        self.base.execute("pragma journal_mode=off")
        self.base.execute("pragma synchronous=off")
        self.base.execute("pragma cache_size=-400000")
        self.base.execute(
            """create virtual table f using fts5(t, d, content='', tokenize="unicode61 remove_diacritics 0")"""
        )
        self.base.execute("create table s (id integer primary key, uid text, access text, project text)")

    def fill(self, documents: Iterator[Any]) -> None:
        """The same records."""
        from tsunagu.data.discovery import analysis

        with self.base:
            for number, one in enumerate(documents):
                title = analysis.joined(one.titles)
                rest = (one.slug, *one.keywords, *one.creators, *one.texts, *one.formats)
                self.base.execute(
                    "insert into f(rowid, t, d) values (?, ?, ?)", (number, title, analysis.joined(rest))
                )
                self.base.execute(
                    "insert into s values (?, ?, ?, ?)", (number, one.id, one.access, one.project)
                )

    def ask(self, words: list[str], projects: list[str]) -> list[str]:
        """Twenty ids."""
        from tsunagu.data.discovery import analysis

        phrases = (analysis.phrase(word) for word in words)
        match = " AND ".join('"' + " ".join(one.tokens) + '"' for one in phrases if one)
        marks = ",".join("?" * len(projects))
        rows = self.base.execute(
            f"select uid from f join s on s.id = f.rowid where f match ? and (access = 'open' or project in ({marks}))"
            " order by bm25(f, 5, 1) limit 20",
            (match, *projects),
        )
        return [row[0] for row in rows]


class Gin:
    """PostgreSQL's full text search over our tokens with their places: one GIN index, the filter as columns beside it."""

    def __init__(self, address: str) -> None:
        import psycopg

        self.base = psycopg.connect(address, autocommit=True)
        self.base.execute("create table s (uid text, access text, project text, words tsvector)")

    def fill(self, documents: Iterator[Any]) -> None:
        """The same records."""
        from tsunagu.data.discovery import analysis

        with self.base.cursor() as cursor:
            with cursor.copy("copy s from stdin") as rows:
                for one in documents:
                    rest = (one.slug, *one.keywords, *one.creators, *one.texts, *one.formats)
                    words = _placed([("A", analysis.joined(one.titles)), ("D", analysis.joined(rest))])
                    rows.write_row((one.id, one.access, one.project, words))
            cursor.execute("create index on s using gin (words)")
            cursor.execute("vacuum analyze s")

    def ask(self, words: list[str], projects: list[str]) -> list[str]:
        """Twenty ids."""
        from tsunagu.data.discovery import analysis

        phrases = (analysis.phrase(word) for word in words)
        asked = " & ".join(
            "(" + " <-> ".join(_quoted(token) for token in one.tokens) + ")" for one in phrases if one
        )
        rows = self.base.execute(
            "select uid from s, (select %s::tsquery) as q(asked) where words @@ asked"
            " and (access = 'open' or project = any(%s)) order by ts_rank(words, asked) desc limit 20",
            (asked, projects),
        )
        return [row[0] for row in rows.fetchall()]


def _placed(parts: list[tuple[str, str]]) -> str:
    """Tokens with their places and weights, as PostgreSQL writes them."""
    places: dict[str, list[str]] = {}
    at = 0
    for weight, text in parts:
        for token in text.split():
            at += 1
            places.setdefault(token, []).append(f"{at}{weight}")
        at += 1
    return " ".join(f"{_quoted(token)}:{','.join(found)}" for token, found in places.items())


def _quoted(token: str) -> str:
    return "'" + token.replace("\\", "\\\\").replace("'", "''") + "'"


def _ask(
    reader: Any, words: Words, bare: Bare, peers: dict[str, Fts5 | Gin], mine: list[tuple[str, str]]
) -> dict[str, list[float]]:
    """Every kind of question, each contestant in turn."""
    from tsunagu.data.description import api as description
    from tsunagu.data.discovery import api as discovery
    from tsunagu.data.discovery.asking import understood
    from tsunagu.data.discovery.clauses import FACETS, Question
    from tsunagu.data.discovery.engines import engine
    from tsunagu.data.discovery.selectors import seen_by

    dice = random.Random(3)
    two = [word for word in words.kanji if len(word) == 2]
    kinds: dict[str, Callable[[], list[str]]] = {
        "two kanji, rare": lambda: [dice.choice(two[5000:])],
        "two kanji, common": lambda: [dice.choice(two[:100])],
        "three words": lambda: [
            dice.choice(two[:300]),
            dice.choice(two[:300]),
            dice.choice(words.english[:300]),
        ],
        "English word": lambda: [dice.choice(words.english[50:3000])],
        "common word, facets": lambda: [dice.choice(two[:100])],
    }
    names, terms = [name for _uid, name in mine], description.terms()
    times: dict[str, list[float]] = {}
    for kind, some in kinds.items():
        facets = kind.endswith("facets")
        for _round in range(ASKED):
            asked = some()
            text = " ".join(asked)

            seen = seen_by(reader)

            def alone(text: str = text, seen: Any = seen, *, facets: bool = facets) -> Any:
                clauses = understood(text, terms)
                question = Question(clauses.clauses, clauses.words, facets=FACETS if facets else ())
                return engine().answer(question, seen).counts()

            contestants: dict[str, Callable[[], Any]] = {
                "whole answer": lambda text=text: discovery.search(reader, text),  # type: ignore[misc]
                "index alone": alone,
                "bare tantivy": lambda a=asked, f=facets: bare.ask(a, names, facets=f),  # type: ignore[misc]
            }
            for name, peer in peers.items() if not facets else ():
                contestants[name] = lambda a=asked, p=peer: p.ask(a, names)  # type: ignore[misc]
            for name, ask in contestants.items():
                times.setdefault(f"{kind}: {name}", []).append(timed(ask))
    return times


def _changes(uids: list[str]) -> list[float]:
    """From the commit of a new title to the first hit, the writer working as in a node."""
    import threading

    from django.db import transaction

    from tsunagu.data.datasets.models import Dataset
    from tsunagu.data.discovery import api as discovery
    from tsunagu.data.discovery.indexing import note
    from tsunagu.foundation.identity.api import SYSTEM

    stopped = threading.Event()
    writer = threading.Thread(target=discovery.keep_up, args=(stopped,))
    writer.start()
    found = []
    for number in range(10):
        uid, word = uids[number * 7 + 1], f"changedword{number}"
        with transaction.atomic():
            Dataset.objects.filter(uid=uid).update(title=word)
            note(uid, hides=False)
        started = time.perf_counter()
        while not discovery.search(SYSTEM, word).total:
            time.sleep(0.01)
        found.append(time.perf_counter() - started)
    stopped.set()
    writer.join()
    return found


def timed(ask: Callable[[], Any]) -> float:
    """Milliseconds."""
    started = time.perf_counter()
    ask()
    return (time.perf_counter() - started) * 1000


def _size(folder: Path) -> float:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
