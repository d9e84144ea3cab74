"""On a worker of the cluster: fetch the files, make one thing of them behind walls, leave it in the shared folder.

No Django and no database: all that is known comes with the order.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Self

from tsunagu import __version__
from tsunagu.client.transport import Transport
from tsunagu.core.errors import TsunaguError
from tsunagu.formats import api as formats

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_PIECE = 1 << 20
_IN_MEMORY = 256 << 20  # two of them at most for each thread of a worker
_OK = 200
_own = threading.local()


@dataclass(frozen=True, slots=True)
class Fetched:
    """Where the bytes of a source are fetched from; ``url`` is empty when they are gone."""

    url: str
    sha256: str
    byte_count: int


class _FetchError(Exception):
    """The bytes did not come as they should; that says nothing about the file."""


def make(order: Mapping[str, Any]) -> dict[str, Any]:
    """One attempt at a table or a store.

    Args:
        order: ``version`` of the program; ``kind``: table or store; ``plan``; ``sources``; ``limits``; ``folder``: where
            what is made is put.

    Returns:
        ``done``: the profile, with ``file``: the name in the folder, and ``parts``: paths and sizes in a row (one without
        a path of a table). Or what stops the attempt: ``changed``, ``failed``, ``refused``. Or ``broken``: it has to be
        done elsewhere.
    """
    if order["version"] != __version__:
        return {"broken": f"The worker runs version {__version__}."}
    try:
        return _make(order)
    except formats.ColumnChangedError as error:
        return {"changed": [error.column, error.source, error.reason, error.is_text]}
    except formats.SourceFailedError as error:
        return {"failed": [error.source, error.reason, error.code]}
    except formats.ConversionError as error:
        return {"refused": error.message}
    except (_FetchError, OSError, TsunaguError) as error:
        return {"broken": str(error)}


def _make(order: Mapping[str, Any]) -> dict[str, Any]:
    sources = [Fetched(*one) for one in order["sources"]]
    limits = formats.Limits(**order["limits"])
    converter = _converter()
    descriptor, name = tempfile.mkstemp(dir=order["folder"])
    try:
        with os.fdopen(descriptor, "wb") as file, _Files(sources) as files:
            sink = _Sink(file)
            profile: formats.TableProfile | formats.StoreProfile
            if order["kind"] == "table":
                plan = formats.TablePlan.from_json(order["plan"])
                profile = converter.convert(plan, files.open, sink.write_only, limits=limits)
            else:
                store = formats.StorePlan.from_json(order["plan"])
                profile = converter.make_store(store, files.open, sink.write, limits=limits)
    except BaseException:
        Path(name).unlink()
        raise
    return {"done": profile.as_json(), "file": Path(name).name, "parts": sink.parts}


def _converter() -> formats.Converter:
    """One for each thread, kept: its start costs more than a small table."""
    found: formats.Converter | None = getattr(_own, "converter", None)
    if found is None:
        found = _own.converter = formats.Converter()
    return found


class _Sink:
    """Puts the files of a store behind each other."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.parts: list[list[Any]] = []

    def write(self, path: str, piece: bytes) -> None:
        if not self.parts or self.parts[-1][0] != path:
            self.parts.append([path, 0])
        self.parts[-1][1] += self._file.write(piece)

    def write_only(self, piece: bytes) -> None:
        self.write("", piece)


class _Files:
    """The sources as files without a name, fetched and checked; the next one comes while one is read."""

    def __init__(self, sources: Sequence[Fetched]) -> None:
        self._sources = sources
        self._transport = Transport()
        self._next: dict[int, Future[BinaryIO]] = {}

    def __enter__(self) -> Self:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="fetch")
        self._begin(0)  # while the process behind the walls starts
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)
        self._transport.close()
        for coming in self._next.values():
            if not coming.cancelled() and coming.exception() is None:
                coming.result().close()

    @contextlib.contextmanager
    def open(self, index: int) -> Iterator[Path]:
        """Where the bytes of a source lie while it is read."""
        if not self._sources[index].url:
            raise formats.SourceFailedError(index, reason="The stored bytes are gone.", code="not_accessible")
        self._begin(index)
        file = self._next.pop(index).result()
        self._begin(index + 1)
        with file:
            yield Path(f"/proc/self/fd/{file.fileno()}")

    def _begin(self, index: int) -> None:
        if index < len(self._sources) and self._sources[index].url and index not in self._next:
            self._next[index] = self._pool.submit(self._fetch, index)

    def _fetch(self, index: int) -> BinaryIO:
        file = _room(self._sources[index].byte_count)
        try:
            self._fill(file, self._sources[index])
        except BaseException:
            file.close()
            raise
        return file

    def _fill(self, file: BinaryIO, source: Fetched) -> None:
        memory, digest, count = memoryview(bytearray(_PIECE)), hashlib.sha256(), 0
        with self._transport.stream("GET", source.url) as answer:
            if answer.status != _OK:
                raise _FetchError(f"The byte server answered {answer.status}.")
            while size := answer.readinto(memory):
                digest.update(memory[:size])
                count += file.write(memory[:size])
        if count != source.byte_count or digest.hexdigest() != source.sha256:
            raise _FetchError("Other bytes came than those that are stored.")


def _room(byte_count: int) -> BinaryIO:
    """A file that is gone when it is closed: in memory where it is small, since a disk would begin to write what nobody keeps."""
    if byte_count <= _IN_MEMORY:
        return os.fdopen(os.memfd_create("source"), "w+b", buffering=0)
    return tempfile.TemporaryFile(prefix="tsunagu-", buffering=0)
