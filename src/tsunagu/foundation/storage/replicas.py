"""Objects as wholes: copies in a second store, reading everything again, repair, and discarding what nobody needs.

An object never changes. What is damaged, or holds bytes that must go, is written anew under another key, checked, and
only then do the rows of its contents move. Copies hold the bytes as they lie, so what is encrypted stays so.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from django.db import transaction
from django.db.models import F, Min, Q, QuerySet, Sum

from tsunagu.core import clock
from tsunagu.core.blobs import BlobStore, Writer, new_key
from tsunagu.core.blobs.chunks import sealed_size
from tsunagu.core.errors import TsunaguError
from tsunagu.core.ids import new_id
from tsunagu.foundation.storage import selectors
from tsunagu.foundation.storage.leaving import drop, let_go
from tsunagu.foundation.storage.models import Content, ObjectCare, StoredObject
from tsunagu.foundation.storage.stores import replica_store, store

logger = logging.getLogger(__name__)
Needs = Callable[[Iterable[bytes]], set[bytes]]
_needs: list[Needs] = []


@dataclass(frozen=True, slots=True)
class Behind:
    """How the second store stands; ``waiting_since`` is when the oldest object without a copy was stored."""

    object_count: int
    byte_count: int
    waiting_count: int
    waiting_bytes: int
    waiting_since: str
    is_set: bool


@dataclass(frozen=True, slots=True)
class Checkup:
    """When everything was last read again: empty where some object never was; and what is damaged now."""

    read_since: str
    damaged_keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Scrubbed:
    """What reading an object again found.

    Attributes:
        damaged: SHA-256 of the contents whose bytes are not theirs any more; empty where they are sealed.
        domain: The key domain of the object; empty: it lies plain.
        problem: What is wrong, in words; empty when nothing is.
        repaired_from: ``replica``, ``store`` (the copy was wrong), or empty where nothing could be or had to be done.
    """

    key: str
    byte_count: int
    damaged: tuple[bytes, ...] = ()
    problem: str = ""
    repaired_from: str = ""
    domain: str = ""


# --- Copies


def copy_waiting(*, most_bytes: int) -> tuple[int, int]:
    """Copy objects that have no copy yet, the oldest first; returns how many and their bytes.

    One that cannot be read is left for the scrub to find, and keeps the others from nothing.

    Raises:
        TsunaguError, OSError: the second store does not work.
    """
    second = replica_store()
    if second is None:
        return 0, 0
    count = byte_count = 0
    for row in _without_copy().order_by("pk").iterator(chunk_size=200):
        if byte_count >= most_bytes:
            break
        try:
            _copy(row, second)
        except (TsunaguError, OSError):
            second.check()
            logger.warning("object_not_copied", extra={"key": row.key}, exc_info=True)
            continue
        count, byte_count = count + 1, byte_count + row.byte_count
    return count, byte_count


def copy_object(key: str) -> None:
    """Copy one object now, where there is a second store and it has no copy."""
    second = replica_store()
    row = _without_copy().filter(key=key).first() if second else None
    if row is not None and second is not None:
        _copy(row, second)


def behind() -> Behind:
    """How far the second store is behind."""
    every = StoredObject.objects.aggregate(size=Sum("byte_count"))
    waiting = _without_copy()
    told = waiting.aggregate(size=Sum("byte_count"), oldest=Min("stored_at"))
    return Behind(
        object_count=StoredObject.objects.count(),
        byte_count=every["size"] or 0,
        waiting_count=waiting.count(),
        waiting_bytes=told["size"] or 0,
        waiting_since=clock.isoformat(told["oldest"]) if told["oldest"] else "",
        is_set=replica_store() is not None,
    )


def _without_copy() -> QuerySet[StoredObject]:
    return StoredObject.objects.filter(Q(care=None) | Q(care__copied_at=None))


def _copy(row: StoredObject, second: BlobStore) -> None:
    digest = _transfer(store(), second, row.key, row.key, row.byte_count)
    care, _ = ObjectCare.objects.get_or_create(object=row)
    care.copied_at, care.copy_sha256 = clock.now(), digest
    care.save(update_fields=["copied_at", "copy_sha256"])
    if care.locked_until:
        second.lock(row.key, care.locked_until)


def _transfer(source: BlobStore, target: BlobStore, key: str, new: str, size: int) -> bytes:
    """Copy the bytes of an object as they lie; returns their SHA-256."""
    target.delete(new)  # what a worker that was killed here left
    writer = target.create(new, size_hint=size)
    digest, done = hashlib.sha256(), 0
    try:
        with source.open(key, 0, size) as reader:
            for piece in reader.pieces():
                writer.write(piece, done)
                digest.update(piece)
                done += len(piece)
                writer.advance(done)
    except BaseException:
        writer.abort()
        raise
    writer.finish(size)
    return digest.digest()


def check_replica() -> None:
    """Write, read and remove a probe in the second store, where there is one.

    Raises:
        TsunaguError: it does not work, with the reason.
    """
    second = replica_store()
    if second is not None:
        second.check()


def sweep_replica(*, older_than_s: float) -> int:
    """Remove copies of objects that are gone; returns how many."""
    second = replica_store()
    if second is None:
        return 0
    count, part = 0, []
    for found in second.list(older_than_s=older_than_s):
        part.append(found.key)
        if len(part) == 1000:  # noqa: PLR2004 - a part
            count, part = count + _drop_strays(second, part), []
    return count + _drop_strays(second, part)


def _drop_strays(second: BlobStore, keys: list[str]) -> int:
    named = set(StoredObject.objects.filter(key__in=keys).values_list("key", flat=True))
    strays = [key for key in keys if key not in named]
    for key in strays:
        second.delete(key)
    return len(strays)


# --- Reading again, and repair


def scrub(*, due_before: dt.datetime, most_bytes: int) -> Iterator[Scrubbed]:
    """Read objects again that were not read since a moment, the longest unread first; damage is repaired on the way.

    What could not be repaired before is tried again each time.
    """
    done, left = 0, set[int]()
    while done < most_bytes:
        due = StoredObject.objects.filter(
            Q(care=None)
            | Q(care__scrubbed_at=None)
            | Q(care__scrubbed_at__lt=due_before)
            | (Q(care__isnull=False) & ~Q(care__damage=""))
        ).exclude(pk__in=left)
        rows = list(due.order_by(F("care__scrubbed_at").asc(nulls_first=True), "pk")[:50])
        if not rows:
            return
        for row in rows:
            found = _scrub_one(row)
            if found.problem and not found.repaired_from:
                left.add(row.pk)
            yield found
            done += row.byte_count
            if done >= most_bytes:
                return


def due_bytes(due_before: dt.datetime) -> int:
    """Bytes of the objects that were not read since a moment."""
    read = ObjectCare.objects.filter(scrubbed_at__gte=due_before).aggregate(size=Sum("object__byte_count"))
    every = StoredObject.objects.aggregate(size=Sum("byte_count"))
    return (every["size"] or 0) - (read["size"] or 0)


def checkup() -> Checkup:
    """How long ago everything was last read, and what is damaged."""
    never = StoredObject.objects.filter(Q(care=None) | Q(care__scrubbed_at=None)).exists()
    oldest = None if never else ObjectCare.objects.aggregate(at=Min("scrubbed_at"))["at"]
    damaged = ObjectCare.objects.exclude(damage="").values_list("object__key", flat=True)[:100]
    return Checkup(clock.isoformat(oldest) if oldest else "", tuple(damaged))


def _scrub_one(row: StoredObject) -> Scrubbed:
    said = [(place.sha256, selectors.check_content(place)) for place in _places(row)]
    wrong = [(sha256, problem) for sha256, problem in said if problem]
    found = Scrubbed(row.key, row.byte_count, domain=row.domain)
    if wrong:
        problem = wrong[0][1]
        is_repaired = _repair(row)
        found = Scrubbed(
            row.key,
            row.byte_count,
            tuple(sha256 for sha256, _ in wrong if sha256),
            problem if is_repaired else f"{problem} {_no_copy(row)}",
            "replica" if is_repaired else "",
            row.domain,
        )
        if is_repaired:
            return found  # the object's row is gone; the new one counts as read
    elif _copy_is_wrong(row):
        ObjectCare.objects.filter(object=row).update(copied_at=None)
        copy_object(row.key)
        words = "The copy in the second store was damaged."
        found = Scrubbed(row.key, row.byte_count, (), words, "store", row.domain)
    ObjectCare.objects.update_or_create(
        object=row, defaults={"scrubbed_at": clock.now(), "damage": found.problem if wrong else ""}
    )
    return found


def _no_copy(row: StoredObject) -> str:
    second = replica_store()
    if second is None or not _is_copied(row):
        return "There is no copy of it in a second store."
    try:
        second.check()
    except (TsunaguError, OSError):
        return "The second store does not answer; the next scrub asks it again."
    return "The copy in the second store is damaged too."


def _places(row: StoredObject) -> list[selectors.Location]:
    rows = Content.objects.filter(object=row).order_by("offset").values_list("name", "offset", "byte_count")
    return [
        selectors.Location(b"" if row.domain else bytes(name), row.key, offset, size, row.domain, bytes(name))
        for name, offset, size in rows
    ]


def _copy_is_wrong(row: StoredObject) -> bool:
    second = replica_store()
    care = ObjectCare.objects.filter(object=row).first()
    if second is None or care is None or care.copied_at is None:
        return False
    digest = hashlib.sha256()
    try:
        with second.open(row.key, 0, row.byte_count) as reader:
            for piece in reader.pieces():
                digest.update(piece)
    except (TsunaguError, OSError):
        return True
    return digest.digest() != bytes(care.copy_sha256)


def _repair(row: StoredObject) -> bool:
    """Write an object anew from what is right in either store; says whether all of it was."""
    if not _rewrite(row, with_copy=False):
        return False
    logger.info("object_repaired", extra={"key": row.key})
    return True


def _rewrite(row: StoredObject, *, with_copy: bool) -> bool:
    """Write the contents of an object into a new one, each from the first store that has it right, and drop the old.

    Args:
        row: The object.
        with_copy: Drop its copy too; else that stays until the sweep, so that there is no moment with one copy only.

    Returns:
        Whether every content was right somewhere; where not, nothing has changed.
    """
    raw = [store(), *([second] if (second := replica_store()) and _is_copied(row) else [])]
    key, offset, places = new_key(), 0, []
    try:
        # What is sealed is bound to the key of its object, so it is decrypted and encrypted anew.
        bases = [selectors.store_of(row.domain, base) for base in raw]
        writer = bases[0].create(key, size_hint=row.byte_count)
    except TsunaguError:  # its key is gone
        logger.warning("object_not_rewritten", extra={"key": row.key}, exc_info=True)
        return False
    try:
        for place in _places(row):
            if not any(_copied_content(place, base, writer, offset) for base in bases):
                writer.abort()
                return False
            places.append(replace(place, key=key, offset=offset))
            offset += place.byte_count
            writer.advance(offset)
    except BaseException:
        writer.abort()
        raise
    writer.finish(offset)
    _move(row, key, sealed_size(offset) if row.domain else offset, places, with_copy=with_copy)
    copy_object(key)
    return True


def _copied_content(place: selectors.Location, base: BlobStore, writer: Writer, offset: int) -> bool:
    """Copy one content; what a store that has it wrong wrote here is overwritten by the next, or cut off."""
    digest = hashlib.sha256()
    try:
        with base.open(place.key, place.offset, place.byte_count) as reader:
            for piece in reader.pieces():
                writer.write(piece, offset)
                offset += len(piece)
                digest.update(piece)
    except (TsunaguError, OSError):
        logger.warning("content_not_readable", extra={"key": place.key}, exc_info=True)
        return False
    return selectors.content_name(digest.digest(), place.domain) == place.name


def _is_copied(row: StoredObject) -> bool:
    return ObjectCare.objects.filter(object=row, copied_at__isnull=False).exists()


def _move(
    row: StoredObject, key: str, size: int, places: Iterable[selectors.Location], *, with_copy: bool
) -> None:
    """Let the contents of an object lie in a new one, and drop the old."""
    with transaction.atomic():
        locked = ObjectCare.objects.filter(object=row).values_list("locked_until", flat=True).first()
        new = StoredObject.objects.create(
            key=key, kind=row.kind, byte_count=size, unit=new_id(), domain=row.domain
        )
        ObjectCare.objects.create(object=new, scrubbed_at=clock.now(), locked_until=locked)
        for place in places:
            Content.objects.filter(name=place.name, object=row).update(object=new, offset=place.offset)
        row.delete()
        if with_copy:
            let_go([row.key])
        else:
            transaction.on_commit(lambda: drop([row.key], with_copy=False))
    if locked:
        store().lock(key, locked)


# --- Keeping what must be kept, discarding what nobody needs


def needs(function: Needs) -> Needs:
    """Register what says which of some contents a room still names: nothing that any of them names is discarded."""
    _needs.append(function)
    return function


def discard(hashes: Iterable[bytes]) -> int:
    """Forget those of the plain contents that no room names, in the running transaction; returns how many.

    An object goes when its last content goes; ``rewrite_waiting`` takes what must go out of objects that stay.
    """
    # Locked before the rooms are asked: a commit that relies on one of them (``lock``) comes before or after.
    rows = Content.objects.select_for_update().filter(name__in=list(set(hashes))).order_by("name")
    unnamed = {bytes(name) for name in rows.values_list("name", flat=True)}
    if not unnamed:
        return 0
    for ask in _needs:
        unnamed -= ask(unnamed)
    gone = Content.objects.filter(name__in=list(unnamed))
    touched = set(gone.values_list("object_id", flat=True))
    count, _ = gone.delete()
    empty = StoredObject.objects.filter(pk__in=touched, contents=None)
    keys, rest = list(empty.values_list("key", flat=True)), touched - set(empty.values_list("pk", flat=True))
    empty.delete()
    for key in rest:
        ObjectCare.objects.update_or_create(object_id=key, defaults={"is_to_rewrite": True})
    let_go(keys)
    return count


def flag_gaps() -> int:
    """Mark packs that hold bytes which no content of theirs names; returns how many.

    The same bytes were sent twice, and one day the content that does name them may be discarded. Looks at every object.
    """
    packs = StoredObject.objects.filter(kind="pack", domain="").exclude(care__is_to_rewrite=True)
    with_gaps = packs.annotate(named=Sum("contents__byte_count")).filter(named__lt=F("byte_count"))
    keys = list(with_gaps.values_list("pk", flat=True)[:10_000])
    for key in keys:
        ObjectCare.objects.update_or_create(object_id=key, defaults={"is_to_rewrite": True})
    return len(keys)


def rewrite_waiting() -> int:
    """Write packs anew of which something was discarded, without it; a pack under a lock waits for its end.

    One that is damaged stays until it is repaired; the next scrub finds it.
    """
    waiting = ObjectCare.objects.filter(is_to_rewrite=True).exclude(locked_until__gt=clock.now())
    rows = waiting.select_related("object").order_by("pk")[:1000]
    return sum(_rewrite(care.object, with_copy=True) for care in rows)


def lock_contents(hashes: Iterable[bytes], until: dt.datetime, domains: Sequence[str]) -> int:
    """Have the stores refuse to give up the objects of these contents before a moment; returns how many were locked.

    A store that knows no locks keeps them as far as the rules of the node do.

    Args:
        hashes: SHA-256 of the plain bytes.
        until: The moment.
        domains: The key domains in which they may lie.
    """
    names = [selectors.content_name(sha256, domain) for sha256 in set(hashes) for domain in domains]
    rows = StoredObject.objects.filter(contents__name__in=names).distinct()
    rows = rows.filter(Q(care=None) | Q(care__locked_until=None) | Q(care__locked_until__lt=until))
    count, second = 0, replica_store()
    for row in list(rows):
        if not store().lock(row.key, until):
            break  # it knows no locks, for none of the objects
        care, _ = ObjectCare.objects.update_or_create(object=row, defaults={"locked_until": until})
        if second is not None and care.copied_at:
            second.lock(row.key, until)
        count += 1
    return count


def are_locked(hashes: Iterable[bytes]) -> bool:
    """Whether a store was told to keep the plain bytes of one of these contents for a while yet."""
    locked = ObjectCare.objects.filter(
        locked_until__gt=clock.now(), object__contents__name__in=list(set(hashes))
    )
    return locked.exists()
