"""schema.org Dataset, as search engines read it.

Sources: https://schema.org/Dataset; https://developers.google.com/search/docs/appearance/structured-data/dataset.
"""

from __future__ import annotations

from typing import Any

from tsunagu.standards.model import Agent, Record

CONTEXT = "https://schema.org/"
_LEAST_DESCRIPTION, _MOST_DESCRIPTION = 50, 5000  # characters; Google passes over others


def to_schema_org(record: Record, *, documents: tuple[tuple[str, str], ...] = ()) -> dict[str, Any]:
    """The description of a frozen version.

    Args:
        record: The version.
        documents: Address and media type of other documents that describe it.
    """
    document: dict[str, Any] = {
        "@context": CONTEXT,
        "@type": "Dataset",
        "@id": record.id,
        "url": record.id,
        "name": record.name,
        "description": _description(record),
        "identifier": f"sha256:{record.version_hash}",
        "version": str(record.version),
        "datePublished": record.published_at,
        "license": record.licence_url or {"@type": "CreativeWork", "name": record.licence},
        "isAccessibleForFree": record.is_free,
        "conditionsOfAccess": record.conditions,
        "creator": [_agent(one) for one in record.creators or (record.publisher,)],
        "publisher": _agent(record.publisher),
        "includedInDataCatalog": {
            "@type": "DataCatalog",
            "name": record.publisher.name,
            "url": record.publisher.id,
        },
        "distribution": [
            {
                "@type": "DataDownload",
                "name": one.path,
                "contentUrl": one.url,
                "encodingFormat": one.media_type,
                "contentSize": f"{one.byte_count} B",
                "sha256": one.sha256,
            }
            for one in record.files
        ],
    }
    said = {
        "alternateName": record.other_name,
        "keywords": list(record.keywords),
        "dateCreated": record.created_at,
        "variableMeasured": _variables(record),
        "isBasedOn": [
            {"@type": "Dataset", "@id": one.url, "name": one.name} for one in record.sources if one.url
        ],
        "subjectOf": [
            {"@type": "DigitalDocument", "url": url, "encodingFormat": media_type}
            for url, media_type in documents
        ],
    }
    return document | {name: value for name, value in said.items() if value}


def _description(record: Record) -> str:
    text = record.description or record.name
    if len(text) < _LEAST_DESCRIPTION:
        text = f"{text} (version {record.version} of the dataset {record.slug}, published by {record.publisher.name})"
    return text[:_MOST_DESCRIPTION]


def _agent(agent: Agent) -> dict[str, Any]:
    if agent.kind == "Organization":
        return {"@type": "Organization", "@id": agent.id, "name": agent.name, "url": agent.id}
    return {
        "@type": "Person",
        "name": agent.name,
        **({"@id": agent.id, "sameAs": agent.id} if agent.id else {}),
    }


def _variables(record: Record) -> list[dict[str, Any]]:
    """Columns of all tables, each name with its unit once."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for table in (one.table for one in record.files if one.table is not None):
        for column in table.columns:
            variable = {"@type": "PropertyValue", "name": column.name}
            if column.unit:
                variable["unitText"] = column.unit
            if column.description:
                variable["description"] = column.description
            found.setdefault((column.name, column.unit), variable)
    return list(found.values())
