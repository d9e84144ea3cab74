"""Instruments, and what their capture agents ask and tell."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.http import HttpRequest
from ninja import Body, Router, Status

from tsunagu.doors.rest.openapi import Input
from tsunagu.doors.who import actor_of, require_actor
from tsunagu.experiment.instruments import api as instruments

router = Router(tags=["instruments"])


class NewInstrument(Input):
    """An instrument to make."""

    name: str
    title: str = ""
    manufacturer: str = ""
    model: str = ""
    serial_number: str = ""
    description: str = ""


@router.get("/instruments")
def list_instruments(request: HttpRequest, after: str = "") -> Any:
    """Instruments that one may see, by name."""
    found = instruments.list_instruments(actor_of(request), after=after, limit=51)
    page = found[:50]
    return {
        "instruments": [asdict(card) for card in page],
        "next": page[-1].name if len(found) > len(page) else None,
    }


@router.post("/instruments", response={201: dict[str, Any]})
def create_instrument(request: HttpRequest, body: NewInstrument) -> Any:
    """Make an instrument; one becomes its owner."""
    described = body.dict()
    name = described.pop("name")
    return Status(201, asdict(instruments.create_instrument(require_actor(request), name, **described)))


@router.get("/instruments/{name}")
def show_instrument(request: HttpRequest, name: str) -> Any:
    """One instrument with its rules and the last report of its agent."""
    return asdict(instruments.get_instrument(actor_of(request), name))


@router.put("/instruments/{name}/config")
def set_config(request: HttpRequest, name: str, body: Body[dict[str, Any]]) -> Any:
    """Change folders and rules."""
    return asdict(instruments.set_config(require_actor(request), name, body))


@router.post("/instruments/{name}/token")
def new_token(request: HttpRequest, name: str) -> Any:
    """A new token for the instrument's PC; the one before stops working."""
    return {"token": instruments.new_token(require_actor(request), name)}


@router.get("/agent/config")
def agent_config(request: HttpRequest) -> Any:
    """What the capture agent with this token shall do."""
    return instruments.agent_config(require_actor(request))


@router.post("/agent/heartbeat")
def heartbeat(request: HttpRequest, body: Body[dict[str, Any]]) -> Any:
    """The capture agent reports its queue, its clock and files that it could not place or read."""
    actor = require_actor(request)
    instruments.hear(actor, body)
    return {"server_time": instruments.agent_config(actor)["server_time"]}
