"""Where a list goes on: signed, so that nobody makes one up, and whole, so that the node keeps nothing.

A token holds the query, its upper bound in time and the last entry given. What changes meanwhile moves behind the bound and
is found by the next harvest; what was given stays before the place; so no entry is given twice and none is jumped over.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from tsunagu.core.capabilities import Signer
from tsunagu.core.errors import CapabilityRefusedError
from tsunagu.doors.oai.arguments import OaiError

LIFETIME_S = 3 * 86400
_PURPOSE = "oai"


@dataclass(frozen=True, slots=True)
class Place:
    """A query under way.

    Attributes:
        after: The last entry given (when it changed, its id); None at the beginning.
        cursor: How many were given.
        total: How many there were when the list began.
    """

    verb: str
    prefix: str
    institution: str
    set_spec: str
    since: dt.datetime | None
    until: dt.datetime
    after: tuple[dt.datetime, str] | None = None
    cursor: int = 0
    total: int = 0


def to_token(signer: Signer, place: Place) -> str:
    """The place as a token."""
    assert place.after is not None
    return signer.sign(
        _PURPOSE,
        lifetime_s=LIFETIME_S,
        q=[place.verb, place.prefix, place.institution, place.set_spec],
        s=_second(place.since) if place.since else None,
        u=_second(place.until),
        a=[_second(place.after[0]), place.after[1]],
        c=place.cursor,
        n=place.total,
    )


def from_token(signer: Signer, token: str, verb: str, institution: str) -> Place:
    """The place that a token names.

    Raises:
        OaiError: badResumptionToken: forged, older than three days, or of another list.
    """
    try:
        claims = signer.read(token, _PURPOSE)
    except CapabilityRefusedError as error:
        said = "is older than three days" if error.fields.get("reason") == "expired" else "was not made here"
        raise OaiError("badResumptionToken", f"The resumptionToken {said}. Begin the list again.") from error
    of_verb, prefix, of_institution, set_spec = claims["q"]
    if of_verb != verb or of_institution != institution:
        raise OaiError(
            "badResumptionToken", "The resumptionToken belongs to another list. Begin the list again."
        )
    return Place(
        verb=verb,
        prefix=prefix,
        institution=institution,
        set_spec=set_spec,
        since=_moment(claims["s"]) if claims["s"] is not None else None,
        until=_moment(claims["u"]),
        after=(_moment(claims["a"][0]), claims["a"][1]),
        cursor=claims["c"],
        total=claims["n"],
    )


def _second(moment: dt.datetime) -> int:
    return int(moment.timestamp())


def _moment(second: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(second, dt.UTC)
