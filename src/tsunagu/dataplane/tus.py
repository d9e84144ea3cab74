"""Large files by tus 1.0: creation, creation-with-upload, checksum, termination, expiration (https://tus.io).

State lies on the disk: ``spool/ID`` holds the bytes, ``spool/ID.json`` what is known. The offset counts bytes that
are on the disk. The running hash lives in this process; after a restart the received part is read once again.
"""

from __future__ import annotations

import base64
import binascii
import email.utils
import hashlib
import json
import logging
import os
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tsunagu.core.blobs import new_key
from tsunagu.core.blobs.local import as_tsunagu_error
from tsunagu.core.errors import ChecksumMismatchError, ConflictError, InvalidInputError, NotFoundError
from tsunagu.core.ids import is_id, new_id
from tsunagu.core.paths import check_path
from tsunagu.dataplane import receive
from tsunagu.dataplane.http import Answer, Environ, bearer, content_length, header

if TYPE_CHECKING:
    from hashlib import _Hash

    from tsunagu.dataplane.app import ByteServer

logger = logging.getLogger(__name__)

VERSION = "1.0.0"
MOST_BYTES = 5 << 40
_ALGORITHMS = {"sha256", "sha1"}


class UploadBusyError(ConflictError):
    """Another request writes to this upload."""

    code = "bytes.upload_busy"
    status = 423
    default_message = "Another request is writing to this upload."
    default_remedy = "Wait a moment, ask for the offset, and go on from there."


class WrongOffsetError(ConflictError):
    """The client is not where the server is."""

    code = "bytes.wrong_offset"
    default_message = "The upload stands at another offset."
    default_remedy = "Ask for the offset (HEAD) and go on from there."


@dataclass(slots=True)
class Upload:
    """What is known of an upload."""

    id: str
    run: str
    dataset: str
    path: str
    length: int
    sha256: str
    expires_at: float
    offset: int = 0
    key: str = ""
    found_sha256: str = ""
    is_committed: bool = False


class Uploads:
    """All uploads of this process."""

    def __init__(self, server: ByteServer) -> None:
        self._server = server
        self._folder = Path(server.config.spool)
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._hashes: dict[str, tuple[int, _Hash]] = {}
        self._busy: set[str] = set()
        self._lock = threading.Lock()

    def handle(self, environ: Environ, upload_id: str) -> Answer:
        """A request below /tus."""
        method = header(environ, "X-HTTP-Method-Override") or environ["REQUEST_METHOD"]
        if method == "OPTIONS":
            return self._stamp(Answer(204, self._abilities()))
        if header(environ, "Tus-Resumable") != VERSION:
            return self._stamp(Answer(412, {"Tus-Version": VERSION}))
        claims = self._server.signer.read(bearer(environ), "push")
        if method == "POST" and not upload_id:
            return self._stamp(self._create(environ, claims))
        if not is_id(upload_id):
            raise NotFoundError("There is no such upload.")
        routes = {"HEAD": self._head, "PATCH": self._patch, "DELETE": self._delete}
        if method not in routes:
            return self._stamp(Answer(405, {"Allow": "OPTIONS, POST, HEAD, PATCH, DELETE"}))
        with self._alone(upload_id):
            upload = self._load(upload_id)
            if (upload.run, upload.dataset) != (claims["run"], claims["ds"]):
                raise NotFoundError("There is no such upload.")
            return self._stamp(routes[method](environ, upload))

    def _abilities(self) -> dict[str, str]:
        return {
            "Tus-Version": VERSION,
            "Tus-Extension": "creation,creation-with-upload,checksum,termination,expiration",
            "Tus-Checksum-Algorithm": "sha256,sha1",
            "Tus-Max-Size": str(MOST_BYTES),
        }

    @staticmethod
    def _stamp(answer: Answer) -> Answer:
        answer.headers |= {"Tus-Resumable": VERSION, "Cache-Control": "no-store"}
        answer.headers.setdefault("Content-Length", "0")
        if answer.status == 204:  # noqa: PLR2004 - No Content
            answer.headers.pop("Content-Length", None)
        return answer

    def _create(self, environ: Environ, claims: dict[str, Any]) -> Answer:
        metadata = parse_metadata(header(environ, "Upload-Metadata"))
        try:
            length = int(header(environ, "Upload-Length"))
        except ValueError:
            raise InvalidInputError("Upload-Length is missing or no number.") from None
        if not 0 <= length <= MOST_BYTES:
            raise InvalidInputError("Upload-Length is out of range.")
        if "path" not in metadata:
            raise InvalidInputError("Upload-Metadata needs a path.")
        upload = Upload(
            id=new_id(),
            run=claims["run"],
            dataset=claims["ds"],
            path=check_path(metadata["path"]),
            length=length,
            sha256=metadata.get("sha256", "").lower(),
            expires_at=time.time() + self._server.config.upload_lifetime_s,
        )
        with self._alone(upload.id):
            self._spool(upload).touch(mode=0o600)
            self._save(upload)
            answer = Answer(201)
            if header(environ, "Content-Type") == "application/offset+octet-stream":
                answer = self._receive(environ, upload)
                answer.status = 201
            elif length == 0:
                answer = self._complete(upload)
                answer.status = 201
        answer.headers["Location"] = f"{self._server.base_url(environ)}/tus/{upload.id}"
        answer.headers.setdefault("Upload-Expires", _http_date(upload.expires_at))
        return answer

    def _head(self, environ: Environ, upload: Upload) -> Answer:
        del environ
        return Answer(
            200,
            {
                "Upload-Offset": str(upload.offset),
                "Upload-Length": str(upload.length),
                "Upload-Expires": _http_date(upload.expires_at),
            },
        )

    def _patch(self, environ: Environ, upload: Upload) -> Answer:
        if header(environ, "Content-Type") != "application/offset+octet-stream":
            return Answer(415)
        if header(environ, "Upload-Offset") != str(upload.offset):
            raise WrongOffsetError(offset=upload.offset)
        return self._receive(environ, upload)

    def _receive(self, environ: Environ, upload: Upload) -> Answer:
        length = content_length(environ, most=upload.length - upload.offset)
        check = _checksum(header(environ, "Upload-Checksum"))
        digest = self._hash_so_far(upload)
        before = digest.copy()
        path = self._spool(upload)
        handle = os.open(path, os.O_RDWR)
        try:
            count = receive.into_file(environ, length, handle, upload.offset, digest)
            self._server.metrics.add("received_bytes", count)
            if check and count and not _matches(handle, upload.offset, count, check):
                os.ftruncate(handle, upload.offset)
                self._hashes[upload.id] = (upload.offset, before)
                raise ChecksumMismatchError("This piece arrived with other bytes than announced.", path=upload.path)
        except OSError as error:
            os.ftruncate(handle, upload.offset)
            self._hashes.pop(upload.id, None)
            raise as_tsunagu_error(error) from error
        finally:
            os.close(handle)
        upload.offset += count
        upload.expires_at = time.time() + self._server.config.upload_lifetime_s
        self._hashes[upload.id] = (upload.offset, digest)
        self._save(upload)
        if upload.offset == upload.length:
            return self._complete(upload)
        return self._progress(upload)

    def _progress(self, upload: Upload) -> Answer:
        return Answer(204, {"Upload-Offset": str(upload.offset), "Upload-Expires": _http_date(upload.expires_at)})

    def _complete(self, upload: Upload) -> Answer:
        """All bytes are here: give them to the store, have control write the row, then acknowledge."""
        if not upload.found_sha256:
            upload.found_sha256 = self._hash_so_far(upload).hexdigest()
            if upload.sha256 and upload.sha256 != upload.found_sha256:
                self._forget(upload.id)
                raise ChecksumMismatchError(f"{upload.path} arrived with other bytes than announced.", path=upload.path)
            upload.key = new_key()
            self._save(upload)
        if not upload.is_committed:
            if self._spool(upload).exists():
                self._server.store.adopt(upload.key, self._spool(upload))
            self._server.control.commit(
                run=upload.run,
                dataset=upload.dataset,
                unit=upload.id,
                object={"key": upload.key, "size": upload.length, "kind": "file"},
                files=[[upload.path, upload.length, upload.found_sha256, 0]],
            )
            upload.is_committed = True
            self._save(upload)
            self._hashes.pop(upload.id, None)
        answer = self._progress(upload)
        answer.headers |= {"Tsunagu-Sha256": upload.found_sha256, "Tsunagu-Size": str(upload.length)}
        return answer

    def _delete(self, environ: Environ, upload: Upload) -> Answer:
        del environ
        self._forget(upload.id)
        return Answer(204)

    def _hash_so_far(self, upload: Upload) -> _Hash:
        offset, digest = self._hashes.get(upload.id, (-1, None))
        if digest is None or offset != upload.offset:
            if upload.offset == 0:
                return hashlib.sha256()
            digest = receive.hash_prefix(str(self._spool(upload)), upload.offset)
        return digest

    def _spool(self, upload: Upload) -> Path:
        return self._folder / upload.id

    def _load(self, upload_id: str) -> Upload:
        try:
            upload = Upload(**json.loads((self._folder / f"{upload_id}.json").read_text("utf-8")))
        except FileNotFoundError:
            raise NotFoundError("There is no such upload; it is done, was ended, or expired.") from None
        if upload.expires_at < time.time():
            self._forget(upload_id)
            raise NotFoundError("This upload has expired.")
        if not upload.key:
            # A crash between fsync and this record leaves more bytes than are recorded: they are sent again.
            size = self._spool(upload).stat().st_size
            if size > upload.offset:
                os.truncate(self._spool(upload), upload.offset)
        return upload

    def _save(self, upload: Upload) -> None:
        target = self._folder / f"{upload.id}.json"
        fresh = target.with_suffix(".new")
        with fresh.open("w", encoding="utf-8") as file:
            json.dump(asdict(upload), file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(target)

    def _forget(self, upload_id: str) -> None:
        self._hashes.pop(upload_id, None)
        for name in (upload_id, f"{upload_id}.json", f"{upload_id}.new"):
            (self._folder / name).unlink(missing_ok=True)

    def _alone(self, upload_id: str) -> _Alone:
        return _Alone(self._busy, self._lock, upload_id)

    def open_count(self) -> int:
        """How many uploads have state in the spool."""
        return sum(1 for _ in self._folder.glob("*.json"))

    def expire(self) -> int:
        """Forget uploads that are done or silent for too long; returns how many."""
        count = 0
        for file in self._folder.glob("*.json"):
            try:
                known = json.loads(file.read_text("utf-8"))
            except (OSError, ValueError):
                known = {"expires_at": 0}
            is_done = known.get("is_committed") and file.stat().st_mtime < time.time() - 86400
            if is_done or known["expires_at"] < time.time():
                self._forget(file.stem)
                count += 1
        for stray in self._folder.iterdir():
            if is_id(stray.name) and not stray.with_name(f"{stray.name}.json").exists():
                if stray.stat().st_mtime < time.time() - 3600:
                    stray.unlink(missing_ok=True)
        return count


class _Alone:
    """One request at a time for an upload; the second is told to come back."""

    def __init__(self, busy: set[str], lock: threading.Lock, upload_id: str) -> None:
        self._busy, self._lock, self._id = busy, lock, upload_id

    def __enter__(self) -> None:
        with self._lock:
            if self._id in self._busy:
                raise UploadBusyError
            self._busy.add(self._id)

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._busy.discard(self._id)


def parse_metadata(text: str) -> dict[str, str]:
    """The pairs of an Upload-Metadata header.

    Raises:
        InvalidInputError: a value is no base64 of UTF-8.
    """
    found = {}
    for pair in filter(None, (part.strip() for part in text.split(","))):
        key, _, value = pair.partition(" ")
        try:
            found[key] = base64.b64decode(value, validate=True).decode("utf-8")
        except (binascii.Error, UnicodeDecodeError):
            raise InvalidInputError(f"Upload-Metadata: the value of {key} is no base64 of UTF-8.") from None
    return found


def _checksum(text: str) -> tuple[str, bytes] | None:
    if not text:
        return None
    name, _, value = text.partition(" ")
    if name not in _ALGORITHMS:
        raise InvalidInputError(f"The checksum {name} is not known here.", remedy="Use sha256 or sha1.")
    try:
        return name, base64.b64decode(value, validate=True)
    except binascii.Error:
        raise InvalidInputError("Upload-Checksum is no base64.") from None


def _matches(handle: int, offset: int, count: int, check: tuple[str, bytes]) -> bool:
    digest = hashlib.new(check[0])
    while count > 0:
        piece = os.pread(handle, min(receive.PIECE, count), offset)
        digest.update(piece)
        offset, count = offset + len(piece), count - len(piece)
    return digest.digest() == check[1]


def _http_date(moment: float) -> str:
    return email.utils.formatdate(moment, usegmt=True)
