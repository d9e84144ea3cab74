"""MLCommons Croissant 1.1.

Source: https://docs.mlcommons.org/croissant/docs/croissant-spec-1.1.html; what its reference tool demands beyond:
mlcroissant 1.1.1 (exactly one hash, an encoding format and a content URL for each FileObject).
"""

from __future__ import annotations

import re
from typing import Any

from tsunagu.standards.model import Agent, ArrayEntry, FileEntry, Record, Store
from tsunagu.standards.naming import names_of

CONFORMS_TO = "http://mlcommons.org/croissant/1.1"
# Both the specification's words and those of the tool, so that either reads the document whole.
CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "containedIn": "cr:containedIn",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "prov": "http://www.w3.org/ns/prov#",
    "odrl": "http://www.w3.org/ns/odrl/2/",
    "tsunagu": "urn:tsunagu:ai-use:",
    "annotation": "cr:annotation",
    "arrayShape": "cr:arrayShape",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "excludes": "cr:excludes",
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isArray": "cr:isArray",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "readLines": "cr:readLines",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "sdVersion": "cr:sdVersion",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
    "unArchive": "cr:unArchive",
    "value": "cr:value",
}
_TYPES = {
    "number": "sc:Float",
    "integer": "sc:Integer",
    "text": "sc:Text",
    "time": "sc:DateTime",
    "boolean": "sc:Boolean",
    "binary": "sc:ImageObject",
    "numbers": "sc:Float",
}
_MOST_ARRAYS = 50
_UNSAFE = re.compile(r"[^\w.-]+")


def to_croissant(record: Record) -> dict[str, Any]:
    """The description of a frozen version.

    A file whose columns are known is a RecordSet of its own; a FileSet of tables would load no rows in the tool. Arrays
    are FileSets without records: the tool reads no Zarr (mlcommons/croissant issue 869), so the words say how to open them.
    """
    ids = names_of([*(one.path for one in record.files), *(one.path for one in record.stores)], _UNSAFE)
    document: dict[str, Any] = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "@id": record.id,
        "conformsTo": [CONFORMS_TO, "http://mlcommons.org/croissant/RAI/1.0"],
        "name": record.name,
        "description": record.description or record.name,
        "license": record.licence_url or record.licence,
        "url": record.id,
        "creator": [_agent(one) for one in record.creators or (record.publisher,)],
        "publisher": _agent(record.publisher),
        "datePublished": record.published_at[:10],
        # A version never changes and the next one may remove files, so only the first number counts.
        "version": f"{record.version}.0.0",
        "isLiveDataset": False,
        "citeAs": f"{_names(record)} ({record.published_at[:4]}): {record.name}, v{record.version}. {record.id}",
        "identifier": f"sha256:{record.version_hash}",
        "distribution": [
            *(_file(one, ids[one.path]) for one in record.files),
            *(_store(one, ids[one.path]) for one in record.stores),
        ],
        "recordSet": [_rows(one, ids[one.path]) for one in record.files if _has_rows(one)],
    }
    if record.other_name:
        document["alternateName"] = record.other_name
    if record.keywords:
        document["keywords"] = list(record.keywords)
    if record.created_at:
        document["dateCreated"] = record.created_at[:10]
    if record.terms:
        document["usageInfo"] = list(record.terms)
    if record.personal:
        document["rai:personalSensitiveInformation"] = record.personal
    sources = [{"@id": one.url, "sc:name": one.name} for one in record.sources if one.url]
    if sources:
        document["prov:wasDerivedFrom"] = sources
    return document


def _names(record: Record) -> str:
    return "; ".join(one.name for one in record.creators) or record.publisher.name


def _agent(agent: Agent) -> dict[str, Any]:
    kind = "sc:Organization" if agent.kind == "Organization" else "sc:Person"
    return {"@type": kind, "name": agent.name, **({"@id": agent.id} if agent.id else {})}


def _file(file: FileEntry, name: str) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": name,
        "name": file.path,
        "contentUrl": file.url,
        "contentSize": f"{file.byte_count} B",
        "encodingFormat": file.media_type,
        "sha256": file.sha256,
    }


def _store(store: Store, name: str) -> dict[str, Any]:
    arrays = [_array(one) for one in store.arrays[:_MOST_ARRAYS]]
    more = len(store.arrays) - len(arrays)
    if more:
        arrays.append(f"{more} more")
    words = f'A group of Zarr v3; open it with zarr.open("{store.path}"), not by records.'
    return {
        "@type": "cr:FileSet",
        "@id": name,
        "name": store.path,
        "description": f"{words} Arrays: {'; '.join(arrays)}." if arrays else words,
        "encodingFormat": store.media_type,
        "includes": f"{store.path}/**",
    }


def _array(array: ArrayEntry) -> str:
    axes = ", ".join(f"{name} {size}" for name, size in array.dimensions)
    said = " ".join(filter(None, [array.type, f"in {array.unit}" if array.unit else "", array.description]))
    return f"{array.name} ({axes}) {said}"


def _has_rows(file: FileEntry) -> bool:
    # The tool finds columns by the names in the file, and those of a text may hold units or stand below other lines.
    return file.table is not None and bool(file.table.columns) and file.table.layout is None


def _rows(file: FileEntry, name: str) -> dict[str, Any]:
    assert file.table is not None
    rows = f"{name}_rows"
    fields = []
    for column in file.table.columns:
        said = " ".join(filter(None, [column.description, f"Unit: {column.unit}." if column.unit else ""]))
        fields.append(
            {
                "@type": "cr:Field",
                "@id": f"{rows}/{column.name}",
                "name": column.name,
                "dataType": _TYPES.get(column.type, "sc:Text"),
                "source": {"fileObject": {"@id": name}, "extract": {"column": column.name}},
                **({"isArray": True, "arrayShape": "-1"} if column.type == "numbers" else {}),
                **({"description": said} if said else {}),
            }
        )
    return {"@type": "cr:RecordSet", "@id": rows, "name": rows, "description": file.path, "field": fields}
