"""Reading deposits, for those who see the publication."""

from __future__ import annotations

from django.utils.translation import gettext as _

from tsunagu.core import clock
from tsunagu.data.depositing import repositories
from tsunagu.data.depositing.delivering import NEVER_IN
from tsunagu.data.depositing.models import Deposit, RepositoryState
from tsunagu.data.depositing.types import DepositCard, RepositoryCard
from tsunagu.data.publication import api as publication
from tsunagu.foundation.identity.api import Actor


def deposits_of(actor: Actor, publication_id: str) -> list[DepositCard]:
    """What became of a publication in repositories.

    Raises:
        NoPublicationError: there is none, or the actor may not see it.
    """
    publication.get_publication(actor, publication_id)
    return [
        card_of(row) for row in Deposit.objects.filter(publication_id=publication_id).order_by("repository")
    ]


def repositories_for(actor: Actor, publication_id: str) -> list[RepositoryCard]:
    """The repositories into which a publication can go. Raises the same."""
    card = publication.get_publication(actor, publication_id)
    problems = dict(
        RepositoryState.objects.filter(paused_until__gt=clock.now()).values_list("name", "problem")
    )
    return [
        RepositoryCard(one.name, one.title, problems.get(one.name, ""))
        for one in repositories.every(card.institution)
    ]


def card_of(row: Deposit) -> DepositCard:
    """A row as others see it."""
    known = next((one for one in repositories.every() if one.name == row.repository), None)
    return DepositCard(
        id=row.uid,
        publication=row.publication_id,
        place=row.place,
        version=row.number,
        repository=row.repository,
        title=known.title if known else row.repository,
        state=row.state,  # type: ignore[arg-type]
        is_removal=row.is_removal,
        needs_person=row.state == "unknown"
        and not row.deposit_url
        and not (known and known.finds_duplicates),
        held_since=clock.isoformat(row.held_since) if row.held_since else "",
        item_url=row.item_url,
        activity_url=row.activity_url if row.state == "held" else "",
        deposit_url=row.deposit_url,
        attempts=row.attempts,
        next_try_at=clock.isoformat(row.next_try) if row.state in {"waiting", "held"} else "",
        last_status=row.last_status,
        last_error=_(row.last_error) if row.last_error == NEVER_IN else row.last_error,
        has_files=row.has_files,
        done_at=clock.isoformat(row.done_at) if row.done_at else "",
    )
