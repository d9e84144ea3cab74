"""Other nodes where runs of this one may go, and what may leave for them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from django.db import IntegrityError, transaction

from tsunagu.compute.partners import offers
from tsunagu.compute.partners.errors import BadPartnerError, NameTakenError, NoSuchPartnerError
from tsunagu.compute.partners.models import Site
from tsunagu.compute.partners.types import NewSite, SiteCard
from tsunagu.core import clock
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.ledger import api as ledger
from tsunagu.foundation.policy import api as policy
from tsunagu.foundation.runs import api as runs

_NAME = re.compile(r"[a-z][a-z0-9-]{1,38}\Z")
# What may leave when nobody said more: nothing about persons, nothing controlled, nothing under a contract.
DEFAULT_LEVELS: Mapping[str, str] = {
    "sensitivity": "2",
    "personal": "anonymised",
    "export_control": "no",
    "contract": "no",
    "consent": "broad",
}


def add_site(actor: Actor, wanted: NewSite, *, reserved: tuple[str, ...]) -> SiteCard:
    """Let runs go to another node.

    Args:
        actor: Who.
        wanted: Where.
        reserved: Names of the places that this node has itself.

    Raises:
        ActionDeniedError: the actor does not administer the node.
        BadPartnerError: the name, the address, the key, the country or a level cannot be.
        EgressRefusedError: this node does not speak to such an address.
        NameTakenError: there is a site of that name.
    """
    policy.require(actor, "node.admin", policy.NODE)
    if not _NAME.match(wanted.name) or wanted.name in reserved:
        raise BadPartnerError(
            f"{wanted.name[:40]!r} cannot be the name of a site.",
            remedy="Use lower-case letters, digits and hyphens; names of this node's own places are taken.",
        )
    levels = {**DEFAULT_LEVELS, **wanted.levels}
    for name, value in levels.items():
        if value not in policy.LEVELS.get(name, ()):
            raise BadPartnerError(f"{name[:40]} = {value[:40]!r} is no level of a label.")
    row = {
        "title": offers.checked_title(wanted.title),
        "address": offers.checked_address(wanted.address),
        "public_key": wanted.public_key.strip(),
        "key_id": ledger.key_id(offers.checked_key(wanted.public_key)),
        "country": offers.checked_country(wanted.country),
        "levels": levels,
        "takes_sealed": wanted.takes_sealed,
        "made_by": actor.id,
        "made_at": clock.now(),
        "closed_at": None,
    }
    try:
        with transaction.atomic():
            Site.objects.filter(name=wanted.name).exclude(closed_at=None).delete()
            made = Site.objects.create(name=wanted.name, **row)
            kept = ("address", "country", "levels", "takes_sealed")
            said = {"site": made.name, "key": made.key_id, **{name: row[name] for name in kept}}
            runs.record(actor, "add_site", parameters=said)
    except IntegrityError:
        raise NameTakenError from None
    return _card(made)


@transaction.atomic
def close_site(actor: Actor, name: str) -> SiteCard:
    """Let no more runs go there; those that are there end as they would.

    Raises:
        ActionDeniedError: the actor does not administer the node.
        NoSuchPartnerError: there is no such site.
    """
    policy.require(actor, "node.admin", policy.NODE)
    if not Site.objects.filter(name=name, closed_at=None).update(closed_at=clock.now()):
        raise NoSuchPartnerError
    runs.record(actor, "close_site", parameters={"site": name})
    return _card(Site.objects.get(name=name))


def list_sites(actor: Actor) -> list[SiteCard]:
    """Sites that are open, for those who are signed in.

    Raises:
        ActionDeniedError: the actor is nobody.
    """
    return open_sites() if actor.kind == "person" else []


def open_sites() -> list[SiteCard]:
    """Sites that are open."""
    return [_card(row) for row in Site.objects.filter(closed_at=None).order_by("name")]


def known_sites() -> list[SiteCard]:
    """Every site, closed ones too: what became of the runs there is still asked."""
    return [_card(row) for row in Site.objects.order_by("name")]


def find_site(name: str) -> SiteCard | None:
    """A site by its name, open or not."""
    row = Site.objects.filter(name=name).first()
    return _card(row) if row else None


def _card(row: Site) -> SiteCard:
    return SiteCard(
        name=row.name,
        title=row.title,
        address=row.address,
        public_key=row.public_key,
        fingerprint=offers.fingerprint(row.public_key),
        country=row.country,
        levels={name: policy.LEVELS[name].index(value) for name, value in row.levels.items()},
        level_words=row.levels,
        takes_sealed=row.takes_sealed,
        is_open=row.closed_at is None,
    )
