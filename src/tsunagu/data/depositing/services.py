"""What people ask for: deposit a publication, say what became of one that was lost, and what follows from the record."""

from __future__ import annotations

from django.db import transaction

from tsunagu.core import clock, events
from tsunagu.data.depositing import repositories, selectors, sword
from tsunagu.data.depositing.errors import NotPublishedError, StrangeAddressError, UndecidedError
from tsunagu.data.depositing.models import Deposit
from tsunagu.data.depositing.types import DepositCard
from tsunagu.data.publication import api as publication
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy

WANTED = "depositing.wanted"


@transaction.atomic
def deposit(
    actor: Actor, publication_id: str, to: str, *, found_at: str = "", is_absent: bool = False
) -> DepositCard:
    """Have a published version deposited into a repository, or brought up to date there; it is sent afterwards.

    Args:
        actor: Who may publish it.
        publication_id: Which one.
        to: Name of the repository.
        found_at: Of one whose answer was lost: the address of its deposit in the repository.
        is_absent: Of one whose answer was lost: somebody looked, and it is not there.

    Raises:
        NoPublicationError: there is none, or the actor may not see it.
        ActionDeniedError: the actor may not publish it.
        NotPublishedError: it is not public.
        NoRepositoryError: its institution has no repository of that name.
        UndecidedError: it was sent and no answer came.
        StrangeAddressError: ``found_at`` is no deposit of this repository.
    """
    card = publication.get_publication(actor, publication_id)
    policy.require(actor, "publication.publish", card.resource)
    if card.state not in {"published", "withdrawn"}:
        raise NotPublishedError
    repository = repositories.named(to, card.institution)
    repositories.lock(to)  # two who ask at once make one
    row = Deposit.objects.select_for_update().filter(repository=to, publication_id=card.id).first()
    is_open = row is not None and row.state != "sending" and not row.deposit_url
    if row is not None and is_open and (found_at or row.state == "unknown"):
        _decide(row, repository, found_at, is_absent=is_absent)
    elif card.state != "published":
        if row is None or not row.is_removal or row.state != "refused":
            raise NotPublishedError
        row.state, row.next_try = "waiting", clock.now()  # a removal that was refused, once more
    elif row is None:
        row = Deposit(
            repository=to,
            publication_id=card.id,
            dataset_id=card.dataset_id,
            place=card.place,
            number=card.number,
            made_at=clock.now(),
            next_try=clock.now(),
        )
    elif row.state in {"done", "refused", "withdrawn"}:
        _anew(row)
    else:
        return selectors.card_of(row)  # under way already
    row.save()
    publication.note_deposit(card.id, "deposit", repository.title, {"repository": to}, actor=actor)
    events.record(WANTED)
    return selectors.card_of(row)


def _decide(row: Deposit, repository: repositories.Repository, found_at: str, *, is_absent: bool) -> None:
    """A person looked for what was lost."""
    if found_at:
        address = repository.own(found_at.strip())
        if not sword.is_deposit(address) or len(address) > 1000:  # noqa: PLR2004 - the column's size
            raise StrangeAddressError
        row.deposit_url, row.state = address, "unknown"
    elif not is_absent:
        raise UndecidedError
    else:
        row.state = "waiting"
    row.next_try = clock.now()


def _anew(row: Deposit) -> None:
    if row.state == "withdrawn":
        # What was deleted there never comes back under its address.
        row.deposit_url = row.activity_url = row.item_url = row.taken_hash = ""
    row.state, row.next_try, row.is_removal = "waiting", clock.now(), False
    row.attempts, row.failing_since, row.leaves_files_out, row.is_removal_sent = 0, None, False, False


@transaction.atomic
def follow(publication_id: str) -> None:
    """Bring deposits in step with a record that changed: replace them, or take them out once it was withdrawn.

    What was taken out stays out until somebody wishes it anew; what never came in is due again with the record.
    """
    rows = Deposit.objects.select_for_update().filter(publication_id=publication_id)
    state = publication.state_of(publication_id)
    if state == "moved":  # what stands in a repository stays, and its address leads on
        return
    is_removal = state == "withdrawn"
    for row in rows:
        if row.state == "withdrawn":
            if row.is_removal and not row.deposit_url and not is_removal:
                _anew(row)
                row.save()
            continue
        if row.is_removal and is_removal:
            continue
        row.is_removal, row.is_stale = is_removal, not is_removal
        if row.state in {"done", "refused"} and (row.deposit_url or is_removal):
            row.state, row.next_try, row.attempts, row.failing_since = "waiting", clock.now(), 0, None
        row.save(update_fields=["is_removal", "is_stale", "state", "next_try", "attempts", "failing_since"])
    events.record(WANTED)
