"""Appending to the ledger and checking it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection, transaction

from tsunagu.core import bulk, clock
from tsunagu.foundation.ledger import merkle
from tsunagu.foundation.ledger.models import Entry, Head, Subtree
from tsunagu.foundation.ledger.types import LedgerReport, Receipt

_HASH = 32
_SUBJECT = 26


def canonical(value: Any) -> str:
    """Canonical JSON: sorted keys, no blanks, UTF-8 text unescaped."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def subject_of(body: Mapping[str, Any]) -> str:
    """What an entry is about, for looking it up: id of a dataset, of a grant's scope or of a key; often empty."""
    if "scope" in body:
        return str(body["scope"][1])[:_SUBJECT]
    if "record" in body:
        return str(json.loads(body["record"]).get("dataset", ""))[:_SUBJECT]
    return str(body.get("dataset") or body.get("key") or "")[:_SUBJECT]


def append(kind: str, body: Mapping[str, Any]) -> Receipt:
    """Append one entry in the running transaction; it stands or falls with what it describes."""
    return append_all(kind, [body])


def append_all(kind: str, bodies: Sequence[Mapping[str, Any]]) -> Receipt:
    """Append several entries of a kind; the receipt is of the last one."""
    if not connection.in_atomic_block:
        with transaction.atomic():
            return append_all(kind, bodies)
    size, frontier = _lock_head()
    moment = clock.isoformat(clock.now())
    texts = [canonical({"at": moment, "kind": kind, **body}) for body in bodies]
    leaves = [merkle.leaf_hash(text.encode()) for text in texts]
    rows = [
        (size + number, kind, text, leaf, subject_of(body))
        for number, (text, leaf, body) in enumerate(zip(texts, leaves, bodies, strict=True))
    ]
    full: list[merkle.Landmark] = []
    frontier, size = merkle.extend(frontier, size, leaves, full.append)
    root = merkle.root_of(frontier)
    # Plain SQL: every service appends, one entry at a time, and model objects cost three times the work itself.
    bulk.insert("ledger_entry", ("index", "kind", "body", "leaf_hash", "subject"), rows)
    if full:
        marks = [(one.level, one.index, one.digest) for one in full]
        bulk.insert("ledger_subtree", ("level", "index", "digest"), marks)
    with connection.cursor() as cursor:
        cursor.execute(
            "update ledger_head set size = %s, frontier = %s, root = %s where id = 1",
            [size, b"".join(frontier), root],
        )
    return Receipt(size - 1, size, root.hex())


def _lock_head() -> tuple[int, list[bytes]]:
    """Size and frontier; whoever appends next waits for the end of this transaction."""
    lock = " for update" if connection.features.has_select_for_update else ""
    with connection.cursor() as cursor:
        cursor.execute(f"select size, frontier from ledger_head where id = 1{lock}")  # noqa: S608
        row = cursor.fetchone()
        if row is None:
            Head.objects.get_or_create(pk=1, defaults={"root": merkle.EMPTY_ROOT})
            return _lock_head()
    return row[0], _split(bytes(row[1]))


def verify() -> LedgerReport:
    """Recompute every leaf and the head; names the first thing that is wrong."""
    frontier: list[bytes] = []
    full: list[merkle.Landmark] = []
    size = 0
    # A consistent cut: an append between reading the head and the entries must not look like a fault.
    with transaction.atomic():
        head = Head.objects.filter(pk=1).first()
        limit = head.size if head else 0
        for entry in Entry.objects.filter(index__lt=limit).order_by("index").iterator(chunk_size=5000):
            leaf = merkle.leaf_hash(entry.body.encode())
            if entry.index != size:
                return LedgerReport(size, "", f"Ledger entry {size} is missing.")
            if leaf != bytes(entry.leaf_hash):
                return LedgerReport(size, "", f"Ledger entry {entry.index} was changed after it was written.")
            frontier, size = merkle.extend(frontier, size, [leaf], full.append)
        stored = {
            (level, index): bytes(digest)
            for level, index, digest in Subtree.objects.values_list("level", "index", "digest")
        }
    root = merkle.root_of(frontier)
    if head is not None and (size != head.size or root != bytes(head.root)):
        return LedgerReport(size, root.hex(), "The head of the ledger does not fit its entries.")
    for landmark in full:
        if stored.get((landmark.level, landmark.index)) != landmark.digest:
            first, count = landmark.index << landmark.level, 1 << landmark.level
            return LedgerReport(
                size,
                root.hex(),
                f"The stored hash over ledger entries {first} to {first + count - 1} is wrong.",
            )
    return LedgerReport(size, root.hex())


def _split(frontier: bytes) -> list[bytes]:
    return [frontier[start : start + _HASH] for start in range(0, len(frontier), _HASH)]
