"""Push a folder: read, ask what is missing, send, close the run, hand out the receipt."""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from tsunagu.client import bundle
from tsunagu.client.errors import NodeRefusedError, UnreachableError, UsageError, VerificationError
from tsunagu.client.messages import text
from tsunagu.client.node import dataset_path
from tsunagu.client.progress import Progress
from tsunagu.client.push_state import Known, PushState
from tsunagu.client.reading import (
    BATCH_BYTES,
    Batch,
    LargeBatch,
    MovingFileError,
    Reader,
    read_small,
    reason_of,
)
from tsunagu.client.senders import Senders, Sent
from tsunagu.client.transport import user_agent
from tsunagu.client.uploads import Uplink
from tsunagu.client.walk import Found, Skipped
from tsunagu.core.errors import TsunaguError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tsunagu.client.node import Node

_RUN_IS_OVER = {403, 404, 409, 410}


@dataclass
class PushReport:
    """What a push did; ``problems`` is what somebody should look at."""

    dataset: str
    run: str = ""
    sent: int = 0
    sent_bytes: int = 0
    same: int = 0
    linked: int = 0
    left_out: list[Skipped] = field(default_factory=list)
    problems: list[Skipped] = field(default_factory=list)
    resumed: bool = False
    receipt: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        shown = asdict(self)
        for key in ("left_out", "problems"):
            shown[key] = [{"path": item.path, "reason": item.reason} for item in getattr(self, key)]
        return shown


class Push:
    """One push.

    Args:
        node: Where to.
        dataset: ``PROJECT/DATASET``.
        folder: What to send.
        cache: Where states are kept.
        progress: Counts what was done.
        create: Make the dataset when it is not there.
        note: Goes into the run record.
        inputs: Datasets (and versions) that the files were derived from; their labels travel.
        takes_all: Files with the names of temporary ones too.
    """

    def __init__(
        self,
        node: Node,
        dataset: str,
        folder: str,
        *,
        cache: str,
        progress: Progress | None = None,
        create: bool = True,
        note: str = "",
        inputs: Sequence[str] = (),
        takes_all: bool = False,
    ) -> None:
        if not os.path.isdir(folder):  # noqa: PTH112
            raise UsageError(text("no_folder", path=folder), remedy=text("no_folder_remedy"), path=folder)
        self._node = node
        self._place = dataset_path(dataset)
        self._folder = folder
        self._progress = progress or Progress()
        self._create = create
        self._note = note
        self._inputs = list(inputs)
        self._takes_all = takes_all
        self._state = PushState(folder, node.account.url, dataset, cache)
        self._plans = True
        self.report = PushReport(dataset)

    def run(self) -> PushReport:
        """Do it.

        Raises:
            TsunaguError: it could not be ended; what the node acknowledged is kept, and another push goes on.
        """
        began = time.monotonic()
        with contextlib.closing(self._state):
            uplink = self._opened()
            uplink.on_bytes = lambda count: self._progress.add(byte_count=count)
            reader = Reader(
                self._folder,
                self._state,
                hash_large=self._plans,
                report=self._skipped,
                takes_all=self._takes_all,
            )
            senders = Senders(uplink)
            try:
                for batch in reader:
                    if isinstance(batch, Batch):
                        self._small(senders, batch)
                    else:
                        self._arrived(senders.drain())
                        self._large(uplink, batch)
                self._arrived(senders.drain())
            except BaseException as error:
                reader.stop()
                self._broken_off(error)
                raise
            finally:
                senders.close()
            problems = self.report.problems
            reason = text("problems_reason", count=len(problems)) if problems else ""
            self._finish("failed" if problems else "ok", reason)
        self.report.seconds = round(time.monotonic() - began, 3)
        return self.report

    def _skipped(self, skipped: Skipped) -> None:
        (self.report.problems if skipped.kind == "problem" else self.report.left_out).append(skipped)

    def _opened(self) -> Uplink:
        # A run that was broken off knows nothing of these inputs: then another one begins.
        broken_off = None if self._inputs else self._state.open_run()
        if broken_off:
            run, byte_url = broken_off
            try:
                fresh = self._node.post(f"/pushes/{run}/capability", repeatable=True)
            except NodeRefusedError as error:
                if error.status not in _RUN_IS_OVER:
                    raise
                self._state.run_closed()
            else:
                self.report.run, self.report.resumed = run, True
                return Uplink(self._node, run, {"byte_url": byte_url, **fresh}, self._state)
        import socket

        client = f"{user_agent()} ({socket.gethostname()})"
        content = {"create": self._create, "kind": "push", "client": client, "note": self._note}
        if self._inputs:
            content["inputs"] = self._inputs
        opened = self._node.post(f"{self._place}/pushes", content, repeatable=True)
        self._state.run_opened(opened["run"], opened["byte_url"])
        self.report.run = opened["run"]
        self._plans = not opened.get("is_empty", False)
        return Uplink(self._node, opened["run"], opened, self._state)

    def _plan(self, files: list[Known]) -> Iterable[int]:
        if not self._plans:
            return range(len(files))
        asked = {"files": [[file.path, file.size, file.sha256.hex()] for file in files]}
        plan = self._node.post(f"/pushes/{self.report.run}/plan", asked, repeatable=True)
        self.report.same += plan["same"]
        self.report.linked += plan["linked"]
        self._progress.add(files=len(files) - len(plan["send"]))
        return list(plan["send"])

    def _small(self, senders: Senders, batch: Batch) -> None:
        wanted = self._plan(batch.files)
        for files, body in self._bodies(batch, wanted):
            self._arrived(senders.send(files, body))
        if self._plans:
            sending = set(wanted)
            self._state.remember(file for index, file in enumerate(batch.files) if index not in sending)

    def _arrived(self, bundles: Iterable[Sent]) -> None:
        for files, size, answer in bundles:
            if answer.get("files") != len(files):
                raise VerificationError(text("bundle_count", sent=len(files), answered=answer.get("files")))
            self._state.remember(files)
            self._progress.add(files=len(files), byte_count=size)
            self.report.sent += len(files)
            self.report.sent_bytes += sum(file.size for file in files)

    def _bodies(self, batch: Batch, wanted: Iterable[int]) -> Iterator[tuple[list[Known], bytes]]:
        files: list[Known] = []
        parts: list[bytes] = []
        size = 0
        for index in wanted:
            file, content = batch.files[index], batch.contents[index]
            batch.contents[index] = None
            if content is None:
                read = self._read_again(file, batch.natives[index])
                if read is None:
                    continue
                file, content = read
            path = file.path.encode()
            parts += (bundle.header(path, file.size, file.sha256), content)
            files.append(file)
            size += file.size
            if size >= BATCH_BYTES:
                parts.append(bundle.END)
                yield files, b"".join(parts)
                files, parts, size = [], [], 0
        if files:
            parts.append(bundle.END)
            yield files, b"".join(parts)

    def _read_again(self, file: Known, native: str) -> tuple[Known, bytes] | None:
        """A file that was known without reading, and that the node turned out to lack."""
        try:
            content, size, mtime_ns = read_small(native, file.size, file.mtime_ns)
        except (OSError, MovingFileError) as error:
            self._skipped(Skipped(file.path, "problem", reason_of(error)))
            return None
        return Known(file.path, size, mtime_ns, file.inode, hashlib.sha256(content).digest()), content

    def _large(self, uplink: Uplink, batch: LargeBatch) -> None:
        hashed = [(file, digest) for file, digest in batch.files if digest is not None]
        wanted = {file.path for file, digest in batch.files if digest is None}
        if hashed:
            known = [
                Known(file.path, file.size, file.mtime_ns, file.inode, digest) for file, digest in hashed
            ]
            wanted |= {known[index].path for index in self._plan(known)}
            self._state.remember(file for file in known if file.path not in wanted)
        for file, digest in batch.files:
            if file.path in wanted:
                self._one_large(uplink, file, digest)

    def _one_large(self, uplink: Uplink, file: Found, digest: bytes | None) -> None:
        try:
            confirmed = uplink.send_large(file, digest)
        except (OSError, MovingFileError) as error:
            self._skipped(Skipped(file.path, "problem", reason_of(error)))
            return
        self._state.remember([Known(file.path, file.size, file.mtime_ns, file.inode, confirmed)])
        self._progress.add(files=1)
        self.report.sent += 1
        self.report.sent_bytes += file.size

    def _finish(self, outcome: str, reason: str) -> None:
        content = {"outcome": outcome, "reason": reason}
        self.report.receipt = self._node.post(f"/pushes/{self.report.run}/finish", content, repeatable=True)
        self._state.run_closed()

    def _broken_off(self, error: BaseException) -> None:
        """Leave the run open when a later push can go on with it; otherwise say how it ended."""
        if isinstance(error, UnreachableError) or self._state.has_uploads():
            return
        reason = error.code if isinstance(error, TsunaguError) else type(error).__name__
        transport = self._node.transport
        attempts, transport.attempts = transport.attempts, 1
        with contextlib.suppress(TsunaguError):
            self._finish("aborted" if isinstance(error, KeyboardInterrupt) else "failed", reason)
        transport.attempts = attempts
