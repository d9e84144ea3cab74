"""Publishing in one step, and what may follow: correction, withdrawal, restoring, an embargo that lifts itself.

Nothing here waits for an outside service. What others are to know is written in the same transaction as the decision
(``outbox.py``), and sent afterwards as often as it takes.
"""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Iterable

from django.db import transaction
from django.db.models import QuerySet

from tsunagu.core import clock, events
from tsunagu.data.datasets import api as datasets
from tsunagu.data.publication import behind, checks, outbox, ready, record, selectors, steps
from tsunagu.data.publication.errors import NoPublicationError, NoWordsError, WrongStateError
from tsunagu.data.publication.models import Concept, Publication
from tsunagu.data.publication.types import PublicationCard
from tsunagu.foundation.identity.api import SYSTEM, Actor
from tsunagu.foundation.policy import api as policy

# A public record is another one than before, or the first; written with it.
RECORDED = "publication.recorded"
# Crockford's base 32 without what people mix up: DOIs are read aloud and typed.
_SIGNS = "0123456789abcdefghjkmnpqrstvwxyz"
_KEEP: tuple[dict[str, str], dict[str, str], dict[str, str]] = (
    {
        "en": "A version of this dataset is published, so the dataset cannot be removed.",
        "ja": "公開された版があるため、このデータセットは削除できません。",
    },
    {"en": "A DOI leads here for ever", "ja": "DOIの参照先は永続する必要があります"},
    {
        "en": "Withdraw the publication first; a page stays that says what it was.",
        "ja": "先に公開を取り下げてください。何であったかを示すページは残ります。",
    },
)


@transaction.atomic
def publish(actor: Actor, publication_id: str) -> PublicationCard:
    """Make an approved version public: access as asked for, record, DOI.

    Raises:
        NoPublicationError: there is none, or the actor may not see it.
        ActionDeniedError: the actor may not publish it.
        WrongStateError: it is not approved.
        NotReadyError: something changed since, so that it cannot be published now.
    """
    row = selectors.row_for(actor, publication_id, locks=True)
    policy.require(actor, "publication.publish", selectors.resource_of(row))
    _expect(row, "approved")
    _open(row)
    row.state, row.published_at = "published", clock.now()
    _name(row)
    _change(row)
    steps.note_step(actor, row, "publish", said={"access": row.access, "doi": row.doi})
    return selectors.cards([row])[0]


@transaction.atomic
def withdraw(actor: Actor, publication_id: str, reason: str) -> PublicationCard:
    """Take a publication back; its page stays as a tombstone, its DOI leads there.

    The dataset is closed where no other version of it is public.

    Raises:
        NoPublicationError: there is none, or the actor may not see it.
        ActionDeniedError: the actor may not withdraw it.
        WrongStateError: it is not published.
        NoWordsError: no reason was given.
    """
    row = selectors.row_for(actor, publication_id, locks=True)
    policy.require(actor, "publication.withdraw", selectors.resource_of(row))
    _expect(row, "published")
    if not reason.strip():
        raise NoWordsError
    _withdraw(row, reason)
    steps.note_step(actor, row, "withdraw", reason)
    return selectors.cards([row])[0]


def _withdraw(row: Publication, reason: str) -> None:
    row.state, row.withdrawn_at, row.reason = "withdrawn", clock.now(), reason.strip()[:4000]
    card = selectors.dataset_of(row)
    others = _public(row).exclude(pk=row.pk)
    if card is not None and not others.exists() and card.access != policy.Access.CLOSED:
        datasets.set_access(SYSTEM, card.id, policy.Access.CLOSED, embargo_until="")
    if card is not None:
        datasets.take_back(SYSTEM, card.id, row.number)
    _change(row)


@transaction.atomic
def restore(actor: Actor, publication_id: str) -> PublicationCard:
    """Publish again what was withdrawn, under the same DOI.

    Raises:
        NoPublicationError, ActionDeniedError, NotReadyError: as for ``publish``.
        WrongStateError: it is not withdrawn.
    """
    row = selectors.row_for(actor, publication_id, locks=True)
    policy.require(actor, "publication.publish", selectors.resource_of(row))
    _expect(row, "withdrawn")
    _open(row)
    row.state, row.withdrawn_at, row.reason = "published", None, ""
    _change(row)
    steps.note_step(actor, row, "restore")
    return selectors.cards([row])[0]


@transaction.atomic
def correct(actor: Actor, publication_id: str, text: str) -> PublicationCard:
    """Bring the description of the dataset as it is now into the published record; the version stays as it was.

    Raises:
        NoPublicationError: there is none, or the actor may not see it.
        ActionDeniedError: the actor may not publish it.
        WrongStateError: it is not published.
        NotReadyError: what is described now lacks what a publication needs.
        NoWordsError: nothing says what was corrected.
    """
    row = selectors.row_for(actor, publication_id, locks=True)
    policy.require(actor, "publication.publish", selectors.resource_of(row))
    _expect(row, "published")
    if not text.strip():
        raise NoWordsError
    card = selectors.dataset_of(row)
    if card is None:
        raise NoPublicationError
    kept = datasets.get_version(card, row.number).described
    now = record.values_of(card.described, {})
    corrected = {name: one for name, one in now.items() if one.get("value") != _value(kept, name)}
    steps.refuse_unready(
        [
            one
            for one in checks.check(SYSTEM, card, row.number, access=row.access, corrected=corrected)
            if one.field
        ]
    )
    names = sorted({*corrected, *row.corrected})
    row.corrected = corrected
    _change(row)
    steps.note_step(actor, row, "correct", text, said={"names": names})
    return selectors.cards([row])[0]


def _value(described: object, name: str) -> object:
    found = described.get(name) if isinstance(described, dict) else None
    return found.get("value") if isinstance(found, dict) else None


def refresh(dataset_id: str) -> int:
    """Bring the records of a dataset in step with who may read it now; returns how many changed.

    An embargo lifts itself: nothing but the clock has changed then, and a periodic job comes by.
    """
    count = 0
    with transaction.atomic():
        selectors.take_turn()
        for row in _locked().filter(dataset_id=dataset_id, state="published").order_by("number"):
            count += _change(row)
    return count


def lift_embargoes() -> int:
    """Open and refresh what is due since its record was written; returns how many datasets were looked at."""
    rows = Publication.objects.filter(state="published", access="embargoed")
    waiting = rows.exclude(record__access=record.RIGHTS["open"])
    today = clock.now().astimezone(dt.UTC).date() + dt.timedelta(days=1)  # every time zone's today
    due = waiting.filter(opens_on__lte=today.isoformat()).values_list("dataset_id", flat=True).distinct()
    found = list(due[:1000])
    for dataset_id in found:
        with transaction.atomic():
            selectors.take_turn()
            for row in rows.filter(dataset_id=dataset_id, record__access=record.RIGHTS["embargoed"]):
                if not record.is_waiting(row) and selectors.dataset_of(row) is not None:
                    datasets.release(SYSTEM, dataset_id, row.number)
            refresh(dataset_id)
    return len(found)


def end_of_removed(dataset_id: str) -> None:
    """Withdraw what was public of a dataset that was destroyed."""
    with transaction.atomic():
        selectors.take_turn()
        for row in _locked().filter(dataset_id=dataset_id, state="published"):
            _withdraw(row, "The dataset was removed. / データセットが削除されました。")
            steps.note_step(SYSTEM, row, "withdraw", row.reason)


def take_in(rows: Iterable[Publication]) -> None:
    """Stand for what another node published before: access as asked for, records, the new addresses of DOIs.

    Raises:
        NotReadyError: one cannot be published here as it is.
    """
    several = list(rows)
    for row in several:
        if row.state == "published":
            _open(row)
    for row in several:  # records name each other and the access, so these come first
        _change(row)


def change(rows: Iterable[Publication]) -> None:
    """Write the records anew of those of these that are public now, each once; the caller has taken its turn."""
    keys = {one.pk for one in rows}
    for row in _locked().filter(pk__in=keys, state="published").order_by("pk"):
        _change(row)


def _locked() -> QuerySet[Publication]:
    return Publication.objects.select_related("institution").select_for_update(of=("self",))


def settle(external_id: str, state: str) -> None:
    """Take in what an agency said of a DOI: from now on others may see it."""
    is_registered = state in {"findable", "registered"}
    with transaction.atomic():
        selectors.take_turn()
        concept = Concept.objects.filter(doi=external_id).first()
        if concept and is_registered and not concept.is_doi_registered:
            concept.is_doi_registered = True
            concept.save(update_fields=["is_doi_registered"])
            refresh(concept.dataset_id)
        row = _locked().filter(doi=external_id).first()
        if row and is_registered and not row.is_doi_registered:
            row.is_doi_registered = True
            _change(row)
            refresh(row.dataset_id)
            change(behind.neighbours(row))


def _expect(row: Publication, state: str) -> None:
    if row.state != state:
        raise WrongStateError(
            f"The publication is {row.state.replace('_', ' ')}, not {state}.", state=row.state
        )


def _open(row: Publication) -> None:
    """Give the dataset the access that was asked for; the rules are asked as for the owner who asked for it."""
    card = selectors.dataset_of(row)
    if card is None:
        raise NoPublicationError
    opens_on = row.opens_on if record.is_waiting(row) else ""
    owner = selectors.requester_of(row)
    access = "open" if row.access == "embargoed" and not opens_on else row.access
    steps.refuse_unready(
        checks.check(owner, card, row.number, access=access, opens_on=opens_on, corrected=row.corrected)
    )
    wanted = {
        "open": policy.Access.OPEN,
        "embargoed": policy.Access.OPEN,
        "restricted": policy.Access.SHARED,
        "metadata": policy.Access.CLOSED,
    }[row.access]
    waits = wanted == policy.Access.CLOSED or (opens_on and card.access == wanted and not card.embargo_until)
    if waits and _public(row).exclude(pk=row.pk).exists():
        datasets.take_back(SYSTEM, card.id, row.number)  # the others stay as open as they are
        return
    if card.access != wanted or bool(card.embargo_until) != bool(opens_on) or opens_on:
        datasets.set_access(SYSTEM, card.id, wanted, embargo_until=opens_on)
    if wanted != policy.Access.CLOSED:
        is_wider = _ORDER.index(wanted) > _ORDER.index(card.access) or bool(card.embargo_until)
        _release(row, card, is_wider=is_wider, at_once=not opens_on)


_ORDER = (policy.Access.CLOSED, policy.Access.SHARED, policy.Access.OPEN)


def _release(row: Publication, card: datasets.DatasetCard, *, is_wider: bool, at_once: bool) -> None:
    """Open this version and not the dataset's others, of which nobody has asked whether they may be opened.

    Where the owners had opened the dataset so far themselves, its other versions stay as they are. One whose own embargo goes
    on waits for its day (``lift_embargoes``).
    """
    if not is_wider:
        datasets.release(SYSTEM, card.id, row.number)
        return
    others = [one for one in _public(row) if not (at_once and record.is_waiting(one))]
    datasets.release_only(SYSTEM, card.id, {row.number, *(one.number for one in others)})


def _public(row: Publication) -> QuerySet[Publication]:
    """The publications of the dataset whose bytes others may read now, or later."""
    published = Publication.objects.filter(dataset_id=row.dataset_id, state="published")
    return published.exclude(access="metadata")


def _name(row: Publication) -> None:
    """Mint the names: one for the version, one for all versions together. Ours, so every request can be repeated."""
    home = row.institution
    if not home.doi_prefix or row.doi:
        return
    concept = Concept.objects.filter(dataset_id=row.dataset_id).first()
    is_test = outbox.is_test(home.doi_prefix)
    if concept is None:
        word = "".join(secrets.choice(_SIGNS) for _ in range(8))
        concept = Concept.objects.create(
            dataset_id=row.dataset_id,
            place=row.place,
            institution=home,
            doi=f"{home.doi_prefix}/{word[:4]}-{word[4:]}",
            doi_agency=home.doi_agency,
            is_test_doi=is_test,
        )
    row.doi, row.doi_agency = f"{concept.doi}.v{row.number}", concept.doi_agency
    row.is_test_doi = concept.is_test_doi


def _change(row: Publication) -> bool:
    """Write the record anew; where it differs, tell harvesters, the agency and the neighbours."""
    card, concept = selectors.dataset_of(row), Concept.objects.filter(dataset_id=row.dataset_id).first()
    before = row.record
    if card is not None:
        row.record = record.to_json(record.build(row, card, concept))
    elif row.record is not None and row.withdrawn_at:
        row.record = {**row.record, "withdrawn_on": row.withdrawn_at.date().isoformat()}
    is_changed = row.record != before
    if is_changed and row.record is not None:
        row.ready = ready.written(record.from_json(row.record))
    if is_changed:
        row.harvest_at = next_second(row)
    row.changed_at = clock.now()
    row.save()
    keep_public(row.project_id)
    if is_changed:
        events.record(RECORDED, publication=row.uid)
        outbox.want(row, concept)
        if before is None or bool(before.get("withdrawn_on")) != bool((row.record or {}).get("withdrawn_on")):
            _tell_neighbours(row)
    return is_changed


def next_second(row: Publication) -> dt.datetime:
    """Whole seconds, and never the second of the record before: a harvester that saw that one asks again."""
    now = clock.now().replace(microsecond=0)
    return max(now, row.harvest_at + dt.timedelta(seconds=1)) if row.harvest_at else now


def _tell_neighbours(row: Publication) -> None:
    others = _locked().filter(dataset_id=row.dataset_id, state="published").exclude(pk=row.pk)
    for other in (
        others.filter(number__lt=row.number).order_by("-number").first(),
        others.filter(number__gt=row.number).order_by("number").first(),
    ):
        if other is not None:
            _change(other)
    change(behind.neighbours(row))


def keep_public(project_id: str) -> None:
    """What is public must not be destroyed: whoever follows its DOI would find nothing."""
    rows = Publication.objects.filter(project_id=project_id, state="published")
    held = rows.values_list("dataset_id", flat=True).distinct()
    policy.place_holds(
        "publication", project_id, [policy.HeldAction(key, "destroy", *_KEEP) for key in sorted(held)]
    )
