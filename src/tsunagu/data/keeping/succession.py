"""When somebody leaves: data stay with the institution. What they own goes to a successor; nothing is orphaned."""

from __future__ import annotations

from django.db import transaction

from tsunagu.core import events
from tsunagu.core.errors import NotFoundError
from tsunagu.data.datasets import api as datasets
from tsunagu.data.datasets.api import ProjectCard
from tsunagu.data.keeping.errors import BadSuccessorError, SuccessorNeededError
from tsunagu.data.keeping.types import Handover
from tsunagu.foundation.identity import api as identity
from tsunagu.foundation.identity.api import SYSTEM, Actor, PersonCard
from tsunagu.foundation.policy import api as policy
from tsunagu.foundation.runs import api as runs

SUCCEEDED, CLOSED = "keeping.succeeded", "keeping.account_closed"


@transaction.atomic
def succeed(actor: Actor, giver: str, successor: str, *, reason: str = "") -> Handover:
    """Hand over everything that somebody owns: projects, single datasets, guests; instruments and plans follow.

    Waiting requests for access are answered by owners, so they go along. Works for closed accounts too.

    Args:
        actor: An administrator.
        giver: Address of who leaves.
        successor: Address of who takes over.
        reason: Why; it goes into the record.

    Raises:
        ActionDeniedError: the actor is no administrator.
        NotFoundError: nobody here has such an address.
        BadSuccessorError: the successor's account is closed or ends by itself, or is the giver's.
    """
    policy.require(actor, "node.admin", policy.NODE)
    return _hand_over(actor, _person(giver), _successor(giver, successor), reason=reason)


@transaction.atomic
def close_account(actor: Actor, email: str, *, successor: str = "", reason: str = "") -> Handover | None:
    """Close somebody's account, or one's own; its tokens and links die.

    Args:
        actor: An administrator, or the person.
        email: Whose.
        successor: Address of who takes over what the person owns; needed where the person is the only owner whose
            account is open.
        reason: Why; it goes into the record.

    Returns:
        What was handed over; None where no successor was named.

    Raises:
        ActionDeniedError: the actor is neither an administrator nor the person.
        SuccessorNeededError: data would be left without an owner.
        LastAdministratorError: nobody would administer the node.
    """
    person = identity.find_person(email)
    # A narrow token or a program that acts for somebody closes no account, not even that person's.
    is_own_hand = not actor.agent and (actor.scope is None or actor.scope.is_whole)
    if person is None or person.id != actor.id or not is_own_hand:
        policy.require(actor, "node.admin", policy.NODE)
    person = _person(email)
    handed = None
    if successor:
        handed = _hand_over(actor, person, _successor(email, successor), reason=reason)
    elif alone := sole_projects(person.id):
        names = ", ".join(card.name for card in alone[:5])
        raise SuccessorNeededError(f"{person.email} is the only owner of {len(alone)} projects: {names}.")
    token_count = identity.close_account(person.id)
    runs.record(
        actor,
        "close_account",
        parameters={"token_count": token_count},
        links=[runs.Link("in", "person", person.id, person.name)],
        reason=reason[:4000],
    )
    events.record(CLOSED, person_id=person.id)
    return handed


@transaction.atomic
def reopen_account(actor: Actor, email: str, *, reason: str = "") -> None:
    """Open a closed account again; its tokens stay dead, and what was handed over stays where it is.

    Raises:
        ActionDeniedError: the actor is no administrator.
        NotFoundError: nobody here has such an address.
    """
    policy.require(actor, "node.admin", policy.NODE)
    person = _person(email)
    if identity.reopen_account(person.id):
        link = runs.Link("in", "person", person.id, person.name)
        runs.record(actor, "reopen_account", links=[link], reason=reason[:4000])


def sole_projects(person_id: str) -> list[ProjectCard]:
    """Projects of which somebody is the only owner whose account is open."""
    mine = [scope.id for scope in policy.owned_by(person_id) if scope.kind == "project"]
    owners = policy.lasting_owners(mine)
    others = identity.open_accounts(one for found in owners.values() for one in found if one != person_id)
    return datasets.projects_by_id(key for key in mine if not owners.get(key, frozenset()) & others)


def orphans(actor: Actor, *, limit: int = 200) -> list[tuple[ProjectCard, list[PersonCard]]]:
    """Projects all of whose owners have closed accounts, with those owners; for administrators.

    Raises:
        ActionDeniedError: the actor is no administrator.
    """
    policy.require(actor, "node.admin", policy.NODE)
    found = _orphans()
    people = identity.people(one for owners in found.values() for one in owners)
    cards = datasets.projects_by_id(list(found)[:limit])
    return [(card, [people[one] for one in sorted(found[card.id]) if one in people]) for card in cards]


def adopt() -> int:
    """Give what a guest whose stay ended owned alone to who answered for them; returns how many guests."""
    gone = {one for owners in _orphans().values() for one in owners}
    count = 0
    for guest, sponsor in identity.sponsors(gone).items():
        if identity.may_succeed(sponsor):
            people = identity.people([guest, sponsor])
            _hand_over(SYSTEM, people[guest], people[sponsor], reason="The guest's stay is over.")
            count += 1
    return count


def _orphans() -> dict[str, frozenset[str]]:
    owners = policy.lasting_owners()
    working = identity.open_accounts({one for found in owners.values() for one in found})
    return {project: found for project, found in owners.items() if not found & working}


@transaction.atomic
def _hand_over(actor: Actor, giver: PersonCard, successor: PersonCard, *, reason: str) -> Handover:
    scopes = policy.hand_over(giver.id, successor.id, by=actor.id)
    guest_count = identity.hand_over_guests(giver.id, successor.id)
    run_id = runs.record(
        actor,
        "succeed",
        parameters={"scope_count": len(scopes), "guest_count": guest_count},
        links=[
            runs.Link("in", "person", giver.id, giver.name),
            runs.Link("out", "person", successor.id, successor.name),
            *(runs.Link("in", scope.kind, scope.id) for scope in scopes),
        ],
        reason=reason[:4000],
    )
    events.record(
        SUCCEEDED,
        giver_id=giver.id,
        successor_id=successor.id,
        projects=[scope.id for scope in scopes if scope.kind == "project"],
    )
    return Handover(
        run_id,
        tuple(scope.id for scope in scopes if scope.kind == "project"),
        tuple(scope.id for scope in scopes if scope.kind == "dataset"),
        guest_count,
    )


def _person(email: str) -> PersonCard:
    person = identity.find_person(email)
    if person is None:
        raise NotFoundError(f"Nobody here has the address {email}.")
    return person


def _successor(giver: str, email: str) -> PersonCard:
    person = _person(email)
    if person.email == giver.strip().lower() or not identity.may_succeed(person.id):
        raise BadSuccessorError
    return person
