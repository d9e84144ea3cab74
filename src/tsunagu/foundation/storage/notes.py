"""Small texts about sealed bytes (what readers said of them), encrypted with the same key, for rows of other rooms."""

from __future__ import annotations

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tsunagu.core.blobs.chunks import SealBrokenError, derive
from tsunagu.foundation.storage.keys import key_ring

_NONCE = 12


def seal_note(domain: str, content: bytes, subject: bytes) -> bytes:
    """Encrypt a note about a subject.

    Raises:
        KeyDestroyedError, KeyMissingError: the key of the domain is gone.
    """
    nonce = secrets.token_bytes(_NONCE)
    return nonce + _cipher(domain).encrypt(nonce, content, subject)


def open_note(domain: str, sealed: bytes, subject: bytes) -> bytes:
    """The note about a subject.

    Raises:
        KeyDestroyedError, KeyMissingError: the key of the domain is gone.
        SealBrokenError: it is not the one that was sealed.
    """
    try:
        return _cipher(domain).decrypt(sealed[:_NONCE], sealed[_NONCE:], subject)
    except (InvalidTag, ValueError):
        raise SealBrokenError("What was read out of sealed bytes was changed in the database.") from None


def _cipher(domain: str) -> AESGCM:
    return AESGCM(derive(key_ring().data_key(domain), b"tsunagu-note-1"))
