"""Whether data may leave for the computers of another node: the rules are told which node it is and what holds there."""

from __future__ import annotations

from typing import Any

from tsunagu.compute.jobs.places import offered
from tsunagu.compute.jobs.types import Place
from tsunagu.compute.partners import api as partners
from tsunagu.data.ai_use import api as ai_use
from tsunagu.data.datasets import api as datasets
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy

_ACTION = "dataset.compute_elsewhere"


def require_may_leave(actor: Actor, card: datasets.DatasetCard, site: partners.SiteCard) -> None:
    """Go on only if runs of this actor may take the dataset to that site.

    Raises:
        ActionDeniedError: a rule, a label, a seal or a term is against it, in words.
        NotFoundError: the actor may not know that the dataset exists.
    """
    policy.require(actor, _ACTION, card.resource, _context(card, site))


def places_for(actor: Actor, card: datasets.DatasetCard) -> list[Place]:
    """Where code may run on a dataset; with what hinders, where it may not. Sites are named to people alone."""
    found = [Place(name, name, is_here=True) for name in offered()]
    for site in partners.list_sites(actor):
        decision = policy.decide(actor, _ACTION, card.resource, _context(card, site))
        found.append(
            Place(
                site.name,
                site.title,
                is_here=False,
                country=site.country,
                may=bool(decision),
                reasons=decision.reasons,
                remedy=decision.remedy,
            )
        )
    return found


def _context(card: datasets.DatasetCard, site: partners.SiteCard) -> dict[str, Any]:
    return {
        "site": site.title,
        "levels": site.levels,
        "country": site.country,
        "countries": ai_use.terms_of(card).terms.countries,
        "is_sealed": bool(card.key_domain),
        "takes_sealed": site.takes_sealed,
    }
