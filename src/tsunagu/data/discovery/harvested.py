"""Records of other repositories as documents of the index. They are public where they come from, and so they are here.

An embargo or a label of ours is on none of them; a rule that hides everything open from somebody hides them as well.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from tsunagu.data.discovery.documents import BOTH, NO_LICENCE, RECORD, Document
from tsunagu.data.harvesting import api as harvesting
from tsunagu.standards import api as standards

_MOST_TEXT = 50_000
_MOST_PARTIES = 100
_PREFIX = "R"


def key_of(record_id: int) -> str:
    """The name of a record in the index; as long as those of datasets, and none of theirs."""
    return f"{_PREFIX}{record_id:025d}"


def ids_of(keys: Iterable[str]) -> list[int]:
    """The records among names of the index."""
    return [int(key[1:]) for key in keys if key.startswith(_PREFIX) and key[1:].isdigit()]


def record_id(key: str) -> int:
    """The record of a hit."""
    return int(key.removeprefix(_PREFIX))


def documents(keys: Iterable[str]) -> list[Document]:
    """The documents of records, as the database has them now; none of what is gone."""
    wanted = ids_of(keys)
    return [_document(one) for one in harvesting.records(wanted)] if wanted else []


def found(keys: Iterable[str]) -> dict[str, harvesting.FoundRecord]:
    """The records of hits, by their names in the index."""
    wanted = ids_of(keys)
    return {key_of(one.id): one for one in harvesting.records(wanted)} if wanted else {}


def _document(one: harvesting.FoundRecord) -> Document:
    record = one.record
    return Document(
        id=key_of(one.id),
        face=BOTH,
        kind=RECORD,
        project_id="",
        project="",
        project_title=one.source,
        slug="",
        access="open",
        embargo_until_s=0,
        has_frozen=True,
        labels={},
        origins=(),
        titles=_values((*record.titles, *record.alternatives)),
        texts=tuple(text[:_MOST_TEXT] for text in _values(one.text for one in record.descriptions)),
        creators=creators_of(record),
        keywords=_values(subject.text for subject in record.subjects),
        licence=licence_of(record),
        updated_s=one.changed_s,
        year=dt.datetime.fromtimestamp(one.changed_s, dt.UTC).year,
    )


def creators_of(record: standards.PublicRecord) -> tuple[str, ...]:
    """Every form of every name, without the comma of libraries."""
    names = (name for party in record.creators[:_MOST_PARTIES] for name in party.names)
    return tuple(dict.fromkeys(" ".join(name.value.replace(",", " ").split()) for name in names))


def address_of(record: standards.PublicRecord) -> str:
    """Where a record leads; nothing where its source names an address that a browser must not follow."""
    if record.doi:
        return f"https://doi.org/{record.doi}"
    return record.url if record.url.startswith(("https://", "http://")) else ""


def licence_of(record: standards.PublicRecord) -> str:
    """The first right that is a licence we know by name; else that there is none."""
    for right in record.rights:
        known = standards.known_licence(right.uri) or standards.known_licence(right.text.value)
        if known:
            return known.name
    return NO_LICENCE


def _values(texts: Iterable[standards.Text]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one.value for one in texts if one.value))
