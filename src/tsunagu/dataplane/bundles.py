"""Small files arrive together, are kept together and are read together."""

from __future__ import annotations

import hashlib
import io
import tarfile
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

from tsunagu.core import bundle
from tsunagu.core.blobs import new_key
from tsunagu.core.errors import InvalidInputError
from tsunagu.core.ids import is_id, new_id
from tsunagu.core.paths import check_path
from tsunagu.dataplane import receive
from tsunagu.dataplane.http import Answer, BodyCutError, Environ, bearer, content_length, header

if TYPE_CHECKING:
    from tsunagu.dataplane.app import ByteServer

_AT_ONCE = threading.BoundedSemaphore(4)  # bundles in memory at the same time: 4 x 80 MiB at most


def put_bundle(server: ByteServer, environ: Environ) -> Answer:
    """Receive a bundle (or a tar): all of it or nothing."""
    claims = server.signer.read(bearer(environ), "push")
    unit = header(environ, "Tsunagu-Bundle-Id") or new_id()
    if not is_id(unit):
        raise InvalidInputError("Tsunagu-Bundle-Id is no ULID.")
    length = content_length(environ, most=bundle.MOST_BYTES)
    with _AT_ONCE:
        data = receive.into_memory(environ, length)
        if len(data) < length:
            raise BodyCutError(received=len(data), announced=length)
        server.metrics.add("received_bytes", length)
        key = new_key()
        writing = _Writing(server, key, data)
        try:
            files = list(_entries(header(environ, "Content-Type"), data))
        except BaseException:
            writing.join_and_drop()
            raise
        writing.join()
    try:
        answer = server.control.commit(
            run=claims["run"],
            dataset=claims["ds"],
            unit=unit,
            object={"key": key, "size": length, "kind": "pack"},
            files=[[entry.path, entry.byte_count, entry.sha256.hex(), entry.offset] for entry in files],
        )
    except InvalidInputError:
        server.store.delete(key)
        raise
    return Answer.json({"bundle": unit, **answer}, 201)


class _Writing(threading.Thread):
    """Stores the bytes while another thread checks them."""

    def __init__(self, server: ByteServer, key: str, data: bytearray) -> None:
        super().__init__(daemon=True)
        self._server, self._key, self._data = server, key, data
        self._error: BaseException | None = None
        self.start()

    def run(self) -> None:
        try:
            self._server.store.put(self._key, self._data)
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that joins
            self._error = error

    def join(self, timeout: float | None = None) -> None:
        super().join(timeout)
        if self._error is not None:
            raise self._error

    def join_and_drop(self) -> None:
        super().join()
        if self._error is None:
            self._server.store.delete(self._key)


def _entries(media_type: str, data: bytearray) -> Iterator[bundle.Entry]:
    kind = media_type.partition(";")[0].strip()
    if kind == bundle.MEDIA_TYPE.partition(";")[0]:
        return bundle.read(data)
    if kind in {"application/x-tar", "application/tar"}:
        return _tar_entries(data)
    raise InvalidInputError(f"The media type {kind!r} is not taken here.", remedy=f"Send {bundle.MEDIA_TYPE} or a tar.")


def _tar_entries(data: bytearray) -> Iterator[bundle.Entry]:
    view = memoryview(data)
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
            for member in archive:
                if member.isdir():
                    continue
                path = check_path(member.name.removeprefix("./"))
                if not member.isfile() or member.issparse():
                    raise InvalidInputError(f"{path} is no plain file; links and devices are not taken.", path=path)
                start, end = member.offset_data, member.offset_data + member.size
                if end > len(data):
                    raise bundle.BrokenBundleError("The tar ends in the middle of a file.", path=path)
                yield bundle.Entry(path, member.size, hashlib.sha256(view[start:end]).digest(), start)
    except tarfile.TarError as error:
        raise bundle.BrokenBundleError(f"The tar cannot be read: {error}.") from None


def fetch(server: ByteServer, environ: Environ) -> Answer:
    """Many small files in one answer, in the order asked for."""
    import json

    length = content_length(environ, most=8 << 20)
    body = receive.into_memory(environ, length)
    try:
        tokens = json.loads(body)["capabilities"]
    except (ValueError, KeyError, TypeError):
        raise InvalidInputError('The body is {"capabilities": [...]}.') from None
    claims = [server.signer.read(str(token), "get") for token in tokens]

    def stream() -> Iterator[bytes]:
        out = bytearray()
        for claim in claims:
            name = str(claim["f"]).encode()
            out += bundle.head(name, claim["n"], bytes.fromhex(claim["h"]))
            for piece in server.store.read(claim["k"], claim["o"], claim["n"]):
                out += piece
                if len(out) >= receive.PIECE:
                    server.metrics.add("sent_bytes", len(out))
                    yield bytes(out)
                    out.clear()
        yield bytes(out) + bundle.END

    total = 2 + sum(42 + len(str(claim["f"]).encode()) + claim["n"] for claim in claims)
    return Answer(200, {"Content-Type": bundle.MEDIA_TYPE, "Content-Length": str(total)}, stream())
