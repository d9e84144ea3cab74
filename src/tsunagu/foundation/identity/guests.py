"""Guests: researchers without an identity provider, with somebody who answers for them and a day on which it ends.

An invitation is a sign-in link to an account of this kind. When the day has come the account closes by itself; the
sponsor or an administrator extends it. Somebody who links an institution is a guest no longer.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db import transaction

from tsunagu.core import clock
from tsunagu.foundation.identity.errors import BadStayError, NotSponsorError
from tsunagu.foundation.identity.models import Person, SignInLink
from tsunagu.foundation.identity.services import ensure_person, make_sign_in_link
from tsunagu.foundation.identity.types import Actor

_LONGEST = dt.timedelta(days=366)
_LINK_LIVES = dt.timedelta(days=14)


@dataclass(frozen=True, slots=True)
class GuestCard:
    """A guest as the sponsor sees it; times RFC 3339.

    Attributes:
        state: ``invited`` (never came), ``here`` or ``ended``.
    """

    id: str
    email: str
    name: str
    note: str
    sponsor_id: str
    sponsor: str
    until: str
    state: str


@transaction.atomic
def invite(actor: Actor, email: str, *, name: str, until: dt.datetime, note: str = "") -> str:
    """Make an account for a guest; returns the secret of a link that opens it once, within two weeks.

    Somebody who has an account keeps it as it is, and the answer is empty: they need no link.

    Raises:
        BadEmailError: the text is no e-mail address.
        BadStayError: the end is past or more than a year away.
    """
    _refuse_bad_end(until)
    is_new = not Person.objects.filter(email=email.strip().lower()).exists()
    card = ensure_person(email, name=name[:200])
    if not is_new:
        return ""
    sponsor = Person.objects.get(uid=actor.id)
    Person.objects.filter(uid=card.id).update(sponsor=sponsor, stay_until=until, stay_note=note[:500])
    return make_sign_in_link(card.id, lifetime=_LINK_LIVES)


@transaction.atomic
def extend_stay(actor: Actor, guest_id: str, until: dt.datetime) -> None:
    """Move the end of a guest's stay; an account that closed at its end opens again.

    Raises:
        NotSponsorError: somebody else invited the guest.
        BadStayError: the end is past or more than a year away.
    """
    guest = _own_guest(actor, guest_id)
    _refuse_bad_end(until)
    is_closed_by_end = guest.stay_until is not None and guest.stay_until <= clock.now()
    guest.stay_until = until
    guest.is_active = guest.is_active or is_closed_by_end
    guest.save(update_fields=["stay_until", "is_active"])


@transaction.atomic
def end_stay(actor: Actor, guest_id: str) -> None:
    """Close a guest's account now; links that were not used stop working.

    Raises:
        NotSponsorError: somebody else invited the guest.
    """
    guest = _own_guest(actor, guest_id)
    guest.stay_until, guest.is_active = clock.now(), False
    guest.save(update_fields=["stay_until", "is_active"])
    SignInLink.objects.filter(person=guest, used_at=None).delete()


@transaction.atomic
def renew_invitation(actor: Actor, guest_id: str) -> str:
    """A new link for a guest who lost theirs; the ones before it stop working.

    Raises:
        NotSponsorError: somebody else invited the guest.
    """
    guest = _own_guest(actor, guest_id)
    SignInLink.objects.filter(person=guest, used_at=None).delete()
    return make_sign_in_link(guest.uid, lifetime=_LINK_LIVES)


def end_stays() -> int:
    """Close the accounts of guests whose day has come; returns how many."""
    return Person.objects.filter(stay_until__lte=clock.now(), is_active=True).update(is_active=False)


def stay_is_over(person: Person) -> bool:
    """Whether a guest's day has come, to the second and not to the next run of the job."""
    return person.stay_until is not None and person.stay_until <= clock.now()


def guests_of(actor: Actor) -> list[GuestCard]:
    """The guests that somebody invited; an administrator sees those of everybody."""
    rows = (
        Person.objects.filter(stay_until__isnull=False).select_related("sponsor").order_by("stay_until", "pk")
    )
    if not actor.is_admin:
        rows = rows.filter(sponsor__uid=actor.id)
    return [_card(row) for row in rows[:200]]


def _card(row: Person) -> GuestCard:
    is_over = not row.is_active or stay_is_over(row)
    state = "ended" if is_over else "here" if row.last_login else "invited"
    return GuestCard(
        id=row.uid,
        email=row.email,
        name=row.name,
        note=row.stay_note,
        sponsor_id=row.sponsor.uid if row.sponsor else "",
        sponsor=str(row.sponsor) if row.sponsor else "",
        until=clock.isoformat(row.stay_until) if row.stay_until else "",
        state=state,
    )


def _own_guest(actor: Actor, guest_id: str) -> Person:
    guest = Person.objects.select_for_update().filter(uid=guest_id, stay_until__isnull=False).first()
    if guest is None or not (actor.is_admin or (guest.sponsor is not None and guest.sponsor.uid == actor.id)):
        raise NotSponsorError
    return guest


def _refuse_bad_end(until: dt.datetime) -> None:
    now = clock.now()
    if not now < until <= now + _LONGEST:
        raise BadStayError
