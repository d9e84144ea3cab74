"""``tsunagu backup DEST``: the database, the objects that it names, and the secrets as one chooses, in one folder.

Layout (docs/how-to/backup-and-restore.md): ``db.sqlite3`` or ``db.dump``, ``objects/KEY``, ``objects.jsonl``,
``secrets.sealed`` or ``secrets/``, and ``backup.json``, which is written last: a folder without it is no backup. The keys
of sealed datasets go into a folder of their own: a key that is destroyed must not survive in an archive of data.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import io
import json
import os
import secrets
import shutil
import sqlite3
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from tsunagu import __version__
from tsunagu.core import clock, removal, settings
from tsunagu.core.durable import write_durably
from tsunagu.core.errors import TsunaguError
from tsunagu.core.ids import new_id

FORMAT = "tsunagu-backup-1"
SETTINGS_FILE = "tsunagu.toml"
_SALT, _NONCE = 16, 12
_SCRYPT = {"n": 1 << 15, "r": 8, "p": 1}
_PIECE = 1 << 20


class BackupError(TsunaguError):
    """A backup could not be made or used."""

    code = "node.backup"
    default_message = "The backup could not be made."


@dataclass(slots=True)
class Copied:
    """How many objects are in the backup, their bytes, and how many were new."""

    count: int = 0
    byte_count: int = 0
    new_count: int = 0


def backup_command(options: argparse.Namespace) -> int:
    """With a folder: everything, to restore from. Without: database and secrets to HOME/backups, as before an upgrade."""
    import django

    django.setup()
    if not options.destination:
        print(quick_backup())
        return 0
    report = back_up(
        Path(options.destination).absolute(),
        passphrase=read_passphrase(options.passphrase_file),
        with_secrets=options.with_secrets,
        links=options.link,
        keys=Path(options.keys).absolute() if options.keys else None,
        without_keys=options.without_keys,
    )
    print(json.dumps(report, ensure_ascii=False, indent=2))
    return 0


def quick_backup() -> Path:
    """Copy the database and the secrets into HOME/backups, beside what they belong to."""
    node = settings.current()
    target = node.home / "backups" / clock.now().strftime("%Y%m%dT%H%M%SZ")
    target.mkdir(parents=True, mode=0o700)
    copy_database(node, target)
    shutil.copytree(node.home / "secrets", target / "secrets")
    return target


def back_up(
    target: Path,
    *,
    passphrase: str,
    with_secrets: bool,
    links: bool,
    keys: Path | None = None,
    without_keys: bool = False,
) -> dict[str, Any]:
    """Make or refresh a backup; the node may run. Objects that are in the folder already are not copied again.

    Args:
        target: The folder; made when missing.
        passphrase: Seals the secrets and the settings file; empty: they are left out.
        with_secrets: Put them in as they are, unsealed.
        links: Hard links instead of copies, on the same disk: fast, and no help against a disk that fails.
        keys: The folder for the keys of sealed datasets, apart from ``target``; it is brought up to date, so keys that
            were destroyed are destroyed there too.
        without_keys: Leave the keys out, on purpose.

    Returns:
        What ``backup.json`` says.

    Raises:
        BackupError: the folder holds something else, an object is missing in the store, or there are sealed datasets
            and nothing is said about their keys.
    """
    node = settings.current()
    _require_word_on_keys(target, keys, without_keys=without_keys)
    _require_backup_or_empty(target)
    target.mkdir(parents=True, exist_ok=True, mode=0o700)
    # Whoever stops this here has no backup of today, and still the objects of the last one.
    (target / "backup.json").unlink(missing_ok=True)
    with removal.forbidden(node.home):
        database = copy_database(node, target)
        # After the snapshot: every object that it names is durable already, and nothing named goes away.
        copied = _copy_objects(node, target, database, links=links)
    kept = _save_secrets(node, target, passphrase, with_secrets=with_secrets)
    key_count = 0
    if keys is not None:
        from tsunagu.foundation.storage import api as storage

        key_count = storage.copy_keys(node.keys_folder, keys)
    report = {
        "format": FORMAT,
        "made_at": clock.isoformat(clock.now()),
        "tsunagu": __version__,
        "node": node.control_address,
        "database": database.name,
        "database_sha256": hash_of(database),
        "store": urlsplit(node.store_address).scheme,
        "objects": copied.count,
        "object_bytes": copied.byte_count,
        "objects_copied_now": copied.new_count,
        "secrets": kept,
        "keys": key_count if keys is not None else "left out",
    }
    write_durably(target / "backup.json", json.dumps(report, ensure_ascii=False, indent=2).encode())
    return report


def _require_word_on_keys(target: Path, keys: Path | None, *, without_keys: bool) -> None:
    if keys is not None:
        if keys == target or target in keys.parents or keys in target.parents:
            raise BackupError(
                f"{keys} and {target} lie one inside the other: a destroyed key would survive with the data.",
                remedy="Name a folder elsewhere with --keys, best on another medium.",
            )
        return
    from tsunagu.foundation.storage import api as storage

    if not without_keys and any(storage.key_ring().domains()):
        raise BackupError(
            "This node has sealed datasets, and nothing was said about their keys: without them the backup cannot be "
            "read, and inside it a destroyed key would survive.",
            remedy="Add --keys FOLDER (apart from the backup), or --without-keys if the keys are saved otherwise.",
        )


def _require_backup_or_empty(target: Path) -> None:
    known = {"backup.json", "objects.jsonl", "db.sqlite3", "db.dump"}
    if target.exists() and any(target.iterdir()) and not any((target / name).exists() for name in known):
        raise BackupError(
            f"{target} holds something else than a backup.",
            remedy="Name an empty folder or an earlier backup.",
        )


def copy_database(node: settings.Settings, target: Path) -> Path:
    """A consistent snapshot while the node runs (SQLite: its backup interface; PostgreSQL: pg_dump)."""
    if node.database_address.startswith("sqlite"):
        file = target / "db.sqlite3"
        draft = target / f"{file.name}.{new_id()}"
        source = sqlite3.connect(node.database_address.removeprefix("sqlite:///"))
        with contextlib.closing(source), contextlib.closing(sqlite3.connect(draft)) as copy:
            source.backup(copy)
            copy.execute("pragma journal_mode=delete")
        draft.chmod(0o600)
        draft.replace(file)
        return file
    dump = shutil.which("pg_dump")
    if dump is None:
        raise TsunaguError("pg_dump is missing.", remedy="Install postgresql-client, then try again.")
    file = target / "db.dump"
    subprocess.run([dump, "-Fc", "-f", str(file), node.database_address], check=True)  # noqa: S603
    file.chmod(0o600)
    return file


_OBJECTS = (
    "select o.key, o.byte_count from storage_storedobject o "
    "where exists (select 1 from storage_content c where c.object_id = o.id) order by o.key"
)


def _named_objects(database: Path) -> Iterator[tuple[str, int]]:
    if database.suffix == ".sqlite3":
        with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as db:
            yield from db.execute(_OBJECTS)
        return
    from django.db import connection

    with connection.cursor() as cursor:  # read after the dump: what it names is a part of this
        cursor.execute(_OBJECTS)
        yield from cursor.fetchall()


def _copy_objects(node: settings.Settings, target: Path, database: Path, *, links: bool) -> Copied:
    copied, missing = Copied(), []
    folder = store_folder(node)
    draft = target / f"objects.jsonl.{new_id()}"
    with draft.open("w", encoding="utf-8") as listing:
        for key, size in _named_objects(database):
            listing.write(json.dumps({"key": key, "size": size}) + "\n")
            copied.count, copied.byte_count = copied.count + 1, copied.byte_count + size
            if folder is not None:
                try:
                    copied.new_count += place_object(
                        folder / key, target / "objects" / key, size, links=links
                    )
                except FileNotFoundError:
                    missing.append(key)
    draft.replace(target / "objects.jsonl")
    if missing:
        raise BackupError(
            f"{len(missing)} objects are missing in the store, first {missing[0]}.",
            remedy="Run tsunagu verify to see which files they hold.",
        )
    return copied


def place_object(source: Path, target: Path, size: int, *, links: bool) -> bool:
    """Put one object there unless it is there in its full size; returns whether it was put."""
    with contextlib.suppress(FileNotFoundError):
        if target.stat().st_size == size:
            return False
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f"{target.name}.{new_id()}")
    if links:
        with contextlib.suppress(OSError):  # another disk, or a file system without links
            os.link(source, draft)
    if not draft.exists():
        with source.open("rb") as old, draft.open("xb") as new:
            shutil.copyfileobj(old, new, _PIECE)
            new.flush()
            os.fsync(new.fileno())
    draft.replace(target)
    return True


def store_folder(node: settings.Settings) -> Path | None:
    """The folder of the store; None for S3, which has its own copies: then the list alone is saved."""
    url = urlsplit(node.store_address)
    return Path(unquote(url.path)) if url.scheme == "file" else None


def _save_secrets(node: settings.Settings, target: Path, passphrase: str, *, with_secrets: bool) -> str:
    (target / "secrets.sealed").unlink(missing_ok=True)
    shutil.rmtree(target / "secrets", ignore_errors=True)
    if passphrase:
        write_durably(target / "secrets.sealed", seal(_pack_secrets(node.home), passphrase))
        return "sealed"
    if with_secrets:
        shutil.copytree(node.home / "secrets", target / "secrets")
        if (node.home / SETTINGS_FILE).exists():
            shutil.copy2(node.home / SETTINGS_FILE, target / "secrets" / SETTINGS_FILE)
        return "plain"
    return "left out"


def _pack_secrets(home: Path) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as pack:
        pack.add(home / "secrets", "secrets")
        if (home / SETTINGS_FILE).exists():
            pack.add(home / SETTINGS_FILE, SETTINGS_FILE)
    return out.getvalue()


def seal(content: bytes, passphrase: str) -> bytes:
    """Scrypt (n 32,768, r 8, p 1) makes a key of the passphrase; AES-256-GCM seals: salt 16, nonce 12, rest."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    salt, nonce = secrets.token_bytes(_SALT), secrets.token_bytes(_NONCE)
    return salt + nonce + AESGCM(_key(passphrase, salt)).encrypt(nonce, content, FORMAT.encode())


def unseal(sealed: bytes, passphrase: str) -> bytes:
    """What was sealed.

    Raises:
        BackupError: another passphrase, or the file was changed.
    """
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    salt, nonce, rest = sealed[:_SALT], sealed[_SALT : _SALT + _NONCE], sealed[_SALT + _NONCE :]
    try:
        return AESGCM(_key(passphrase, salt)).decrypt(nonce, rest, FORMAT.encode())
    except (InvalidTag, ValueError):
        raise BackupError(
            "The secrets cannot be opened: the passphrase is another one, or the file was changed.",
            remedy="Give the right --passphrase-file, or restore without secrets.",
        ) from None


def _key(passphrase: str, salt: bytes) -> bytes:
    return hashlib.scrypt(passphrase.encode(), salt=salt, maxmem=64 << 20, dklen=32, **_SCRYPT)


def read_passphrase(file: str | None) -> str:
    """The first line of a file; a passphrase on the command line would stand in the list of processes."""
    if not file:
        return ""
    try:
        found = Path(file).read_text("utf-8").split("\n")[0].strip()
    except OSError as error:
        raise BackupError(f"The passphrase cannot be read: {error}") from None
    if not found:
        raise BackupError(f"{file} holds no passphrase.")
    return found


def hash_of(file: Path) -> str:
    """SHA-256 of a file, hex."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
