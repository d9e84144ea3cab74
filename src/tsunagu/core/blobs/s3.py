"""An S3 bucket as an object store. Parts go up while the bytes still come in."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store as Bucket

from tsunagu.core.blobs.ascent import Ascents
from tsunagu.core.blobs.local import sync_directory
from tsunagu.core.blobs.multipart import MultipartDoor
from tsunagu.core.blobs.plainfile import PlainFile, translate
from tsunagu.core.blobs.types import Closing, Found, ObjectMissingError, check_key, is_key, new_key
from tsunagu.core.errors import InvalidInputError, TsunaguError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tsunagu.core.blobs.types import Reader, Writer


@contextlib.contextmanager
def _translated(key: str = "") -> Iterator[None]:
    """What the S3 client raises, as errors of the tree."""
    try:
        yield
    except FileNotFoundError:
        raise ObjectMissingError(key=key) from None
    except (BaseError, OSError, TimeoutError) as error:
        # The client's message may hold addresses and request ids, never the secret; the first line says enough.
        reason = str(error).partition("\n")[0][:200]
        raise UnavailableError(f"The S3 store failed: {reason}") from error


class S3Reader(Closing):
    """A part of an object, streamed."""

    def __init__(self, pieces: Iterator[Any], size: int, key: str) -> None:
        self.size = size
        self._source = pieces
        self._left = size
        self._held = b""
        self._key = key

    def read(self, size: int = -1, /) -> bytes:
        """At most ``size`` bytes; empty at the end."""
        if size < 0:
            return b"".join(self.pieces())
        if not self._held and self._left:
            self._held = self._next()
        piece, self._held = self._held[:size], self._held[size:]
        return piece

    def pieces(self, size: int = 1 << 20) -> Iterator[bytes]:
        """The rest, piece by piece."""
        while self._held or self._left:
            yield self.read(size)

    def fileno(self) -> None:
        """There is no file."""

    def close(self) -> None:
        """Let go of the stream."""
        self._source = iter(())
        self._left = 0

    def _next(self) -> bytes:
        with _translated(self._key):
            piece = bytes(next(self._source, b""))
        if not piece:
            raise ObjectMissingError("A stored object is shorter than its record says.", key=self._key)
        self._left -= len(piece)
        return piece


class S3Writer(PlainFile):
    """A spool file whose parts go up while it grows."""

    def __init__(self, key: str, path: Path, handle: int, ascents: Ascents, size_hint: int) -> None:
        self.key = key
        self._path = path
        self._handle = handle
        self._ascents = ascents
        self._size_hint = size_hint

    def advance(self, end: int) -> None:
        """Let the parts before ``end`` go up."""
        self._ascents.advance(self.key, self._path, end, self._size_hint)

    def rewind(self, end: int) -> None:
        """Cut the spool file; parts that went up beyond it are dropped."""
        self._ascents.rewind(self.key, end)
        with contextlib.suppress(OSError):
            if os.fstat(self._handle).st_size > end:
                os.ftruncate(self._handle, end)

    def sync(self) -> None:
        """Bring the spool file to this machine's disk."""
        try:
            os.fsync(self._handle)
            sync_directory(self._path.parent)
        except OSError as error:
            self.abort()
            raise translate(error) from error

    def finish(self, size: int) -> None:
        """Complete the object in the bucket."""
        try:
            if os.fstat(self._handle).st_size != size:
                os.ftruncate(self._handle, size)
            with _translated(self.key):
                self._ascents.finish(self.key, self._path, size)
        except OSError as error:
            self.abort()
            raise translate(error) from error
        except TsunaguError:
            self.abort()
            raise
        self.detach()
        self._path.unlink(missing_ok=True)

    def detach(self) -> None:
        """Close the spool file and leave it."""
        handle, self._handle = self._handle, -1
        if handle >= 0:
            os.close(handle)

    def abort(self) -> None:
        """Drop the spool file and what went up."""
        self._ascents.drop(self.key)
        self.detach()
        self._path.unlink(missing_ok=True)


class S3Store:
    """Objects in a bucket, below a prefix."""

    def __init__(self, url: str, options: Mapping[str, str]) -> None:
        parts = urlsplit(url)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        if not parts.netloc:
            raise InvalidInputError("The store address names no bucket: s3://bucket/prefix?endpoint=...")
        self.url = f"s3://{parts.netloc}{parts.path}"
        self._prefix = parts.path.strip("/")
        self._spool = Path(options["spool"]) if "spool" in options else None
        region = query.get("region", "us-east-1")
        endpoint = query.get("endpoint", f"https://s3.{region}.amazonaws.com")
        self._bucket = Bucket(
            parts.netloc,
            prefix=self._prefix or None,
            endpoint=endpoint,
            region=region,
            access_key_id=options.get("access_key_id", ""),
            secret_access_key=options.get("secret_access_key", ""),
            virtual_hosted_style_request=False,
            retry_config={"max_retries": 3, "retry_timeout": dt.timedelta(seconds=20)},
            client_options={"allow_http": endpoint.startswith("http://"), "timeout": "120s"},
        )
        self._unfinished = MultipartDoor(
            endpoint,
            parts.netloc,
            region=region,
            access_key_id=options.get("access_key_id", ""),
            secret_access_key=options.get("secret_access_key", ""),
        )
        self._ascents = Ascents(self._bucket)

    def create(self, key: str, *, size_hint: int = 0, window: int = 0) -> Writer:  # noqa: ARG002 - the spool file has it all
        """Begin a spool file."""
        path = self._spool_path(key)
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise translate(error) from error
        return S3Writer(key, path, handle, self._ascents, size_hint)

    def resume(self, key: str, *, size_hint: int = 0, offset: int = 0, tail: bytes = b"") -> Writer:  # noqa: ARG002
        """Open the spool file again."""
        path = self._spool_path(key)
        try:
            handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            raise ObjectMissingError(key=key) from None
        except OSError as error:
            raise translate(error) from error
        return S3Writer(key, path, handle, self._ascents, size_hint)

    def open(self, key: str, offset: int = 0, length: int | None = None) -> Reader:
        """Stream a part of an object."""
        check_key(key)
        if length is None:
            length = max(0, self.size(key) - offset)
        if not length:
            self.size(key)
            return S3Reader(iter(()), 0, key)
        try:
            with _translated(key):
                result = obstore.get(self._bucket, key, options={"range": (offset, offset + length)})
                held = int(result.meta["size"])
        except UnavailableError:
            held = self.size(key)  # the store works; then it was the range that it refused
            if held >= offset + length:
                raise
        if held < offset + length:
            raise ObjectMissingError("A stored object is shorter than its record says.", key=key)
        return S3Reader(iter(result.stream(min_chunk_size=1 << 20)), length, key)

    def size(self, key: str) -> int:
        """Bytes of an object."""
        with _translated(check_key(key)):
            return int(obstore.head(self._bucket, key)["size"])

    def delete(self, key: str) -> None:
        """Remove the object, its spool file, and parts of it that were left unfinished."""
        check_key(key)
        self._ascents.drop(key)
        if self._spool is not None:
            self._spool_path(key).unlink(missing_ok=True)
        with contextlib.suppress(ObjectMissingError), _translated(key):
            obstore.delete(self._bucket, key)
        for upload in self._unfinished.list(self._full(key)):
            self._unfinished.abort(upload)

    def list(self, prefix: str = "", *, older_than_s: float = 0.0) -> Iterator[Found]:
        """Objects, spool files, and uploads that were left unfinished."""
        latest = time.time() - older_than_s
        with _translated():
            # S3 lists by whole directory names; the rest of the prefix is compared here.
            for batch in obstore.list(self._bucket, prefix.rpartition("/")[0] or None):
                for entry in batch:
                    found = Found(entry["path"], int(entry["size"]), entry["last_modified"].timestamp())
                    if is_key(found.key) and found.key.startswith(prefix) and found.modified_at <= latest:
                        yield found
        yield from self._list_spool(prefix, latest)
        start = len(self._full(""))
        for upload in self._unfinished.list(self._full(prefix)):
            key = upload.key[start:]
            if is_key(key) and upload.started_at <= latest:
                yield Found(key, 0, upload.started_at)

    def local_path(self, key: str) -> Path | None:
        """There is no local file."""
        check_key(key)
        return None

    def lock(self, key: str, until: dt.datetime) -> bool:
        """S3 Object Lock in compliance mode, where the bucket was made with it."""
        return self._unfinished.retain(self._full(check_key(key)), until)

    def check(self) -> None:
        """Write, read, list and remove a probe object."""
        key = new_key()
        with _translated(key):
            obstore.put(self._bucket, key, b"probe")
        try:
            with self.open(key) as reader:
                if reader.read() != b"probe":
                    raise UnavailableError("The store returned other bytes than were written.")
        finally:
            self.delete(key)

    def _full(self, key: str) -> str:
        return f"{self._prefix}/{key}" if self._prefix else key

    def _spool_path(self, key: str) -> Path:
        if self._spool is None:
            raise InvalidInputError("This process may only read from the S3 store: it has no spool folder.")
        return self._spool / check_key(key)

    def _list_spool(self, prefix: str, latest: float) -> Iterator[Found]:
        for path in self._spool.glob("*/*") if self._spool else ():
            key = f"{path.parent.name}/{path.name}"
            with contextlib.suppress(FileNotFoundError):
                facts = path.stat()
                if is_key(key) and key.startswith(prefix) and facts.st_mtime <= latest:
                    yield Found(key, facts.st_size, facts.st_mtime)
