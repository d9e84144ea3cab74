"""Exchange with NIMS RDE: its ``metadata-def.json`` holds the same facts as our mapping.

Source: RDE structuring program guide, the file ``metadata-def.json``: name.ja and name.en, schema.type and
schema.format, unit, description, uri, order, originalName (the raw key), variable.
"""

from __future__ import annotations

import json
import re
import unicodedata
from typing import TYPE_CHECKING, Any

import yaml

from tsunagu.formats.errors import MappingError
from tsunagu.formats.mapping import units
from tsunagu.formats.mapping.model import ANY
from tsunagu.formats.mapping.parse import parse_mapping

if TYPE_CHECKING:
    from tsunagu.formats.mapping.model import Mapping, Term

_TYPES = {"string", "number", "integer", "boolean", "array"}
_FORMATS = {"date-time", "duration"}
_LONGEST = 1 << 20


def to_rde(mapping: Mapping, *, reader: str = ANY) -> dict[str, dict[str, Any]]:
    """The content of ``metadata-def.json`` for the terms that have keys of a reader (or of any).

    RDE knows one raw key for each name; of several the first is given. Terms marked personal are left out.
    """
    chosen = [
        term for term in mapping.terms if not term.is_personal and (reader in term.keys or ANY in term.keys)
    ]
    return {term.name: _definition(term, order, reader) for order, term in enumerate(chosen, 1)}


def _definition(term: Term, order: int, reader: str) -> dict[str, Any]:
    schema = {"type": "string", "format": term.type} if term.type in _FORMATS else {"type": term.type}
    made: dict[str, Any] = {"name": dict(term.label), "schema": schema, "order": order}
    if term.unit:
        made["unit"] = term.unit
    if term.description:
        made["description"] = term.description
    if term.uri:
        made["uri"] = term.uri
    keys = term.keys.get(reader) or term.keys.get(ANY, ())
    if keys:
        made["originalName"] = keys[0].text
    if term.scope == "per measurement":
        made["variable"] = 1
    return made


def from_rde(text: str, *, reader: str = ANY) -> str:
    """A mapping text from the content of ``metadata-def.json``; ready to be put in force or merged.

    Units that are not known here move into the description, so that nothing is lost.

    Raises:
        MappingError: the JSON is no such file; names the entry.
    """
    if len(text) > _LONGEST:
        raise MappingError(f"The file is longer than {_LONGEST // 1024} KiB.")
    try:
        entries = json.loads(text)
    except (ValueError, RecursionError) as error:
        line = getattr(error, "lineno", 1)
        raise MappingError(f"Line {line}: this is not JSON.", line=line) from error
    if not isinstance(entries, dict):
        raise MappingError("The file holds no list of names, which metadata-def.json has at its top.")
    terms: dict[str, Any] = {}
    for key, entry in entries.items():
        if not isinstance(entry, dict):
            raise MappingError(f"The entry '{key}' is no definition.", entry=key)
        terms[_name(key, terms)] = _entry(key, entry, reader)
    made: str = yaml.safe_dump(
        {"version": 1, "terms": terms}, allow_unicode=True, sort_keys=False, width=1000
    )
    parse_mapping(made)
    return made


def _name(key: str, taken: dict[str, Any]) -> str:
    """A name of ours: ``Measurement.Scan Speed`` becomes ``measurement_scan_speed``."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", unicodedata.normalize("NFKC", key))
    name = re.sub(r"[^a-z0-9]+", "_", spaced.lower()).strip("_")[:70]
    name = name if name[:1].isalpha() else f"key_{name}".rstrip("_")
    number, free = 2, name
    while free in taken:
        free, number = f"{name}_{number}", number + 1
    return free


def _entry(key: str, entry: dict[str, Any], reader: str) -> dict[str, Any]:
    label = entry.get("name") if isinstance(entry.get("name"), dict) else {}
    schema = entry.get("schema") if isinstance(entry.get("schema"), dict) else {}
    assert isinstance(label, dict)
    assert isinstance(schema, dict)
    kind = schema.get("format") if schema.get("format") in _FORMATS else schema.get("type", "string")
    if kind not in _TYPES | _FORMATS:
        raise MappingError(f"The entry '{key}' has the type '{kind}', which is not known.", entry=key)
    made: dict[str, Any] = {
        "label": {"ja": str(label.get("ja") or label.get("en") or key), "en": str(label.get("en") or key)},
        "type": kind,
    }
    description, unit = str(entry.get("description") or ""), str(entry.get("unit") or "")
    if unit and kind in {"number", "integer", "array"} and units.known(unit):
        made["unit"] = unit
    elif unit:
        description = f"{description} (unit: {unit})".strip()
    if description:
        made["description"] = description
    if re.match(r"^(https?|urn):\S+$", str(entry.get("uri") or "")):
        made["uri"] = str(entry["uri"])
    made["scope"] = "per measurement" if entry.get("variable") == 1 else "constant"
    made["keys"] = {reader: [str(entry.get("originalName") or key)]}
    return made
