"""Sealed data with a mark in them, and where that mark lies plain: for tests of what works on sealed data."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from tests.node import Node

MARK = f"plain-{secrets.token_hex(16)}"


def fill(node: Node, folder: Path) -> None:
    """A project with sealed ``lab/in``, frozen, whose ``s.txt`` is full of marks, and sealed ``lab/out``, empty."""
    node.run("project", "create", "lab")
    for name in ("lab/in", "lab/out"):
        node.run("seal", name, "--create")
    (folder / "s.txt").write_text(MARK * 10_000)
    node.run("push", str(folder), "lab/in")
    node.run("freeze", "lab/in")


def holding(folder: Path) -> list[Path]:
    """Files below a folder that hold the mark."""
    found = []
    for place, _folders, names in os.walk(folder):
        for name in names:
            try:
                if MARK.encode() in Path(place, name).read_bytes():
                    found.append(Path(place, name))
            except OSError:  # it went, or is no file
                continue
    return found


def in_memory() -> list[Path]:
    """Folders of runs in memory that hold it."""
    return [place for place in Path("/dev/shm").glob(f"tsunagu-{os.geteuid()}-*") if holding(place)]
