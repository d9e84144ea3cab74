"""What people decide of proposals: accept, reject, and take either back. Each decision is a run (and so in the ledger)."""

from __future__ import annotations

from django.db import transaction

from tsunagu.core import clock
from tsunagu.data.graph import resolving, writing
from tsunagu.data.graph.errors import DecidedError, NoSuchMergeError
from tsunagu.data.graph.models import Identifier, Merge
from tsunagu.data.graph.seeing import eyes
from tsunagu.data.publication import api as publication
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy
from tsunagu.foundation.runs import api as runs

STEPS = ("accept", "reject", "undo")
_FROM = {
    "accept": ("proposed", "rejected", "undone"),
    "reject": ("proposed",),
    "undo": ("accepted", "rejected"),
}
_TO = {"accept": "accepted", "reject": "rejected"}


def may_decide(actor: Actor) -> bool:
    """Whether somebody decides what is one thing: who curates records for an institution, or administers the node.

    It is about everybody's records: a token does only where it was made for publishing, and for no projects alone.
    """
    reaches = actor.scope is None or ("share" in actor.scope.verbs and not actor.scope.projects)
    curates = actor.kind == "person" and reaches and bool(publication.curated_by(actor))
    return curates or bool(policy.decide(actor, "node.admin", policy.NODE))


def require_decider(actor: Actor) -> None:
    """Go on only for those.

    Raises:
        ActionDeniedError: the actor curates for no institution and does not administer the node.
    """
    if not may_decide(actor):
        policy.require(actor, "node.admin", policy.NODE)


@transaction.atomic
def decide(actor: Actor, merge_id: int, step: str) -> str:
    """Decide one proposal; the id of the run.

    Args:
        actor: Who decides.
        merge_id: Of the proposal.
        step: ``accept``, ``reject`` or ``undo``, which takes back either: a merge gives back what was before, a rejected
            proposal is open again.

    Raises:
        ActionDeniedError: the actor may not decide.
        NoSuchMergeError: there is none, or the actor may not see both things.
        DecidedError: it is in a state from which this cannot be done.
    """
    require_decider(actor)
    writing.hold()
    row = Merge.objects.filter(pk=merge_id).first()
    if row is None or not eyes(actor).see_identifiers((row.left, row.right)):
        raise NoSuchMergeError
    if row.state not in _FROM[step]:
        raise DecidedError
    was = row.state
    row.state = _TO.get(step) or ("undone" if was == "accepted" else "proposed")
    now = clock.now()
    row.decided_by, row.decided_by_name, row.decided_at = actor.id, actor.name, now
    row.undone_at = now if row.state == "undone" else None
    row.run_id = runs.record(
        actor,
        "decide",
        parameters={"what": f"graph_{step}", "evidence": [one["kind"] for one in row.evidence]},
        links=[runs.Link("in", "thing", uid) for uid in (row.left, row.right)],
    )
    row.save()
    resolving.regroup(
        set(Identifier.objects.filter(uid__in=(row.left, row.right)).values_list("base", flat=True))
    )
    return row.run_id
