"""A DataCite document of kernel 4, as our record."""

from __future__ import annotations

import re
from typing import Any

from tsunagu.standards.datacite import words
from tsunagu.standards.identifiers import doi_of
from tsunagu.standards.published import (
    Dated,
    Description,
    Funding,
    Identifier,
    Party,
    PartyId,
    Place,
    PublicRecord,
    RelatedItem,
    Relation,
    Right,
    Subject,
    Text,
)
from tsunagu.standards.xml import UnreadableXmlError, language, parsed

_ORCID = re.compile(r"(?:https?://orcid\.org/)?(\d{4}-\d{4}-\d{4}-\d{3}[\dX])")
_SIDES = ("westBoundLongitude", "eastBoundLongitude", "southBoundLatitude", "northBoundLatitude")
_SPACE = re.compile(r"\s+")


def from_datacite(data: bytes, *, record_id: str = "") -> PublicRecord:
    """Our record of a DataCite document (kernel 4); it may stand in an OAI-PMH answer.

    Args:
        data: The XML.
        record_id: What the record is to be called.

    Raises:
        UnreadableXmlError: no XML, or no resource of kernel 4 in it.
    """
    root = parsed(data)
    for element in root.iter():
        space, _, name = str(element.tag).rpartition("}")
        if name == "resource" and space[1:].rstrip("/") == words.NAMESPACE:
            return record_of(element, record_id=record_id)
    raise UnreadableXmlError("There is no DataCite record of kernel 4 in this document.")


def record_of(root: Any, *, record_id: str = "") -> PublicRecord:
    """The same from an element that is parsed already."""
    top = {_name(child): child for child in root}
    doi, url = _identifier(top.get("identifier"))
    kind = top.get("resourceType")
    general = kind.get("resourceTypeGeneral", "") if kind is not None else ""
    type_words = _said(kind)
    titles = [
        Text(_said(child), language(child), child.get("titleType", "")) for child in _inside(top, "titles")
    ]
    contributors = [_party(child, "contributor") for child in _inside(top, "contributors")]
    dates = tuple(
        Dated(_said(child), child.get("dateType", ""), child.get("dateInformation", ""))
        for child in _inside(top, "dates")
    )
    return PublicRecord(
        id=record_id,
        url=url,
        doi=doi,
        is_doi_registered=bool(doi),
        doi_agency="DataCite" if doi else "",
        resource_type=words.label_of(general, type_words),
        general_type=general,
        type_words=type_words,
        titles=tuple(title for title in titles if not title.kind),
        alternatives=tuple(title for title in titles if title.kind),
        access="",
        creators=tuple(_party(child, "creator") for child in _inside(top, "creators")),
        contributors=tuple(party for party in contributors if party.role != "RightsHolder"),
        rights_holders=tuple(party for party in contributors if party.role == "RightsHolder"),
        publishers=_publisher(top.get("publisher")),
        publication_year=_year(_said(top.get("publicationYear")), dates),
        subjects=tuple(_subject(child) for child in _inside(top, "subjects")),
        dates=dates,
        languages=(_said(top["language"]),) if "language" in top else (),
        identifiers=tuple(
            Identifier(child.get("alternateIdentifierType", ""), _said(child))
            for child in _inside(top, "alternateIdentifiers")
        ),
        relations=tuple(_relation(child) for child in _inside(top, "relatedIdentifiers")),
        extents=tuple(Text(_said(child)) for child in _inside(top, "sizes")),
        formats=tuple(_said(child) for child in _inside(top, "formats")),
        version=_said(top.get("version")),
        rights=tuple(_right(child) for child in _inside(top, "rightsList")),
        descriptions=tuple(
            Description(Text(_said(child), language(child)), child.get("descriptionType", ""))
            for child in _inside(top, "descriptions")
        ),
        places=tuple(_place(child) for child in _inside(top, "geoLocations")),
        fundings=tuple(_funding(child) for child in _inside(top, "fundingReferences")),
        related_items=tuple(_item(child) for child in _inside(top, "relatedItems")),
    )


def _name(element: Any) -> str:
    return str(element.tag).rpartition("}")[2]


def _said(element: Any) -> str:
    """The text of an element, line breaks of the layout as one space."""
    return _SPACE.sub(" ", " ".join(element.itertext())).strip() if element is not None else ""


def _inside(top: dict[str, Any], name: str) -> list[Any]:
    return list(top[name]) if name in top else []


def _identifier(element: Any) -> tuple[str, str]:
    said = _said(element)
    if doi := doi_of(said):
        return doi, ""
    return "", said if said.startswith(("http://", "https://")) else ""


def _year(said: str, dates: tuple[Dated, ...]) -> str:
    """The year, where no date of type Issued says the same."""
    issued = next((date.value for date in dates if date.type == "Issued"), "")
    return "" if said and issued.startswith(said) else said


def _party(element: Any, kind: str) -> Party:
    found: dict[str, list[Any]] = {}
    for child in element:
        found.setdefault(_name(child), []).append(child)
    names = found.get(f"{kind}Name", [])
    return Party(
        names=tuple(Text(_said(name), language(name)) for name in names),
        is_organization=any(name.get("nameType") == "Organizational" for name in names),
        ids=tuple(_party_id(child) for child in found.get("nameIdentifier", ())),
        affiliations=tuple(_affiliation(child) for child in found.get("affiliation", ())),
        role=element.get("contributorType", ""),
        family_names=tuple(Text(_said(child)) for child in found.get("familyName", ())),
        given_names=tuple(Text(_said(child)) for child in found.get("givenName", ())),
    )


def _party_id(element: Any) -> PartyId:
    return party_id(element.get("nameIdentifierScheme", ""), _said(element))


def party_id(scheme: str, said: str) -> PartyId:
    """An identifier of a person or organisation, of whatever spelling."""
    orcid = _ORCID.fullmatch(said) if scheme.upper() == "ORCID" else None
    if orcid:
        return PartyId("ORCID", orcid.group(1), f"https://orcid.org/{orcid.group(1)}")
    if not scheme and said.startswith("https://ror.org/"):
        scheme = "ROR"
    return PartyId(scheme, said, said if said.startswith(("http://", "https://")) else "")


def _affiliation(element: Any) -> Party:
    identifier = element.get("affiliationIdentifier", "").strip()
    ids = (party_id(element.get("affiliationIdentifierScheme", ""), identifier),) if identifier else ()
    return Party((Text(_said(element), language(element)),), is_organization=True, ids=ids)


def _publisher(element: Any) -> tuple[Party, ...]:
    if element is None:
        return ()
    identifier = element.get("publisherIdentifier", "").strip()
    ids = (party_id(element.get("publisherIdentifierScheme", ""), identifier),) if identifier else ()
    return (Party((Text(_said(element), language(element)),), is_organization=True, ids=ids),)


def _subject(element: Any) -> Subject:
    return Subject(
        Text(_said(element), language(element)),
        scheme=element.get("subjectScheme", "Other"),
        uri=element.get("valueURI", ""),
        scheme_uri=element.get("schemeURI", ""),
        code=element.get("classificationCode", ""),
    )


def _relation(element: Any) -> Relation:
    scheme, identifier = words.our_related(element.get("relatedIdentifierType", ""), _said(element))
    return Relation(
        type=words.our_relation(element.get("relationType", "")),
        scheme=scheme,
        identifier=identifier,
        general_type=element.get("resourceTypeGeneral", ""),
        note=element.get("relationTypeInformation", ""),
    )


def _right(element: Any) -> Right:
    return Right(
        Text(_said(element), language(element)),
        uri=element.get("rightsURI", ""),
        identifier=element.get("rightsIdentifier", ""),
        identifier_scheme=element.get("rightsIdentifierScheme", "SPDX"),
    )


def _floats(element: Any, names: tuple[str, ...]) -> tuple[float, ...]:
    """Numbers in the order of the names; none where one is missing or no number."""
    said = {_name(child): _said(child) for child in element}
    try:
        return tuple(float(said[name]) for name in names)
    except (KeyError, ValueError):
        return ()


def _place(element: Any) -> Place:
    said = ""
    point: tuple[float, float] | None = None
    box: tuple[float, float, float, float] | None = None
    polygons = []
    for child in element:
        match _name(child):
            case "geoLocationPlace":
                said = _said(child)
            case "geoLocationPoint":
                numbers = _floats(child, ("pointLongitude", "pointLatitude"))
                point = (numbers[0], numbers[1]) if numbers else None
            case "geoLocationBox":
                numbers = _floats(child, _SIDES)
                box = (numbers[0], numbers[1], numbers[2], numbers[3]) if numbers else None
            case "geoLocationPolygon":
                corners = [
                    _floats(corner, ("pointLongitude", "pointLatitude"))
                    for corner in child
                    if _name(corner) == "polygonPoint"
                ]
                polygons.append(tuple((corner[0], corner[1]) for corner in corners if corner))
    return Place(said, point, box, tuple(polygons))


def _funding(element: Any) -> Funding:
    found = {_name(child): child for child in element}
    funder = found.get("funderIdentifier")
    award = found.get("awardNumber")
    title = found.get("awardTitle")
    return Funding(
        funder_names=(Text(_said(found.get("funderName"))),),
        funder_id=PartyId(words.our_funder(funder.get("funderIdentifierType", "")), _said(funder))
        if funder is not None
        else None,
        award_number=_said(award),
        award_url=award.get("awardURI", "") if award is not None else "",
        award_titles=(Text(_said(title), language(title)),) if title is not None else (),
    )


def _item(element: Any) -> RelatedItem:
    found = {_name(child): child for child in element}
    identifier = found.get("relatedItemIdentifier")
    number = found.get("number")
    return RelatedItem(
        type=words.our_relation(element.get("relationType", "")),
        general_type=element.get("relatedItemType", ""),
        note=element.get("relationTypeInformation", ""),
        titles=tuple(
            Text(_said(child), language(child), child.get("titleType", ""))
            for child in _inside(found, "titles")
        ),
        identifier=Identifier(
            *words.our_related(identifier.get("relatedItemIdentifierType", ""), _said(identifier))
        )
        if identifier is not None
        else None,
        creators=tuple(_party(child, "creator") for child in _inside(found, "creators")),
        contributors=tuple(_party(child, "contributor") for child in _inside(found, "contributors")),
        year=_said(found.get("publicationYear")),
        volume=_said(found.get("volume")),
        issue=_said(found.get("issue")),
        number=_said(number),
        number_type=number.get("numberType", "") if number is not None else "",
        first_page=_said(found.get("firstPage")),
        last_page=_said(found.get("lastPage")),
        publisher=_said(found.get("publisher")),
        edition=_said(found.get("edition")),
    )
