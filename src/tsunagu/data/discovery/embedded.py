"""The embedded index: tantivy in a folder of the node.

It is no second truth: it can be deleted at any time and is then made anew from the database. Nothing is stored in it
but ids; what a page shows comes from the database, through the rules.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tsunagu.core.durable import write_durably
from tsunagu.data.discovery import analysis
from tsunagu.data.discovery.clauses import Answer, Question, Seen
from tsunagu.data.discovery.documents import Document
from tsunagu.data.discovery.entries import TEXTS, begun_of, column, columns, order_key, shown_of, texts_of
from tsunagu.data.discovery.queries import Builder, truth

if TYPE_CHECKING:
    import tantivy

# Whoever changes the schema changes this, and every index is made anew.
_FORM = f"4.{analysis.VERSION}"
_HEAP_BYTES = 64 << 20
_MOST_VALUES = 50
_MOST_COUNTED = (
    1000  # in each part of the index; reading the names of ten thousand creators costs more than the hits
)
_SORTS = {"newest": ("updated_s", False), "oldest": ("updated_s", True), "largest": ("byte_count", False)}


Counts = Mapping[str, list[tuple[str, int]]]


class Tantivy:
    """An index in a folder; one writer, any number of readers that look at the folder again before each answer."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._folder = home / f"index-{_FORM}"
        self._mark = self._folder / "whole"
        self._lock = threading.Lock()
        self._index: tantivy.Index | None = None
        self._writer: tantivy.IndexWriter | None = None
        self._stamp: tuple[int, int] = (0, 0)

    # --- Writing

    def replace(self, ids: Iterable[str], documents: Iterable[Document]) -> None:
        """Put documents of datasets in the place of all that the index had of these; durable when it returns."""
        made = [
            self._document(one) for one in documents
        ]  # all or none: what is added waits for the next commit
        writer = self._open_writer()
        for key in ids:
            writer.delete_documents_by_term("uid", key)
        for one in made:
            writer.add_document(one)
        writer.commit()

    def add(self, documents: Iterable[Document]) -> None:
        """Put documents in that the index does not have, between ``begin_anew`` and ``finish``; durable with that."""
        made = [self._document(one) for one in documents]
        writer = self._open_writer()
        for one in made:
            writer.add_document(one)

    def begin_anew(self) -> None:
        """Empty the index, and remove those of earlier forms."""
        with self._lock:
            self._index = self._writer = None
            for old in self._home.glob("index-*"):
                shutil.rmtree(old)
            self._folder.mkdir(parents=True, mode=0o700)

    def finish(self) -> None:
        """From now on the index is whole."""
        self._open_writer().commit()
        write_durably(self._mark, b"")

    def is_whole(self) -> bool:
        """Whether there is an index of today's form that was finished."""
        return self._mark.exists() and (self._folder / "meta.json").exists()

    def close(self) -> None:
        """Give the folder free for another writer."""
        self._writer = None

    def _open_writer(self) -> tantivy.IndexWriter:
        if self._writer is None:
            self._writer = self._open().writer(_HEAP_BYTES, 1)
        return self._writer

    def _document(self, one: Document) -> tantivy.Document:
        import tantivy

        fields = texts_of(one) | _columns_of(one)
        return tantivy.Document(
            **{name: value for name, value in fields.items() if value or value.__class__ is int}
        )

    # --- Reading

    def answer(self, question: Question, seen: Seen) -> Answer:
        """What is found, for whom."""
        searcher = self._searcher()
        if searcher is None:
            return Answer()
        build = Builder(self._open())
        allowed = build.allowed(seen)
        asked = [build.clause(one) for one in question.clauses]
        query = build.all(
            [*asked, build.unranked(allowed)], better=[build.title(one) for one in question.ranked]
        )
        field, is_upward = _SORTS.get(question.sort, ("", False))
        options: dict[str, Any] = {"limit": max(1, question.limit), "offset": question.skip, "count": True}
        if field:
            options |= {"order_by_field": field, "order": build.order(upward=is_upward)}
        # The index counts on another core while this one looks for hits, and while their rows are fetched.
        counts = (
            _begun(lambda: self._facets(searcher, query, question.facets, seen)) if question.facets else dict
        )
        found = searcher.search(query, **options)
        ids = [str(searcher.doc(address).get_first("uid")) for _score, address in found.hits]
        total = int(found.count or 0)  # type: ignore[attr-defined] # missing in the stubs of 0.27
        return Answer(tuple(ids[: question.limit]), total, counts)

    def _facets(
        self, searcher: tantivy.Searcher, query: tantivy.Query, names: Sequence[str], seen: Seen
    ) -> Counts:
        asked: dict[str, Any] = {
            name: {"terms": {"field": name, "size": _MOST_VALUES, "segment_size": _MOST_COUNTED}}
            for name in names
        }
        if "access" in asked:
            # An embargoed dataset counts as closed until its day, and the index need not be touched on that day.
            later = {"range": {"field": "embargo_until_s", "ranges": [{"from": seen.now_s + 1}]}}
            asked["access"]["aggs"] = {"later": later}
        answer = searcher.aggregate(query, asked)
        return {
            name: _access_counts(answer[name]["buckets"])
            if name == "access"
            else _counts(answer[name]["buckets"])
            for name in names
        }

    def begun_with(self, prefix: str, seen: Seen, *, limit: int) -> Sequence[tuple[str, int]]:
        """What people can go on typing, and how many records have it, the most frequent first."""
        searcher = self._searcher()
        folded = analysis.fold(prefix).strip()
        if searcher is None or not folded:
            return []
        allowed = Builder(self._open()).allowed(seen)
        found = searcher.terms_with_prefix("begun", folded[:100], filter_query=allowed, limit=20 * limit)
        ranked = sorted(found, key=lambda item: (-item[1], len(item[0]), item[0]))[:limit]
        return [(shown_of(term)[1], count) for term, count in ranked]

    def _open(self) -> tantivy.Index:
        import tantivy

        with self._lock:
            if self._index is None:
                if (self._folder / "meta.json").exists():
                    self._index = tantivy.Index.open(str(self._folder))
                else:
                    self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                    self._index = tantivy.Index(_schema(), path=str(self._folder))
            return self._index

    def _searcher(self) -> tantivy.Searcher | None:
        """The newest state; None while there is none."""
        try:
            found = (self._folder / "meta.json").stat()
        except FileNotFoundError:
            self._index = None
            return None
        stamp = (found.st_mtime_ns, found.st_ino)
        if self._stamp != stamp:
            if self._index is not None:
                self._index.reload()
            self._stamp = stamp
        return self._open().searcher()


def _begun(work: Callable[[], Counts]) -> Callable[[], Counts]:
    """Begin to count in a thread; what is returned waits for it."""
    future: Future[Counts] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001 - raised where somebody waits
            future.set_exception(error)

    threading.Thread(target=run, name="counting", daemon=True).start()
    return future.result


def _counts(buckets: list[dict[str, Any]]) -> list[tuple[str, int]]:
    """Counts by value; spellings that people do not tell apart count as the most frequent of them."""
    found: dict[str, tuple[str, int]] = {}
    for bucket in buckets:
        said = bucket["key"]
        key, shown = shown_of(said) if isinstance(said, str) else ("", str(int(said)))
        first, count = found.get(key or shown, (shown, 0))
        found[key or shown] = first, count + int(bucket["doc_count"])
    return [(value, count) for value, count in found.values() if count]


def _access_counts(buckets: list[dict[str, Any]]) -> list[tuple[str, int]]:
    counts: dict[str, int] = {}
    for bucket in buckets:
        later = sum(part["doc_count"] for part in bucket["later"]["buckets"] if "from" in part)
        counts["closed"] = counts.get("closed", 0) + int(later)
        counts[bucket["key"]] = counts.get(bucket["key"], 0) + int(bucket["doc_count"]) - int(later)
    return sorted(((name, count) for name, count in counts.items() if count), key=lambda item: -item[1])


def _schema() -> tantivy.Schema:
    import tantivy

    build = tantivy.SchemaBuilder()
    build.add_text_field("uid", tokenizer_name="raw", stored=True)
    for name in TEXTS:
        build.add_text_field(name, tokenizer_name="whitespace")
    for name in ("face", "kind", "project_id", "has_frozen", "has_embargo", "label", "origin", "begun"):
        build.add_text_field(name, tokenizer_name="raw", index_option="basic")
    for name in ("project", "format", "licence", "creator", "access", "readiness", "outcome"):
        build.add_text_field(name, tokenizer_name="raw", index_option="basic", fast=True)
    for name in ("embargo_until_s", "updated_s", "year", "byte_count", "file_count"):
        build.add_integer_field(name, indexed=True, fast=True)
    build.add_json_field("measured", fast=True, tokenizer_name="raw", index_option="basic")
    return build.build()


def _columns_of(one: Document) -> dict[str, Any]:
    return {
        "uid": one.id,
        "face": one.face,
        "kind": one.kind,
        "project_id": one.project_id,
        "project": one.project,
        "access": one.access,
        "has_frozen": truth(one.has_frozen),
        "has_embargo": "1" if one.embargo_until_s else "",
        "label": [f"{name}={level}" for name, level in one.labels.items() if level],
        "origin": list(one.origins),
        "format": columns(one.formats),
        "licence": column(one.licence),
        "creator": columns(one.creators[:100]),
        "readiness": one.readiness,
        "outcome": list(one.outcomes),
        "begun": begun_of(one),
        "embargo_until_s": one.embargo_until_s,
        "updated_s": one.updated_s,
        "year": one.year,
        "byte_count": one.byte_count,
        "file_count": one.file_count,
        "measured": {
            name: [order_key(number) for number in several] for name, several in one.numbers.items()
        },
    }
