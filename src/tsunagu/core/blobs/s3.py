"""Objects in an S3 bucket, through obstore. A success answer is durability; there is nothing to fsync."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tsunagu.core.blobs import PIECE_BYTES, new_key
from tsunagu.core.errors import NotFoundError, UnavailableError

_PART_BYTES = 16 << 20


class S3Blobs:
    """Objects under a prefix of a bucket."""

    def __init__(self, url: str, options: Mapping[str, str]) -> None:
        import obstore
        from obstore.store import S3Store

        self._obstore: Any = obstore
        parts = urlsplit(url)
        query = {key: found[-1] for key, found in parse_qs(parts.query).items()}
        endpoint = query.get("endpoint")
        self._prefix = parts.path.strip("/")
        self._store: Any = S3Store(
            parts.netloc,
            region=query.get("region", "us-east-1"),
            virtual_hosted_style_request=False,
            client_options={"allow_http": bool(endpoint and endpoint.startswith("http://"))},
            **({"endpoint": endpoint} if endpoint else {}),
            **{key: options[key] for key in ("access_key_id", "secret_access_key") if key in options},
        )

    def put(self, key: str, data: bytes | bytearray | memoryview) -> None:
        """One request for small objects, a multipart upload for large ones."""
        self._do(self._obstore.put, self._store, self._name(key), bytes(data))

    def adopt(self, key: str, file: Path) -> None:
        """Upload a finished file in parts, then remove it."""
        with file.open("rb") as source:
            self._do(
                self._obstore.put, self._store, self._name(key), source, chunk_size=_PART_BYTES, max_concurrency=4
            )
        file.unlink()

    def read(self, key: str, offset: int, length: int) -> Iterator[bytes]:
        """One range request, streamed."""
        if length == 0:
            return
        found = self._do(
            self._obstore.get, self._store, self._name(key), options={"range": (offset, offset + length)}
        )
        for piece in found.stream(min_chunk_size=PIECE_BYTES):
            yield bytes(piece)

    def local_path(self, key: str) -> Path | None:
        """S3 has no local files."""
        del key

    def size(self, key: str) -> int:
        """Size in bytes."""
        return int(self._do(self._obstore.head, self._store, self._name(key))["size"])

    def delete(self, key: str) -> None:
        """Remove an object."""
        self._do(self._obstore.delete, self._store, self._name(key))

    def older_than(self, age_s: float) -> Iterator[str]:
        """Keys of objects stored more than ``age_s`` seconds ago."""
        limit = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=age_s)
        prefix = f"{self._prefix}/" if self._prefix else ""
        for batch in self._do(self._obstore.list, self._store, prefix=prefix or None):
            for entry in batch:
                if entry["last_modified"] < limit:
                    yield str(entry["path"]).removeprefix(prefix)

    def check(self) -> str:
        """Write, read and delete a small object."""
        key = new_key()
        try:
            self.put(key, b"tsunagu")
            is_whole = b"".join(self.read(key, 0, 7)) == b"tsunagu"
            self.delete(key)
        except (UnavailableError, NotFoundError) as error:
            return str(error)
        return "" if is_whole else "It gave back other bytes than it was given."

    def _name(self, key: str) -> str:
        return f"{self._prefix}/{key}" if self._prefix else key

    def _do(self, call: Any, *args: Any, **kwargs: Any) -> Any:
        from obstore.exceptions import BaseError

        try:
            return call(*args, **kwargs)
        except FileNotFoundError as error:
            raise NotFoundError("An object is missing from the store.") from error
        except (BaseError, OSError) as error:
            raise UnavailableError(f"The object store did not do it: {str(error)[:300]}") from error
