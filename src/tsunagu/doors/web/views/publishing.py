"""Pages of publishing: ask for it, the queue of curators, one request, the institutions of the node."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from tsunagu.core.errors import InvalidInputError, TsunaguError
from tsunagu.data.datasets import api as datasets
from tsunagu.data.depositing import api as depositing
from tsunagu.data.description import api as description
from tsunagu.data.publication import api as publication
from tsunagu.doors.web import publication_words as words
from tsunagu.doors.web.views import articles as article_pages
from tsunagu.doors.web.views import notices as notice_pages
from tsunagu.doors.web.views.dataset_frame import asked_card, frame
from tsunagu.doors.web.views.frame import done, member, page, problem_context
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy

_PAGE = 100
_WISHES = ("institution", "access", "opens_on", "resource_type", "note")
_CHOICES = ("members_may_publish", "hands_out")
_LINES = ("name", "curators", "checklist", "answer_days")
_INSTITUTION = (
    "name_ja",
    "name_en",
    "ror",
    "address",
    "contact",
    "doi_prefix",
    "doi_agency",
    "policies",
    "colour",
)


@page
def of_dataset(request: HttpRequest, actor: Actor, *, project: str, dataset: str) -> HttpResponse:
    """What of a dataset is public or on its way; the form that asks for it."""
    card, _version = asked_card(request, actor, project, dataset)
    context: dict[str, Any] = {"form": {"access": "open", "resource_type": "dataset"}}
    status = 200
    if request.method == "POST":
        try:
            return _ask(request, actor, card)
        except (publication.NotReadyError, publication.AlreadyPublishedError, InvalidInputError) as error:
            status = error.status
            context = {**problem_context(error), "form": request.POST, "gaps": error.fields.get("findings")}
    found = publication.of_dataset(actor, card)
    institutions = publication.list_institutions()
    resource = policy.Resource("publication", card.id, project_id=card.project_id)
    moved_to = next((one.stands_at for one in found if one.moved_to), "")
    may_ask = not moved_to and bool(policy.decide(actor, "publication.request", resource))
    context |= frame(actor, card, "publication")
    context |= {
        "publications": found,
        "institutions": institutions,
        "moved_to": moved_to,
        "may_ask": may_ask,
        "versions": datasets.list_versions(card, limit=50),
        "accesses": publication.ACCESSES,
        "resources": publication.RESOURCE_TYPES,
        "article_types": publication.ARTICLE_TYPES,
        **article_pages.form_context(article_pages.said_in(request.POST)),
        "findings": publication.examine(actor, card) if may_ask and card.last_version else [],
        "language": _language(),
    }
    return render(request, "web/publication.html", context, status=status)


def _ask(request: HttpRequest, actor: Actor, card: datasets.DatasetCard) -> HttpResponse:
    form = request.POST
    wish: dict[str, Any] = {name: form.get(name, "").strip() for name in _WISHES}
    if wish["resource_type"] in publication.ARTICLE_TYPES:
        wish["article"] = article_pages.said_in(form)
    number = form.get("version", "")
    made = publication.request(
        actor, card, version=int(number) if number.isdigit() and len(number) < 10 else 0, **wish  # noqa: PLR2004 - the column's size
    )  # fmt: skip
    if made.state == "published":
        return done(
            request, _("The version is published."), "landing", project=card.project, dataset=card.name,
            number=made.number,
        )  # fmt: skip
    message = _("The institution was asked. Its curators see the version now.")
    return done(request, message, "review", key=made.id)


@member
def queue(request: HttpRequest, actor: Actor) -> HttpResponse:
    """What waits for the curator, oldest first; they may have the next one given to them."""
    if request.method == "POST":
        taken = publication.take_next(actor, request.POST.get("institution", ""))
        if taken is None:
            return done(request, _("Nothing waits for a curator."), "publishing")
        return done(request, _("It is yours now."), "review", key=taken.id)
    asked = {name: request.GET.get(name, "") for name in ("institution", "state", "assigned")}
    found = publication.queue(
        actor,
        institution=asked["institution"],
        state=asked["state"],
        assigned=asked["assigned"],
        after=request.GET.get("after", ""),
        limit=_PAGE,
    )
    mine = publication.curated_by(actor)
    context = {
        "publications": found,
        "unregistered": publication.unregistered(actor),
        "counts": publication.queue_counts(actor, asked["institution"]) if mine else None,
        "asked": asked,
        "after": found[-1].id if len(found) == _PAGE else "",
        "is_first": "after" not in request.GET,
        "institutions": [one for one in publication.list_institutions() if one.name in mine],
        "states": [(state, word) for state, (_colour, word) in words.STATES.items()],
        "is_curator": bool(mine),
        "noticed": notice_pages.to_decide(actor),
        "language": _language(),
    }
    return render(request, "web/publishing.html", context)


_STEPS: dict[str, Callable[[Actor, str, Mapping[str, str]], Any]] = {
    "comment": lambda actor, key, form: publication.comment(
        actor, key, form.get("text", ""), field=form.get("field", ""), path=form.get("path", "").strip()
    ),
    "article": lambda actor, key, form: publication.write_article(actor, key, article_pages.said_in(form)),
    "check": lambda actor, key, form: publication.answer(
        actor,
        key,
        {
            name.removeprefix("check-"): form[name]
            for name in form
            if name.startswith("check-") and form[name]
        },
        form.get("text", ""),
    ),
    "assign": lambda actor, key, form: publication.assign(actor, key, form.get("to", "").strip()),
    "ask_changes": lambda actor, key, form: publication.ask_changes(
        actor, key, form.get("text", ""), field=form.get("field", ""), path=form.get("path", "").strip()
    ),
    "approve": lambda actor, key, form: publication.approve(actor, key, form.get("text", "")),
    "reject": lambda actor, key, form: publication.reject(actor, key, form.get("text", "")),
    "publish": lambda actor, key, _form: publication.publish(actor, key),
    "correct": lambda actor, key, form: publication.correct(actor, key, form.get("text", "")),
    "withdraw": lambda actor, key, form: publication.withdraw(actor, key, form.get("text", "")),
    "restore": lambda actor, key, _form: publication.restore(actor, key),
    **notice_pages.STEPS,
    "try_again": lambda actor, key, _form: publication.try_again(actor, key),
    "deposit": lambda actor, key, form: depositing.deposit(
        actor,
        key,
        form.get("to", ""),
        found_at="" if "is_absent" in form else form.get("found_at", ""),
        is_absent="is_absent" in form,
    ),
}
_REFUSALS = (
    publication.NotReadyError,
    publication.WrongStateError,
    publication.OwnRequestError,
    depositing.NoRepositoryError,
    depositing.NotPublishedError,
    depositing.UndecidedError,
    datasets.NoSuchFileError,
    InvalidInputError,
)


@member
def review(request: HttpRequest, actor: Actor, *, key: str) -> HttpResponse:
    """One publication: what is to be published, what checks say, what people said, the next step."""
    context: dict[str, Any] = {}
    status = 200
    if request.method == "POST":
        step = request.POST.get("step", "")
        try:
            if step not in _STEPS:
                raise InvalidInputError(f"{step!r} is no step.")
            _STEPS[step](actor, key, request.POST)
            return done(request, _("It was noted."), "review", key=key)
        except _REFUSALS as error:
            status = error.status
            context = {**problem_context(error), "form": request.POST, "gaps": error.fields.get("findings")}
    card = publication.get_publication(actor, key)
    may = publication.decisions_of(actor, key)
    is_waiting = card.state in {"requested", "in_review", "approved"}
    content = publication.reviewed(actor, key)
    article = publication.article_of(actor, key)
    context |= {
        "card": card,
        "content": content,
        "findings": publication.findings_of(actor, key) if card.state in publication.OPEN_STATES else [],
        "entries": publication.entries_of(actor, key),
        **_effects(actor, card, may_publish=may["publish"]),
        **_deposits(actor, card, may_publish=may["publish"]),
        "may": may,
        "article_line": article,
        **(article_pages.form_context(article.said) if article else {}),
        "checklist": publication.checklist_of(actor, key) if card.state in publication.OPEN_STATES else [],
        "answers": [(name, str(word)) for name, word in words.ANSWERS.items()],
        "candidates": publication.candidates_of(actor, key) if may["review"] and is_waiting else [],
        "may_decide": may["review"] and is_waiting,
        "may_comment": may["review"] or may["request"],
        "may_publish": may["publish"] and card.state == "approved",
        "may_correct": may["publish"] and card.state == "published",
        "may_withdraw": may["withdraw"] and card.state == "published",
        "may_restore": may["publish"] and card.state == "withdrawn",
        "more_files": content.file_count - len(content.files),
        "labels": description.labels(_language()),
        "language": _language(),
    }
    if context["may_comment"]:
        context |= notice_pages.about(actor, card)
    return render(request, "web/review.html", context, status=status)


def _effects(actor: Actor, card: publication.PublicationCard, *, may_publish: bool) -> dict[str, Any]:
    """What was asked last for each DOI, and whether the actor may have it asked again."""
    last = {one.doi: one for one in reversed(publication.effects_of(actor, card.id))}
    is_stuck = any(one.state in {"refused", "given_up"} for one in last.values())
    return {"effects": list(last.values()), "may_try_again": may_publish and is_stuck}


def _deposits(actor: Actor, card: publication.PublicationCard, *, may_publish: bool) -> dict[str, Any]:
    """What became of it in repositories, and those into which the actor may put it now."""
    found = depositing.deposits_of(actor, card.id)
    under_way = {one.repository for one in found if one.state not in {"refused", "withdrawn", "done"}}
    known = depositing.repositories_for(actor, card.id)
    is_public = may_publish and card.state == "published"
    return {
        "deposits": found,
        "may_deposit": may_publish,
        "free_repositories": [one for one in known if is_public and one.name not in under_way],
        "repository_problems": [one for one in known if one.problem],
    }


@member
def institutions(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The institutions of the node, for its administrators."""
    policy.require(actor, "node.admin", policy.NODE)
    context: dict[str, Any] = {}
    status = 200
    if request.method == "POST":
        form = request.POST
        try:
            publication.write_institution(actor, form.get("name", "").strip(), _written(form))
            return done(request, _("The institution was saved."), "publishers")
        except TsunaguError as error:
            status = error.status
            context = {**problem_context(error), "form": _typed(form)}
    wanted = request.GET.get("name", "")
    kept = publication.institution_card(wanted) if wanted else None
    context.setdefault("form", _shown(kept) if kept else {})
    context |= {
        "institutions": publication.list_institutions(),
        "kept": kept,
        "agencies": publication.AGENCIES,
        "language": _language(),
    }
    return render(request, "web/publishers.html", context, status=status)


def _written(form: Mapping[str, str]) -> dict[str, Any]:
    curators, skills = [], {}
    for line in form.get("curators", "").splitlines():
        address, fields, languages = _columns(line)
        # A list of bare addresses may stand on one line.
        several = [one.strip() for one in address.split(",") if one.strip()]
        curators += several
        if several and (fields or languages):
            known = {"fields": re.split(r"[,、;]", fields), "languages": re.split(r"[\s,、;]+", languages)}
            skills[several[-1]] = known
    items = [_columns(line) for line in form.get("checklist", "").splitlines()]
    return {
        **{name: form.get(name, "").strip() for name in _INSTITUTION},
        **{name: name in form for name in _CHOICES},
        "answer_days": form.get("answer_days", "").strip(),
        "curators": curators,
        "skills": skills,
        "checklist": [{"ja": ja, "en": en, "project": project} for ja, en, project in items],
    }


def _columns(line: str) -> tuple[str, str, str]:
    found = [*(one.strip() for one in re.split(r"[|｜]", line)), "", ""]
    return found[0], found[1], found[2]


def _typed(form: Mapping[str, str]) -> dict[str, Any]:
    typed = {name: form.get(name, "") for name in (*_LINES, *_INSTITUTION)}
    return {**typed, **{name: name in form for name in _CHOICES}}


def _shown(card: publication.InstitutionCard) -> dict[str, Any]:
    known = ((one.email, card.skills[one.id]) for one in card.curators)
    return {
        "name": card.name,
        **{name: getattr(card, name) for name in (*_CHOICES, *_INSTITUTION)},
        "answer_days": card.answer_days or "",
        "curators": "\n".join(
            _line(email, ", ".join(skill.fields), " ".join(skill.languages)) for email, skill in known
        ),
        "checklist": "\n".join(_line(one.says["ja"], one.says["en"], one.project) for one in card.checklist),
    }


def _line(*columns: str) -> str:
    kept = list(columns)
    while kept and not kept[-1]:
        kept.pop()
    return " | ".join(kept)


def _language() -> str:
    return "ja" if (get_language() or "en").startswith("ja") else "en"
