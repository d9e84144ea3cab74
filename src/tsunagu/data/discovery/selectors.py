"""Asking the index: everything that comes out of it was let through by the rules inside it, and the hits once more."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from tsunagu.core import clock
from tsunagu.data.datasets import api as datasets
from tsunagu.data.description import api as description
from tsunagu.data.discovery import harvested, pages, showing
from tsunagu.data.discovery.analysis import printable
from tsunagu.data.discovery.asking import Asked, understood
from tsunagu.data.discovery.clauses import FACETS, Clause, Exactly, Question, Seen, Sort
from tsunagu.data.discovery.documents import NOT_READY, RECORD, Document, column_key, said_by, shown
from tsunagu.data.discovery.engines import engine
from tsunagu.data.discovery.models import Pending
from tsunagu.data.discovery.types import Facet, Failure, Found, Hit, Suggestion
from tsunagu.data.harvesting.api import FoundRecord
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy
from tsunagu.foundation.runs import api as runs

SORTS: tuple[Sort, ...] = ("relevance", "newest", "oldest", "largest")
MOST_HITS = 10_000  # further than this nobody pages; a narrower question is the way
_MOST_AT_ONCE = 200
_MOST_CHOSEN = 20
Chosen = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class _Eyes:
    """What somebody may see: as filters of rows, and as an index takes them."""

    read: policy.Visibility
    draft: policy.Visibility
    seen: Seen


def _eyes(actor: Actor, book: policy.Book | None = None) -> _Eyes:
    # In this order: what the index has not heard of is read before the index is, never after.
    hidden = frozenset(Pending.objects.filter(hides=True).values_list("dataset_id", flat=True).distinct())
    read = policy.visible(actor, "dataset", book=book)
    draft = policy.visible(actor, "dataset", "dataset.read_draft", book=book)
    conditions = policy.condition_of(read.q), policy.condition_of(draft.q)
    return _Eyes(read, draft, Seen(*conditions, hidden, int(clock.now().timestamp())))


def seen_by(actor: Actor, *, book: policy.Book | None = None) -> Seen:
    """What somebody may find, as an index takes it: the same rules that ``policy.visible`` gives lists."""
    return _eyes(actor, book).seen


def search(
    actor: Actor,
    text: str = "",
    *,
    chosen: Chosen | None = None,
    sort: str = "relevance",
    after: str = "",
    limit: int = 20,
    facets: Sequence[str] = FACETS,
) -> Found:
    """What somebody finds.

    Args:
        actor: Who asks.
        text: What was typed; see ``asking.understood``. Nothing in it is an error.
        chosen: Column of ``FACETS`` -> values; one of each column must fit.
        sort: One of ``SORTS``; anything else counts as relevance.
        after: What the call before returned, for the next hits.
        limit: How many hits, 200 at most.
        facets: Columns to count.

    Returns:
        Hits as the actor may see them, their number, and counts of values.
    """
    asked = understood(text, description.terms())
    eyes = _eyes(actor)
    skip, limit = _skipped(after), max(1, min(limit, _MOST_AT_ONCE))
    columns = _chosen(chosen or {})
    question = _question(asked, columns, sort=sort, skip=skip, limit=limit, facets=facets)
    if asked.unread and asked.is_empty and not columns:
        return Found(unread=asked.unread, cut=asked.cut, is_building=not engine().is_whole())
    answer = engine().answer(question, eyes.seen)
    is_loosened = False
    if not answer.total and (loose := asked.loosened()) is not None:
        question = _question(loose, columns, sort=sort, skip=skip, limit=limit, facets=facets)
        answer = engine().answer(question, eyes.seen)
        is_loosened = bool(answer.total)
    given = skip + len(answer.ids)
    return Found(
        hits=_hits(eyes, answer.ids, asked),
        total=answer.total,
        after=_mark(given) if given < min(answer.total, MOST_HITS) and answer.ids else "",
        facets={name: _facet(name, several, columns) for name, several in answer.counts().items()},
        is_loosened=is_loosened,
        cut=asked.cut,
        unread=asked.unread,
        is_building=not engine().is_whole(),
    )


def matching_ids(
    actor: Actor, text: str, *, chosen: Chosen | None = None, limit: int = MOST_HITS
) -> list[str]:
    """ULIDs of what somebody finds, newest first, without the records: for saved searches."""
    asked = understood(text, description.terms())
    if asked.unread and asked.is_empty and not chosen:
        return []
    question = _question(asked, _chosen(chosen or {}), sort="newest", skip=0, limit=limit, facets=())
    return list(engine().answer(question, seen_by(actor)).ids)


def told_failures(actor: Actor, ids: Sequence[str]) -> dict[str, Failure]:
    """What is told of the failures of datasets, as the actor may see them: the draft's word, or the last version's."""
    eyes = _eyes(actor)
    faces = datasets.faces_seen(eyes.read, eyes.draft, ids)
    ended = runs.ended_badly([key for key, sees_draft in faces.items() if sees_draft])
    found = {}
    for one in datasets.sources(faces):
        face = one.draft if faces[one.id] else one.frozen
        said = said_by(one, face)
        found[one.id] = Failure(tuple(description.failure_of(said)), ended.get(one.id, ()))
    return found


def suggest(actor: Actor, typed: str, *, limit: int = 8) -> list[Suggestion]:
    """What somebody could go on typing: titles, keywords and names of records that they may see."""
    return [
        Suggestion(text, count)
        for text, count in engine().begun_with(printable(typed), seen_by(actor), limit=limit)
    ]


def _question(
    asked: Asked,
    columns: Mapping[str, tuple[str, ...]],
    *,
    sort: str,
    skip: int,
    limit: int,
    facets: Sequence[str],
) -> Question:
    rules: tuple[Clause, ...] = tuple(Exactly(name, values) for name, values in columns.items())
    wanted: Sort = sort if sort in SORTS else "relevance"
    if wanted == "relevance" and not asked.words and not asked.typed:
        wanted = "newest"  # nothing tells one from the other
    return Question((*asked.clauses, *rules), asked.ranked, wanted, skip, limit, tuple(facets))


def _chosen(chosen: Chosen) -> dict[str, tuple[str, ...]]:
    found = {
        name: tuple(dict.fromkeys(text[:200] for one in values if (text := printable(one).strip())))[
            :_MOST_CHOSEN
        ]
        for name, values in chosen.items()
        if name in FACETS
    }
    return {name: values for name, values in found.items() if values}


def _facet(
    name: str, several: Sequence[tuple[str, int]], columns: Mapping[str, tuple[str, ...]]
) -> tuple[Facet, ...]:
    held = {column_key(one) for one in columns.get(name, ())}
    found = [Facet(value, count, is_chosen=column_key(value) in held) for value, count in several]
    there = {column_key(one.value) for one in found}
    # What was chosen can always be taken back, also when nothing is left that has it.
    found += [Facet(one, 0, is_chosen=True) for one in columns.get(name, ()) if column_key(one) not in there]
    if name == "year":
        return tuple(sorted(found, key=lambda one: one.value, reverse=True))
    return tuple(found)


def _hits(eyes: _Eyes, ids: Sequence[str], asked: Asked) -> tuple[Hit, ...]:
    """The records, as the database has them now and the rules let them through now."""
    faces = datasets.faces_seen(eyes.read, eyes.draft, ids)
    by_id = shown(faces)
    wanted = showing.needles(asked.typed)
    records = harvested.found(ids)
    made = {key: _hit(one, wanted, sees_draft=faces[key]) for key, one in by_id.items()}
    elsewhere = pages.found_on(_unexplained(made, faces), wanted)
    for key, (path, number, why) in elsewhere.items():
        made[key] = replace(made[key], why=why, page_path=path, page=number)
    made |= {key: _record_hit(key, one, wanted) for key, one in records.items()}
    # What is missing changed since the index was read.
    return tuple(made[key] for key in ids if key in made)


def _unexplained(
    hits: Mapping[str, Hit], faces: Mapping[str, bool]
) -> dict[str, tuple[datasets.Source, int]]:
    """Datasets in whose hit nothing is marked, with the version that is seen: they may have been found on a page."""
    texts = {key: (*hit.titles, hit.why) for key, hit in hits.items()}
    left = [
        key for key, several in texts.items() if not any(one.is_match for text in several for one in text)
    ]
    return {
        one.id: (one, one.draft_number if faces[one.id] and not one.is_same else one.last_released)
        for one in (datasets.sources(left) if left else ())
    }


def _record_hit(key: str, one: FoundRecord, wanted: Sequence[str]) -> Hit:
    record = one.record
    titles = tuple(dict.fromkeys(text.value for text in (*record.titles, *record.alternatives))) or (
        one.source,
    )
    creators = harvested.creators_of(record)
    keywords = tuple(dict.fromkeys(subject.text.value for subject in record.subjects))
    texts = (*(said.text.value for said in record.descriptions), ", ".join(keywords), ", ".join(creators))
    return Hit(
        kind=RECORD,
        id=key,
        project="",
        name="",
        titles=tuple(showing.marked(title, wanted) for title in titles),
        why=showing.excerpt(texts, wanted),
        creators=creators,
        keywords=keywords,
        formats=(),
        licence=harvested.licence_of(record),
        readiness=NOT_READY,
        access="open",
        embargo_until="",
        file_count=0,
        byte_count=0,
        updated_at=_moment(one.changed_s),
        sees_draft=False,
        url=harvested.address_of(record),
        source=one.source,
        doi=record.doi,
    )


def _hit(one: Document, wanted: Sequence[str], *, sees_draft: bool) -> Hit:
    project, _, name = one.slug.partition("/")
    texts = (
        *one.texts,
        ", ".join(one.keywords),
        ", ".join(one.creators),
        *(text for _name, text in one.values),
    )
    is_later = one.embargo_until_s > clock.now().timestamp()
    return Hit(
        kind=one.kind,
        id=one.id,
        project=project,
        name=name,
        titles=tuple(showing.marked(title, wanted) for title in one.titles or (name,)),
        why=showing.excerpt(texts, wanted),
        creators=one.creators,
        keywords=one.keywords,
        formats=one.formats,
        licence=one.licence,
        readiness=one.readiness,
        access=one.access,
        embargo_until=_moment(one.embargo_until_s) if is_later else "",
        file_count=one.file_count,
        byte_count=one.byte_count,
        updated_at=_moment(one.updated_s),
        sees_draft=sees_draft,
        outcomes=one.outcomes,
    )


def _moment(second: int) -> str:
    return clock.isoformat(dt.datetime.fromtimestamp(second, dt.UTC))


def _mark(shown: int) -> str:
    return base64.urlsafe_b64encode(json.dumps({"s": shown}).encode()).decode().rstrip("=")


def _skipped(after: str) -> int:
    """How many hits were shown before; a mark that nobody gave begins anew."""
    try:
        said = json.loads(base64.urlsafe_b64decode(after + "=" * (-len(after) % 4)))
        skip = int(said["s"])
    except (ValueError, binascii.Error, KeyError, TypeError):
        return 0
    return skip if 0 < skip <= MOST_HITS else 0
