"""The register of AI services: dated facts that officers keep, and that end."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from tsunagu.core import clock
from tsunagu.core.errors import ConflictError, InvalidInputError
from tsunagu.data.ai_use.errors import NoSuchServiceError
from tsunagu.data.ai_use.models import AiService
from tsunagu.data.ai_use.types import LOCAL, Service
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy
from tsunagu.foundation.runs import api as runs

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,59}\Z")
_COUNTRY = re.compile(r"[A-Z]{2}\Z")
_TEXTS = ("title", "operator", "law", "sub_processors", "contract")
_CHOICES = ("keeps", "trains", "human_review", "erasable")
_LONGEST_TEXT = 1000


def local_service() -> Service:
    """The built-in entry: models that run on this node, from which nothing leaves."""
    return Service(
        LOCAL,
        _("This node, local"),
        is_local=True,
        keeps="no",
        trains="no",
        human_review="no",
        sub_processors="none",
        erasable="yes",
    )


def services() -> list[Service]:
    """Every service with the facts in force, the built-in one first."""
    newest: dict[str, AiService] = {}
    for row in AiService.objects.order_by("name", "revision"):
        newest[row.name] = row
    return [local_service(), *(_card(row) for row in newest.values())]


def get_service(name: str) -> Service:
    """One service.

    Raises:
        NoSuchServiceError: it is not in the register.
    """
    if name == LOCAL:
        return local_service()
    row = AiService.objects.filter(name=name).order_by("-revision").first()
    if row is None:
        raise NoSuchServiceError(f"There is no AI service {name!r} in the register.")
    return _card(row)


@transaction.atomic
def write_service(actor: Actor, name: str, facts: Mapping[str, Any], *, valid_until: str) -> Service:
    """Enter an AI service, or new facts about it; what was answered on the old facts is asked again.

    Args:
        actor: An officer (administrator of the node).
        name: Short name, as commands use it.
        facts: Fields of ``Service``; what is left out is unknown.
        valid_until: The last day on which the facts count as checked.

    Raises:
        ActionDeniedError: the actor is no officer.
        InvalidInputError: a fact, the name or the day cannot be used.
        ConflictError: somebody else wrote at the same time.
    """
    policy.require(actor, "node.admin", policy.NODE)
    if not _NAME.match(name) or name == LOCAL:
        raise InvalidInputError(
            f"{name!r} cannot be the name of a service.",
            remedy="Use small letters, digits, dots and hyphens; local is taken.",
        )
    known = _facts(facts)
    try:
        day = dt.date.fromisoformat(valid_until)
    except ValueError:
        raise InvalidInputError(
            f"{valid_until!r} is no date.", remedy="Write a date as 2027-03-31."
        ) from None
    last = AiService.objects.filter(name=name).order_by("-revision").first()
    try:
        with transaction.atomic():
            row = AiService.objects.create(
                name=name,
                revision=last.revision + 1 if last else 1,
                facts=known,
                valid_until=day,
                written_by=actor.id,
                written_at=clock.now(),
            )
    except IntegrityError:
        raise ConflictError(
            f"Somebody else changed {name} just now.", remedy="Look at it and try again."
        ) from None
    runs.record(
        actor,
        "write_ai_service",
        parameters={"name": name, "revision": row.revision, "until": valid_until, "facts": known},
    )
    return _card(row)


def _facts(given: Mapping[str, Any]) -> dict[str, Any]:
    facts: dict[str, Any] = {key: str(given.get(key) or "").strip()[:_LONGEST_TEXT] for key in _TEXTS}
    facts["sub_processors"] = facts["sub_processors"] or "unknown"
    for key in _CHOICES:
        facts[key] = given.get(key) or "unknown"
        if facts[key] not in {"yes", "no", "unknown"}:
            raise InvalidInputError(f"{key} cannot be {facts[key]!r}.", remedy="Use yes, no or unknown.")
    facts["countries"] = sorted({str(code).strip().upper() for code in given.get("countries") or ()})
    wrong = [code for code in facts["countries"] if not _COUNTRY.match(code)]
    if wrong:
        raise InvalidInputError(f"{wrong[0]!r} is no country code.", remedy="Write two letters, as JP or US.")
    days = given.get("retention_days")
    if days is not None and (not isinstance(days, int) or isinstance(days, bool) or days < 0):
        raise InvalidInputError("Days of retention must be a whole number.", remedy="Write 30, for example.")
    return facts | {"retention_days": days}


def _card(row: AiService) -> Service:
    facts = dict(row.facts)
    facts["countries"] = tuple(facts["countries"])
    facts["title"] = facts["title"] or row.name
    return Service(
        name=row.name,
        revision=row.revision,
        valid_until=row.valid_until,
        written_by=row.written_by,
        written_at=clock.isoformat(row.written_at),
        **facts,
    )
