"""What a stream asks the node: open a use, addresses of files, keep what was read, end."""

from __future__ import annotations

import socket
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from tsunagu import __version__
from tsunagu.client.errors import BadAnswerError
from tsunagu.client.messages import text
from tsunagu.client.node import Node, dataset_path
from tsunagu.core.errors import TsunaguError

if TYPE_CHECKING:
    from tsunagu.client.account import Account

_PAGE = 5000


@dataclass(frozen=True, slots=True)
class Source:
    """A file that can be read: where, how large, which bytes."""

    path: str
    size: int
    sha256: str
    capability: str
    byte_url: str


@dataclass(frozen=True, slots=True)
class Use:
    """An open use of a version, as the node answered."""

    id: str
    opening: str
    training: str
    dataset: str
    version: int
    version_hash: str
    may_cache: bool


@dataclass(slots=True)
class Progress:
    """What a process has read since the use was opened."""

    reader: str
    epochs: int = 0
    rows: int = 0
    bytes: int = 0


class Door:
    """One process's line to the node; make one per process and thread."""

    def __init__(self, account: Account) -> None:
        self.node = Node(account)

    def open(
        self, dataset: str, *, version: int | None, training: str, purpose: str, service: str, suffix: str
    ) -> tuple[Use, dict[str, Any] | None]:
        """Open a use; the node asks its rules and its guard. With the first page of the files, where it says it.

        Raises:
            TsunaguError: the node refused, or does not answer.
        """
        wanted = {
            "version": version,
            "training": training,
            "purpose": purpose,
            "service": service,
            "client": f"tsunagu.stream {__version__} ({socket.gethostname()})",
            "files": {"suffix": suffix, "limit": _PAGE},
        }
        said = self.node.post(f"{dataset_path(dataset)}/uses", wanted)
        return Use(**{name: said[name] for name in Use.__slots__}), said.get("files")

    def files(self, use: Use, suffix: str, first: dict[str, Any] | None = None) -> list[Source]:
        """Every file of the version whose name ends so; ``first`` is the page that came with the opening."""
        found: list[Source] = []
        page = first or self._page(use, suffix=suffix, after="", limit=_PAGE)
        while True:
            found += [_source(page, one) for one in page["files"] if one["path"].endswith(suffix)]
            if not page.get("next"):
                return found
            page = self._page(use, suffix=suffix, after=page["next"], limit=_PAGE)

    def again(self, use: Use, source: Source) -> Source:
        """The file with a fresh address: the rules and the guard have been asked again."""
        page = self._page(use, prefix=source.path, after="", limit=1)
        for one in page["files"]:
            if one["path"] == source.path and one["sha256"] == source.sha256:
                return _source(page, one)
        raise BadAnswerError(text("file_gone", path=source.path), remedy=text("try_again"))

    def note(self, use: Use, progress: Progress) -> None:
        """Say what was read, and close; a report that does not get through is made good by the next one."""
        self._quietly(f"/uses/{use.id}/progress", {"opening": use.opening, **asdict(progress)})

    def end(self, use: Use, outcome: str, progress: Progress) -> None:
        """Say that this process has ended, and close; if that does not get through the node ends the use later."""
        said = {"opening": use.opening, "outcome": outcome, "progress": asdict(progress)}
        self._quietly(f"/uses/{use.id}/end", said)

    def close(self) -> None:
        """Close the connections."""
        self.node.close()

    def _page(self, use: Use, **wanted: Any) -> dict[str, Any]:
        return self.node.post(f"/uses/{use.id}/files", wanted, repeatable=True)

    def _quietly(self, path: str, content: dict[str, Any]) -> None:
        try:
            self.node.post(path, content, repeatable=True)
        except TsunaguError:
            return
        finally:
            self.close()


def _source(page: dict[str, Any], one: dict[str, Any]) -> Source:
    return Source(one["path"], one["size"], one["sha256"], one["capability"], page["byte_url"].rstrip("/"))
