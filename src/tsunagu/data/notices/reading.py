"""A notice off the wire: bytes of a stranger become a ``Notice``, or are refused. Nothing in it is ever fetched.

Sources: COAR Notify 1.0.1 (https://coar-notify.net/specification/1.0.1/), Linked Data Notifications, ActivityStreams 2.0.
Older services write the context as https://purl.org/coar/notify and relations without the prefix ``as:``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tsunagu.data.notices.errors import BadNoticeError, NoticeTooLargeError

MOST_BYTES = 256 << 10
_MOST_DEPTH = 20
_LONGEST = 500
_ACTIVITY = "www.w3.org/ns/activitystreams"
_COAR = ("coar-notify.net", "purl.org/coar/notify")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+\Z")
_VERBS = ("Announce", "Offer", "Accept", "Reject", "TentativeAccept", "TentativeReject", "Undo", "Flag")
_ACTIONS = {
    "ReviewAction": "review",
    "EndorsementAction": "endorsement",
    "RelationshipAction": "relationship",
    "IngestAction": "ingest",
}
_WORDS = {"TentativeAccept": "tentative-accept", "TentativeReject": "tentative-reject"}


@dataclass(frozen=True, slots=True)
class Notice:
    """What a notice says, its addresses as they came.

    Attributes:
        pattern: ``announce-relationship``, ``announce-review``, ``announce-endorsement``, ``announce``, ``offer-review``,
            ``accept``, ``flag``, ``undo``, ...
        object: Every address of the object, its identifier to be cited by first.
        context: The same of what the object is about.
        subject, other: Ends of a relation, empty for everything else.
        relation: The word of the sender for it.
        in_reply_to: The notice that it answers or takes back.
        actor: A name, an address or a mail address.
    """

    id: str
    pattern: str
    origin_id: str
    origin_inbox: str
    object: tuple[str, ...]
    context: tuple[str, ...]
    subject: str
    other: str
    relation: str
    in_reply_to: str
    actor: str
    said: str
    body: dict[str, Any]


def read(content: bytes) -> Notice:
    """A notice.

    Raises:
        NoticeTooLargeError: more than 256 KiB.
        BadNoticeError: no JSON, or no notice; the message names what is wrong.
    """
    if len(content) > MOST_BYTES:
        raise NoticeTooLargeError
    return read_kept(_parsed(content))


def read_kept(body: dict[str, Any]) -> Notice:
    """A notice that was kept as JSON. Raises BadNoticeError."""
    _check_context(body.get("@context"))
    origin = _service(body, "origin")
    _service(body, "target")
    pattern = _pattern(_words(body.get("type")))
    thing = body.get("object")
    if isinstance(thing, str):
        thing = {"id": thing}
    if not isinstance(thing, dict):
        raise BadNoticeError("The notification has no object.", field="object")
    context = body.get("context")
    return Notice(
        id=_address(body.get("id"), "id"),
        pattern=pattern,
        origin_id=origin[0],
        origin_inbox=origin[1],
        object=tuple(_addresses(thing)),
        context=tuple(_addresses(context)),
        subject=_end(thing, "subject"),
        other=_end(thing, "object"),
        relation=_end(thing, "relationship"),
        in_reply_to=_replied(body, thing, pattern),
        actor=_actor(body.get("actor")),
        said=_text(body.get("summary") or body.get("content")),
        body=body,
    )


def _parsed(content: bytes) -> dict[str, Any]:
    try:
        body = json.loads(content.decode("utf-8"), parse_constant=_no_number)
        # What a database cannot hold: lone surrogates, and the character NUL.
        is_plain = "\\u0000" not in json.dumps(body) and bool(json.dumps(body, ensure_ascii=False).encode())
    except (ValueError, RecursionError):
        raise BadNoticeError("The body is no JSON in UTF-8.") from None
    if not is_plain or not isinstance(body, dict) or _is_deep(body):
        raise BadNoticeError("The body is no JSON object of plain text, or is nested too deeply.")
    return body


def _no_number(word: str) -> None:
    raise ValueError(word)


def _is_deep(body: Any) -> bool:
    level = [body]
    for _ in range(_MOST_DEPTH):
        level = [
            child
            for one in level
            if isinstance(one, dict | list)
            for child in (one.values() if isinstance(one, dict) else one)
        ]
        if not level:
            return False
    return True


def _check_context(said: Any) -> None:
    found = [
        one.partition("://")[2].rstrip("/#")
        for one in (said if isinstance(said, list) else [said])
        if isinstance(one, str)
    ]
    if _ACTIVITY not in found or not any(one in _COAR for one in found):
        raise BadNoticeError("@context names not both ActivityStreams and COAR Notify.", field="@context")


def _service(body: Mapping[str, Any], name: str) -> tuple[str, str]:
    found = body.get(name)
    if not isinstance(found, dict):
        raise BadNoticeError(f"The notification has no {name}.", field=name)
    return _address(found.get("id"), f"{name}.id"), _address(found.get("inbox"), f"{name}.inbox")


def _address(value: Any, field: str) -> str:
    if not isinstance(value, str) or len(value) > _LONGEST or not _SCHEME.match(value):
        raise BadNoticeError(f"{field} is no address.", field=field)
    return value


def _words(value: Any) -> set[str]:
    found = value if isinstance(value, list) else [value]
    return {one.rpartition(":")[2].rpartition("/")[2] for one in found if isinstance(one, str)}


def _pattern(types: set[str]) -> str:
    verbs = [one for one in _VERBS if one in types]
    actions = [word for name, word in _ACTIONS.items() if name in types]
    if len(verbs) != 1 or len(actions) > 1 or (verbs[0] == "Offer" and not actions):
        raise BadNoticeError("type names no pattern of COAR Notify.", field="type")
    verb = _WORDS.get(verbs[0], verbs[0].lower())
    return "-".join([verb, *actions]) if verb in {"announce", "offer"} else verb


def _addresses(thing: Any) -> Iterator[str]:
    """Every address that a thing goes by: sides disagree on where their own stands."""
    if isinstance(thing, str):
        thing = {"id": thing}
    if not isinstance(thing, dict):
        return
    item = thing.get("ietf:item")
    inner = item.get("id") if isinstance(item, dict) else item
    for one in (thing.get("ietf:cite-as"), thing.get("cite-as"), thing.get("id"), inner):
        if isinstance(one, str) and len(one) <= _LONGEST and _SCHEME.match(one):
            yield one


def _end(thing: Mapping[str, Any], name: str) -> str:
    """An end of a relation, or its word: ``as:subject``, and ``subject`` in older services."""
    found = thing.get(f"as:{name}", thing.get(name))
    return next(_addresses(found), "")


def _replied(body: Mapping[str, Any], thing: Mapping[str, Any], pattern: str) -> str:
    found = body.get("inReplyTo")
    found = found.get("id") if isinstance(found, dict) else found
    if (
        found is None
        and pattern not in {"announce", "offer"}
        and "-" not in pattern.replace("tentative-", "")
    ):
        found = thing.get("id")  # answers and withdrawals carry the offer as their object
    return found if isinstance(found, str) and len(found) <= _LONGEST else ""


def _actor(said: Any) -> str:
    if isinstance(said, str):
        return said[:200]
    if not isinstance(said, dict):
        return ""
    return _text(said.get("name"))[:200] or _text(said.get("id"))[:200]


def _text(value: Any) -> str:
    return " ".join(value.split())[:1000] if isinstance(value, str) else ""
