"""The node's mapping from raw keys to common names: a YAML text that a data steward edits."""

from __future__ import annotations

import functools

from django.db import transaction

from tsunagu.core import clock
from tsunagu.data.description.errors import BadMappingError
from tsunagu.data.description.models import MappingText
from tsunagu.data.description.types import MappingCard
from tsunagu.formats import api as formats
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy
from tsunagu.foundation.runs import api as runs


def current_mapping() -> MappingCard:
    """The mapping in force: the newest that was written here, else the one that comes with the program."""
    row = MappingText.objects.order_by("-pk").first()
    if row is None:
        text = formats.default_mapping_text()
        return MappingCard(text, parsed(text).mapping_version, "", "", "")
    return MappingCard(row.text, row.version, row.note, row.written_by, clock.isoformat(row.written_at))


@functools.lru_cache(maxsize=4)
def parsed(text: str) -> formats.Mapping:
    """The mapping of a text.

    Raises:
        BadMappingError: it cannot be used; names the line.
    """
    try:
        return formats.parse_mapping(text)
    except formats.MappingError as error:
        raise BadMappingError(str(error)) from error


@transaction.atomic
def write_mapping(actor: Actor, text: str, *, note: str = "") -> MappingCard:
    """Put a new mapping in force; readings made with the one before stay until files are read again.

    Raises:
        BadMappingError: it cannot be used; names the line.
        ActionDeniedError: the actor is no data steward.
    """
    policy.require(actor, "mapping.edit", policy.NODE)
    version = parsed(text).mapping_version
    MappingText.objects.create(
        text=text, version=version, note=note[:500], written_by=actor.id, written_at=clock.now()
    )
    runs.record(actor, "write_mapping", parameters={"version": version, "note": note[:500]})
    return current_mapping()


def mapping_history(*, limit: int = 50) -> list[MappingCard]:
    """Mappings that were written here, newest first."""
    return [
        MappingCard(row.text, row.version, row.note, row.written_by, clock.isoformat(row.written_at))
        for row in MappingText.objects.order_by("-pk")[:limit]
    ]
