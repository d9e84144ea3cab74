"""What the agent asks of a node: docs/reference/wire.md, and nothing else of it."""

from __future__ import annotations

import base64
import json
import os
import struct
import time
from typing import Any, Iterable, Mapping, NamedTuple
from urllib.parse import quote, urljoin

from .line import Answer, Line, OfflineError, host_name, user_agent

_MEDIA_TYPE = "application/vnd.tsunagu.bundle; version=1"
_TUS = {"Tus-Resumable": "1.0.0"}
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_OK, _CREATED, _NO_CONTENT, _UNAUTHORIZED, _NOT_FOUND, _CONFLICT, _GONE = 200, 201, 204, 401, 404, 409, 410
_LATER = frozenset({429, 500, 502, 503, 504, 507})


class TokenRefusedError(Exception):
    """The node does not know the token, or no longer."""


class DeniedError(Exception):
    """The node said no to this request; the words are its own."""

    def __init__(self, answer: Answer) -> None:
        problem = answer.json()
        self.status = answer.status
        self.code = str(problem.get("code") or f"http.{answer.status}")
        self.title = str(problem.get("title") or problem.get("detail") or f"HTTP {answer.status}")
        self.remedy = str(problem.get("remedy") or "")
        fields = problem.get("fields")
        self.path = str(fields.get("path") or "") if isinstance(fields, dict) else ""
        super().__init__(f"{self.code}: {self.title}")

    def fields(self) -> dict[str, Any]:
        """For the sentence in `words`."""
        return {"title": self.title, "remedy": self.remedy, "node_code": self.code}


class Piece(NamedTuple):
    """A small file in a bundle."""

    path: str
    sha256: str
    content: bytes


class Push:
    """An open push: its run, where bytes go, and the right to send them."""

    def __init__(self, run: str, opened: Mapping[str, Any]) -> None:
        self.run = run
        self.base = str(opened["byte_url"]).rstrip("/")
        self.capability = str(opened["capability"])


class NodeDoor:
    """One node and one token.

    Args:
        url: The node's address.
        token: The instrument's, or a person's.
        line: Connections.
        note: Added to every push: who watches.
    """

    def __init__(self, url: str, token: str, line: Line, *, client: str = "") -> None:
        self.url, self._token, self._line = url.rstrip("/"), token, line
        self._client = client or f"{user_agent()} ({host_name()})"

    def close(self) -> None:
        """Close the connections."""
        self._line.close()

    def who(self) -> dict[str, Any]:
        """Who the token stands for."""
        return self._call("GET", "/me")

    def config(self) -> dict[str, Any]:
        """What this instrument's agent shall do."""
        return self._call("GET", "/agent/config")

    def heartbeat(self, beat: Mapping[str, Any]) -> dict[str, Any]:
        """Report; the answer holds the node's time."""
        return self._call("POST", "/agent/heartbeat", beat)

    def open(self, project: str, dataset: str, note: str) -> Push:
        """Begin a push; the dataset is made when it is missing."""
        place = f"/datasets/{quote(project, safe='')}/{quote(dataset, safe='')}/pushes"
        body = {"create": True, "kind": "capture", "client": self._client, "note": note}
        opened = self._call("POST", place, body)
        return Push(str(opened["run"]), opened)

    def renew(self, run: str) -> Push:
        """A fresh capability for an open push.

        Raises:
            DeniedError: the push has ended, or the right was taken away.
        """
        return Push(run, self._call("POST", f"/pushes/{run}/capability", {}))

    def plan(self, push: Push, files: Iterable[tuple[str, int, str]]) -> set[int]:
        """Which files, by position, must travel."""
        answer = self._call("POST", f"/pushes/{push.run}/plan", {"files": [list(file) for file in files]})
        return {int(number) for number in answer["send"]}

    def finish(self, run: str, *, outcome: str = "ok", reason: str = "") -> dict[str, str]:
        """End a push; what its receipt says arrived: path -> SHA-256."""
        self._call("POST", f"/pushes/{run}/finish", {"outcome": outcome, "reason": reason})
        receipt = self._call("GET", f"/pushes/{run}/receipt")
        return {str(file["path"]): str(file["sha256"]).lower() for file in receipt.get("files", ())}

    def send_bundle(self, push: Push, pieces: Iterable[Piece]) -> None:
        """Send small files in one body."""
        body = bytearray()
        for piece in pieces:
            path = piece.path.encode("utf-8")
            body += struct.pack(">H", len(path)) + struct.pack(">Q", len(piece.content))
            body += bytes.fromhex(piece.sha256) + path + piece.content
        body += b"\0\0"
        headers = {"Content-Type": _MEDIA_TYPE, "Tsunagu-Bundle-Id": new_id()}
        answer = self._bytes(push, "POST", f"{push.base}/bundles", headers, bytes(body))
        if answer.status not in {_OK, _CREATED}:
            raise _refusal(answer)

    def create_upload(self, push: Push, path: str, size: int, sha256: str, mtime_ns: int) -> str:
        """Announce a large file; the address of its upload."""
        pairs = {"path": path, "sha256": sha256, "mtime_ns": str(mtime_ns)}
        encoded = ",".join(
            f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in pairs.items()
        )
        headers = {**_TUS, "Upload-Length": str(size), "Upload-Metadata": encoded}
        answer = self._bytes(push, "POST", f"{push.base}/tus", headers, b"")
        location = answer.headers.get("location")
        if answer.status != _CREATED or not location:
            raise _refusal(answer)
        return urljoin(f"{push.base}/tus", location)

    def upload_offset(self, push: Push, url: str) -> int | None:
        """How far an upload has come; None when the node forgot it."""
        answer = self._bytes(push, "HEAD", url, _TUS, None)
        if answer.status in {_OK, _NO_CONTENT}:
            return int(answer.headers["upload-offset"])
        if answer.status in {_NOT_FOUND, _GONE}:
            return None
        raise _refusal(answer)

    def send_piece(self, push: Push, url: str, offset: int, content: bytes) -> tuple[int, str]:
        """More bytes of a large file.

        Returns:
            The new offset, and the node's SHA-256 of the whole file once it is complete.
        """
        headers = {**_TUS, "Content-Type": "application/offset+octet-stream", "Upload-Offset": str(offset)}
        answer = self._bytes(push, "PATCH", url, headers, content)
        if answer.status == _CONFLICT:
            return (self.upload_offset(push, url) or 0), ""  # the node knows better how far it came
        if answer.status != _NO_CONTENT:
            raise _refusal(answer)
        reached = int(answer.headers.get("upload-offset") or offset + len(content))
        return reached, answer.headers.get("tsunagu-sha256", "").lower()

    def forget_upload(self, push: Push, url: str) -> None:
        """Drop an upload whose file changed."""
        self._bytes(push, "DELETE", url, _TUS, None)

    def _call(self, method: str, path: str, content: Any = None) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self._token}", "Accept": "application/json"}
        body = None
        if content is not None:
            body = json.dumps(content).encode("utf-8", "backslashreplace")
            headers["Content-Type"] = "application/json"
        answer = self._line.request(method, f"{self.url}/api/v1{path}", headers, body)
        if answer.status in {_OK, _CREATED}:
            return answer.json()
        if answer.status == _UNAUTHORIZED:
            raise TokenRefusedError
        raise _refusal(answer)

    def _bytes(
        self, push: Push, method: str, url: str, headers: Mapping[str, str], body: bytes | None
    ) -> Answer:
        answer = self._line.request(
            method, url, {**headers, "Authorization": f"Bearer {push.capability}"}, body
        )
        if answer.status != _UNAUTHORIZED:
            return answer
        # A capability lives 15 minutes; control asks the rules again and signs another.
        push.capability = self.renew(push.run).capability
        return self._line.request(
            method, url, {**headers, "Authorization": f"Bearer {push.capability}"}, body
        )


def _refusal(answer: Answer) -> Exception:
    if answer.status in _LATER:
        return OfflineError(DeniedError(answer).title)
    if answer.status == _UNAUTHORIZED:
        return TokenRefusedError()
    return DeniedError(answer)


def new_id() -> str:
    """A ULID: the node knows a bundle by it (https://github.com/ulid/spec)."""
    number = (time.time_ns() // 1_000_000 << 80) | int.from_bytes(os.urandom(10), "big")
    return "".join(_ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))
