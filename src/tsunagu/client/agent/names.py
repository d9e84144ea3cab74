"""File names: the bytes of the file system, the text that people and the node see, and Windows' long form.

A name is kept as its original bytes; only the shown form is decoded and brought to Unicode NFC. Old Japanese systems
leave names in CP932 on shares: they are shown so, and the bytes go into the note of the push.
"""

from __future__ import annotations

import os
import unicodedata
from typing import NamedTuple

_MOST_PATH_BYTES, _MOST_PART_BYTES = 4096, 255  # the node's own limits, docs/reference/wire.md
_TEMPORARY_STARTS = ("~$", ".~lock")
_TEMPORARY_ENDS = (".tmp", ".part", ".crdownload", ".filepart", ".swp")
_DESKTOP = frozenset({".ds_store", "thumbs.db", "desktop.ini"})


class Shown(NamedTuple):
    """The form of a path that travels.

    ``encoding`` is ``""`` for plain text, ``cp932`` where the bytes were read so, ``bytes`` where they fit neither.
    ``wrong`` is the code of what makes the path unusable, or ``""``.
    """

    path: str
    encoding: str
    wrong: str


def to_bytes(native: str) -> bytes:
    """The original bytes of a name; `from_bytes` gives the same name back."""
    return os.fsencode(native)


def from_bytes(name: bytes) -> str:
    """The name as the system calls want it."""
    return os.fsdecode(name)


def show(native: str) -> Shown:
    """How a path below a watched folder is called on the node."""
    text, encoding = native, ""
    try:
        native.encode("utf-8")
    except UnicodeEncodeError:
        text, encoding = _decode(native)
    if os.sep != "/":
        text = text.replace(os.sep, "/")
    path = unicodedata.normalize("NFC", text)
    return Shown(path, encoding, _wrong(path))


def _decode(native: str) -> tuple[str, str]:
    raw = os.fsencode(native)
    # A folder may hold names of several systems: each part is read on its own.
    parts, worst = [], "cp932"
    for part in raw.split(os.fsencode(os.sep)):
        for encoding in ("utf-8", "cp932"):
            try:
                text = part.decode(encoding)
            except UnicodeDecodeError:
                continue
            # Python's CP932 reads stray bytes as private characters, which no PC ever showed to anybody.
            if not any(unicodedata.category(c) == "Co" for c in text):
                parts.append(text)
                break
        else:
            parts.append(part.decode("ascii", "backslashreplace"))
            worst = "bytes"
    return os.sep.join(parts), worst


def _wrong(path: str) -> str:
    if any(unicodedata.category(c) == "Cc" for c in path):
        return "name_control"
    try:
        encoded = path.encode("utf-8")
    except UnicodeEncodeError:
        return "name_text"
    if len(encoded) > _MOST_PATH_BYTES or any(len(part) > _MOST_PART_BYTES for part in encoded.split(b"/")):
        return "name_long"
    return ""


def printable(path: str) -> str:
    """A path for consoles, logs and reports: control characters and odd bytes become escapes."""
    return "".join(
        c if c.isprintable() and not "\ud800" <= c <= "\udfff" else c.encode("unicode_escape").decode()
        for c in path
    )


def is_temporary(name: str) -> bool:
    """Whether programs use such names for files that are not done, or for the desktop's own notes."""
    low = name.lower()
    return low.startswith(_TEMPORARY_STARTS) or low.endswith(_TEMPORARY_ENDS) or low in _DESKTOP


def stem(path: str) -> str:
    """A path without the last suffix of its name: what the members of a group share."""
    folder, slash, name = path.rpartition("/")
    return folder + slash + (name.rpartition(".")[0] or name)


def extended(path: str) -> str:
    r"""A path for system calls: on Windows in the ``\\?\`` form, which knows no limit of 260 characters."""
    if os.name != "nt" or path.startswith("\\\\?\\"):
        return path
    full = os.path.abspath(path)
    return "\\\\?\\UNC\\" + full[2:] if full.startswith("\\\\") else "\\\\?\\" + full
