"""What every step of a publication leaves behind: a run, a row of its history, news for rooms above."""

from __future__ import annotations

from typing import Any

from tsunagu.core import clock, events
from tsunagu.data.publication import checks, selectors
from tsunagu.data.publication.errors import (
    NoPublicationError,
    NotReadyError,
    OwnRequestError,
    WrongStateError,
)
from tsunagu.data.publication.models import Publication, ReviewEntry
from tsunagu.data.publication.types import Finding
from tsunagu.foundation.identity.api import SYSTEM, Actor
from tsunagu.foundation.policy import api as policy
from tsunagu.foundation.runs import api as runs

CHANGED = "publication.changed"
_LONGEST = 4000


def row_under_review(actor: Actor, publication_id: str) -> Publication:
    """A publication about which the actor may decide now, locked.

    Raises:
        NoPublicationError: there is none, or the actor may not see it.
        OwnRequestError: the actor asked for it, and somebody else can decide.
        ActionDeniedError: the actor does not review it.
        WrongStateError: it is decided already.
    """
    row = selectors.row_for(actor, publication_id, locks=True)
    resource = selectors.resource_of(row)
    decision = policy.decide(actor, "publication.review", resource)
    if not decision:
        own = resource.asked_by == actor.id
        raise (OwnRequestError if own else policy.ActionDeniedError).of(decision, "publication.review")
    if row.state not in selectors.WAITING:
        raise WrongStateError(f"The publication is {row.state.replace('_', ' ')}.", state=row.state)
    return row


def refuse_unready(found: list[Finding]) -> None:
    """Go on only where no check blocks.

    Raises:
        NotReadyError: with every blocking finding among its fields.
    """
    bad = checks.blocking(found)
    if bad:
        said = [{"code": one.code, "says": dict(one.says), "todo": dict(one.todo)} for one in bad]
        raise NotReadyError(" ".join(one.says["en"] for one in bad), findings=said)


def note_step(
    actor: Actor,
    row: Publication,
    step: str,
    text: str = "",
    *,
    field: str = "",
    path: str = "",
    said: dict[str, Any] | None = None,
) -> str:
    """Write a step down: a run, a row of the history, the news for rooms above; the id of the run.

    The words stay in the history: what stands in the ledger can never be taken out.
    """
    run_id = runs.record(
        actor,
        f"publication_{step}",
        dataset_id=row.dataset_id,
        parameters={"number": row.number, "state": row.state, **(said or {})},
        links=[
            runs.Link("in", "dataset", row.dataset_id, row.place),
            runs.Link("in", "version", row.version_hash, f"v{row.number}"),
            runs.Link("out", "publication", row.uid, row.place),
        ],
    )
    entry = ReviewEntry.objects.create(
        publication=row,
        number=row.number,
        step=step,
        text=text.strip()[:_LONGEST],
        field=field.strip()[:100],
        path=path[:4096],
        author_id=actor.id,
        author_name=actor.name,
        run_id=run_id,
        written_at=clock.now(),
    )
    events.record(CHANGED, publication=row.uid, state=row.state, entry=entry.pk)
    return run_id


def note_deposit(
    publication_id: str, step: str, text: str, said: dict[str, Any], *, actor: Actor = SYSTEM
) -> str:
    """Write down what became of a publication in a repository; the caller has asked the rules.

    Raises:
        NoPublicationError: there is none.
    """
    row = Publication.objects.filter(pk=publication_id).first()
    if row is None:
        raise NoPublicationError
    return note_step(actor, row, step, text, said=said)
