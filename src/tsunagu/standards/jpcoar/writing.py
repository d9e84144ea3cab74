"""A record as JPCOAR writes it: elements in the fixed order of the schema, as text.

Text, not a tree: a harvest asks for thousands of records in a second. Everything goes through ``escaped``.
Source: jpcoar_scm.xsd of 2.0 and 2.1, of 1.0.2 for what IRDB calls ``jpcoar_1.0``.
"""

from __future__ import annotations

from tsunagu.standards.jpcoar import words
from tsunagu.standards.jpcoar.articles import archive_parts, article_parts, source_ids
from tsunagu.standards.jpcoar.catalogs import catalog_part
from tsunagu.standards.jpcoar.forms import THREE_LETTERS, is_on_earth
from tsunagu.standards.jpcoar.parties import contributor, creator, rights_holder
from tsunagu.standards.jpcoar.pieces import (
    attribute,
    dates,
    described,
    element,
    file_part,
    linked,
    rights,
    subjects,
    texts,
)
from tsunagu.standards.languages import to_three
from tsunagu.standards.published import Funding, Place, PublicRecord, Relation, Text
from tsunagu.standards.xml import address, escaped

_SPACE = " ".join(
    f'xmlns:{prefix}="{space}"'
    for prefix, space in (
        ("dc", words.DC),
        ("dcterms", words.DCTERMS),
        ("datacite", words.DATACITE),
        ("oaire", words.OAIRE),
        ("dcndl", words.DCNDL),
        ("rdf", words.RDF),
    )
)
_OPEN = {
    version: (
        f'<jpcoar:jpcoar xmlns:jpcoar="{space}" {_SPACE} xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        f'xsi:schemaLocation="{space} {space}jpcoar_scm.xsd">'
    )
    for version, space in words.NAMESPACES.items()
}
_CLOSE = "</jpcoar:jpcoar>"
# The schemes whose registration the harvest itself asks for; a DataCite DOI is minted before.
_ASKED_BY_HARVEST = frozenset({"JaLC", "Crossref"})


def to_jpcoar(record: PublicRecord, version: words.Version = "2.0") -> bytes:
    """The record as an XML document.

    Words that a version does not know become the nearest that it knows. Nothing is judged here: ``check`` says what the
    rules of the national aggregator find.
    """
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + jpcoar_element(record, version).encode()


def jpcoar_element(record: PublicRecord, version: words.Version = "2.0") -> str:
    """The same as an element to be set into another document."""
    parts = [_OPEN[version]]
    _who_and_what(parts, record, version)
    _when_and_where(parts, record, version)
    if version != "1.0":
        archive_parts(parts, record)
    article_parts(parts, record, version)
    parts.extend(file_part(file, version) for file in record.files)
    if record.catalog is not None and version != "1.0":
        parts.append(catalog_part(record.catalog, version))
    parts.append(_CLOSE)
    return "".join(parts)


def shown_doi(record: PublicRecord) -> str:
    """The DOI as JPCOAR shows it, or nothing: one that nobody registered is shown only where showing asks for it."""
    if record.doi and (record.is_doi_registered or record.doi_agency in _ASKED_BY_HARVEST):
        return record.doi
    return ""


def _who_and_what(parts: list[str], record: PublicRecord, version: words.Version) -> None:
    parts.append(texts("dc:title", record.titles))
    if record.alternatives:
        parts.append(texts("dcterms:alternative", record.alternatives))
    parts.extend(creator(party, version) for party in record.creators)
    parts.extend(contributor(party, version) for party in record.contributors)
    if record.access:
        parts.append(
            element("dcterms:accessRights", record.access, resource=words.ACCESS.get(record.access, ""))
        )
    if record.rights:
        parts.append(rights("dc:rights", record.rights))
    parts.extend(rights_holder(party, version) for party in record.rights_holders)
    if record.subjects:
        parts.append(subjects(record.subjects, version))
    if record.descriptions:
        parts.append(described(record.descriptions))
    parts.extend(texts("dc:publisher", publisher.names) for publisher in record.publishers)
    if version != "1.0":
        for imprint in record.imprints:
            parts += (
                "<jpcoar:publisher>",
                texts("jpcoar:publisherName", imprint.names),
                texts("jpcoar:publisherDescription", imprint.descriptions),
                texts("dcndl:location", imprint.locations),
                *(element("dcndl:publicationPlace", country) for country in imprint.countries),
                "</jpcoar:publisher>",
            )


def _when_and_where(parts: list[str], record: PublicRecord, version: words.Version) -> None:
    parts.append(dates(record.dates, version))
    if version != "1.0":
        parts.append(texts("dcterms:date", record.date_words))
    parts.extend(
        element("dc:language", three)
        for language in record.languages
        if THREE_LETTERS.match(three := to_three(language))
    )
    label, meaning = words.resource_type(record.resource_type, version)
    parts.append(element("dc:type", label, resource=record.resource_type_uri or meaning))
    if record.version:
        parts.append(element("datacite:version", record.version))
    if record.text_version:
        meaning = words.TEXT_VERSIONS.get(record.text_version, "")
        parts.append(element("oaire:version", record.text_version, resource=meaning))
    _identifiers(parts, record)
    parts.extend(_relation(relation, version) for relation in record.relations)
    parts.append(texts("dcterms:temporal", _temporal(record, version)))
    parts.extend(_place(place) for place in record.places)
    parts.extend(_funding(funding, version) for funding in record.fundings)
    parts.append(source_ids(record.source_ids, version))


def _temporal(record: PublicRecord, version: words.Version) -> tuple[Text, ...]:
    """What it covers in time; before 2.1 a date of type Coverage is said here."""
    if version == "2.1":
        return record.temporal
    covered = tuple(Text(date.value, "en") for date in record.dates if date.type == "Coverage")
    return record.temporal + covered


def _identifiers(parts: list[str], record: PublicRecord) -> None:
    doi = shown_doi(record)
    if doi:
        parts.append(
            f'<jpcoar:identifier identifierType="DOI">{address("https://doi.org/" + doi)}</jpcoar:identifier>'
        )
    parts += [
        f'<jpcoar:identifier identifierType="{identifier.scheme}">{address(identifier.value)}</jpcoar:identifier>'
        for identifier in record.identifiers
        if identifier.scheme in words.IDENTIFIER_SCHEMES
    ]
    if record.url:
        parts.append(f'<jpcoar:identifier identifierType="URI">{address(record.url)}</jpcoar:identifier>')
    if doi and record.doi_agency in _ASKED_BY_HARVEST:
        parts.append(
            f'<jpcoar:identifierRegistration identifierType="{record.doi_agency}">{escaped(doi)}'
            "</jpcoar:identifierRegistration>"
        )


def _relation(relation: Relation, version: words.Version) -> str:
    parts = [f"<jpcoar:relation{attribute('relationType', words.relation_type(relation.type, version))}>"]
    if relation.identifier:
        scheme = words.related_scheme(relation.scheme, relation.identifier, version)
        parts.append(
            f'<jpcoar:relatedIdentifier identifierType="{scheme}">{address(relation.identifier)}'
            "</jpcoar:relatedIdentifier>"
        )
    parts.append(texts("jpcoar:relatedTitle", relation.titles))
    parts.append("</jpcoar:relation>")
    return "".join(parts)


def _place(place: Place) -> str:
    parts = ["<datacite:geoLocation>"]
    if place.point is not None and is_on_earth(place.point[:1], place.point[1:]):
        parts.append(
            f"<datacite:geoLocationPoint><datacite:pointLongitude>{place.point[0]!r}</datacite:pointLongitude>"
            f"<datacite:pointLatitude>{place.point[1]!r}</datacite:pointLatitude></datacite:geoLocationPoint>"
        )
    if place.box is not None and is_on_earth(place.box[:2], place.box[2:]):
        west, east, south, north = place.box
        parts.append(
            f"<datacite:geoLocationBox><datacite:westBoundLongitude>{west!r}</datacite:westBoundLongitude>"
            f"<datacite:eastBoundLongitude>{east!r}</datacite:eastBoundLongitude>"
            f"<datacite:southBoundLatitude>{south!r}</datacite:southBoundLatitude>"
            f"<datacite:northBoundLatitude>{north!r}</datacite:northBoundLatitude></datacite:geoLocationBox>"
        )
    if place.words:
        parts.append(element("datacite:geoLocationPlace", place.words))
    parts.append("</datacite:geoLocation>")
    return "".join(parts)


def _funding(funding: Funding, version: words.Version) -> str:
    prefix = "datacite" if version == "1.0" else "jpcoar"
    parts = ["<jpcoar:fundingReference>"]
    funder = funding.funder_id
    if funder is not None and (version != "1.0" or funder.scheme in {"Crossref Funder", "GRID", "ISNI"}):
        scheme = funder.scheme if funder.scheme in words.FUNDER_SCHEMES else "Other"
        tag = f"{prefix}:funderIdentifier"
        parts.append(f'<{tag} funderIdentifierType="{scheme}">{escaped(funder.value)}</{tag}>')
    parts.append(texts("jpcoar:funderName", funding.funder_names))
    if version != "1.0":
        if funding.stream_id:
            home = "https://www.nistep.go.jp/taikei" if funding.stream_scheme == "JGN_fundingStream" else ""
            parts.append(
                f"<jpcoar:fundingStreamIdentifier{attribute('fundingStreamIdentifierType', funding.stream_scheme)}"
                f"{attribute('fundingStreamIdentifierTypeURI', home)}>{escaped(funding.stream_id)}"
                "</jpcoar:fundingStreamIdentifier>"
            )
        parts.append(texts("jpcoar:fundingStream", funding.stream_names))
    if funding.award_number:
        is_japanese = funding.award_type != "JGN" or funding.award_number.startswith("JP")
        kind = funding.award_type if version != "1.0" and is_japanese else ""
        parts.append(
            f"<{prefix}:awardNumber{linked('awardURI', funding.award_url)}{attribute('awardNumberType', kind)}>"
            f"{escaped(funding.award_number)}</{prefix}:awardNumber>"
        )
    parts.append(texts("jpcoar:awardTitle", funding.award_titles))
    parts.append("</jpcoar:fundingReference>")
    return "".join(parts)
