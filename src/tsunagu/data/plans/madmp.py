"""The form of a maDMP 1.2 document (RDA DMP Common Standard): looked at, read for the checks, begun for a project.

Fields that nobody here knows are never touched. Japan's own fields stand under ``jp`` on the same level.
"""

from __future__ import annotations

import datetime as dt
import fnmatch
import re
from collections.abc import Iterator, Mapping
from typing import Any

from tsunagu.data.plans.errors import BadPlanError
from tsunagu.data.plans.types import ACCESS_ORDER, PlannedDataset

_TRI = frozenset({"yes", "no", "unknown"})
_LANGUAGE = re.compile(r"[a-z]{3}\Z")
_DAY = len("2027-03-31")
_MOST_DATASETS = 2000


def check_form(document: Any) -> None:
    """Refuse what is no plan; says every place that is wrong.

    The official schema judges our exports in the tests; this is the part of it that the node relies on.

    Raises:
        BadPlanError: with ``places`` among its fields.
    """
    wrong = list(_problems(document))[:20]
    if wrong:
        raise BadPlanError(
            f"This is not a data management plan of maDMP 1.2: {'; '.join(wrong)}.", places=wrong
        )


def _problems(document: Any) -> Iterator[str]:
    dmp = document.get("dmp") if isinstance(document, dict) else None
    if not isinstance(dmp, dict):
        yield "dmp is missing"
        return
    yield from _texts(dmp, "dmp", ("title", "created", "modified", "language"))
    for name in ("created", "modified"):
        if isinstance(dmp.get(name), str) and _moment(dmp[name]) is None:
            yield f"dmp.{name} is no moment with a time zone"
    if isinstance(dmp.get("language"), str) and not _LANGUAGE.match(dmp["language"]):
        yield "dmp.language is no three-letter code (jpn, eng)"
    yield from _one_of(dmp, "dmp", "ethical_issues_exist", _TRI)
    yield from _identifier(dmp.get("dmp_id"), "dmp.dmp_id")
    yield from _contact(dmp.get("contact"))
    yield from _lists(dmp, "dmp", ("contributor", "project", "cost"))
    for number, project in enumerate(_dicts(dmp.get("project"))):
        yield from _texts(project, f"dmp.project[{number}]", ("title",))
        yield from _lists(project, f"dmp.project[{number}]", ("funding",))
    rows = dmp.get("dataset")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        yield "dmp.dataset is no list"
        return
    if len(rows) > _MOST_DATASETS:
        yield f"dmp.dataset has more than {_MOST_DATASETS} rows"
        return
    for number, row in enumerate(rows):
        yield from _dataset_problems(row, f"dmp.dataset[{number}]")


def _contact(contact: Any) -> Iterator[str]:
    if not isinstance(contact, dict):
        yield "dmp.contact is missing"
        return
    yield from _texts(contact, "dmp.contact", ("name", "mbox"))
    ids = contact.get("contact_id")
    for one in ids if isinstance(ids, list) and ids else [ids]:
        yield from _identifier(one, "dmp.contact.contact_id")


def _dataset_problems(row: dict[str, Any], at: str) -> Iterator[str]:
    yield from _texts(row, at, ("title",))
    yield from _identifier(row.get("dataset_id"), f"{at}.dataset_id")
    yield from _one_of(row, at, "personal_data", _TRI)
    yield from _one_of(row, at, "sensitive_data", _TRI)
    yield from _lists(row, at, ("distribution", "security_and_privacy", "metadata"))
    for number, place in enumerate(_dicts(row.get("distribution"))):
        here = f"{at}.distribution[{number}]"
        yield from _texts(place, here, ("title",))
        yield from _one_of(place, here, "data_access", frozenset(ACCESS_ORDER))
        size = place.get("byte_size")
        if size is not None and (isinstance(size, bool) or not isinstance(size, int) or size < 0):
            yield f"{here}.byte_size is no number of bytes"
        if not isinstance(place.get("format", []), list):
            yield f"{here}.format is no list"
        if not isinstance(place.get("host", {}), dict):
            yield f"{here}.host is no object"
        for name in ("issued", "available_until"):
            if place.get(name) is not None and day_of(place[name]) is None:
                yield f"{here}.{name} is no date"


def _texts(thing: Mapping[str, Any], at: str, names: tuple[str, ...]) -> Iterator[str]:
    for name in names:
        if not isinstance(thing.get(name), str) or not thing[name].strip():
            yield f"{at}.{name} is missing"


def _lists(thing: Mapping[str, Any], at: str, names: tuple[str, ...]) -> Iterator[str]:
    for name in names:
        rows = thing.get(name, [])
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            yield f"{at}.{name} is no list of objects"


def _one_of(thing: Mapping[str, Any], at: str, name: str, known: frozenset[str]) -> Iterator[str]:
    found = thing.get(name)
    if not isinstance(found, str) or found not in known:
        yield f"{at}.{name} is none of {', '.join(sorted(known))}"


def _identifier(thing: Any, at: str) -> Iterator[str]:
    if not isinstance(thing, dict):
        yield f"{at} is missing"
    else:
        yield from _texts(thing, at, ("identifier", "type"))


def _moment(text: str) -> dt.datetime | None:
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def day_of(text: Any) -> dt.date | None:
    """The day of a date or a moment; None where it is neither."""
    try:
        return dt.date.fromisoformat(str(text)[:_DAY])
    except ValueError:
        return None


def _dicts(rows: Any) -> list[dict[str, Any]]:
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def planned(body: Mapping[str, Any]) -> list[PlannedDataset]:
    """The rows of a plan as the checks read them."""
    return [_planned(number, row) for number, row in enumerate(_dicts(body["dmp"].get("dataset")))]


def _planned(number: int, row: Mapping[str, Any]) -> PlannedDataset:
    places = _dicts(row.get("distribution"))
    sizes = [place["byte_size"] for place in places if isinstance(place.get("byte_size"), int)]
    licences = [one for place in places for one in _dicts(place.get("license"))]
    accesses = [str(place.get("data_access", "")) for place in places]
    # The widest promise counts: a plan with a copy for members and one for all is open.
    access = max(accesses, key=lambda one: ACCESS_ORDER.get(one, -1), default="")
    days = [day_of(one.get("start_date")) for one in licences] + [day_of(p.get("issued")) for p in places]
    keeps = [day for place in places if (day := day_of(place.get("available_until")))]
    identifier = str(row.get("dataset_id", {}).get("identifier", ""))
    named = row.get("jp", {}).get("datasets") if isinstance(row.get("jp"), dict) else None
    names = [str(one) for one in named] if isinstance(named, list) else [identifier.rpartition("/")[2]]
    return PlannedDataset(
        number=number,
        title=str(row.get("title", "")),
        names=tuple(name for name in names if name),
        byte_count=max(sizes, default=None),
        formats=tuple(str(one).lower() for place in places for one in place.get("format", [])),
        access=access if access in ACCESS_ORDER else "",
        opens_on=min((day for day in days if day), default=None),
        licence=next((str(one["license_ref"]) for one in licences if one.get("license_ref")), ""),
        keep_until=max(keeps, default=None),
        keeps=bool(keeps or row.get("preservation_statement")),
        personal=str(row.get("personal_data", "unknown")),
        sensitive=str(row.get("sensitive_data", "unknown")),
        hosts=tuple(
            str(place["host"].get("url", "")) for place in places if isinstance(place.get("host"), dict)
        ),
    )


def row_for(rows: list[PlannedDataset], name: str) -> PlannedDataset | None:
    """The planned row that a dataset of this name belongs to; an exact name goes before a pattern."""
    exact = [row for row in rows if name in row.names]
    like = [row for row in rows if any(fnmatch.fnmatchcase(name, pattern) for pattern in row.names)]
    return next(iter(exact or like), None)


def ends_on(body: Mapping[str, Any]) -> dt.date | None:
    """The last day of the project, as far as the plan says."""
    ends = [day for one in _dicts(body["dmp"].get("project")) if (day := day_of(one.get("end")))]
    return max(ends, default=None)


def modified_on(body: Mapping[str, Any]) -> dt.date | None:
    """The day on which the plan was last changed."""
    return day_of(body["dmp"].get("modified"))
