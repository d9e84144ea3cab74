"""The form of sealed objects: sizes, keys, and the chunks that they consist of. Form 1, docs/reference/sealed-objects.md.

An object is cut into chunks of 64 KiB and each lies as ``nonce (12) | AES-256-GCM ciphertext | tag (16)``. Every object
has a key of its own (HKDF of the domain's data key and the object's name); form, object, chunk number and "this is the
last" are authenticated with each chunk, so none can be moved, dropped, added or taken from an older object.

Nonces are random: a chunk is encrypted twice when an upload is taken up again after a kill.
"""

from __future__ import annotations

import os
import struct

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from tsunagu.core.errors import UnavailableError

FORM = 1
CHUNK = 64 << 10
NONCE, TAG = 12, 16
RECORD = NONCE + CHUNK + TAG
KEY_BYTES = 32
OVERHEAD = NONCE + TAG
BATCH = 16  # records per read and write: about a MiB
LAST, UNFINISHED = 1, 2  # flags: the last chunk; the end of an unfinished upload


class SealBrokenError(UnavailableError):
    """A chunk is not the one that was written: changed, moved, cut off, or encrypted with another key."""

    code = "blobs.seal_broken"
    default_message = "A sealed object was changed or damaged."
    default_remedy = "Tell the administrator; 'tsunagu verify' names every damaged file."


def derive(key: bytes, info: bytes) -> bytes:
    """A key of 32 bytes for one use, HKDF-SHA256."""
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=info).derive(key)


def object_key(data_key: bytes, key: str) -> bytes:
    """The key of one object in the domain of a data key."""
    return derive(data_key, b"tsunagu-object-1\0" + key.encode())


def sealed_size(size: int) -> int:
    """Bytes that an object of ``size`` plain bytes takes."""
    return size + OVERHEAD * max(1, -(-size // CHUNK))


def plain_size(stored: int) -> int:
    """Plain bytes in an object of ``stored`` bytes.

    Raises:
        SealBrokenError: no whole object has that size.
    """
    whole, rest = divmod(stored, RECORD)
    if not rest and whole:
        return whole * CHUNK
    if rest < OVERHEAD or (rest == OVERHEAD and whole):
        raise SealBrokenError("A sealed object was cut off.", stored=stored)
    return whole * CHUNK + rest - OVERHEAD


class Cipher:
    """Encrypts and decrypts the chunks of one object."""

    def __init__(self, sub_key: bytes, key: str) -> None:
        self._gcm = AESGCM(sub_key)
        self._prefix = struct.pack(">B", FORM) + key.encode() + b"\0"
        self._key = key

    def encrypt(self, plain: memoryview, number: int, flag: int, out: memoryview) -> None:
        """Write the record of one chunk into ``out``, which has its size."""
        nonce = os.urandom(NONCE)
        out[:NONCE] = nonce
        self._gcm.encrypt_into(nonce, plain, self._context(number, flag), out[NONCE:])

    def decrypt(self, record: memoryview, number: int, flag: int) -> bytes:
        """The chunk in a record."""
        try:
            return self._gcm.decrypt(bytes(record[:NONCE]), record[NONCE:], self._context(number, flag))
        except (InvalidTag, ValueError):
            raise SealBrokenError(
                f"Chunk {number} of the sealed object {self._key} is not the one that was written.",
                key=self._key,
                chunk=number,
            ) from None

    def _context(self, number: int, flag: int) -> bytes:
        return self._prefix + struct.pack(">QB", number, flag)
