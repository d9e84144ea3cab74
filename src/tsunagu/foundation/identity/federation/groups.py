"""Entitlements and group names of the federations as virtual organisations.

AARC-G069 (and G002, which it replaces): ``urn:<NID>:<namespace>:group:<GROUP>[:<subgroup>]*[:role=<role>][#<authority>]``
with any NID, percent-encoded. GakuNin's Cloud Gateway gives ``https://cg.gakunin.jp/gr/<name>`` in isMemberOf.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote, unquote

_URN = re.compile(
    r"urn:(?P<nid>[a-z0-9][a-z0-9-]{0,31}):(?P<rest>[^#\s]+)(?:#(?P<authority>\S+))?\Z", re.IGNORECASE
)
_GATEWAY = re.compile(r"https://cg\.gakunin\.jp/gr/(?P<name>[^/?#\s]+)\Z")
GATEWAY_AUTHORITY = "cg.gakunin.jp"


@dataclass(frozen=True, slots=True)
class Membership:
    """Somebody is in a group of a virtual organisation.

    Attributes:
        namespace: Under which the group's name is unique (``urn:geant:example.org``, ``https://cg.gakunin.jp``).
        path: The group and its subgroups, outermost first.
        role: A role in the innermost group; empty for plain members.
        authority: Who says so.
    """

    namespace: str
    path: tuple[str, ...]
    role: str
    authority: str

    @property
    def name(self) -> str:
        """The same text for the same group, whatever the spelling of the entitlement."""
        return f"{self.namespace}/{'/'.join(self.path)}"


def parse(value: str, *, issuer: str) -> Membership | None:
    """The group that a value names, or None when it names none.

    Args:
        value: An entitlement or a value of isMemberOf.
        issuer: Who sent it; the authority where the value names none.
    """
    gateway = _GATEWAY.match(value)
    if gateway:
        return Membership("https://cg.gakunin.jp", (unquote(gateway["name"]),), "", GATEWAY_AUTHORITY)
    urn = _URN.match(value)
    if urn is None:
        return None
    parts = urn["rest"].split(":")
    lowered = [part.lower() for part in parts]
    if "group" not in lowered[1:]:
        return None
    place = lowered.index("group", 1)
    path, role = parts[place + 1 :], ""
    if path and path[-1].lower().startswith("role="):
        role = unquote(path.pop()[5:])
    if not path or not all(path):
        return None
    namespace = ":".join(["urn", urn["nid"].lower(), *(part.lower() for part in parts[:place])])
    return Membership(namespace, tuple(map(unquote, path)), role, unquote(urn["authority"] or issuer))


def as_text(membership: Membership) -> str:
    """The membership as other services read it; ``parse`` gives it back."""
    if membership.authority == GATEWAY_AUTHORITY:
        return f"https://cg.gakunin.jp/gr/{quote(membership.path[0], safe='')}"
    parts = [membership.namespace, "group", *(quote(part, safe="") for part in membership.path)]
    role = [f"role={quote(membership.role, safe='')}"] if membership.role else []
    return f"{':'.join([*parts, *role])}#{quote(membership.authority, safe=':/')}"


def trusted(values: Iterable[str], *, issuer: str, authorities: Iterable[str]) -> tuple[Membership, ...]:
    """The memberships that a trusted authority vouches for; all others grant nothing.

    The part after # is what the sender wrote. It counts when the sender itself is trusted to relay that authority:
    either the issuer is on the list, or the pair ``issuer#authority`` is.
    """
    accepted = set(authorities)
    found = []
    for value in values:
        membership = parse(value, issuer=issuer)
        if membership is None:
            continue
        if {issuer, f"{issuer}#{membership.authority}"} & accepted:
            found.append(membership)
    return tuple(dict.fromkeys(found))
