"""A dataset as one or two documents of an index: the draft for those who see it, the last version for the others."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tsunagu.data.datasets import api as datasets
from tsunagu.data.description import api as description
from tsunagu.data.discovery.analysis import fold
from tsunagu.data.readiness import api as readiness
from tsunagu.foundation.policy import api as policy
from tsunagu.standards import api as standards

BOTH, DRAFT, FROZEN = "both", "draft", "frozen"
KIND = "dataset"
READY, NOT_READY = "prepared", "none"
NO_LICENCE = "none"
_TITLES = ("title", "title_ja", "title_en")
_MOST_TEXT = 50_000
_MOST_FILES = 100_000
_MOST_NUMBERS = 500


@dataclass(frozen=True, slots=True)
class Document:
    """What an index holds of one face of a dataset.

    Attributes:
        face: Who sees it: ``draft`` those who see the draft, ``frozen`` the others, ``both`` everybody who reads.
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
    creators: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()
    licence: str = NO_LICENCE
    readiness: str = NOT_READY
    values: tuple[tuple[str, str], ...] = ()
    numbers: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    updated_s: int = 0
    year: int = 0
    byte_count: int = 0
    file_count: int = 0
    kind: str = KIND


def documents(ids: Iterable[str]) -> list[Document]:
    """The documents of datasets, as the database has them now; none of what is gone."""
    ids = list(ids)
    held = policy.labels_of(ids)
    ready = readiness.prepared(ids)
    units = {name: term.unit or "" for name, term in description.terms().items()}
    found: list[Document] = []
    for source in datasets.sources(ids):
        labels = held.get(source.id, policy.Labels())
        state = READY if source.id in ready else NOT_READY
        if source.is_same:
            found.append(_document(source, source.draft, BOTH, labels, state, units))
        else:
            found.append(_document(source, source.draft, DRAFT, labels, state, units))
            found.append(_document(source, source.frozen, FROZEN, labels, state, units))
    return found


def _document(
    source: datasets.Source,
    face: datasets.Face,
    who: str,
    labels: policy.Labels,
    state: str,
    units: Mapping[str, str],
) -> Document:
    said = _said(source, face)
    files, read_me = _of_files(source, who)
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
        titles=_titles(source, face, said),
        texts=(*_texts(said), *read_me),
        creators=tuple(standards.agent_named(name).name for name in listed(said.get("creators"))),
        keywords=listed(said.get("keywords")),
        formats=files.formats,
        licence=_licence(said.get("licence")),
        readiness=state,
        values=tuple(sorted({(name, text) for name, text, _number, _unit in files.facts})),
        numbers=_numbers(files.facts, units),
        updated_s=int(source.updated_at.timestamp()),
        year=source.updated_at.year,
        byte_count=face.byte_count,
        file_count=face.file_count,
    )


def _said(source: datasets.Source, face: datasets.Face) -> dict[str, Any]:
    """Values of the description; of a sealed dataset only what people wrote, for the rest stands in its files."""
    found = {name: one for name, one in face.described.items() if isinstance(one, dict)}
    if source.key_domain:
        found = {
            name: one for name, one in found.items() if (one.get("origin") or {}).get("kind") == "person"
        }
    return {name: one.get("value") for name, one in found.items()}


def _titles(source: datasets.Source, face: datasets.Face, said: Mapping[str, Any]) -> tuple[str, ...]:
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


def _of_files(source: datasets.Source, who: str) -> tuple[description.Findable, tuple[str, ...]]:
    """What was read out of the files of a face; nothing of a sealed dataset, whose files lie closed on the disk."""
    nothing = description.Findable(frozenset(), ())
    version = source.draft_number - 1 if who == FROZEN else source.draft_number
    if source.key_domain or version < 1:
        return nothing, ()
    contents: Collection[bytes] | None = None
    if who == FROZEN:
        contents = datasets.contents_at(source, version, most=_MOST_FILES)
    found = nothing if who == FROZEN and contents is None else description.found_in_files(source.id, contents)
    read_me = description.beginning_of_texts(source.id, datasets.read_me(source, version))
    return found, tuple(text[:_MOST_TEXT] for text in read_me)


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
