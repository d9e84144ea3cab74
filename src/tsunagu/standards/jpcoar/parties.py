"""People and organisations in a JPCOAR record."""

from __future__ import annotations

from collections.abc import Iterable

from tsunagu.standards.jpcoar import words
from tsunagu.standards.jpcoar.pieces import attribute, lang, linked, texts
from tsunagu.standards.published import Party, PartyId
from tsunagu.standards.xml import escaped


def creator(party: Party, version: words.Version) -> str:
    """Who made it."""
    did = attribute("creatorType", party.role) if version != "1.0" else ""
    return f"<jpcoar:creator{did}>{_inside(party, 'creator', version)}</jpcoar:creator>"


def contributor(party: Party, version: words.Version) -> str:
    """Who helped."""
    role = attribute("contributorType", words.contributor_type(party.role, version))
    return f"<jpcoar:contributor{role}>{_inside(party, 'contributor', version)}</jpcoar:contributor>"


def rights_holder(party: Party, version: words.Version) -> str:
    """Who holds the rights. The schema has no name type here."""
    inside = name_ids(party.ids, version) + texts("jpcoar:rightsHolderName", party.names)
    return f"<jpcoar:rightsHolder>{inside}</jpcoar:rightsHolder>"


def grantor(party: Party, version: words.Version) -> str:
    """Who granted a degree."""
    inside = name_ids(party.ids, version) + texts("jpcoar:degreeGrantorName", party.names)
    return f"<jpcoar:degreeGrantor>{inside}</jpcoar:degreeGrantor>"


def name_ids(ids: Iterable[PartyId], version: words.Version, tag: str = "jpcoar:nameIdentifier") -> str:
    """Identifiers of schemes that the schema knows."""
    parts = []
    for party_id in ids:
        scheme = (
            words.name_scheme(party_id.scheme, version)
            if tag == "jpcoar:nameIdentifier"
            else party_id.scheme
            if party_id.scheme in words.HOLDING_SCHEMES
            else ""
        )
        if scheme:
            parts.append(
                f'<{tag} nameIdentifierScheme="{scheme}"{linked("nameIdentifierURI", party_id.url)}>'
                f"{escaped(party_id.value)}</{tag}>"
            )
    return "".join(parts)


def _inside(party: Party, kind: str, version: words.Version) -> str:
    is_typed = party.is_organization and version != "1.0"
    name_type = ' nameType="Organizational"' if is_typed else ""
    tag = f"jpcoar:{kind}Name"
    parts = [name_ids(party.ids, version)] if party.ids else []
    parts += [f"<{tag}{lang(name.language)}{name_type}>{escaped(name.value)}</{tag}>" for name in party.names]
    if party.family_names:
        parts.append(texts("jpcoar:familyName", party.family_names))
    if party.given_names:
        parts.append(texts("jpcoar:givenName", party.given_names))
    if party.alternatives:
        parts.append(texts(f"jpcoar:{kind}Alternative", party.alternatives))
    for affiliation in party.affiliations:
        parts.append(
            f"<jpcoar:affiliation>{name_ids(affiliation.ids, version)}"
            f"{texts('jpcoar:affiliationName', affiliation.names)}</jpcoar:affiliation>"
        )
    return "".join(parts)
