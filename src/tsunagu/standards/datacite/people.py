"""People and organisations as DataCite writes them: one name each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tsunagu.standards.datacite import words
from tsunagu.standards.published import Party, PartyId, Text

_NOTHING = Text("")


def of_language(texts: Sequence[Text], language: str) -> Text:
    """The text in a language, else the first that is no reading."""
    for text in texts:
        if text.language == language and text.value:
            return text
    return next((text for text in texts if text.value and not text.language.startswith("ja-")), _NOTHING)


def named(party: Party, language: str) -> Text:
    """The name of a party; where only its parts are known, of these."""
    name = of_language(party.names, language)
    if name.value:
        return name
    family, given = of_language(party.family_names, language), of_language(party.given_names, language)
    parts = [part for part in (family.value, given.value) if part]
    return Text(", ".join(parts), family.language or given.language)


def creator(party: Party, language: str) -> dict[str, Any]:
    """A creator or contributor. Whether it is a person is said where the name shows it, and not guessed."""
    name = named(party, language)
    family, given = of_language(party.family_names, language), of_language(party.given_names, language)
    kind = (
        "Organizational"
        if party.is_organization
        else "Personal"
        if ", " in name.value or family.value
        else ""
    )
    row: dict[str, Any] = {"name": name.value or "(:unav)"}
    if kind:
        row["nameType"] = kind
    if name.language:
        row["lang"] = name.language
    if given.value:
        row["givenName"] = given.value
    if family.value:
        row["familyName"] = family.value
    if party.ids:
        row["nameIdentifiers"] = [_identifier(one) for one in party.ids]
    if party.affiliations:
        row["affiliation"] = [_affiliation(one, language) for one in party.affiliations]
    return row


def _identifier(party_id: PartyId) -> dict[str, str]:
    row = {"nameIdentifier": party_id.url or party_id.value, "nameIdentifierScheme": party_id.scheme}
    if party_id.scheme in words.SCHEME_HOMES:
        row["schemeUri"] = words.SCHEME_HOMES[party_id.scheme]
    return row


def _affiliation(party: Party, language: str) -> dict[str, str]:
    row = {"name": of_language(party.names, language).value}
    for party_id in party.ids[:1]:
        row["affiliationIdentifier"] = party_id.url or party_id.value
        row["affiliationIdentifierScheme"] = party_id.scheme
        if party_id.scheme in words.SCHEME_HOMES:
            row["schemeUri"] = words.SCHEME_HOMES[party_id.scheme]
    return row
