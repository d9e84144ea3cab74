"""Sending deposits: once by POST, ever after by PUT to the address that the repository gave; asked for before repeated.

Unknown is not failed (docs/adr/0060, docs/adr/0070). A repository that is down is left alone, and nothing else waits for it.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
import threading
import time
from collections.abc import Iterator

from django.db import Error, connection, transaction
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_noop as later

from tsunagu.core import clock, egress, retrying
from tsunagu.core.errors import NotFoundError, UnavailableError
from tsunagu.data.depositing import payload, repositories, sword
from tsunagu.data.depositing.models import Deposit
from tsunagu.data.depositing.repositories import Repository
from tsunagu.data.publication import api as publication

logger = logging.getLogger(__name__)

# 500 with an error document is rolled back there; without one, and from gateways, nobody knows.
_NOT_DONE = frozenset({408, 425, 429, 503})
_NOBODY_KNOWS = frozenset({0, 500, 502, 504})
_CREDENTIALS = frozenset({401, 403})
_WAITS, _GONE, _TOO_LARGE, _TOO_MANY = 202, 404, 413, 429
_DAILY_AFTER = dt.timedelta(hours=48)
_CIRCUIT = dt.timedelta(hours=1)
_DAY = dt.timedelta(days=1)
# Who sends gives a sign of life every while; what gave none for the longer one belongs to a process that ended.
_BEAT_EVERY_S = 30.0
_SILENT_FOR = dt.timedelta(minutes=5)
_LOOKS_MIN = (1, 5, 15, 60)
_TURN_S = 45.0
_LONGEST_ERROR = 20_000
_HELD = "held"
NEVER_IN = later("The record was withdrawn before it came into the repository.")


class _TurnLostError(Exception):
    """This process was silent for so long that another has taken the deposit up."""


def deliver_due(*, limit: int = 100) -> int:
    """Send and ask what is due; returns how many were tried."""
    _find_lost()
    due = Deposit.objects.filter(state__in=("waiting", "unknown", "held"), next_try__lte=clock.now())
    # What cannot be sent now must not fill the turn.
    due = due.exclude(repository__in=repositories.paused())
    due = due.exclude(repository__in=Deposit.objects.filter(state="sending").values("repository"))
    count, ends = 0, time.monotonic() + _TURN_S
    for uid, name in list(due.order_by("next_try", "uid").values_list("uid", "repository")[:limit]):
        if time.monotonic() > ends:
            break  # a slow repository must not keep a worker from everything else; the next turn goes on
        if not repositories.is_paused(name):
            count += deliver(uid)
    return count


def _find_lost() -> None:
    """Take up what a process was at when it ended. Only what may have arrived whole is unknown (``_may_be_whole``)."""
    now = clock.now()
    lost = Deposit.objects.filter(state="sending", sent_at__lt=now - _SILENT_FOR)
    lost.filter(held_since__isnull=False).update(state="held", next_try=now)
    lost.filter(deposit_url="", sent_hash="").update(state="waiting", next_try=now)
    lost.update(state="unknown", next_try=now)


def deliver(deposit_id: str) -> bool:
    """Take the next step of one deposit; False where it is somebody else's turn."""
    claimed = _claim(deposit_id)
    if claimed is None:
        return False
    with _alive(deposit_id):
        try:
            _step(*claimed)
        except _TurnLostError:
            logger.warning("deposit_turn_lost", extra={"deposit": deposit_id})
    return True


@contextlib.contextmanager
def _alive(deposit_id: str) -> Iterator[None]:
    """Give signs of life while a deposit is built, sent and answered, which may take hours."""
    stop = threading.Event()

    def beat() -> None:
        while not stop.wait(_BEAT_EVERY_S):
            with contextlib.suppress(Error):  # a busy database; there is time for several more
                Deposit.objects.filter(pk=deposit_id, state="sending").update(sent_at=clock.now())
            connection.close()

    beating = threading.Thread(target=beat, name="deposit", daemon=True)
    beating.start()
    try:
        yield
    finally:
        stop.set()
        beating.join()


def _step(row: Deposit, before: str) -> None:
    try:
        repository = repositories.named(row.repository)
        if before == "held" or (before == "unknown" and row.deposit_url):
            _look(row, repository, before)
        elif row.is_removal:
            _remove(row, repository, before)
        elif before == "unknown" and not repository.finds_duplicates:
            _ask_people(row)
        else:
            _send(row, repository)
    except publication.NoPublicationError:
        _refuse(row, "Nothing of this version is public any more.")
    except (NotFoundError, egress.EgressRefusedError, payload.BrokenContentError) as error:
        _refuse(row, error.message)
    except (OSError, UnavailableError) as error:  # the node's own disk or store; nothing was sent
        _later(row, before, str(error), wait_s=retrying.wait_s(row.attempts))


def _claim(deposit_id: str) -> tuple[Deposit, str] | None:
    """Take one for this process, with the state that it had; one at a time for each repository.

    ``attempts`` counts it, but for mere questions: who comes back after its turn was taken by another finds it higher.
    """
    with transaction.atomic():
        repositories.lock(Deposit.objects.values_list("repository", flat=True).get(pk=deposit_id))
        others = Deposit.objects.filter(repository=OuterRef("repository"), state="sending")
        rows = Deposit.objects.select_for_update().filter(~Exists(others), pk=deposit_id)
        row = rows.filter(state__in=("waiting", "unknown", "held"), next_try__lte=clock.now()).first()
        if row is None:
            return None
        before = row.state
        row.state, row.sent_at, row.attempts = "sending", clock.now(), row.attempts + (before != "held")
        if before == "waiting" and not row.deposit_url:
            row.sent_hash = ""  # nothing is there, and nothing has gone out yet
        row.save(update_fields=["state", "sent_at", "attempts", "sent_hash"])
    return row, before


# --- Sending


def _send(row: Deposit, repository: Repository) -> None:
    most = _limit(row, repository)
    if most is None:
        return
    # What changes from here on is not in this payload.
    Deposit.objects.filter(pk=row.pk).update(is_stale=False)
    with payload.built(
        repository, row.place, row.number, most_bytes=most, leaves_files_out=row.leaves_files_out
    ) as made:
        row.sent_hash, row.has_files, row.is_removal_sent = made.sha256.hex(), made.has_files, False
        if row.deposit_url and row.sent_hash == row.taken_hash:
            _done(row, row.item_url, is_news=False)
            return
        body = sword.Body(made, before_end=lambda: _may_be_whole(row))
        try:
            reply = sword.send(repository, made, body, row.deposit_url)
        except egress.EgressFailedError as error:
            _no_answer(row, error.message, may_be_done=body.is_whole)
            return
    _take(row, reply)


def _may_be_whole(row: Deposit) -> None:
    """Write down, before the last piece goes out, that the repository may have all of it from now on."""
    mine = Deposit.objects.filter(pk=row.pk, attempts=row.attempts)
    if not mine.update(sent_hash=row.sent_hash, state="sending", sent_at=clock.now()):
        raise _TurnLostError


def _limit(row: Deposit, repository: Repository) -> int | None:
    """What the repository takes, asked once a day; None where it does not answer, and the deposit waits."""
    known = repositories.state_of(repository.name)
    if known.asked_at is None or known.asked_at < clock.now() - _DAY:
        try:
            known.most_bytes = sword.limits(repository)
        except egress.EgressFailedError as error:
            if error.fields.get("answered") in _CREDENTIALS:
                _bad_token(row, error.message)
            else:
                _no_answer(row, error.message, may_be_done=False)
            return None
        known.asked_at = clock.now()
        known.save(update_fields=["asked_at", "most_bytes"])
    return known.most_bytes or repositories.MOST_BYTES


def _take(row: Deposit, reply: sword.Reply) -> None:
    """What an answer to a POST or PUT means."""
    row.last_status = reply.status
    if reply.is_good:
        repositories.works(row.repository)
        _keep(row, reply)
        if reply.status == _WAITS:
            _hold(row, reply.said)
            _mark(row)
        elif reply.means in {"held", "done"}:
            # A workflow without approval has ended by now, and still says that it is under way.
            row.taken_hash = row.sent_hash
            _done(row, reply.item_url)
        else:
            _settle(row, reply)
    elif reply.status in _NOT_DONE or (reply.status in _NOBODY_KNOWS and reply.is_error_document):
        _no_answer(
            row, reply.said, may_be_done=False, after=reply.retry_after, is_busy=reply.status == _TOO_MANY
        )
    elif reply.status in _NOBODY_KNOWS:
        _no_answer(row, reply.said or f"Status {reply.status}.", may_be_done=True, after=reply.retry_after)
    elif reply.status in _CREDENTIALS:
        _bad_token(row, reply.said)
    elif reply.status == _TOO_LARGE and row.has_files:
        row.leaves_files_out = True
        _later(row, "waiting", reply.said, wait_s=0)
    else:
        if reply.status == _GONE and reply.is_error_document:
            _forget(row)
        _refuse(row, reply.said or f"Status {reply.status}.")


def _forget(row: Deposit) -> None:
    """The repository itself says that the item is not there any more: whoever wishes it again gets a new one."""
    row.deposit_url = row.item_url = row.taken_hash = ""


def _keep(row: Deposit, reply: sword.Reply) -> None:
    """Remember the addresses that it has there; one that was known is never replaced by a page for people."""
    if sword.is_deposit(reply.deposit_url):
        row.deposit_url = reply.deposit_url[:1000]
    if reply.activity_url and not sword.is_deposit(reply.activity_url):
        row.activity_url = reply.activity_url[:1000]


def _mark(row: Deposit) -> None:
    """Remember what the repository says of what it has only just begun to hold."""
    if not row.deposit_url or row.held_mark:
        return
    with contextlib.suppress(egress.EgressFailedError):
        reply = sword.look(repositories.named(row.repository), row.deposit_url)
        row.held_mark = _HELD if reply.means == "held" else reply.mark[:100]
        row.save(update_fields=["held_mark"])


def _is_still_held(row: Deposit, reply: sword.Reply) -> bool:
    """Whether ``ingested`` says nothing: WEKO answers it of what waits for approval, whose revision stays the same."""
    if row.held_mark == _HELD or not reply.mark:
        return False
    row.held_mark = row.held_mark or reply.mark[:100]
    return row.held_mark == reply.mark[:100]


def _settle(row: Deposit, reply: sword.Reply) -> None:
    """What an answer to a question means."""
    repositories.works(row.repository)
    if reply.means == "held":
        row.held_mark = _HELD
    if reply.means == "done" and row.held_since and _is_still_held(row, reply):
        _hold(row, "")
    elif reply.means == "done" and row.is_removal_sent:
        _hold(row, "")  # it is still there: the people of the repository have not decided yet
    elif reply.means == "refused" and row.is_removal and not row.is_removal_sent:
        _drop(row)
    elif reply.means == "done":
        row.taken_hash = row.sent_hash
        _done(row, reply.item_url)
    elif reply.means == "refused":
        _refuse(row, reply.said or "The repository refused it without a word.")
    elif reply.means == "withdrawn" and not row.is_removal:
        _forget(row)
        _refuse(row, reply.said or "The item was deleted at the repository.")
    elif reply.means == "withdrawn":
        _gone(row)
    else:
        _hold(row, reply.said)


def _drop(row: Deposit) -> None:
    """What was held there was refused, and the record is withdrawn: only what was taken in before is left to remove."""
    row.held_since, row.looks, row.held_mark = None, 0, ""
    if row.taken_hash:
        _later(row, "waiting", "", wait_s=0)
    else:
        row.deposit_url = ""
        _gone(row, NEVER_IN)


# --- Asking


def _look(row: Deposit, repository: Repository, before: str) -> None:
    """Ask how far it is, before anything is repeated."""
    address = row.deposit_url or row.activity_url
    if not address:
        _hold(row, "")
        return
    try:
        reply = sword.look(repository, address)
    except egress.EgressFailedError as error:
        _no_answer(row, error.message, state=before)
        return
    row.last_status = reply.status
    if reply.is_good:
        _keep(row, reply)
        if before == "unknown" and reply.means != "held":
            _repeat(row, repository, reply)
        else:
            _settle(row, reply)
    elif reply.status == _GONE and row.is_removal and row.deposit_url:
        _gone(row)
    elif reply.status in _CREDENTIALS and row.deposit_url:
        _bad_token(row, reply.said, state=before)
    elif not row.deposit_url or reply.status == 0:
        _hold(row, "")  # a page for people, which says nothing to a machine
    elif reply.status == _GONE:
        if reply.is_error_document:
            _forget(row)
        _refuse(row, reply.said or "The repository does not know the deposit any more.")
    else:
        _no_answer(row, reply.said, state=before, after=reply.retry_after)


def _repeat(row: Deposit, repository: Repository, reply: sword.Reply) -> None:
    """It was sent and no answer came, and it is not under way there: what says the whole state may be said again."""
    if row.is_removal:
        if reply.means == "withdrawn":
            _gone(row)
        else:
            _remove(row, repository, "unknown")
    elif reply.means in {"refused", "withdrawn"}:
        _settle(row, reply)
    else:
        _send(row, repository)


def _ask_people(row: Deposit) -> None:
    """The first POST was lost on its way back: without its address nobody but a person can find it there."""
    row.state, row.next_try = "unknown", clock.now() + dt.timedelta(days=3650)
    row.save(update_fields=["state", "next_try"])
    logger.warning("deposit_undecided", extra={"deposit": row.pk, "repository": row.repository})


# --- Removing


def _remove(row: Deposit, repository: Repository, before: str) -> None:
    if not row.deposit_url:
        if before == "unknown":
            _ask_people(row)
        else:
            _gone(row, NEVER_IN)
        return
    row.is_removal_sent = True
    try:
        reply = sword.remove(repository, row.deposit_url)
    except egress.EgressFailedError as error:
        _no_answer(row, error.message, may_be_done=True)
        return
    row.last_status = reply.status
    if reply.status == 204 or reply.status == _GONE:  # noqa: PLR1714, PLR2004 - no content
        _gone(row)
    elif reply.is_good:
        _keep(row, reply)
        _hold(row, reply.said)
    else:
        _take(row, reply)


# --- Where it stands now

_OWN = (
    "state", "next_try", "sent_at", "failing_since", "attempts", "looks", "last_status", "last_error", "deposit_url",
    "activity_url", "item_url", "held_since", "held_mark", "done_at", "sent_hash", "taken_hash", "has_files",
    "leaves_files_out", "is_removal_sent",
)  # fmt: skip


def _save(row: Deposit) -> None:
    """All but what others write meanwhile: whether the record changed, and whether it is to be taken out."""
    mine = Deposit.objects.filter(pk=row.pk, attempts=row.attempts)
    if not mine.update(**{name: getattr(row, name) for name in _OWN}):
        raise _TurnLostError
    turned, stale = Q(is_removal=not row.is_removal), Q(is_stale=True)
    is_there = Q(state__in=("done", "refused")) & ~Q(deposit_url="")
    never_in = Q(state__in=("refused", "withdrawn"), deposit_url="")
    rows = Deposit.objects.filter((stale | turned) & is_there | turned & never_in, pk=row.pk)
    rows.update(state="waiting", next_try=clock.now())


def _note(row: Deposit, step: str, text: str, **said: object) -> None:
    with contextlib.suppress(publication.NoPublicationError):
        publication.note_deposit(row.publication_id, step, text, {"repository": row.repository, **said})


@transaction.atomic
def _done(row: Deposit, item_url: str, *, is_news: bool = True) -> None:
    row.state, row.done_at, row.last_error, row.failing_since = "done", clock.now(), "", None
    row.item_url, row.held_since, row.looks, row.held_mark = item_url[:1000] or row.item_url, None, 0, ""
    _save(row)
    if is_news:
        _note(row, "deposited", row.item_url, sha256=row.taken_hash, has_files=row.has_files)


@transaction.atomic
def _hold(row: Deposit, said: str) -> None:
    """It is there, and a person of the repository decides: asked 1, 5, 15 and 60 minutes after, then once a day, for ever."""
    is_new = row.held_since is None
    row.held_since = row.held_since or clock.now()
    wait = _LOOKS_MIN[row.looks] if row.looks < len(_LOOKS_MIN) else 24 * 60
    row.looks += 1
    row.state, row.next_try = "held", clock.now() + dt.timedelta(minutes=wait)
    row.last_error, row.failing_since = said[:_LONGEST_ERROR], None
    _save(row)
    if is_new:
        _note(row, "deposit_held", row.activity_url, sha256=row.sent_hash, is_removal=row.is_removal)


@transaction.atomic
def _gone(row: Deposit, said: str = "") -> None:
    row.state, row.done_at, row.last_error, row.failing_since = "withdrawn", clock.now(), said, None
    row.held_since, row.looks, row.taken_hash, row.held_mark = None, 0, "", ""
    _save(row)
    _note(row, "deposit_gone", said)


@transaction.atomic
def _refuse(row: Deposit, said: str) -> None:
    row.state, row.last_error, row.held_since = "refused", said[:_LONGEST_ERROR], None
    row.looks, row.held_mark = 0, ""
    _save(row)
    _note(row, "deposit_refuse", said[:2000], status=row.last_status)
    logger.warning("deposit_refused", extra={"deposit": row.pk, "status": row.last_status})


def _bad_token(row: Deposit, said: str, *, state: str = "refused") -> None:
    """One notice for the token, and not one for each deposit."""
    repositories.pause(row.repository, _CIRCUIT, said or "The repository does not accept the token.")
    if state == "refused":
        _refuse(row, said or "The repository does not accept the token.")
    else:
        _later(row, state, said, wait_s=_CIRCUIT.total_seconds())


def _no_answer(
    row: Deposit,
    said: str,
    *,
    may_be_done: bool = False,
    state: str = "",
    after: str = "",
    is_busy: bool = False,
) -> None:
    """It did not answer, or is busy: the repository is left alone for a while, and asked first where it may have acted."""
    now = clock.now()
    row.failing_since = row.failing_since or now
    is_daily = now - row.failing_since > _DAILY_AFTER and not after
    wait = _DAY.total_seconds() if is_daily else retrying.wait_s(row.attempts, after)
    if is_busy or not may_be_done:
        repositories.pause(row.repository, dt.timedelta(seconds=wait), said)
    _later(row, state or ("unknown" if may_be_done else "waiting"), said, wait_s=wait)


def _later(row: Deposit, state: str, said: str, *, wait_s: float) -> None:
    row.state, row.last_error = state, said[:_LONGEST_ERROR]
    row.next_try = clock.now() + dt.timedelta(seconds=wait_s)
    _save(row)
