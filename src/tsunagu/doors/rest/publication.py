"""Publishing: institutions, requests, review."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from django.http import HttpRequest
from ninja import Router, Status

from tsunagu.core import settings
from tsunagu.core.errors import NotFoundError
from tsunagu.data.datasets import api as datasets
from tsunagu.data.publication import api as publication
from tsunagu.doors.rest import publication_schemas as schemas
from tsunagu.doors.who import actor_of, require_actor
from tsunagu.foundation.identity.api import Actor

router = Router(tags=["publication"])
# The argument of a route hides the room of the same name.
_write_article = publication.write_article


@router.get("/institutions", response=schemas.InstitutionList)
def list_institutions(request: HttpRequest) -> Any:
    """Institutions that publish on this node; everybody may know them."""
    actor = actor_of(request)
    return {"institutions": [_institution(actor, one) for one in publication.list_institutions()]}


@router.put("/institutions/{institution}", response=schemas.Institution)
def put_institution(request: HttpRequest, institution: str, body: schemas.InstitutionWish) -> Any:
    """Make an institution, or change one; for administrators of the node."""
    actor = require_actor(request)
    wish = body.model_dump(exclude_none=True)
    return _institution(actor, publication.write_institution(actor, institution, wish))


@router.post("/datasets/{project}/{dataset}/publications", response={201: schemas.Publication})
def request_publication(
    request: HttpRequest, project: str, dataset: str, body: schemas.PublicationWish
) -> Any:
    """Ask an institution to publish a frozen version; public at once where its rules let you."""
    actor = require_actor(request)
    card = datasets.get_dataset(actor, project, dataset)
    made = publication.request(actor, card, **body.model_dump())
    return Status(201, _whole(actor, made.id))


@router.get("/datasets/{project}/{dataset}/publications", response=schemas.PublicationList)
def list_publications(request: HttpRequest, project: str, dataset: str) -> Any:
    """Publications of a dataset, newest version first, for its members."""
    actor = actor_of(request)
    card = datasets.get_dataset(actor, project, dataset)
    return {"publications": [_row(one) for one in publication.of_dataset(actor, card)]}


@router.get("/publications", response=schemas.PublicationList)
def list_queue(
    request: HttpRequest,
    institution: str = "",
    state: str = "",
    assigned: str = "",
    after: str = "",
    limit: int = 100,
) -> Any:
    """What waits for you as a curator, oldest first; `assigned` is `me`, `nobody` or empty."""
    actor = require_actor(request)
    limit = min(max(limit, 1), 500)
    found = publication.queue(
        actor, institution=institution, state=state, assigned=assigned, after=after, limit=limit
    )
    following = found[-1].id if len(found) == limit else None
    return {"publications": [_row(one) for one in found], "next": following}


@router.get("/publications/articles", response=schemas.ArticleList)
def list_articles(request: HttpRequest, status: str = "") -> Any:
    """Articles of your institutions as a curator, with how far open access of each is."""
    found = publication.list_articles(require_actor(request), status=status)
    rows = [
        {
            **_row(one.card),
            "open_access": asdict(one.open_access),
            "text_version": one.said.get("text_version", ""),
            "journal": one.said.get("journal", ""),
            "data_count": one.data_count,
        }
        for one in found
    ]
    return {"articles": rows}


@router.put("/publications/{publication}/article", response=schemas.Publication)
def put_article(request: HttpRequest, publication: str, body: schemas.ArticleWish) -> Any:
    """Say anew what there is to say of an article; its record and those of the data behind it change with it."""
    actor = require_actor(request)
    _write_article(actor, publication, body.model_dump())
    return _whole(actor, publication)


@router.post("/publications/next", response=schemas.Publication)
def take_next(request: HttpRequest, body: schemas.NextWish) -> Any:
    """Give yourself what you should review next: late ones first, then what fits you, then the oldest."""
    actor = require_actor(request)
    found = publication.take_next(actor, body.institution)
    if found is None:
        raise NotFoundError(
            "Nothing waits for a curator.", remedy="tsunagu review list shows what is under way."
        )
    return _whole(actor, found.id)


@router.get("/publications/{publication}", response=schemas.Publication)
def get_publication(request: HttpRequest, publication: str) -> Any:
    """One publication with every step, what the checks say now, and how far its DOIs are."""
    return _whole(actor_of(request), publication)


_STEPS: dict[str, Callable[[Actor, str, schemas.Step], Any]] = {
    "comment": lambda actor, key, body: publication.comment(
        actor, key, body.text, field=body.field, path=body.path
    ),
    "check": lambda actor, key, body: publication.answer(actor, key, body.answers, body.text),
    "assign": lambda actor, key, body: publication.assign(actor, key, body.to),
    "ask-changes": lambda actor, key, body: publication.ask_changes(
        actor, key, body.text, field=body.field, path=body.path
    ),
    "approve": lambda actor, key, body: publication.approve(actor, key, body.text),
    "reject": lambda actor, key, body: publication.reject(actor, key, body.text),
    "publish": lambda actor, key, _body: publication.publish(actor, key),
    "correct": lambda actor, key, body: publication.correct(actor, key, body.text),
    "withdraw": lambda actor, key, body: publication.withdraw(actor, key, body.text),
    "restore": lambda actor, key, _body: publication.restore(actor, key),
    "try-again": lambda actor, key, _body: publication.try_again(actor, key),
}


@router.post("/publications/{publication}/{step}", response=schemas.Publication)
def take_step(request: HttpRequest, publication: str, step: str, body: schemas.Step) -> Any:
    """`comment`, `assign`, `check`, `ask-changes`, `approve` (and publish), `reject`, `publish`, `correct`, `withdraw`, `restore`, `try-again`."""
    actor = require_actor(request)
    if step not in _STEPS:
        raise NotFoundError(f"{step!r} is no step.", remedy=f"Steps are {', '.join(_STEPS)}.")
    _STEPS[step](actor, publication, body)
    return _whole(actor, publication)


def _institution(actor: Actor, card: publication.InstitutionCard) -> dict[str, Any]:
    return {
        **asdict(card),
        "curators": [one.email if actor.is_admin else one.name for one in card.curators],
        "skills": {one.email: asdict(card.skills[one.id]) for one in card.curators if actor.is_admin},
        "checklist": [_item(one) for one in card.checklist],
    }


def _item(item: publication.CheckItem) -> dict[str, str]:
    return {"id": item.id, "ja": item.says["ja"], "en": item.says["en"], "project": item.project}


def _row(card: publication.PublicationCard) -> dict[str, Any]:
    return {
        "id": card.id,
        "place": card.place,
        "version": card.number,
        "title": card.title,
        "institution": card.institution,
        "state": card.state,
        "access": card.access,
        "opens_on": card.opens_on,
        "resource_type": card.resource_type,
        "requested_by": card.requested_by.name if card.requested_by else "",
        "requested_at": card.requested_at,
        "assigned_to": card.assigned_to.name if card.assigned_to else "",
        "changed_at": card.changed_at,
        "published_at": card.published_at,
        "doi": card.doi,
        "doi_agency": card.doi_agency,
        "is_doi_registered": card.is_doi_registered,
        "url": f"{settings.current().control_address}/d/{card.place}/v{card.number}",
        "reason": card.reason,
        "age_days": card.age_days,
        "due_at": card.due_at,
        "is_late": card.is_late,
        "moved_to": card.moved_to,
    }


def _whole(actor: Actor, publication_id: str) -> dict[str, Any]:
    history = [
        {
            "step": one.step,
            "text": one.text,
            "field": one.field,
            "path": one.path,
            "version": one.number,
            "author": one.author,
            "written_at": one.written_at,
            "run": one.run_id,
        }
        for one in publication.entries_of(actor, publication_id)
    ]
    findings = [
        {
            "code": one.code,
            "severity": one.severity,
            "field": one.field,
            "says": dict(one.says),
            "todo": dict(one.todo),
        }
        for one in publication.findings_of(actor, publication_id)
    ]
    effects = [asdict(one) for one in publication.effects_of(actor, publication_id)]
    row = _row(publication.get_publication(actor, publication_id))
    checklist = [
        {**_item(one.item), "answer": one.answer, "author": one.author, "answered_at": one.answered_at}
        for one in publication.checklist_of(actor, publication_id)
    ]
    article = publication.article_of(actor, publication_id)
    open_access = asdict(article.open_access) if article else None
    row |= {"history": history, "checklist": checklist, "findings": findings, "effects": effects}
    return {**row, "open_access": open_access}
