"""The Japanese common metadata items of publicly funded research data, prefilled.

Source: 公的資金による研究データの共通メタデータ (the national principles of 2021-04-27), as GakuNin RDM implements
them. They stand under ``jp.common`` of the plan and of each row; what somebody wrote there is never replaced.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

from tsunagu.data.datasets.api import DatasetCard, ProjectCard
from tsunagu.data.plans import madmp
from tsunagu.foundation.identity.api import PersonCard

# The access right of the items in words of JPCOAR: 公開, 共有, 非共有・非公開, 公開期間猶予.
_RIGHTS = {"open": "open access", "shared": "restricted access", "closed": "metadata only access"}
_UNITS = ((1_000_000_000_000, "TB"), (1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB"))


def prefilled(
    body: Mapping[str, Any], project: ProjectCard, cards: Sequence[DatasetCard], owner: PersonCard | None
) -> dict[str, Any]:
    """A copy of the plan with the common items filled where they were empty."""
    filled: dict[str, Any] = deepcopy(dict(body))
    dmp = filled["dmp"]
    _fill(dmp, _of_project(dmp, project))
    rows = madmp.planned(body)
    by_row: dict[int, list[DatasetCard]] = {}
    for card in cards:
        if (row := madmp.row_for(rows, card.name)) is not None:
            by_row.setdefault(row.number, []).append(card)
    for number, row in enumerate(dmp["dataset"]):
        _fill(row, _of_dataset(dmp, row, number, by_row.get(number, []), rows[number], owner))
    return filled


def _fill(thing: dict[str, Any], items: dict[str, Any]) -> None:
    own = thing.get("jp") if isinstance(thing.get("jp"), dict) else {}
    kept = own.get("common") if isinstance(own, dict) and isinstance(own.get("common"), dict) else {}
    known = {key: value for key, value in items.items() if value not in ("", None, [], {})}
    thing["jp"] = {**(own or {}), "common": {**known, **(kept or {})}}


def _of_project(dmp: Mapping[str, Any], project: ProjectCard) -> dict[str, Any]:
    homes = dmp.get("project") or [{}]
    fundings = homes[0].get("funding") if isinstance(homes[0].get("funding"), list) else []
    funding = fundings[0] if fundings and isinstance(fundings[0], dict) else {}
    grant = funding.get("grant_id") if isinstance(funding.get("grant_id"), dict) else {}
    return {
        "funder": (funding.get("funder_id") or {}).get("identifier", ""),
        "funder_name": funding.get("funder_name", ""),
        "award_number": (grant or {}).get("identifier", ""),
        "project_title": homes[0].get("title") or project.title or project.name,
    }


def _of_dataset(
    dmp: Mapping[str, Any],
    row: Mapping[str, Any],
    number: int,
    cards: Sequence[DatasetCard],
    planned: Any,
    owner: PersonCard | None,
) -> dict[str, Any]:
    described = cards[0].described if cards else {}
    creators = _value(described, "creators") or [
        one.get("name", "") for one in row.get("creator", []) if isinstance(one, dict)
    ]
    size = planned.byte_count if planned.byte_count is not None else sum(card.byte_count for card in cards)
    contact = dmp.get("contact") or {}
    embargo = planned.opens_on if planned.access != "closed" else None
    return {
        "data_number": number + 1,
        "title": row.get("title", ""),
        "description": row.get("description") or _value(described, "description"),
        "data_type": row.get("type", ""),
        "size": _size(size),
        "access_right": _RIGHTS.get(planned.access, ""),
        "available_from": embargo.isoformat() if embargo else "",
        "licence": planned.licence or _value(described, "licence"),
        "creators": creators,
        "manager": owner.name if owner else contact.get("name", ""),
        "contact": contact.get("mbox", ""),
        "hosting_institution": _value(described, "institution"),
        "repository": next((host for host in planned.hosts if host), ""),
        "datasets": [card.slug for card in cards],
        "metadata_access_right": "open access" if planned.access in {"open", "shared"} else "",
    }


def _value(described: Mapping[str, Any], name: str) -> Any:
    found = described.get(name)
    return found.get("value", "") if isinstance(found, dict) else ""


def _size(byte_count: int) -> str:
    if not byte_count:
        return ""
    unit = next(((size, name) for size, name in _UNITS if byte_count >= size), (1, "B"))
    return f"{byte_count / unit[0]:.3g}{unit[1]}"
