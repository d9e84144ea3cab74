"""The small elements that many parts of a JPCOAR record share."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable

from tsunagu.standards.jpcoar import words
from tsunagu.standards.published import Dated, Description, PublicFile, Right, Subject, Text
from tsunagu.standards.xml import address, escaped

_MOMENT = r"\d{4}(?:-\d{2}(?:-\d{2}(?:T\d{2}:\d{2}(?::\d{2})?(?:Z|[+-]\d{2}:\d{2}))?)?)?"
DATE = re.compile(rf"{_MOMENT}(?:/(?:{_MOMENT})?)?|/{_MOMENT}")
_KEPT_REGIONS = {"zh-cn": "zh-cn", "zh-tw": "zh-tw", "ja-kana": "ja-Kana", "ja-latn": "ja-Latn"}
_THOUSAND = 1000
_TWO_LETTERS = 2


@functools.lru_cache(maxsize=1024)
def lang(language: str) -> str:
    """The attribute for a language, as the guide writes it: two letters, a reading, or Chinese with its region.

    A language without a two-letter code goes without attribute, as the guide says.
    """
    known = _KEPT_REGIONS.get(language.lower(), "")
    if not known:
        first = language.partition("-")[0].lower()
        known = first if len(first) == _TWO_LETTERS and first.isascii() and first.isalpha() else ""
    return f' xml:lang="{known}"' if known else ""


def attribute(name: str, value: str) -> str:
    """An attribute, or nothing where there is no value."""
    return f' {name}="{escaped(value)}"' if value else ""


def linked(name: str, value: str) -> str:
    """An attribute that the schema takes for an address, or nothing."""
    return f' {name}="{address(value)}"' if value else ""


def element(tag: str, value: str, *, resource: str = "") -> str:
    """An element with text, and ``rdf:resource`` where there is one."""
    return f"<{tag}{linked('rdf:resource', resource)}>{escaped(value)}</{tag}>"


def texts(tag: str, values: Iterable[Text]) -> str:
    """An element for each text, with its language."""
    return "".join(
        [f"<{tag}{lang(text.language)}>{escaped(text.value)}</{tag}>" for text in values if text.value]
    )


def rights(tag: str, values: Iterable[Right]) -> str:
    """Licences and other words on use."""
    return "".join(
        f"<{tag}{lang(right.text.language)}{attribute('licenseType', right.kind)}{linked('rdf:resource', right.uri)}>"
        f"{escaped(right.text.value)}</{tag}>"
        for right in values
    )


def subjects(values: Iterable[Subject], version: words.Version) -> str:
    """Keywords and classifications."""
    return "".join(
        f'<jpcoar:subject{lang(subject.text.language)} subjectScheme="{words.subject_scheme(subject.scheme, version)}"'
        f"{linked('subjectURI', subject.uri)}>{escaped(subject.text.value)}</jpcoar:subject>"
        for subject in values
    )


def described(values: Iterable[Description]) -> str:
    """Descriptions; a type that the schema does not know is ``Other``."""
    return "".join(
        f"<datacite:description{lang(description.text.language)} descriptionType="
        f'"{description.type if description.type in words.DESCRIPTION_TYPES else "Other"}">'
        f"{escaped(description.text.value)}</datacite:description>"
        for description in values
    )


def dates(values: Iterable[Dated], version: words.Version) -> str:
    """Dates of the types that the schema knows, in shapes that it takes: another would spoil the whole record."""
    return "".join(
        f'<datacite:date dateType="{date.type}">{date.value}</datacite:date>'
        for date in values
        if (date.type in words.DATE_TYPES or (date.type == "Coverage" and version == "2.1"))
        and DATE.fullmatch(date.value)
        and (version != "1.0" or ("/" not in date.value and len(date.value) <= len("2026-01-01")))
    )


def file_part(file: PublicFile, version: words.Version) -> str:
    """A file: where it is, its type, size, dates and version."""
    parts = ["<jpcoar:file>"]
    if file.url:
        kind = file.type if file.type in words.OBJECT_TYPES else ("other" if file.type else "")
        if version == "1.0" and kind == "iiif":
            kind = "other"
        parts.append(
            f"<jpcoar:URI{attribute('objectType', kind)}{attribute('label', file.label)}>{address(file.url)}</jpcoar:URI>"
        )
    if file.media_type:
        parts.append(element("jpcoar:mimeType", file.media_type))
    if file.byte_count is not None:
        parts.append(element("jpcoar:extent", size_in_words(file.byte_count)))
    parts.extend(element("jpcoar:extent", extent) for extent in file.extents)
    parts.append(dates(file.dates, version))
    if file.available_on:
        parts.append(dates((Dated(file.available_on, "Available"),), version))
    if file.version:
        parts.append(element("datacite:version", file.version))
    parts.append("</jpcoar:file>")
    return "".join(parts)


def size_in_words(byte_count: int) -> str:
    """A size with three digits and a decimal unit: ``1.23 GB``."""
    size = float(byte_count)
    for unit in ("B", "KB", "MB", "GB", "TB"):
        if size < _THOUSAND:
            return f"{size:.3g} {unit}"
        size /= _THOUSAND
    return f"{size:.4g} PB"
