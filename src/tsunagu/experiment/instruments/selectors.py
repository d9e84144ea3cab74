"""Reading instruments."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from tsunagu.core import clock
from tsunagu.core.errors import NotFoundError
from tsunagu.experiment.instruments.errors import NotAnInstrumentError
from tsunagu.experiment.instruments.models import Instrument
from tsunagu.experiment.instruments.types import InstrumentCard
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy

_SILENT_AFTER = dt.timedelta(minutes=3)


def card(row: Instrument) -> InstrumentCard:
    """An instrument row as its page shows it."""
    silence = max(_SILENT_AFTER, 3 * dt.timedelta(seconds=float(row.config.get("poll_s", 5))))
    state = "never"
    if row.beat_at is not None:
        state = "online" if clock.now() - row.beat_at < silence else "silent"
    return InstrumentCard(
        id=row.uid,
        name=row.name,
        title=row.title,
        manufacturer=row.manufacturer,
        model=row.model,
        serial_number=row.serial_number,
        description=row.description,
        owner_id=row.owner_id,
        state=state,
        beat_at=clock.isoformat(row.beat_at) if row.beat_at else None,
        config=row.config,
        beat=row.beat,
    )


def get_instrument(actor: Actor, name: str) -> InstrumentCard:
    """An instrument that the actor may see: its owner, and administrators.

    Raises:
        NotFoundError: there is none, or the actor may not see it.
    """
    row = Instrument.objects.filter(name=name).first()
    if row is None or not policy.decide(actor, "instrument.read", card(row).resource):
        raise NotFoundError(f"There is no instrument {name}, or you may not see it.", instrument=name)
    return card(row)


def list_instruments(actor: Actor, *, after: str = "", limit: int = 50) -> list[InstrumentCard]:
    """Instruments that the actor may see, by name."""
    rows = Instrument.objects.filter(name__gt=after).order_by("name")
    if not policy.decide(actor, "instrument.read", policy.Resource("instrument")):
        rows = rows.filter(owner_id=actor.id)
    return [card(row) for row in rows[:limit]]


def names(ids: Iterable[str]) -> dict[str, str]:
    """Names of instruments by ULID, for lists of members."""
    rows = Instrument.objects.filter(uid__in=set(ids))
    return {row.uid: row.title or row.name for row in rows}


def agent_config(actor: Actor) -> dict[str, Any]:
    """What the agent with this token shall do.

    Raises:
        NotAnInstrumentError: the token is not an instrument's.
    """
    row = Instrument.objects.filter(uid=actor.id).first() if actor.kind == "instrument" else None
    if row is None:
        raise NotAnInstrumentError
    return {
        "instrument": {"id": row.uid, "name": row.name},
        **row.config,
        "server_time": clock.isoformat(clock.now()),
    }
