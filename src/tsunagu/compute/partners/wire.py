"""Messages between nodes: who says it, to whom, once and now, signed with the key that the other side was given.

Form: ``{"message": TEXT, "signature": BASE64}``; the signature (Ed25519) is over a word for the direction, NUL and the
exact bytes of the text. The text is a JSON object with ``from`` and ``to`` (key ids), ``nonce``, ``at`` (seconds since
1970), ``do`` and what that needs; of an answer with ``to`` and ``nonce`` of the request, and ``answer`` or ``problem``.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import json
from typing import Any

from django.db import IntegrityError, transaction

from tsunagu.compute.partners import offers
from tsunagu.compute.partners.errors import ForgedRequestError, NotOfferedError, SiteSilentError
from tsunagu.compute.partners.models import Heard, Offer
from tsunagu.compute.partners.types import Request, SiteCard
from tsunagu.core import clock, egress
from tsunagu.core.errors import TsunaguError
from tsunagu.core.ids import is_id, new_id
from tsunagu.foundation.ledger import api as ledger

PURPOSE, PATH = "partner", "/compute/partner"
_REQUEST, _ANSWER = b"tsunagu partner request\0", b"tsunagu partner answer\0"
_SKEW_S = 300
_MOST_BYTES = 4 << 20
_OK = 200


def ask(site: SiteCard, do: str, *, timeout_s: float = 10.0, **content: Any) -> dict[str, Any]:
    """Ask a site something; what it answers, when that is proved to be its own.

    Raises:
        NotOfferedError: it refuses, with its words.
        SiteSilentError: no answer, or one that it did not sign.
    """
    nonce = new_id()
    said = {
        "from": own_key_id(),
        "to": ledger.key_id(ledger.public_key_of(site.public_key)),
        "nonce": nonce,
        "at": int(clock.epoch_s()),
        "do": do,
        **content,
    }
    try:
        got = egress.post(
            f"{site.address}{PATH}",
            _signed(_REQUEST, said),
            media_type="application/json",
            most_bytes=_MOST_BYTES,
            timeout_s=timeout_s,
        )
    except TsunaguError as error:
        raise SiteSilentError(error.message) from None
    heard = _opened(_ANSWER, got.content, ledger.public_key_of(site.public_key))
    if got.status != _OK or heard is None or heard.get("nonce") != nonce or heard.get("to") != own_key_id():
        raise SiteSilentError
    if isinstance(problem := heard.get("problem"), dict):
        raise NotOfferedError(
            str(problem.get("message", ""))[:1000],
            remedy=str(problem.get("remedy", ""))[:1000],
            said=str(problem.get("code", ""))[:80],
        )
    answer = heard.get("answer")
    return answer if isinstance(answer, dict) else {}


def hear(body: bytes) -> Request:
    """What a partner asks; from here on the same message is not heard again.

    An offer that ended is found all the same: what became of the runs under it may still be asked.

    Raises:
        ForgedRequestError: no partner's, not for this node, old, or heard before.
    """
    try:
        message = json.loads(json.loads(body)["message"])
        asker = str(message["from"])
        at, nonce, do = int(message["at"]), str(message["nonce"]), str(message["do"])
    except (ValueError, KeyError, TypeError):
        raise ForgedRequestError from None
    for offer in Offer.objects.filter(key_id=asker).order_by("-made_at"):
        message = _opened(_REQUEST, body, ledger.public_key_of(offer.public_key))
        if message is None:
            break
        if message.get("to") != own_key_id() or abs(clock.epoch_s() - at) > _SKEW_S or not is_id(nonce):
            break
        _once(offer, nonce)
        return Request(offers.card_of(offer), do, message, nonce)
    raise ForgedRequestError


def answered(request: Request, answer: dict[str, Any] | TsunaguError) -> bytes:
    """The signed answer to a request."""
    said: dict[str, Any] = {"to": request.content["from"], "nonce": request.nonce}
    if isinstance(answer, TsunaguError):
        said["problem"] = {"code": answer.code, "message": answer.message, "remedy": answer.remedy}
    else:
        said["answer"] = answer
    return _signed(_ANSWER, said)


def sign(content: bytes) -> str:
    """This node's signature, for what others keep; Base64."""
    return base64.b64encode(ledger.signing_key(PURPOSE).sign(content)).decode()


def own_key_id() -> str:
    """The name of this node's key."""
    return ledger.key_id(ledger.public_bytes(ledger.signing_key(PURPOSE)))


def _once(offer: Offer, nonce: str) -> None:
    now = clock.now()
    Heard.objects.filter(heard_at__lt=now - dt.timedelta(seconds=3 * _SKEW_S)).delete()
    try:
        with transaction.atomic():
            Heard.objects.create(offer=offer, nonce=nonce, heard_at=now)
    except IntegrityError:
        raise ForgedRequestError from None


def _signed(direction: bytes, said: dict[str, Any]) -> bytes:
    text = json.dumps(said, ensure_ascii=False)
    return json.dumps({"message": text, "signature": sign(direction + text.encode())}).encode()


def _opened(direction: bytes, body: bytes, public_key: bytes) -> dict[str, Any] | None:
    """The message, if that key signed it."""
    try:
        envelope = json.loads(body)
        text = str(envelope["message"])
        signature = base64.b64decode(envelope["signature"], validate=True)
        message = json.loads(text)
    except (ValueError, KeyError, TypeError, binascii.Error):
        return None
    is_whole = isinstance(message, dict) and ledger.is_signed(
        public_key, signature, direction + text.encode()
    )
    return message if is_whole else None


__all__ = ["PATH", "answered", "ask", "hear", "own_key_id", "sign"]
