"""Use of data by AI: a dataset's terms and checks, and the officers' register and checklist."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from tsunagu.core.errors import InvalidInputError
from tsunagu.data.ai_use import api as ai_use
from tsunagu.data.datasets import api as datasets
from tsunagu.data.training import api as training
from tsunagu.doors.web.views.dataset_frame import asked_card, frame
from tsunagu.doors.web.views.frame import done, member, problem_context
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy

_CHOICES = ("keeps", "trains", "human_review", "erasable")
_TEXTS = ("title", "operator", "law", "sub_processors", "contract")
_LONGEST_NUMBER = 6


@member
def use(request: HttpRequest, actor: Actor, *, project: str, dataset: str) -> HttpResponse:
    """What AI may do with a dataset, a form that asks the guard, its answer, earlier checks."""
    card, version = asked_card(request, actor, project, dataset)
    policy.require(actor, "dataset.ai_use", card.resource)
    form = request.POST
    if request.method == "POST" and "terms" in form:
        ai_use.set_terms(
            actor, card, _terms(form), reason=form.get("reason", "").strip(), release=form.getlist("release")
        )
        return done(request, _("The terms for AI were changed."), "ai_use", project=project, dataset=dataset)
    asked = {"service": ai_use.LOCAL, "purpose": "", "kind": "inference"}
    asked |= {key: request.GET[key].strip() for key in asked if request.GET.get(key)}
    verdict = None
    if request.method == "POST":
        asked = {key: form.get(key, "").strip() for key in asked}
        if "item" in form:
            item, _sep, answer = form["item"].rpartition("=")
            note = form.get(f"note-{item}", "")
            ai_use.answer_item(
                actor, card, item=item, is_yes=answer == "yes", note=note, version=version or 0, **asked
            )
        verdict = ai_use.check_use(actor, card, version=version or 0, **asked)
    context = frame(actor, card, "ai_use", version) | _terms_context(actor, card)
    context |= {
        "asked_use": asked,
        "verdict": verdict,
        "items": [] if verdict is None else _item_rows(verdict),
        "in_order": sum(one.answer == "allow" for one in verdict.items) if verdict is not None else 0,
        "services": ai_use.services(),
        "kinds": ai_use.KINDS,
        "checks": ai_use.history(card) if card.sees_draft else [],
        "trainings": training.uses_of(actor, card, limit=30),
    }
    return render(request, "web/ai_use.html", context)


def _terms_context(actor: Actor, card: datasets.DatasetCard) -> dict[str, Any]:
    found = ai_use.terms_of(card)
    names = ai_use.source_names(actor, card, found)
    return {
        "terms": found,
        "uses": [
            {
                "name": name,
                "answer": found.terms.uses[name],
                "own": found.own.uses[name],
                "sources": names.get(name, ()),
            }
            for name in ai_use.USES
        ],
        "term_answers": ai_use.TERM_ANSWERS,
        "own_limits": " ".join(found.own.limits),
        "own_countries": " ".join(found.own.countries or ()),
        "own_until": found.own.until.isoformat() if found.own.until else "",
        "known_limits": ai_use.known_codes().items(),
    }


def _terms(form: QueryDict) -> ai_use.Terms:
    countries = _words(form.get("countries", ""))
    return ai_use.parse(
        {
            "uses": {name: form.get(f"use-{name}", "ask") for name in ai_use.USES},
            "limits": _words(form.get("limits", "")),
            "countries": countries or None,
            "until": form.get("until", "").strip(),
        }
    )


def _words(text: str) -> list[str]:
    return text.replace(",", " ").replace("、", " ").split()


def _item_rows(verdict: ai_use.Verdict) -> list[dict[str, Any]]:
    """Items in the viewer's language, those that decide first."""
    language = "ja" if (get_language() or "").startswith("ja") else "en"
    order = {"deny": 0, "needs": 1, "allow": 2}
    return [
        {
            "id": one.item.id,
            "ask": one.item.ask[language],
            "remedy": one.item.remedy[language],
            "basis": one.item.basis[language],
            "result": one,
            "note": one.person.note if one.person else "",
            "until": one.person.until if one.person else "",
        }
        for one in sorted(verdict.items, key=lambda one: order[one.answer])
    ]


@member
def services(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The register of AI services and the checklist; officers change both."""
    form, text, problem = request.POST, ai_use.current_text(), {}
    if request.method == "POST" and "checklist" in form:
        text = form["checklist"].replace("\r\n", "\n")
        try:
            ai_use.write_checklist(actor, text, note=form.get("note", "").strip())
            return done(request, _("The checklist is in force."), "ai_services")
        except ai_use.BadChecklistError as error:  # what was typed must not be lost
            problem = problem_context(error)
    elif request.method == "POST":
        ai_use.write_service(
            actor, form.get("name", "").strip(), _facts(form), valid_until=form.get("valid_until", "").strip()
        )
        return done(request, _("The facts about the service were kept."), "ai_services")
    found = ai_use.services()
    chosen = next((one for one in found if one.name == request.GET.get("service") and not one.is_local), None)
    context = {
        "services": found,
        "chosen": chosen,
        "choices": [(name, getattr(chosen, name, "unknown")) for name in _CHOICES],
        "texts": [(name, _text_of(chosen, name)) for name in _TEXTS],
        "countries": " ".join(chosen.countries) if chosen else "",
        "checklist": ai_use.current_checklist(),
        "text": text,
        "may_edit": bool(policy.decide(actor, "node.admin", policy.NODE)),
    }
    return render(request, "web/ai_services.html", context | problem, status=422 if problem else 200)


def _text_of(service: ai_use.Service | None, name: str) -> str:
    text = str(getattr(service, name, ""))
    return "" if (name, text) == ("sub_processors", "unknown") else text


def _facts(form: QueryDict) -> dict[str, Any]:
    days = form.get("retention_days", "").strip()
    if days and not (days.isdecimal() and len(days) <= _LONGEST_NUMBER):
        raise InvalidInputError("Days of retention must be a whole number.", remedy="Write 30, for example.")
    return {
        **{name: form.get(name, "") for name in (*_TEXTS, *_CHOICES)},
        "countries": _words(form.get("countries", "")),
        "retention_days": int(days) if days else None,
    }
