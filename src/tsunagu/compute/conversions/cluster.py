"""On the node: each table or store of a preparation as a task of the Dask cluster, with this machine behind it."""

from __future__ import annotations

import contextlib
import logging
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tsunagu import __version__
from tsunagu.compute.conversions import worker
from tsunagu.compute.jobs import api as jobs
from tsunagu.core import settings
from tsunagu.core.errors import TsunaguError
from tsunagu.data.readiness import api as readiness
from tsunagu.formats import api as formats
from tsunagu.foundation.storage import api as storage

logger = logging.getLogger(__name__)

_PIECE = 1 << 20
_MOST_WAIT_S = 3600.0  # until a worker is free
_AGAIN = 1  # a task whose worker was lost
_DEEP = 2  # tasks for each thread of a worker: it goes on with the next while this node takes in what it made


class _LostError(Exception):
    """The cluster did not do it."""


class OnDask(readiness.Maker):
    """The workers of a cluster.

    Args:
        line: To its scheduler.
        here: Does what the cluster does not.
        threads: How many the workers have together.
    """

    name = "dask"

    def __init__(self, line: jobs.DaskLine, here: readiness.Maker, threads: int) -> None:
        self._line, self._here, self.at_once = line, here, _DEEP * threads

    def make(
        self,
        plan: readiness.AnyPlan,
        stored: Sequence[readiness.Stored],
        sink: Callable[[str, bytes], object],
        *,
        on_read: Callable[[int], None],
    ) -> readiness.AnyProfile:
        """One attempt, at home where the cluster does not do it."""
        kind = formats.StoreProfile if isinstance(plan, formats.StorePlan) else formats.TableProfile
        try:
            with self._made(plan, stored) as (done, pieces):
                profile = kind.from_json(done)
                for path, piece in pieces:
                    sink(path, piece)
                return profile
        except (_LostError, ValueError) as error:
            logger.warning("conversion_not_on_dask", extra={"path": plan.path, "why": str(error)})
            return self._here.make(plan, stored, sink, on_read=on_read)

    @contextlib.contextmanager
    def _made(
        self,
        plan: readiness.AnyPlan,
        stored: Sequence[readiness.Stored],
    ) -> Iterator[tuple[dict[str, Any], Iterator[tuple[str, bytes]]]]:
        """The profile, and the pieces of what was made.

        Raises:
            _LostError: the cluster did not do it.
            ColumnChangedError, SourceFailedError, ConversionError: as when it is done here.
        """
        limits = readiness.limits_of(plan)
        patience_s = limits.wall_s + _MOST_WAIT_S
        root = settings.current().spool / "conversions"
        root.mkdir(mode=0o700, exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=root))
        try:
            order = {
                "version": __version__,
                "kind": "store" if isinstance(plan, formats.StorePlan) else "table",
                "plan": plan.as_json(),
                "sources": _addresses(stored, patience_s),
                "limits": asdict(limits),
                "folder": str(folder),
            }
            answer = self._asked(order, patience_s)
            yield answer["done"], _pieces(folder / answer["file"], answer["parts"])
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _asked(self, order: dict[str, Any], patience_s: float) -> dict[str, Any]:
        try:
            with self._line.open() as client:
                future = client.submit(worker.make, order, pure=False, retries=_AGAIN)
        except jobs.NoExecutorError as error:
            raise _LostError(error.message) from error
        try:
            answer: dict[str, Any] = future.result(timeout=patience_s)
        except Exception as error:
            # Whatever it is that came of the cluster, the thing can be made here.
            with contextlib.suppress(Exception):
                future.cancel()
            raise _LostError(f"{type(error).__name__}: {error}") from error
        match answer:
            case {"done": dict(), "file": str(), "parts": list()}:
                return answer
            case {"changed": [column, source, reason, is_text]}:
                raise formats.ColumnChangedError(column, source=source, reason=reason, is_text=is_text)
            case {"failed": [source, reason, code]}:
                raise formats.SourceFailedError(source, reason=reason, code=code)
            case {"refused": str(message)}:
                raise formats.ConversionError(message)
        raise _LostError(str(answer.get("broken")))


def _addresses(stored: Sequence[readiness.Stored], lifetime_s: float) -> list[tuple[str, str, int]]:
    """Signed addresses, which end with the time that the task may take."""
    base = settings.current().bytes_address
    there = [one for one in stored if one.place is not None]
    names = [(one.place, one.sha256.hex()) for one in there if one.place is not None]
    tokens = dict(
        zip(
            (one.sha256 for one in there), storage.get_capabilities(names, lifetime_s=lifetime_s), strict=True
        )
    )
    return [
        (
            f"{base}/o/{tokens[one.sha256]}/{quote(one.sha256.hex())}" if one.sha256 in tokens else "",
            one.sha256.hex(),
            one.byte_count,
        )
        for one in stored
    ]


def _pieces(file: Path, parts: Sequence[Sequence[Any]]) -> Iterator[tuple[str, bytes]]:
    """Raises _LostError before the first piece when not all of them are there."""
    try:
        is_whole = file.stat().st_size == sum(int(size) for _path, size in parts)
    except OSError as error:
        raise _LostError(f"What the worker made is not in the shared folder: {error}") from error
    if not is_whole:
        raise _LostError("What the worker made is not whole.")
    with file.open("rb") as made:
        for path, size in parts:
            left = int(size)
            while left:
                piece = made.read(min(left, _PIECE))
                left -= len(piece)
                yield str(path), piece


_lines: list[jobs.DaskLine] = []


def _chosen(here: readiness.Maker) -> readiness.Maker | None:
    """The cluster, where the settings want it and it has workers now."""
    node = settings.current()
    if not (node.dask_scheduler and node.dask_converts):
        return None
    if not _lines:
        _lines.append(jobs.DaskLine())
    try:
        with _lines[0].open() as client:
            threads = sum(client.nthreads().values())
    except TsunaguError as error:
        logger.warning("conversion_not_on_dask", extra={"why": error.message})
        return None
    return OnDask(_lines[0], here, threads) if threads else None


def offer() -> None:
    """Have preparations be made on the cluster, where the settings want it."""
    readiness.offer(_chosen)
