"""The data base that a record of a digital archive stands in."""

from __future__ import annotations

from tsunagu.standards.jpcoar import words
from tsunagu.standards.jpcoar.parties import contributor
from tsunagu.standards.jpcoar.pieces import described, element, file_part, rights, subjects, texts
from tsunagu.standards.published import Catalog
from tsunagu.standards.xml import address


def catalog_part(catalog: Catalog, version: words.Version) -> str:
    """The element ``catalog``."""
    parts = ["<jpcoar:catalog>", *(contributor(party, version) for party in catalog.contributors)]
    parts += [
        f'<jpcoar:identifier identifierType="{identifier.scheme}">{address(identifier.value)}</jpcoar:identifier>'
        for identifier in catalog.identifiers
        if identifier.scheme in words.IDENTIFIER_SCHEMES
    ]
    parts += [
        texts("dc:title", catalog.titles),
        described(catalog.descriptions),
        subjects(catalog.subjects, version),
        rights("jpcoar:license", catalog.licences),
        rights("dc:rights", catalog.rights),
    ]
    if catalog.access:
        parts.append(
            element("dcterms:accessRights", catalog.access, resource=words.ACCESS.get(catalog.access, ""))
        )
    if catalog.file is not None:
        parts.append(file_part(catalog.file, version))
    parts.append("</jpcoar:catalog>")
    return "".join(parts)
