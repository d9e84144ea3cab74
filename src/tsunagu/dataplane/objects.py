"""``GET /o/...``: one file, or a range of it."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qs, quote

from tsunagu.core.blobs import check_key
from tsunagu.core.errors import TsunaguError
from tsunagu.dataplane.exchange import Request, Response

if TYPE_CHECKING:
    from tsunagu.core.blobs import BlobStore
    from tsunagu.dataplane.context import Context

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})\Z")
# Content that people sent must never run as a page of this origin.
GUARD_HEADERS = (
    ("X-Content-Type-Options", "nosniff"),
    ("Content-Security-Policy", "sandbox; default-src 'none'"),
    ("Cross-Origin-Resource-Policy", "cross-origin"),
    ("Referrer-Policy", "no-referrer"),
    ("Cache-Control", "private"),
)


class RangeError(TsunaguError):
    """A range outside the file."""

    code = "dataplane.range"
    status = 416
    default_message = "The file has no such range."


class Item(NamedTuple):
    """What a ``get`` capability names."""

    key: str
    offset: int
    size: int
    sha256: str
    name: str
    media_type: str
    store: BlobStore


def read_item(context: Context, token: str, stores: dict[tuple[str, str], BlobStore] | None = None) -> Item:
    """The file that a capability names.

    Args:
        context: The byte server.
        token: The capability.
        stores: What this request has opened already: many files lie in one sealed object.

    Raises:
        CapabilityRefusedError: it is not valid.
    """
    claims = context.signer.read(token, "get")
    key, hidden = check_key(claims["k"]), str(claims.get("sk") or "")
    known = {} if stores is None else stores
    if (key, hidden) not in known:
        known[key, hidden] = context.store_of(key, hidden)
    return Item(
        key,
        int(claims["o"]),
        int(claims["n"]),
        str(claims["h"]),
        str(claims["f"]),
        str(claims.get("mt") or ""),
        known[key, hidden],
    )


def get_object(context: Context, request: Request, token: str) -> Response:
    """GET and HEAD of a file."""
    item = read_item(context, token)
    tag = f'"{item.sha256}"'
    headers = [("ETag", tag), ("Accept-Ranges", "bytes"), *GUARD_HEADERS]
    if _matches(request.header("If-None-Match"), tag):
        return Response(HTTPStatus.NOT_MODIFIED, headers)
    status, start, length = HTTPStatus.OK, 0, item.size
    try:
        part = _read_range(request, tag, item.size)
    except RangeError as error:
        response = Response.problem(error)
        response.headers.append(("Content-Range", f"bytes */{item.size}"))
        return response
    if part is not None:
        start, length = part
        status = HTTPStatus.PARTIAL_CONTENT
        headers.append(("Content-Range", f"bytes {start}-{start + length - 1}/{item.size}"))
    headers += [*_describe(request, item), ("Content-Length", str(length))]
    reader = item.store.open(item.key, item.offset + start, length)
    if request.method == "HEAD":
        reader.close()
        return Response(status, headers)
    context.metrics.add("sent_bytes", length)
    return Response(status, headers, reader=reader)


def disposition(name: str) -> str:
    """``Content-Disposition`` for a file name in any script, RFC 6266."""
    name = name.rpartition("/")[2] or "file"
    plain = re.sub(r'[^ -~]|["\\%]', "_", name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def _describe(request: Request, item: Item) -> list[tuple[str, str]]:
    wants_inline = parse_qs(request.environ.get("QUERY_STRING", "")).get("inline") == ["1"]
    if wants_inline and item.media_type == "image/png":
        # Only previews that the node drew itself carry a media type.
        return [("Content-Type", "image/png"), ("Content-Disposition", "inline")]
    return [("Content-Type", "application/octet-stream"), ("Content-Disposition", disposition(item.name))]


def _matches(header: str, tag: str) -> bool:
    return header == "*" or tag in (part.strip().removeprefix("W/") for part in header.split(","))


def _read_range(request: Request, tag: str, size: int) -> tuple[int, int] | None:
    """Start and length of the wanted part; None for the whole file."""
    if (condition := request.header("If-Range")) and condition != tag:
        return None
    match = _RANGE.match(request.header("Range"))
    if not match or not any(match.groups()):
        return None  # no range, a foreign unit, or several ranges: the whole file is a right answer
    first, last = match.groups()
    if not first:
        start, end = max(0, size - int(last)), size
    else:
        start, end = int(first), min(int(last) + 1 if last else size, size)
        if last and int(last) < int(first):
            return None  # syntactically invalid: ignored, says RFC 9110
    if start >= end:
        raise RangeError(size=size)
    return start, end - start
