"""The text of a signed tree head: a checkpoint in the manner of C2SP tlog-checkpoint, signed as a signed note. Pure.

::

    tsunagu-ledger/4f1c...             the log: the hash of its first entry
    1234                               how many entries
    jZ0c...=                           the tree head, Base64
    time 2026-04-01T05:05:00.000Z      when it was signed, by the node's clock
    node https://data.example.ac.jp    who signed
                                       (an empty line)
    — tsunagu-ledger/4f1c... mXUb...=  Base64 of four bytes of key hash and the Ed25519 signature (RFC 8032)

What is signed is everything before the empty line, with the last line feed. A witness signs ``cosignature/v1``, a line
``time SECONDS`` and the same text (C2SP tlog-cosignature). docs/reference/evidence.md is the specification.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass

_ED25519, _COSIGNATURE = b"\x01", b"\x04"
_KEY_HASH, _TIME, _SIGNATURE, _ROOT = 4, 8, 64, 32
_LINES = 5


@dataclass(frozen=True, slots=True)
class HeadNote:
    """A tree head as a note says it. ``at``: RFC 3339, by the clock of the node that signed."""

    origin: str
    size: int
    root: bytes
    at: str
    node: str

    @property
    def text(self) -> str:
        """What is signed."""
        root = base64.b64encode(self.root).decode()
        return f"{self.origin}\n{self.size}\n{root}\ntime {self.at}\nnode {self.node}\n"


def key_hash(name: str, public_key: bytes, kind: bytes = _ED25519) -> bytes:
    """The four bytes that say which key made a signature line."""
    return hashlib.sha256(name.encode() + b"\n" + kind + public_key).digest()[:_KEY_HASH]


def signature_line(name: str, public_key: bytes, signature: bytes) -> str:
    """The line that a signer adds."""
    return f"— {name} {base64.b64encode(key_hash(name, public_key) + signature).decode()}\n"


def cosigned_text(text: str, at_s: int) -> bytes:
    """What a witness signs; ``at_s``: seconds since 1970."""
    return f"cosignature/v1\ntime {at_s}\n{text}".encode()


def cosignature_line(name: str, public_key: bytes, at_s: int, signature: bytes) -> str:
    """The line that a witness adds."""
    head = key_hash(name, public_key, _COSIGNATURE) + at_s.to_bytes(_TIME, "big")
    return f"— {name} {base64.b64encode(head + signature).decode()}\n"


def parse(note: str) -> tuple[HeadNote, bytes]:
    """The head and the node's signature in a note.

    Raises:
        ValueError: the note has another form.
    """
    text, gap, rest = note.partition("\n\n")
    lines = text.split("\n")
    if not gap or len(lines) != _LINES or not lines[1].isdecimal():
        raise ValueError("this is not the note of a tree head")
    at, node = lines[3].removeprefix("time "), lines[4].removeprefix("node ")
    head = HeadNote(lines[0], int(lines[1]), _base64(lines[2]), at, node)
    if head.text != text + "\n" or len(head.root) != _ROOT:
        raise ValueError("this is not the note of a tree head")
    return head, _signature(rest.split("\n")[0], head.origin, _KEY_HASH + _SIGNATURE)[_KEY_HASH:]


def parse_cosignature(line: str, name: str, public_key: bytes) -> tuple[int, bytes]:
    """When a witness signed (seconds since 1970), and its signature.

    Raises:
        ValueError: the line has another form or another signer.
    """
    raw = _signature(line.strip("\n"), name, _KEY_HASH + _TIME + _SIGNATURE)
    if raw[:_KEY_HASH] != key_hash(name, public_key, _COSIGNATURE):
        raise ValueError("this signature line is of another key")
    return int.from_bytes(raw[_KEY_HASH : _KEY_HASH + _TIME], "big"), raw[_KEY_HASH + _TIME :]


def _signature(line: str, name: str, length: int) -> bytes:
    mark, _, rest = line.partition(" ")
    signer, _, encoded = rest.rpartition(" ")
    if mark != "—" or signer != name:
        raise ValueError("this is not a signature line")
    raw = _base64(encoded)
    if len(raw) != length:
        raise ValueError("this is not a signature line")
    return raw


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise ValueError("this is not Base64") from None
