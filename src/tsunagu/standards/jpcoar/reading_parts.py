"""The parts of a JPCOAR record, read."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from tsunagu.standards.jpcoar import words
from tsunagu.standards.published import (
    Catalog,
    Conference,
    Dated,
    Description,
    Funding,
    Identifier,
    Imprint,
    Party,
    PartyId,
    Place,
    PublicFile,
    Relation,
    Right,
    Subject,
    Text,
)
from tsunagu.standards.xml import language
from tsunagu.standards.xml import words as said

_RESOURCE = f"{{{words.RDF}}}resource"
_DAYS = ("startYear", "startMonth", "startDay", "endYear", "endMonth", "endDay")
_NAMES_OF_SCHEMES = {"e-Rad": "e-Rad_Researcher"}


def text_of(element: Any) -> Text:
    """Words with their language."""
    return Text(said(element), language(element))


def access_of(elements: list[Any]) -> str:
    """The label; where it is missing, that of the address."""
    if not elements:
        return ""
    by_address = {address: label for label, address in words.ACCESS.items()}
    return said(elements[0]) or by_address.get(elements[0].get(_RESOURCE, ""), "")


def right_of(element: Any) -> Right:
    """A licence or other words on use."""
    return Right(text_of(element), element.get(_RESOURCE, ""), element.get("licenseType", ""))


def subject_of(element: Any) -> Subject:
    """A keyword or a class."""
    scheme = element.get("subjectScheme", "Other")
    return Subject(
        text_of(element), "SciVal" if scheme == "Sci-Val" else scheme, element.get("subjectURI", "")
    )


def described_of(element: Any) -> Description:
    """A description."""
    return Description(text_of(element), element.get("descriptionType", ""))


def dated_of(element: Any) -> Dated:
    """A date."""
    return Dated(said(element), element.get("dateType", ""))


def party_of(element: Any, kind: str) -> Party:
    """A person or an organisation; ``kind`` is the element that it stands in."""
    found = _children(element)
    names = found[f"{kind}Name"]
    ids = found["nameIdentifier"] + found["holdingAgentNameIdentifier"]
    return Party(
        names=_texts(names),
        is_organization=kind in {"holdingAgent", "degreeGrantor", "affiliation"}
        or any(name.get("nameType") == "Organizational" for name in names),
        ids=tuple(_party_id(child) for child in ids),
        affiliations=tuple(party_of(child, "affiliation") for child in found["affiliation"]),
        role=element.get("contributorType", "") or element.get("creatorType", ""),
        family_names=_texts(found["familyName"]),
        given_names=_texts(found["givenName"]),
        alternatives=_texts(found[f"{kind}Alternative"]),
    )


def imprint_of(element: Any) -> Imprint:
    """A publisher with its places."""
    found = _children(element)
    return Imprint(
        _texts(found["publisherName"]),
        _texts(found["publisherDescription"]),
        _texts(found["location"]),
        tuple(said(child) for child in found["publicationPlace"]),
    )


def relation_of(element: Any) -> Relation:
    """Something else that this has to do with."""
    found = _children(element)
    kind = element.get("relationType", "")
    identifier = found["relatedIdentifier"][0] if found["relatedIdentifier"] else None
    return Relation(
        type="cites" if kind == "Cites" else kind,
        scheme=identifier.get("identifierType", "") if identifier is not None else "",
        identifier=said(identifier) if identifier is not None else "",
        titles=_texts(found["relatedTitle"]),
    )


def place_of(element: Any) -> list[Place]:
    """Places: one for what stands together, one more for each further name."""
    found = _children(element)
    point = _numbers(found["geoLocationPoint"], ("pointLongitude", "pointLatitude"))
    sides = ("westBoundLongitude", "eastBoundLongitude", "southBoundLatitude", "northBoundLatitude")
    box = _numbers(found["geoLocationBox"], sides)
    names = [said(child) for child in found["geoLocationPlace"]] or [""]
    first = Place(
        names[0],
        (point[0], point[1]) if point else None,
        (box[0], box[1], box[2], box[3]) if box else None,
    )
    return [first, *(Place(name) for name in names[1:])]


def funding_of(element: Any) -> Funding:
    """Who paid."""
    found = _children(element)
    funder = found["funderIdentifier"][0] if found["funderIdentifier"] else None
    stream = found["fundingStreamIdentifier"][0] if found["fundingStreamIdentifier"] else None
    award = found["awardNumber"][0] if found["awardNumber"] else None
    return Funding(
        funder_names=_texts(found["funderName"]),
        funder_id=PartyId(funder.get("funderIdentifierType", ""), said(funder))
        if funder is not None
        else None,
        stream_id=said(stream) if stream is not None else "",
        stream_scheme=stream.get("fundingStreamIdentifierType", "")
        if stream is not None
        else "JGN_fundingStream",
        stream_names=_texts(found["fundingStream"]),
        award_number=said(award) if award is not None else "",
        award_url=award.get("awardURI", "") if award is not None else "",
        award_type=award.get("awardNumberType", "") if award is not None else "JGN",
        award_titles=_texts(found["awardTitle"]),
    )


def conference_of(element: Any) -> Conference:
    """Where it was presented."""
    found = _children(element)
    date = found["conferenceDate"][0] if found["conferenceDate"] else None
    days = tuple(date.get(name, "") for name in _DAYS) if date is not None else ("",) * 6
    return Conference(
        names=_texts(found["conferenceName"]),
        sequence=_first(found["conferenceSequence"]),
        sponsors=_texts(found["conferenceSponsor"]),
        date=text_of(date) if date is not None else None,
        days=(days[0], days[1], days[2], days[3], days[4], days[5]),
        venues=_texts(found["conferenceVenue"]),
        places=_texts(found["conferencePlace"]),
        country=_first(found["conferenceCountry"]),
    )


def file_of(element: Any) -> PublicFile:
    """A file; the day on which it is to open stands apart from its other dates."""
    found = _children(element)
    address = found["URI"][0] if found["URI"] else None
    dates = [dated_of(child) for child in found["date"]]
    available = dates.pop().value if dates and dates[-1].type == "Available" else ""
    return PublicFile(
        url=said(address) if address is not None else "",
        type=address.get("objectType", "") if address is not None else "",
        label=address.get("label", "") if address is not None else "",
        media_type=_first(found["mimeType"]),
        extents=tuple(said(child) for child in found["extent"]),
        dates=tuple(dates),
        available_on=available,
        version=_first(found["version"]),
    )


def catalog_of(element: Any) -> Catalog:
    """The data base that it stands in."""
    found = _children(element)
    return Catalog(
        contributors=tuple(party_of(child, "contributor") for child in found["contributor"]),
        identifiers=tuple(
            Identifier(child.get("identifierType", ""), said(child)) for child in found["identifier"]
        ),
        titles=_texts(found["title"]),
        descriptions=tuple(described_of(child) for child in found["description"]),
        subjects=tuple(subject_of(child) for child in found["subject"]),
        licences=tuple(right_of(child) for child in found["license"]),
        rights=tuple(right_of(child) for child in found["rights"]),
        access=access_of(found["accessRights"]),
        file=file_of(found["file"][0]) if found["file"] else None,
    )


def _children(element: Any) -> defaultdict[str, list[Any]]:
    found: defaultdict[str, list[Any]] = defaultdict(list)
    for child in element:
        found[child.tag.rpartition("}")[2]].append(child)
    return found


def _party_id(element: Any) -> PartyId:
    scheme = element.get("nameIdentifierScheme", "")
    return PartyId(_NAMES_OF_SCHEMES.get(scheme, scheme), said(element), element.get("nameIdentifierURI", ""))


def _numbers(elements: list[Any], names: tuple[str, ...]) -> list[float]:
    """Numbers in the order of their names; nothing where one is missing or no number."""
    if not elements:
        return []
    found = {child.tag.rpartition("}")[2]: said(child) for child in elements[0]}
    try:
        return [float(found[name]) for name in names]
    except (KeyError, ValueError):
        return []


def _texts(elements: list[Any]) -> tuple[Text, ...]:
    return tuple(text_of(element) for element in elements)


def _first(elements: list[Any]) -> str:
    return said(elements[0]) if elements else ""
