"""A record as the attributes of DataCite's REST interface; its XML is made of the same."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from tsunagu.core.errors import InvalidInputError
from tsunagu.standards.datacite import words
from tsunagu.standards.datacite.items import related_item, related_items_of
from tsunagu.standards.datacite.people import creator, of_language
from tsunagu.standards.jpcoar.forms import is_on_earth
from tsunagu.standards.jpcoar.pieces import size_in_words
from tsunagu.standards.languages import to_two
from tsunagu.standards.licences import known_licence
from tsunagu.standards.published import Description, Funding, Party, Place, PublicRecord, Right, Subject, Text

_UNKNOWN = "(:unav)"  # DataCite's own word for what is not available
_YEAR = re.compile(r"\d{4}")
_YEAR_FROM = ("Issued", "Available", "Copyrighted", "Created", "Collected", "Updated")


class IncompleteRecordError(InvalidInputError):
    """The record lacks what the standard demands."""

    code = "standards.incomplete_record"


def to_datacite_json(record: PublicRecord, version: words.Version = "4.6") -> dict[str, Any]:
    """The attributes for ``PUT /dois/{doi}``, every one of them: what is left out there keeps its old value.

    ``event`` is not among them: when to publish is the caller's to say.

    Raises:
        IncompleteRecordError: no title, or no date that gives a year.
    """
    main = [title for title in record.titles if title.value and not title.language.startswith("ja-")]
    if not main:
        raise IncompleteRecordError("The record has no title.", remedy="Give it a title.")
    language = main[0].language
    creators = [creator(party, language) for party in record.creators]
    return {
        "doi": record.doi,
        "url": record.url,
        "schemaVersion": words.NAMESPACE,
        "creators": creators or [{"name": _UNKNOWN}],
        "titles": [
            *(_title(title) for title in record.titles if title.value),
            *(_other_title(title) for title in record.alternatives if title.value),
        ],
        "publisher": _publisher(record, language),
        "publicationYear": int(publication_year(record)),
        "types": _types(record, version),
        "subjects": [_subject(subject) for subject in record.subjects if subject.text.value],
        "contributors": [
            *(_contributor(party, party.role, language) for party in record.contributors),
            *(_contributor(party, "RightsHolder", language) for party in record.rights_holders),
        ],
        "dates": [
            _filled(date=date.value, dateType=date.type, dateInformation=date.note)
            for date in record.dates
            if date.type in words.DATE_TYPES and date.value
        ],
        "language": to_two(record.languages[0]) if record.languages else None,
        "alternateIdentifiers": [
            {"alternateIdentifier": one.value, "alternateIdentifierType": one.scheme}
            for one in record.identifiers
            if one.scheme != "DOI"
        ],
        "relatedIdentifiers": _related(record, version),
        "sizes": _sizes(record),
        "formats": list(
            record.formats or dict.fromkeys(file.media_type for file in record.files if file.media_type)
        ),
        "version": record.version or None,
        "rightsList": [_rights(right) for right in record.rights if right.text.value or right.uri],
        "descriptions": [_description(one) for one in record.descriptions if one.text.value],
        "geoLocations": [_place(place) for place in record.places],
        "fundingReferences": [_funding(funding, language) for funding in record.fundings],
        "relatedItems": [related_item(item, version) for item in related_items_of(record)],
    }


def publication_year(record: PublicRecord) -> str:
    """The year in which it was made public, else the nearest that is known.

    Raises:
        IncompleteRecordError: no date gives a year.
    """
    if match := _YEAR.search(record.publication_year):
        return match.group()
    for kind in _YEAR_FROM:
        for date in record.dates:
            if date.type == kind and (match := _YEAR.search(date.value)):
                return match.group()
    raise IncompleteRecordError(
        "The record has no date that gives a year of publication.", remedy="Give it a date of type Issued."
    )


def _filled(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value not in ("", None)}


def _title(title: Text) -> dict[str, Any]:
    """A title; a reading is another form of it."""
    kind = title.kind or ("Other" if title.language.startswith("ja-") else "")
    return _filled(title=title.value, titleType=kind, lang=title.language)


def _other_title(title: Text) -> dict[str, Any]:
    kind = title.kind if title.kind in words.TITLE_TYPES else "AlternativeTitle"
    return _filled(title=title.value, titleType=kind, lang=title.language)


def _publisher(record: PublicRecord, language: str) -> dict[str, Any]:
    if not record.publishers:
        return {"name": _UNKNOWN}
    publisher = record.publishers[0]
    name = of_language(publisher.names, language)
    ror = next((one for one in publisher.ids if one.scheme == "ROR"), None)
    return _filled(
        name=name.value or _UNKNOWN,
        lang=name.language,
        publisherIdentifier=ror.value if ror else "",
        publisherIdentifierScheme="ROR" if ror else "",
        schemeUri=words.SCHEME_HOMES["ROR"] if ror else "",
    )


def _types(record: PublicRecord, version: words.Version) -> dict[str, Any]:
    if record.general_type:
        return {
            "resourceTypeGeneral": words.at_version(record.general_type, version),
            "resourceType": record.type_words,
        }
    return {
        "resourceTypeGeneral": words.general_type(record.resource_type, version),
        "resourceType": record.resource_type,
    }


def _subject(subject: Subject) -> dict[str, Any]:
    return _filled(
        subject=subject.text.value,
        lang=subject.text.language,
        subjectScheme="" if subject.scheme == "Other" else subject.scheme,
        schemeUri=subject.scheme_uri,
        valueUri=subject.uri,
        classificationCode=subject.code,
    )


def _description(one: Description) -> dict[str, Any]:
    kind = one.type if one.type in words.DESCRIPTION_TYPES else "Other"
    return _filled(description=one.text.value, descriptionType=kind, lang=one.text.language)


def _contributor(party: Party, role: str, language: str) -> dict[str, Any]:
    known = role if role in words.CONTRIBUTOR_TYPES else "Other"
    return {**creator(party, language), "contributorType": known}


def _related(record: PublicRecord, version: words.Version) -> list[dict[str, Any]]:
    rows = []
    for relation in record.relations:
        scheme, value = words.related(relation.scheme, relation.identifier, version)
        if scheme and value:
            general = words.at_version(relation.general_type, version)
            rows.append(
                _filled(
                    relatedIdentifier=value,
                    relatedIdentifierType=scheme,
                    relationType=words.relation(relation.type, version),
                    resourceTypeGeneral=general,
                    relationTypeInformation=relation.note if version == "4.7" else "",
                )
            )
    return rows


def _sizes(record: PublicRecord) -> list[str]:
    counts = [file.byte_count for file in record.files if file.byte_count is not None]
    return [extent.value for extent in record.extents] + ([size_in_words(sum(counts))] if counts else [])


def _rights(right: Right) -> dict[str, Any]:
    known = known_licence(right.identifier or right.uri or right.text.value)
    identifier = right.identifier or (known.name if known else "")
    scheme = right.identifier_scheme if identifier else ""
    return _filled(
        rights=right.text.value or right.uri,
        lang=right.text.language,
        rightsUri=right.uri or (known.url if known else ""),
        rightsIdentifier=identifier,
        rightsIdentifierScheme=scheme,
        schemeUri=words.SCHEME_HOMES.get(scheme, ""),
    )


def _point(point: Iterable[float]) -> dict[str, float]:
    longitude, latitude = point
    return {"pointLongitude": longitude, "pointLatitude": latitude}


def _place(place: Place) -> dict[str, Any]:
    sides = ("westBoundLongitude", "eastBoundLongitude", "southBoundLatitude", "northBoundLatitude")
    return _filled(
        geoLocationPlace=place.words,
        geoLocationPoint=_point(place.point)
        if place.point and is_on_earth(place.point[:1], place.point[1:])
        else None,
        geoLocationBox=dict(zip(sides, place.box, strict=True))
        if place.box and is_on_earth(place.box[:2], place.box[2:])
        else None,
        geoLocationPolygon=[
            [{"polygonPoint": _point(point)} for point in polygon] for polygon in place.polygons
        ]
        or None,
    )


def _funding(funding: Funding, language: str) -> dict[str, Any]:
    funder = funding.funder_id
    return _filled(
        funderName=of_language(funding.funder_names, language).value or _UNKNOWN,
        funderIdentifier=funder.value if funder else "",
        funderIdentifierType=words.funder(funder.scheme) if funder else "",
        awardNumber=funding.award_number,
        awardUri=funding.award_url,
        awardTitle=of_language(funding.award_titles, language).value,
    )
