"""Bytes go out: one file with ranges, a folder as ZIP."""

from __future__ import annotations

import os
import re
import time
import zipfile
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote

from tsunagu.core.errors import CapabilityRefusedError, NotFoundError
from tsunagu.dataplane.http import Answer, Environ, header

if TYPE_CHECKING:
    from tsunagu.dataplane.app import ByteServer

_RANGE = re.compile(r"bytes=(\d*)-(\d*)\Z")
# Whatever a file holds, a browser shall never run it in our name.
GUARD = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Referrer-Policy": "no-referrer",
}


def get_file(server: ByteServer, environ: Environ, token: str) -> Answer:
    """One file or a range of it."""
    claims = server.signer.read(token, "get")
    size, etag = int(claims["n"]), f'"{claims["h"]}"'
    query = parse_qs(environ.get("QUERY_STRING", ""))
    is_picture = "inline" in query and claims.get("mt") == "image/png"
    headers = {
        **GUARD,
        "ETag": etag,
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, max-age=600",
        "Content-Type": "image/png" if is_picture else "application/octet-stream",
        "Content-Disposition": "inline" if is_picture else disposition(str(claims["f"])),
    }
    if etag in (tag.strip() for tag in header(environ, "If-None-Match").split(",")):
        return Answer(304, headers)
    start, end, status = 0, size, 200
    wanted = header(environ, "Range")
    if wanted and header(environ, "If-Range") in {"", etag}:
        found = _range(wanted, size)
        if found is None and "," not in wanted:
            return Answer(416, {**headers, "Content-Range": f"bytes */{size}", "Content-Length": "0"})
        if found is not None:
            (start, end), status = found, 206
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    headers["Content-Length"] = str(end - start)
    if environ["REQUEST_METHOD"] == "HEAD":
        return Answer(status, headers)
    server.metrics.add("sent_bytes", end - start)
    return Answer(status, headers, _body(server, environ, claims, start, end - start))


def _range(text: str, size: int) -> tuple[int, int] | None:
    """(first, past the last) of a single satisfiable range; None otherwise."""
    match = _RANGE.match(text.replace(" ", ""))
    if not match or not any(match.groups()):
        return None
    first, last = match.groups()
    if not first:
        count = min(int(last), size)
        return (size - count, size) if count else None
    start, end = int(first), min(int(last) + 1 if last else size, size)
    return (start, end) if start < end else None


def _body(server: ByteServer, environ: Environ, claims: dict[str, Any], start: int, length: int) -> Any:
    path = server.store.local_path(claims["k"])
    wrapper = environ.get("wsgi.file_wrapper")
    if path is None or wrapper is None:
        return server.store.read(claims["k"], claims["o"] + start, length)
    try:
        file = path.open("rb")
    except FileNotFoundError:
        raise NotFoundError("The bytes of this file are missing from the store.") from None
    os.lseek(file.fileno(), claims["o"] + start, os.SEEK_SET)
    return wrapper(file, 1 << 20)  # gunicorn sends it with sendfile, from here for Content-Length bytes


def disposition(name: str) -> str:
    """Content-Disposition with the real name (RFC 6266)."""
    plain = re.sub(r"[^A-Za-z0-9._ -]", "_", name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


class _Pipe:
    """Takes what ``zipfile`` writes and hands it on."""

    def __init__(self) -> None:
        self.data = bytearray()

    def write(self, piece: bytes) -> int:
        self.data += piece
        return len(piece)

    def flush(self) -> None:
        """Nothing is held back."""

    def take(self) -> bytes:
        piece = bytes(self.data)
        self.data.clear()
        return piece


def get_zip(server: ByteServer, token: str, name: str) -> Answer:
    """A folder or all of a version as a ZIP, made while it is sent."""
    claims = server.signer.read(token, "list")
    first = server.control.listing(token, "")
    headers = {
        **GUARD,
        "Content-Type": "application/zip",
        "Content-Disposition": disposition(name or "dataset.zip"),
        "Cache-Control": "no-store",
    }
    return Answer(200, headers, _zip(server, token, first, str(claims["pre"])))


def _zip(server: ByteServer, token: str, page: dict[str, Any], prefix: str) -> Iterator[bytes]:
    pipe = _Pipe()
    cut = prefix.rstrip("/").rfind("/") + 1
    moment = time.gmtime()[:6]
    sums: list[str] = []
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_STORED) as archive:  # type: ignore[arg-type]
        while True:
            for path, size, sha256, key, offset in page["files"]:
                info = zipfile.ZipInfo(path[cut:], moment)
                info.file_size = size
                with archive.open(info, "w", force_zip64=size >= 1 << 31) as member:
                    for piece in server.store.read(key, offset, size):
                        member.write(piece)
                        if len(pipe.data) >= 1 << 20:
                            yield pipe.take()
                sums.append(f"{sha256}  {path[cut:]}\n")
            if not page["next"]:
                break
            # The rules are asked again for every page; a capability that ended meanwhile ends the archive, broken.
            try:
                page = server.control.listing(token, page["next"])
            except CapabilityRefusedError:
                return
        archive.writestr(zipfile.ZipInfo("SHA256SUMS.txt", moment), "".join(sums))
    yield pipe.take()
