"""Pull a dataset: ask for pages, fetch what is missing, check every hash, give every file its name at once."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import time
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from tsunagu.client import bundle
from tsunagu.client.errors import BadAnswerError, NodeRefusedError, UnreachableError, VerificationError
from tsunagu.client.following import FollowingHash
from tsunagu.client.local_tree import CannotPlaceError, LocalTree, hash_file
from tsunagu.client.messages import text
from tsunagu.client.node import dataset_path, refusal
from tsunagu.client.progress import Progress
from tsunagu.client.transport import Answer, unreachable
from tsunagu.core.errors import CapabilityRefusedError, TsunaguError
from tsunagu.core.paths import BadPathError, check_path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tsunagu.client.node import Node

SMALL_MAX = 1 << 20
_BATCH_FILES = 1_000
_BATCH_BYTES = 16 << 20
_PIECE = 1 << 20
_BREAKS = 10
_WITHDRAWN = {403, 404, 410}
_OK, _PARTIAL, _UNAUTHORIZED, _NOT_SATISFIABLE = 200, 206, 401, 416


@dataclass
class PullReport:
    """What a pull did; ``problems`` are files that are not in the folder as the dataset has them."""

    dataset: str
    destination: str
    version: int | None = None
    version_hash: str | None = None
    fetched: int = 0
    fetched_bytes: int = 0
    same: int = 0
    problems: list[dict[str, str]] = field(default_factory=list)
    left_from_earlier: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return asdict(self)


@dataclass(frozen=True)
class _Wanted:
    path: str
    native: str
    size: int
    sha256: str
    capability: str


class Pull:
    """One pull.

    Args:
        node: Where from.
        dataset: ``PROJECT/DATASET``.
        destination: The folder; made when missing.
        version: A number, or None for the draft.
        prefix: Only paths that start so.
        force: Overwrite files that somebody changed here.
        progress: Counts what was done.
        remembers: Whether a later pull into the same folder shall know what this one brought.
    """

    def __init__(
        self,
        node: Node,
        dataset: str,
        destination: str,
        *,
        version: int | None = None,
        prefix: str = "",
        force: bool = False,
        progress: Progress | None = None,
        remembers: bool = True,
    ) -> None:
        self._node = node
        self._place = dataset_path(dataset)
        self._version = version
        self._prefix = prefix
        self._force = force
        self._progress = progress or Progress()
        self._remembers = remembers
        self._byte_url = ""
        self._page_asked: dict[str, Any] = {}
        self._tree: LocalTree
        self.report = PullReport(dataset, os.path.abspath(destination), version)  # noqa: PTH100

    def run(self) -> PullReport:
        """Do it.

        Raises:
            TsunaguError: it could not be ended; a second pull goes on where this one stopped.
        """
        began = time.monotonic()
        first = self._ask("")
        self._tree = LocalTree(self.report.destination, remembers=self._remembers)
        with contextlib.closing(self._tree):
            for page in self._pages(first):
                self._page(page)
                self._tree.commit()
            kept_back = {
                problem["path"] for problem in self.report.problems
            }  # named, only not brought up to date
            earlier = self._tree.left_from_earlier(self._prefix)
            self.report.left_from_earlier = [path for path in earlier if path not in kept_back]
        self.report.seconds = round(time.monotonic() - began, 3)
        return self.report

    def _ask(self, after: str) -> dict[str, Any]:
        self._page_asked = {"version": self._version, "prefix": self._prefix, "after": after, "limit": 1000}
        page = self._node.post(f"{self._place}/pulls", self._page_asked, repeatable=True)
        self._byte_url = page["byte_url"].rstrip("/")
        return page

    def _pages(self, page: dict[str, Any]) -> Iterator[dict[str, Any]]:
        # A draft may be frozen while it is pulled; the version of the first page holds for all.
        self._version = page.get("version") if self._version is None else self._version
        self.report.version, self.report.version_hash = page.get("version"), page.get("version_hash")
        while True:
            yield page
            after = page.get("next")
            if not after:
                return
            page = self._ask(after)

    def _page(self, page: dict[str, Any]) -> None:
        small: list[_Wanted] = []
        size = 0
        large: list[_Wanted] = []
        for item in page["files"]:
            wanted = self._wanted(item)
            if wanted is None:
                continue
            if wanted.size > SMALL_MAX:
                large.append(wanted)
                continue
            small.append(wanted)
            size += wanted.size
            if size >= _BATCH_BYTES or len(small) >= _BATCH_FILES:
                self._fetch(small)
                small, size = [], 0
        if small:
            self._fetch(small)
        for wanted in large:
            self._fetch_large(wanted)

    def _wanted(self, item: dict[str, Any]) -> _Wanted | None:
        path, sha256 = item["path"], item["sha256"].lower()
        try:
            if check_path(path) != path:
                raise CannotPlaceError(text("path_not_nfc"))  # noqa: TRY301 - one list of reasons below
            native = self._tree.native(path)
            state = self._tree.state_of(path, native, sha256)
        except (BadPathError, CannotPlaceError, OSError) as error:
            self._problem(path, str(error))
            return None
        if state == "same":
            self._tree.keep(path)
            self.report.same += 1
            self._progress.add(files=1)
            return None
        if state == "changed" and not self._force:
            self._problem(path, text("changed_here"), code="client.local_changes")
            return None
        return _Wanted(path, native, item["size"], sha256, item["capability"])

    def _problem(self, path: str, reason: str, code: str = "client.cannot_place") -> None:
        self.report.problems.append({"path": path, "reason": reason, "code": code})

    def _renewed(self, files: list[_Wanted]) -> list[_Wanted]:
        """The same files with fresh capabilities: the page that named them is asked again, once for all of them."""
        page = self._node.post(f"{self._place}/pulls", self._page_asked, repeatable=True)
        fresh = {(item["path"], item["sha256"].lower()): item["capability"] for item in page["files"]}
        for wanted in files:
            if (wanted.path, wanted.sha256) not in fresh:
                raise BadAnswerError(
                    text("file_gone", path=wanted.path), remedy=text("try_again"), path=wanted.path
                )
        return [replace(wanted, capability=fresh[wanted.path, wanted.sha256]) for wanted in files]

    def _fetch(self, files: list[_Wanted]) -> None:
        """Many small files in one answer; after a break the rest is asked for again."""
        breaks = 0
        while files:
            done = 0
            try:
                for wanted in self._fetch_once(files):
                    done += 1
                    self._progress.add(files=1, byte_count=wanted.size)
            except CapabilityRefusedError:
                files = self._renewed(files[done:])
                breaks += 1
            except NodeRefusedError as error:
                self._fetch_apart(files[done:], error)
                return
            except (BadAnswerError, VerificationError, UnreachableError):
                files = files[done:]
                breaks = 1 if done else breaks + 1
            else:
                return
            if breaks > _BREAKS:
                raise UnreachableError(text("pull_broke_off"), remedy=text("pull_again_remedy"))
            self._node.transport.sleep(min(5.0, 0.05 * 2**breaks))

    def _fetch_apart(self, files: list[_Wanted], error: NodeRefusedError) -> None:
        """One file that cannot be had must not keep the others away: halve until it stands alone."""
        if error.status not in _WITHDRAWN:
            raise error
        if len(files) == 1:
            self._problem(files[0].path, error.message, code=error.code)
            return
        middle = len(files) // 2
        self._fetch(files[:middle])
        self._fetch(files[middle:])

    def _fetch_once(self, files: list[_Wanted]) -> Iterator[_Wanted]:
        url = f"{self._byte_url}/fetch"
        body = json.dumps({"capabilities": [wanted.capability for wanted in files]}).encode()
        headers = {"Content-Type": "application/json"}
        with self._node.transport.stream("POST", url, headers=headers, body=body) as response:
            _check(response, self._byte_url)
            members = bundle.read(response, largest=max(wanted.size for wanted in files))
            for wanted in files:
                try:
                    member = next(members)
                except (OSError, http.client.HTTPException) as error:
                    raise unreachable(url, error) from error
                except StopIteration:
                    raise BadAnswerError(text("bundle_broken"), remedy=text("try_again")) from None
                if member.sha256.hex() != wanted.sha256 or len(member.content) != wanted.size:
                    raise VerificationError(text("hash_differs", path=wanted.path), path=wanted.path)
                self._write(wanted, member.content)
                yield wanted
            with contextlib.suppress(OSError, http.client.HTTPException):
                response.read()  # the line can be used again

    def _write(self, wanted: _Wanted, content: bytes) -> None:
        scratch = self._tree.scratch()
        try:
            handle = os.open(
                scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0), 0o666
            )
            try:
                view = memoryview(content)
                while view:
                    view = view[os.write(handle, view) :]
            finally:
                os.close(handle)
            self._tree.settle(scratch, wanted.native, wanted.path, wanted.sha256)
        except OSError as error:
            with contextlib.suppress(OSError):
                os.unlink(scratch)  # noqa: PTH108
            self._disk_problem(wanted.path, error)
            return
        self._count(wanted)

    def _count(self, wanted: _Wanted) -> None:
        self.report.fetched += 1
        self.report.fetched_bytes += wanted.size

    def _disk_problem(self, path: str, error: OSError) -> None:
        import errno

        if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO}:
            raise LocalDiskError(
                text("local_disk", path=path, reason=error.strerror or str(error)),
                remedy=text("local_disk_remedy"),
            ) from error
        self._problem(path, error.strerror or str(error))

    def _fetch_large(self, wanted: _Wanted) -> None:
        part = self._tree.part(wanted.sha256)
        breaks = wrong = 0
        while breaks <= _BREAKS:
            have = os.path.getsize(part) if os.path.exists(part) else 0  # noqa: PTH110, PTH202
            try:
                digest = hash_file(part) if have >= wanted.size else self._receive(wanted, part, have)
                if digest == wanted.sha256:
                    self._tree.settle(part, wanted.native, wanted.path, wanted.sha256)
                    self._progress.add(files=1)
                    self._count(wanted)
                    return
                os.unlink(part)  # noqa: PTH108 - whole, but not the bytes that were asked for
                wrong += 1
            except CapabilityRefusedError:
                (wanted,) = self._renewed([wanted])
                breaks += 1
            except NodeRefusedError as error:
                if error.status not in _WITHDRAWN:
                    raise
                self._problem(wanted.path, error.message, code=error.code)
                return
            except (_LineBrokeError, UnreachableError):
                grown = os.path.exists(part) and os.path.getsize(part) > have  # noqa: PTH110, PTH202
                breaks = 1 if grown else breaks + 1
                self._node.transport.sleep(min(5.0, 0.05 * 2**breaks))
            except OSError as error:
                self._disk_problem(wanted.path, error)
                return
            if wrong > 1:
                raise VerificationError(
                    text("hash_differs", path=wanted.path), remedy=text("try_again"), path=wanted.path
                )
        raise UnreachableError(text("pull_broke_off"), remedy=text("pull_again_remedy"))

    def _receive(self, wanted: _Wanted, part: str, have: int) -> str:
        """Receive the rest of a large file; the hash of the whole.

        Raises:
            _LineBrokeError: what arrived is kept.
        """
        name = quote(wanted.path.rpartition("/")[2], safe="")
        headers = {"If-Range": f'"{wanted.sha256}"', "Range": f"bytes={have}-"} if have else {}
        url = f"{self._byte_url}/o/{wanted.capability}/{name}"
        with self._node.transport.stream("GET", url, headers=headers) as response:
            if response.status == _NOT_SATISFIABLE:
                os.truncate(part, 0)
                raise _LineBrokeError
            _check(response, self._byte_url)
            content_range = response.headers.get("Content-Range") or ""
            goes_on = response.status == _PARTIAL and content_range.startswith(f"bytes {have}-")
            page = memoryview(bytearray(_PIECE))
            total = have if goes_on else 0
            with open(part, "ab" if goes_on else "wb", buffering=0) as file, FollowingHash(part) as hashing:  # noqa: PTH123
                self._progress.add(byte_count=total)
                while total < wanted.size and (count := _read_into(response, page)):
                    file.write(page[:count])
                    total += count
                    hashing.grown(total)
                    self._progress.add(byte_count=count)
                if total < wanted.size:
                    self._progress.add(byte_count=-total)
                    raise _LineBrokeError
                return hashing.result()


class _LineBrokeError(Exception):
    """The answer ended before its end."""


def _read_into(response: http.client.HTTPResponse, page: memoryview) -> int:
    try:
        return response.readinto(page)
    except (OSError, http.client.HTTPException) as error:
        raise _LineBrokeError from error


class LocalDiskError(TsunaguError):
    """The disk of this machine took no more."""

    code = "client.local_disk"


def _check(response: http.client.HTTPResponse, url: str) -> None:
    if response.status in {_OK, _PARTIAL}:
        return
    answer = Answer(response.status, response.headers, response.read())
    if response.status == _UNAUTHORIZED:
        raise CapabilityRefusedError
    raise refusal(answer, url)
