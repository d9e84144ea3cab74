"""Closing an account: it opens no more, its tokens and links die; the person's name stays where it is recorded."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction
from django.db.models import Q

from tsunagu.core import clock
from tsunagu.foundation.identity.errors import LastAdministratorError
from tsunagu.foundation.identity.models import AccessToken, Person, SignInLink
from tsunagu.foundation.identity.programs import connections


@transaction.atomic
def close_account(person_id: str) -> int:
    """Close an account; whoever calls has asked the rules. Tokens, links and connections of programs end with it.

    Returns:
        How many tokens died.

    Raises:
        LastAdministratorError: nobody would administer the node.
    """
    person = Person.objects.select_for_update().get(uid=person_id)
    others = Person.objects.filter(is_admin=True, is_active=True).exclude(pk=person.pk)
    if person.is_admin and not others.exists():
        raise LastAdministratorError
    person.is_active = False
    person.save(update_fields=["is_active"])
    SignInLink.objects.filter(person=person, used_at=None).delete()
    connections.end_all(person_id)
    return AccessToken.objects.filter(person=person, revoked_at=None).update(revoked_at=clock.now())


def reopen_account(person_id: str) -> bool:
    """Open a closed account again; whoever calls has asked the rules. Its tokens stay dead; a guest's end stays."""
    return bool(Person.objects.filter(uid=person_id, is_active=False).update(is_active=True))


def open_accounts(ids: Iterable[str]) -> set[str]:
    """Those of the people whose accounts are open."""
    rows = Person.objects.filter(uid__in=set(ids), is_active=True).exclude(stay_until__lte=clock.now())
    return set(rows.values_list("uid", flat=True))


def may_succeed(person_id: str) -> bool:
    """Whether somebody can take data over: the account is open and does not end by itself."""
    return Person.objects.filter(uid=person_id, is_active=True, stay_until=None).exists()


def sponsors(ids: Iterable[str]) -> dict[str, str]:
    """Guest -> who answers for them, of those of the people who are or were guests."""
    rows = Person.objects.filter(Q(sponsor__isnull=False), uid__in=set(ids))
    return dict(rows.values_list("uid", "sponsor__uid"))


def hand_over_guests(giver_id: str, successor_id: str) -> int:
    """Let a successor answer for somebody's guests; returns how many."""
    successor = Person.objects.get(uid=successor_id)
    guests = Person.objects.filter(sponsor__uid=giver_id).exclude(pk=successor.pk)
    return guests.update(sponsor=successor)
