"""Signing the tree head."""

from __future__ import annotations

import base64
import datetime as dt

from django.db import transaction

from tsunagu.core import clock, settings
from tsunagu.foundation.ledger import keys, notes
from tsunagu.foundation.ledger.models import Entry, Head, SignedHead, TimeStamp
from tsunagu.foundation.ledger.services import append
from tsunagu.foundation.ledger.types import HeadCard, StampCard

_NOT_SOONER = dt.timedelta(seconds=10)


def sign_head(*, at_once: bool = False) -> int:
    """Sign the head of the ledger unless that was done, and put its time stamp into the queue.

    Never in the transaction of somebody who waits: jobs call it, and those who need a signed head now.

    Args:
        at_once: Also when the last head is younger than ten seconds. Otherwise many freezes in a row share one head; the
            next minute's job signs what is left.

    Returns:
        Size of the newest signed head; 0 when the ledger is empty.
    """
    last = SignedHead.objects.order_by("-size").first()
    current = Head.objects.filter(pk=1).first()
    if current is None or current.size == 0:
        return 0
    if last is not None and (last.size == current.size or (not at_once and _is_fresh(last))):
        return last.size
    key = keys.signing_key()
    public_key = keys.public_bytes(key)
    with transaction.atomic():
        Head.objects.select_for_update().get(pk=1)
        _announce(public_key, last)
        head = Head.objects.get(pk=1)
        if SignedHead.objects.filter(size=head.size).exists():
            return head.size
        now = clock.now()
        address = settings.current().control_address
        note = notes.HeadNote(origin(), head.size, bytes(head.root), clock.isoformat(now), address)
        line = notes.signature_line(note.origin, public_key, key.sign(note.text.encode()))
        signed = SignedHead.objects.create(
            size=head.size, root=head.root, note=f"{note.text}\n{line}", public_key=public_key, signed_at=now
        )
        TimeStamp.objects.create(head=signed, next_try_at=now)
    return signed.size


def origin() -> str:
    """The name of this log: it follows the history, not the machine or its address."""
    first = Entry.objects.only("leaf_hash").get(index=0)
    return f"tsunagu-ledger/{bytes(first.leaf_hash).hex()[:32]}"


def _is_fresh(head: SignedHead) -> bool:
    # A clock that was set back must not stop the signing.
    return dt.timedelta(0) <= clock.now() - head.signed_at < _NOT_SOONER


def _announce(public_key: bytes, last: SignedHead | None) -> None:
    """Write a new key into the ledger before it signs, so that every signed head covers the name of its key."""
    name = keys.key_id(public_key)
    if Entry.objects.filter(subject=name, kind="signing_key").exists():
        return
    before = keys.key_id(bytes(last.public_key)) if last else None
    encoded = base64.b64encode(public_key).decode()
    append("signing_key", {"key": name, "algorithm": "ed25519", "public_key": encoded, "replaces": before})


def signed_part(note: str) -> tuple[str, bytes]:
    """The text that was signed, and the signature (64 bytes)."""
    head, signature = notes.parse(note)
    return head.text, signature


def head_cards(*, below: int = 0, limit: int = 50) -> list[HeadCard]:
    """Signed heads, newest first; ``below``: only smaller ones."""
    rows = SignedHead.objects.order_by("-size").prefetch_related("stamps", "cosignatures")
    if below:
        rows = rows.filter(size__lt=below)
    return [head_card(row) for row in rows[:limit]]


def find_head(covering: int) -> HeadCard | None:
    """The smallest signed and time-stamped head over at least ``covering`` entries; else the smallest signed one."""
    rows = SignedHead.objects.filter(size__gte=covering).order_by("size")
    stamped = rows.filter(stamps__stamped_at__isnull=False)
    row = stamped.first() or rows.first()
    return head_card(row) if row else None


def head_card(row: SignedHead) -> HeadCard:
    """A head with its time stamps and co-signatures."""
    stamps = [
        StampCard(
            authority=stamp.authority,
            is_independent=stamp.is_independent,
            query=bytes(stamp.query),
            reply=bytes(stamp.reply),
            certificates=stamp.certificates,
            stamped_at=clock.isoformat(stamp.stamped_at) if stamp.stamped_at else "",
            attempts=stamp.attempts,
            said=stamp.said,
        )
        for stamp in row.stamps.all()
    ]
    return HeadCard(
        size=row.size,
        root=bytes(row.root).hex(),
        note=row.note,
        public_key=bytes(row.public_key),
        key_id=keys.key_id(bytes(row.public_key)),
        signed_at=clock.isoformat(row.signed_at),
        stamps=tuple(stamps),
        cosignatures=tuple((one.witness, bytes(one.public_key), one.line) for one in row.cosignatures.all()),
    )
