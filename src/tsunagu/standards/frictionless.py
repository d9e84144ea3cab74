"""Frictionless Data Package 2.0.

Sources: https://datapackage.org/standard/data-package/, data-resource, table-schema and table-dialect beside it.
"""

from __future__ import annotations

import re
from typing import Any

from tsunagu.standards.model import Agent, Column, FileEntry, Record, Table, TextLayout
from tsunagu.standards.naming import names_of

_PROFILES = "https://datapackage.org/profiles/2.0"
_TYPES = {
    "number": "number",
    "integer": "integer",
    "text": "string",
    "time": "datetime",
    "boolean": "boolean",
}
_UNSAFE = re.compile(r"[^a-z0-9.-]+")
# The Open Definition's name for terms that it does not know; the standard takes its names or an address.
_NO_LICENCE = "notspecified"


def to_data_package(record: Record) -> dict[str, Any]:
    """The descriptor of a frozen version: each file is a resource, and a table where its columns are known."""
    names = names_of([one.path for one in record.files], _UNSAFE, is_lower=True)
    package: dict[str, Any] = {
        "$schema": f"{_PROFILES}/datapackage.json",
        "name": record.slug.lower(),
        "id": record.id,
        "title": record.name,
        "description": record.description or record.name,
        "homepage": record.id,
        "version": str(record.version),
        "created": record.published_at,
        "licenses": [_licence(record)],
        "contributors": [
            *(_contributor(one, "creator") for one in record.creators),
            _contributor(record.publisher, "publisher"),
        ],
        "resources": [_resource(one, names[one.path]) for one in record.files],
    }
    if record.keywords:
        package["keywords"] = list(record.keywords)
    sources = [{"title": one.name, "path": one.url} for one in record.sources if one.url]
    if sources:
        package["sources"] = sources
    return package


def _licence(record: Record) -> dict[str, str]:
    if not record.licence_url:
        return {"name": _NO_LICENCE, "title": record.licence}
    return {"path": record.licence_url, "title": record.licence}


def _contributor(agent: Agent, role: str) -> dict[str, Any]:
    return {"title": agent.name, "roles": [role], **({"path": agent.id} if agent.id else {})}


def _resource(file: FileEntry, name: str) -> dict[str, Any]:
    resource: dict[str, Any] = {
        "name": name,
        "title": file.path,
        "path": file.url,
        "format": file.path.rpartition(".")[2].lower() if "." in file.path else "",
        "mediatype": file.media_type,
        "bytes": file.byte_count,
        "hash": f"sha256:{file.sha256}",
    }
    if not resource["format"]:
        del resource["format"]
    if file.table is not None and file.table.columns:
        # ``type`` is the word of 2.0; programs made for 1.0 look for the profile.
        resource |= {"type": "table", "profile": "tabular-data-resource", "schema": _schema(file.table)}
        if file.table.layout is not None:
            resource |= {"encoding": file.table.layout.encoding, "dialect": _dialect(file.table.layout)}
    return resource


def _schema(table: Table) -> dict[str, Any]:
    schema: dict[str, Any] = {"fields": [_field(one, table.layout) for one in table.columns]}
    if table.layout is not None:
        schema["missingValues"] = list(table.layout.null_words)
    return schema


def _field(column: Column, layout: TextLayout | None) -> dict[str, Any]:
    kind = _TYPES.get(column.type, "any")
    # Which of its many forms a time in a text has is not recorded, and day and month must not change places.
    field: dict[str, Any] = {"name": column.name, "type": "any" if layout and kind == "datetime" else kind}
    if column.description:
        field["description"] = column.description
    if column.unit:
        field["unit"] = column.unit
    if layout and layout.decimal_sign != "." and kind == "number":
        field["decimalChar"] = layout.decimal_sign
    return field


def _dialect(layout: TextLayout) -> dict[str, Any]:
    """The lines above the data are passed over, the one with names too: the schema has them without units."""
    dialect: dict[str, Any] = {"delimiter": layout.delimiter, "header": False}
    if layout.skipped_lines:
        dialect["commentRows"] = list(range(1, layout.skipped_lines + 1))
    return dialect
