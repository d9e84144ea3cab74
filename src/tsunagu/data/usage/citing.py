"""Publications that say of themselves that they cite or use a dataset: harvested records, by their own relations."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from django.db import transaction

from tsunagu.core import clock
from tsunagu.data.harvesting import api as harvesting
from tsunagu.data.publication import api as publication
from tsunagu.data.usage.models import Citation
from tsunagu.standards import api as standards

# What the citing side says (JPCOAR's words). New versions, parts and other forms of a dataset do not cite it.
RELATIONS = frozenset({"cites", "references", "requires", "isDerivedFrom", "isSupplementedBy"})
_TITLE = 500
_ADDRESS = 500


@transaction.atomic
def look(ids: Iterable[int]) -> int:
    """Write anew what some records say; returns how many of our datasets they name."""
    wanted = list(ids)
    found = harvesting.records(wanted)
    named = {
        (one.id, relation.type, relation.identifier)
        for one in found
        for relation in one.record.relations
        if relation.type in RELATIONS and relation.identifier
    }
    ours = publication.targets(identifier for _, _, identifier in named)
    known = {one.id: one for one in found}
    now = clock.now()
    rows = {}
    for record_id, relation, identifier in sorted(named):
        if identifier not in ours:
            continue
        dataset_id, version = ours[identifier]
        citing = _address_of(known[record_id].record)
        if not citing or publication.targets([citing]).get(citing, ("", 0))[0] == dataset_id:
            continue  # our own record of it, harvested back
        rows[dataset_id, version, record_id, relation] = Citation(
            dataset_id=dataset_id,
            version=version,
            citing=citing,
            title=known[record_id].record.titles[0].value[:_TITLE] if known[record_id].record.titles else "",
            relation=relation,
            source=known[record_id].source[:300],
            record=record_id,
            first_seen_at=now,
        )
    held = {
        (row.dataset_id, row.version, row.record, row.relation): row
        for row in Citation.objects.filter(record__in=wanted)
    }
    gone = [row.pk for key, row in held.items() if key not in rows]
    Citation.objects.filter(pk__in=gone).delete()
    Citation.objects.bulk_create([row for key, row in rows.items() if key not in held])
    return len({key[0] for key in rows})


def look_after(after: int, *, limit: int) -> list[int]:
    """The same for the records behind one, in their order; returns which those were."""
    ids = harvesting.record_ids(after=after, limit=limit)
    look(ids)
    return ids


def _address_of(record: standards.PublicRecord) -> str:
    """The DOI of a record as an address, or its page; nothing where that is no link."""
    if record.doi:
        return f"https://doi.org/{record.doi}"[:_ADDRESS]
    try:
        is_link = urlsplit(record.url).scheme in {"http", "https"}
    except ValueError:
        return ""
    return record.url[:_ADDRESS] if is_link else ""
