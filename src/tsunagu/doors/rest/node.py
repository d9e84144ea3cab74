"""Who am I, and is the ledger whole."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Router

from tsunagu.data.keeping import api as keeping
from tsunagu.doors.rest import schemas
from tsunagu.doors.who import require_actor
from tsunagu.foundation.ledger import api as ledger

router = Router(tags=["node"])


@router.get("/me", response=schemas.Me)
def me(request: HttpRequest) -> Any:
    """Who the token or session belongs to."""
    actor = require_actor(request)
    return {
        "kind": actor.kind,
        "id": actor.id,
        "name": actor.name,
        "is_admin": actor.is_admin,
        "agent": actor.agent,
        "verbs": list(actor.scope.verbs) if actor.scope else None,
        "projects": list(actor.scope.projects) if actor.scope else None,
    }


@router.get("/verify/ledger", response=schemas.VerifyReport)
def verify_ledger(request: HttpRequest) -> Any:
    """Recompute the whole ledger; check signed heads, time stamps, co-signatures, tombstones, and damage that is left."""
    require_actor(request)
    report = ledger.verify()
    kept = keeping.check_node()
    problems = [*report.problems, *kept.problems]
    return {
        "ok": not problems,
        "done": True,
        "after": "",
        "checked": {
            "entries": report.size,
            "signed_heads": report.head_count,
            "time_stamps": report.stamp_count,
            "time_stamps_waiting": report.waiting_count,
            "cosignatures": report.cosignature_count,
            "tombstones": kept.tombstone_count,
            "copies_waiting": kept.waiting_count,
        },
        "problems": problems,
    }
