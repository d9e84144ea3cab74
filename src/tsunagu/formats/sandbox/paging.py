"""Inside the walls: one page of a file is read. The file comes as an open descriptor."""

from __future__ import annotations

import importlib
import json
import os
import socket
from pathlib import Path
from typing import Any

from tsunagu.formats.sandbox import wire

# Named, not imported: the forking process loads what draws and reads pages only when that is asked for.
_READING = "tsunagu.formats.scanning.reading"
_ENGINE = "tsunagu.formats.scanning.tesseract"
_found: list[Any] = []


def warm() -> list[Path]:
    """Load what reads pages before any child is made; returns the folders that it reads while it works."""
    importlib.import_module(_READING)
    tesseract = importlib.import_module(_ENGINE)
    # Plugins of Pillow are loaded at the first picture, which a child may be too closed in for.
    importlib.import_module("PIL.Image").init()
    try:
        engine = tesseract.opened()
    except tesseract.EngineMissingError as error:
        _found[:] = [str(error)]
        return []
    _found[:] = [engine]
    return [Path(engine.folder)]


def serve(channel: socket.socket, task_file: int) -> None:
    """Read the page that the task names."""
    with os.fdopen(task_file, "rb") as file:
        number = int(json.load(file)["number"])
    channel.sendall(wire.pack({"next": 0}))
    _, descriptors, _, _ = socket.recv_fds(channel, 16, 1)
    if not descriptors:
        return
    with os.fdopen(descriptors[0], "rb") as source:
        source.seek(0)  # the description is shared with whoever opened it
        reading = importlib.import_module(_READING).read_page(source, number, _found[0])
    channel.sendall(wire.pack({"page": reading.as_json()}, {"picture": reading.picture}))
