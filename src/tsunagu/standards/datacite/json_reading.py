"""DataCite's record as JSON (of its REST interface, or of DOIs' content negotiation), as our record.

Source: https://support.datacite.org/docs/datacite-json; ``datacite/attributes.py`` writes the same.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tsunagu.standards.datacite import words
from tsunagu.standards.datacite.reading import party_id
from tsunagu.standards.identifiers import doi_of
from tsunagu.standards.published import (
    Dated,
    Description,
    Funding,
    Party,
    PartyId,
    PublicRecord,
    Relation,
    Right,
    Subject,
    Text,
)
from tsunagu.standards.xml import UnreadableXmlError

_MOST = 2000


def from_datacite_json(data: bytes | str) -> PublicRecord:
    """Our record of DataCite's JSON, alone or as the answer of its REST interface (``data.attributes``).

    Raises:
        UnreadableXmlError: no JSON, or nothing of DataCite's in it.
    """
    try:
        found: Any = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise UnreadableXmlError("This is no JSON.") from error
    while isinstance(found, dict) and isinstance(found.get("data") or found.get("attributes"), dict):
        found = found.get("data") or found["attributes"]
    if not isinstance(found, dict) or not isinstance(found.get("titles"), list) or "types" not in found:
        raise UnreadableXmlError("There is no DataCite record in this document.")
    return _record(found)


def _record(one: Mapping[str, Any]) -> PublicRecord:
    kinds = one["types"] if isinstance(one["types"], dict) else {}
    general, said = _word(kinds.get("resourceTypeGeneral")), _word(kinds.get("resourceType"))
    titles = [
        Text(_word(row.get("title")), _word(row.get("lang")), _word(row.get("titleType")))
        for row in _rows(one, "titles")
    ]
    doi = doi_of(_word(one.get("doi"))) or doi_of(_word(one.get("id")))
    publisher = one.get("publisher")
    name = _word(publisher.get("name") if isinstance(publisher, dict) else publisher)
    contributors = [_party(row, _word(row.get("contributorType"))) for row in _rows(one, "contributors")]
    return PublicRecord(
        id="",
        url=_word(one.get("url")),
        doi=doi,
        is_doi_registered=bool(doi),
        doi_agency="DataCite" if doi else "",
        resource_type=words.label_of(general, said),
        general_type=general,
        type_words=said,
        access="",
        titles=tuple(title for title in titles if title.value and not title.kind),
        alternatives=tuple(title for title in titles if title.value and title.kind),
        creators=tuple(_party(row) for row in _rows(one, "creators")),
        contributors=tuple(party for party in contributors if party.role != "RightsHolder"),
        rights_holders=tuple(party for party in contributors if party.role == "RightsHolder"),
        publishers=(Party((Text(name),), is_organization=True),) if name else (),
        publication_year=_word(one.get("publicationYear")),
        subjects=tuple(
            Subject(
                Text(_word(row.get("subject")), _word(row.get("lang"))),
                _word(row.get("subjectScheme")) or "Other",
            )
            for row in _rows(one, "subjects")
        ),
        dates=tuple(Dated(_word(row.get("date")), _word(row.get("dateType"))) for row in _rows(one, "dates")),
        languages=tuple(tag for tag in (_word(one.get("language")),) if tag),
        version=_word(one.get("version")),
        rights=tuple(_right(row) for row in _rows(one, "rightsList")),
        descriptions=tuple(
            Description(
                Text(_word(row.get("description")), _word(row.get("lang"))),
                _word(row.get("descriptionType")) or "Other",
            )
            for row in _rows(one, "descriptions")
        ),
        relations=tuple(_relation(row) for row in _rows(one, "relatedIdentifiers")),
        fundings=tuple(_funding(row) for row in _rows(one, "fundingReferences")),
    )


def _rows(one: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    value = one.get(name)
    return [row for row in value[:_MOST] if isinstance(row, dict)] if isinstance(value, list) else []


def _word(value: Any) -> str:
    return str(value).strip() if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def _party(row: Mapping[str, Any], role: str = "") -> Party:
    language = _word(row.get("lang"))
    ids = tuple(
        party_id(_word(one.get("nameIdentifierScheme")), _word(one.get("nameIdentifier")))
        for one in _rows(row, "nameIdentifiers")
    )
    several = row.get("affiliation")
    affiliations = (
        [one.get("name") if isinstance(one, dict) else one for one in several]
        if isinstance(several, list)
        else []
    )
    family, given = _word(row.get("familyName")), _word(row.get("givenName"))
    return Party(
        (Text(_word(row.get("name")), language),),
        is_organization=row.get("nameType") == "Organizational",
        ids=ids,
        affiliations=tuple(
            Party((Text(_word(one)),), is_organization=True) for one in affiliations if _word(one)
        ),
        role=role,
        family_names=(Text(family, language),) if family else (),
        given_names=(Text(given, language),) if given else (),
    )


def _right(row: Mapping[str, Any]) -> Right:
    text = Text(_word(row.get("rights")), _word(row.get("lang")))
    return Right(text, _word(row.get("rightsUri")), identifier=_word(row.get("rightsIdentifier")))


def _relation(row: Mapping[str, Any]) -> Relation:
    scheme, identifier = words.our_related(
        _word(row.get("relatedIdentifierType")), _word(row.get("relatedIdentifier"))
    )
    return Relation(
        words.our_relation(_word(row.get("relationType"))),
        scheme,
        identifier,
        general_type=_word(row.get("resourceTypeGeneral")),
    )


def _funding(row: Mapping[str, Any]) -> Funding:
    key, scheme = _word(row.get("funderIdentifier")), _word(row.get("funderIdentifierType"))
    number = _word(row.get("awardNumber"))
    return Funding(
        (Text(_word(row.get("funderName"))),),
        PartyId(scheme or "Other", key, key if key.startswith("http") else "") if key else None,
        award_number=number,
        award_url=_word(row.get("awardUri")),
        award_titles=tuple(Text(said) for said in (_word(row.get("awardTitle")),) if said),
        award_type="JGN" if number.startswith("JP") else "",
    )
