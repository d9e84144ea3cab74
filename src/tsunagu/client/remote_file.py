"""A file of a dataset as a seekable Python file: bytes are asked for as they are read."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from tsunagu.client.errors import BadAnswerError
from tsunagu.client.messages import text
from tsunagu.client.node import dataset_path, refusal
from tsunagu.core.errors import NotFoundError

if TYPE_CHECKING:
    from tsunagu.client.node import Node

_UNAUTHORIZED = 401


class RemoteFile(io.RawIOBase):
    """Read-only; wrap it in `io.BufferedReader` (``Dataset.open`` does) so that small reads share a request."""

    def __init__(self, node: Node, dataset: str, path: str, version: int | None) -> None:
        super().__init__()
        self._node, self._place = node, dataset_path(dataset)
        self._path, self._version = path, version
        self._position = 0
        self._entry, self._byte_url = self._ask()
        self.size: int = self._entry["size"]
        self.sha256: str = self._entry["sha256"]

    def _ask(self) -> tuple[dict[str, Any], str]:
        content = {"version": self._version, "prefix": self._path, "after": "", "limit": 1}
        page = self._node.post(f"{self._place}/pulls", content, repeatable=True)
        for entry in page["files"]:
            if entry["path"] == self._path:
                self._version = page.get("version") if self._version is None else self._version
                return entry, page["byte_url"].rstrip("/")
        raise NotFoundError(text("no_such_file", path=self._path), path=self._path)

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Always."""
        return True

    def tell(self) -> int:
        """The position."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move; nothing is asked from the node."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size}[whence]
        if base + offset < 0:
            raise ValueError("a position before the start of the file")
        self._position = base + offset
        return self._position

    def readinto(self, buffer: Any, /) -> int:
        """Fill the buffer from the present position."""
        view = memoryview(buffer).cast("B")
        count = min(len(view), self.size - self._position)
        if count <= 0:
            return 0
        content = self._range(self._position, count)
        view[:count] = content
        self._position += count
        return count

    def _range(self, start: int, count: int) -> bytes:
        headers = {"Range": f"bytes={start}-{start + count - 1}"}
        for last in (False, True):
            name = quote(self._path.rpartition("/")[2], safe="")
            url = f"{self._byte_url}/o/{self._entry['capability']}/{name}"
            answer = self._node.transport.request("GET", url, headers=headers)
            if answer.status != _UNAUTHORIZED or last:
                break
            self._entry, self._byte_url = self._ask()
            if self._entry["sha256"] != self.sha256:
                raise BadAnswerError(text("file_gone", path=self._path), remedy=text("try_again"))
        if answer.status == 200:  # noqa: PLR2004 - a server that does not know ranges sends all
            return answer.body[start : start + count]
        if answer.status != 206 or len(answer.body) != count:  # noqa: PLR2004
            raise refusal(answer, self._byte_url)
        return answer.body
