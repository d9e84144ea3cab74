"""A record in the field names of Japan Link Center's REST interface, for institutions that register there themselves.

Source: the answers of ``GET https://api.japanlinkcenter.org/dois/{doi}``, and the mapping of JPCOAR to JaLC 1.5 (2025-11) for
what a field is made of. The form of an upload stands in documents for members only, so that none is written here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tsunagu.standards.languages import to_three
from tsunagu.standards.published import Party, PublicRecord, Text

# What JaLC wants to see where there is nothing (mapping 1.5).
_NO_PUBLISHER, _NO_DATE = "出版社不明", "9999-01-01"
_DATES = ("Issued", "dateGranted", "Created", "Updated")
_LONGEST_DESCRIPTION = 4000


def to_jalc_json(record: PublicRecord) -> dict[str, Any]:
    """The record with everything that JaLC takes of research data; what is empty is left out."""
    year, month, day = f"{publication_day(record)}--".split("-")[:3]
    found: dict[str, Any] = {
        "doi": record.doi,
        "url": record.url,
        "title_list": [{"lang": one.language or "ja", "title": one.value} for one in record.titles],
        "creator_list": [_party(party, count) for count, party in enumerate(record.creators, 1)],
        "contributor_list": [
            {**_party(party, count), "role": party.role} for count, party in enumerate(record.contributors, 1)
        ],
        "publication_date": {
            key: value for key, value in (("year", year), ("month", month), ("day", day)) if value
        },
        "date_list": [{"date": one.value, "type": one.type} for one in record.dates],
        "publisher_list": _publishers(record),
        "content_language": to_three(record.languages[0]) if record.languages else "",
        "resource_type": record.resource_type,
        "edition": {"version": record.version} if record.version else {},
        "description_list": [
            {"lang": one.text.language or "ja", "description": one.text.value[:_LONGEST_DESCRIPTION], "type": one.type}
            for one in record.descriptions
            if one.type == "Abstract"
        ],
        "keyword_list": [
            {"lang": one.text.language or "ja", "keyword": one.text.value} for one in record.subjects
        ],
        "rights_list": [
            {"lang": one.text.language or "en", "rights": one.text.value, "url": one.uri} for one in record.rights
        ],
        "fund_list": [
            {
                "funder_name": _main(funding.funder_names),
                "funder_identifier": funding.funder_id.value if funding.funder_id else "",
                "award_number_list": [{"award_number": funding.award_number}] if funding.award_number else [],
            }
            for funding in record.fundings
        ],
        "relation_list": [
            {"content": one.identifier, "type": one.scheme, "relation": one.type}
            for one in record.relations
            if one.identifier
        ],
    }  # fmt: skip
    return {key: _filled(value) for key, value in found.items() if value not in ("", [], {})}


def publication_day(record: PublicRecord) -> str:
    """The one day that JaLC takes: issued before granted before made before changed."""
    by_type = {one.type: one.value for one in reversed(record.dates)}
    return next((by_type[kind] for kind in _DATES if kind in by_type), _NO_DATE).partition("T")[0]


def _publishers(record: PublicRecord) -> list[dict[str, str]]:
    named = [name for publisher in record.publishers for name in publisher.names]
    return [
        {"lang": one.language or "ja", "publisher_name": one.value}
        for one in named or [Text(_NO_PUBLISHER, "ja")]
    ]


def _party(party: Party, count: int) -> dict[str, Any]:
    names: list[dict[str, str]] = []
    for name in party.names:
        last, _comma, first = name.value.partition(",")
        said = {"last_name": last.strip(), "first_name": first.strip()}
        names.append(
            {"lang": name.language or "ja", **(said if not party.is_organization else {"name": name.value})}
        )
    return {
        "sequence": str(count),
        "type": "institution" if party.is_organization else "person",
        "names": names,
        "affiliation_list": [
            {"affiliation_name": name.value, "sequence": str(number), "lang": name.language or "ja"}
            for number, home in enumerate(party.affiliations, 1)
            for name in home.names
        ],
        "researcher_id_list": [{"id_code": one.value, "type": one.scheme} for one in party.ids],
    }


def _main(names: Iterable[Text]) -> str:
    several = list(names)
    return next((one.value for one in several if one.language == "ja"), several[0].value if several else "")


def _filled(value: Any) -> Any:
    """Without empty parts, at every depth."""
    if isinstance(value, dict):
        return {key: _filled(one) for key, one in value.items() if one not in ("", [], {})}
    return [_filled(one) for one in value] if isinstance(value, list) else value
