"""Recomputing what was promised: bytes against hashes, rows against the version's root, record against its name."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

from tsunagu.core.errors import InvalidInputError
from tsunagu.data.datasets import contents, frozen, tree
from tsunagu.data.datasets.types import DatasetCard, VersionRef
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.ledger import api as ledger
from tsunagu.foundation.storage import api as storage


@dataclass(slots=True)
class Report:
    """What was checked and what is wrong, the first fault first.

    Attributes:
        version_count: Versions whose record, list and description were checked in this call.
        file_count: File rows whose bytes were hashed again in this call.
        byte_count: Their bytes.
        problems: What is wrong, in words.
        shredded: That the bytes were destroyed on purpose, by whom and when; their hashes cannot be checked then.
        after: Continues the check; empty at its end.
    """

    version_count: int = 0
    file_count: int = 0
    byte_count: int = 0
    problems: list[str] = field(default_factory=list)
    shredded: str = ""
    after: str = ""


_MOST_BYTES = 1 << 30
_MOST_LISTED = 500_000
_PAGE = 1000
_Key = tuple[str, int, int]  # path, until, since: the order of the index


def verify(actor: Actor, dataset: DatasetCard, *, after: str = "") -> Report:
    """A part of the check of a whole dataset: first every version, then the bytes of every file that ever stood in it.

    Costs at most about a GiB of reading, or half a million listed files, a call.

    Args:
        actor: Who asks; the draft is checked for those who see it.
        dataset: Which one.
        after: What the call before returned.

    Raises:
        NotFoundError: the actor may not read the dataset.
        InvalidInputError: ``after`` is not from an earlier call.
    """
    contents.resolve_version(actor, dataset, None)
    report = Report()
    try:
        phase: str
        place: Any
        phase, place = json.loads(after) if after else ("versions", 0)
        if phase == "versions":
            return _verify_versions(dataset, int(place), report)
        key = (str(place[0]), int(place[1]), int(place[2]))
    except (ValueError, TypeError, IndexError):
        raise InvalidInputError(
            "This check cannot be continued from here.", remedy="Begin it anew."
        ) from None
    return _verify_bytes(dataset, key, report)


def _verify_versions(dataset: DatasetCard, number: int, report: Report) -> Report:
    listed = 0
    while number < dataset.last_version and listed < _MOST_LISTED:
        number += 1
        version = frozen.get_version(dataset, number)
        report.problems += verify_version(dataset, version)
        report.version_count += 1
        listed += version.file_count
    is_done = number >= dataset.last_version
    report.after = json.dumps(["bytes", ["", 0, 0]] if is_done else ["versions", number])
    return report


def _verify_bytes(dataset: DatasetCard, key: _Key, report: Report) -> Report:
    if dataset.key_domain:
        try:
            storage.key_ring().require(dataset.key_domain)
        except storage.KeyDestroyedError as error:
            report.shredded = error.message
            return report
        except storage.KeyMissingError as error:
            report.problems.append(error.message)
            return report
    newest = dataset.draft_number if dataset.sees_draft else dataset.last_version
    while report.byte_count < _MOST_BYTES:
        rows = _rows_after(dataset.row_id, key, newest)
        places = storage.locate((bytes(row[3]) for row in rows), dataset.domains)
        for path, until, since, sha256, size in rows:
            place = places.get(bytes(sha256))
            problem = storage.check_content(place) if place else "No object in the store holds this content."
            if problem:
                where = "" if until > newest else f" (versions {since} to {until - 1})"
                report.problems.append(f"{path}{where}: {problem}")
            report.file_count += 1
            report.byte_count += size
            key = (path, until, since)
            if report.byte_count >= _MOST_BYTES:
                break
        if len(rows) < _PAGE and (not rows or key == rows[-1][:3]):
            return report
    report.after = json.dumps(["bytes", key], ensure_ascii=False)
    return report


def _rows_after(dataset_row: int, key: _Key, newest: int) -> list[tuple[str, int, int, bytes, int]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "select path, until, since, sha256, byte_count from datasets_filerow "
            "where dataset_id = %s and (path, until, since) > (%s, %s, %s) and since <= %s "
            "order by path, until, since limit %s",
            [dataset_row, *key, newest, _PAGE],
        )
        return list(cursor.fetchall())


def verify_version(dataset: DatasetCard, version: VersionRef) -> list[str]:
    """Check record against name, and rows against root and counts; returns what is wrong, in words."""
    label = f"{dataset.slug}@{version.number}"
    if hashlib.sha256(version.record.encode()).hexdigest() != version.version_hash:
        return [f"{label}: the version record was changed after it was frozen."]
    record = json.loads(version.record)
    before = frozen.get_version(dataset, version.number - 1).version_hash if version.number > 1 else None
    if record["previous"] != before:
        return [f"{label}: the version record names another predecessor than version {version.number - 1}."]
    count = byte_count = 0
    files = []
    for file in contents.all_files(dataset, version.number):
        files.append((file.path, file.byte_count, file.sha256))
        count, byte_count = count + 1, byte_count + file.byte_count
    problems = []
    if (count, byte_count) != (record["count"], record["bytes"]):
        problems.append(
            f"{label}: {count:,} files, {byte_count:,} bytes are listed; the record says {record['count']:,}, {record['bytes']:,}."
        )
    if tree.root_of(files).hex() != record["root"]:
        problems.append(f"{label}: the list of files does not fit the version's root hash.")
    described = hashlib.sha256(ledger.canonical(version.described).encode()).hexdigest()
    if described != record["metadata"]:
        problems.append(f"{label}: the description was changed after the version was frozen.")
    return problems
