"""The guard: may this service do this with these data? Every path that hands bytes to a model asks here."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from dataclasses import replace
from typing import Any

from django.db import transaction
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from tsunagu.core import clock, settings
from tsunagu.core.errors import InvalidInputError, NotFoundError
from tsunagu.data.ai_use import registry, rules
from tsunagu.data.ai_use.checklist import current_checklist
from tsunagu.data.ai_use.errors import AiUseRefusedError
from tsunagu.data.ai_use.models import AiAnswer, AiUseCheck
from tsunagu.data.ai_use.terms import as_json, is_open, terms_of
from tsunagu.data.ai_use.types import (
    KINDS,
    CheckCard,
    Checklist,
    Facts,
    Item,
    ItemResult,
    PersonAnswer,
    Service,
    Verdict,
)
from tsunagu.data.datasets import api as datasets
from tsunagu.foundation.identity import api as identity
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy
from tsunagu.foundation.runs import api as runs

_LONGEST_TEXT = 2000


@transaction.atomic
def check_use(
    actor: Actor, card: datasets.DatasetCard, *, service: str, purpose: str, kind: str, version: int = 0
) -> Verdict:
    """Ask whether an AI service may use a dataset, and keep question, evidence and answer as a run.

    Args:
        actor: Who wants to use it.
        card: The dataset.
        service: Its name in the register; ``local`` is this node.
        purpose: What for, in words; answers of people hold for these words alone.
        kind: One of ``KINDS``.
        version: Number of a frozen version; 0: the newest state, a draft included.

    Returns:
        allow, needs (people must answer items first) or deny, with items, reasons and remedies.

    Raises:
        NoSuchServiceError: it is not in the register.
        InvalidInputError: no purpose, or an unknown kind.
        NoSuchVersionError: there is no such version.
    """
    verdict, facts, words = _judge(actor, card, service=service, purpose=purpose, kind=kind, version=version)
    evidence = {
        "version": version,
        "service_revision": facts.service.revision,
        "terms": as_json(facts.terms),
        "labels": dict(facts.levels),
        "is_open": facts.is_open,
        "is_embargoed": facts.is_embargoed,
        "outcomes": {one.item.id: [one.found, one.answer, one.by] for one in verdict.items},
        "facts_hash": verdict.facts_hash,
        "checklist": verdict.checklist,
        "basis": verdict.basis,
    }
    said = {"service": service, "use": kind, "answer": verdict.answer, **evidence}
    links = [runs.Link("in", "dataset", card.id, card.slug)]
    if version:
        frozen = datasets.get_version(card, version)
        links.append(runs.Link("in", "version", frozen.version_hash, f"{card.slug}@{version}"))
    run_id = runs.record(actor, "check_ai_use", dataset_id=card.id, parameters=said, links=links)
    AiUseCheck.objects.create(
        run_id=run_id,
        dataset_id=card.id,
        service=service,
        kind=kind,
        purpose=words,
        answer=verdict.answer,
        evidence=evidence,
        asked_by=actor.id,
        asked_at=clock.now(),
    )
    return replace(verdict, run_id=run_id)


def require_use(
    actor: Actor, card: datasets.DatasetCard, *, service: str, purpose: str, kind: str, version: int = 0
) -> str:
    """Go on only if the guard allows it: the door for everything that hands bytes or text to a model.

    Returns:
        The run that records the permission.

    Raises:
        AiUseRefusedError: the answer is deny or needs; the check is recorded all the same.
        NoSuchServiceError: it is not in the register.
        InvalidInputError: no purpose, or an unknown kind.
        NoSuchVersionError: there is no such version.
    """
    verdict = check_use(actor, card, service=service, purpose=purpose, kind=kind, version=version)
    if not verdict:
        raise AiUseRefusedError(
            " ".join(verdict.reasons), answer=verdict.answer, run=verdict.run_id, basis=verdict.basis
        )
    return verdict.run_id


def permit(
    actor: Actor, card: datasets.DatasetCard, *, service: str, purpose: str, kind: str, version: int
) -> None:
    """The same for a door that is asked for every file: judged each time, kept as a run once a day and change of facts.

    Raises:
        AiUseRefusedError: the answer is deny or needs.
    """
    verdict, _facts, _words = _judge(
        actor, card, service=service, purpose=purpose, kind=kind, version=version
    )
    today = clock.now() - dt.timedelta(days=1)
    before = AiUseCheck.objects.filter(dataset_id=card.id, asked_by=actor.id, asked_at__gt=today)
    same = {"facts_hash": verdict.facts_hash, "version": version}
    kept = [
        row.evidence
        for row in before.filter(answer=verdict.answer, kind=kind, service=service).order_by("-pk")[:20]
    ]
    if not any(same.items() <= {name: one.get(name) for name in same}.items() for one in kept):
        verdict = check_use(actor, card, service=service, purpose=purpose, kind=kind, version=version)
    if not verdict:
        raise AiUseRefusedError(
            " ".join(verdict.reasons),
            answer=verdict.answer,
            run=verdict.run_id,
            basis=verdict.basis,
            version=version,
        )


def would_permit(
    actor: Actor, card: datasets.DatasetCard, *, service: str, purpose: str, kind: str, version: int
) -> bool:
    """Whether ``permit`` would let them on, asked without a trace: for what a page or a list shows beforehand."""
    return bool(_judge(actor, card, service=service, purpose=purpose, kind=kind, version=version)[0])


@transaction.atomic
def answer_item(
    actor: Actor,
    card: datasets.DatasetCard,
    *,
    service: str,
    purpose: str,
    kind: str,
    item: str,
    is_yes: bool,
    note: str = "",
    version: int = 0,
) -> None:
    """Answer an item that the machine cannot; it holds for these facts, and for as long as the checklist says.

    Raises:
        NotFoundError: the item is not open for this use.
        ActionDeniedError: somebody else has to answer it.
        InvalidInputError: no purpose, or an unknown kind.
    """
    verdict, _facts, _words = _judge(
        actor, card, service=service, purpose=purpose, kind=kind, version=version
    )
    asked = [one for one in verdict.items if one.item.id == item and (one.found == "unknown" or one.person)]
    if not asked:
        raise NotFoundError(f"{item} is no open question about this use.")
    if not _may_answer(actor, card, asked[0].item):
        action = "node.admin" if asked[0].item.who == ("officer",) else "dataset.manage"
        policy.require(actor, action, policy.NODE if action == "node.admin" else card.resource)
    now = clock.now()
    AiAnswer.objects.create(
        dataset_id=card.id,
        item=item,
        facts_hash=verdict.facts_hash,
        is_yes=is_yes,
        note=note.strip()[:_LONGEST_TEXT],
        answered_by=actor.id,
        answered_at=now,
        valid_until=now + dt.timedelta(days=asked[0].item.valid_days),
    )
    runs.record(
        actor,
        "answer_ai_use",
        dataset_id=card.id,
        parameters={"item": item, "answer": "yes" if is_yes else "no", "facts_hash": verdict.facts_hash},
        links=[runs.Link("in", "dataset", card.id, card.slug)],
    )


def history(card: datasets.DatasetCard, *, limit: int = 30) -> list[CheckCard]:
    """Checks of a dataset, newest first; for those who may see its draft."""
    rows = list(AiUseCheck.objects.filter(dataset_id=card.id).order_by("-pk")[:limit])
    people = identity.people({row.asked_by for row in rows})
    return [
        CheckCard(
            row.run_id,
            row.service,
            row.kind,
            row.purpose,
            row.answer,
            people[row.asked_by].name if row.asked_by in people else "",
            clock.isoformat(row.asked_at),
        )
        for row in rows
    ]


def allowed(
    card: datasets.DatasetCard, *, since: dt.datetime, until: dt.datetime
) -> list[tuple[dt.datetime, str, int]]:
    """When uses of the dataset by AI were allowed, for which service, of which version (0: of none in particular).

    Names nobody; the caller has asked the rules.
    """
    rows = AiUseCheck.objects.filter(
        dataset_id=card.id, answer="allow", asked_at__gte=since, asked_at__lt=until
    )
    found = rows.order_by("asked_at").values_list("asked_at", "service", "evidence")
    return [(moment, service, int(evidence.get("version") or 0)) for moment, service, evidence in found]


def facts_of(card: datasets.DatasetCard, service: Service, kind: str, version: int = 0) -> Facts:
    """Everything that rules look at, as it stands now."""
    labels = policy.labels_of([card.id]).get(card.id, policy.Labels())
    zone = settings.current().time_zone
    return Facts(
        kind=kind,
        service=service,
        terms=terms_of(card).terms,
        levels=dict(labels.levels),
        # Files of a draft are not open yet, whatever the access of frozen versions is.
        is_open=is_open(card) and (version > 0 or card.state == "frozen"),
        is_embargoed=bool(card.embargo_until),
        today=_today(zone),
    )


def _today(zone: str) -> dt.date:
    import zoneinfo

    return clock.now().astimezone(zoneinfo.ZoneInfo(zone)).date()


def _judge(
    actor: Actor, card: datasets.DatasetCard, *, service: str, purpose: str, kind: str, version: int
) -> tuple[Verdict, Facts, str]:
    words = purpose.strip()[:_LONGEST_TEXT]
    if not words:
        raise InvalidInputError("A use by AI needs a purpose.", remedy="Write what the data are used for.")
    if kind not in KINDS:
        raise InvalidInputError(f"{kind!r} is no kind of use by AI.", remedy=f"Use {', '.join(KINDS)}.")
    if version:
        datasets.need_version(card, version)
    facts = facts_of(card, registry.get_service(service), kind, version)
    checklist = current_checklist()
    key = facts_hash(card.id, facts, checklist, words)
    # Whoever may not read hands nothing to a model either, whatever a rule about AI forgot to say.
    asked = (policy.decide(actor, action, card.resource) for action in ("dataset.read", "dataset.ai_use"))
    decision = next((one for one in asked if not one), None)
    if decision is not None:
        denied = Verdict(
            "deny",
            (),
            decision.reasons,
            decision.basis,
            tuple(filter(None, [decision.remedy])),
            key,
            checklist.version,
        )
        return denied, facts, words
    answer, results = rules.judge(facts, checklist, _answers(key))
    decisive = [one for one in results if one.answer == answer and answer != "allow"]
    language = "ja" if (get_language() or "").startswith("ja") else "en"
    shown = tuple(
        ItemResult(
            one.item,
            one.found,
            one.answer,
            one.by,
            one.person,
            may_answer=one in rules.open_items(answer, results) and _may_answer(actor, card, one.item),
        )
        for one in results
    )
    verdict = Verdict(
        answer,
        shown,
        tuple(_reason(one, language) for one in decisive),
        ", ".join(one.item.basis[language] for one in decisive) or "ai_use",
        tuple(dict.fromkeys(one.item.remedy[language] for one in decisive)),
        key,
        checklist.version,
    )
    return verdict, facts, words


def _reason(result: ItemResult, language: str) -> str:
    ask = result.item.ask[language]
    if result.found == "unknown":
        return _("Not answered yet: %(question)s") % {"question": ask}
    return _("Answered no: %(question)s") % {"question": ask}


def facts_hash(dataset_id: str, facts: Facts, checklist: Checklist, purpose: str) -> str:
    """SHA-256 over everything that an answer of a person rests on; any change asks again."""
    held: dict[str, Any] = {
        "dataset": dataset_id,
        "kind": facts.kind,
        "service": [facts.service.name, facts.service.revision],
        "terms": as_json(facts.terms),
        "labels": dict(facts.levels),
        "is_open": facts.is_open,
        "is_embargoed": facts.is_embargoed,
        "checklist": checklist.version,
        "purpose": purpose,
    }
    return hashlib.sha256(json.dumps(held, sort_keys=True).encode()).hexdigest()


def _answers(key: str) -> dict[str, PersonAnswer]:
    """The newest answer in force to each item."""
    found: dict[str, PersonAnswer] = {}
    for row in AiAnswer.objects.filter(facts_hash=key, valid_until__gt=clock.now()).order_by("pk"):
        found[row.item] = PersonAnswer(
            row.item,
            row.is_yes,
            row.note,
            row.answered_by,
            clock.isoformat(row.answered_at),
            clock.isoformat(row.valid_until),
        )
    return found


def _may_answer(actor: Actor, card: datasets.DatasetCard, item: Item) -> bool:
    if "user" in item.who and policy.decide(actor, "dataset.ai_use", card.resource):
        return True
    if "steward" in item.who and policy.decide(actor, "dataset.manage", card.resource):
        return True
    return "officer" in item.who and bool(policy.decide(actor, "node.admin", policy.NODE))
