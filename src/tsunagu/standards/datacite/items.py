"""Things described in place because nothing registers them: the journal of an article, a work that has only a title."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tsunagu.standards.datacite import words
from tsunagu.standards.datacite.people import creator
from tsunagu.standards.published import PublicRecord, RelatedItem


def related_items_of(record: PublicRecord) -> Iterator[RelatedItem]:
    """Those of the record, its journal, and relations that have a title and no identifier."""
    yield from record.related_items
    if record.source_titles:
        issn = next(
            (one for one in record.source_ids if one.scheme in {"EISSN", "PISSN", "ISSN", "ISBN"}), None
        )
        yield RelatedItem(
            type="isPublishedIn",
            general_type="Book" if issn and issn.scheme == "ISBN" else "Journal",
            titles=record.source_titles,
            identifier=issn,
            volume=record.volume,
            issue=record.issue,
            first_page=record.first_page,
            last_page=record.last_page,
        )
    for relation in record.relations:
        if relation.titles and not words.related(relation.scheme, relation.identifier, "4.7")[0]:
            yield RelatedItem(relation.type, relation.general_type or "Other", relation.titles)


def related_item(item: RelatedItem, version: words.Version) -> dict[str, Any]:
    """An item as attributes."""
    row: dict[str, Any] = {
        "relatedItemType": words.at_version(item.general_type, version),
        "relationType": words.relation(item.type, version),
    }
    if item.note and version == "4.7":
        row["relationTypeInformation"] = item.note
    if item.identifier is not None:
        scheme, value = words.related(item.identifier.scheme, item.identifier.value, version)
        if scheme:
            row["relatedItemIdentifier"] = {
                "relatedItemIdentifier": value,
                "relatedItemIdentifierType": scheme,
            }
    if item.creators:
        row["creators"] = [creator(party, "") for party in item.creators]
    row["titles"] = [
        {"title": title.value}
        | ({"titleType": title.kind} if title.kind else {})
        | ({"lang": title.language} if title.language else {})
        for title in item.titles
    ]
    values = {
        "publicationYear": item.year,
        "volume": item.volume,
        "issue": item.issue,
        "number": item.number,
        "numberType": item.number_type if item.number else "",
        "firstPage": item.first_page,
        "lastPage": item.last_page,
        "publisher": item.publisher,
        "edition": item.edition,
    }
    row |= {name: value for name, value in values.items() if value}
    if item.contributors:
        row["contributors"] = [
            {**creator(party, ""), "contributorType": party.role or "Other"} for party in item.contributors
        ]
    return row
