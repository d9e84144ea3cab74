"""Small files that survive a power cut, whole or not at all."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from tsunagu.core.blobs.local import sync_directory


def write_durably(file: Path, content: bytes) -> None:
    """Put a file there, whole and on the disk before this returns; only its owner can read it."""
    draft = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    draft.replace(file)
    sync_directory(file.parent)
