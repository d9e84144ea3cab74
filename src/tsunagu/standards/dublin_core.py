"""A record as simple Dublin Core, the form that every harvester reads (``oai_dc``)."""

from __future__ import annotations

from collections.abc import Iterator

from tsunagu.standards.jpcoar.pieces import lang
from tsunagu.standards.languages import to_three
from tsunagu.standards.published import PublicRecord, Text
from tsunagu.standards.xml import escaped

NAMESPACE = "http://www.openarchives.org/OAI/2.0/oai_dc/"
_OPEN = (
    f'<oai_dc:dc xmlns:oai_dc="{NAMESPACE}" xmlns:dc="http://purl.org/dc/elements/1.1/" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
    f'xsi:schemaLocation="{NAMESPACE} http://www.openarchives.org/OAI/2.0/oai_dc.xsd">'
)


def to_oai_dc(record: PublicRecord) -> bytes:
    """The record as an XML document."""
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + oai_dc_element(record).encode()


def oai_dc_element(record: PublicRecord) -> str:
    """The same as an element to be set into another document."""
    rows = "".join(
        f"<dc:{name}{lang(text.language)}>{escaped(text.value)}</dc:{name}>"
        for name, text in _rows(record)
        if text.value
    )
    return f"{_OPEN}{rows}</oai_dc:dc>"


def _rows(record: PublicRecord) -> Iterator[tuple[str, Text]]:
    yield from (("title", title) for title in (*record.titles, *record.alternatives))
    yield from (("creator", name) for party in record.creators for name in party.names)
    yield from (("subject", subject.text) for subject in record.subjects)
    yield from (("description", description.text) for description in record.descriptions)
    yield from (("publisher", name) for party in record.publishers for name in party.names)
    yield from (("contributor", name) for party in record.contributors for name in party.names)
    for date in record.dates:
        if date.type in {"Issued", "Available"}:
            yield "date", Text(date.value)
    yield "type", Text(record.resource_type)
    media_types = dict.fromkeys(file.media_type for file in record.files)
    yield from (("format", Text(media_type)) for media_type in record.formats or media_types)
    if record.doi and record.is_doi_registered:
        yield "identifier", Text(f"https://doi.org/{record.doi}")
    yield from (("identifier", Text(one.value)) for one in record.identifiers)
    yield "identifier", Text(record.url)
    yield from (("source", title) for title in record.source_titles)
    yield from (("language", Text(to_three(language))) for language in record.languages)
    yield from (("relation", Text(relation.identifier)) for relation in record.relations)
    yield from (("coverage", text) for text in record.temporal)
    yield from (("coverage", Text(place.words)) for place in record.places)
    for right in record.rights:
        yield "rights", right.text
        yield "rights", Text(right.uri)
    yield "rights", Text(record.access)
