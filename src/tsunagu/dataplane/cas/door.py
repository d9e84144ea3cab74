"""``/xet/SCOPE/...``: what a Xet client asks of a store while it uploads. Downloads go by plain addresses.

The scope in the address is that of the capability: clients remember by address what they have sent, so what one
dataset holds is never named in the upload to another. Source: huggingface/xet-core v1.6.0, ``cas_client``.
"""

from __future__ import annotations

import json
import logging
import mmap
import tempfile
import threading
from http import HTTPStatus
from typing import TYPE_CHECKING

from tsunagu.core.errors import CapabilityRefusedError, InvalidInputError, NotFoundError, TsunaguError
from tsunagu.dataplane.cas import hashes, shards
from tsunagu.dataplane.cas.rebuilding import Rebuilder
from tsunagu.dataplane.cas.shelf import Shelf, folder_of, remove_unused
from tsunagu.dataplane.exchange import Request, Response

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tsunagu.dataplane.context import Context, StageGrant

_log = logging.getLogger("tsunagu.dataplane")
_PREFIXES = ("default", "default-merkledb")
_BEAT_S = 10.0
# Making the files of a shard keeps a processor busy.
_AT_ONCE = 4


class CasDoor:
    """The handlers of ``/xet``."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._folder = folder_of(context.settings.spool_dir)
        self._turns = threading.BoundedSemaphore(_AT_ONCE)

    def remove_unused(self) -> int:
        """Remove what no client speaks of any more; returns how many blocks of data."""
        return remove_unused(self._context.settings.spool_dir, self._folder)

    def post(self, request: Request, scope: str, release: str, what: str) -> Response:
        """POST of three parts: a shard, or telemetry, which nobody wants here."""
        if (release, what) == ("v1", "telemetry"):
            request.body.discard()
            return Response.json(HTTPStatus.OK, {})
        grant = self._enter(request, scope)
        if what != "shards" or release not in {"v1", "v2"}:
            raise NotFoundError
        data = self._receive(request)
        if release == "v2":
            frames = self._frames(grant, data)
            return Response(HTTPStatus.OK, [("Content-Type", "application/x-ndjson")], frames)
        self._rebuild(grant, data, lambda _done, _count: None)
        return Response.json(HTTPStatus.OK, {"result": 1})

    def put_xorb(
        self, request: Request, scope: str, release: str, what: str, prefix: str, name: str
    ) -> Response:
        """POST of five parts: a xorb. A question whether somebody else has it is answered with no."""
        grant = self._enter(request, scope)
        digest = hashes.from_text(name)
        if (release, what) != ("v1", "xorbs") or prefix not in _PREFIXES:
            raise NotFoundError
        if digest is None:
            raise InvalidInputError("This is not the name of a block of data.")
        is_new = self._shelf(grant).put(digest, request.body)
        self._context.metrics.add("received_bytes", request.body.length or 0)
        return Response.json(HTTPStatus.OK, {"was_inserted": is_new})

    def find_chunk(self, request: Request, scope: str, *_parts: str) -> Response:
        """GET of five parts: whether a chunk is known. What others have sent is nobody's business: no."""
        self._enter(request, scope)
        raise NotFoundError

    def _enter(self, request: Request, scope: str) -> StageGrant:
        grant = self._context.read_stage(request.bearer, "xet")
        if grant.claims["s"] != scope:
            raise CapabilityRefusedError("This token was made for another dataset.")
        return grant

    def _shelf(self, grant: StageGrant) -> Shelf:
        spool = self._context.settings.spool_dir
        return Shelf(spool, self._folder, grant.data_key, str(grant.claims["s"]))

    def _receive(self, request: Request) -> mmap.mmap:
        """A shard, in a file without a name: many may wait for their turn."""
        with tempfile.TemporaryFile(dir=self._context.settings.spool_dir) as file:
            for piece in request.body.pieces(shards.MOST_BYTES):
                file.write(piece)
            file.flush()
            if not file.tell():
                raise shards.BadShardError
            return mmap.mmap(file.fileno(), file.tell(), prot=mmap.PROT_READ)

    def _rebuild(self, grant: StageGrant, data: mmap.mmap, on_progress: Callable[[int, int], None]) -> None:
        with self._turns, data:
            Rebuilder(self._context, grant, self._shelf(grant)).take(data, on_progress)

    def _frames(self, grant: StageGrant, data: mmap.mmap) -> Iterator[bytes]:
        """Lines of JSON while the files are made, so that the client does not take a long work for a silent server."""
        progress = {"verified": 0, "total": 0}
        ended: list[BaseException | None] = []

        def tell(done: int, count: int) -> None:
            progress.update(verified=done, total=count)

        def work() -> None:
            try:
                self._rebuild(grant, data, tell)
            except BaseException as error:  # noqa: BLE001 - carried over into the answer
                ended.append(error)
            else:
                ended.append(None)

        thread = threading.Thread(target=work, daemon=True, name="rebuild")
        thread.start()
        thread.join(_BEAT_S)
        while thread.is_alive():
            yield _frame({"type": "validating", **progress})
            thread.join(_BEAT_S)
        yield _frame(_last_frame(ended[0]))


def _frame(value: dict[str, object]) -> bytes:
    return json.dumps(value).encode() + b"\n"


def _last_frame(error: BaseException | None) -> dict[str, object]:
    if error is None:
        return {"type": "result", "result": 1}
    if not isinstance(error, TsunaguError):
        _log.error("rebuilding failed", exc_info=error)
        return {"type": "error", "message": "The byte server met an error of its own.", "retryable": True}
    words = " ".join(filter(None, [error.message, error.remedy]))
    return {"type": "error", "message": words, "retryable": error.status >= HTTPStatus.INTERNAL_SERVER_ERROR}
