"""What the byte server is told when it starts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Config:
    """Settings of a byte server.

    Attributes:
        control_url: Where control listens for this process (loopback).
        control_origin: The one origin whose scripts may call (CORS), as people see it.
        store_url, store_options: The object store.
        key_file: The key shared with control.
        spool: Folder for unfinished uploads, on a disk with room for them.
        upload_lifetime_s: An unfinished upload is forgotten after so long a silence.
    """

    control_url: str
    control_origin: str
    store_url: str
    key_file: str
    spool: str
    host: str = "127.0.0.1"
    port: int = 8001
    threads: int = 32
    upload_lifetime_s: float = 7 * 86400
    store_options: Mapping[str, str] = field(default_factory=dict)

    def write(self, path: Path) -> None:
        """Keep it in a file that only its owner reads (it holds the store's keys)."""
        path.touch(mode=0o600)
        path.write_text(json.dumps(asdict(self)), "utf-8")

    @classmethod
    def load(cls, path: Path) -> Config:
        """Read it back."""
        return cls(**json.loads(path.read_text("utf-8")))
