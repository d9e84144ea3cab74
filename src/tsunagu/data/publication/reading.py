"""The public page of a version: what anybody may know, and files only where anybody may have them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from tsunagu.core import clock
from tsunagu.data.datasets import api as datasets
from tsunagu.data.publication import record, selectors
from tsunagu.data.publication.errors import NoPublicationError
from tsunagu.data.publication.institutions import card_of
from tsunagu.data.publication.models import Concept, Publication
from tsunagu.data.publication.types import FileLine, Landing, Reviewed
from tsunagu.foundation.identity.api import ANONYMOUS, SYSTEM, Actor
from tsunagu.standards.api import PublicRecord

FILES_SHOWN = 100


def find_record(place: str, number: int) -> PublicRecord | None:
    """The public record of a version; None where nothing of that name was ever public, ``withdrawn_on`` where it was."""
    try:
        found = landing(place, number)
    except NoPublicationError:
        return None
    return dataclasses.replace(found.record, withdrawn_on=found.withdrawn_on[:10])


def moved_to(place: str, number: int) -> str:
    """The page of a version at the node to which it was moved; empty where it stands here, or never did."""
    rows = Publication.objects.filter(place=place, number=number, state="moved")
    return str(rows.values_list("moved_to", flat=True).first() or "")


def landing(place: str, number: int = 0) -> Landing:
    """What the public page of a version shows; of the newest public one where no number is given.

    Raises:
        NoPublicationError: nothing of that name was ever public.
    """
    rows = Publication.objects.select_related("institution").filter(place=place).filter(record__isnull=False)
    if number:
        row = rows.filter(number=number).first()
    else:
        standing = rows.filter(state__in=("published", "moved")).order_by("-number").first()
        row = standing or rows.order_by("-number").first()
    if row is None or row.record is None:
        raise NoPublicationError
    is_moved = row.state == "moved"
    card = None if is_moved else selectors.dataset_of(row)
    shown = record.from_json(row.record)
    is_withdrawn = row.state == "withdrawn"
    version = None if card is None else datasets.get_version(card, row.number)
    if card is not None and not is_withdrawn:
        # The clock may have opened it since the record was written.
        shown = dataclasses.replace(shown, access=record.access_of(card, version, row))
    is_free = card is not None and not is_withdrawn and shown.access == record.RIGHTS["open"]
    concept = Concept.objects.filter(dataset_id=row.dataset_id).first()
    has_concept = concept is not None and concept.is_doi_registered and not concept.is_test_doi
    is_embargoed = shown.access == record.RIGHTS["embargoed"]
    return Landing(
        id=row.uid,
        place=row.place,
        number=row.number,
        record=shown,
        institution=card_of(row.institution),
        published_on=clock.isoformat(row.published_at) if row.published_at else "",
        version_hash=row.version_hash,
        doi=selectors.shown_doi(row),
        concept_doi=concept.doi if concept and has_concept else "",
        is_free=is_free,
        opens_on=next((one.value for one in shown.dates if is_embargoed and one.type == "Available"), ""),
        is_withdrawn=is_withdrawn,
        withdrawn_on=clock.isoformat(row.withdrawn_at) if row.withdrawn_at else "",
        reason=row.reason if is_withdrawn else "",
        moved_to=row.moved_to if number else row.stands_at,
        file_count=version.file_count if version else 0,
        byte_count=version.byte_count if version else 0,
        files=_files(card, row.number) if card is not None and is_free else (),
        versions=selectors.published_lines(row.dataset_id),
    )


def has_landing(place: str) -> bool:
    """Whether anything of a dataset is or was public."""
    return Publication.objects.filter(place=place).filter(record__isnull=False).exists()


def _files(card: datasets.DatasetCard, number: int) -> tuple[FileLine, ...]:
    # As any stranger: the list asks the rules itself.
    found = datasets.list_files(ANONYMOUS, card, version=number, limit=FILES_SHOWN)
    return tuple(FileLine(one.path, one.byte_count, one.sha256) for one in found.files)


def reviewed(actor: Actor, publication_id: str) -> Reviewed:
    """What a curator looks at. To ask for publication is to show this to the institution's curators.

    Raises:
        NoPublicationError: there is none, or the actor may not see it.
    """
    row = selectors.row_for(actor, publication_id)
    card = selectors.dataset_of(row)
    if card is None:
        return Reviewed()
    version = datasets.get_version(card, row.number)
    said = {**version.described, **row.corrected}
    values = {name: one.get("value") for name, one in said.items() if isinstance(one, dict)}
    first = [name for name in record.SAID if name in values]
    names = [*first, *sorted(set(values) - set(first))]
    found = datasets.list_files(SYSTEM, card, version=row.number, limit=FILES_SHOWN)
    return Reviewed(
        tuple((name, values[name]) for name in names),
        tuple(FileLine(one.path, one.byte_count, one.sha256) for one in found.files),
        version.file_count,
        version.byte_count,
        **_since(row, card, values),
    )


def _since(row: Publication, card: datasets.DatasetCard, values: Mapping[str, object]) -> dict[str, Any]:
    """What is different from the version that was asked for before, so that nobody reads everything twice."""
    asked = row.entries.filter(step="request").exclude(number=row.number).order_by("-pk")
    before = asked.values_list("number", flat=True).first()
    if before is None:
        return {}
    old = datasets.get_version(card, before).described
    then = {name: one.get("value") for name, one in old.items() if isinstance(one, dict)}
    changed = {name for name in {*then, *values} if then.get(name) != values.get(name)}
    diff = datasets.diff_counts(SYSTEM, card, before, row.number)
    return {"before": before, "changed": frozenset(changed), "diff": diff}
