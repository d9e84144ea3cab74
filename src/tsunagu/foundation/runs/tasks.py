"""What happened in rooms below this one, as runs."""

from __future__ import annotations

from typing import Any

from tsunagu.core import events, jobs
from tsunagu.foundation.identity.api import Actor, ActorKind
from tsunagu.foundation.runs import services


@events.subscribe("identity.happened")
@jobs.job(priority=-5)
def record_identity(
    kind: str, actor_kind: ActorKind, actor_id: str, actor_name: str, parameters: dict[str, Any], reason: str
) -> None:
    """A program was connected or ended, a stand-in was switched: people's decisions are runs like all others."""
    services.record(Actor(actor_kind, actor_id, actor_name), kind, parameters=parameters, reason=reason)
