"""What the federation hands out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class FeedSource:
    """A metadata feed as the administrator described it.

    Attributes:
        name: Its name here.
        url: Where it is fetched; empty when it is read from ``file``.
        file: A local file, for feeds that another program fetches; None when there is a ``url``.
        certificate: PEM file with the pinned signing certificate, or with both of them while the signer changes.
        registration_authorities: Only entities registered by these are taken; empty takes all.
        most_shrink: A feed that lost more than this share of its entities is refused (0.2 is a fifth).
        most_validity: A ``validUntil`` further away than this is refused.
    """

    name: str
    url: str
    file: Path | None
    certificate: Path
    registration_authorities: tuple[str, ...] = ()
    most_shrink: float = 0.2
    most_validity: dt.timedelta = dt.timedelta(days=60)


@dataclass(frozen=True, slots=True)
class Scope:
    """A domain that an identity provider may speak for (shibmd:Scope)."""

    value: str
    is_regexp: bool = False


@dataclass(frozen=True, slots=True)
class Entity:
    """One identity provider of a feed.

    Attributes:
        entity_id: Its name in the federation.
        xml: Its EntityDescriptor, as it stood in the feed.
        names: Display names by language; ``""`` is the fallback where the metadata names no language.
        keywords: Words by which people search it.
        logo: Address of its logo, as text; never fetched by the node.
        registration_authority: Who registered it.
        attributes: Entity attributes (categories, assurance profiles) by name.
        is_hidden: Asks not to be shown in lists.
    """

    entity_id: str
    xml: str
    scopes: tuple[Scope, ...]
    names: Mapping[str, str]
    keywords: tuple[str, ...]
    logo: str
    registration_authority: str
    attributes: Mapping[str, tuple[str, ...]]
    is_hidden: bool


@dataclass(frozen=True, slots=True)
class Aggregate:
    """A verified feed."""

    published_at: dt.datetime | None
    valid_until: dt.datetime
    entities: tuple[Entity, ...]


@dataclass(frozen=True, slots=True)
class FeedCard:
    """The state of a feed as an administrator sees it; times RFC 3339.

    Attributes:
        state: ``good``, ``old`` (the last try failed, the last good copy is in use), ``expired`` (that copy ran
            out; nobody can sign in by it) or ``never``.
        problem: Why the last try failed; empty when it did not.
    """

    name: str
    source: str
    state: str
    entity_count: int
    checked_at: str | None
    succeeded_at: str | None
    published_at: str | None
    valid_until: str | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class ProviderCard:
    """An identity provider as the discovery page shows it."""

    entity_id: str
    names: Mapping[str, str] = field(default_factory=dict)
    registration_authority: str = ""

    def name(self, language: str) -> str:
        """Its name in a language, else in the other one, else its entity id."""
        other = "en" if language == "ja" else "ja"
        return self.names.get(language) or self.names.get(other) or self.names.get("") or self.entity_id
