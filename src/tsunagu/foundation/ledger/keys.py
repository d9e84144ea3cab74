"""The node's signing keys: Ed25519, one for each purpose, in files of their own that only the node can read.

To change the ledger's: stop the node, move HOME/secrets/ledger.key away, start the node. It makes another one and writes an entry
``signing_key`` before it signs; heads that the old key signed stay valid, since each is kept with its public key.
"""

from __future__ import annotations

import base64
import hashlib
import os
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from tsunagu.core import settings
from tsunagu.core.errors import TsunaguError
from tsunagu.core.ids import new_id

_ID_DIGITS = 16


def signing_key(purpose: str = "ledger") -> Ed25519PrivateKey:
    """The key of this node for a purpose; made when there is none.

    Raises:
        TsunaguError: the file holds something else.
    """
    file = settings.current().home / "secrets" / f"{purpose}.key"
    if not file.exists():
        _make(file)
    key = serialization.load_pem_private_key(file.read_bytes(), None)
    if not isinstance(key, Ed25519PrivateKey):
        raise TsunaguError(f"{file} does not hold an Ed25519 key.", remedy="Bring the right file back.")
    return key


def _make(file: Path) -> None:
    content = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = file.with_suffix(f".{new_id()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    try:
        os.link(draft, file)  # fails when another process made one meanwhile; then that one counts
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def public_bytes(key: Ed25519PrivateKey) -> bytes:
    """The 32 bytes of the public key."""
    return key.public_key().public_bytes_raw()


def key_id(public_key: bytes) -> str:
    """The name of a key: the first 16 hex digits of the SHA-256 of its 32 bytes."""
    return hashlib.sha256(public_key).hexdigest()[:_ID_DIGITS]


def as_pem(public_key: bytes) -> str:
    """The public key as openssl reads it."""
    key = Ed25519PublicKey.from_public_bytes(public_key)
    return key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    ).decode()


def from_base64(text: str) -> bytes:
    """A public key as entries and settings write it.

    Raises:
        ValueError: it is none.
    """
    raw = base64.b64decode(text, validate=True)
    Ed25519PublicKey.from_public_bytes(raw)
    return raw


def is_signed(public_key: bytes, signature: bytes, content: bytes) -> bool:
    """Whether the signature is of that key over that content."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, content)
    except (InvalidSignature, ValueError):
        return False
    return True
