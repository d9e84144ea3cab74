"""A dataset as one or two documents of an index: the draft for those who see it, the last version for the others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tsunagu.data.datasets import api as datasets
from tsunagu.data.description import api as description
from tsunagu.data.discovery import pages
from tsunagu.data.discovery.analysis import fold
from tsunagu.data.readiness import api as readiness
from tsunagu.data.scans import api as scans
from tsunagu.foundation.policy import api as policy
from tsunagu.foundation.runs import api as runs
from tsunagu.standards import api as standards

BOTH, DRAFT, FROZEN = "both", "draft", "frozen"
KIND, RECORD = "dataset", "record"
READY, NOT_READY = "prepared", "none"
NO_LICENCE = "none"
NEGATIVE = "negative"
_TITLES = ("title", "title_ja", "title_en")
_MOST_TEXT = 50_000
_MOST_FILES = 100_000
_MOST_NUMBERS = 500


@dataclass(frozen=True, slots=True)
class Document:
    """What an index holds of one face of a dataset.

    Attributes:
        face: Who sees it: ``draft`` those who see the draft, ``frozen`` the others, ``both`` everybody who reads.
        outcomes: ``negative`` where people tell what was tried and failed; ``failed`` and ``aborted`` where a run of it
            ended so, which only those learn who see the draft.
        pages: Texts of pages of paper that were read.
        numbers: Name of the mapping -> values in its unit.
        values: (name, text) of what files say.
    """

    id: str
    face: str
    project_id: str
    project: str
    access: str
    embargo_until_s: int
    has_frozen: bool
    labels: Mapping[str, int]
    origins: tuple[str, ...]
    titles: tuple[str, ...]
    slug: str
    project_title: str = ""
    texts: tuple[str, ...] = ()
    pages: tuple[str, ...] = ()
    creators: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()
    licence: str = NO_LICENCE
    readiness: str = NOT_READY
    outcomes: tuple[str, ...] = ()
    values: tuple[tuple[str, str], ...] = ()
    numbers: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    updated_s: int = 0
    year: int = 0
    byte_count: int = 0
    file_count: int = 0
    kind: str = KIND


def documents(ids: Iterable[str]) -> list[Document]:
    """The documents of datasets, as the database has them now; none of what is gone."""
    found = datasets.sources(ids)
    # Runs are shown to those who see the draft: where one failed, the faces differ although the files do not.
    ended = runs.ended_badly([one.id for one in found])
    faces = [(one, BOTH) for one in found if one.is_same and one.id not in ended]
    faces += [(one, face) for one in found if not one.is_same or one.id in ended for face in (DRAFT, FROZEN)]
    # One question for all of them, before those that are asked for each: most datasets of a batch may have no reading.
    read = description.formats_of([one.id for one in found])
    nothing = description.Findable(frozenset(), ())
    files = {(one.id, face): _of_files(one, face) if one.id in read else nothing for one, face in faces}
    seen = {(one.id, face): ended.get(one.id, ()) for one, face in faces if face != FROZEN}
    return _documents(faces, files, seen, is_whole=True)


def shown(seen: Mapping[str, bool]) -> dict[str, Document]:
    """What hits show of datasets: like their documents, without what files say.

    Args:
        seen: ULID -> whether the draft is seen; else it is the last version.
    """
    found = datasets.sources(seen)
    faces = [(one, BOTH if one.is_same else DRAFT if seen[one.id] else FROZEN) for one in found]
    # Formats of a version whose draft has other files would take a look at each file: they are left out.
    named = description.formats_of([one.id for one, face in faces if face != FROZEN and not one.key_domain])
    files = {
        (one.id, face): description.Findable(frozenset(), tuple(named.get(one.id, ()))) for one, face in faces
    }
    ended = runs.ended_badly([one.id for one, _face in faces if seen[one.id]])
    told = {(one.id, face): ended.get(one.id, ()) for one, face in faces}
    return {one.id: one for one in _documents(faces, files, told, is_whole=False)}


def _documents(
    faces: Sequence[tuple[datasets.Source, str]],
    files: Mapping[tuple[str, str], description.Findable],
    ended: Mapping[tuple[str, str], Sequence[runs.Ended]],
    *,
    is_whole: bool,
) -> list[Document]:
    ids = [one.id for one, _face in faces]
    held = policy.labels_of(ids) if is_whole else {}
    ready = readiness.prepared(ids)
    has_facts = any(one.facts for one in files.values())
    units = {name: term.unit or "" for name, term in description.terms().items()} if has_facts else {}
    read_me = {
        face: _read_me([one for one, own in faces if own == face], face) for face in (BOTH, DRAFT, FROZEN)
    }
    paper = {
        face: pages.texts_of({one.id: (one, _version(one, face)) for one, own in faces if own == face})
        for face in ((BOTH, DRAFT, FROZEN) if is_whole else ())
    }
    return [
        _document(
            one,
            face,
            labels=held.get(one.id, policy.Labels()),
            state=READY if one.id in ready else NOT_READY,
            files=files[one.id, face],
            texts=read_me[face].get(one.id, ()),
            ended=ended.get((one.id, face), ()),
            paper=paper.get(face, {}).get(one.id, ()),
            units=units,
        )
        for one, face in faces
    ]


def _document(
    source: datasets.Source,
    who: str,
    *,
    labels: policy.Labels,
    state: str,
    files: description.Findable,
    texts: Sequence[str],
    ended: Sequence[runs.Ended],
    paper: Sequence[scans.PageText],
    units: Mapping[str, str],
) -> Document:
    face = source.frozen if who == FROZEN else source.draft
    said = said_by(source, face)
    return Document(
        id=source.id,
        face=who,
        project_id=source.project_id,
        project=source.project,
        project_title=source.project_title,
        slug=f"{source.project}/{source.name}",
        access=source.access,
        embargo_until_s=source.embargo_until_s,
        has_frozen=source.has_frozen,
        labels=labels.levels,
        origins=labels.origins,
        titles=titles_of(source, face, said),
        texts=(*_texts(said), *(text[:_MOST_TEXT] for text in texts), *(one.reason for one in ended)),
        pages=tuple(page.text for page in paper),
        creators=tuple(standards.agent_named(name).name for name in listed(said.get("creators"))),
        keywords=listed(said.get("keywords")),
        formats=files.formats,
        licence=_licence(said.get("licence")),
        readiness=state,
        outcomes=_outcomes(said, ended),
        values=tuple(sorted({(name, text) for name, text, _number, _unit in files.facts})),
        numbers=_numbers(files.facts, units),
        updated_s=int(source.updated_at.timestamp()),
        year=source.updated_at.year,
        byte_count=face.byte_count,
        file_count=face.file_count,
    )


def _outcomes(said: Mapping[str, Any], ended: Sequence[runs.Ended]) -> tuple[str, ...]:
    told = [NEGATIVE] if description.is_failure(name for name, value in said.items() if value) else []
    return (*told, *sorted({one.outcome for one in ended}))


def said_by(source: datasets.Source, face: datasets.Face) -> dict[str, Any]:
    """Values of the description; of a sealed dataset only what people wrote, for the rest stands in its files."""
    found = {name: one for name, one in face.described.items() if isinstance(one, dict)}
    if source.key_domain:
        found = {
            name: one for name, one in found.items() if (one.get("origin") or {}).get("kind") == "person"
        }
    return {name: one.get("value") for name, one in found.items()}


def titles_of(source: datasets.Source, face: datasets.Face, said: Mapping[str, Any]) -> tuple[str, ...]:
    """Its titles, in the languages there are; of a sealed dataset only those that people wrote."""
    titles = [str(said[name]) for name in _TITLES if said.get(name)]
    if not source.key_domain or "title" not in face.described:
        titles.insert(0, face.title)
    return tuple(dict.fromkeys(title for title in titles if title))


def _texts(said: Mapping[str, Any]) -> tuple[str, ...]:
    left = {name: value for name, value in said.items() if name not in {*_TITLES, "creators", "keywords"}}
    ordered = sorted(left, key=lambda name: (not name.startswith("description"), name))
    return tuple(_plain(left[name])[:_MOST_TEXT] for name in ordered if left[name])


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_plain(one) for one in value)
    if isinstance(value, dict):
        return ", ".join(_plain(one) for one in value.values())
    return str(value)


def listed(value: Any) -> tuple[str, ...]:
    """Names or words that somebody wrote as a list or with commas between."""
    if isinstance(value, str):
        value = value.replace("、", ",").replace("；", ",").replace(";", ",").split(",")
    if not isinstance(value, list):
        return ()
    return tuple(dict.fromkeys(text for one in value if (text := str(one).strip())))


def _licence(value: Any) -> str:
    text = value.strip() if isinstance(value, str) else ""
    known = standards.known_licence(text)
    return (known.name if known else text)[:200] or NO_LICENCE


def _version(source: datasets.Source, who: str) -> int:
    """The number of the version that a face shows; 0: none."""
    return source.last_released if who == FROZEN else source.draft_number


def _of_files(source: datasets.Source, who: str) -> description.Findable:
    """What was read out of the files of a face; nothing of a sealed dataset, whose files lie closed on the disk."""
    nothing = description.Findable(frozenset(), ())
    version = _version(source, who)
    if source.key_domain or version < 1:
        return nothing
    if who != FROZEN:
        return description.found_in_files(source.id)
    contents = datasets.contents_at(source, version, most=_MOST_FILES)
    return nothing if contents is None else description.found_in_files(source.id, contents)


def _read_me(sources: Iterable[datasets.Source], who: str) -> dict[str, list[str]]:
    """The beginning of files that introduce the data, by dataset; nothing of sealed ones."""
    open_ones = [(one, _version(one, who)) for one in sources if not one.key_domain]
    return description.beginning_of_texts(datasets.read_me(open_ones)) if open_ones else {}


def _numbers(
    facts: Iterable[tuple[str, str, float | None, str]], units: Mapping[str, str]
) -> dict[str, tuple[float, ...]]:
    """Values in the unit of their name; of very many distinct ones the outermost and an even choice of the others."""
    found: dict[str, set[float]] = {}
    for name, _text, number, unit in facts:
        if number is not None and unit == units.get(name, "") and number == number:  # noqa: PLR0124 - no NaN
            found.setdefault(name, set()).add(number)
    return {name: _thinned(sorted(several)) for name, several in found.items()}


def _thinned(several: list[float]) -> tuple[float, ...]:
    if len(several) <= _MOST_NUMBERS:
        return tuple(several)
    step = (len(several) - 1) / (_MOST_NUMBERS - 1)
    return tuple(several[round(at * step)] for at in range(_MOST_NUMBERS))


def value_token(name: str, token: str) -> str:
    """How a word of a named value stands in the field of values."""
    return f"{name}={token}"


def column_key(value: str) -> str:
    """A value of a column as it is compared: folded, and not longer than a term may be."""
    return fold(value).strip()[:200]


def is_year(text: str) -> bool:
    """Whether a text is a year and no number that an index could not hold."""
    return text.isdecimal() and len(text) <= len("9999")
