"""Taking over what another node published, under the names that it has (docs/adr/0072)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from django.db import transaction

from tsunagu.data.datasets import api as datasets
from tsunagu.data.description import api as description
from tsunagu.data.publication import outbox, publishing, selectors, steps
from tsunagu.data.publication.errors import CannotMoveError
from tsunagu.data.publication.institutions import institution_row
from tsunagu.data.publication.models import (
    Concept,
    DataBehind,
    Institution,
    Publication,
    ReviewEntry,
    StatedRelation,
)
from tsunagu.data.publication.moving import STANDING
from tsunagu.data.publication.types import Arrived, MovingName, MovingPublication, MovingVersion
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy
from tsunagu.standards import api as standards

# What may be otherwise at another node without anything being lost.
_OF_THE_NODE = frozenset({"url", "publishers", "institution", "files", "is_doi_registered"})


@transaction.atomic
def take_version(
    actor: Actor, card: datasets.DatasetCard, source: str, version: MovingVersion
) -> datasets.VersionRef:
    """Freeze the draft, whose files have come, as the version that it was at the other node.

    Doing it twice changes nothing.

    Args:
        actor: Who administers the node, and may describe and freeze the dataset.
        card: The dataset here.
        source: Its page at the other node.
        version: The version there.

    Raises:
        ActionDeniedError: the actor may not.
        CannotMoveError: it is not the next version, or the files are not those of the version.
    """
    policy.require(actor, "node.admin", policy.NODE)
    card = datasets.lock_dataset(actor, card.id)
    if version.number <= card.last_version:
        made = datasets.get_version(card, version.number)
    else:
        description.take_over(actor, card.id, version.described, source=source)
        made = datasets.freeze_version(actor, card.id, note=version.note)
    if (made.number, made.root) != (version.number, version.root):
        raise CannotMoveError(
            f"Version {made.number} of {card.slug} is not version {version.number} of {source}.",
            remedy="Move it into a dataset of another name; this one holds something else.",
        )
    return made


@transaction.atomic
def take_publications(
    actor: Actor,
    card: datasets.DatasetCard,
    source: str,
    concept: MovingName | None,
    several: Iterable[MovingPublication],
    *,
    institution: str = "",
) -> Arrived:
    """Publish versions that came from another node as they were there: same ids, DOIs, dates and history.

    Doing it twice changes nothing.

    Args:
        actor: Who administers the node and vouches for the names.
        card: The dataset here, with all its versions.
        source: Its page at the other node.
        concept: The DOI of all versions together.
        several: What was published there.
        institution: Name of the institution here; empty: the node's own.

    Raises:
        ActionDeniedError: the actor does not administer the node.
        NoInstitutionError: there is none of that name.
        NoSuchVersionError: a version did not come.
        CannotMoveError: an id or a DOI stands for something else here, or is none.
        NotReadyError: what the machine checks of this node ask for is missing.
    """
    policy.require(actor, "node.admin", policy.NODE)
    selectors.take_turn()
    card, home = datasets.lock_dataset(actor, card.id), institution_row(institution)
    _take_concept(card, home, concept)
    rows, fresh = [], []
    for one in sorted(several, key=lambda found: found.number):
        row = Publication.objects.select_related("institution").filter(pk=one.id).first()
        if row is None:
            row = _row(actor, card, home, one)
            fresh.append(row)
        elif row.dataset_id != card.id or row.number != one.number:
            raise CannotMoveError(f"The record {one.id} stands here for {row.place} v{row.number}.")
        rows.append((row, one))
    publishing.take_in(fresh)
    for row in fresh:
        steps.note_step(actor, row, "arrive", said={"from": f"{source}/v{row.number}", "doi": row.doi})
    names = sorted({row.doi for row, _ in rows if row.doi} | ({concept.doi} if concept else set()))
    return Arrived(
        ids=tuple(row.uid for row, _ in rows),
        differing=tuple(sorted({name for row, one in rows for name in _differing(row, one)})),
        foreign_dois=tuple(doi for doi in names if outbox.account_for(doi.partition("/")[0]) is None),
    )


def _take_concept(card: datasets.DatasetCard, home: Institution, name: MovingName | None) -> None:
    if name is None:
        return
    _need_doi(name.doi)
    row = Concept.objects.filter(dataset_id=card.id).first()
    taken = Concept.objects.filter(doi=name.doi).exclude(dataset_id=card.id).exists()
    if taken or (row is not None and row.doi != name.doi):
        raise CannotMoveError(f"The DOI {name.doi} and {card.slug} do not belong together here.")
    if row is None:
        Concept.objects.create(
            dataset_id=card.id,
            place=card.slug,
            institution=home,
            doi=name.doi,
            doi_agency=name.agency,
            is_doi_registered=name.is_registered,
            is_test_doi=outbox.is_test(name.doi.partition("/")[0]),
        )


def _need_doi(doi: str) -> None:
    if standards.doi_of(doi) != doi:
        raise CannotMoveError(f"{doi[:200]!r} is no DOI as registries write it.")


def _row(actor: Actor, card: datasets.DatasetCard, home: Institution, one: MovingPublication) -> Publication:
    if one.state not in STANDING:
        raise CannotMoveError(f"What is {one.state[:20]!r} cannot be taken over.")
    if one.name is not None:
        _need_doi(one.name.doi)
        if Publication.objects.filter(doi=one.name.doi).exists():
            raise CannotMoveError(f"The DOI {one.name.doi} stands here for something else.")
    version = datasets.get_version(card, one.number)
    row = Publication(
        uid=one.id,
        dataset_id=card.id,
        project_id=card.project_id,
        place=card.slug,
        number=one.number,
        version_hash=version.version_hash,
        title=one.title,
        institution=home,
        state=one.state,
        access=one.access,
        opens_on=one.opens_on,
        resource_type=one.resource_type,
        requested_by=actor.id,
        requested_at=_moment(one.requested_at),
        changed_at=_moment(one.requested_at),
        published_at=_moment(one.published_at),
        withdrawn_at=_moment(one.withdrawn_at) if one.withdrawn_at else None,
        made_on=one.made_on,
        reason=one.reason,
        corrected=dict(one.corrected),
        article=dict(one.article),
    )
    if one.name is not None:
        row.doi, row.doi_agency, row.is_doi_registered = one.name.doi, one.name.agency, one.name.is_registered
        row.is_test_doi = outbox.is_test(one.name.doi.partition("/")[0])
    row.save(force_insert=True)
    DataBehind.objects.bulk_create(DataBehind(publication=row, address=address) for address in one.data)
    StatedRelation.objects.bulk_create(
        StatedRelation(publication=row, relation=relation, address=address)
        for relation, address in one.related
    )
    ReviewEntry.objects.bulk_create(
        ReviewEntry(
            publication=row,
            number=step.number,
            step=step.step,
            text=step.text,
            field=step.field,
            path=step.path,
            author_name=step.author,
            written_at=_moment(step.written_at),
        )
        for step in one.history
    )
    return row


def _moment(text: str) -> dt.datetime:
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        raise CannotMoveError(f"{text[:40]!r} is no moment.") from None
    if moment.tzinfo is None:
        raise CannotMoveError(f"{text[:40]!r} names no time zone.")
    return moment


def _differing(row: Publication, one: MovingPublication) -> list[str]:
    """Parts of the record that are not as they were at the other node."""
    now = row.record or {}
    return [
        name
        for name in sorted({*now, *one.record} - _OF_THE_NODE)
        if (now.get(name) or None) != (one.record.get(name) or None)
    ]
