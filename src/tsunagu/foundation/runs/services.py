"""Starting and ending runs."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterable, Mapping
from typing import Any

from django.db import IntegrityError, transaction

from tsunagu import __version__
from tsunagu.core import clock, events
from tsunagu.core.errors import NotFoundError
from tsunagu.core.ids import new_id
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.ledger import api as ledger
from tsunagu.foundation.policy import api as policy
from tsunagu.foundation.runs.models import Run, RunLink
from tsunagu.foundation.runs.selectors import is_experiment
from tsunagu.foundation.runs.types import Link, Outcome

logger = logging.getLogger(__name__)


def start(
    actor: Actor,
    kind: str,
    *,
    run_id: str = "",
    dataset_id: str = "",
    parameters: Mapping[str, Any] | None = None,
    software: Mapping[str, Any] | None = None,
    links: Iterable[Link] = (),
) -> str:
    """Begin a run and return its id. Parameters: JSON values, units in the names (``duration_s``).

    A job mints ``run_id`` when it is queued; starting the same id again (its worker was killed) goes on with it.
    """
    if run_id and Run.objects.filter(uid=run_id).exists():
        return run_id
    run = Run(
        uid=run_id or new_id(),
        kind=kind,
        actor_kind=actor.kind,
        actor_id=actor.id,
        actor_name=actor.name,
        agent=actor.agent,
        token_id=actor.token_id,
        dataset_id=dataset_id,
        parameters=dict(parameters or {}),
        software={"tsunagu": __version__, **(software or {})},
        started_at=clock.now(),
    )
    try:
        with transaction.atomic():
            run.save(force_insert=True)
            _inherit(run, ((link.direction, link.kind, link.id) for link in _link(run, links)))
    except IntegrityError:
        # Two workers, of which one was given up too early, began it in the same moment.
        if not run_id or not Run.objects.filter(uid=run_id).exists():
            raise
    return run.uid


@transaction.atomic
def finish(
    run_id: str,
    outcome: Outcome,
    *,
    reason: str = "",
    links: Iterable[Link] = (),
    parameters: Mapping[str, Any] | None = None,
) -> ledger.Receipt | None:
    """End a run, once, and put it into the ledger.

    Returns:
        Where it stands in the ledger; None when it had already ended (nothing changes then).

    Raises:
        NotFoundError: there is no such run.
    """
    run = Run.objects.select_for_update().filter(uid=run_id).first()
    if run is None:
        raise NotFoundError(f"There is no run {run_id}.")
    if run.ended_at is not None:
        return None
    run.outcome, run.reason, run.ended_at = outcome, reason[:4000], clock.now()
    run.parameters = {**run.parameters, **(parameters or {})}
    run.save(update_fields=["outcome", "reason", "ended_at", "parameters"])
    added = _link(run, links)
    held = list(run.links.order_by("pk"))
    if any(link.kind in policy.LABELLED for link in added):
        _inherit(run, ((row.direction, row.entity_kind, row.entity_id) for row in held))
    if (
        outcome in {Outcome.FAILED, Outcome.ABORTED}
        and run.dataset_id
        and is_experiment(run.kind, run.actor_kind)
    ):
        events.record("runs.ended_badly", dataset_id=run.dataset_id)
    logger.info("run_ended", extra={"run": run_id, "kind": run.kind, "outcome": str(outcome)})
    return ledger.append(
        "run",
        {
            "run": run.uid,
            "what": run.kind,
            "actor": [run.actor_kind, run.actor_id],
            **({"agent": run.agent} if run.agent else {}),
            "dataset": run.dataset_id,
            "outcome": str(outcome),
            "reason": run.reason,
            "started": clock.isoformat(run.started_at),
            "links": [[row.direction, row.entity_kind, row.entity_id] for row in held],
            "parameters": run.parameters,
        },
    )


def record(
    actor: Actor,
    kind: str,
    *,
    dataset_id: str = "",
    parameters: Mapping[str, Any] | None = None,
    links: Iterable[Link] = (),
    reason: str = "",
) -> str:
    """A run that is over as soon as it is written: a human decision, a freeze."""
    with transaction.atomic():
        run_id = start(actor, kind, dataset_id=dataset_id, parameters=parameters, links=links)
        finish(run_id, Outcome.OK, reason=reason)
    return run_id


def settle_silent(*, kind: str, older_than: dt.timedelta) -> int:
    """End runs of a kind that nobody ended: their outcome is uncertain, and the reason says so."""
    limit = clock.now() - older_than
    silent = list(
        Run.objects.filter(kind=kind, ended_at=None, started_at__lt=limit).values_list("uid", flat=True)
    )
    for run_id in silent:
        finish(run_id, Outcome.UNCERTAIN, reason="Nobody reported how this ended.")
    return len(silent)


def _link(run: Run, links: Iterable[Link]) -> list[Link]:
    links = list(links)
    RunLink.objects.bulk_create(
        RunLink(
            run=run,
            direction=link.direction,
            entity_kind=link.kind,
            entity_id=link.id,
            label=link.label[:300],
        )
        for link in links
    )
    return links


def _inherit(run: Run, links: Iterable[tuple[str, str, str]]) -> None:
    """Labels travel with the first link, before a byte arrives, and not when the run ends.

    Args:
        run: The run.
        links: Direction, kind and id of all its links.
    """
    ends: dict[str, list[str]] = {"in": [], "out": []}
    for direction, kind, key in links:
        if kind in policy.LABELLED:
            ends[direction].append(key)
    if ends["in"] or ends["out"]:
        policy.inherit(run.uid, ends["in"], ends["out"])
