"""Bytes of one push on their way to the byte server: bundles, large files by tus, renewal of the capability."""

from __future__ import annotations

import base64
import os
import threading
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from tsunagu.client import bundle
from tsunagu.client.errors import BadAnswerError, UnreachableError, VerificationError
from tsunagu.client.messages import text
from tsunagu.client.node import parse_json, refusal
from tsunagu.client.reading import READ_FLAGS, MovingFileError, hash_pages
from tsunagu.client.transport import FilePart, FileShrankError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tsunagu.client.node import Node
    from tsunagu.client.push_state import PushState
    from tsunagu.client.transport import Answer
    from tsunagu.client.walk import Found

_TUS = {"Tus-Resumable": "1.0.0"}
_OFFSET_STREAM = "application/offset+octet-stream"
_TAIL = 64 << 10  # held back until the file was seen unchanged: the last byte is what commits
_BREAKS = 20  # in a row without a single byte of progress
_CREATED, _NO_CONTENT, _UNAUTHORIZED, _CONFLICT, _CHECKSUM = 201, 204, 401, 409, 460
_GONE = {403, 404, 410}


class Uplink:
    """The byte side of one push.

    Args:
        node: Where capabilities come from.
        opened: The answer to the opening of the push, or to its renewal.
        state: Where unfinished uploads are remembered.
        on_bytes: Told of every piece that went out, and of pieces taken back with a negative count.
    """

    def __init__(self, node: Node, run: str, opened: Mapping[str, str], state: PushState) -> None:
        self.node = node
        self.run = run
        self.base = opened["byte_url"].rstrip("/")
        self.capability = opened["capability"]
        self.state = state
        self.on_bytes: Callable[[int], None] = lambda _count: None

    def renew(self) -> None:
        """A fresh capability; control asks the rules again."""
        fresh = self.node.post(f"/pushes/{self.run}/capability", repeatable=True)
        self.capability = fresh["capability"]

    def send_bundle(self, bundle_id: str, body: bytes) -> dict[str, int]:
        """Send a bundle; sending it again under its id changes nothing."""
        headers = {"Content-Type": bundle.MEDIA_TYPE, "Tsunagu-Bundle-Id": bundle_id}
        answer = self._request("POST", f"{self.base}/bundles", headers, body)
        if answer.status not in {200, _CREATED}:
            raise refusal(answer, self.base)
        self.on_bytes(len(body))
        return parse_json(answer.body) or {}

    def send_large(self, file: Found, announced: bytes | None) -> bytes:
        """Send one large file; the hash that the node confirmed.

        Args:
            file: As it was found, and hashed when ``announced`` is given.
            announced: Its hash, or None to hash while it travels.

        Raises:
            MovingFileError: it changed since it was found.
            VerificationError: the node received other bytes than this machine read.
        """
        handle = os.open(file.native, READ_FLAGS)
        try:
            if not _is_unchanged(handle, file):
                raise MovingFileError
            hashed = _Hashing(handle, file.size) if announced is None else None
            try:
                confirmed = self._send_open(handle, file, announced)
                own = hashed.result() if hashed else announced
            finally:
                if hashed:
                    hashed.stop()
        finally:
            os.close(handle)
        self.state.upload_ended(file.path)
        if own is None or confirmed != own.hex():
            raise VerificationError(
                text("hash_differs", path=file.path), remedy=text("try_again"), path=file.path
            )
        return own

    def _send_open(  # noqa: C901 - one loop, told by tus
        self, handle: int, file: Found, announced: bytes | None
    ) -> str:
        url = self.state.upload_of(file.path, file.size, file.mtime_ns, file.inode)
        offset = self._offset(url) if url else None
        restarts = 0
        counted = 0
        breaks = 0
        while True:
            if url is None or offset is None:
                restarts += 1
                if restarts > 3:  # noqa: PLR2004 - the node forgets the upload each time
                    raise BadAnswerError(text("bad_answer", url=self.base), remedy=text("try_again"))
                url, offset = self._create(file, announced), 0
            self.on_bytes(offset - counted)
            counted = offset
            end = file.size
            if announced is None and offset < file.size - _TAIL:
                end = file.size - _TAIL
            elif not _is_unchanged(handle, file):
                self._forget(url, file.path)
                raise MovingFileError
            counting = _Counting(self.on_bytes)
            try:
                answer = self._patch(url, FilePart(handle, offset, end - offset, counting), offset)
            except FileShrankError:
                self._forget(url, file.path)
                raise MovingFileError from None
            except UnreachableError:
                answer = None
            counted += counting.total
            if answer is not None and answer.status == _NO_CONTENT:
                if confirmed := answer.headers.get("Tsunagu-Sha256"):
                    return confirmed.lower()
                if offset == file.size:
                    raise BadAnswerError(text("bad_answer", url=self.base), remedy=text("bad_answer_remedy"))
                breaks, offset = 0, int(answer.headers.get("Upload-Offset") or end)
                continue
            before = offset
            offset = self._after_break(url, file.path, answer)
            breaks = 0 if offset is not None and offset > before else breaks + 1
            if breaks > _BREAKS:
                raise UnreachableError(
                    text("broke_off", path=file.path), remedy=text("push_again_remedy"), path=file.path
                )
            if breaks:
                self.node.transport.sleep(min(5.0, 0.1 * 2**breaks))

    def _after_break(self, url: str, path: str, answer: Answer | None) -> int | None:
        """Where to go on after a broken or refused piece; None when the upload must start anew."""
        if answer is not None:
            if answer.status == _CHECKSUM:
                self.state.upload_ended(path)
                raise MovingFileError
            if answer.status == _UNAUTHORIZED:
                self.renew()
            elif answer.status not in {_CONFLICT, 404, 410, 429, 502, 503, 504}:
                raise refusal(answer, self.base)  # with 403 control took the right away
        offset = self._offset(url)
        if offset is None:
            self.state.upload_ended(path)
        return offset

    def _create(self, file: Found, announced: bytes | None) -> str:
        pairs = {"path": file.path, "mtime_ns": str(file.mtime_ns)}
        if announced is not None:
            pairs["sha256"] = announced.hex()
        encoded = ",".join(
            f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in pairs.items()
        )
        headers = {**_TUS, "Upload-Length": str(file.size), "Upload-Metadata": encoded}
        answer = self._request("POST", f"{self.base}/tus", headers, b"")
        location = answer.headers.get("Location")
        if answer.status != _CREATED or not location:
            raise refusal(answer, self.base)
        url = urljoin(f"{self.base}/tus", location)
        self.state.upload_began(file.path, file.size, file.mtime_ns, file.inode, url)
        return url

    def _patch(self, url: str, part: FilePart, offset: int) -> Answer:
        headers = {**_TUS, "Content-Type": _OFFSET_STREAM, "Upload-Offset": str(offset), **self._bearer()}
        body: FilePart | bytes = part if part.count else b""
        # Never repeated as it is: after a break the node alone knows the offset.
        return self.node.transport.request("PATCH", url, headers=headers, body=body, repeatable=False)

    def _offset(self, url: str) -> int | None:
        answer = self._request("HEAD", url, dict(_TUS), None)
        if answer.status in {200, _NO_CONTENT}:
            return int(answer.headers["Upload-Offset"])
        if answer.status in _GONE:
            return None
        raise refusal(answer, self.base)

    def _forget(self, url: str, path: str) -> None:
        self._request("DELETE", url, dict(_TUS), None)
        self.state.upload_ended(path)

    def _bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.capability}"}

    def _request(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
        """A request that may be repeated; an expired capability is renewed once."""
        for last in (False, True):
            answer = self.node.transport.request(
                method, url, headers={**headers, **self._bearer()}, body=body
            )
            if answer.status != _UNAUTHORIZED or last:
                break
            self.renew()
        return answer


class _Counting:
    """Pass on what went out, and know the sum."""

    def __init__(self, on_bytes: Callable[[int], None]) -> None:
        self.total = 0
        self._on_bytes = on_bytes

    def __call__(self, count: int) -> None:
        self.total += count
        self._on_bytes(count)


class _Hashing:
    """SHA-256 of an open file in a second thread: sendfile leaves the pages warm."""

    def __init__(self, handle: int, size: int) -> None:
        self._digest: bytes | None = None
        self._stopped = threading.Event()
        self._handle, self._size = handle, size
        self._thread = threading.Thread(target=self._run, name="tsunagu-hash", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._digest = hash_pages(self._handle, self._size, self._stopped)
        except OSError:
            self._digest = None  # the sender meets the same error, or the comparison fails

    def result(self) -> bytes | None:
        self._thread.join()
        return self._digest

    def stop(self) -> None:
        """The handle is about to be closed; nobody waits for the hash any more."""
        self._stopped.set()
        self._thread.join()


def _is_unchanged(handle: int, file: Found) -> bool:
    now = os.fstat(handle)
    return (now.st_size, now.st_mtime_ns) == (file.size, file.mtime_ns)
