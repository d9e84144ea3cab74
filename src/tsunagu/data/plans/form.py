"""The main fields of a plan for people who write no JSON: read from a document, written back into it.

What a form does not show stays as it is. Of a row it shows the first distribution; further ones are left alone.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Literal

from tsunagu.core import clock
from tsunagu.core.errors import InvalidInputError
from tsunagu.core.ids import new_id
from tsunagu.data.plans import madmp
from tsunagu.data.plans.types import ACCESS_ORDER

_UNITS = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12, "pb": 10**15}
_SIZE = re.compile(r"([0-9]+(?:[.][0-9]+)?) *([kmgtp]?b?)\Z", re.IGNORECASE)
_OPENS = "data_opens"  # stands in two places of the standard: _write_opening
TRI = ("unknown", "no", "yes")


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the form.

    Attributes:
        name: As templates and the form's inputs call it.
        path: Where it stands, from the plan or from its row; numbers are places in lists.
        kind: How people write it.
    """

    name: str
    path: tuple[str | int, ...]
    kind: Literal["text", "long", "mail", "date", "size", "list", "tri", "access", "url"] = "text"


PLAN_FIELDS = (
    Field("title", ("title",)),
    Field("description", ("description",), "long"),
    Field("contact_name", ("contact", "name")),
    Field("contact_mail", ("contact", "mbox"), "mail"),
    Field("contact_id", ("contact", "contact_id", "identifier")),
    Field("project_title", ("project", 0, "title")),
    Field("project_end", ("project", 0, "end"), "date"),
    Field("funder_name", ("project", 0, "funding", 0, "jp", "funder_name")),
    Field("funder", ("project", 0, "funding", 0, "funder_id", "identifier"), "url"),
    Field("grant", ("project", 0, "funding", 0, "grant_id", "identifier")),
    Field("erad", ("project", 0, "project_id", 0, "identifier")),
    Field("ethics", ("ethical_issues_exist",), "tri"),
)
_FIRST = ("distribution", 0)
DATA_FIELDS = (
    Field("data_title", ("title",)),
    Field("data_description", ("description",), "long"),
    Field("data_names", ("jp", "datasets"), "list"),
    Field("data_size", (*_FIRST, "byte_size"), "size"),
    Field("data_formats", (*_FIRST, "format"), "list"),
    Field("data_access", (*_FIRST, "data_access"), "access"),
    Field("data_licence", (*_FIRST, "license", 0, "license_ref"), "url"),
    Field("data_opens", (*_FIRST, "issued"), "date"),
    Field("data_personal", ("personal_data",), "tri"),
    Field("data_sensitive", ("sensitive_data",), "tri"),
    Field("data_host", (*_FIRST, "host", "title")),
    Field("data_host_url", (*_FIRST, "host", "url"), "url"),
    Field("data_keep", (*_FIRST, "available_until"), "date"),
    Field("data_security", ("security_and_privacy", 0, "title"), "long"),
)


def read(body: Mapping[str, Any]) -> tuple[dict[str, str], list[dict[str, str]]]:
    """What the form shows: the plan's own fields, and one set for each row."""
    dmp = body["dmp"]
    rows = [_read(row, DATA_FIELDS) for row in dmp.get("dataset", [])]
    for shown, row in zip(rows, madmp.planned(body), strict=True):
        shown["data_opens"] = row.opens_on.isoformat() if row.opens_on else ""
    return _read(dmp, PLAN_FIELDS), rows


def _read(thing: Any, fields: tuple[Field, ...]) -> dict[str, str]:
    return {one.name: _shown(one, _get(thing, one.path)) for one in fields}


def _shown(field: Field, value: Any) -> str:
    if value is None or value == "":
        return "unknown" if field.kind == "tri" else ""
    if field.kind == "list":
        return ", ".join(str(one) for one in value) if isinstance(value, list) else str(value)
    if field.kind == "size":
        return _size_text(int(value))
    if field.kind == "date":
        day = madmp.day_of(value)
        return day.isoformat() if day else ""
    return str(value)


def _size_text(count: int) -> str:
    for unit in ("PB", "TB", "GB", "MB", "kB"):
        size = _UNITS[unit.lower()]
        if count >= size and count * 1000 % size == 0:
            return f"{count / size:g} {unit}"
    return f"{count} B"


def write(
    body: Mapping[str, Any], plan: Mapping[str, str], rows: Sequence[Mapping[str, str]]
) -> dict[str, Any]:
    """A copy of the document with what the form says; the caller keeps it with ``write_plan``.

    Args:
        body: The document that the form was made from.
        plan: The plan's own fields, by name; fields that are missing stay as they are.
        rows: A set for each row, in order; one more than the document has adds a row, and a row whose title and names
            are both empty is taken out.

    Raises:
        InvalidInputError: a size or a date cannot be read.
    """
    made = deepcopy(dict(body))
    dmp = made["dmp"]
    _write(dmp, PLAN_FIELDS, plan)
    _complete_plan(dmp)
    kept = []
    for number, said in enumerate(rows):
        old = dmp["dataset"][number] if number < len(dmp["dataset"]) else {}
        if not said.get("data_title", "").strip() and not said.get("data_names", "").strip():
            continue
        _write(old, DATA_FIELDS, said)
        _write_opening(old, said)
        _complete_row(old, said)
        kept.append(old)
    dmp["dataset"] = kept + dmp["dataset"][len(rows) :]
    dmp["modified"] = clock.isoformat(clock.now())
    return made


def _write(thing: dict[str, Any], fields: tuple[Field, ...], said: Mapping[str, str]) -> None:
    for one in fields:
        if one.name not in said or one.name == _OPENS:
            continue
        value = _value(one, said[one.name].strip())
        if _shown(one, _get(thing, one.path)) != _shown(one, value):
            _set(thing, one.path, value)


def _value(field: Field, text: str) -> Any:
    if field.kind == "tri":
        return text if text in TRI else "unknown"
    if not text:
        return None
    if field.kind == "list":
        return [one.strip() for one in re.split("[,、\n]", text) if one.strip()]
    if field.kind == "size":
        found = _SIZE.match(text)
        if not found:
            raise InvalidInputError(f"{text!r} is no size.", remedy="Write a size as 500 GB.")
        unit = found[2].lower()
        return int(float(found[1]) * _UNITS[unit if unit in _UNITS else f"{unit}b"])
    if field.kind == "date" and (len(text) != len("2027-03-31") or madmp.day_of(text) is None):
        raise InvalidInputError(f"{text!r} is no date.", remedy="Write a date as 2027-03-31.")
    if field.kind == "access" and text not in ACCESS_ORDER:
        raise InvalidInputError(f"{text!r} is no access.", remedy="Choose open, shared or closed.")
    return text


def _complete_plan(dmp: dict[str, Any]) -> None:
    """What the standard demands around a field that a person filled in."""
    contact = dmp.setdefault("contact", {})
    ids = contact.get("contact_id")
    if isinstance(ids, dict) and ids.get("identifier"):
        ids.setdefault(
            "type", "orcid" if re.fullmatch(r"(\d{4}-){3}\d{3}[\dX]", ids["identifier"]) else "other"
        )
    elif not ids:
        contact["contact_id"] = {"identifier": f"urn:tsunagu:contact:{new_id()}", "type": "other"}
    for project in dmp.get("project", []):
        for funding in project.get("funding", []):
            funder = funding.setdefault("funder_id", {})
            funder.setdefault("identifier", "")
            is_ror = str(funder["identifier"]).startswith("https://ror.org/")
            funder.setdefault("type", "ror" if is_ror else "other")
            if isinstance(funding.get("grant_id"), dict):
                funding["grant_id"].setdefault("type", "JGN")
        for one in project.get("project_id", []):
            if isinstance(one, dict):
                one.setdefault("type", "e-Rad")


def _complete_row(row: dict[str, Any], said: Mapping[str, str]) -> None:
    title = row.get("title") or said.get("data_names", "").strip() or "-"
    row["title"] = title
    row.setdefault("dataset_id", {"identifier": f"urn:tsunagu:data:{new_id()}", "type": "other"})
    for name in ("personal_data", "sensitive_data"):
        row.setdefault(name, "unknown")
    for place in row.get("distribution", [])[:1]:
        place.setdefault("title", title)
        place.setdefault("data_access", "closed")
        if host := place.get("host"):
            host.setdefault("title", host.get("url", ""))
            host.setdefault("url", "")
        today = clock.now().date().isoformat()
        for one in place.get("license", []):
            one.setdefault("start_date", today)


def _write_opening(row: dict[str, Any], said: Mapping[str, str]) -> None:
    """The day on which the data open: in the standard the beginning of the licence, or else the day of issue."""
    before = madmp.planned({"dmp": {"dataset": [row]}})[0].opens_on
    field = next(one for one in DATA_FIELDS if one.name == _OPENS)
    day = _value(field, said.get(_OPENS, "").strip())
    if _OPENS not in said or day == (before.isoformat() if before else None):
        return
    _set(row, field.path, day)
    for place in row.get("distribution", [])[:1]:
        for one in place.get("license", []):
            one["start_date"] = day or clock.now().date().isoformat()


def _get(thing: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        if isinstance(step, int):
            thing = thing[step] if isinstance(thing, list) and step < len(thing) else None
            continue
        # The standard takes one identifier or a list of them; the form shows the first.
        holder = thing[0] if isinstance(thing, list) and thing else thing
        thing = holder.get(step) if isinstance(holder, dict) else None
    return thing


def _set(thing: Any, path: tuple[str | int, ...], value: Any) -> None:
    """Put a value at a path, making what is missing on the way; None takes it away, with lists left empty."""
    for step, following in itertools.pairwise(path):
        if isinstance(step, int):
            if not thing:
                if value is None:
                    return
                thing.append([] if isinstance(following, int) else {})
            thing = thing[step]
            continue
        if not isinstance(thing.get(step), dict | list):
            if value is None:
                return
            thing[step] = [] if isinstance(following, int) else {}
        thing = thing[step]
        if isinstance(thing, list) and not isinstance(following, int):
            if not thing:
                thing.append({})
            thing = thing[0]
    if value is None:
        thing.pop(path[-1], None)
    else:
        thing[path[-1]] = value
