"""What visitors looked at and took, for the counts of use. Costs a line of memory; no row is written for a request.

Views say so themselves, after the rules let the visitor through, so that nothing is counted that nobody got.
"""

from __future__ import annotations

import ipaddress

from django.conf import settings
from django.http import HttpRequest

from tsunagu.core import clock
from tsunagu.data.usage import api as usage
from tsunagu.foundation.identity.api import Actor

_A_BROWSER = "Mozilla/5.0"


def viewed(request: HttpRequest, actor: Actor, place: str, version: int = 0) -> None:
    """A page, a preview or metadata of a dataset were shown: an investigation.

    Args:
        request: The request.
        actor: Who asked.
        place: ``PROJECT/DATASET``.
        version: Which; 0: the one that strangers get.
    """
    channel: usage.Channel = "api" if request.path.startswith("/api/") else "web"
    _note(request, actor, place, version, channel, is_request=False, is_job=False)


def fetched(
    request: HttpRequest,
    actor: Actor,
    place: str,
    version: int,
    channel: usage.Channel,
    *,
    is_job: bool,
    target: str = "",
) -> None:
    """Content was handed out, or the address of content: a request.

    Args:
        request: The request.
        actor: Who asked.
        place: ``PROJECT/DATASET``.
        version: Which.
        channel: By which door.
        is_job: Whether one download asks this address many times.
        target: What tells one download from the next; empty: the address.
    """
    _note(request, actor, place, version, channel, is_request=True, is_job=is_job, target=target)


def fetched_archive(actor: Actor, place: str, version: int, capability: str) -> None:
    """The byte server begins to send an archive; its address was made by a page, and stands for one download."""
    usage.note(
        usage.Asked(
            at=clock.now(),
            place=place,
            version=version,
            is_request=True,
            channel="web",
            target=capability,
            actor=actor,
            who=actor.id or capability,
            agent=_A_BROWSER,
            is_job=True,
        )
    )


def _note(
    request: HttpRequest,
    actor: Actor,
    place: str,
    version: int,
    channel: usage.Channel,
    *,
    is_request: bool,
    is_job: bool,
    target: str = "",
) -> None:
    if request.method == "HEAD":
        return
    agent = request.headers.get("User-Agent", "")[:500]
    usage.note(
        usage.Asked(
            at=clock.now(),
            place=place,
            version=version,
            is_request=is_request,
            channel=channel,
            target=f"{target or request.path}@{version}",
            actor=actor,
            who=_who(request, actor, agent),
            agent=agent,
            is_job=is_job,
        )
    )


def _who(request: HttpRequest, actor: Actor, agent: str) -> str:
    """The best that tells users apart, in COUNTER's order: the person, a session, the address and the program."""
    session = request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")
    return actor.id or session or f"{_address(request)} {agent}"


def _address(request: HttpRequest) -> str:
    """Where the request came from: behind a proxy of ours, what the proxy says last."""
    peer = request.META.get("REMOTE_ADDR", "")
    try:
        is_ours = not peer or not ipaddress.ip_address(peer).is_global
    except ValueError:
        is_ours = False
    said = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
    return said if is_ours and said else peer
