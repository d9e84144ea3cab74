"""What the gate to open notebooks asks control: who comes in, who may stay, which notebooks there are, which lie idle."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest

from tsunagu.compute.notebooks import api as notebooks
from tsunagu.doors.internal.views import signed
from tsunagu.doors.who import actor_of_session
from tsunagu.foundation.identity.api import Actor


@signed
def admit(message: dict[str, Any]) -> dict[str, Any]:
    """A cookie for the word that control gave a browser."""
    return {"cookie": notebooks.admit(message["run"], message["word"])}


@signed
def check(message: dict[str, Any]) -> dict[str, Any]:
    """Whether the browser with a cookie may speak to a notebook now. Asked for every request; the rules are asked each time."""
    seat = notebooks.seat_of(message["run"], message["cookie"])
    notebooks.require_seat(_sitting(seat.session_key), seat)
    return {}


@signed
def listing(message: dict[str, Any]) -> dict[str, Any]:
    """Every notebook that goes on, with the folder of its socket."""
    del message
    return {
        "notebooks": [
            {"run": one.run, "door": str(one.door), "idle_s": one.idle_s} for one in notebooks.reaches()
        ]
    }


@signed
def idle(message: dict[str, Any]) -> dict[str, Any]:
    """Nobody used this one for a while."""
    notebooks.finish(message["run"], "idle")
    return {}


def _sitting(session_key: str) -> Actor:
    """The person of a session of this node, with the strength that it has now; anonymous: the session is over."""
    request = HttpRequest()
    request.session = SessionStore(session_key)
    request.user = get_user(request)
    return actor_of_session(request)
