"""The keys of sealed bytes: one data key for each key domain, wrapped, apart from the database and from every backup.

A domain's key lies in ``HOME/keys/DOMAIN.json``, wrapped by a key-encryption key that a ``Wrapper`` keeps (here: a file in
``HOME/secrets/sealing``). Destroying the small file destroys the bytes, wherever they were copied to. What stays in its
place is a tombstone: which key it was (a commitment, not the key), when, by whom and why.
"""

from __future__ import annotations

import base64
import contextlib
import datetime as dt
import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tsunagu.core import clock, settings
from tsunagu.core.blobs.chunks import derive
from tsunagu.core.blobs.local import sync_directory
from tsunagu.core.durable import write_durably
from tsunagu.core.ids import is_id, new_id
from tsunagu.foundation.storage.errors import KeyDestroyedError, KeyMissingError

FORMAT = "tsunagu-key-1"
_KEY, _NONCE = 32, 12


@dataclass(frozen=True, slots=True)
class Tombstone:
    """What stays of a destroyed key.

    Attributes:
        fingerprint: Commitment to the key (HKDF), hex: the same as when it was made.
        run: The run that destroyed it; it stands in the ledger.
    """

    domain: str
    fingerprint: str
    destroyed_at: str
    by: str
    reason: str
    run: str


class Wrapper(Protocol):
    """Keeps key-encryption keys and never gives them away: a file, a PKCS#11 token, Vault transit ..."""

    def wrap(self, key: bytes, context: bytes) -> tuple[str, bytes]:
        """Wrap a key; returns the id of the key-encryption key and the wrapped key."""

    def unwrap(self, key_id: str, wrapped: bytes, context: bytes) -> bytes:
        """The key.

        Raises:
            KeyMissingError: that key-encryption key is not here, or the context is another.
        """

    def rotate(self) -> None:
        """Wrap with a new key-encryption key from now on."""

    def retire(self, used: set[str]) -> None:
        """Destroy the key-encryption keys that are neither in use nor the newest."""


class FileWrapper:
    """Key-encryption keys as files that only the node's user can read; the newest one wraps."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def wrap(self, key: bytes, context: bytes) -> tuple[str, bytes]:
        """AES-256-GCM with the newest key."""
        if not self._ids():
            self.rotate()
        key_id = self._ids()[-1]
        nonce = secrets.token_bytes(_NONCE)
        return key_id, nonce + AESGCM(self._read(key_id)).encrypt(nonce, key, context)

    def unwrap(self, key_id: str, wrapped: bytes, context: bytes) -> bytes:
        """The key."""
        try:
            return AESGCM(self._read(key_id)).decrypt(wrapped[:_NONCE], wrapped[_NONCE:], context)
        except (FileNotFoundError, InvalidTag, ValueError):
            raise KeyMissingError(
                "The key of this sealed dataset cannot be unwrapped: the node's secrets are others, or it was changed.",
                remedy="Restore HOME/secrets/sealing from the backup of the secrets.",
            ) from None

    def rotate(self) -> None:
        """Make another key."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_durably(self._folder / f"{new_id()}.key", secrets.token_bytes(_KEY))

    def retire(self, used: set[str]) -> None:
        """Destroy older keys."""
        for key_id in self._ids()[:-1]:
            if key_id not in used:
                destroy_file(self._folder / f"{key_id}.key")

    def _ids(self) -> list[str]:
        return sorted(file.stem for file in self._folder.glob("*.key"))

    def _read(self, key_id: str) -> bytes:
        return (self._folder / f"{Path(key_id).name}.key").read_bytes()


class KeyRing:
    """The data keys of all domains."""

    def __init__(self, folder: Path, wrapper: Wrapper) -> None:
        self.folder = folder
        self._wrapper = wrapper

    def create(self, domain: str) -> str:
        """Make the key of a domain, durable before this returns; does nothing where there is one.

        Returns:
            Its fingerprint.

        Raises:
            KeyDestroyedError: the domain had one.
        """
        if not is_id(domain):
            raise ValueError("a key domain is named by a ULID")
        with self._alone():
            with contextlib.suppress(KeyMissingError):
                return str(self._load(domain)["fingerprint"])
            key = secrets.token_bytes(_KEY)
            self._save(domain, key, clock.isoformat(clock.now()))
            return fingerprint(key)

    def data_key(self, domain: str) -> bytes:
        """The key of a domain.

        Raises:
            KeyDestroyedError: it was destroyed; the message says when, by whom and why.
            KeyMissingError: it is not here.
        """
        said = self._load(domain)
        return self._wrapper.unwrap(str(said["key_id"]), base64.b64decode(said["wrapped"]), _context(domain))

    def require(self, domain: str) -> None:
        """Raise what ``data_key`` raises where there is no key."""
        self._load(domain)

    def tombstone(self, domain: str) -> Tombstone | None:
        """What stays of the key of a domain that was destroyed."""
        said = self._read(domain) or {}
        return Tombstone(**said["destroyed"]) if "destroyed" in said else None

    def destroy(self, domain: str, *, by: str, reason: str, run: str) -> Tombstone:
        """Overwrite and remove the wrapped key for ever; a second call changes nothing.

        Raises:
            KeyMissingError: there is none.
        """
        with self._alone():
            file = self._file(domain)
            old = file.with_suffix(".old")
            stone = self.tombstone(domain)
            if stone is None:
                key_was = str(self._load(domain)["fingerprint"])
                stone = Tombstone(domain, key_was, clock.isoformat(clock.now()), by, reason, run)
                # The tombstone takes the place in one step; then the old file, under another name, is overwritten.
                old.unlink(missing_ok=True)
                old.hardlink_to(file)
                self.bury(stone)
            destroy_file(old)
            return stone

    def bury(self, stone: Tombstone) -> None:
        """Write a tombstone over whatever stands there."""
        said = {"format": FORMAT, "domain": stone.domain, "destroyed": asdict(stone)}
        write_durably(self._file(stone.domain), json.dumps(said, ensure_ascii=False).encode())

    def rotate(self) -> int:
        """Wrap every data key anew with a new key-encryption key; no stored byte changes. Returns how many."""
        with self._alone():
            self._wrapper.rotate()
            used = set()
            domains = list(self.domains())
            for domain in domains:
                self._save(domain, self.data_key(domain), str(self._load(domain)["made_at"]))
                used.add(str(self._load(domain)["key_id"]))
            self._wrapper.retire(used)
            return len(domains)

    def domains(self) -> Iterator[str]:
        """Every domain that has a key."""
        for file in sorted(self.folder.glob("*.json")):
            if is_id(file.stem) and self.tombstone(file.stem) is None:
                yield file.stem

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """One writer at a time, or a rotation could bring back a key that is being destroyed."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        sync_directory(self.folder.parent)
        handle = os.open(self.folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def _load(self, domain: str) -> dict[str, Any]:
        said = self._read(domain)
        if said is None:
            raise KeyMissingError(domain=domain)
        if "destroyed" in said:
            raise destroyed(Tombstone(**said["destroyed"]))
        return said

    def _read(self, domain: str) -> dict[str, Any] | None:
        try:
            said: dict[str, Any] = json.loads(self._file(domain).read_bytes())
        except FileNotFoundError:
            return None
        return said

    def _save(self, domain: str, key: bytes, made_at: str) -> None:
        key_id, wrapped = self._wrapper.wrap(key, _context(domain))
        said = {
            "format": FORMAT,
            "domain": domain,
            "fingerprint": fingerprint(key),
            "made_at": made_at,
            "key_id": key_id,
            "wrapped": base64.b64encode(wrapped).decode(),
        }
        write_durably(self._file(domain), json.dumps(said).encode())

    def _file(self, domain: str) -> Path:
        return self.folder / f"{Path(domain).name}.json"


def key_ring() -> KeyRing:
    """The keys of this node. Read anew each time: a key that another process destroyed is gone here too."""
    node = settings.current()
    return KeyRing(node.keys_folder, FileWrapper(node.home / "secrets" / "sealing"))


def copy_keys(source: Path, target: Path) -> int:
    """Make a folder of wrapped keys hold what another holds: no key that was destroyed survives in it.

    Returns:
        How many keys (not tombstones) are in it.
    """
    target.mkdir(parents=True, exist_ok=True, mode=0o700)
    mine = {file.name: file for file in source.glob("*.json") if is_id(file.stem)}
    for file in target.glob("*.json"):
        if is_id(file.stem) and file.name not in mine:
            destroy_file(file)
    count = 0
    for name, file in mine.items():
        content, goal = file.read_bytes(), target / name
        count += b'"destroyed"' not in content
        if not goal.exists() or goal.read_bytes() != content:
            old = goal.with_suffix(".old")
            if goal.exists():
                goal.rename(old)
            write_durably(goal, content)
            destroy_file(old)
    return count


def destroyed(stone: Tombstone) -> KeyDestroyedError:
    """The error that says what happened."""
    when = dt.datetime.fromisoformat(stone.destroyed_at).strftime("%Y-%m-%d %H:%M UTC")
    return KeyDestroyedError(
        f"The bytes of this dataset were destroyed on purpose on {when} by {stone.by}: {stone.reason}",
        **asdict(stone),
    )


def fingerprint(key: bytes) -> str:
    """A commitment to a key, from which the key cannot be found; hex."""
    return derive(key, b"tsunagu-key-fingerprint-1").hex()


def destroy_file(file: Path) -> None:
    """Overwrite a small file with noise and remove it, both on the disk; nothing where there is none.

    Where the disk writes elsewhere than asked (flash, snapshots) the old block may live on in it; that the wrapped key
    is worthless without the key-encryption key is the second wall.
    """
    with contextlib.suppress(FileNotFoundError):
        with file.open("r+b") as content:
            content.write(secrets.token_bytes(file.stat().st_size))
            content.flush()
            os.fsync(content.fileno())
        file.unlink()
        sync_directory(file.parent)


def _context(domain: str) -> bytes:
    return FORMAT.encode() + b"\0" + domain.encode()
