"""Proposals and decisions as lists."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from django.db.models import Exists, Min, OuterRef, Q

from tsunagu.core import clock
from tsunagu.data.graph.deciding import may_decide, require_decider
from tsunagu.data.graph.errors import NoSuchMergeError
from tsunagu.data.graph.models import Identifier, Merge
from tsunagu.data.graph.seeing import Eyes, eyes
from tsunagu.data.graph.showing import cards, pids_of
from tsunagu.data.graph.types import Card, Evidence, MergeCard
from tsunagu.foundation.identity.api import Actor

STATES = ("proposed", "accepted", "rejected", "undone")
_MOST_AT_ONCE = 100
_OF_THING = 50


def list_merges(
    actor: Actor, *, state: str = "proposed", after: int = 0, limit: int = 50
) -> tuple[list[MergeCard], int]:
    """Proposals in one state, the oldest first, and what continues the list (0 at its end).

    Raises:
        ActionDeniedError: the actor may not decide.
    """
    require_decider(actor)
    seen = eyes(actor)
    limit = max(1, min(limit, _MOST_AT_ONCE))
    rows = list(_visible(seen).filter(state=state, pk__gt=after).order_by("pk")[: limit + 1])
    return _cards(seen, rows[:limit], names=True), rows[limit - 1].pk if len(rows) > limit else 0


def count_merges(actor: Actor) -> int:
    """How many proposals wait; 0 for those who may not decide."""
    return _visible(eyes(actor)).filter(state="proposed").count() if may_decide(actor) else 0


def get_merge(actor: Actor, merge_id: int) -> MergeCard:
    """One of them.

    Raises:
        ActionDeniedError: the actor may not decide.
        NoSuchMergeError: there is none, or the actor may not see both things.
    """
    require_decider(actor)
    seen = eyes(actor)
    found = _cards(seen, _visible(seen).filter(pk=merge_id), names=True)
    if not found:
        raise NoSuchMergeError
    return found[0]


def of_thing(actor: Actor, seen: Eyes, thing: str) -> tuple[MergeCard, ...]:
    """Merges that made the thing what it is, for everybody; open proposals about it for those who may decide."""
    uids = Identifier.objects.filter(thing=thing).values("uid")
    decides = may_decide(actor)
    states = ("accepted", "proposed") if decides else ("accepted",)
    about = Q(left__in=uids) | Q(right__in=uids)
    rows = list(_visible(seen).filter(about, state__in=states).order_by("state", "pk")[:_OF_THING])
    return tuple(_cards(seen, rows, names=decides))


def _visible(seen: Eyes) -> Any:
    """Only where both ends exist for the actor."""
    rows = Merge.objects.all()
    for side in ("left", "right"):
        rows = rows.filter(Exists(seen.identifiers().filter(uid=OuterRef(side))))
    return rows


def _cards(seen: Eyes, rows: Iterable[Merge], *, names: bool) -> list[MergeCard]:
    rows = list(rows)
    uids = {uid for row in rows for uid in (row.left, row.right)}
    # Each end as it would be alone: what is shown must tell the two apart also once they are one.
    known = cards(seen, uids, by="uid")
    known |= _by_better_names(seen, uids - known.keys())
    works = _works(seen, uids)
    return [
        MergeCard(
            id=row.pk,
            state=row.state,
            left=known[row.left],
            right=known[row.right],
            evidence=tuple(Evidence(one["kind"], one["text"]) for one in row.evidence),
            made_at=clock.isoformat(row.made_at),
            decided_by=row.decided_by_name if names else "",
            decided_at=clock.isoformat(row.decided_at) if row.decided_at else "",
            run_id=row.run_id if names else "",
            left_work=works.get(row.left),
            right_work=works.get(row.right),
        )
        for row in rows
        if row.left in known and row.right in known
    ]


def _by_better_names(seen: Eyes, uids: set[str]) -> dict[str, Card]:
    """Identifiers that sources only give beside a better one by now: under the names of that."""
    rows = seen.identifiers().filter(uid__in=uids)
    bases = dict(rows.values_list("uid", "base"))
    named = cards(seen, bases.values(), by="uid")
    pids = pids_of(seen, uids, "uid")
    return {
        uid: replace(named[base], uid=uid, identifiers=tuple(pids[uid]))
        for uid, base in bases.items()
        if base in named
    }


def _works(seen: Eyes, uids: set[str]) -> dict[str, Card]:
    """For each of them one thing that it made."""
    made = seen.statements().filter(object__uid__in=uids, relation__in=("creator", "contributor"))
    first = dict(
        made.values("object__uid").annotate(work=Min("subject__thing")).values_list("object__uid", "work")
    )
    found = cards(seen, first.values())
    return {uid: found[work] for uid, work in first.items() if work in found}
