"""A JPCOAR record of any version, as our record: everything that the schema can say, and nothing else."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from tsunagu.standards.identifiers import doi_of
from tsunagu.standards.jpcoar import words
from tsunagu.standards.jpcoar.reading_parts import (
    access_of,
    catalog_of,
    conference_of,
    dated_of,
    described_of,
    file_of,
    funding_of,
    imprint_of,
    party_of,
    place_of,
    relation_of,
    right_of,
    subject_of,
    text_of,
)
from tsunagu.standards.published import Degree, Identifier, Party, PublicRecord, Text
from tsunagu.standards.xml import UnreadableXmlError, parsed
from tsunagu.standards.xml import words as said


def from_jpcoar(data: bytes, *, record_id: str = "") -> PublicRecord:
    """Our record of a JPCOAR document (1.0, 2.0 or 2.1).

    Args:
        data: The XML; the JPCOAR element may stand in an OAI-PMH answer.
        record_id: What the record is to be called.

    Raises:
        UnreadableXmlError: no XML, or no JPCOAR element in it.
    """
    return record_of(jpcoar_root(parsed(data)), record_id=record_id)


def jpcoar_root(root: Any) -> Any:
    """The JPCOAR element at or under an element.

    Raises:
        UnreadableXmlError: there is none.
    """
    spaces = {*words.NAMESPACES.values(), *words.OTHER_NAMESPACES}
    for element in root.iter():
        space, _, name = str(element.tag).rpartition("}")
        if name == "jpcoar" and space[1:] in spaces:
            return element
    raise UnreadableXmlError("There is no JPCOAR record in this document.")


def record_of(root: Any, *, record_id: str = "") -> PublicRecord:
    """The same from an element that is parsed already."""
    found: defaultdict[str, list[Any]] = defaultdict(list)
    for child in root:
        space, _, name = child.tag.rpartition("}")
        # The two publishers, dates and versions differ by their namespace alone.
        twin = (space[1:] == words.DC and name == "publisher") or (
            space[1:] == words.DCTERMS and name == "date"
        )
        twin = twin or (space[1:] == words.OAIRE and name == "version")
        found[f"{name} plain" if twin else name].append(child)
    label = said(found["type"][0]) if found["type"] else ""
    address = found["type"][0].get(f"{{{words.RDF}}}resource", "") if found["type"] else ""
    doi, url, others = _identifiers(found["identifier"])
    agency = ""
    if found["identifierRegistration"]:
        agency = found["identifierRegistration"][0].get("identifierType", "")
    return PublicRecord(
        id=record_id,
        url=url,
        resource_type=label,
        resource_type_uri="" if address == words.RESOURCE_TYPES.get(label) else address,
        titles=_texts(found["title"]),
        alternatives=_texts(found["alternative"]),
        access=access_of(found["accessRights"]),
        creators=tuple(party_of(child, "creator") for child in found["creator"]),
        contributors=tuple(party_of(child, "contributor") for child in found["contributor"]),
        rights=tuple(right_of(child) for child in found["rights"]),
        rights_holders=tuple(party_of(child, "rightsHolder") for child in found["rightsHolder"]),
        subjects=tuple(subject_of(child) for child in found["subject"]),
        descriptions=tuple(described_of(child) for child in found["description"]),
        publishers=_publishers(_texts(found["publisher plain"])),
        imprints=tuple(imprint_of(child) for child in found["publisher"]),
        dates=tuple(dated_of(child) for child in found["date"]),
        date_words=_texts(found["date plain"]),
        languages=_words(found["language"]),
        version=_first(found["version"]),
        text_version=_first(found["version plain"]),
        doi=doi,
        doi_agency=agency if doi else "",
        is_doi_registered=bool(doi),
        identifiers=others,
        relations=tuple(relation_of(child) for child in found["relation"]),
        temporal=_texts(found["temporal"]),
        places=tuple(place for child in found["geoLocation"] for place in place_of(child)),
        fundings=tuple(funding_of(child) for child in found["fundingReference"]),
        files=tuple(file_of(child) for child in found["file"]),
        **_articles(found),
    )


def _articles(found: dict[str, list[Any]]) -> dict[str, Any]:
    grantors = tuple(party_of(child, "degreeGrantor") for child in found["degreeGrantor"])
    degree = Degree(
        _first(found["dissertationNumber"]),
        _texts(found["degreeName"]),
        _first(found["dateGranted"]),
        grantors,
    )
    series = _first(found["datasetSeries"])
    return {
        "source_ids": tuple(
            Identifier(child.get("identifierType", ""), said(child)) for child in found["sourceIdentifier"]
        ),
        "source_titles": _texts(found["sourceTitle"]),
        "volume": _first(found["volume"]),
        "issue": _first(found["issue"]),
        "page_count": _first(found["numPages"]),
        "first_page": _first(found["pageStart"]),
        "last_page": _first(found["pageEnd"]),
        "editions": _texts(found["edition"]),
        "volume_titles": _texts(found["volumeTitle"]),
        "original_languages": _words(found["originalLanguage"]),
        "extents": _texts(found["extent"]),
        "physical_forms": _texts(found["format"]),
        "holding": party_of(found["holdingAgent"][0], "holdingAgent") if found["holdingAgent"] else None,
        "is_series": {"True": True, "False": False}.get(series),
        "degree": degree if degree != Degree() else None,
        "conferences": tuple(conference_of(child) for child in found["conference"]),
        "catalog": catalog_of(found["catalog"][0]) if found["catalog"] else None,
    }


def _identifiers(elements: list[Any]) -> tuple[str, str, tuple[Identifier, ...]]:
    """The DOI, the address, and what else names it."""
    doi = url = ""
    others = []
    for element in elements:
        scheme, value = element.get("identifierType", ""), said(element)
        found_doi = doi_of(value) if scheme == "DOI" else ""
        if found_doi and not doi:
            doi = found_doi
        elif scheme == "URI" and not url:
            url = value
        else:
            others.append(Identifier(scheme, value))
    return doi, url, tuple(others)


def _publishers(names: tuple[Text, ...]) -> tuple[Party, ...]:
    """Names in different languages, one after the other, are one publisher; a language that returns begins the next."""
    parties: list[list[Text]] = []
    for name in names:
        if not parties or not name.language or name.language in {text.language for text in parties[-1]}:
            parties.append([])
        parties[-1].append(name)
    return tuple(Party(tuple(group), is_organization=True) for group in parties)


def _texts(elements: list[Any]) -> tuple[Text, ...]:
    return tuple(text_of(element) for element in elements)


def _words(elements: list[Any]) -> tuple[str, ...]:
    return tuple(said(element) for element in elements)


def _first(elements: list[Any]) -> str:
    return said(elements[0]) if elements else ""
