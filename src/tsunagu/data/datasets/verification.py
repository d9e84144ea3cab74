"""Recomputing what was promised: bytes against hashes, rows against the version's root, record against its name."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field

from tsunagu.data.datasets import contents, tree
from tsunagu.data.datasets.types import DatasetCard, VersionRef
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.ledger import api as ledger
from tsunagu.foundation.storage import api as storage


@dataclass(slots=True)
class Report:
    """What was checked and what is wrong, the first fault first.

    Attributes:
        file_count: Files whose bytes were hashed again in this call.
        byte_count: Their bytes.
        problems: What is wrong, in words.
        after: Path that continues the check of bytes; empty at the end.
    """

    file_count: int = 0
    byte_count: int = 0
    problems: list[str] = field(default_factory=list)
    after: str = ""


def verify_bytes(
    actor: Actor,
    dataset: DatasetCard,
    *,
    version: int | None = None,
    after: str = "",
    limit_bytes: int = 1 << 30,
) -> Report:
    """Hash stored bytes again, in path order, until about ``limit_bytes`` are done.

    Raises:
        NotFoundError: the actor may not read the dataset.
    """
    report = Report()
    while report.byte_count < limit_bytes:
        page = contents.list_files(actor, dataset, version=version, after=after, limit=1000)
        places = storage.locate(file.sha256 for file in page.files)
        for file in page.files:
            place = places.get(file.sha256)
            problem = storage.check_content(place) if place else "No object in the store holds this content."
            if problem:
                report.problems.append(f"{file.path}: {problem}")
            report.file_count += 1
            report.byte_count += file.byte_count
            after = file.path
            if report.byte_count >= limit_bytes:
                break
        if not page.after and (not page.files or after == page.files[-1].path):
            report.after = ""
            return report
    report.after = after
    return report


def verify_version(dataset: DatasetCard, version: VersionRef) -> list[str]:
    """Check record against name, and rows against root and counts; returns what is wrong, in words."""
    label = f"{dataset.slug}@{version.number}"
    if hashlib.sha256(version.record.encode()).hexdigest() != version.version_hash:
        return [f"{label}: the version record was changed after it was frozen."]
    record = json.loads(version.record)
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
