"""What outside services are asked for: a row for each effect, sent after the decision, as often as it takes.

Unknown is not failed: after a broken connection the service is asked what it holds before anything is repeated. Names
are ours and requests say the whole state, so that every one of them may be repeated (docs/adr/0060).
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import logging
import time
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef

from tsunagu.core import clock, egress, events, retrying, settings
from tsunagu.core.errors import InvalidInputError, TsunaguError
from tsunagu.data.publication import behind, datacite, record
from tsunagu.data.publication.models import Concept, OutsideEffect, Publication

logger = logging.getLogger(__name__)

DATACITE, JALC = "DataCite", "JaLC"
REPLACED = "replaced by a newer one"
WANTED, SETTLED = "publication.wanted", "publication.settled"
# https://support.datacite.org/docs/rate-limit and the manners of the services: facts of docs/adr/0060.
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
_CREDENTIALS = frozenset({401, 403})
_GIVE_UP_AFTER = dt.timedelta(hours=48)
_SENT_FOR = dt.timedelta(minutes=2)  # longer than any request may take
_TURN_S = 45.0
_CIRCUIT = dt.timedelta(hours=1)
_JALC_EVERY, _JALC_FOR = dt.timedelta(hours=6), dt.timedelta(days=90)
_RESOLVER_AWAY = dt.timedelta(minutes=15)
_LONGEST_ERROR = 20_000
_MOST_STUCK = 5000


def account_for(prefix: str) -> Mapping[str, Any] | None:
    """The account that the node has for a DOI prefix."""
    return next((one for one in settings.current().doi_accounts if one.get("prefix") == prefix), None)


def is_test(prefix: str) -> bool:
    """Whether DOIs of a prefix are those of a test system, which never leave in records."""
    account = account_for(prefix)
    return bool(account and account.get("test"))


def want(row: Publication, concept: Concept | None) -> None:
    """Have the agency told of a publication, and of what names all its versions; in the running transaction."""
    if concept and row.doi:
        public = Publication.objects.filter(dataset_id=concept.dataset_id, state="published")
        together = "publish" if public.exists() else "hide"
        _want("concept", concept.dataset_id, concept.doi, concept.doi_agency, together)
        operation = "hide" if row.state == "withdrawn" else "publish"
        _want("version", row.uid, row.doi, row.doi_agency, operation)


def _want(kind: str, subject: str, doi: str, agency: str, operation: str) -> None:
    rows = OutsideEffect.objects.select_for_update().filter(service=agency, external_id=doi)
    last = rows.order_by("-version").first()
    digest = _digest(doi, operation) if agency == DATACITE else operation
    if last and last.request_hash == digest and last.state not in {"refused", "given_up"}:
        return
    if agency == JALC and last and last.state == "done":
        return  # registered once; everything after that goes by the harvested record
    now = clock.now()
    if last and last.state == "waiting" and not last.attempts and agency == DATACITE:
        last.operation, last.request_hash = operation, digest  # never sent, so it is still the same wish
        last.save(update_fields=["operation", "request_hash"])
        return
    # A newer wish says the whole state, so that older ones need not be sent any more.
    rows.filter(state__in=("waiting", "refused")).update(state="given_up", last_error=REPLACED)
    OutsideEffect.objects.create(
        service=agency,
        operation=operation if agency == DATACITE else "confirm",
        subject_kind=kind,
        subject_id=subject,
        external_id=doi,
        version=last.version + 1 if last else 1,
        request_hash=digest,
        made_at=now,
        next_try=now if agency == DATACITE else now + dt.timedelta(hours=1),
    )
    if agency == DATACITE:
        events.record(WANTED)


def _digest(doi: str, operation: str) -> str:
    body = _attributes(doi, operation)
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def _attributes(doi: str, operation: str) -> dict[str, Any]:
    """Everything that DataCite is to hold about a DOI."""
    row = Publication.objects.filter(doi=doi).first()
    if row is not None and row.record is not None:
        return datacite.attributes(record.from_json(row.record), operation)
    concept = Concept.objects.filter(doi=doi).first()
    dataset_id = concept.dataset_id if concept else ""
    public = Publication.objects.filter(dataset_id=dataset_id).filter(record__isnull=False)
    newest = (
        public.filter(state="published").order_by("-number").first() or public.order_by("-number").first()
    )
    if concept is None or newest is None or newest.record is None:
        raise InvalidInputError(f"Nothing is published under {doi}.")
    versions = [
        one.doi for one in public.order_by("number") if one.is_doi_registered and one.state == "published"
    ]
    whole = record.from_json(newest.record)
    return datacite.attributes_of_all(whole, operation, versions, url=behind.landing_address(concept.place))


def deliver_due(*, limit: int = 200) -> int:
    """Send what is due, what has waited longest first; returns how many were tried.

    A service that is down is left alone, and what waits for it goes behind what waits for others.
    """
    _find_lost()
    due = OutsideEffect.objects.filter(state__in=("waiting", "unknown"), next_try__lte=clock.now())
    rows = due.order_by("next_try", "uid").values_list("uid", "service", "external_id")[:limit]
    down: set[tuple[str, str]] = set()
    count, ends = 0, time.monotonic() + _TURN_S
    for uid, service, doi in list(rows):
        side = service, doi.partition("/")[0]
        if side in down:
            continue
        if time.monotonic() > ends:
            break  # a slow agency must not keep a worker from everything else; the next turn goes on
        count += 1
        if not (deliver(uid) if service == DATACITE else confirm(uid)):
            down.add(side)
            others = due.filter(service=service, external_id__startswith=f"{side[1]}/")
            others.update(next_try=clock.now())
    return count


def _find_lost() -> None:
    """What was being sent when its process ended: nobody knows whether it arrived."""
    lost = OutsideEffect.objects.filter(state="sending", sent_at__lt=clock.now() - _SENT_FOR)
    lost.update(state="unknown", next_try=clock.now())


def _claim(effect_id: str) -> tuple[OutsideEffect, bool] | None:
    """Take one for this process, and say whether it may have been sent before.

    Of wishes for one name only the newest is sent, and never two at once: an older one that comes last would stand.
    """
    with transaction.atomic():
        name = OutsideEffect.objects.values("service", "external_id").get(pk=effect_id)
        rows = OutsideEffect.objects.select_for_update().filter(**name).order_by("version")
        several = {one.pk: one for one in rows.filter(state__in=("waiting", "unknown", "sending"))}
        row = several.pop(effect_id, None)
        if row is None or row.state == "sending" or row.next_try > clock.now():
            return None
        if rows.filter(version__gt=row.version).exists():
            row.state, row.last_error = "given_up", REPLACED
            row.save(update_fields=["state", "last_error"])
            return None
        if any(one.state == "sending" for one in several.values()):
            return None
        was_unknown = row.state == "unknown"
        row.state, row.sent_at, row.attempts = "sending", clock.now(), row.attempts + 1
        row.save(update_fields=["state", "sent_at", "attempts"])
    return row, was_unknown


def deliver(effect_id: str) -> bool:
    """Send one; False where its service does not answer, so that others need not be tried now."""
    claimed = _claim(effect_id)
    if claimed is None:
        return True
    try:
        return _send(*claimed)
    finally:
        _go_on(claimed[0])


def _go_on(row: OutsideEffect) -> None:
    """What was wished for the same name meanwhile had to wait for this one, and is sent next."""
    fresh = OutsideEffect.objects.filter(state="waiting", attempts=0, next_try__lte=clock.now())
    with transaction.atomic():
        if fresh.filter(service=row.service, external_id=row.external_id).exists():
            events.record(WANTED)


def _send(row: OutsideEffect, was_unknown: bool) -> bool:  # noqa: FBT001 - as it was claimed
    account = account_for(row.external_id.partition("/")[0])
    if account is None:
        prefix = row.external_id.partition("/")[0]
        _refuse(row, f"No [[doi_accounts]] of this node is for the prefix {prefix}.")
        return True
    try:
        body = _attributes(row.external_id, row.operation)
        if was_unknown:
            held = datacite.read(account, row.external_id)
            if datacite.holds(held, body, row.operation):
                _done(row, held.state)
                return True
        answer = datacite.put(account, row.external_id, body)
    except egress.EgressFailedError as error:
        _later(row, "unknown", error.message)
        return False
    except TsunaguError as error:  # not to be reached, or nothing that the agency could take
        _refuse(row, error.message)
        return True
    return _take(row, answer)


def _take(row: OutsideEffect, answer: datacite.Reply) -> bool:
    row.last_status = answer.status
    if answer.is_good:
        if answer.is_settled(row.operation):
            _done(row, answer.state)
        else:  # an event that does not apply, or a handle not written, is reported as success
            row.external_state = answer.state
            _later(row, "waiting", f"The answer says {answer.state or 'nothing'}: not registered yet.")
        return True
    if answer.status in _AGAIN or answer.status == 0:
        _later(row, "waiting", answer.said, after=answer.retry_after)
        return answer.status != 429  # noqa: PLR2004 - too many requests: leave the service alone
    if answer.status in _CREDENTIALS:
        # One notice for the account, and not one for each record.
        prefix = row.external_id.partition("/")[0]
        others = OutsideEffect.objects.filter(state="waiting", external_id__startswith=f"{prefix}/")
        others.exclude(pk=row.pk).update(next_try=clock.now() + _CIRCUIT)
        _refuse(row, answer.said)
        return False
    _refuse(row, answer.said)
    return True


def _done(row: OutsideEffect, state: str) -> None:
    with transaction.atomic():
        row.state, row.external_state, row.done_at, row.last_error = "done", state, clock.now(), ""
        row.save()
        events.record(SETTLED, doi=row.external_id, state=state)


def _refuse(row: OutsideEffect, said: str) -> None:
    row.state, row.last_error = "refused", said[:_LONGEST_ERROR]
    row.save()
    logger.warning("doi_refused", extra={"doi": row.external_id, "status": row.last_status})


def _later(row: OutsideEffect, state: str, said: str, *, after: str = "") -> None:
    now = clock.now()
    if now - row.made_at > _GIVE_UP_AFTER:
        row.state, row.last_error = "given_up", said[:_LONGEST_ERROR]
        row.save()
        logger.warning("doi_given_up", extra={"doi": row.external_id, "attempts": row.attempts})
        return
    row.state, row.last_error = state, said[:_LONGEST_ERROR]
    row.next_try = now + dt.timedelta(seconds=retrying.wait_s(row.attempts, after))
    row.save()


def confirm(effect_id: str) -> bool:
    """Look whether a DOI that another service registers leads here by now; False where the resolver is away."""
    claimed = _claim(effect_id)
    if claimed is None:
        return True
    row, _ = claimed
    address = f"{settings.current().doi_resolver.rstrip('/')}/api/handles/{row.external_id}"
    try:
        answer = egress.exchange("GET", address)
    except (egress.EgressFailedError, egress.EgressRefusedError) as error:
        _look_later(row, error.message, wait=_RESOLVER_AWAY)
        return False
    row.last_status = answer.status
    if datacite.leads_to(answer.content, settings.current().control_address):
        _done(row, "registered")
    else:
        _look_later(row, "The DOI does not lead here yet.")
    return True


def _look_later(row: OutsideEffect, said: str, *, wait: dt.timedelta = _JALC_EVERY) -> None:
    is_over = clock.now() - row.made_at > _JALC_FOR
    row.state, row.last_error = "given_up" if is_over else "waiting", said[:_LONGEST_ERROR]
    row.next_try = clock.now() + wait
    row.save()


def names_of(row: Publication) -> list[str]:
    """The DOIs that a publication needs: the one of all versions, and its own."""
    concept = Concept.objects.filter(dataset_id=row.dataset_id).values_list("doi", flat=True)
    return [*concept, *([row.doi] if row.doi else [])]


def stuck() -> list[str]:
    """Datasets and publications whose DOI a person has to look after, since it was refused or given up; newest first."""
    bad = OutsideEffect.objects.filter(state__in=("refused", "given_up")).exclude(last_error=REPLACED)
    newer = OutsideEffect.objects.filter(
        service=OuterRef("service"), external_id=OuterRef("external_id"), version__gt=OuterRef("version")
    )
    rows = bad.exclude(Exists(newer)).order_by("-made_at", "-uid")
    return list(rows.values_list("subject_id", flat=True)[:_MOST_STUCK])


def again(doi: str) -> int:
    """Have what was refused or given up tried again; returns how many."""
    last = OutsideEffect.objects.filter(external_id=doi).order_by("-version").first()
    if last is None or last.state not in {"refused", "given_up"}:
        return 0
    last.state, last.made_at, last.next_try = "waiting", clock.now(), clock.now()
    last.save()
    return 1
