"""What articles, theses, talks and digital archives add to a JPCOAR record."""

from __future__ import annotations

from collections.abc import Iterable

from tsunagu.standards.jpcoar import forms, words
from tsunagu.standards.jpcoar.parties import grantor, name_ids
from tsunagu.standards.jpcoar.pieces import attribute, element, lang, texts
from tsunagu.standards.published import Conference, Degree, Identifier, PublicRecord
from tsunagu.standards.xml import escaped

_DAY_NAMES = ("startYear", "startMonth", "startDay", "endYear", "endMonth", "endDay")


def source_ids(values: Iterable[Identifier], version: words.Version) -> str:
    """Of the journal or book that it stands in."""
    return "".join(
        f'<jpcoar:sourceIdentifier identifierType="{identifier.scheme}">{escaped(identifier.value)}'
        "</jpcoar:sourceIdentifier>"
        for identifier in values
        if identifier.scheme in words.SOURCE_SCHEMES or (identifier.scheme == "ISBN" and version == "2.1")
    )


def archive_parts(parts: list[str], record: PublicRecord) -> None:
    """Edition, extent, form, holder and series; between the source's identifiers and its titles."""
    parts.append(texts("dcndl:edition", record.editions))
    parts.append(texts("dcndl:volumeTitle", record.volume_titles))
    parts.extend(element("dcndl:originalLanguage", language) for language in record.original_languages)
    parts.append(texts("dcterms:extent", record.extents))
    parts.append(texts("jpcoar:format", record.physical_forms))
    if record.holding is not None:
        ids = name_ids(record.holding.ids[:1], "2.0", "jpcoar:holdingAgentNameIdentifier")
        names = texts("jpcoar:holdingAgentName", record.holding.names)
        parts.append(f"<jpcoar:holdingAgent>{ids}{names}</jpcoar:holdingAgent>")
    if record.is_series is not None:
        parts.append(element("jpcoar:datasetSeries", str(record.is_series)))


def article_parts(parts: list[str], record: PublicRecord, version: words.Version) -> None:
    """Journal, pages, degree and conference."""
    parts.append(texts("jpcoar:sourceTitle", record.source_titles))
    if record.volume:
        parts.append(element("jpcoar:volume", record.volume))
    if record.issue:
        parts.append(element("jpcoar:issue", record.issue))
    # The schema takes whole numbers alone: "e0123" would spoil the record.
    for tag, page in (
        ("numPages", record.page_count),
        ("pageStart", record.first_page),
        ("pageEnd", record.last_page),
    ):
        if is_positive(page):
            parts.append(element(f"jpcoar:{tag}", page))
    if record.degree is not None:
        parts.append(_degree(record.degree, version))
    parts.extend(_conference(conference, version) for conference in record.conferences)


def is_positive(text: str) -> bool:
    """Whether the text is a whole number of at least 1."""
    return text.isascii() and text.isdigit() and int(text) > 0


def _degree(degree: Degree, version: words.Version) -> str:
    return "".join(
        (
            element("dcndl:dissertationNumber", degree.number) if degree.number else "",
            texts("dcndl:degreeName", degree.names),
            element("dcndl:dateGranted", degree.granted_on) if forms.DAY.match(degree.granted_on) else "",
            *(grantor(party, version) for party in degree.grantors),
        )
    )


def _conference(conference: Conference, version: words.Version) -> str:
    parts = ["<jpcoar:conference>", texts("jpcoar:conferenceName", conference.names)]
    if is_positive(conference.sequence):
        parts.append(element("jpcoar:conferenceSequence", conference.sequence))
    parts.append(texts("jpcoar:conferenceSponsor", conference.sponsors))
    if conference.date is not None or any(conference.days):
        days = "".join(
            attribute(name, day) for name, day in zip(_DAY_NAMES, conference.days, strict=True) if day
        )
        said = conference.date.value if conference.date is not None else ""
        language = lang(conference.date.language) if conference.date is not None else ""
        parts.append(f"<jpcoar:conferenceDate{language}{days}>{escaped(said)}</jpcoar:conferenceDate>")
    if version != "1.0":
        parts.append(texts("jpcoar:conferenceVenue", conference.venues))
    parts.append(texts("jpcoar:conferencePlace", conference.places))
    if forms.COUNTRY.match(conference.country):
        parts.append(element("jpcoar:conferenceCountry", conference.country))
    parts.append("</jpcoar:conference>")
    return "".join(parts)
