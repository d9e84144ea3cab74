"""Moving a published dataset to another node: what goes along, and what stays here (docs/adr/0072).

Names never change: the same record ids, DOIs and version numbers stand at the other node, and every address here leads there.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode, urlsplit

from django.db import transaction

from tsunagu.core import clock, egress, events
from tsunagu.data.datasets import api as datasets
from tsunagu.data.description import api as description
from tsunagu.data.keeping import api as keeping
from tsunagu.data.publication import behind, outbox, publishing, record, selectors, steps
from tsunagu.data.publication.errors import (
    AlreadyMovedError,
    CannotMoveError,
    NoPublicationError,
    NotThereError,
)
from tsunagu.data.publication.institutions import institution_row
from tsunagu.data.publication.models import Concept, OutsideEffect, Publication
from tsunagu.data.publication.types import (
    OPEN_STATES,
    Moving,
    MovingName,
    MovingPublication,
    MovingStep,
    MovingVersion,
)
from tsunagu.foundation.identity.api import SYSTEM, Actor
from tsunagu.foundation.policy import api as policy

STANDING = ("published", "withdrawn")
_MOST_VERSIONS = 1000
_GOOD = 200


def collection(institution: str) -> list[str]:
    """Datasets of which an institution has published something that stands here, by name; everybody may know them.

    Raises:
        NoInstitutionError: there is none of that name.
    """
    rows = Publication.objects.filter(institution=institution_row(institution), state__in=STANDING)
    return sorted(set(rows.values_list("place", flat=True)))


def pack(actor: Actor, card: datasets.DatasetCard) -> Moving:
    """Everything about a published dataset that goes along, but for the bytes, which come by pulls.

    Raises:
        ActionDeniedError: the actor does not administer the node, or may not read or withdraw what is published.
        CannotMoveError: a request is still open, or the dataset is sealed.
        NoPublicationError: nothing of it is published.
    """
    rows = _rows(actor, card)
    versions = list(reversed(datasets.list_versions(card, limit=_MOST_VERSIONS + 1)))
    if len(versions) > _MOST_VERSIONS:
        raise CannotMoveError(f"{card.slug} has more than {_MOST_VERSIONS:,} versions.")
    for one in versions:
        keeping.record_export(actor, card, one.number, "move")
    concept = Concept.objects.filter(dataset_id=card.id).first()
    made = {one.number: record.made_on(one) for one in versions}
    return Moving(
        place=card.slug,
        title=card.title,
        source=behind.landing_address(card.slug),
        concept=_name(concept) if concept else None,
        versions=tuple(_version(card, one) for one in versions),
        publications=tuple(_publication(row, made[row.number]) for row in rows),
    )


def _rows(actor: Actor, card: datasets.DatasetCard) -> list[Publication]:
    policy.require(actor, "node.admin", policy.NODE)
    policy.require(actor, "dataset.read", card.resource)
    if card.key_domain:
        raise CannotMoveError(
            f"{card.slug} is sealed, and its keys do not leave this node.",
            remedy="Move the other datasets; a sealed one can be published anew where its owner holds the keys.",
        )
    rows = Publication.objects.select_related("institution").filter(dataset_id=card.id)
    if rows.filter(state__in=OPEN_STATES).exists():
        raise CannotMoveError(
            f"A request to publish {card.slug} is still open.", remedy="Decide about it first, then move."
        )
    found = list(rows.filter(state__in=STANDING).order_by("number"))
    if not found:
        if gone := rows.filter(state="moved").first():
            raise AlreadyMovedError(f"{card.slug} stands at {gone.stands_at} already.", to=gone.stands_at)
        raise NoPublicationError
    for row in found:
        policy.require(actor, "publication.withdraw", selectors.resource_of(row))
    return found


def _name(row: Concept | Publication) -> MovingName:
    return MovingName(row.doi, row.doi_agency, row.is_doi_registered)


def _version(card: datasets.DatasetCard, one: datasets.VersionRef) -> MovingVersion:
    values = description.frozen_values(card, one.described)
    return MovingVersion(one.number, one.note, one.root, one.file_count, one.byte_count, values)


def _publication(row: Publication, made_on: str) -> MovingPublication:
    return MovingPublication(
        id=row.uid,
        number=row.number,
        state=row.state,
        access=row.access,
        opens_on=row.opens_on,
        resource_type=row.resource_type,
        title=row.title,
        requested_at=clock.isoformat(row.requested_at),
        published_at=_moment(row.published_at),
        withdrawn_at=_moment(row.withdrawn_at),
        made_on=row.made_on or made_on,
        reason=row.reason,
        name=_name(row) if row.doi else None,
        corrected=row.corrected,
        article=row.article,
        data=tuple(_address(one) for one in row.data_behind.order_by("pk")),
        related=tuple(row.stated_relations.order_by("pk").values_list("relation", "address")),
        history=tuple(
            MovingStep(
                one.number,
                one.step,
                one.text,
                one.field,
                one.path,
                one.author_name,
                clock.isoformat(one.written_at),
            )
            for one in row.entries.order_by("pk")
        ),
        record=row.record or {},
    )


def _moment(moment: Any) -> str:
    return clock.isoformat(moment) if moment else ""


def _address(one: Any) -> str:
    """Data behind an article, as another node can name it."""
    if one.address:
        return str(one.address)
    own = Publication.objects.filter(dataset_id=one.dataset_id, number=one.number, state__in=STANDING).first()
    return behind.related("", own).identifier if own else behind.landing_address(one.place, one.number)


def leave(actor: Actor, card: datasets.DatasetCard, to: str) -> int:
    """Let every address of a published dataset lead to another node, once its records stand there; returns how many.

    The dataset itself stays for those who work on it; it is closed to others, and may be removed.

    Args:
        actor: Who administers the node.
        card: The dataset.
        to: Its page there, ``https://data.example.ac.jp/d/PROJECT/DATASET``.

    Raises:
        ActionDeniedError, CannotMoveError, NoPublicationError: as for ``pack``.
        NotThereError: a record does not stand there, or the other node does not answer.
    """
    rows = _rows(actor, card)
    base = _base_of(to)
    for row in rows:
        _need_there(base, row)
    with transaction.atomic():
        selectors.take_turn()
        datasets.lock_dataset(actor, card.id)
        again = _rows(actor, card)
        if [one.uid for one in again] != [one.uid for one in rows]:
            raise CannotMoveError(
                f"{card.slug} was published further in the meantime.", remedy="Move it again."
            )
        for row in again:
            _lead(row, f"{to}/v{row.number}")
            steps.note_step(actor, row, "move", said={"to": row.moved_to})
        keys = [card.id, *(row.uid for row in again)]
        effects = OutsideEffect.objects.filter(subject_id__in=keys).exclude(state="done")
        effects.update(state="given_up", last_error=outbox.REPLACED)
        if card.access != policy.Access.CLOSED:
            datasets.set_access(SYSTEM, card.id, policy.Access.CLOSED, embargo_until="")
        for row in again:
            publishing.change(behind.neighbours(row))
    return len(rows)


def _base_of(to: str) -> str:
    base, slash, place = to.partition("/d/")
    parts = urlsplit(to)
    is_whole = parts.scheme in {"http", "https"} and parts.hostname and not parts.query and not parts.fragment
    if not (slash and is_whole and place.count("/") == 1 and all(place.split("/"))):
        raise CannotMoveError(
            f"{to[:200]!r} is no page of a dataset.",
            remedy="It looks like https://data.example.ac.jp/d/PROJECT/DATASET.",
        )
    return base


def _need_there(base: str, row: Publication) -> None:
    """Ask the other node for the record by its id, as harvesters do.

    Raises:
        NotThereError: it does not stand there as it stands here.
    """
    host = urlsplit(base).hostname or ""
    wanted = {"verb": "GetRecord", "metadataPrefix": "oai_dc", "identifier": f"oai:{host}:{row.uid}"}
    try:
        answer = egress.exchange("GET", f"{base}/oai?{urlencode(wanted)}")
    except (egress.EgressFailedError, egress.EgressRefusedError) as error:
        raise NotThereError(f"The other node was not reached: {error.message}") from error
    text = answer.content.decode("utf-8", "replace")
    is_there = answer.status == _GOOD and f":{row.uid}</identifier>" in text and "<error" not in text
    if not is_there or ('status="deleted"' in text) != (row.state == "withdrawn"):
        raise NotThereError(f"Version {row.number} does not stand at {base} as it stands here.")


def _lead(row: Publication, to: str) -> None:
    row.state, row.moved_to = "moved", to
    row.record = {**(row.record or {}), "url": to}
    row.changed_at = clock.now()
    row.harvest_at = publishing.next_second(row)
    row.save(update_fields=["state", "moved_to", "record", "changed_at", "harvest_at"])
    publishing.keep_public(row.project_id)
    events.record(publishing.RECORDED, publication=row.uid)
