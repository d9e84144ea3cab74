"""``/tus``: resumable uploads, protocol tus 1.0.0 (https://tus.io/protocols/resumable-upload).

Extensions: creation, creation-with-upload, checksum, termination, expiration.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import email.utils
import hashlib
import re
from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple

from tsunagu.core.blobs import new_key
from tsunagu.core.bundle import Entry
from tsunagu.core.errors import ConflictError, InvalidInputError, TsunaguError
from tsunagu.core.ids import new_id
from tsunagu.core.paths import check_path
from tsunagu.dataplane import locks
from tsunagu.dataplane.bundles import UnsupportedMediaTypeError
from tsunagu.dataplane.control import RefusedError
from tsunagu.dataplane.exchange import Request, Response
from tsunagu.dataplane.intake import Checksum, Intake
from tsunagu.dataplane.receive import TooMuchError
from tsunagu.dataplane.uploads import Upload, UploadMissingError, Uploads

if TYPE_CHECKING:
    from tsunagu.dataplane.context import Context, Grant

VERSION = "1.0.0"
_EXTENSIONS = "creation,creation-with-upload,checksum,termination,expiration"
_BODY_TYPE = "application/offset+octet-stream"
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")
_MAX_METADATA = 16 << 10


class OffsetError(ConflictError):
    """A PATCH that does not begin where the upload stands."""

    code = "dataplane.offset_mismatch"
    default_message = "The upload does not stand where this request begins."
    default_remedy = "Ask for the offset and go on from there."


class VersionError(TsunaguError):
    """A client that speaks another tus."""

    code = "dataplane.tus_version"
    status = 412
    default_message = f"This node speaks tus {VERSION}."


class _Wish(NamedTuple):
    """What a creation asks for."""

    path: str
    length: int
    sha256: str
    metadata: str


class TusDoor:
    """The handlers of ``/tus``."""

    def __init__(self, context: Context, uploads: Uploads) -> None:
        self._context = context
        self._uploads = uploads
        self._intake = Intake(context, uploads)

    def describe(self, _request: Request) -> Response:
        """OPTIONS: what this server can do."""
        return Response(
            HTTPStatus.NO_CONTENT,
            [
                ("Tus-Resumable", VERSION),
                ("Tus-Version", VERSION),
                ("Tus-Extension", _EXTENSIONS),
                ("Tus-Max-Size", str(self._context.settings.max_file_bytes)),
                ("Tus-Checksum-Algorithm", "sha256,sha1"),
            ],
        )

    def create(self, request: Request) -> Response:
        """POST: begin an upload, with its first bytes if the body holds some."""
        grant = self._enter(request)
        wish = self._read_wish(request, grant)
        upload = Upload(
            id=new_id(),
            key=new_key(),
            run=grant.run,
            dataset=grant.dataset,
            domain=grant.domain,
            path=wish.path,
            length=wish.length,
            metadata=wish.metadata,
            announced_sha256=wish.sha256,
            expires_at=self._uploads.deadline(),
        )
        has_bytes = request.header("Content-Type") == _BODY_TYPE and request.has_body
        checksum = _read_checksum(request)
        with locks.hold(self._context.settings.spool_dir, upload.key):
            self._uploads.save(upload)
            if has_bytes or not upload.length:
                try:
                    self._intake.take(upload, grant.store, request, checksum)
                except TsunaguError:
                    if not upload.offset:
                        self._uploads.forget(upload, self._context.store)
                    raise
            extra = self._commit_if_complete(upload, grant)
        location = ("Location", f"/tus/{upload.id}")
        return self._answer(upload, HTTPStatus.CREATED, location, *extra)

    def unfinished(self, request: Request) -> Response:
        """GET: what a push has begun and not ended, so that a browser that was reloaded can go on.

        A page cannot keep its files over a reload; the person chooses them again, and path, length and what the client
        put into the metadata (time of change, hash of the beginning) tell whether they are the same. Not part of tus.
        """
        grant = self._context.read_grant(request.bearer)
        found = [
            {
                "url": f"/tus/{upload.id}",
                "path": upload.path,
                "length": upload.length,
                "offset": upload.offset,
                "metadata": _read_metadata(upload.metadata),
            }
            for upload in self._uploads.of_run(grant.run)
        ]
        return Response.json(HTTPStatus.OK, {"uploads": found})

    def head(self, request: Request, upload_id: str) -> Response:
        """HEAD: how far the upload has come.

        A client that sees the full offset believes that all is done. So where the commit did not get through before,
        it is made now; while control is silent the answer is 503.
        """
        grant = self._enter(request)
        upload = self._find(grant, upload_id)
        self._commit_if_complete(upload, grant)
        return self._answer(
            upload,
            HTTPStatus.OK,
            ("Upload-Length", str(upload.length)),
            ("Upload-Metadata", upload.metadata),
            ("Cache-Control", "no-store"),
        )

    def patch(self, request: Request, upload_id: str) -> Response:
        """PATCH: more bytes; the last ones commit the file."""
        grant = self._enter(request)
        upload = self._find(grant, upload_id)
        if request.header("Content-Type") != _BODY_TYPE:
            raise UnsupportedMediaTypeError(media_type=request.header("Content-Type"))
        offset = _read_number(request, "Upload-Offset")
        checksum = _read_checksum(request)
        with locks.hold(self._context.settings.spool_dir, upload.key):
            upload = self._find(grant, upload_id)  # another request may have moved it meanwhile
            if offset != upload.offset:
                raise OffsetError(offset=upload.offset)
            if not upload.is_complete:
                self._intake.take(upload, grant.store, request, checksum)
            elif request.has_body and request.body.length:
                raise TooMuchError("The upload is complete; nothing may follow.")
            extra = self._commit_if_complete(upload, grant)
        return self._answer(upload, HTTPStatus.NO_CONTENT, *extra)

    def terminate(self, request: Request, upload_id: str) -> Response:
        """DELETE: forget the upload."""
        grant = self._enter(request)
        upload = self._find(grant, upload_id)
        with locks.hold(self._context.settings.spool_dir, upload.key):
            upload = self._find(grant, upload_id)
            self._uploads.forget(upload, self._context.store)
        return Response(HTTPStatus.NO_CONTENT, [("Tus-Resumable", VERSION)])

    def _enter(self, request: Request) -> Grant:
        if request.header("Tus-Resumable") != VERSION:
            raise VersionError(version=request.header("Tus-Resumable"))
        return self._context.read_grant(request.bearer)

    def _find(self, grant: Grant, upload_id: str) -> Upload:
        upload = self._uploads.load(upload_id)
        if (upload.run, upload.dataset) != (grant.run, grant.dataset):
            raise UploadMissingError
        if upload.domain != grant.domain:
            # Sealed meanwhile: what came before lies there plain and must not be added to.
            with locks.hold(self._context.settings.spool_dir, upload.key):
                self._uploads.forget(upload, self._context.store)
            raise UploadMissingError
        return upload

    def _read_wish(self, request: Request, grant: Grant) -> _Wish:
        length = _read_number(request, "Upload-Length")
        if length > self._context.settings.max_file_bytes:
            raise TooMuchError(limit=self._context.settings.max_file_bytes)
        grant.check_size(length)
        text = request.header("Upload-Metadata")
        values = _read_metadata(text)
        if "path" not in values:
            raise InvalidInputError("Upload-Metadata names no path.")
        sha256 = values.get("sha256", "")
        if sha256 and not _SHA256.match(sha256):
            raise InvalidInputError("The announced sha256 is not 64 lower-case hexadecimal digits.")
        return _Wish(check_path(values["path"]), length, sha256, text)

    def _commit_if_complete(self, upload: Upload, grant: Grant) -> list[tuple[str, str]]:
        if not upload.is_complete:
            return []
        files = [Entry(upload.path, upload.length, upload.sha256, 0)]
        try:
            self._context.commit(grant.commit(upload.id, "file", (upload.key, upload.length), files))
        except RefusedError as error:
            if error.is_final:
                self._uploads.forget(upload, self._context.store)  # the object is left to the sweep
            raise
        return [("Tsunagu-Sha256", upload.sha256), ("Tsunagu-Size", str(upload.length))]

    @staticmethod
    def _answer(upload: Upload, status: HTTPStatus, *headers: tuple[str, str]) -> Response:
        fixed = [
            ("Tus-Resumable", VERSION),
            ("Upload-Offset", str(upload.offset)),
            ("Upload-Expires", email.utils.formatdate(upload.expires_at, usegmt=True)),
        ]
        return Response(status, [*fixed, *headers])


def _read_number(request: Request, name: str) -> int:
    text = request.header(name)
    if not text.isascii() or not text.isdigit() or len(text) > 18:  # noqa: PLR2004 - below 2**63
        raise BadHeaderError(f"The header {name} must hold a number of bytes.")
    return int(text)


def _read_metadata(text: str) -> dict[str, str]:
    if len(text) > _MAX_METADATA:
        raise InvalidInputError("Upload-Metadata is too long.")
    values: dict[str, str] = {}
    for pair in filter(None, (part.strip() for part in text.split(","))):
        name, _, encoded = pair.partition(" ")
        if name in values:
            raise InvalidInputError("Upload-Metadata holds one key twice.")
        with contextlib.suppress(UnicodeDecodeError):
            try:
                values[name] = base64.b64decode(encoded.strip(), validate=True).decode()
            except binascii.Error:
                raise InvalidInputError("Upload-Metadata is not base64.") from None
    return values


def _read_checksum(request: Request) -> Checksum | None:
    text = request.header("Upload-Checksum")
    if not text:
        return None
    name, _, encoded = text.partition(" ")
    if name not in {"sha256", "sha1"}:
        raise UnknownChecksumError(algorithm=name)
    try:
        digest = base64.b64decode(encoded.strip(), validate=True)
    except binascii.Error:
        raise UnknownChecksumError("Upload-Checksum is not base64.") from None
    return Checksum(hashlib.new(name, usedforsecurity=False), digest)


class BadHeaderError(InvalidInputError):
    """A header that tus needs is missing or damaged."""

    code = "dataplane.bad_header"
    status = 400


class UnknownChecksumError(InvalidInputError):
    """A checksum in a form that this server does not know."""

    code = "dataplane.unknown_checksum"
    status = 400
    default_message = "This checksum algorithm is not supported; sha256 and sha1 are."
