"""Joins the doors to published records with the room that publishes."""

from __future__ import annotations

from dataclasses import replace

from django.urls import URLPattern

from tsunagu.data.publication import api as publication
from tsunagu.doors.oai.views import addresses as oai_addresses
from tsunagu.doors.records.views import addresses as record_addresses
from tsunagu.standards.api import PublicRecord


def addresses() -> list[URLPattern]:
    """Harvesting, and every form of a public record."""
    return [*oai_addresses(publication), *record_addresses(public_record)]


def public_record(place: str, number: int) -> PublicRecord | None:
    """What anybody may know of a version; None where nothing of it was ever public."""
    try:
        found = publication.landing(place, number)
    except publication.NoPublicationError:
        return None
    if found.is_withdrawn:
        return replace(found.record, withdrawn_on=found.withdrawn_on[:10])
    return found.record
