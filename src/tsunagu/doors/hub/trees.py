"""Files and folders as the Hub lists them. Every file counts as a large one: its name is its SHA-256."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from tsunagu.data.datasets import api as datasets
from tsunagu.doors.hub import card
from tsunagu.doors.hub.revisions import Revision
from tsunagu.foundation.identity.api import Actor

PAGE = 1000


def git_hash(content: bytes) -> str:
    """The name that git gives a file."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def large_file(file: datasets.FileCard) -> dict[str, Any]:
    """A stored file; git would hold a pointer of this text in its place (git-lfs, docs/spec.md)."""
    digest = file.sha256.hex()
    pointer = (
        f"version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\nsize {file.byte_count}\n".encode()
    )
    held = {"oid": digest, "size": file.byte_count, "pointerSize": len(pointer)}
    return {"type": "file", "path": file.path, "size": file.byte_count, "oid": git_hash(pointer), "lfs": held}


def made_file(actor: Actor, revision: Revision) -> dict[str, Any] | None:
    """The card that is made, where the dataset has none."""
    if card.own_card(actor, revision) is not None:
        return None
    content = card.made_card(actor, revision)
    return {"type": "file", "path": card.NAME, "size": len(content), "oid": git_hash(content)}


def folder_entry(path: str) -> dict[str, Any]:
    """A folder; it has no content of its own, so its name is made from its path."""
    name = hashlib.sha1(path.encode(), usedforsecurity=False).hexdigest()
    return {"type": "directory", "path": path, "size": 0, "oid": name}


def flat(actor: Actor, revision: Revision, folder: str, after: str) -> tuple[list[dict[str, Any]], str]:
    """A page of everything below a folder, and what continues it."""
    prefix = f"{folder}/" if folder else ""
    page = datasets.list_files(
        actor, revision.card, version=revision.version.number, prefix=prefix, after=after, limit=PAGE
    )
    entries: list[dict[str, Any]] = []
    before = after
    for file in page.files:
        # Paths come in order, so a folder is new when the path before did not lie in it.
        new = [above for above in _above(file.path, prefix) if not before.startswith(f"{above}/")]
        entries += [*map(folder_entry, new), large_file(file)]
        before = file.path
    return entries, page.after


def _above(path: str, prefix: str) -> Iterator[str]:
    """Folders between the prefix and a file, outermost first."""
    rest = path[len(prefix) :].split("/")[:-1]
    for depth in range(1, len(rest) + 1):
        yield prefix + "/".join(rest[:depth])


def one_level(actor: Actor, revision: Revision, folder: str, after: str) -> tuple[list[dict[str, Any]], str]:
    """A page of a folder's own entries."""
    page = datasets.list_folder(
        actor, revision.card, version=revision.version.number, folder=folder, after=after, limit=PAGE
    )
    rows = [folder_entry(found.path) for found in page.folders] + [large_file(file) for file in page.files]
    return rows, page.after
