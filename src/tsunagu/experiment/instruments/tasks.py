"""Background work of the room."""

from __future__ import annotations

from tsunagu.core import events, jobs
from tsunagu.experiment.instruments import services


@events.subscribe("keeping.succeeded")
@jobs.job(priority=5)
def hand_over(giver_id: str, successor_id: str, projects: list[str]) -> None:
    """Let a successor own the instruments of somebody who left; their PCs go on with the tokens that they have."""
    del projects
    services.hand_over(giver_id, successor_id)
