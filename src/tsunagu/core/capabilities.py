"""Signed, short-lived, single-purpose capabilities: how control tells the byte server what is allowed.

The byte server decides nothing. Control asks ``decide()``, then signs; the byte server verifies with the
standard library alone. Form: ``base64url(json) "." base64url(hmac-sha256)``; the payload holds ``p`` (purpose),
``exp`` (seconds since 1970) and what the purpose needs. The forms in use stand in docs/reference/wire.md.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import hmac
import json
import secrets
from typing import TYPE_CHECKING, Any

from tsunagu.core import clock
from tsunagu.core.errors import CapabilityRefusedError

if TYPE_CHECKING:
    from pathlib import Path

_NONCE = 12
_SIGNATURE_LENGTH = 43  # 32 bytes in base64url without padding


class Signer:
    """Makes and reads capabilities with one secret key of at least 32 bytes."""

    def __init__(self, key: bytes) -> None:
        if len(key) < 32:  # noqa: PLR2004 - the size of the hash
            raise ValueError("the capability key is shorter than 32 bytes")
        self._mac = hmac.new(key, digestmod=hashlib.sha256)

    @classmethod
    def from_file(cls, path: Path) -> Signer:
        """The signer of a node; the key file is made on first use, readable by its owner only."""
        return cls(_read_or_make(path))

    def sign(self, purpose: str, *, lifetime_s: float, **claims: Any) -> str:
        """A capability for one purpose.

        Args:
            purpose: ``push``, ``get`` or ``list``.
            lifetime_s: Seconds until it expires.
            claims: What the purpose needs, JSON values.
        """
        payload = {"p": purpose, "exp": int(clock.epoch_s() + lifetime_s), **claims}
        body = _encode(json.dumps(payload, separators=(",", ":"), ensure_ascii=False).encode())
        return f"{body}.{self._sign(body)}"

    def read(self, token: str, purpose: str) -> dict[str, Any]:
        """The claims of a valid capability.

        Raises:
            CapabilityRefusedError: forged, expired, or made for another purpose.
        """
        body, _, signature = token.rpartition(".")
        if len(signature) != _SIGNATURE_LENGTH or not hmac.compare_digest(
            self._sign(body).encode(), signature.encode()
        ):
            raise CapabilityRefusedError("The signature of this address is not ours.")
        try:
            claims: dict[str, Any] = json.loads(_decode(body))
        except (ValueError, binascii.Error) as error:
            raise CapabilityRefusedError("This address is damaged.") from error
        if claims.get("p") != purpose:
            raise CapabilityRefusedError("This address was made for another purpose.")
        if claims.get("exp", 0) < clock.epoch_s():
            raise CapabilityRefusedError("This address has expired.", reason="expired")
        return claims

    def sign_message(self, message: bytes) -> str:
        """The signature of a message between control and the byte server."""
        mac = self._mac.copy()
        mac.update(b"message\0" + message)
        return _encode(mac.digest())

    def check_message(self, message: bytes, signature: str) -> bool:
        """Whether the other process of this node sent the message."""
        return hmac.compare_digest(self.sign_message(message).encode(), signature.encode())

    def _sign(self, body: str) -> str:
        mac = self._mac.copy()
        mac.update(body.encode())
        return _encode(mac.digest())


class KeyCarrier:
    """Hides the keys of sealed objects in capabilities, which stand in addresses, logs and histories.

    Its own key is known to this node's two processes alone, stands in no backup, and is made anew at every start and
    after every shredding: who finds an old address and an old backup opens nothing with both.
    """

    def __init__(self, spool: Path) -> None:
        self._file = spool / "carrier.key"

    def hide(self, key: bytes, context: str) -> str:
        """A key as text for a claim; it can be shown again for the same context only."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        nonce = secrets.token_bytes(_NONCE)
        return _encode(nonce + AESGCM(_read_or_make(self._file)).encrypt(nonce, key, context.encode()))

    def show(self, text: str, context: str) -> bytes:
        """The key that was hidden.

        Raises:
            CapabilityRefusedError: for another context, or before the carrier's key was made anew.
        """
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        try:
            hidden = _decode(text)
            return AESGCM(_read_or_make(self._file)).decrypt(
                hidden[:_NONCE], hidden[_NONCE:], context.encode()
            )
        except (InvalidTag, ValueError) as error:
            raise CapabilityRefusedError("This address has expired.", reason="expired") from error

    def renew(self) -> None:
        """Make the key anew: whatever was hidden before stays hidden for ever."""
        self._file.unlink(missing_ok=True)
        _read_or_make(self._file)


def shelf_epoch(spool: Path) -> str:
    """A word that changes when the blocks of Xet clients are lost, as with a new spool after a restore.

    It stands in the address that those clients send to: they remember by address what they need not send again.
    """
    return hashlib.sha256(_read_or_make(spool / "xet" / "epoch.key")).hexdigest()[:16]


def _read_or_make(path: Path) -> bytes:
    """The random key in a file, made on first use."""
    with contextlib.suppress(FileNotFoundError):
        return path.read_bytes()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    fresh.touch(mode=0o600)
    fresh.write_bytes(secrets.token_bytes(32))
    try:
        path.hardlink_to(fresh)  # two processes starting at once end up with one key
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
    return path.read_bytes()


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
