"""A thing as JSON-LD, in the words of schema.org, PROV and DataCite.

Sources: https://schema.org; https://www.w3.org/TR/prov-o/; https://purl.org/spar/datacite (relation types as DataCite has them).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tsunagu.data.graph.types import Card, Thing

_SCHEMA, _PROV, _DATACITE = (
    "https://schema.org/",
    "http://www.w3.org/ns/prov#",
    "https://purl.org/datacite/v4.6/",
)
_SCHEMA_WORDS = ("affiliation", "contributor", "copyrightHolder", "creator", "funder", "funding", "publisher")
_PROV_WORDS = ("used", "wasAssociatedWith", "wasGeneratedBy")
_TYPES = {
    "article": "ScholarlyArticle",
    "data": "Dataset",
    "software": "SoftwareSourceCode",
    "project": "ResearchProject",
    "person": "Person",
    "institution": "Organization",
    "instrument": "prov:Agent",
    "grant": "Grant",
    "run": "prov:Activity",
    "work": "CreativeWork",
}
CONTEXT: dict[str, Any] = {
    "@vocab": _SCHEMA,
    "schema": _SCHEMA,
    "prov": _PROV,
    "datacite": _DATACITE,
    "sameAs": {"@id": "schema:sameAs", "@type": "@id"},
    "url": {"@id": "schema:url", "@type": "@id"},
    "isPartOf": "schema:isPartOf",
}


def to_json_ld(thing: Thing, address: Callable[[str], str]) -> dict[str, Any]:
    """A thing with the first of its neighbours.

    Args:
        thing: The thing.
        address: The address of a thing by its uid.
    """
    made: dict[str, Any] = {"@context": CONTEXT, **_node(thing.card, address)}
    reverse: dict[str, list[dict[str, Any]]] = {}
    for group in thing.groups:
        nodes = [_node(one.card, address) for one in group.neighbours]
        if group.is_from:
            made[word_of(group.relation)] = nodes
        else:
            reverse[word_of(group.relation)] = nodes
    if reverse:
        made["@reverse"] = reverse
    return made


def word_of(relation: str) -> str:
    """A relation as the context knows it."""
    if relation in _SCHEMA_WORDS or relation == "isPartOf":
        return f"schema:{relation}"
    if relation in _PROV_WORDS:
        return f"prov:{relation}"
    return f"datacite:{relation[:1].upper()}{relation[1:]}"


def _node(card: Card, address: Callable[[str], str]) -> dict[str, Any]:
    names = [
        {"@value": one.text, "@language": one.language} if one.language else one.text for one in card.names
    ]
    node: dict[str, Any] = {"@id": address(card.uid), "@type": _TYPES[card.kind], "url": address(card.uid)}
    if names:
        node["name"] = names
    same = [one.url for one in card.identifiers if one.url]
    if same:
        node["sameAs"] = same
    if card.identifiers:
        node["identifier"] = [
            {"@type": "PropertyValue", "propertyID": one.scheme, "value": one.value}
            for one in card.identifiers
        ]
    return node
