"""Giving roles and taking them away, as runs; and saying what somebody may do."""

from __future__ import annotations

import datetime as dt

from django.db import transaction

from tsunagu.core import clock, settings
from tsunagu.core.errors import InvalidInputError, NotFoundError
from tsunagu.data.datasets import api as datasets
from tsunagu.data.sharing.types import DATASET_ACTIONS, Explained
from tsunagu.foundation.identity import api as identity
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy
from tsunagu.foundation.runs import api as runs

_PART = 500
Scope = datasets.ProjectCard | datasets.DatasetCard


@transaction.atomic
def share(
    actor: Actor, scope: Scope, *, role: str, email: str = "", instrument: str = "", until: str = ""
) -> None:
    """Give a person (by address) or an instrument (by ULID) a role, replacing the one before; a recorded decision.

    Args:
        actor: Who gives it.
        scope: A project or a dataset.
        role: One of ``policy.Role``.
        email: Whose role, by address or ULID; or ``instrument``.
        instrument: ULID.
        until: The last day (in the node's time zone) or the moment at which the role ends by itself; empty: no end.

    Raises:
        InvalidInputError: no such role, or the end is no date or is past.
        NotFoundError: nobody here has that address, or the actor may not know the scope.
        ActionDeniedError: the actor does not manage the scope.
        LastOwnerError: a project would be left without an owner, now or at the end of this role.
    """
    # Asked before the address is looked up: who does not manage the scope must not learn who has an account here.
    policy.require(actor, f"{scope.resource.kind}.manage", scope.resource)
    if role not in set(policy.Role):
        raise InvalidInputError(
            f"{role!r} is no role.", remedy="Roles are owner, editor, reader and instrument."
        )
    kind, subject, name = ("instrument", instrument, "") if instrument else ("person", *_person(email))
    ends = moment_of(until)
    policy.grant(
        actor, scope.resource, subject_kind=kind, subject_id=subject, role=policy.Role(role), expires_at=ends
    )
    said = {"role": role, "until": clock.isoformat(ends) if ends else ""}
    _record(actor, "share", scope, runs.Link("in", kind, subject, name), said)


@transaction.atomic
def unshare(actor: Actor, scope: Scope, member: str) -> None:
    """Take a role away; one may give up one's own.

    Args:
        actor: Who takes it.
        scope: A project or a dataset.
        member: ULID of a person or an instrument, or a person's address.

    Raises:
        NotFoundError: that one has no role here.
        ActionDeniedError: the actor does not manage the scope.
        LastOwnerError: a project would be left without an owner.
    """
    if member != actor.id:
        policy.require(actor, f"{scope.resource.kind}.manage", scope.resource)
    person = identity.find_person(member) if "@" in member else None
    wanted = person.id if person else member
    held = [one for one in policy.members(scope.resource) if one.subject_id == wanted]
    if not held:
        raise NotFoundError(f"{member} has no role here.")
    policy.revoke(actor, scope.resource, subject_kind=held[0].subject_kind, subject_id=wanted)
    name = identity.people([wanted]).get(wanted)
    link = runs.Link("in", held[0].subject_kind, wanted, name.name if name else "")
    _record(actor, "unshare", scope, link, {"role": str(held[0].role)})


def end_roles() -> int:
    """Record the end of every role that is over; returns how many."""
    count = 0
    while True:
        with transaction.atomic():
            ended = policy.take_ended(limit=_PART)
            for grant in ended:
                person = identity.people([grant.subject_id]).get(grant.subject_id)
                runs.record(
                    identity.SYSTEM,
                    "share_ended",
                    dataset_id=grant.scope_id if grant.scope_kind == "dataset" else "",
                    parameters={"role": grant.role, "until": grant.ended_at},
                    links=[
                        runs.Link("in", grant.scope_kind, grant.scope_id),
                        runs.Link("in", grant.subject_kind, grant.subject_id, person.name if person else ""),
                    ],
                )
        count += len(ended)
        if len(ended) < _PART:
            return count


def explain(actor: Actor, scope: Scope, action: str, *, email: str = "") -> Explained:
    """What the rules say to an action, for oneself or, for those who manage the scope, for somebody else.

    Args:
        actor: Who asks.
        scope: A project or a dataset that the asker knows.
        action: ``read``, ``freeze`` ... or with its kind, ``dataset.read``.
        email: About whom; empty: about the asker.

    Raises:
        InvalidInputError: there is no such action on such a thing.
        NotFoundError: nobody here has that address.
        ActionDeniedError: the asker asks about somebody else and does not manage the scope.
    """
    kind = scope.resource.kind
    name = action if "." in action else f"{kind}.{action}"
    if name not in policy.ACTIONS or not name.startswith(f"{kind}."):
        known = sorted(one.partition(".")[2] for one in policy.ACTIONS if one.startswith(f"{kind}."))
        raise InvalidInputError(
            f"{action!r} is no action on a {kind}.", remedy=f"Actions are {', '.join(known)}."
        )
    if not email:
        return Explained(name, policy.decide(actor, name, scope.resource))
    policy.require(actor, f"{kind}.manage", scope.resource)
    person_id, _ = _person(email)
    person = identity.people([person_id])[person_id]
    other = Actor("person", person.id, person.name)
    return Explained(name, policy.decide(other, name, scope.resource), person)


def explain_all(actor: Actor, scope: datasets.DatasetCard, *, email: str) -> list[Explained]:
    """The same for every action on a dataset that pages name."""
    return [explain(actor, scope, action, email=email) for action in DATASET_ACTIONS]


def moment_of(until: str) -> dt.datetime | None:
    """The end that somebody wrote, None for no end.

    Raises:
        InvalidInputError: it is no date, or it is past.
    """
    if not until:
        return None
    try:
        moment = clock.end_of(until, settings.current().time_zone)
    except (ValueError, OverflowError):
        raise InvalidInputError(
            f"{until!r} is no date.", remedy="Write a date as 2027-03-31; that day is the last one."
        ) from None
    if moment <= clock.now():
        raise InvalidInputError(f"{until} is past.", remedy="Give a date that is still to come.")
    return moment


def _person(email: str) -> tuple[str, str]:
    # A ULID serves as well: forms that change the role of a member have it.
    person = identity.find_person(email) if "@" in email else identity.people([email]).get(email)
    if person is None:
        raise NotFoundError(
            f"Nobody here has the address {email}.",
            remedy="The administrator can invite people (tsunagu admin link).",
        )
    return person.id, person.name


def _record(actor: Actor, what: str, scope: Scope, subject: runs.Link, said: dict[str, str]) -> None:
    is_dataset = scope.resource.kind == "dataset"
    label = scope.slug if isinstance(scope, datasets.DatasetCard) else scope.name
    runs.record(
        actor,
        what,
        dataset_id=scope.id if is_dataset else "",
        parameters=said,
        links=[runs.Link("in", scope.resource.kind, scope.id, label), subject],
    )
