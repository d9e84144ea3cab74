"""A commit: files come and go and become a version at once, or nothing happens."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from django.db import transaction

from tsunagu.core.errors import InvalidInputError
from tsunagu.core.ids import new_id
from tsunagu.core.paths import check_path
from tsunagu.data.capture import staging
from tsunagu.data.capture.errors import BytesMissingError, DraftInUseError, HeadMovedError
from tsunagu.data.capture.models import Push
from tsunagu.data.capture.services import close_push, record_push, write_unit
from tsunagu.data.capture.types import CommitChange, NamedFile, NewFile, RemovedFile, RemovedFolder
from tsunagu.data.datasets import api as datasets
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy
from tsunagu.foundation.runs import api as runs
from tsunagu.foundation.storage import api as storage

MOST_CHANGES = 100_000
NOTHING = "0" * 64  # the hash of no version: what an empty dataset is at
_MOST_NOTE = 4000


@dataclass(slots=True)
class _Wish:
    """What a commit asks for, read to its end; small contents lie in ``pack`` by then, which no row names."""

    files: dict[str, NamedFile] = field(default_factory=dict)
    removed: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    pack: storage.NewObject | None = None
    contents: list[tuple[bytes, int, int]] = field(default_factory=list)

    def take(self, change: NamedFile | RemovedFile | RemovedFolder) -> None:
        """Note a change that brings no bytes."""
        path = check_path(change.path)
        if isinstance(change, NamedFile):
            self.add(NamedFile(path, change.sha256, change.byte_count))
        elif isinstance(change, RemovedFile):
            self.removed.append(path)
        else:
            self.folders.append(f"{path}/")

    def add(self, file: NamedFile) -> None:
        """Note a file.

        Raises:
            InvalidInputError: the path was named before.
        """
        if file.path in self.files:
            raise InvalidInputError("The commit names one path twice.", path=file.path)
        self.files[file.path] = file


def commit(
    actor: Actor,
    dataset_id: str,
    changes: Iterable[CommitChange],
    *,
    note: str = "",
    parent: str | None = None,
    client: str = "",
) -> datasets.VersionRef:
    """Change the draft and freeze it, in one transaction. What is to go goes first.

    A commit that changes nothing, because it came before and its answer was lost, is answered with the newest version.

    Args:
        actor: Who commits.
        dataset_id: Which dataset.
        changes: Read once, one by one; small contents go to the store as they come.
        note: What the version is about.
        parent: The beginning of the hash of the version that the changes were made for; None: whatever is newest.
        client: Name and version of the program that sends.

    Raises:
        ActionDeniedError: the actor may not push, remove or freeze here.
        DraftInUseError: the draft holds changes of others that would become part of the version.
        HeadMovedError: there is a newer version than ``parent``.
        BytesMissingError: the bytes of a file were not sent, or not by this actor for this dataset.
        NoSuchFileError: what is to go is not there.
        BadPathError, InvalidInputError: a path cannot stand in a dataset, or there are too many changes.
    """
    card = datasets.get_dataset_by_id(actor, dataset_id)
    for action in ("dataset.push", "dataset.freeze"):
        policy.require(actor, action, card.resource)
    if card.key_domain:
        storage.key_ring().require(card.key_domain)
    wish = _read(changes, card.key_domain)
    try:
        with transaction.atomic():
            return _apply(actor, dataset_id, wish, note[:_MOST_NOTE], parent, client)
    except datasets.NothingToFreezeError:
        # A folder was replaced by what was in it. Nothing of it stands, the run neither.
        return datasets.list_versions(card, limit=1)[0]
    finally:
        if wish.pack:
            storage.drop_unnamed([wish.pack.key])


def _read(changes: Iterable[CommitChange], domain: str) -> _Wish:
    """Read every change; contents of small files go into one pack while they come."""
    wish = _Wish()
    small: list[str] = []

    def contents() -> Iterator[bytes]:
        for count, change in enumerate(changes, 1):
            if count > MOST_CHANGES:
                raise InvalidInputError(
                    f"A commit holds at most {MOST_CHANGES:,} changes.", remedy="Make several commits of it."
                )
            if isinstance(change, NewFile):
                small.append(check_path(change.path))
                yield change.content
            else:
                wish.take(change)

    stream = contents()
    first = next(stream, None)
    if first is None:
        return wish
    wish.pack, wish.contents = storage.write_pack(itertools.chain([first], stream), domain)
    try:
        for path, (sha256, size, _) in zip(small, wish.contents, strict=True):
            wish.add(NamedFile(path, sha256, size))
    except BaseException:
        storage.drop_unnamed([wish.pack.key])
        raise
    return wish


def _apply(
    actor: Actor, dataset_id: str, wish: _Wish, note: str, parent: str | None, client: str
) -> datasets.VersionRef:
    """The commit in the running transaction."""
    card = datasets.lock_dataset(actor, dataset_id)
    if wish.pack and wish.pack.domain != card.key_domain:
        raise datasets.SealedMeanwhileError
    if datasets.has_unfrozen_files(card):
        raise DraftInUseError(dataset=card.slug)
    head = next(iter(datasets.list_versions(card, limit=1)), None)
    is_moved = parent is not None and not (head.version_hash if head else NOTHING).startswith(parent)
    gone, missing = _removals(actor, card, wish)
    fresh = _fresh(card, wish)
    # What is missing since the newest version may have gone by this very commit: its end tells.
    strange = [path for path in missing if not head or not _went_with(actor, card, head, path)]
    if strange:
        raise HeadMovedError(dataset=card.slug) if is_moved else _no_file(card, strange[0])
    if head and not fresh and not gone:
        return head
    push = _begin(actor, card, note, client)
    if gone:
        datasets.remove_files(actor, card.id, gone)
    entries = _entries(actor, card, wish, fresh)
    if entries:
        write_unit(push, actor, new_id(), entries, how="sent", domain=card.key_domain)
    version = datasets.freeze_version(actor, card.id, note=note)
    # Only now is it certain that this is not the same commit again, which would have changed nothing.
    if is_moved:
        raise HeadMovedError(dataset=card.slug)
    if missing:
        raise _no_file(card, missing[0])
    made = runs.Link("out", "version", version.version_hash, f"v{version.number}")
    close_push(push, runs.Outcome.OK, links=[made])
    return version


def _no_file(card: datasets.DatasetCard, path: str) -> datasets.NoSuchFileError:
    return datasets.NoSuchFileError(f"There is no {path} in {card.slug}.", path=path)


def _begin(actor: Actor, card: datasets.DatasetCard, note: str, client: str) -> Push:
    run_id = runs.start(
        actor,
        "capture",
        dataset_id=card.id,
        parameters={"way": "push", "note": note[:1000]},
        software={"client": client[:200]},
        links=[runs.Link("out", "dataset", card.id, card.slug)],
    )
    return record_push(actor, run_id, card.id)


def _fresh(card: datasets.DatasetCard, wish: _Wish) -> list[NamedFile]:
    """Files that do not stand at their path already, or would go with their folder."""
    standing = datasets.draft_hashes(card, list(wish.files))
    folders = tuple(wish.folders)
    return [
        file
        for path, file in wish.files.items()
        if standing.get(path) != file.sha256 or path.startswith(folders)
    ]


def _removals(actor: Actor, card: datasets.DatasetCard, wish: _Wish) -> tuple[list[str], list[str]]:
    """What is to go and is there, and what is not there; a path that is written anew stays for that."""
    single = [path for path in wish.removed if path not in wish.files]
    there = datasets.draft_hashes(card, single)
    gone = [path for path in dict.fromkeys(single) if path in there]
    missing = [path for path in single if path not in there]
    for folder in dict.fromkeys(wish.folders):
        is_there = _is_below(actor, card, folder, card.draft_number)
        (gone if is_there else missing).append(folder)
    return gone, missing


def _went_with(actor: Actor, card: datasets.DatasetCard, head: datasets.VersionRef, path: str) -> bool:
    """Whether the newest version is the one that a path is missing in for the first time."""
    before = head.number - 1
    if not before or path.endswith("/"):
        return bool(before) and _is_below(actor, card, path, before)
    try:
        datasets.get_file(actor, card, path, version=before)
    except datasets.NoSuchFileError:
        return False
    return True


def _is_below(actor: Actor, card: datasets.DatasetCard, folder: str, number: int) -> bool:
    return bool(datasets.list_files(actor, card, version=number, prefix=folder, limit=1).files)


def _entries(
    actor: Actor, card: datasets.DatasetCard, wish: _Wish, fresh: Sequence[NamedFile]
) -> list[tuple[str, int, bytes]]:
    """Path, size and SHA-256 of every new file, once its content is one of the store."""
    sizes = {sha256: size for sha256, size, _ in wish.contents}
    packed = {file.sha256 for file in fresh} & set(sizes)
    held, places = staging.find(actor, card, [file.sha256 for file in fresh if file.sha256 not in packed])
    # From here to the end of the transaction nothing of it is discarded.
    staying = storage.lock(place.name for place in places.values())
    sizes |= {sha256: one.byte_count for sha256, one in held.items()}
    sizes |= {sha256: place.byte_count for sha256, place in places.items() if place.name in staying}
    for file in fresh:
        size = sizes.get(file.sha256)
        if size is None or file.byte_count not in {None, size}:
            raise BytesMissingError(path=file.path, sha256=file.sha256.hex())
    if packed and wish.pack:
        storage.register(wish.pack, [one for one in wish.contents if one[0] in packed])
    storage.admit(held.values())
    return [(file.path, sizes[file.sha256], file.sha256) for file in fresh]
