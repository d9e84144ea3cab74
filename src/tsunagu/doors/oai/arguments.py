"""What OAI-PMH lets a harvester say, and what it hears when it says something else."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence

_MOST_LETTERS = 4000
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_SECOND = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z")
# verb: what it needs, what it takes besides
_VERBS: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "Identify": (frozenset(), frozenset()),
    "ListMetadataFormats": (frozenset(), frozenset({"identifier"})),
    "ListSets": (frozenset(), frozenset({"resumptionToken"})),
    "GetRecord": (frozenset({"identifier", "metadataPrefix"}), frozenset()),
    "ListIdentifiers": (
        frozenset({"metadataPrefix"}),
        frozenset({"from", "until", "set", "resumptionToken"}),
    ),
    "ListRecords": (frozenset({"metadataPrefix"}), frozenset({"from", "until", "set", "resumptionToken"})),
}


class OaiError(Exception):
    """An answer of the protocol that says what is wrong; HTTP knows nothing of it (status 200)."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def read_arguments(pairs: Sequence[tuple[str, str]]) -> tuple[str, dict[str, str]]:
    """The verb and its arguments.

    Raises:
        OaiError: badVerb or badArgument.
    """
    verbs = [value for name, value in pairs if name == "verb"]
    if len(verbs) != 1:
        said = "No verb was given" if not verbs else "More than one verb was given"
        raise OaiError("badVerb", f"{said}. Give one of {', '.join(_VERBS)}.")
    verb = verbs[0]
    if verb not in _VERBS:
        raise OaiError("badVerb", f"The verb {verb[:100]!r} is not known. Give one of {', '.join(_VERBS)}.")
    needed, more = _VERBS[verb]
    arguments = _read_each([pair for pair in pairs if pair[0] != "verb"], verb, needed | more)
    if "resumptionToken" in arguments:
        if len(arguments) > 1:
            raise OaiError(
                "badArgument", "A resumptionToken says everything. Give no other argument with it."
            )
        return verb, arguments
    for name in sorted(needed - arguments.keys()):
        raise OaiError("badArgument", f"{verb} needs the argument {name}. Give it.")
    return verb, arguments


def _read_each(pairs: Sequence[tuple[str, str]], verb: str, known: frozenset[str]) -> dict[str, str]:
    arguments: dict[str, str] = {}
    for name, value in pairs:
        if name not in known:
            raise OaiError("badArgument", f"{verb} takes no argument {name[:100]!r}. Leave it away.")
        if name in arguments:
            raise OaiError("badArgument", f"The argument {name} was given more than once. Give it once.")
        if not value or len(value) > _MOST_LETTERS:
            raise OaiError(
                "badArgument", f"The argument {name} is empty or too long. Give a value or leave it away."
            )
        arguments[name] = value
    return arguments


def read_span(arguments: dict[str, str]) -> tuple[dt.datetime | None, dt.datetime | None]:
    """From when to when, both included; a day as the end means its last second.

    Raises:
        OaiError: badArgument, for a date of another form, two forms, or an end before the beginning.
    """
    since, until = arguments.get("from"), arguments.get("until")
    if since and until and len(since) != len(until):
        raise OaiError(
            "badArgument", "from and until differ in their form. Give both as days or both as seconds."
        )
    start = _moment("from", since, is_end=False) if since else None
    end = _moment("until", until, is_end=True) if until else None
    if start and end and start > end:
        raise OaiError("badArgument", "from is later than until. Exchange them.")
    return start, end


def _moment(name: str, text: str, *, is_end: bool) -> dt.datetime:
    try:
        if _SECOND.fullmatch(text):
            return dt.datetime.fromisoformat(text)
        if _DAY.fullmatch(text):
            day = dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)
            return day + dt.timedelta(days=1, seconds=-1) if is_end else day
    except ValueError:
        pass  # 2026-02-30 has the form of a day
    raise OaiError("badArgument", f"{name} is no date in UTC. Write 2026-04-01 or 2026-04-01T00:00:00Z.")
