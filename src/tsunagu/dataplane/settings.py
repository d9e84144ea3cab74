"""What the byte server is told at its start."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything the byte server knows about its surroundings.

    Attributes:
        control_url: Where control takes signed messages (``/internal/...``), usually on loopback.
        control_origin: The one web origin that may call from a browser, and where forms return to.
        store_url: See ``tsunagu.core.blobs.open_store``.
        store_options: The same; the spool of an S3 store is put below ``spool_dir`` unless named.
        key_file: The secret that control and the byte server share.
        spool_dir: Locks, upload states, and objects on their way to S3. On a real disk, not in memory.
        host: Address to listen on.
        port: Port to listen on; 0 takes a free one.
        threads: Requests served at once.
        max_file_bytes: The largest file that is taken.
        max_bundle_bytes: The largest bundle, headers included.
        max_bundle_files: Files in one bundle or archive.
        max_tar_bytes: The largest tar archive.
        upload_lifetime_s: An unfinished upload is forgotten when nothing arrived for so long.
        idle_timeout_s: A peer that sends or takes nothing for so long is left.
        header_timeout_s: A request must have sent its headers within this time.
        keepalive_s: An idle connection is kept for so long.
        control_timeout_s: How long to wait for control.
        graceful_timeout_s: How long running requests may go on after SIGTERM.
    """

    control_url: str
    control_origin: str
    store_url: str
    key_file: Path
    spool_dir: Path
    store_options: dict[str, str] = dataclasses.field(default_factory=dict)
    host: str = "127.0.0.1"
    port: int = 8001
    threads: int = 64
    max_file_bytes: int = 5 << 40
    max_bundle_bytes: int = 96 << 20
    max_bundle_files: int = 100_000
    max_tar_bytes: int = 1 << 30
    upload_lifetime_s: float = 7 * 86_400.0
    idle_timeout_s: float = 30.0
    header_timeout_s: float = 15.0
    keepalive_s: int = 15
    control_timeout_s: float = 30.0
    graceful_timeout_s: int = 30

    @classmethod
    def from_file(cls, path: Path) -> Settings:
        """Read them from a JSON file.

        Raises:
            ValueError: an unknown or missing name.
        """
        return cls.from_dict(json.loads(path.read_text(encoding="utf-8")))

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Settings:
        """Take them from JSON values; paths are text there.

        Raises:
            ValueError: an unknown or missing name.
        """
        known = {field.name for field in dataclasses.fields(cls)}
        if unknown := set(values) - known:
            raise ValueError(f"unknown settings of the byte server: {', '.join(sorted(unknown))}")
        merged: dict[str, Any] = dict(values)
        merged.update({name: Path(values[name]) for name in ("key_file", "spool_dir") if name in values})
        try:
            return cls(**merged)
        except TypeError as error:
            raise ValueError(str(error)) from error

    def to_dict(self) -> dict[str, Any]:
        """The JSON values that ``from_dict`` takes."""
        values = dataclasses.asdict(self)
        return {**values, "key_file": str(self.key_file), "spool_dir": str(self.spool_dir)}
