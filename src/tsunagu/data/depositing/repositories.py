"""The repositories of the node's settings, ``[[repositories]]``, and what is remembered of each."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

from tsunagu.core import clock, settings
from tsunagu.data.depositing.errors import NoRepositoryError
from tsunagu.data.depositing.models import RepositoryState

_PACKAGING = "http://purl.org/net/sword/3.0/package/SimpleZip"
# WEKO's own limit, for a service document that names none.
MOST_BYTES = 16_777_216_000


@dataclass(frozen=True, slots=True)
class Repository:
    """A row of ``[[repositories]]``.

    Attributes:
        address: Of the service document.
        institution: Whose publications go there; empty: everybody's.
        digest: ``hex`` (what WEKO compares) or ``base64`` (RFC 3230).
        index: Ids of the indexes in which items are to stand.
        finds_duplicates: It refuses a second item with the same content, so that sending again is harmless.
    """

    name: str
    title: str
    address: str
    token: str
    institution: str
    packaging: str
    digest: str
    index: tuple[int, ...]
    publish_status: str
    on_behalf_of: str
    grants_doi: bool
    finds_duplicates: bool

    def own(self, address: str) -> str:
        """An address that the repository named, in full; empty where it leads elsewhere: the token is for it alone."""
        whole = urljoin(self.address, address) if address else ""
        return whole if urlsplit(whole)[:2] == urlsplit(self.address)[:2] else ""


def every(institution: str = "") -> list[Repository]:
    """Those for the publications of an institution; empty: all."""
    found = [_read(row) for row in settings.current().repositories]
    return [one for one in found if not institution or one.institution in {"", institution}]


def named(name: str, institution: str = "") -> Repository:
    """One of them.

    Raises:
        NoRepositoryError: there is none of that name for the institution.
    """
    for one in every(institution):
        if one.name == name:
            return one
    raise NoRepositoryError(f"This node has no repository {name} for the institution.", name=name)


def _read(row: Mapping[str, Any]) -> Repository:
    name = str(row.get("name", ""))
    return Repository(
        name=name,
        title=str(row.get("title") or name),
        address=str(row.get("address", "")),
        token=str(row.get("token", "")),
        institution=str(row.get("institution", "")),
        packaging=str(row.get("packaging") or _PACKAGING),
        digest=str(row.get("digest") or "hex"),
        index=tuple(int(one) for one in row.get("index", ())),
        publish_status=str(row.get("publish_status") or "public"),
        on_behalf_of=str(row.get("on_behalf_of", "")),
        grants_doi=bool(row.get("grants_doi", True)),
        finds_duplicates=bool(row.get("finds_duplicates")),
    )


def state_of(name: str) -> RepositoryState:
    """What is remembered of a repository."""
    return RepositoryState.objects.get_or_create(name=name)[0]


def lock(name: str) -> None:
    """Have nobody else take something up for a repository until the running transaction ends."""
    state_of(name)
    RepositoryState.objects.select_for_update().get(name=name)


def pause(name: str, wait: dt.timedelta, problem: str) -> None:
    """Leave a repository alone for a while; everything for it waits, and nothing else does."""
    RepositoryState.objects.update_or_create(
        name=name, defaults={"paused_until": clock.now() + wait, "problem": problem[:2000]}
    )


def paused() -> list[str]:
    """Names of those that are left alone now."""
    rows = RepositoryState.objects.filter(paused_until__gt=clock.now())
    return list(rows.values_list("name", flat=True))


def is_paused(name: str) -> bool:
    """Whether it is left alone now."""
    return name in paused()


def works(name: str) -> None:
    """It answered as it should."""
    RepositoryState.objects.filter(name=name).exclude(problem="").update(paused_until=None, problem="")
