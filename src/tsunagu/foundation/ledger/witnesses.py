"""Witnesses: two nodes co-sign each other's heads, so that neither can show different people different histories."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from django.db import transaction
from django.db.models import Q

from tsunagu.core import clock, egress, settings
from tsunagu.core.errors import InvalidInputError, TsunaguError
from tsunagu.foundation.ledger import keys, notes, proofs
from tsunagu.foundation.ledger.checking import is_cosigned
from tsunagu.foundation.ledger.errors import ForkError, NotWitnessedError, OtherSizeError
from tsunagu.foundation.ledger.models import Cosignature, SignedHead, WitnessedLog, WitnessState
from tsunagu.foundation.ledger.selectors import prove_consistency
from tsunagu.foundation.ledger.services import append

logger = logging.getLogger(__name__)

_ATTEMPTS = 2  # the second one knows the size that the witness saw


def cosign(note: str, old_size: int, proof: Sequence[str]) -> tuple[str, bytes, str]:
    """Sign the head of another node, once it is proved that its log only grew since this node saw it last.

    A fork is written into this node's own ledger, with both heads: each is signed by the other node, so it cannot deny.

    Returns:
        Name of this witness, its public key, the signature line.

    Raises:
        InvalidInputError: the note or the proof has another form.
        NotWitnessedError: no key of ``witnessed_keys`` signed the note.
        OtherSizeError: this node saw the log at another size than ``old_size``.
        ForkError: the head does not continue what this node saw.
    """
    try:
        head, signature = notes.parse(note)
        steps = [bytes.fromhex(step) for step in proof]
        known = [keys.from_base64(text) for text in settings.current().witnessed_keys]
    except ValueError as error:
        raise InvalidInputError(f"The head cannot be read: {error}.") from None
    signer = next((key for key in known if keys.is_signed(key, signature, head.text.encode())), None)
    if signer is None:
        raise NotWitnessedError
    fork = _advance(note, head, signer, old_size, steps)
    if fork is not None:
        logger.error("ledger_fork", extra={"origin": head.origin, "size": head.size})
        raise fork
    own = keys.signing_key()
    public_key, name = keys.public_bytes(own), settings.current().control_address
    at_s = int(clock.epoch_s())
    return (
        name,
        public_key,
        notes.cosignature_line(name, public_key, at_s, own.sign(notes.cosigned_text(head.text, at_s))),
    )


@transaction.atomic
def _advance(
    note: str, head: notes.HeadNote, signer: bytes, old_size: int, steps: list[bytes]
) -> ForkError | None:
    """Remember the head when it continues what was seen; the fork otherwise, which is recorded and not rolled back."""
    seen = (
        WitnessedLog.objects.select_for_update().filter(Q(origin=head.origin) | Q(public_key=signer)).first()
    )
    values = {"size": head.size, "root": head.root, "note": note, "seen_at": clock.now()}
    if seen is None:
        WitnessedLog.objects.create(origin=head.origin, name=head.node[:300], public_key=signer, **values)
        return None
    is_other = seen.origin != head.origin or (seen.size == head.size and bytes(seen.root) != head.root)
    if not is_other and (old_size != seen.size or head.size < seen.size):
        raise OtherSizeError(size=seen.size)
    if is_other or not proofs.is_consistent(seen.size, head.size, bytes(seen.root), head.root, steps):
        append("fork_refused", {"key": keys.key_id(signer), "seen": seen.note, "shown": note})
        return ForkError(size=seen.size)
    WitnessedLog.objects.filter(pk=seen.pk).update(public_key=signer, **values)
    return None


@dataclass(frozen=True, slots=True)
class _Witness:
    url: str
    public_key: bytes

    @classmethod
    def of(cls, text: str) -> _Witness:
        url, mark, key = text.partition("#")
        if not mark:
            raise ValueError(f"{text} names no key")
        return cls(url.rstrip("/"), keys.from_base64(key))


def ask_witnesses() -> int:
    """Have the newest head co-signed by every witness that has not done so; what fails is tried again with the next job.

    Returns:
        How many co-signatures came.
    """
    head = SignedHead.objects.order_by("-size").first()
    count = 0
    for text in settings.current().witnesses if head else ():
        assert head is not None
        try:
            witness = _Witness.of(text)
            if not head.cosignatures.filter(public_key=witness.public_key).exists():
                _ask(witness, head)
                count += 1
        except ForkError as error:
            _remember(text, head.size, refused=error.message)
            logger.exception("witness_refuses", extra={"head": head.size})
        except (TsunaguError, ValueError) as error:
            _remember(text, head.size, said=str(error))
            logger.warning("witness_silent", extra={"head": head.size})
    return count


def _ask(witness: _Witness, head: SignedHead) -> None:
    last = Cosignature.objects.filter(public_key=witness.public_key).order_by("-head_id").first()
    old_size = last.head_id if last else 0
    for _ in range(_ATTEMPTS):
        path = prove_consistency(old_size, head.size).path if 0 < old_size < head.size else ()
        status, said = _post(witness, {"note": head.note, "old_size": old_size, "proof": list(path)})
        if status == HTTPStatus.OK:
            _keep(witness, head, said)
            return
        code, seen = said.get("code"), said.get("fields", {}).get("size", 0)
        if code == ForkError.code:
            raise ForkError
        if code != OtherSizeError.code or not isinstance(seen, int):
            raise TsunaguError(f"{witness.url} answered with status {status}: {said.get('title', '')}")
        if seen > head.size:
            raise ForkError(f"it has seen {seen} entries and this node shows {head.size}: entries were lost.")
        old_size = seen
    raise TsunaguError(f"{witness.url} names another size each time.")


def _post(witness: _Witness, content: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    body = json.dumps(content, ensure_ascii=False).encode()
    answer = egress.post(f"{witness.url}/api/v1/ledger/cosign", body, media_type="application/json")
    try:
        said = json.loads(answer.content)
    except ValueError:
        said = None
    if not isinstance(said, dict):
        raise TsunaguError(f"{witness.url} answered with status {answer.status} and no JSON.")
    return answer.status, said


def _keep(witness: _Witness, head: SignedHead, said: dict[str, Any]) -> None:
    name, line = str(said.get("witness", "")), str(said.get("line", ""))
    if not is_cosigned(head.note, name, witness.public_key, line):
        raise TsunaguError(
            f"The co-signature of {witness.url} is not valid, or of another key than the settings name."
        )
    Cosignature.objects.get_or_create(
        head=head,
        public_key=witness.public_key,
        defaults={"witness": name[:300], "line": line, "signed_at": clock.now()},
    )
    _remember(witness.url, head.size)


def _remember(url: str, size: int, *, refused: str = "", said: str = "") -> None:
    values = {"size": size, "refused": refused, "said": said[:1000], "asked_at": clock.now()}
    WitnessState.objects.update_or_create(url=url.partition("#")[0].rstrip("/"), defaults=values)
