"""A decision is carried out: files come to stand elsewhere first and leave the inbox then; repeatable at every point."""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
from collections.abc import Sequence
from typing import Literal

from django.db import transaction

from tsunagu.core import clock, jobs
from tsunagu.core.errors import NotFoundError, StorageFullError, TsunaguError, UnavailableError
from tsunagu.data.capture import api as capture
from tsunagu.data.datasets import api as datasets
from tsunagu.data.datasets.api import DatasetCard
from tsunagu.data.scans import api as scans
from tsunagu.data.unsorted.models import Decision, Inbox, Left
from tsunagu.data.unsorted.types import WITH_TARGET
from tsunagu.foundation.identity import api as identity
from tsunagu.foundation.identity.api import SYSTEM, Actor
from tsunagu.foundation.runs import api as runs

logger = logging.getLogger(__name__)

_AT_ONCE = 5000
_WAIT = dt.timedelta(minutes=5)
_TRIES, _MOST_FOLDERS = 5, 100
_File = tuple[str, int, bytes]


class CannotMoveError(Exception):
    """Files cannot come to stand in the target; the text says why."""


@jobs.job(priority=-5)
def carry_out(decision: str) -> None:
    """Carry a decision out; what the rules refuse by now ends it with their reason, and an outage puts it off."""
    row = Decision.objects.filter(uid=decision, state="open").first()
    if row is None:
        return
    try:
        _end(row, "done", _do(row))
    except (UnavailableError, StorageFullError, OSError):
        logger.warning("decision_put_off", extra={"decision": row.uid}, exc_info=True)
        said = "A part of the node does not answer. Sorting goes on in a few minutes."
        Decision.objects.filter(pk=row.pk, state="open").update(reason=said, changed_at=clock.now())
        jobs.enqueue_later(carry_out, _WAIT, decision=row.uid)
    except CannotMoveError as error:
        _fail(row, str(error))
    except TsunaguError as error:
        _fail(row, " ".join(part for part in (error.message, error.remedy) if part))


def soon(decision: str) -> None:
    """Queue a decision, once its transaction is through."""
    jobs.enqueue_once(carry_out, decision=decision)


def _do(row: Decision) -> str:
    """Move or remove the files; what was left, in words."""
    actor = _actor_of(row)
    inbox = datasets.get_dataset_by_id(actor, row.dataset_id)
    files = [(path, size, bytes.fromhex(sha256)) for path, size, sha256 in row.files]
    if row.verdict == "duplicate":
        kept = _remove_duplicates(row, actor, files)
        return f"{kept} of the files stand nowhere else and were left." if kept else ""
    # Only what still lies there as it was decided about: the rest was carried out before, or is another file by now.
    here = _all_still_there(inbox, files)
    if row.verdict in WITH_TARGET:
        if not here and not row.push_run_id:
            return "None of the files lay there any more."
        _place(row, actor, inbox, here)
    _remove(actor, inbox, here)
    return ""


@transaction.atomic
def _remove(actor: Actor, inbox: DatasetCard, files: Sequence[_File]) -> None:
    datasets.lock_dataset(
        actor, inbox.id
    )  # what replaces one of them at this moment must not go in its place
    for part in _parts(files):
        if present := _still_there(inbox, part):
            datasets.remove_files(actor, inbox.id, [path for path, _, _ in present])
            Left.objects.filter(dataset_id=inbox.id, path__in=[path for path, _, _ in present]).delete()


@transaction.atomic
def _remove_duplicates(row: Decision, actor: Actor, files: Sequence[_File]) -> int:
    """Remove what stands elsewhere at this very moment; how many files were left."""
    # One after the other on the whole node: two that each see the copy that the other removes would leave none.
    list(Inbox.objects.select_for_update().order_by("pk").values_list("pk", flat=True))
    inbox = datasets.get_dataset_by_id(actor, row.dataset_id)
    here = _all_still_there(inbox, files)
    going = _standing_elsewhere(actor, inbox, here)
    _remove(actor, inbox, going)
    return len(here) - len(going)


def _actor_of(row: Decision) -> Actor:
    kind: Literal["instrument", "person"] = "instrument" if row.actor_kind == "instrument" else "person"
    return identity.actor_of_record(kind, row.actor_id, row.actor_name, row.token_id)


def _parts(files: Sequence[_File]) -> list[Sequence[_File]]:
    return [files[start : start + _AT_ONCE] for start in range(0, len(files), _AT_ONCE)]


def _still_there(card: DatasetCard, files: Sequence[_File]) -> list[_File]:
    standing = datasets.draft_hashes(card, [path for path, _, _ in files])
    return [file for file in files if standing.get(file[0]) == file[2]]


def _all_still_there(card: DatasetCard, files: Sequence[_File]) -> list[_File]:
    return [file for part in _parts(files) for file in _still_there(card, part)]


def _standing_elsewhere(actor: Actor, inbox: DatasetCard, files: Sequence[_File]) -> list[_File]:
    """Files that stand in another dataset, or earlier in the same inbox: never the last one of a content.

    Copies about whose removal somebody has decided do not count.
    """
    hashes = {sha256 for _, _, sha256 in files}
    leaving = _about_to_leave()
    picked = {path for path, _, _ in files} | leaving.pop(inbox.id, {}).keys()
    unsure = hashes & {sha256 for paths in leaving.values() for sha256 in paths.values()}
    rows = [card.row_id for card in map(_card, leaving) if card]
    others = {
        *datasets.stands_elsewhere(actor, hashes - unsure, but=[inbox.row_id], domain=inbox.key_domain),
        *datasets.stands_elsewhere(actor, unsure, but=[inbox.row_id, *rows], domain=inbox.key_domain),
    }
    kept = {
        file.sha256
        for file in datasets.all_files(inbox, inbox.draft_number)
        if file.sha256 in hashes and file.path not in picked
    }
    going = []
    for file in sorted(files):
        if file[2] in others or file[2] in kept:
            going.append(file)
        else:
            kept.add(file[2])  # the first of several stays
    return going


def _about_to_leave() -> dict[str, dict[str, bytes]]:
    """What is to be removed by decisions that are still to be carried out: SHA-256 by path, by inbox."""
    found: dict[str, dict[str, bytes]] = {}
    for row in Decision.objects.filter(state="open", verdict="remove"):
        paths = {path: bytes.fromhex(sha256) for path, _size, sha256 in row.files}
        found.setdefault(row.dataset_id, {}).update(paths)
    return found


def _card(dataset_id: str) -> DatasetCard | None:
    with contextlib.suppress(NotFoundError):
        return datasets.get_dataset_by_id(SYSTEM, dataset_id)
    return None


def _place(row: Decision, actor: Actor, inbox: DatasetCard, files: Sequence[_File]) -> None:
    """Have the files stand in the target; no byte travels.

    Raises:
        CannotMoveError: the bytes of some are lost, or lie in another key domain than the target's.
    """
    if not files:
        return
    target = datasets.get_dataset_by_id(actor, row.target_id)
    run_id = _push_of(row, actor, inbox, target)
    paths: dict[bytes, str] = {}
    for part in _parts(files):
        placed = _link(actor, run_id, target, inbox, part)
        paths |= {sha256: path for path, _, sha256 in placed}
    capture.finish_push(actor, run_id)
    scans.carry_over(inbox, target, paths)


def _push_of(row: Decision, actor: Actor, inbox: DatasetCard, target: DatasetCard) -> str:
    """The push of an earlier try that is still open, else a new one."""
    if row.push_run_id:
        with contextlib.suppress(TsunaguError):
            return capture.renew(actor, row.push_run_id).run
    opened = capture.open_push(
        actor,
        target.project,
        target.name,
        create=False,
        kind="sort",
        client="tsunagu",
        note=row.note,
        inputs=[inbox.slug],
    )
    row.push_run_id, row.changed_at = opened.run, clock.now()
    row.save(update_fields=["push_run_id", "changed_at"])
    return opened.run


def _link(
    actor: Actor, run_id: str, target: DatasetCard, inbox: DatasetCard, files: Sequence[_File]
) -> list[_File]:
    """Have the files stand in the target, whatever others put there meanwhile; where they stand."""
    for _ in range(_TRIES):
        placed = _placed(target, inbox, files)
        wanted = [(path, size, sha256.hex()) for path, size, sha256 in placed]
        try:
            sent = capture.plan(actor, run_id, wanted, replaces=False).send
        except datasets.PathTakenError:
            continue  # it came since we looked
        for number in sent:
            raise CannotMoveError(
                f"{wanted[number][0]} cannot be moved: its bytes are lost, or one of the datasets is sealed."
            )
        return placed
    raise CannotMoveError(f"Other files kept arriving in {target.slug} at the same paths. Try again later.")


def _placed(target: DatasetCard, inbox: DatasetCard, files: Sequence[_File]) -> list[_File]:
    """The files at the paths where they go: where they were, or in a folder of the inbox's name, so that none is replaced."""
    taken: dict[str, bytes] = {}
    placed, rest = [], list(files)
    for number in range(_MOST_FOLDERS):
        folder = f"{inbox.name}-{number}/" if number > 1 else f"{inbox.name}/" * number
        standing = datasets.draft_hashes(target, [folder + path for path, _, _ in rest])
        beside = []
        for file in rest:
            path, size, sha256 = folder + file[0], *file[1:]
            # The same content at the same path is no conflict: an earlier try put it there.
            if standing.get(path, sha256) == sha256 == taken.setdefault(path, sha256):
                placed.append((path, size, sha256))
            else:
                beside.append(file)
        if not beside:
            return placed
        rest = beside
    raise CannotMoveError(f"Other files stand in {target.slug} at the path of {rest[0][0]}.")


def _fail(row: Decision, reason: str) -> None:
    if row.push_run_id:
        with contextlib.suppress(TsunaguError):  # its dataset may be gone
            capture.finish_push(_actor_of(row), row.push_run_id, outcome="failed", reason=reason[:2000])
    _end(row, "failed", reason)


@transaction.atomic
def _end(row: Decision, state: str, reason: str) -> None:
    changed = Decision.objects.filter(pk=row.pk, state="open").update(
        state=state, reason=reason[:2000], changed_at=clock.now()
    )
    if changed:
        outcome = runs.Outcome.OK if state == "done" else runs.Outcome.FAILED
        runs.finish(row.run_id, outcome, reason=reason)
