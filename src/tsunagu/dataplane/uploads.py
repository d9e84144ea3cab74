"""The state of resumable uploads: a small JSON file each, beside the object that grows.

A state file is written before the object exists, so that every unfinished object has an owner. ``offset`` counts bytes
that an fsync has brought to the disk. Before control is asked to commit, the state says so: from then on this
process never removes the object, for control may have made it part of a dataset.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from tsunagu.core import clock
from tsunagu.core.blobs import translate
from tsunagu.core.blobs.local import sync_directory
from tsunagu.core.errors import NotFoundError, TsunaguError
from tsunagu.core.ids import is_id
from tsunagu.dataplane import locks

if TYPE_CHECKING:
    import hashlib
    from collections.abc import Iterator
    from pathlib import Path

    from tsunagu.core.blobs import BlobStore

_KEPT_HASHES = 1024


class UploadMissingError(NotFoundError):
    """An upload that ended, expired, or never was."""

    code = "dataplane.upload_missing"
    default_message = "There is no such upload; it may have expired."
    default_remedy = "Start the upload of this file again."


@dataclasses.dataclass
class Upload:
    """One resumable upload."""

    id: str
    key: str
    run: str
    dataset: str
    path: str
    length: int
    metadata: str  # the header as it came
    expires_at: float  # seconds since 1970
    announced_sha256: str = ""
    offset: int = 0
    sha256: str = ""  # known once everything has arrived
    is_handed_over: bool = False  # control has been asked to commit
    domain: str = ""  # the key domain in which the object is sealed
    tail: str = ""  # base64: what the writer needs beside the object to go on; encrypted where the object is

    @property
    def is_complete(self) -> bool:
        """Whether every byte is on the disk and hashed."""
        return bool(self.sha256)


class Uploads:
    """All uploads of a node."""

    def __init__(self, spool: Path, *, lifetime_s: float) -> None:
        self._spool = spool
        self._folder = spool / "uploads"
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lifetime_s = lifetime_s
        self._hashes: OrderedDict[str, tuple[int, hashlib._Hash]] = OrderedDict()
        self._guard = threading.Lock()

    def deadline(self) -> float:
        """When an upload that moves now will expire, seconds since 1970."""
        return clock.epoch_s() + self._lifetime_s

    def load(self, upload_id: str) -> Upload:
        """The state of an upload.

        Raises:
            UploadMissingError: unknown or expired.
        """
        upload = self._load(upload_id)
        if upload.expires_at < clock.epoch_s():
            raise UploadMissingError
        return upload

    def save(self, upload: Upload) -> None:
        """Write the state so that it survives a power cut.

        Raises:
            StorageFullError, UnavailableError: the disk refused; the former state stands.
        """
        goal = self._folder / f"{upload.id}.json"
        fresh = self._folder / f".{upload.id}.{threading.get_ident()}"
        try:
            with fresh.open("wb") as file:
                file.write(json.dumps(dataclasses.asdict(upload)).encode())
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(goal)
            sync_directory(self._folder)
        except OSError as error:
            with contextlib.suppress(OSError):
                fresh.unlink()
            raise translate(error) from error

    def forget(self, upload: Upload, store: BlobStore) -> None:
        """Remove the state, and the object unless control may own it."""
        if not upload.is_handed_over:
            store.delete(upload.key)
        with self._guard:
            self._hashes.pop(upload.id, None)
        with contextlib.suppress(FileNotFoundError):
            (self._folder / f"{upload.id}.json").unlink()

    def take_hash(self, upload: Upload) -> hashlib._Hash | None:
        """The running hash of the bytes before the offset, if this process still has it."""
        with self._guard:
            position, checksum = self._hashes.pop(upload.id, (-1, None))
        return checksum if position == upload.offset else None

    def keep_hash(self, upload: Upload, checksum: hashlib._Hash) -> None:
        """Remember the running hash; the oldest of many is forgotten and computed again when needed."""
        with self._guard:
            self._hashes[upload.id] = (upload.offset, checksum)
            while len(self._hashes) > _KEPT_HASHES:
                self._hashes.popitem(last=False)

    def ids(self) -> Iterator[str]:
        """Every upload that has a state, expired ones too."""
        with os.scandir(self._folder) as entries:
            for entry in entries:
                if entry.name.endswith(".json"):
                    yield entry.name.removesuffix(".json")

    def of_run(self, run: str) -> list[Upload]:
        """Uploads of a push that have not expired and whose bytes are not all here."""
        found = []
        for upload_id in self.ids():
            with contextlib.suppress(UploadMissingError):
                upload = self.load(upload_id)
                if upload.run == run and not upload.is_complete:
                    found.append(upload)
        return sorted(found, key=lambda upload: upload.path)

    def count(self) -> int:
        """How many uploads have a state."""
        return sum(1 for _ in self.ids())

    def owned_keys(self) -> set[str]:
        """Objects that an upload in progress owns."""
        keys = set()
        for upload_id in self.ids():
            with contextlib.suppress(UploadMissingError):
                keys.add(self._load(upload_id).key)
        return keys

    def remove_expired(self, store: BlobStore) -> int:
        """Drop what expired; returns how many uploads went."""
        count = 0
        for upload_id in list(self.ids()):
            with contextlib.suppress(TsunaguError, OSError):
                upload = self._load(upload_id)
                if upload.expires_at >= clock.epoch_s():
                    continue
                with locks.hold(self._spool, upload.key):
                    upload = self._load(upload_id)
                    if upload.expires_at < clock.epoch_s():
                        self.forget(upload, store)
                        count += 1
        return count

    def remove_scraps(self) -> None:
        """Drop half-written state files of a process that died; call before serving."""
        for scrap in self._folder.glob(".*"):
            with contextlib.suppress(FileNotFoundError):
                scrap.unlink()

    def _load(self, upload_id: str) -> Upload:
        if not is_id(upload_id):
            raise UploadMissingError
        try:
            values: dict[str, Any] = json.loads((self._folder / f"{upload_id}.json").read_bytes())
            return Upload(**values)
        except (FileNotFoundError, ValueError, TypeError):  # gone, or written by another release
            raise UploadMissingError from None
