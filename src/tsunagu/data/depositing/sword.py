"""A thin client of SWORDv3 as WEKO speaks it: one call each, and what the answer says.

Source: https://swordapp.github.io/swordv3/swordv3.html, and WEKO where it differs: the body is a form with one part named
``file``, the digest is of the zip and not of the body, and the address of the deposit stands in the status document alone.
"""

from __future__ import annotations

import base64
import json
import re
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tsunagu.core import egress
from tsunagu.data.depositing.payload import Payload
from tsunagu.data.depositing.repositories import Repository

_ASK_S = 30.0
_ANSWER_S = 300.0
_SLOWEST = 1 << 20  # bytes a second: what is slower than that is given up and tried again
_GOOD = frozenset({200, 201, 202, 204})
_STATES = "http://purl.org/net/sword/3.0/state/"
_MEANS = {
    "accepted": "held",
    "inProgress": "held",
    "inWorkflow": "held",
    "ingested": "done",
    "rejected": "refused",
    "deleted": "withdrawn",
}
_ITEM = re.compile(r"\Ahttps?://.+/records/[^/?#]+\Z")
_DEPOSIT = re.compile(r"/deposit/[^/?#]+\Z")


@dataclass(frozen=True, slots=True)
class Reply:
    """What a repository answered.

    Attributes:
        status: Of HTTP; 0 where the answer is none of this protocol, so that nobody knows what happened.
        means: ``held``, ``done``, ``refused``, ``withdrawn``, or empty where no state was named.
        deposit_url, activity_url: Addresses of this repository alone, as the token goes there; others are left out.
        item_url: The page of the item, for people.
        mark: The item's revision (``eTag``), or empty. WEKO says ``ingested`` of what still waits for approval, and only
            the revision changes with it.
        said: Its words of what is wrong.
        is_error_document: Whether those came in the form of the protocol.
    """

    status: int
    means: str = ""
    deposit_url: str = ""
    activity_url: str = ""
    item_url: str = ""
    mark: str = ""
    said: str = ""
    retry_after: str = ""
    is_error_document: bool = False

    @property
    def is_good(self) -> bool:
        """Whether it was done or taken."""
        return self.status in _GOOD


class Body:
    """The form that a payload is sent in, piece by piece; ``is_whole`` once its last piece was handed out.

    ``before_end`` is called before that, and where it fails the last piece stays here.
    """

    def __init__(self, payload: Payload, *, before_end: Callable[[], None]) -> None:
        self._payload, self._before_end = payload, before_end
        self.boundary = secrets.token_hex(16)
        head = (
            f'--{self.boundary}\r\nContent-Disposition: form-data; name="file"; filename="{payload.name}"\r\n'
            "Content-Type: application/zip\r\n\r\n"
        )
        self._head, self._tail = head.encode(), f"\r\n--{self.boundary}--\r\n".encode()
        self.byte_count = len(self._head) + payload.byte_count + len(self._tail)
        self.is_whole = False

    def __iter__(self) -> Iterator[bytes]:
        yield self._head
        yield from self._payload.pieces()
        self._before_end()
        # Before the last piece goes: from now on the repository may have all of it.
        self.is_whole = True
        yield self._tail


def limits(repository: Repository) -> int:
    """The largest payload that the service document allows, in bytes; 0: it names none.

    Raises:
        EgressFailedError, EgressRefusedError: as for ``egress.exchange``, also where the answer is none of the protocol.
    """
    answer = egress.exchange("GET", repository.address, timeout_s=_ASK_S, headers=_head(repository))
    found = _json(answer.text)
    if answer.status != 200 or not found:  # noqa: PLR2004 - OK
        raise egress.EgressFailedError(
            f"The service document was answered with status {answer.status}.", answered=answer.status
        )
    most = found.get("maxUploadSize")
    return most if isinstance(most, int) and most > 0 else 0


def send(repository: Repository, payload: Payload, body: Body, deposit_url: str = "") -> Reply:
    """Make an item of a payload (POST), or replace the one that is there (PUT).

    Raises:
        EgressFailedError: no answer; ``body.is_whole`` says whether it may have been done.
        EgressRefusedError: the node does not go there; nothing was sent.
    """
    digest = payload.sha256.hex() if repository.digest == "hex" else base64.b64encode(payload.sha256).decode()
    headers = {
        **_head(repository),
        "Content-Length": str(body.byte_count),
        "Content-Disposition": f"attachment; filename={payload.name}",
        "Packaging": repository.packaging,
        "Digest": f"SHA-256={digest}",
    }
    answer = egress.exchange(
        "PUT" if deposit_url else "POST",
        deposit_url or repository.address,
        body,
        media_type=f"multipart/form-data; boundary={body.boundary}",
        timeout_s=_ANSWER_S + body.byte_count / _SLOWEST,
        headers=headers,
    )
    return _read(repository, answer)


def look(repository: Repository, address: str) -> Reply:
    """How far a deposit is, by its own address or that of the activity. Raises the same."""
    answer = egress.exchange("GET", address, timeout_s=_ASK_S, headers=_head(repository))
    return _read(repository, answer)


def remove(repository: Repository, deposit_url: str) -> Reply:
    """Have an item deleted. Raises the same."""
    answer = egress.exchange("DELETE", deposit_url, timeout_s=_ANSWER_S, headers=_head(repository))
    return _read(repository, answer)


def _head(repository: Repository) -> dict[str, str]:
    head = {"Authorization": f"Bearer {repository.token}", "Accept": "application/json"}
    return {**head, "On-Behalf-Of": repository.on_behalf_of} if repository.on_behalf_of else head


def is_deposit(address: str) -> bool:
    """Whether an address looks like that of a deposit, and not of a page for people."""
    return bool(_DEPOSIT.search(address))


def _json(content: str) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _read(repository: Repository, answer: egress.Answered) -> Reply:
    found = _json(answer.text)
    if answer.status not in _GOOD:
        said = answer.text
        words = ": ".join(str(found[name]) for name in ("error", "@type", "log") if found.get(name))
        return Reply(
            answer.status,
            said=(words or said).strip(),
            retry_after=answer.retry_after,
            is_error_document=bool(words),
        )
    location = repository.own(answer.location)
    if not answer.text.strip():
        return Reply(answer.status, activity_url=location)
    if "state" not in found and "@id" not in found:  # a page of a proxy: whether it happened is not known
        return Reply(0, said=answer.text[:2000])
    links = [one for one in found.get("links") or () if isinstance(one, dict) and one.get("@id")]
    first = repository.own(str(links[0]["@id"])) if links else ""
    deposit = repository.own(str(found.get("@id") or ""))
    states = [_word(one) for one in found.get("state") or ()]
    means = next((_MEANS[one] for one in states if one in _MEANS), "")
    pages = [str(one["@id"]) for one in links if "alternate" in (one.get("rel") or ())]
    item = next((one for one in pages if _ITEM.search(one)), "")
    return Reply(
        answer.status,
        means,
        deposit_url=deposit,
        activity_url=(first or location) if means == "held" else "",
        item_url=item,
        mark=str(found.get("eTag") or ""),
        said=_told(found.get("state")),
    )


def _word(state: object) -> str:
    name = state.get("@id") if isinstance(state, dict) else state
    return str(name or "").removeprefix(_STATES)


def _told(states: object) -> str:
    several = states if isinstance(states, list) else []
    words = [str(one.get("description") or "") for one in several if isinstance(one, dict)]
    return " ".join(one for one in words if one)
