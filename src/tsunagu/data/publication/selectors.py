"""Reading publications: one for those who may see it, the queue of curators, those of a dataset."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterable

from django.db.models import Q, QuerySet

from tsunagu.core import clock
from tsunagu.core.errors import NotFoundError
from tsunagu.data.datasets import api as datasets
from tsunagu.data.publication import checks, outbox
from tsunagu.data.publication.errors import NoPublicationError
from tsunagu.data.publication.institutions import curated_by
from tsunagu.data.publication.models import Institution, OutsideEffect, Publication
from tsunagu.data.publication.types import (
    ANSWER_STEP,
    OPEN_STATES,
    EffectCard,
    EntryCard,
    Finding,
    PublicationCard,
    QueueCounts,
    VersionLine,
)
from tsunagu.foundation.identity import api as identity
from tsunagu.foundation.identity.api import SYSTEM, Actor
from tsunagu.foundation.policy import api as policy

# What waits for curators.
WAITING = ("requested", "in_review", "approved")
_MOST_COUNTED = 300


def resource_of(row: Publication) -> policy.Resource:
    """The publication as rules see it."""
    return resource_for(row.dataset_id, row.project_id, row.institution, asked_by=row.requested_by)


def resource_for(
    dataset_id: str, project_id: str, institution: Institution, *, asked_by: str = ""
) -> policy.Resource:
    """A dataset that an institution is asked to publish, as rules see it."""
    has_others = any(one != asked_by for one in institution.curators)
    return policy.Resource(
        "publication",
        dataset_id,
        project_id=project_id,
        curators=tuple(institution.curators),
        asked_by=asked_by if has_others else "",
        members_may_publish=institution.members_may_publish,
    )


def dataset_of(row: Publication) -> datasets.DatasetCard | None:
    """The dataset as the node itself sees it; None once it was destroyed."""
    try:
        return datasets.get_dataset_by_id(SYSTEM, row.dataset_id)
    except NotFoundError:
        return None


def sees(actor: Actor, row: Publication) -> bool:
    """Whether somebody may look at a request: its curators, and those who work on the dataset."""
    if policy.decide(actor, "publication.review", resource_of(row)):
        return True
    card = dataset_of(row)
    return card is not None and bool(policy.decide(actor, "dataset.read_draft", card.resource))


def take_turn() -> None:
    """Wait until no other transaction changes public records; call it before any row is locked.

    A record names its neighbours, and the holds of a project are written together: two that change neighbours at once would
    each write what the other has just made wrong, or wait for each other's rows.
    """
    Institution.objects.select_for_update(no_key=True).order_by("pk").first()


def row_for(actor: Actor, publication_id: str, *, locks: bool = False) -> Publication:
    """A publication that the actor may see; with ``locks`` its turn is taken first, so that all lock in one order.

    Raises:
        NoPublicationError: there is none, or the actor may not know it.
    """
    rows = Publication.objects.select_related("institution")
    if locks:
        take_turn()
        rows = rows.select_for_update(of=("self",))
    row = rows.filter(pk=publication_id).first()
    if row is None or not sees(actor, row):
        raise NoPublicationError
    return row


def get_publication(actor: Actor, publication_id: str) -> PublicationCard:
    """The same as a card. Raises the same."""
    return cards([row_for(actor, publication_id)])[0]


def state_of(publication_id: str) -> str:
    """How far a publication is, without asking the rules; empty where there is none."""
    found = Publication.objects.filter(pk=publication_id).values_list("state", flat=True).first()
    return str(found or "")


def entries_of(actor: Actor, publication_id: str) -> list[EntryCard]:
    """Every step and comment, oldest first. Raises the same."""
    rows = row_for(actor, publication_id).entries.order_by("pk")
    return [
        EntryCard(
            step=one.step,
            text=one.text,
            field="" if one.step.startswith(ANSWER_STEP) else one.field,
            path=one.path,
            number=one.number,
            author=one.author_name,
            written_at=clock.isoformat(one.written_at),
            run_id=one.run_id,
        )
        for one in rows
    ]


def effects_of(actor: Actor, publication_id: str) -> list[EffectCard]:
    """What outside services were asked for, newest first. Raises the same."""
    row = row_for(actor, publication_id)
    rows = OutsideEffect.objects.filter(subject_id__in=(row.uid, row.dataset_id))
    rows = rows.exclude(last_error=outbox.REPLACED).order_by("-made_at", "-uid")
    return [
        EffectCard(
            id=one.uid,
            service=one.service,
            operation=one.operation,
            doi=one.external_id,
            state=one.state,
            attempts=one.attempts,
            next_try_at=clock.isoformat(one.next_try),
            last_status=one.last_status,
            last_error=one.last_error,
            done_at=clock.isoformat(one.done_at) if one.done_at else "",
        )
        for one in rows[:50]
    ]


def findings_of(actor: Actor, publication_id: str) -> list[Finding]:
    """What the machine checks say now. Raises the same."""
    row = row_for(actor, publication_id)
    card = dataset_of(row)
    if card is None:
        return []
    return checks.check(
        requester_of(row),
        card,
        row.number,
        access=row.access,
        opens_on=row.opens_on,
        corrected=row.corrected,
        article=row.article,
        data_count=row.data_behind.count(),
    )


def requester_of(row: Publication) -> Actor:
    """Who asked for it, as rules would see them now."""
    person = identity.people([row.requested_by]).get(row.requested_by)
    return Actor("person", row.requested_by, person.name if person else "")


def decisions_of(actor: Actor, publication_id: str) -> dict[str, bool]:
    """Which steps the rules let somebody take: ``request``, ``review``, ``publish``, ``withdraw``."""
    resource = resource_of(row_for(actor, publication_id))
    names = ("request", "review", "publish", "withdraw")
    return {name: bool(policy.decide(actor, f"publication.{name}", resource)) for name in names}


def of_dataset(actor: Actor, card: datasets.DatasetCard) -> list[PublicationCard]:
    """Publications of a dataset, newest version first, for those who see its draft; others get the public page.

    Raises:
        NotFoundError, ActionDeniedError: the actor does not see the draft.
    """
    policy.require(actor, "dataset.read_draft", card.resource)
    rows = Publication.objects.select_related("institution").filter(dataset_id=card.id)
    return cards(rows.order_by("-number", "-requested_at")[:200])


def queue(
    actor: Actor,
    *,
    institution: str = "",
    state: str = "",
    assigned: str = "",
    after: str = "",
    limit: int = 200,
) -> list[PublicationCard]:
    """What waits for curators, oldest first.

    Args:
        actor: A curator; sees the institutions that are theirs.
        institution: Only of this one.
        state: Only in this state; empty: whatever is still open.
        assigned: ``me``, ``nobody`` or empty.
        after: Id of the last one of the page before.
        limit: How many.
    """
    rows = _of_curator(actor, institution)
    rows = rows.filter(state=state) if state else rows.filter(state__in=OPEN_STATES)
    if assigned:
        rows = rows.filter(assigned_to=actor.id if assigned == "me" else "")
    last = (
        Publication.objects.filter(pk=after).values_list("requested_at", flat=True).first() if after else None
    )
    if last is not None:
        rows = rows.filter(Q(requested_at__gt=last) | Q(requested_at=last, uid__gt=after))
    return cards(_reviewable(actor, rows, limit))


def free_rows(actor: Actor, institution: str, limit: int) -> list[Publication]:
    """What waits for a decision and for somebody to take it, as rows: late ones first, then the oldest."""
    rows = _of_curator(actor, institution).filter(state__in=WAITING, assigned_to="")
    late = _late()
    found = _reviewable(actor, rows.filter(late), limit)
    return found + _reviewable(actor, rows.exclude(late), limit - len(found))


def queue_counts(actor: Actor, institution: str = "") -> QueueCounts:
    """How much waits for a curator: given to them, to nobody, late, in all."""
    rows = _of_curator(actor, institution).filter(state__in=OPEN_STATES)
    late = _reviewable(actor, rows.filter(_late(), state__in=WAITING), _MOST_COUNTED)
    found = _reviewable(actor, rows, _MOST_COUNTED + 1)
    counted = found[:_MOST_COUNTED]
    return QueueCounts(
        mine=sum(row.assigned_to == actor.id for row in counted),
        free=sum(not row.assigned_to for row in counted),
        late=len(late),
        all=len(counted),
        is_more=len(found) > _MOST_COUNTED,
    )


def _of_curator(actor: Actor, institution: str) -> QuerySet[Publication]:
    mine = [name for name in curated_by(actor) if institution in {"", name}]
    return Publication.objects.select_related("institution").filter(institution__name__in=mine)


def _reviewable(actor: Actor, rows: QuerySet[Publication], limit: int) -> list[Publication]:
    """The first that the actor may decide about: nobody's own stand among them, and a page is full all the same."""
    several = rows.defer("record", "ready").order_by("requested_at", "uid").iterator(chunk_size=100)
    able = (row for row in several if policy.decide(actor, "publication.review", resource_of(row)))
    return list(itertools.islice(able, limit))


def _late() -> Q:
    """Those among what waits of which ``is_late`` is true."""
    found, now = Q(pk__in=()), clock.now()
    for home, days in Institution.objects.exclude(answer_days=0).values_list("pk", "answer_days"):
        found |= Q(institution=home, requested_at__lt=now - dt.timedelta(days=days))
    return found


def is_late(row: Publication, now: dt.datetime) -> bool:
    """Whether the time that the institution promised is over."""
    moment = due_at(row)
    return moment is not None and moment < now


def due_at(row: Publication) -> dt.datetime | None:
    """When the institution promised to have answered; None where it promised nothing, or others are to act."""
    if not row.institution.answer_days or row.state not in WAITING:
        return None
    return row.requested_at + dt.timedelta(days=row.institution.answer_days)


def unregistered(actor: Actor, *, limit: int = 20) -> list[PublicationCard]:
    """Publications of one's institutions whose DOI a person has to look after, newest first."""
    bad = outbox.stuck()
    rows = Publication.objects.select_related("institution").filter(institution__name__in=curated_by(actor))
    rows = rows.filter(Q(pk__in=bad) | Q(dataset_id__in=bad)).exclude(doi="").defer("record", "ready")
    able = (
        row
        for row in rows.order_by("-changed_at").iterator(chunk_size=100)
        if policy.decide(actor, "publication.review", resource_of(row))
    )
    return cards(itertools.islice(able, limit))


def published_lines(dataset_id: str) -> tuple[VersionLine, ...]:
    """Versions of a dataset that are or were public, newest first."""
    rows = Publication.objects.filter(dataset_id=dataset_id, state__in=("published", "withdrawn"))
    return tuple(
        VersionLine(
            row.number,
            clock.isoformat(row.published_at) if row.published_at else "",
            shown_doi(row),
            row.state == "withdrawn",
        )
        for row in rows.defer("record", "corrected").order_by("-number")[:200]
    )


def shown_doi(row: Publication) -> str:
    """The DOI that others may see: one that its agency has confirmed, and not one of a test system."""
    return row.doi if row.is_doi_registered and not row.is_test_doi else ""


def cards(rows: Iterable[Publication] | QuerySet[Publication]) -> list[PublicationCard]:
    """Rows as others see them."""
    several = list(rows)
    people = identity.people({row.requested_by for row in several} | {row.assigned_to for row in several})
    now = clock.now()
    due = [due_at(row) for row in several]
    return [
        PublicationCard(
            id=row.uid,
            place=row.place,
            dataset_id=row.dataset_id,
            number=row.number,
            title=row.title,
            institution=row.institution.name,
            state=row.state,  # type: ignore[arg-type]
            access=row.access,
            opens_on=row.opens_on,
            resource_type=row.resource_type,
            requested_by=people.get(row.requested_by),
            requested_at=clock.isoformat(row.requested_at),
            assigned_to=people.get(row.assigned_to),
            changed_at=clock.isoformat(row.changed_at),
            published_at=clock.isoformat(row.published_at) if row.published_at else "",
            doi=row.doi,
            doi_agency=row.doi_agency,
            is_doi_registered=row.is_doi_registered,
            is_test_doi=row.is_test_doi,
            reason=row.reason,
            age_days=(now - row.requested_at).days,
            due_at=clock.isoformat(moment) if moment else "",
            is_late=is_late(row, now),
            moved_to=row.moved_to,
            resource=resource_of(row),
        )
        for row, moment in zip(several, due, strict=True)
    ]
