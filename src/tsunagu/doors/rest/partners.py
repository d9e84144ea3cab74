"""Computers that nodes lend each other: offers to partners, sites of partners, runs of partners here."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.http import HttpRequest
from ninja import Router, Status

from tsunagu.compute.hosting import api as hosting
from tsunagu.compute.jobs import api as jobs
from tsunagu.compute.partners import api as partners
from tsunagu.core import clock
from tsunagu.data.datasets import api as datasets
from tsunagu.doors.rest import schemas_partners as schemas
from tsunagu.doors.who import actor_of, require_actor

router = Router(tags=["compute"])
_MOST_LISTED = 100


@router.get("/compute/own", response=schemas.Own)
def own(request: HttpRequest) -> Any:
    """What the administrators of a partner node enter about this one."""
    return asdict(partners.own_card(require_actor(request)))


@router.get("/compute/offers", response=schemas.OfferList)
def offers(request: HttpRequest) -> Any:
    """What this node lends, and what was used of it."""
    return {"offers": [_shown(one) for one in hosting.list_lent(require_actor(request))]}


@router.post("/compute/offers", response={201: schemas.ComputeOffer})
def offer(request: HttpRequest, body: schemas.NewOffer) -> Any:
    """Lend to another node."""
    given = body.dict()
    limits = jobs.Limits(**given.pop("limits"))
    actor = require_actor(request)
    made = partners.offer(actor, partners.NewOffer(**given, limits=limits), executors=jobs.LENDABLE)
    return Status(201, _shown(next(one for one in hosting.list_lent(actor) if one.offer.id == made.id)))


@router.post("/compute/offers/{offer}/withdraw", response=schemas.OfferList)
def withdraw(request: HttpRequest, offer: str) -> Any:
    """End an offer at once, and every run under it."""
    actor = require_actor(request)
    made = partners.withdraw(actor, offer)
    return {"offers": [_shown(one) for one in hosting.list_lent(actor) if one.offer.id == made.id]}


@router.get("/compute/sites", response=schemas.SiteList)
def sites(request: HttpRequest) -> Any:
    """Other nodes where runs may go."""
    return {"sites": [asdict(one) for one in partners.list_sites(require_actor(request))]}


@router.post("/compute/sites", response={201: schemas.Site})
def add_site(request: HttpRequest, body: schemas.NewSite) -> Any:
    """Let runs go to another node."""
    made = partners.add_site(require_actor(request), partners.NewSite(**body.dict()), reserved=jobs.RESERVED)
    return Status(201, asdict(made))


@router.delete("/compute/sites/{site}", response=schemas.Site)
def close_site(request: HttpRequest, site: str) -> Any:
    """Let no more runs go there."""
    return asdict(partners.close_site(require_actor(request), site))


@router.get("/compute/guests", response=schemas.GuestList)
def guests(request: HttpRequest, after: str = "", limit: int = 50) -> Any:
    """Runs of partner nodes on this one, newest first."""
    limit = max(1, min(limit, _MOST_LISTED))
    found = hosting.list_guests(require_actor(request), before=after[:26], limit=limit + 1)
    shown = found[:limit]
    return {"guests": [asdict(one) for one in shown], "next": shown[-1].run if len(found) > limit else None}


@router.post("/compute/guests/{guest}/end", response=schemas.Guest)
def end_guest(request: HttpRequest, guest: str) -> Any:
    """End a run of a partner node."""
    return asdict(hosting.end_guest(require_actor(request), guest))


@router.get("/datasets/{project}/{dataset}/places", response=schemas.PlaceList)
def places(request: HttpRequest, project: str, dataset: str) -> Any:
    """Where code may run on this dataset, and what hinders where it may not."""
    actor = actor_of(request)
    card = datasets.get_dataset(actor, project, dataset)
    return {"places": [asdict(one) for one in jobs.places_for(actor, card)]}


def _shown(lent: hosting.Lent) -> dict[str, Any]:
    said = asdict(lent)
    return {
        **said.pop("offer"),
        **said,
        "until": clock.isoformat(lent.offer.until),
        "left": asdict(lent.left),
    }
