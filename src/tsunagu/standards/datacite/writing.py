"""DataCite's XML, made of the attributes of its REST interface."""

from __future__ import annotations

import functools
import re
from typing import Any

from tsunagu.standards.datacite import words
from tsunagu.standards.datacite.attributes import IncompleteRecordError, to_datacite_json
from tsunagu.standards.published import PublicRecord
from tsunagu.standards.xml import address, escaped

_OPEN = (
    f'<resource xmlns="{words.NAMESPACE}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
    f'xsi:schemaLocation="{words.NAMESPACE} https://schema.datacite.org/meta/kernel-4/metadata.xsd">'
)
# Of a name that holds characters alone which XML forbids, nothing is left.
_NEVER_EMPTY = frozenset({"contributorName", "creatorName", "funderName", "publisher", "title"})
_ADDRESSES = frozenset({"awardURI", "classificationCode", "rightsURI", "schemeURI", "valueURI"})
_LANGUAGE = re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*")


def to_datacite_xml(record: PublicRecord, version: words.Version = "4.6") -> bytes:
    """A document of kernel 4 with the words of a version.

    A record without a DOI that others may know is named by its address.

    Raises:
        IncompleteRecordError: no title, no address, or no date that gives a year.
    """
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + datacite_element(record, version).encode()


def datacite_element(record: PublicRecord, version: words.Version = "4.6") -> str:
    """The same as an element to be set into another document."""
    values = to_datacite_json(record, version)
    kind, identifier = _identifier(record)
    types = values["types"]
    parts = [
        _OPEN,
        _leaf("identifier", identifier, identifierType=kind),
        _wrapped("creators", [_party("creator", row) for row in values["creators"]]),
        _wrapped(
            "titles",
            [
                _leaf("title", row["title"], row.get("lang"), titleType=row.get("titleType"))
                for row in values["titles"]
            ],
        ),
        _publisher(values["publisher"]),
        _leaf("publicationYear", f"{values['publicationYear']:04d}"),
        _leaf("resourceType", types["resourceType"], resourceTypeGeneral=types["resourceTypeGeneral"]),
        _wrapped("subjects", [_subject(row) for row in values["subjects"]]),
        _wrapped("contributors", [_party("contributor", row) for row in values["contributors"]]),
        _wrapped("dates", [_named("date", row, "dateType", "dateInformation") for row in values["dates"]]),
    ]
    if values["language"] and _LANGUAGE.fullmatch(values["language"]):
        parts.append(_leaf("language", values["language"]))
    rows = values["alternateIdentifiers"]
    parts.append(
        _wrapped(
            "alternateIdentifiers",
            [_named("alternateIdentifier", row, "alternateIdentifierType") for row in rows],
        )
    )
    parts.append(_wrapped("relatedIdentifiers", [_related(row) for row in values["relatedIdentifiers"]]))
    parts.append(_wrapped("sizes", [_leaf("size", size) for size in values["sizes"]]))
    parts.append(_wrapped("formats", [_leaf("format", one) for one in values["formats"]]))
    if values["version"]:
        parts.append(_leaf("version", values["version"]))
    parts.append(_wrapped("rightsList", [_rights(row) for row in values["rightsList"]]))
    rows = values["descriptions"]
    parts.append(
        _wrapped(
            "descriptions",
            [
                _leaf(
                    "description", row["description"], row.get("lang"), descriptionType=row["descriptionType"]
                )
                for row in rows
            ],
        )
    )
    parts.append(_wrapped("geoLocations", [_place(row) for row in values["geoLocations"]]))
    parts.append(_wrapped("fundingReferences", [_funding(row) for row in values["fundingReferences"]]))
    parts.append(_wrapped("relatedItems", [_item(row) for row in values["relatedItems"]]))
    parts.append("</resource>")
    return "".join(parts)


def _identifier(record: PublicRecord) -> tuple[str, str]:
    if record.doi and record.is_doi_registered:
        return "DOI", record.doi
    if record.url:
        return "URL", record.url
    if record.identifiers:
        scheme, value = words.related(record.identifiers[0].scheme, record.identifiers[0].value, "4.7")
        return scheme or "Local", value or record.identifiers[0].value
    raise IncompleteRecordError("The record has neither a DOI nor an address.", remedy="Give it one of them.")


@functools.lru_cache(maxsize=512)
def _lang(language: str | None) -> str:
    return f' xml:lang="{language}"' if language and _LANGUAGE.fullmatch(language) else ""


def _leaf(tag: str, value: Any, language: str | None = None, **attributes: str | None) -> str:
    inside = "".join(
        f' {name}="{address(said) if name in _ADDRESSES else escaped(said)}"'
        for name, said in attributes.items()
        if said
    )
    text = escaped(str(value)) or ("(:unav)" if tag in _NEVER_EMPTY else "")
    return f"<{tag}{_lang(language)}{inside}>{text}</{tag}>"


def _named(tag: str, row: dict[str, Any], *attributes: str) -> str:
    return _leaf(tag, row[tag], **{name: row.get(name) for name in attributes})


def _wrapped(tag: str, parts: list[str]) -> str:
    return f"<{tag}>{''.join(parts)}</{tag}>" if parts else ""


def _party(tag: str, row: dict[str, Any]) -> str:
    role = f' contributorType="{row["contributorType"]}"' if tag == "contributor" else ""
    parts = [
        f"<{tag}{role}>",
        _leaf(f"{tag}Name", row["name"], row.get("lang"), nameType=row.get("nameType")),
    ]
    parts += [_leaf(name, row[name]) for name in ("givenName", "familyName") if name in row]
    parts += [
        _leaf(
            "nameIdentifier",
            one["nameIdentifier"],
            nameIdentifierScheme=one["nameIdentifierScheme"],
            schemeURI=one.get("schemeUri"),
        )
        for one in row.get("nameIdentifiers", ())
    ]
    parts += [
        _leaf(
            "affiliation",
            one["name"],
            affiliationIdentifier=one.get("affiliationIdentifier"),
            affiliationIdentifierScheme=one.get("affiliationIdentifierScheme"),
            schemeURI=one.get("schemeUri"),
        )
        for one in row.get("affiliation", ())
        if one["name"]
    ]
    parts.append(f"</{tag}>")
    return "".join(parts)


def _publisher(row: dict[str, Any]) -> str:
    return _leaf(
        "publisher",
        row["name"],
        row.get("lang"),
        publisherIdentifier=row.get("publisherIdentifier"),
        publisherIdentifierScheme=row.get("publisherIdentifierScheme"),
        schemeURI=row.get("schemeUri"),
    )


def _subject(row: dict[str, Any]) -> str:
    return _leaf(
        "subject",
        row["subject"],
        row.get("lang"),
        subjectScheme=row.get("subjectScheme"),
        schemeURI=row.get("schemeUri"),
        valueURI=row.get("valueUri"),
        classificationCode=row.get("classificationCode"),
    )


def _related(row: dict[str, Any]) -> str:
    return _named(
        "relatedIdentifier",
        row,
        "relatedIdentifierType",
        "relationType",
        "resourceTypeGeneral",
        "relationTypeInformation",
    )


def _rights(row: dict[str, Any]) -> str:
    return _leaf(
        "rights",
        row["rights"],
        row.get("lang"),
        rightsURI=row.get("rightsUri"),
        rightsIdentifier=row.get("rightsIdentifier"),
        rightsIdentifierScheme=row.get("rightsIdentifierScheme"),
        schemeURI=row.get("schemeUri"),
    )


def _numbers(tag: str, row: dict[str, float]) -> str:
    return _wrapped(tag, [_leaf(name, repr(value)) for name, value in row.items()])


def _place(row: dict[str, Any]) -> str:
    parts = ["<geoLocation>"]
    if "geoLocationPlace" in row:
        parts.append(_leaf("geoLocationPlace", row["geoLocationPlace"]))
    parts += [_numbers(name, row[name]) for name in ("geoLocationPoint", "geoLocationBox") if name in row]
    parts += [
        _wrapped("geoLocationPolygon", [_numbers("polygonPoint", point["polygonPoint"]) for point in polygon])
        for polygon in row.get("geoLocationPolygon", ())
    ]
    parts.append("</geoLocation>")
    return "".join(parts)


def _funding(row: dict[str, Any]) -> str:
    parts = ["<fundingReference>", _leaf("funderName", row["funderName"])]
    if "funderIdentifier" in row:
        parts.append(_named("funderIdentifier", row, "funderIdentifierType"))
    if "awardNumber" in row:
        parts.append(_leaf("awardNumber", row["awardNumber"], awardURI=row.get("awardUri")))
    if "awardTitle" in row:
        parts.append(_leaf("awardTitle", row["awardTitle"]))
    parts.append("</fundingReference>")
    return "".join(parts)


def _item(row: dict[str, Any]) -> str:
    note = row.get("relationTypeInformation")
    parts = [
        f'<relatedItem relatedItemType="{row["relatedItemType"]}" relationType="{row["relationType"]}"'
        + (f' relationTypeInformation="{escaped(note)}">' if note else ">")
    ]
    if "relatedItemIdentifier" in row:
        parts.append(
            _named("relatedItemIdentifier", row["relatedItemIdentifier"], "relatedItemIdentifierType")
        )
    parts.append(_wrapped("creators", [_party("creator", one) for one in row.get("creators", ())]))
    parts.append(
        _wrapped(
            "titles",
            [
                _leaf("title", one["title"], one.get("lang"), titleType=one.get("titleType"))
                for one in row["titles"]
            ],
        )
    )
    parts += [_leaf(name, row[name]) for name in ("publicationYear", "volume", "issue") if name in row]
    if "number" in row:
        parts.append(_named("number", row, "numberType"))
    parts += [
        _leaf(name, row[name]) for name in ("firstPage", "lastPage", "publisher", "edition") if name in row
    ]
    parts.append(
        _wrapped("contributors", [_party("contributor", one) for one in row.get("contributors", ())])
    )
    parts.append("</relatedItem>")
    return "".join(parts)
