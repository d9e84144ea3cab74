"""Saved searches: each asked again now and then as the person whom it belongs to, by the rules of that moment."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from tsunagu.core import clock, mail, settings
from tsunagu.data.datasets import api as datasets
from tsunagu.data.discovery import harvested
from tsunagu.data.discovery.clauses import FACETS
from tsunagu.data.discovery.errors import NoSuchSearchError, TooManySearchesError
from tsunagu.data.discovery.models import SavedSearch
from tsunagu.data.discovery.selectors import Chosen, matching_ids
from tsunagu.data.discovery.types import SavedCard
from tsunagu.foundation.identity import api as identity
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy

MOST = 50
_MOST_KNOWN = 10_000


def list_saved(actor: Actor) -> list[SavedCard]:
    """One's saved searches, newest first."""
    if actor.kind != "person":
        return []
    rows = list(SavedSearch.objects.filter(person_id=actor.id).order_by("-pk"))
    # By the rules of this moment: even the number of new records must not count what may no longer be seen.
    fresh = {key for row in rows for key in row.fresh}
    nothing = policy.Visibility()
    seen = set(datasets.faces_seen(policy.visible(actor, "dataset"), nothing, fresh)) if fresh else set()
    seen |= harvested.found(fresh).keys()
    return [_card(row, sum(key in seen for key in row.fresh)) for row in rows]


def save(
    actor: Actor, text: str, *, name: str = "", chosen: Chosen | None = None, by_mail: bool = False
) -> SavedCard:
    """Save a search; what it finds today counts as known.

    Raises:
        NotSignedInError: not a person.
        TooManySearchesError: there are as many as one person can have.
    """
    _require_person(actor)
    policy.require_verb(actor, "write")
    held = {key: list(values)[:20] for key, values in (chosen or {}).items() if key in FACETS and values}
    known = matching_ids(actor, text, chosen=held)
    now = clock.now()
    with transaction.atomic():
        if SavedSearch.objects.filter(person_id=actor.id).count() >= MOST:
            raise TooManySearchesError
        row = SavedSearch.objects.create(
            person_id=actor.id,
            name=(
                name.strip() or text.strip() or ", ".join(one for several in held.values() for one in several)
            )[:200],
            query=text[:1000],
            chosen=held,
            by_mail=by_mail,
            known=known[:_MOST_KNOWN],
            made_at=now,
            asked_at=now,
        )
    return _card(row)


def forget(actor: Actor, saved_id: str) -> None:
    """Remove a saved search.

    Raises:
        NoSuchSearchError: there is none of this number that is the actor's.
    """
    policy.require_verb(actor, "write")
    _own(actor, saved_id).delete()


def open_saved(actor: Actor, saved_id: str) -> SavedCard:
    """A saved search whose owner is about to see what it finds: nothing of it is new any more.

    Raises:
        NoSuchSearchError: there is none of this number that is the actor's.
    """
    row = _own(actor, saved_id)
    if row.fresh:
        row.fresh = []
        row.save(update_fields=["fresh"])
    return _card(row)


def ask_all_again() -> int:
    """Ask every saved search again; returns how many found something new."""
    told = 0
    for key in list(SavedSearch.objects.order_by("asked_at").values_list("pk", flat=True)):
        row = SavedSearch.objects.filter(pk=key).first()
        if row is not None:
            told += _ask_again(row)
    return told


def _ask_again(row: SavedSearch) -> bool:
    person = identity.absent_person(row.person_id)
    if person is None:
        return False  # the account is closed: nothing is asked for it, and nobody is told
    actor, email, language = person
    found = matching_ids(actor, row.query, chosen=row.chosen)
    known = set(row.known)
    new = [key for key in found if key not in known]
    # What may no longer be seen is no news either.
    fresh = [key for key in dict.fromkeys([*new, *row.fresh]) if key in set(found)][:_MOST_KNOWN]
    SavedSearch.objects.filter(pk=row.pk).update(
        known=[*new, *row.known][:_MOST_KNOWN], fresh=fresh, asked_at=clock.now()
    )
    if new and row.by_mail:
        _tell(row, len(new), email, language)
    return bool(new)


def _tell(row: SavedSearch, count: int, email: str, language: str) -> None:
    """Mail without a title of what was found: a mailbox may be read by others than the person."""
    node = settings.current()
    with mail.language_of(language):
        subject = _("New results for your saved search on %(node)s") % {"node": node.node_name}
        text = _(
            "Your saved search “%(name)s” has new results: %(count)s. You see them on this page: %(address)s"
        )
        address = f"{node.control_address}/search?saved={row.uid}"
        mail.send(email, subject, text % {"name": row.name, "count": count, "address": address})


def _require_person(actor: Actor) -> None:
    if actor.kind != "person":
        raise identity.NotSignedInError


def _own(actor: Actor, saved_id: str) -> SavedSearch:
    _require_person(actor)
    row = SavedSearch.objects.filter(uid=saved_id, person_id=actor.id).first()
    if row is None:
        raise NoSuchSearchError
    return row


def _card(row: SavedSearch, fresh: int = 0) -> SavedCard:
    return SavedCard(
        id=row.uid,
        name=row.name,
        query=row.query,
        chosen={key: tuple(values) for key, values in row.chosen.items()},
        by_mail=row.by_mail,
        fresh_count=fresh,
        made_at=clock.isoformat(row.made_at),
        asked_at=clock.isoformat(row.asked_at),
    )
