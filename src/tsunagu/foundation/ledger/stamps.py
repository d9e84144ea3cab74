"""Time stamps under signed heads: asking, checking before keeping, trying again. No freeze ever waits for this."""

from __future__ import annotations

import datetime as dt
import logging

from asn1crypto import cms, core, tsp
from cryptography.x509 import load_pem_x509_certificates
from rfc3161_client import (
    HashAlgorithm,
    TimestampRequestBuilder,
    VerifierBuilder,
    decode_timestamp_response,
)

from tsunagu.core import clock
from tsunagu.foundation.ledger import authorities
from tsunagu.foundation.ledger.errors import AuthorityError
from tsunagu.foundation.ledger.models import TimeStamp

logger = logging.getLogger(__name__)

_CLOCKS_DIFFER = dt.timedelta(minutes=5)
_FIRST_WAIT, _LONGEST_WAIT = dt.timedelta(minutes=1), dt.timedelta(hours=1)
_BATCH = 20


def stamp_waiting() -> int:
    """Ask for the stamps that are due, oldest head first; idempotent, and harmless when two workers do it at once.

    An authority that does not answer is not asked for the next head too: all that is due waits, for a minute at first
    and for an hour at last.

    Returns:
        How many stamps were kept.
    """
    authority = authorities.configured()
    if authority is None:
        return 0
    due = TimeStamp.objects.filter(stamped_at=None, next_try_at__lte=clock.now()).select_related("head")
    kept = 0
    for stamp in due.order_by("head_id")[:_BATCH]:
        try:
            _stamp(stamp, authority)
        except AuthorityError as error:
            _wait(stamp, error)
            return kept
        kept += 1
    return kept


def _stamp(stamp: TimeStamp, authority: authorities.Authority) -> None:
    content = stamp.head.note.encode()
    roots = authority.certificates
    builder = TimestampRequestBuilder().data(content).hash_algorithm(HashAlgorithm.SHA256)
    request = builder.nonce(nonce=True).cert_request(cert_request=True).build()
    reply = authority.ask(request.as_bytes())
    given = check_token(reply, content, roots, str(request.nonce))
    _require_sane(given, not_before=stamp.head.signed_at)
    TimeStamp.objects.filter(pk=stamp.pk, stamped_at=None).update(
        authority=authority.name[:300],
        is_independent=authority.is_independent,
        query=request.as_bytes(),
        nonce=str(request.nonce),
        reply=reply,
        certificates=roots,
        stamped_at=given,
        attempts=stamp.attempts + 1,
        said="",
    )


def check_token(reply: bytes, content: bytes, roots: str, nonce: str) -> dt.datetime:
    """Check a response: granted, our hash, our nonce, signed by a time-stamping certificate that leads to a pinned root.

    Returns:
        The time that the authority gives.

    Raises:
        AuthorityError: one of these does not hold.
    """
    try:
        answer = decode_timestamp_response(_in_order(reply))
        verifier = VerifierBuilder(roots=load_pem_x509_certificates(roots.encode()), nonce=int(nonce)).build()
        verifier.verify_message(answer, content)
        return answer.tst_info.gen_time.astimezone(dt.UTC)
    except Exception as error:  # noqa: BLE001 - the parsers of foreign bytes raise anything
        raise AuthorityError(f"The time stamp cannot be kept: {error}") from None


def _in_order(reply: bytes) -> bytes:
    """The response with its certificates in the order that DER demands.

    OpenSSL's authority, and many that are built on it, do not sort them; rfc3161-client 1.0.9 refuses that. No signature
    covers the order. To be dropped when the client reads such responses.
    """
    answer = tsp.TimeStampResp.load(reply)
    if isinstance(answer["time_stamp_token"], core.Void):
        return reply
    signed = answer["time_stamp_token"]["content"]
    if not isinstance(signed["certificates"], core.Void):
        found = sorted(signed["certificates"], key=lambda certificate: bytes(certificate.dump()))
        signed["certificates"] = cms.CertificateSet(found)
    return bytes(answer.dump())


def _require_sane(given: dt.datetime, *, not_before: dt.datetime) -> None:
    now = clock.now()
    if given < not_before - _CLOCKS_DIFFER or given > now + _CLOCKS_DIFFER:
        raise AuthorityError(
            f"The clocks differ: the authority says {clock.isoformat(given)}, this node {clock.isoformat(now)}.",
            remedy="Set the clock of this machine (NTP), or choose another authority.",
        )


def _wait(stamp: TimeStamp, error: AuthorityError) -> None:
    pause = min(_FIRST_WAIT * 2 ** min(stamp.attempts, 6), _LONGEST_WAIT)
    waiting = TimeStamp.objects.filter(stamped_at=None)
    waiting.filter(pk=stamp.pk).update(attempts=stamp.attempts + 1, said=error.message[:1000])
    waiting.filter(next_try_at__lt=clock.now() + pause).update(next_try_at=clock.now() + pause)
    logger.warning("time_stamp_waits", extra={"head": stamp.head_id, "attempts": stamp.attempts + 1})
