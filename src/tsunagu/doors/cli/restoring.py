"""``tsunagu restore SOURCE --home DIR``: a node's home from a backup, checked before anybody uses it."""

from __future__ import annotations

import argparse
import functools
import io
import json
import shutil
import subprocess
import tarfile
from collections import Counter
from pathlib import Path
from typing import Any

from tsunagu.core import settings
from tsunagu.doors.cli import saving
from tsunagu.doors.cli.saving import BackupError

_SHOWN = 20


def restore(options: argparse.Namespace) -> int:
    """Refuse a home that holds anything; copy; hash everything again; say what to do next. Exit code 1: something differs."""
    source, home = Path(options.source).absolute(), Path(options.home).absolute()
    said = _read(source)
    if home.exists() and any(home.iterdir()):
        raise BackupError(
            f"{home} is not empty.", remedy="Name a folder that does not exist yet with --home."
        )
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    has_secrets = _bring_secrets(source, home, saving.read_passphrase(options.passphrase_file))
    settings.current.cache_clear()  # the settings file has just come
    node = settings.current()
    object_count = _bring_objects(source, node, links=options.link)
    _bring_database(source, node, said)
    report = {**_check(options.keys, home), "objects": object_count, "secrets": has_secrets}
    print(json.dumps(report, ensure_ascii=False, indent=2))
    if report["problems"]:
        return 1
    if options.start:
        from tsunagu.doors.cli.up import up

        return up(options)
    print(f"tsunagu up --home {home}")
    return 0


def _read(source: Path) -> dict[str, Any]:
    try:
        said = json.loads((source / "backup.json").read_text("utf-8"))
    except (OSError, ValueError):
        raise BackupError(
            f"{source} is no whole backup: backup.json is missing or broken.", remedy="Use another backup."
        ) from None
    if said.get("format") != saving.FORMAT:
        raise BackupError(
            f"{source} has the format {said.get('format')!r}, which this program does not know."
        )
    database = source / Path(said["database"]).name
    if not database.exists() or saving.hash_of(database) != said["database_sha256"]:
        raise BackupError(
            f"{database.name} was changed since the backup was made.", remedy="Use another backup."
        )
    return dict(said)


def _bring_secrets(source: Path, home: Path, passphrase: str) -> str:
    sealed, plain = source / "secrets.sealed", source / "secrets"
    if sealed.exists() and passphrase:
        with tarfile.open(fileobj=io.BytesIO(saving.unseal(sealed.read_bytes(), passphrase))) as pack:
            pack.extractall(home, filter="data")
    elif plain.is_dir():
        shutil.copytree(plain, home / "secrets")
        if (plain / saving.SETTINGS_FILE).exists():
            (home / "secrets" / saving.SETTINGS_FILE).rename(home / saving.SETTINGS_FILE)
    else:
        # New keys: people sign in again, and the ledger names another signing key from here on.
        return "made anew"
    (home / "secrets").chmod(0o700)
    return "restored"


def _bring_keys(folder: str | None, home: Path) -> None:
    if not folder:
        return
    from tsunagu.foundation.storage import api as storage

    source = Path(folder).absolute()
    if not source.is_dir():
        raise BackupError(f"{source} is no folder of keys.")
    storage.copy_keys(source, home / "keys")


def _bring_objects(source: Path, node: settings.Settings, *, links: bool) -> int:
    folder, count = saving.store_folder(node), 0
    with (source / "objects.jsonl").open(encoding="utf-8") as listing:
        for line in listing:
            named = json.loads(line)
            count += 1
            if folder is not None:
                place = source / "objects" / named["key"]
                if not place.exists():
                    raise BackupError(f"The object {named['key']} is missing in the backup.")
                saving.place_object(place, folder / named["key"], named["size"], links=links)
    return count


def _bring_database(source: Path, node: settings.Settings, said: dict[str, Any]) -> None:
    is_sqlite = node.database_address.startswith("sqlite")
    if is_sqlite != said["database"].endswith(".sqlite3"):
        raise BackupError(
            "The backup is of another database engine than the settings name.",
            remedy="Set TSUNAGU_DATABASE_URL to an empty database of the same engine.",
        )
    if is_sqlite:
        file = Path(node.database_address.removeprefix("sqlite:///"))
        if file.exists():
            raise BackupError(f"{file} exists already.")
        shutil.copyfile(source / "db.sqlite3", file)
        file.chmod(0o600)
        return
    program = shutil.which("pg_restore")
    if program is None:
        raise BackupError("pg_restore is missing.", remedy="Install postgresql-client, then try again.")
    done = subprocess.run(  # noqa: S603
        [program, "--exit-on-error", "--no-owner", "-d", node.database_address, str(source / "db.dump")],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise BackupError(f"pg_restore failed: {done.stderr.strip()[-500:]}")


@functools.cache
def _without_key(domain: str) -> str:
    """Why a sealed content cannot be read; empty when it can."""
    from tsunagu.foundation.storage import api as storage

    if not domain:
        return ""
    try:
        storage.key_ring().data_key(domain)
    except storage.KeyDestroyedError:
        return "destroyed"
    except storage.KeyMissingError:
        return "missing"
    return ""


def _check(keys: str | None, home: Path) -> dict[str, Any]:
    """Bring the schema up to date, then hash every stored content and recompute the ledger."""
    import django

    django.setup()
    from tsunagu.doors.cli.up import prepare_database
    from tsunagu.foundation.ledger import api as ledger
    from tsunagu.foundation.storage import api as storage

    prepare_database()
    _bring_keys(keys, home)
    contents = byte_count = 0
    problems: list[str] = []
    shut: Counter[str] = Counter()
    gone: Counter[str] = Counter()
    for location in storage.every_location():
        without = _without_key(location.domain)
        if without:
            (gone if without == "destroyed" else shut)[location.domain] += 1
            continue
        problem = storage.check_content(location)
        contents, byte_count = contents + 1, byte_count + location.byte_count
        if problem:
            problems.append(f"{location.name.hex()} in {location.key}: {problem}")
    problems += [
        f"{count:,} contents of the sealed dataset {domain} cannot be read: their key is not here (--keys)."
        for domain, count in shut.items()
    ]
    report = ledger.verify()
    problems += report.problems
    return {
        "ok": not problems,
        "contents": contents,
        "destroyed_contents": gone.total(),
        "bytes": byte_count,
        "ledger_entries": report.size,
        "signed_heads": report.head_count,
        "problems": problems[:_SHOWN],
        "problem_count": len(problems),
    }
