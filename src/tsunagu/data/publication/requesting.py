"""From the wish to publish a version to the decision of the institution: every step a run, none ever removed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.db import transaction

from tsunagu.core import clock, settings
from tsunagu.data.datasets import api as datasets
from tsunagu.data.publication import (
    articles,
    assigning,
    behind,
    checklists,
    checks,
    outbox,
    publishing,
    record,
    selectors,
    steps,
)
from tsunagu.data.publication.errors import (
    AlreadyPublishedError,
    BadRequestError,
    NoPublicationError,
    NoWordsError,
)
from tsunagu.data.publication.institutions import institution_row
from tsunagu.data.publication.models import Institution, Publication
from tsunagu.data.publication.types import ACCESSES, OPEN_STATES, Finding, PublicationCard
from tsunagu.foundation.identity import api as identity
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy

# JPCOAR's labels of what is published from a dataset: data, or an article with the data behind it.
RESOURCE_TYPES = (
    "dataset",
    "experimental data",
    "measurement and test data",
    "observational data",
    "simulation data",
    "survey data",
    "aggregated data",
    "compiled data",
    "encoded data",
    "genomic data",
    "geospatial data",
    "recorded data",
    "laboratory notebook",
    "software",
    *behind.TYPES,
)
_LONGEST_REASON = 4000


def request(
    actor: Actor,
    card: datasets.DatasetCard,
    *,
    version: int = 0,
    institution: str = "",
    access: str = "open",
    opens_on: str = "",
    resource_type: str = "dataset",
    note: str = "",
    article: Mapping[str, Any] | None = None,
) -> PublicationCard:
    """Ask an institution to publish a frozen version; published at once where its rules let the actor.

    Asking again while the request is open, or after changes were asked for, renews it with all its history.

    Args:
        actor: An owner of the dataset.
        card: The dataset.
        version: Number of the version; 0: the newest.
        institution: Name of the institution; empty: the node's own.
        access: ``open``, ``embargoed``, ``restricted`` (whoever signs in) or ``metadata`` (nobody else).
        opens_on: The day on which an embargoed one opens, ``2027-04-01``.
        resource_type: One of ``RESOURCE_TYPES``.
        note: Words for the curators.
        article: Of an article, what ``articles.read`` takes.

    Raises:
        ActionDeniedError: the actor may not ask.
        BadRequestError: a value cannot be.
        NoInstitutionError, NoSuchVersionError: there is none.
        AlreadyPublishedError: the version is public, or was.
        NotReadyError: the machine checks found what must be put right first; ``findings`` names it.
    """
    home = institution_row(institution)
    resource = selectors.resource_for(card.id, card.project_id, home, asked_by=actor.id)
    policy.require(actor, "publication.request", resource)
    number = version or card.last_version
    _need_version(number)
    kept = datasets.get_version(card, number)
    wish = {"access": access, "opens_on": opens_on, "resource_type": resource_type}
    _check_wish(wish)
    said, behind_it = articles.read(actor, article or {}) if behind.is_article(resource_type) else ({}, [])
    steps.refuse_unready(checks.check(actor, card, number, access=access, opens_on=opens_on))
    may_publish = bool(policy.decide(actor, "publication.publish", resource))
    with transaction.atomic():
        selectors.take_turn()  # before the dataset and its rows, in the order of publishing
        datasets.lock_dataset(actor, card.id)
        row = _open_row(card, number)
        _fill(row, actor, home, kept, _title(kept, card), wish)
        row.place, row.state = card.slug, "approved" if may_publish else "requested"
        row.article = said
        row.save()
        articles.keep(row, behind_it)
        steps.note_step(actor, row, "request", note, said={**wish, "institution": home.name})
        assigning.hand_out(row)
    if may_publish:
        return publishing.publish(actor, row.uid)
    return selectors.cards([row])[0]


def examine(
    actor: Actor, card: datasets.DatasetCard, *, version: int = 0, institution: str = "", access: str = "open"
) -> list[Finding]:
    """What the machine checks say of a version before anybody asks.

    Raises:
        ActionDeniedError: the actor may not ask for publication.
        NoInstitutionError, NoSuchVersionError: there is none.
    """
    resource = selectors.resource_for(card.id, card.project_id, institution_row(institution))
    policy.require(actor, "publication.request", resource)
    return checks.check(actor, card, version or card.last_version, access=access)


def _need_version(number: int) -> None:
    if not number:
        raise BadRequestError(
            "The dataset has no frozen version.",
            remedy="Freeze a version first: tsunagu freeze PROJECT/DATASET.",
        )


def _fill(
    row: Publication,
    actor: Actor,
    home: Institution,
    version: datasets.VersionRef,
    title: str,
    wish: Mapping[str, str],
) -> None:
    if row.institution_id != home.pk:
        row.assigned_to = ""  # whoever looked at it for another institution
    row.institution, row.title = home, title
    row.number, row.version_hash = version.number, version.version_hash
    row.access, row.opens_on, row.resource_type = wish["access"], wish["opens_on"], wish["resource_type"]
    row.requested_by, row.requested_at, row.changed_at = actor.id, clock.now(), clock.now()


def _title(version: datasets.VersionRef, card: datasets.DatasetCard) -> str:
    said = {name: one["value"] for name, one in record.values_of(version.described, {}).items()}
    titles = record.texts(said, "title")
    return (titles[0].value if titles else card.title or card.name)[:300]


def _check_wish(wish: dict[str, str]) -> None:
    if wish["access"] not in ACCESSES:
        raise BadRequestError(
            f"{wish['access']!r} is no kind of access.", remedy=f"Use {', '.join(ACCESSES)}."
        )
    if wish["resource_type"] not in RESOURCE_TYPES:
        raise BadRequestError(
            f"{wish['resource_type']!r} is no kind of resource.", remedy=f"Use {', '.join(RESOURCE_TYPES)}."
        )
    if (wish["access"] == "embargoed") != bool(wish["opens_on"]):
        raise BadRequestError(
            "An embargo and the day on which it ends go together.", remedy="Name the day as 2027-04-01."
        )
    if wish["opens_on"]:
        try:
            dt.date.fromisoformat(wish["opens_on"])
            moment = clock.start_of(wish["opens_on"], settings.current().time_zone)
        except (ValueError, OverflowError):
            raise BadRequestError(
                f"{wish['opens_on']!r} is no date.", remedy="Write a date as 2027-04-01."
            ) from None
        if moment <= clock.now():
            raise BadRequestError(
                f"{wish['opens_on']} is past.", remedy="Give a day that is still to come, or no embargo."
            )


def _open_row(card: datasets.DatasetCard, number: int) -> Publication:
    rows = Publication.objects.select_for_update().filter(dataset_id=card.id)
    if gone := rows.filter(state="moved").first():
        raise AlreadyPublishedError(
            f"What is published of {card.slug} was moved to another node.",
            remedy=f"Publish further versions there: {gone.stands_at}",
        )
    if rows.filter(number=number, state__in=("published", "withdrawn")).exists():
        raise AlreadyPublishedError(
            f"Version {number} of {card.slug} is published already, or was withdrawn."
        )
    row = rows.filter(state__in=OPEN_STATES).first()
    return row or Publication(dataset_id=card.id, project_id=card.project_id)


@transaction.atomic
def comment(
    actor: Actor, publication_id: str, text: str, *, field: str = "", path: str = ""
) -> PublicationCard:
    """Say something about the request, a field of its metadata or a file; it stays for ever.

    Raises:
        NoPublicationError: there is none, or the actor may not see it.
        ActionDeniedError: the actor neither reviews it nor owns the dataset.
        NoWordsError: nothing was said.
        NoSuchFileError: the version has no such file.
    """
    row = selectors.row_for(actor, publication_id, locks=True)
    resource = selectors.resource_of(row)
    if not policy.decide(actor, "publication.request", resource):
        policy.require(actor, "publication.review", resource)
    _need_words(text)
    if path:
        card = selectors.dataset_of(row)
        if card is None:
            raise NoPublicationError
        datasets.get_file(identity.SYSTEM, card, path, version=row.number)
    steps.note_step(actor, row, "comment", text, field=field, path=path)
    return selectors.cards([row])[0]


@transaction.atomic
def ask_changes(
    actor: Actor, publication_id: str, text: str, *, field: str = "", path: str = ""
) -> PublicationCard:
    """Give it back to the owner with what is to be changed.

    Raises:
        NoPublicationError, ActionDeniedError, WrongStateError: as for ``assign``.
        NoWordsError: nothing was said.
    """
    row = steps.row_under_review(actor, publication_id)
    _need_words(text)
    _move(row, "changes_asked")
    steps.note_step(actor, row, "ask_changes", text, field=field, path=path)
    return selectors.cards([row])[0]


@transaction.atomic
def reject(actor: Actor, publication_id: str, text: str) -> PublicationCard:
    """Refuse it for good, with the reason.

    Raises:
        NoPublicationError, ActionDeniedError, WrongStateError: as for ``assign``.
        NoWordsError: no reason was given.
    """
    row = steps.row_under_review(actor, publication_id)
    _need_words(text)
    row.reason = text.strip()[:_LONGEST_REASON]
    _move(row, "rejected")
    steps.note_step(actor, row, "reject", text)
    return selectors.cards([row])[0]


def approve(actor: Actor, publication_id: str, text: str = "") -> PublicationCard:
    """Let it be published, and publish it.

    What was approved stays approved where the publishing itself finds an obstacle; ``publish`` tries it again.

    Raises:
        NoPublicationError, ActionDeniedError, WrongStateError: as for ``assign``.
        NotReadyError: the checklist is not answered, or something changed since, so that it cannot be published now.
    """
    with transaction.atomic():
        row = steps.row_under_review(actor, publication_id)
        steps.refuse_unready(checklists.left(row))
        _move(row, "approved")
        steps.note_step(actor, row, "approve", text)
    return publishing.publish(actor, publication_id)


def _need_words(text: str) -> None:
    if not text.strip():
        raise NoWordsError


def _move(row: Publication, state: str) -> None:
    row.state, row.changed_at = state, clock.now()
    row.save()


def try_again(actor: Actor, publication_id: str) -> int:
    """Have the agency asked again for what it refused or what was given up; returns how many DOIs that concerns.

    Raises:
        NoPublicationError: there is none, or the actor may not see it.
        ActionDeniedError: the actor may not publish it.
    """
    with transaction.atomic():
        row = selectors.row_for(actor, publication_id, locks=True)
        policy.require(actor, "publication.publish", selectors.resource_of(row))
        names = outbox.names_of(row)
        count = sum(outbox.again(doi) for doi in names)
        if count:
            steps.note_step(actor, row, "try_again")
    return count
