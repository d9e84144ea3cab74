"""Publications that cite or use a dataset: by their own relations, harvested or published here, or by the dataset's."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar
from urllib.parse import urlsplit

from django.db import InterfaceError, OperationalError, transaction

from tsunagu.core import clock
from tsunagu.data.harvesting import api as harvesting
from tsunagu.data.publication import api as publication
from tsunagu.data.usage.models import Citation
from tsunagu.standards import api as standards

logger = logging.getLogger(__name__)
_T = TypeVar("_T")

# What the citing side says (JPCOAR's words). New versions, parts and other forms of a dataset do not cite it.
RELATIONS = frozenset({"cites", "references", "requires", "isDerivedFrom", "isSupplementedBy"})
# What a dataset says of what cites it, in the words of the citing side.
REVERSED: Mapping[str, str] = {
    "isCitedBy": "cites",
    "isReferencedBy": "references",
    "isRequiredBy": "requires",
    "isSourceOf": "isDerivedFrom",
    "isSupplementTo": "isSupplementedBy",
}
_TITLE, _ADDRESS, _SOURCE = 500, 500, 300
_PART = 500
_Ours = Mapping[str, tuple[str, int]]


@dataclass(frozen=True, slots=True)
class _Saying:
    """A record that may say something of our datasets, and its name in the rows."""

    key: str
    source: str
    record: standards.PublicRecord


def look(ids: Iterable[int]) -> int:
    """Write anew what some harvested records say; returns how many of our datasets they name."""
    return _each(_look, list(ids))


def _look(ids: Sequence[int]) -> int:
    found = harvesting.records(ids)
    return _write([_Saying(str(one.id), one.source, one.record) for one in found], [str(key) for key in ids])


def look_after(after: int, *, limit: int) -> list[int]:
    """The same for the records behind one, in their order; returns which those were."""
    ids = harvesting.record_ids(after=after, limit=limit)
    look(ids)
    return ids


def look_at_own(publication_id: str) -> int:
    """The same for a publication of this node: what it says of other datasets, and of what cites itself."""
    entry = publication.find_entry(publication_id)
    return _write([_own(entry)] if entry and not entry.is_deleted else [], [publication_id])


def look_at_all_own() -> int:
    """The same for every publication of this node: a DOI may have been registered since. Returns how many were read."""
    after, count = None, 0
    while entries := publication.harvest(since=None, until=None, after=after, limit=_PART):
        _each(_look_at_entries, entries)
        after, count = (entries[-1].changed_at, entries[-1].id), count + len(entries)
    return count


def _look_at_entries(entries: Sequence[publication.Entry]) -> int:
    return _write([_own(one) for one in entries if not one.is_deleted], [one.id for one in entries])


def _each(write: Callable[[Sequence[_T]], int], several: Sequence[_T]) -> int:
    """All at once, or without the one that cannot be read: the others must not wait for it."""
    try:
        return write(several)
    except (OperationalError, InterfaceError):
        raise  # the database is away
    except Exception:
        if len(several) > 1:
            half = len(several) // 2
            return _each(write, several[:half]) + _each(write, several[half:])
        logger.exception(
            "citing_record_left_out", extra={"record": str(getattr(several[0], "id", several[0]))}
        )
        return 0


def _own(entry: publication.Entry) -> _Saying:
    """A publication of this node. A DOI that its agency has not confirmed names nothing yet."""
    record = entry.record if entry.record.is_doi_registered else replace(entry.record, doi="")
    return _Saying(entry.id, entry.record.institution, record)


@transaction.atomic
def _write(sayings: list[_Saying], keys: list[str]) -> int:
    named = {one.identifier for saying in sayings for one in saying.record.relations if one.identifier}
    named |= {address for saying in sayings if (address := _address_of(saying.record))}
    ours = publication.targets(named)
    rows = {
        (row.dataset_id, row.version, row.citing, row.relation, row.record): row
        for saying in sayings
        for row in _citations(saying, ours)
    }
    held = {
        (row.dataset_id, row.version, row.citing, row.relation, row.record): row.pk
        for row in Citation.objects.filter(record__in=keys)
    }
    Citation.objects.filter(pk__in=[pk for key, pk in held.items() if key not in rows]).delete()
    Citation.objects.bulk_create([row for key, row in rows.items() if key not in held])
    return len({row.dataset_id for row in rows.values()})


def _citations(saying: _Saying, ours: _Ours) -> Iterator[Citation]:
    record, own_address = saying.record, _address_of(saying.record)
    own = ours.get(own_address)
    for one in record.relations:
        target = ours.get(one.identifier)
        # Our own record of a dataset, harvested back, or another version of it, does not cite it.
        is_same = own is not None and target is not None and own[0] == target[0]
        if not one.identifier or is_same:
            continue
        if one.type in RELATIONS and target is not None and own_address:
            title = record.titles[0].value if record.titles else ""
            yield _row(saying, target, own_address, title, one.type)
        elif one.type in REVERSED and own is not None and (address := _link(one)):
            title = one.titles[0].value if one.titles else ""
            yield _row(saying, own, address, title, REVERSED[one.type])


def _row(saying: _Saying, target: tuple[str, int], citing: str, title: str, relation: str) -> Citation:
    return Citation(
        dataset_id=target[0],
        version=target[1],
        citing=citing,
        title=title[:_TITLE],
        relation=relation,
        source=saying.source[:_SOURCE],
        record=saying.key,
        first_seen_at=clock.now(),
    )


def _link(relation: standards.Relation) -> str:
    doi = standards.doi_of(relation.identifier)
    return f"https://doi.org/{doi}"[:_ADDRESS] if doi else _web(relation.identifier)


def _address_of(record: standards.PublicRecord) -> str:
    """The DOI of a record as an address, or its page; nothing where that is no link."""
    return f"https://doi.org/{record.doi}"[:_ADDRESS] if record.doi else _web(record.url)


def _web(address: str) -> str:
    try:
        is_link = urlsplit(address).scheme in {"http", "https"}
    except ValueError:
        return ""
    return address[:_ADDRESS] if is_link else ""
