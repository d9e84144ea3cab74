"""What the plan and the institution say already: proposals that a person accepts value by value."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tsunagu.data.common_items.items import SLOTS, fits
from tsunagu.data.common_items.types import Proposed
from tsunagu.data.datasets import api as datasets
from tsunagu.data.plans import api as plans
from tsunagu.data.publication import api as publication
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy
from tsunagu.standards import api as standards

_ERAD = re.compile(r"\d{8}")
_KAKENHI = re.compile(r"\d{2}[A-Z]{1,2}\d{4,5}")


def proposals(actor: Actor, card: datasets.DatasetCard) -> dict[str, Proposed]:
    """Values by name that may be accepted. The plan speaks first, and only to those who may see it."""
    found: dict[str, Proposed] = {}
    project = policy.Resource("project", card.project_id)
    plan = plans.find_plan(card.project_id) if policy.decide(actor, "project.read", project) else None
    if plan is not None:
        source = f"{plan.title} ({plan.number})"
        for name, value in _of_plan(plan.body["dmp"], plans.row_for(plan.body, card.name) or {}, plan.body):
            if value and fits(SLOTS[name], value):
                found.setdefault(name, Proposed(value, "plan", source))
    home = publication.home_of(card)
    for name, value in _of_institution(home):
        if value and fits(SLOTS[name], value):
            found.setdefault(name, Proposed(value, "institution", home.name_ja))
    return found


def _of_institution(home: publication.InstitutionCard) -> Iterator[tuple[str, str]]:
    yield "hosting_institution_ja", home.name_ja
    yield "hosting_institution_en", home.name_en
    yield "hosting_institution_ror", home.ror
    yield "contact_mail", home.contact


def _of_plan(
    dmp: Mapping[str, Any], row: Mapping[str, Any], body: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    home = _first(dmp.get("project"))
    funding = _first(home.get("funding"))
    paid = _mapping(funding.get("jp"))
    yield "funder", _funder(funding, paid)
    yield "award_number", _award(_text(_mapping(funding.get("grant_id")).get("identifier")))
    yield "programme_code", _text(paid.get("programme_code") or paid.get("code"))
    yield from _in_its_language("programme", paid.get("programme"))
    yield from _in_its_language("project_title", home.get("title"))
    yield "project_field", _code(_mapping(home.get("jp")).get("field"), standards.FIELDS)
    yield from _of_row(row, body)
    yield from _managed(dmp, _mapping(row.get("jp")))


def _of_row(row: Mapping[str, Any], body: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if not row:
        return
    own = _mapping(row.get("jp"))
    number = next(count for count, one in enumerate(body["dmp"]["dataset"], 1) if one is row)
    yield "data_number", _text(own.get("number")) or str(number)
    yield from _in_its_language("title", row.get("title"))
    yield from _in_its_language("description", row.get("description"))
    yield "data_field", _code(own.get("field"), {standards.SAME_FIELD: ("", ""), **standards.FIELDS})
    yield "data_type", _code(row.get("type"), standards.DATA_TYPES)
    licence = _text(_first(_first(row.get("distribution")).get("license")).get("license_ref"))
    known = standards.known_licence(licence)
    yield "licence", known.name if known else licence
    if isinstance(own.get("free"), bool):
        yield "charge", "free" if own["free"] else "consideration"
    yield from _in_its_language("terms_of_use", own.get("citation"))
    yield "metadata_access", _code(own.get("metadata_access"), standards.METADATA_ACCESS)


def _managed(dmp: Mapping[str, Any], own: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    host = _mapping(own.get("host"))
    yield from _in_its_language("hosting_institution", host.get("name") or host.get("title"))
    ror = _text(host.get("ror"))
    yield "hosting_institution_ror", ror if ror.startswith("https://ror.org/") else ""
    for one in dmp.get("contributor") or ():
        if isinstance(one, dict) and "datamanager" in str(one.get("role", "")).replace(" ", "").lower():
            number = _text(_mapping(one.get("contributor_id")).get("identifier"))
            yield from _in_its_language("manager", one.get("name"))
            yield "manager_erad", number if _ERAD.fullmatch(number) else ""
            yield "manager_kind", "individual"
            yield "contact_mail", _text(one.get("mbox"))
            return
    yield "contact_mail", _text(own.get("contact")) or _text(_mapping(dmp.get("contact")).get("mbox"))


def _funder(funding: Mapping[str, Any], paid: Mapping[str, Any]) -> str:
    """The key of a funder that the plan names in any of its ways."""
    code = _text(paid.get("erad_code"))
    said = [_text(paid.get("funder_name")), _text(funding.get("name")), _text(funding.get("funder_name"))]
    identifier = _text(_mapping(funding.get("funder_id")).get("identifier"))
    for key, (ja, en, number) in standards.FUNDERS.items():
        if number in {code, identifier} or identifier == _RORS.get(key, "-"):
            return key
        if any(one and (one in {ja, en} or re.search(rf"\b{key}\b", one)) for one in said):
            return key
    return ""


# The funders that most plans name; the identifiers stand in ROR's public registry.
_RORS = {
    "JSPS": "https://ror.org/00hhkn466",
    "JST": "https://ror.org/00097mb19",
}


def _award(number: str) -> str:
    """With JP in front, as the systematic number has it."""
    return f"JP{number}" if _KAKENHI.fullmatch(number) else number if number.startswith("JP") else ""


def _in_its_language(name: str, value: Any) -> Iterator[tuple[str, str]]:
    text = _text(value)
    if isinstance(value, dict):
        for language in ("ja", "en"):
            yield f"{name}_{language}", _text(value.get(language))
    elif text:
        yield f"{name}_{standards.language_of(text)}", text


def _code(value: Any, known: Mapping[str, tuple[str, str]]) -> str:
    """A code of a list, said as such or in the words of either language."""
    text = _text(value)
    words = {word: code for code, both in known.items() for word in both if word}
    return text if text in known else words.get(text, "")


def _text(value: Any) -> str:
    return str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _first(value: Any) -> Mapping[str, Any]:
    return _mapping(value[0]) if isinstance(value, list) and value else {}
