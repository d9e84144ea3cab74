"""Simple Dublin Core, as our record: what others write when they write nothing better."""

from __future__ import annotations

import re
from collections import defaultdict

from tsunagu.standards.identifiers import doi_of
from tsunagu.standards.jpcoar.words import RESOURCE_TYPES
from tsunagu.standards.published import (
    Dated,
    Description,
    Identifier,
    Party,
    PublicRecord,
    Relation,
    Right,
    Subject,
    Text,
)
from tsunagu.standards.xml import UnreadableXmlError, language, parsed, words

_DC = "{http://purl.org/dc/elements/1.1/}"
_ADDRESS = re.compile(r"https?://\S+")
_DAY = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?")


def from_oai_dc(data: bytes, *, record_id: str = "") -> PublicRecord:
    """Our record of an ``oai_dc`` document.

    Args:
        data: The XML; the elements may stand anywhere in it.
        record_id: What the record is to be called.

    Raises:
        UnreadableXmlError: no XML, or no element of Dublin Core in it.
    """
    found: defaultdict[str, list[Text]] = defaultdict(list)
    for element in parsed(data).iter():
        if str(element.tag).startswith(_DC) and words(element):
            found[str(element.tag).removeprefix(_DC)].append(Text(words(element), language(element)))
    if not found:
        raise UnreadableXmlError("There is no Dublin Core in this document.")
    doi, url, others = _identifiers(found["identifier"])
    types = [one.value for one in found["type"]]
    return PublicRecord(
        id=record_id,
        url=url,
        resource_type=next((one for one in types if one in RESOURCE_TYPES), "other"),
        type_words="; ".join(one for one in types if one not in RESOURCE_TYPES),
        titles=tuple(found["title"]),
        access="",
        creators=tuple(Party((name,)) for name in found["creator"]),
        contributors=tuple(Party((name,), role="Other") for name in found["contributor"]),
        publishers=tuple(Party((name,), is_organization=True) for name in found["publisher"]),
        subjects=tuple(Subject(text) for text in found["subject"]),
        descriptions=tuple(Description(text) for text in found["description"]),
        dates=tuple(Dated(one.value, "Issued") for one in found["date"][:1] if _DAY.match(one.value)),
        languages=tuple(one.value for one in found["language"]),
        rights=tuple(
            Right(one, one.value if _ADDRESS.fullmatch(one.value) else "") for one in found["rights"]
        ),
        formats=tuple(one.value for one in found["format"]),
        temporal=tuple(found["coverage"]),
        source_titles=tuple(found["source"]),
        relations=tuple(
            Relation("", "URI" if _ADDRESS.fullmatch(one.value) else "Local", one.value)
            for one in found["relation"]
        ),
        doi=doi,
        is_doi_registered=bool(doi),
        identifiers=others,
    )


def _identifiers(found: list[Text]) -> tuple[str, str, tuple[Identifier, ...]]:
    doi = url = ""
    others = []
    for one in found:
        found_doi = doi_of(one.value)
        if found_doi and not doi:
            doi = found_doi
        elif _ADDRESS.fullmatch(one.value) and not url:
            url = one.value
        else:
            others.append(Identifier("URI" if _ADDRESS.fullmatch(one.value) else "Local", one.value))
    return doi, url, tuple(others)
