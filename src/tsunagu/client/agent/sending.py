"""Bringing files that are at rest to the node: one batch of small files, or some pieces of a large one, per step.

The order makes a kill harmless: the ledger names the run before bytes travel, the node is asked what it has before
anything is sent, and a file is ``done`` only after the node's own SHA-256 of it equals ours.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
import time
from typing import Any, Callable, Iterable, Iterator, Mapping

from . import names, reading
from .ledger import WAITING, Ledger, Row
from .node import DeniedError, NodeDoor, Piece, Push

SMALL_MAX = 1 << 20  # what the node takes in a bundle, docs/reference/wire.md
_BATCH_FILES, _BATCH_BYTES = 2000, 16 << 20
_PIECE = 8 << 20
_LEAST_PIECE = 256 << 10
_FIRST_WAIT_S, _LONGEST_WAIT_S = 30.0, 3600.0
_CHECKSUM, _NOT_FOUND, _CONFLICT, _GONE = 460, 404, 409, 410
Tell = Callable[..., None]


class Sender:
    """Sends what the ledger holds at rest.

    Args:
        door: The node.
        ledger: What is known of every file.
        tell: Called with the name of an event and its fields.
        clock: The steady clock, seconds.
        patience: Multiplies every waiting time; tests are impatient.
    """

    def __init__(
        self,
        door: NodeDoor,
        ledger: Ledger,
        *,
        tell: Tell,
        clock: Callable[[], float] = time.monotonic,
        patience: float = 1.0,
    ) -> None:
        self._door, self._ledger, self._tell, self._clock = door, ledger, tell, clock
        self._patience = patience
        self._try_at: dict[int, float] = {}  # steady clock; after a restart everything is tried at once
        self._pushes: dict[str, Push] = {}
        self._hashing: tuple[int, reading.Hashing] | None = None
        self.piece_bytes = _PIECE
        self.folders: list[str] = []  # files of a folder that is no longer watched stay where they are

    def limit_pieces(self, rate: float) -> None:
        """Pieces that take about ten seconds at a limited rate (bytes per second)."""
        self.piece_bytes = _PIECE if rate <= 0 else int(min(_PIECE, max(_LEAST_PIECE, rate * 10)))

    def step(self, is_time_up: Callable[[], bool]) -> bool:
        """One batch, or pieces of one large file until the time is up; False when nothing waits.

        Raises:
            OfflineError, TokenRefusedError: nothing can be sent now.
        """
        self._wake()
        waiting = [state for state in WAITING if state != "verified"]
        rows = self._ledger.rows(waiting, folders=self.folders, limit=_BATCH_FILES)
        verified = self._ledger.rows(("verified",))
        if verified:  # a kill between the receipt and the last note: the node was asked already
            self._done(verified)
        if not rows:
            self._tidy()
            return bool(verified)
        first = rows[0]
        if first.size > SMALL_MAX:
            self._guarded([first], lambda: self._send_large(first, is_time_up))
        else:
            batch = self._batch(first, rows)
            self._guarded(batch, lambda: self._send_small(first.project, first.dataset, batch))
        return True

    def _batch(self, first: Row, rows: Iterable[Row]) -> list[Row]:
        batch, total = [], 0
        for row in rows:
            if (row.project, row.dataset) != (first.project, first.dataset) or row.size > SMALL_MAX:
                continue
            if total + row.size > _BATCH_BYTES:
                break
            batch.append(row)
            total += row.size
        return batch

    def _send_small(self, project: str, dataset: str, batch: list[Row]) -> None:
        contents = {}
        with self._ledger.together():
            for row in batch:
                content = self._read(row)
                if content is not None:
                    contents[row.id] = content
                    self._hashed(row, hashlib.sha256(content).hexdigest())
        rows = [row for row in batch if row.id in contents]
        if not rows:
            return
        key = f"{project}/{dataset}"
        push = self._open(key, project, dataset, rows)
        with self._asked_again(key):
            wanted = self._door.plan(push, [(row.path, row.size, row.sha256) for row in rows])
            sent = [row for number, row in enumerate(rows) if number in wanted]
            same = [row for number, row in enumerate(rows) if number not in wanted]
            with self._ledger.together():
                for row in sent:
                    self._ledger.move(row, "uploading", run=push.run)
            if sent:
                self._door.send_bundle(push, [Piece(row.path, row.sha256, contents[row.id]) for row in sent])
            self._conclude(key, push, sent, same)

    def _send_large(self, row: Row, is_time_up: Callable[[], bool]) -> None:
        if not self._hash_large(row, is_time_up):
            return
        key = f"file {row.id}"
        is_new = not (row.run and row.run == self._ledger.push(key))
        push = self._open(key, row.project, row.dataset, [row])
        if row.run != push.run or row.state != "uploading":
            is_new = True
        with self._asked_again(key):
            self._send_pieces(key, row, push, is_time_up, is_new=is_new)

    def _send_pieces(
        self, key: str, row: Row, push: Push, is_time_up: Callable[[], bool], *, is_new: bool
    ) -> None:
        if is_new or not self._is_going_on(row, push):
            if not self._door.plan(push, [(row.path, row.size, row.sha256)]):
                self._conclude(key, push, [], [row])
                return
            url = self._door.create_upload(push, row.path, row.size, row.sha256, row.mtime_ns)
            self._ledger.move(row, "uploading", run=push.run, upload_url=url, upload_offset=0)
        offset, still = row.upload_offset, reading.Still(row.size, row.mtime_ns)
        while True:
            try:
                piece = reading.read_piece(
                    row_native(row), still, offset, min(self.piece_bytes, row.size - offset)
                )
            except (reading.MovedError, FileNotFoundError):
                self._door.forget_upload(push, row.upload_url)
                self._moved(row)
                return
            offset, confirmed = self._door.send_piece(push, row.upload_url, offset, piece)
            self._ledger.note(row, upload_offset=offset)
            if confirmed:
                break
            if is_time_up():
                return
        self._conclude(key, push, [row], [])

    def _is_going_on(self, row: Row, push: Push) -> bool:
        """Whether the node still has the upload; the offset is the node's."""
        if not row.upload_url:
            return False
        offset = self._door.upload_offset(push, row.upload_url)
        if offset is None:
            return False
        if offset != row.upload_offset:
            self._ledger.note(row, upload_offset=offset)
        return True

    def _hash_large(self, row: Row, is_time_up: Callable[[], bool]) -> bool:
        if row.sha256 and row.state != "at_rest":
            return True
        still = reading.Still(row.size, row.mtime_ns)
        if self._hashing is None or self._hashing[0] != row.id or self._hashing[1].still != still:
            self._hashing = (row.id, reading.Hashing(row_native(row), still))
        try:
            digest = self._hashing[1].go_on(is_time_up)
        except (reading.MovedError, FileNotFoundError):
            self._hashing = None
            self._moved(row)
            return False
        except OSError as error:
            self._hashing = None
            self._failed(row, "unreadable", {"reason": error.strerror or str(error)})
            return False
        if digest is None:
            return False
        self._hashing = None
        self._hashed(row, digest)
        return True

    def _read(self, row: Row) -> bytes | None:
        try:
            return reading.read_small(row_native(row), reading.Still(row.size, row.mtime_ns))
        except (reading.MovedError, FileNotFoundError):
            self._moved(row)  # the next look says whether it vanished
        except OSError as error:
            code = "permission" if isinstance(error, PermissionError) else "unreadable"
            self._failed(row, code, {"reason": error.strerror or str(error)})
        return None

    def _hashed(self, row: Row, sha256: str) -> None:
        if row.state == "at_rest":
            self._ledger.move(row, "hashed", sha256=sha256)
        elif row.sha256 != sha256:
            # Same size and time, other bytes than before the restart: an upload that began is worth nothing.
            self._ledger.note(row, sha256=sha256, upload_url="", upload_offset=0)

    @contextlib.contextmanager
    def _asked_again(self, key: str) -> Iterator[None]:
        """Whatever went wrong with a push, the node is asked about it before it is used again.

        It may have ended there although its answer did not arrive.
        """
        try:
            yield
        except BaseException:
            self._pushes.pop(key, None)
            raise

    def _open(self, key: str, project: str, dataset: str, rows: list[Row]) -> Push:
        run = self._ledger.push(key)
        known = self._pushes.get(key)
        if run and known is not None and known.run == run:
            return known
        if run:
            try:
                self._pushes[key] = self._door.renew(run)
                return self._pushes[key]
            except DeniedError as error:
                if error.status not in {_NOT_FOUND, _CONFLICT, _GONE}:
                    raise
                self._ledger.push_ended(key)  # it ended, or this is another node: begin anew
        push = self._door.open(project, dataset, _note(rows))
        self._ledger.push_opened(key, project, dataset, push.run)
        self._pushes[key] = push
        return push

    def _conclude(self, key: str, push: Push, sent: list[Row], same: list[Row]) -> None:
        """End the push, compare its receipt with what was read, and only then believe."""
        receipt = self._door.finish(push.run)
        self._ledger.push_ended(key)
        self._pushes.pop(key, None)
        whole = list(same)
        with self._ledger.together():
            for row in sent:
                if receipt.get(row.path) == row.sha256:
                    whole.append(row)
                else:
                    self._failed(row, "checksum", {})
            for row in whole:
                self._ledger.move(row, "verified", run=push.run)
        self._done(whole, {row.id for row in same})

    def _done(self, rows: Iterable[Row], same: Iterable[int] = ()) -> None:
        known = set(same)
        with self._ledger.together():
            for row in rows:
                self._ledger.move(
                    row,
                    "done",
                    upload_url="",
                    upload_offset=0,
                    attempts=0,
                    sent=row.sha256,
                    done_at=time.time(),
                )
                self._try_at.pop(row.id, None)
        for row in rows:
            how = "same" if row.id in known else "sent"
            self._tell(
                "done", folder=row.folder, path=row.path, size=row.size, sha256=row.sha256, how=how,
                project=row.project, dataset=row.dataset, run=row.run,
            )  # fmt: skip

    def _guarded(self, rows: list[Row], act: Callable[[], None]) -> None:
        """Refusals that concern these files become their errors; what concerns the line goes up."""
        try:
            act()
        except DeniedError as error:
            named = [row for row in rows if error.path and row.path == error.path]
            moved = error.status == _CHECKSUM
            with self._ledger.together():
                for row in named or rows:
                    if row.state not in WAITING:
                        continue
                    if moved:
                        self._moved(row)
                    else:
                        self._failed(row, "refused", error.fields())

    def _moved(self, row: Row) -> None:
        self._ledger.move(row, "settling", sha256="", run="", upload_url="", upload_offset=0)
        self._tell("moved", folder=row.folder, path=row.path)

    def _failed(self, row: Row, code: str, fields: Mapping[str, Any]) -> None:
        longest = min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2 ** min(row.attempts, 10)) * self._patience
        wait_s = longest * random.uniform(0.5, 1.0)  # noqa: S311 - spreads agents, keeps no secret
        self._try_at[row.id] = self._clock() + wait_s
        is_news = row.attempts == 0
        self._ledger.move(
            row,
            "error",
            code=code,
            fields=dict(fields),
            attempts=row.attempts + 1,
            next_try_at=time.time() + wait_s,
        )
        if is_news:
            self._tell("problem", folder=row.folder, path=row.path, code=code, fields=fields)

    def _wake(self) -> None:
        """Errors whose time has come are tried again; the reason stays visible until it went well."""
        now = self._clock()
        for row in self._ledger.rows(("error",)):
            if self._try_at.get(row.id, 0.0) <= now:
                state = "hashed" if row.sha256 and row.code != "checksum" else "at_rest"
                self._ledger.move(row, state, code=row.code, fields=row.fields)

    def _tidy(self) -> None:
        """End runs whose files changed, vanished or went elsewhere: what arrived is kept."""
        for key, _, _, run in self._ledger.pushes():
            row = self._ledger.by_id(int(key[5:])) if key.startswith("file ") else None
            if row is not None and row.state in {"settling", "error"}:
                continue
            try:
                self._door.finish(
                    run, outcome="aborted", reason="The files changed or vanished before they were sent."
                )
            except DeniedError as error:
                if error.status not in {_NOT_FOUND, _CONFLICT, _GONE}:
                    raise
            self._ledger.push_ended(key)
            self._pushes.pop(key, None)


def row_native(row: Row) -> str:
    """The path for system calls."""
    base = row.folder.rstrip("/\\") if len(row.folder) > 1 else row.folder
    separator = "" if base.endswith(("/", "\\")) else (os.sep)
    return base + separator + names.from_bytes(row.name)


def _note(rows: Iterable[Row]) -> str:
    """Original bytes of names that had to be decoded, for the record of the run."""
    odd = [f"{row.path} = {row.name.hex()}" for row in rows if row.encoding]
    return ("Names as bytes on the instrument's PC: " + "; ".join(odd))[:1000] if odd else ""
