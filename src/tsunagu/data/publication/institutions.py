"""Institutions: who publishes here, under which rules, with which curators."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from django.db import transaction

from tsunagu.core import clock, settings
from tsunagu.data.datasets import api as datasets
from tsunagu.data.publication.errors import BadInstitutionError, NoInstitutionError
from tsunagu.data.publication.models import Institution
from tsunagu.data.publication.types import CheckItem, InstitutionCard, Skill
from tsunagu.foundation.identity import api as identity
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy
from tsunagu.foundation.runs import api as runs

AGENCIES = ("", "DataCite", "JaLC")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,59}\Z")
_ROR = re.compile(r"https://ror\.org/0[a-z0-9]{8}\Z")
# DataCite: https://support.datacite.org/docs/doi-basics
_PREFIX = re.compile(r"10\.\d{4,9}(\.\d+)*\Z")
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}\Z")
_MOST_ITEMS, _LONGEST_ITEM, _MOST_DAYS = 100, 500, 365
_LANGUAGE = re.compile(r"[a-z]{2,3}\Z")
_TEXTS = {"name_ja": 300, "name_en": 300, "address": 2000, "policies": 20_000}


def default_institution() -> Institution:
    """The institution of the node itself, made from its settings when it is first needed."""
    row = Institution.objects.filter(is_default=True).first()
    if row is None:
        node = settings.current()
        word = re.sub(r"[^a-z0-9]+", "-", node.node_name.lower()).strip("-")[:60] or "institution"
        row, _ = Institution.objects.get_or_create(
            name=word,
            defaults={
                "name_ja": node.node_name,
                "name_en": node.node_name,
                "is_default": True,
                "made_at": clock.now(),
            },
        )
    return row


def institution_row(name: str = "") -> Institution:
    """An institution by name; the node's own where no name is given.

    Raises:
        NoInstitutionError: there is none of that name.
    """
    if not name:
        return default_institution()
    row = Institution.objects.filter(name=name).first()
    if row is None:
        own = default_institution()
        if own.name != name:
            raise NoInstitutionError(f"There is no institution {name} on this node.", institution=name)
        row = own
    return row


def card_of(row: Institution) -> InstitutionCard:
    """A row as others see it."""
    people = identity.people(row.curators)
    return InstitutionCard(
        name=row.name,
        name_ja=row.name_ja,
        name_en=row.name_en,
        ror=row.ror,
        address=row.address,
        contact=row.contact,
        doi_prefix=row.doi_prefix,
        doi_agency=row.doi_agency,
        members_may_publish=row.members_may_publish,
        curators=tuple(people[key] for key in row.curators if key in people),
        skills={key: skill_of(row, key) for key in row.curators if key in people},
        hands_out=row.hands_out,
        answer_days=row.answer_days,
        checklist=items_of(row),
        policies=row.policies,
        colour=row.colour,
        is_default=row.is_default,
    )


def skill_of(row: Institution, person_id: str) -> Skill:
    """What a curator of the institution knows."""
    kept = row.skills.get(person_id, {})
    return Skill(tuple(kept.get("fields", ())), tuple(kept.get("languages", ())))


def items_of(row: Institution) -> tuple[CheckItem, ...]:
    """The institution's checklist."""
    return tuple(
        CheckItem(one["id"], {"ja": one["ja"], "en": one["en"]}, one["project"]) for one in row.checklist
    )


def list_institutions() -> list[InstitutionCard]:
    """Every institution of the node, its own first."""
    default_institution()
    return [card_of(row) for row in Institution.objects.order_by("-is_default", "name")]


def institution_card(name: str) -> InstitutionCard | None:
    """An institution by name; None where there is none. Everybody may know them."""
    try:
        return card_of(institution_row(name))
    except NoInstitutionError:
        return None


def curated_by(actor: Actor) -> list[str]:
    """Names of the institutions for which somebody reviews; administrators stand in everywhere."""
    if actor.is_admin:
        default_institution()
    rows = Institution.objects.order_by("name")
    if actor.is_admin or actor.kind == "service":
        return [row.name for row in rows]
    return [row.name for row in rows if actor.kind == "person" and actor.id in row.curators]


@transaction.atomic
def write_institution(actor: Actor, name: str, wish: Mapping[str, Any]) -> InstitutionCard:
    """Make an institution, or change what ``wish`` names of one; a recorded decision.

    Args:
        actor: Who administers the node.
        name: Its key: small letters, digits and hyphens; it never changes.
        wish: ``name_ja``, ``name_en``, ``ror``, ``address``, ``contact``, ``doi_prefix``, ``doi_agency``,
            ``members_may_publish``, ``curators`` (mail addresses), ``skills`` (mail address -> ``fields``,
            ``languages``), ``hands_out``, ``answer_days``, ``checklist`` (``ja``, ``en``, ``project``), ``policies``,
            ``colour``.

    Raises:
        ActionDeniedError: the actor does not administer the node.
        BadInstitutionError: a value cannot be; the message names it.
    """
    policy.require(actor, "node.admin", policy.NODE)
    if not _NAME.match(name):
        raise BadInstitutionError(
            "The name takes small letters, digits and hyphens, at most 60.", field="name"
        )
    default_institution()
    row = Institution.objects.select_for_update().filter(name=name).first()
    row = row or Institution(name=name, made_at=clock.now())
    changed = sorted(key for key, value in _checked(wish).items() if _set(row, key, value))
    if not (row.name_ja and row.name_en):
        raise BadInstitutionError("An institution needs a name in Japanese and in English.", field="name_ja")
    if bool(row.doi_prefix) != bool(row.doi_agency):
        raise BadInstitutionError("A DOI prefix and its agency go together.", field="doi_prefix")
    row.save()
    if changed:
        runs.record(actor, "institution", parameters={"name": name, "changed": changed})
    return card_of(row)


def _set(row: Institution, key: str, value: Any) -> bool:
    if getattr(row, key) == value:
        return False
    setattr(row, key, value)
    return True


def _checked(wish: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in wish.items():
        if key in _TEXTS:
            found[key] = str(value).strip()[: _TEXTS[key]]
        elif key in {"members_may_publish", "hands_out"}:
            found[key] = bool(value)
        elif key == "answer_days":
            found[key] = _days(value)
        elif key in _LISTS:
            found[key] = _LISTS[key](value)
        elif key in _FORMS:
            found[key] = _formed(key, str(value).strip())
    return found


_FORMS = {
    "ror": (_ROR, "A ROR iD is an address such as https://ror.org/00hhkn466."),
    "contact": (re.compile(r"[^@\s]+@[^@\s]+\Z"), "The contact is a mail address."),
    "doi_prefix": (_PREFIX, "A DOI prefix looks like 10.12345."),
    "doi_agency": (re.compile(r"DataCite\Z|JaLC\Z"), "The agency is DataCite, JaLC or none."),
    "colour": (_COLOUR, "A colour looks like #0b5394."),
}


def _formed(key: str, value: str) -> str:
    pattern, words = _FORMS[key]
    if value and not pattern.match(value):
        raise BadInstitutionError(words, field=key)
    return value[:254]


def _people(addresses: Any) -> list[str]:
    found = []
    for address in addresses:
        person = identity.find_person(str(address).strip())
        if person is None:
            raise BadInstitutionError(f"Nobody here has the address {address}.", field="curators")
        if person.id not in found:
            found.append(person.id)
    return found


def home_of(card: datasets.DatasetCard) -> InstitutionCard:
    """The institution that publishes a dataset, or was asked to; else the node's own."""
    row = (
        Institution.objects.filter(publication__dataset_id=card.id)
        .order_by("-publication__changed_at")
        .first()
    )
    return card_of(row or default_institution())


def _days(value: Any) -> int:
    try:
        days = int(value or 0)
    except (TypeError, ValueError):
        days = -1
    if not 0 <= days <= _MOST_DAYS:
        raise BadInstitutionError(
            f"The days until an answer are a number from 0 to {_MOST_DAYS}; 0 promises nothing.",
            field="answer_days",
        )
    return days


def _skills(value: Any) -> dict[str, dict[str, list[str]]]:
    found = {}
    for address, said in dict(value).items():
        fields = [_plain(word)[:100] for word in said.get("fields", ()) if _plain(word)]
        languages = [_plain(word).lower() for word in said.get("languages", ()) if _plain(word)]
        bad = next((word for word in languages if not _LANGUAGE.match(word)), None)
        if bad is not None:
            raise BadInstitutionError(
                f"{bad[:20]!r} is no language; write ja, en, zh and the like.", field="skills"
            )
        if fields or languages:
            found[_people([address])[0]] = {"fields": fields, "languages": languages}
    return found


def _items(value: Any) -> list[dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for one in value:
        ja, en, project = (_plain(one.get(name, ""))[:_LONGEST_ITEM] for name in ("ja", "en", "project"))
        if not (ja or en):
            continue
        ja, en = ja or en, en or ja
        key = hashlib.sha256(f"{ja}\n{en}\n{project}".encode()).hexdigest()[:12]
        found[key] = {"id": key, "ja": ja, "en": en, "project": project}
    if len(found) > _MOST_ITEMS:
        raise BadInstitutionError(f"A checklist takes at most {_MOST_ITEMS} items.", field="checklist")
    return list(found.values())


def _plain(value: Any) -> str:
    return " ".join(unicodedata.normalize("NFKC", str(value)).split())


_LISTS = {"curators": _people, "skills": _skills, "checklist": _items}
