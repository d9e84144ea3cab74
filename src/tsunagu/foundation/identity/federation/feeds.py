"""Metadata feeds: fetched or read, verified, indexed; the last good copy stays whatever comes.

A copy is taken whole or not at all, in one transaction. Refused are copies that are unsigned or signed by another
key, expired, valid absurdly long, older than the present one, or much smaller than it.
"""

from __future__ import annotations

import datetime as dt
import gc
import hashlib
import json
import logging
import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from django.db import models, transaction

from tsunagu.core import bulk, clock, egress, settings
from tsunagu.core.errors import TsunaguError
from tsunagu.foundation.identity.federation import metadata, signature
from tsunagu.foundation.identity.federation.errors import (
    BadFeedSettingError,
    FeedRefusedError,
    UnknownProviderError,
)
from tsunagu.foundation.identity.federation.models import Feed, Provider
from tsunagu.foundation.identity.federation.types import (
    Aggregate,
    Entity,
    FeedCard,
    FeedSource,
    ProviderCard,
)

logger = logging.getLogger(__name__)

_MOST_BYTES = 256 << 20
_COLUMNS = (
    "feed_id",
    "entity_id",
    "entity_hash",
    "xml",
    "scopes",
    "names",
    "logo",
    "registration_authority",
    "attributes",
    "is_hidden",
    "search_text",
    "sort_key",
)
_KATAKANA = {code: code + 0x60 for code in range(ord("ぁ"), ord("ゖ") + 1)}
_KEYS = frozenset(
    {"name", "url", "file", "certificate", "registration_authorities", "most_shrink", "most_validity_days"}
)


def sources() -> list[FeedSource]:
    """The feeds of the setting ``federation_feeds``; relative files lie in the node's home.

    Raises:
        BadFeedSettingError: one of them is not complete.
    """
    node = settings.current()
    found = [_source(node.home, row) for row in node.federation_feeds]
    if len({source.name for source in found}) != len(found):
        raise BadFeedSettingError("Two metadata feeds bear the same name.")
    return found


def _source(home: Path, row: Mapping[str, Any]) -> FeedSource:
    unknown = sorted(set(row) - _KEYS)
    name, url, file = str(row.get("name", "")), str(row.get("url", "")), row.get("file")
    if unknown or not name or not row.get("certificate") or bool(url) == bool(file):
        detail = f"unknown: {', '.join(unknown)}" if unknown else "name, certificate, and a url or a file"
        raise BadFeedSettingError(
            f"The metadata feed {name or '(without a name)'} needs attention: {detail}."
        )
    try:
        return FeedSource(
            name=name[:100],
            url=url,
            file=home / str(file) if file else None,
            certificate=home / str(row["certificate"]),
            registration_authorities=tuple(row.get("registration_authorities", ())),
            most_shrink=float(row.get("most_shrink", 0.2)),
            most_validity=dt.timedelta(days=float(row.get("most_validity_days", 60))),
        )
    except (TypeError, ValueError):
        raise BadFeedSettingError(f"The metadata feed {name} holds a value of the wrong kind.") from None


def load(source: FeedSource) -> bytes:
    """The bytes of a feed as they are now.

    Raises:
        FeedRefusedError: the file cannot be read.
        EgressFailedError, EgressRefusedError: the address cannot be fetched.
    """
    if source.file is None:
        return egress.fetch(source.url, most_bytes=_MOST_BYTES, timeout_s=120).content
    try:
        return source.file.read_bytes()
    except OSError as error:
        raise FeedRefusedError(
            f"The feed's file {source.file.name} cannot be read: {error.strerror}.",
            remedy="Put the file back, or name the right one in tsunagu.toml.",
        ) from None


def check(source: FeedSource, content: bytes) -> Aggregate:
    """A feed that the operator signed and that is valid now.

    Raises:
        FeedRefusedError: it cannot be trusted; the message says why.
    """
    now = clock.now()
    root = signature.parse(content)
    signature.verify(root, source.certificate)
    valid_until = metadata.moment(root.get("validUntil"), "validUntil")
    if valid_until is None:
        raise FeedRefusedError("The feed does not say until when it is valid.")
    if valid_until <= now:
        raise FeedRefusedError(f"The feed expired at {clock.isoformat(valid_until)}.")
    if valid_until > now + source.most_validity:
        raise FeedRefusedError(
            f"The feed says that it is valid until {clock.isoformat(valid_until)}, which is too long.",
            remedy="If the operator means it, raise most_validity_days of this feed.",
        )
    found = metadata.entities(root, authorities=source.registration_authorities, now=now)
    return Aggregate(metadata.published_at(root), valid_until, tuple(found))


def refresh(source: FeedSource) -> FeedCard:
    """Take the present copy of a feed if it is good; say in the status why not if it is not."""
    feed, _ = Feed.objects.get_or_create(name=source.name)
    feed.checked_at = clock.now()
    feed.problem = ""
    try:
        content = load(source)
        digest = hashlib.sha256(content).hexdigest()
        if (digest, _source_hash(source)) != (feed.content_hash, feed.source_hash):
            aggregate = check(source, content)
            del content
            _refuse_worse(source, feed, aggregate)
            _take(feed, aggregate, digest, _source_hash(source))
            del aggregate
            gc.collect()  # lxml's tree of a large feed is larger than all else in a worker
        elif feed.valid_until and feed.valid_until <= feed.checked_at:
            raise FeedRefusedError(f"The feed expired at {clock.isoformat(feed.valid_until)}.")
        else:
            feed.succeeded_at = feed.checked_at
    except TsunaguError as error:
        feed.problem = error.message
        logger.warning("feed_refused", extra={"feed": source.name, "code": error.code, "why": error.message})
    feed.save()
    return _card(feed, source)


def _source_hash(source: FeedSource) -> str:
    """Changes when the administrator changes the filter or the certificate: then the copy is looked at anew."""
    key = source.certificate.read_bytes() if source.certificate.exists() else b""
    told = repr((source.registration_authorities, hashlib.sha256(key).hexdigest()))
    return hashlib.sha256(told.encode()).hexdigest()


def _refuse_worse(source: FeedSource, feed: Feed, aggregate: Aggregate) -> None:
    """Refuse an older or much smaller copy than the one in use."""
    if not aggregate.entities:
        raise FeedRefusedError("The feed holds no identity provider.")
    old, new = (
        (feed.published_at, aggregate.published_at)
        if feed.published_at and aggregate.published_at
        else (feed.valid_until, aggregate.valid_until)
    )
    if old and new and new < old:
        raise FeedRefusedError(f"The feed is older ({clock.isoformat(new)}) than the copy in use.")
    count, before = len(aggregate.entities), feed.entity_count
    same_filter = feed.source_hash == _source_hash(source)
    if same_filter and count < before * (1 - source.most_shrink):
        raise FeedRefusedError(
            f"The feed shrank from {before} to {count} identity providers.",
            remedy="If the operator says that this is right, raise most_shrink of this feed once.",
        )


def _take(feed: Feed, aggregate: Aggregate, digest: str, source_hash: str) -> None:
    with transaction.atomic():
        feed.providers.all().delete()
        rows = (_row(feed, entity) for entity in aggregate.entities)
        bulk.insert("identity_provider", _COLUMNS, rows)
        feed.published_at = aggregate.published_at
        feed.valid_until = aggregate.valid_until
        feed.entity_count = len(aggregate.entities)
        feed.content_hash, feed.source_hash = digest, source_hash
        feed.succeeded_at = feed.checked_at
        feed.save()


def _row(feed: Feed, entity: Entity) -> tuple[Any, ...]:
    """The values of ``_COLUMNS``."""
    name = entity.names.get("ja") or entity.names.get("en") or entity.names.get("") or entity.entity_id
    domains = [scope.value for scope in entity.scopes if not scope.is_regexp]
    return (
        feed.pk,
        entity.entity_id,
        entity_hash(entity.entity_id),
        entity.xml,
        json.dumps([{"value": scope.value, "regexp": scope.is_regexp} for scope in entity.scopes]),
        json.dumps(entity.names),
        entity.logo,
        entity.registration_authority[:500],
        json.dumps(entity.attributes),
        entity.is_hidden,
        folded(" ".join([*entity.names.values(), *entity.keywords, *domains])),
        folded(name)[:200],
    )


def entity_hash(entity_id: str) -> str:
    """Entity ids may have 1,024 characters, which is too long for an index of some databases."""
    return hashlib.sha256(entity_id.encode()).hexdigest()


def folded(text: str) -> str:
    """Text for search: full and half width, upper and lower case, hiragana and katakana are the same."""
    return unicodedata.normalize("NFKC", text).casefold().translate(_KATAKANA)


def refresh_all() -> list[FeedCard]:
    """Refresh every feed; feeds that the settings no longer name go away with their providers."""
    wanted = sources()
    Feed.objects.exclude(name__in=[source.name for source in wanted]).delete()
    return [refresh(source) for source in wanted]


def status() -> list[FeedCard]:
    """The state of every feed that the settings name."""
    rows = {row.name: row for row in Feed.objects.all()}
    return [_card(rows.get(source.name) or Feed(name=source.name), source) for source in sources()]


def _card(feed: Feed, source: FeedSource) -> FeedCard:
    def shown(value: dt.datetime | None) -> str | None:
        return clock.isoformat(value) if value else None

    if feed.valid_until is None:
        state = "never"
    elif feed.valid_until <= clock.now():
        state = "expired"
    else:
        state = "old" if feed.problem else "good"
    return FeedCard(
        name=feed.name,
        source=source.url or str(source.file),
        state=state,
        entity_count=feed.entity_count,
        checked_at=shown(feed.checked_at),
        succeeded_at=shown(feed.succeeded_at),
        published_at=shown(feed.published_at),
        valid_until=shown(feed.valid_until),
        problem=feed.problem,
    )


def _living() -> models.QuerySet[Provider]:
    """Providers of copies that are still valid and whose feeds the settings still name."""
    names = [source.name for source in sources()]
    return Provider.objects.filter(feed__valid_until__gt=clock.now(), feed__name__in=names)


def provider(entity_id: str) -> Provider:
    """The provider of this name; the feed that stands first in the settings wins.

    Raises:
        UnknownProviderError: no living feed knows it.
    """
    order = [source.name for source in sources()]
    rows = list(_living().filter(entity_hash=entity_hash(entity_id)).select_related("feed"))
    if not rows:
        raise UnknownProviderError
    return min(rows, key=lambda row: order.index(row.feed.name))


def search(words: str, *, limit: int = 50) -> list[ProviderCard]:
    """Identity providers whose names, keywords or domains hold every word, hidden ones left out."""
    rows = _living().filter(is_hidden=False)
    for word in folded(words).split()[:8]:
        rows = rows.filter(search_text__contains=word)
    chosen: dict[str, ProviderCard] = {}
    for row in rows.order_by("sort_key").only("entity_id", "names", "registration_authority")[: limit * 2]:
        chosen.setdefault(row.entity_id, card(row))
    return list(chosen.values())[:limit]


def card(row: Provider) -> ProviderCard:
    """What the discovery page shows of a provider."""
    return ProviderCard(row.entity_id, row.names, row.registration_authority)


def known(entity_ids: Iterable[str]) -> list[ProviderCard]:
    """The living ones among these, in the order given; for choices that a browser remembered."""
    hashes = {entity_hash(name): name for name in entity_ids}
    rows = {row.entity_id: card(row) for row in _living().filter(entity_hash__in=list(hashes))}
    return [rows[name] for name in hashes.values() if name in rows]


def is_configured() -> bool:
    """Whether this node belongs to a federation."""
    return bool(settings.current().federation_feeds)
