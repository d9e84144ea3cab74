"""``/lfs``: one large file that a later commit names, as clients of git-lfs and of the Hub send it.

In one PUT, or in parts of equal length, each of which can be sent again (``transfer: multipart`` of the Hub). The
capability names the file by SHA-256 and size; that hash is computed while receiving, and control is told only of what
has it. Source: git-lfs, docs/api/basic-transfers.md; huggingface_hub 2.4.0, ``lfs.py``.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from tsunagu.core.blobs import new_key
from tsunagu.core.errors import ConflictError, NotFoundError
from tsunagu.dataplane import locks
from tsunagu.dataplane.control import RefusedError
from tsunagu.dataplane.exchange import Request, Response
from tsunagu.dataplane.intake import Intake
from tsunagu.dataplane.receive import TooMuchError
from tsunagu.dataplane.uploads import Upload, UploadMissingError, Uploads

if TYPE_CHECKING:
    from tsunagu.dataplane.context import Context, StageGrant


class PartOrderError(ConflictError):
    """A part that does not follow the last one, or an end before the last part."""

    code = "dataplane.part_order"
    default_message = "The parts of this file have not all arrived in order."
    default_remedy = "Send the missing parts; they are hashed as they come, so each follows the one before."


class LfsDoor:
    """The handlers of ``/lfs``."""

    def __init__(self, context: Context, uploads: Uploads) -> None:
        self._context = context
        self._uploads = uploads
        self._intake = Intake(context, uploads)

    def put(self, request: Request, token: str, number: str = "1") -> Response:
        """PUT: the file, or one of its parts; the last one has control told. A part again changes nothing."""
        grant = self._context.read_stage(token, "stage")
        size, part = int(grant.claims["n"]), int(grant.claims["c"])
        if size > self._context.settings.max_file_bytes:
            raise TooMuchError(limit=self._context.settings.max_file_bytes)
        start = (int(number) - 1) * part if number.isascii() and number.isdigit() else -1
        if not 0 <= start < max(size, 1):
            raise NotFoundError
        with locks.hold_or_retry(self._context.settings.spool_dir, str(grant.claims["u"])):
            upload = self._find(grant) or self._begin(grant)
            if start > upload.offset:
                raise PartOrderError(offset=upload.offset)
            if start == upload.offset and not upload.is_complete:
                self._intake.take(upload, grant.store, request, exactly=min(part, size - start))
            elif request.has_body:
                request.body.discard()
            if upload.is_complete:
                self._tell(upload, grant)
        return Response(HTTPStatus.OK, [("ETag", f'"{upload.id}-{number}"'), ("Content-Length", "0")])

    def complete(self, _request: Request, token: str) -> Response:
        """POST: whether every part has arrived; what was sent is believed more than what is said of it."""
        grant = self._context.read_stage(token, "stage")
        upload = self._find(grant)
        if upload is None or not upload.is_complete:
            raise PartOrderError(offset=upload.offset if upload else 0)
        return Response.json(HTTPStatus.OK, {"oid": upload.sha256, "size": upload.length})

    def _tell(self, upload: Upload, grant: StageGrant) -> None:
        try:
            self._context.stage(grant.staged(upload.id, (upload.key, upload.length), upload.sha256))
        except RefusedError as error:
            if error.must_vanish:
                upload.is_handed_over = False
            if error.is_final or error.must_vanish:
                self._uploads.forget(upload, self._context.store)  # the object is left to the sweep
            raise

    def _find(self, grant: StageGrant) -> Upload | None:
        try:
            return self._uploads.load(str(grant.claims["u"]))
        except UploadMissingError:
            return None

    def _begin(self, grant: StageGrant) -> Upload:
        upload = Upload(
            id=str(grant.claims["u"]),
            key=new_key(),
            run="",
            dataset=grant.dataset,
            domain=grant.domain,
            path="",
            length=int(grant.claims["n"]),
            metadata="",
            announced_sha256=str(grant.claims["h"]),
            expires_at=self._uploads.deadline(),
        )
        self._uploads.save(upload)
        return upload
