"""DataCite's REST interface: one call that creates or updates, one that reads back.

The service ignores an event that does not apply and reports success although the handle was not written, so ``state``
and ``registered`` of the answer say what happened, and not its status.
Source: https://support.datacite.org/docs/api (PUT /dois/{doi}).
"""

from __future__ import annotations

import base64
import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from tsunagu.core import egress
from tsunagu.standards import api as standards

_BASE = "https://api.datacite.org"
_JSON_API = "application/vnd.api+json"
_GOOD = frozenset({200, 201})
_TIMEOUT_S = 30.0  # the service writes the handle inside the request, which may take 10 s


@dataclass(frozen=True, slots=True)
class Reply:
    """What the service said.

    Attributes:
        state: ``draft``, ``registered`` or ``findable``; empty where the answer held none.
        is_written: Whether the handle was ever written.
        held: Everything that the service holds.
        said: The whole answer in words, for people.
    """

    status: int
    state: str = ""
    is_written: bool = False
    held: Mapping[str, Any] = field(default_factory=dict)
    said: str = ""
    retry_after: str = ""

    @property
    def is_good(self) -> bool:
        """Whether it was taken."""
        return self.status in _GOOD

    def is_settled(self, operation: str) -> bool:
        """Whether what was asked for has happened. A draft that is to be hidden was never seen by anybody."""
        if operation == "hide":
            return self.state == "draft" or (self.is_written and self.state == "registered")
        return self.is_written and self.state == "findable"


def put(account: Mapping[str, Any], doi: str, attributes: Mapping[str, Any]) -> Reply:
    """Create or update a DOI.

    Raises:
        EgressRefusedError: the address of the account may not be reached; nothing was sent.
        EgressFailedError: no answer; it may have happened all the same.
    """
    body = json.dumps({"data": {"type": "dois", "attributes": attributes}}, ensure_ascii=False).encode()
    answer = egress.exchange(
        "PUT",
        _address(account, doi),
        body,
        media_type=_JSON_API,
        timeout_s=_TIMEOUT_S,
        headers=_head(account),
    )
    return _read(answer)


def read(account: Mapping[str, Any], doi: str) -> Reply:
    """What the service holds about a DOI; status 404 where it holds nothing. Raises the same."""
    address = _address(account, doi)
    return _read(egress.exchange("GET", address, timeout_s=_TIMEOUT_S, headers=_head(account)))


def holds(found: Reply, attributes: Mapping[str, Any], operation: str) -> bool:
    """Whether the service holds what was to be written, so that it need not be repeated."""
    asked = {name: value for name, value in attributes.items() if name not in {"event", "schemaVersion"}}
    return found.is_good and found.is_settled(operation) and _contains(found.held, asked)


def _contains(held: Any, asked: Any) -> bool:
    """Whether all that was asked is there; the service adds empty lists and the like."""
    if isinstance(asked, Mapping):
        return isinstance(held, Mapping) and all(_contains(held.get(key), one) for key, one in asked.items())
    if isinstance(asked, list) and asked:
        is_as_long = isinstance(held, list) and len(held) == len(asked)
        return is_as_long and all(_contains(*pair) for pair in zip(held, asked, strict=True))
    return str(held or "") == str(asked or "")


def leads_to(content: bytes, address: str) -> bool:
    """Whether an answer of the handle proxy names a page of this node.

    Source: https://www.handle.net/proxy_servlet.html (responseCode 1: the handle exists).
    """
    try:
        answer = json.loads(content)
        values = answer["values"] if answer["responseCode"] == 1 else []
        targets = [str(one["data"]["value"]) for one in values if one["type"] == "URL"]
    except (ValueError, KeyError, TypeError):
        return False
    return any(target.startswith(f"{address}/") for target in targets)


def _address(account: Mapping[str, Any], doi: str) -> str:
    return f"{str(account.get('url') or _BASE).rstrip('/')}/dois/{quote(doi, safe='/')}"


def _head(account: Mapping[str, Any]) -> dict[str, str]:
    pair = f"{account.get('repository', '')}:{account.get('password', '')}".encode()
    return {
        "Authorization": f"Basic {base64.b64encode(pair).decode()}",
        "Accept": _JSON_API,
    }


def _read(answer: egress.Answered) -> Reply:
    text = answer.text
    try:
        found = json.loads(text)
        held = dict(found["data"]["attributes"].items()) if answer.status in _GOOD else {}
    except (ValueError, KeyError, TypeError, AttributeError):
        if answer.status in _GOOD:  # a proxy that answers with a page: whether it happened is not known
            return Reply(0, said=text)
        held = {}
    return Reply(
        answer.status,
        str(held.get("state") or "")[:20],
        bool(held.get("registered")),
        held,
        "" if answer.status in _GOOD else text,
        answer.retry_after,
    )


def attributes_of_all(
    record: standards.PublicRecord, operation: str, versions: Sequence[str], *, url: str
) -> dict[str, Any]:
    """The same for the DOI that names all versions together.

    Args:
        record: The record of the newest version.
        operation: ``publish``, or ``hide`` where no version is public any more.
        versions: DOIs of the versions that are registered.
        url: The page of the dataset.
    """
    related = tuple(standards.Relation("hasVersion", "DOI", f"https://doi.org/{doi}") for doi in versions)
    whole = dataclasses.replace(record, url=url, version="", relations=related)
    return attributes(whole, operation)


def attributes(record: standards.PublicRecord, operation: str) -> dict[str, Any]:
    """The whole of what DataCite is to hold of a version: what is left out would keep its old value.

    Args:
        record: The public record.
        operation: ``publish`` or ``hide``.
    """
    found = standards.to_datacite_json(record)
    del found["doi"]  # the one of the request's address counts
    found["rightsList"] = [*found["rightsList"], {"rights": record.access}]
    return {"event": operation, **found}
