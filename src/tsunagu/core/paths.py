"""Which names a file in a dataset may have: one rule for client, byte server and control.

Standard library only, so that the light client can use it.
"""

from __future__ import annotations

import unicodedata

from tsunagu.core.errors import InvalidInputError

MAX_PATH_BYTES = 2048  # an index row of PostgreSQL takes 2,704 bytes
MAX_PART_BYTES = 255


class BadPathError(InvalidInputError):
    """A path that cannot stand in a dataset."""

    code = "datasets.bad_path"
    default_message = "This file name cannot stand in a dataset."
    default_remedy = "Rename the file and send it again."


def check_path(path: str) -> str:
    """The path as it is kept: NFC, relative, with ``/`` between parts.

    Raises:
        BadPathError: with the reason and the path as ``fields.path``.
    """
    try:
        kept = unicodedata.normalize("NFC", path)
        size = len(kept.encode("utf-8"))
    except UnicodeEncodeError:
        raise BadPathError(
            "A file name is not valid text.", path=path.encode("utf-8", "backslashreplace").decode()
        ) from None
    if not kept:
        raise BadPathError("A file name is empty.", path=path)
    if size > MAX_PATH_BYTES:
        raise BadPathError(f"A path is longer than {MAX_PATH_BYTES:,} bytes.", path=path)
    if kept.startswith("/"):
        raise BadPathError("A path starts with a slash; paths are relative.", path=path)
    if not kept.isprintable() and any(unicodedata.category(c) == "Cc" for c in kept):
        raise BadPathError("A file name holds a control character (a line break, say).", path=path)
    for part in kept.split("/"):
        if part in {"", ".", ".."}:
            raise BadPathError(f"A path holds the part {part!r}.", path=path)
        if len(part) > MAX_PART_BYTES // 4 and len(part.encode()) > MAX_PART_BYTES:
            raise BadPathError(f"A file name is longer than {MAX_PART_BYTES} bytes.", path=path)
    return kept
