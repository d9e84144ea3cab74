"""``POST /form``: files from a browser without scripts; all of one form become one pack."""

from __future__ import annotations

import hashlib
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import multipart  # type: ignore[import-untyped]

from tsunagu.core.blobs import Writer, new_key
from tsunagu.core.bundle import END, HEADER_SIZE, DamagedBundleError, Entry, encode_header
from tsunagu.core.errors import CapabilityRefusedError, InvalidInputError
from tsunagu.core.ids import new_id
from tsunagu.core.paths import check_path
from tsunagu.dataplane import locks
from tsunagu.dataplane.bundles import UnsupportedMediaTypeError, commit_pack
from tsunagu.dataplane.exchange import Request, Response
from tsunagu.dataplane.receive import BrokenOffError

if TYPE_CHECKING:
    from tsunagu.dataplane.context import Context, Grant

_MAX_FIELD = 16 << 10
_NO_HASH = bytes(32)


def post_form(context: Context, request: Request) -> Response:
    """Receive the files of a form and send the browser back to control."""
    kind, options = multipart.parse_options_header(request.header("Content-Type"))
    if kind != "multipart/form-data" or not options.get("boundary"):
        raise UnsupportedMediaTypeError(media_type=kind)
    key = new_key()
    with locks.hold(context.settings.spool_dir, key):
        form = _Form(context, key, request.body.length or 0)
        try:
            _parse(context, request, form, options["boundary"])
            size = form.end()
        except BaseException:
            form.abort()
            raise
        if not form.grant:
            raise CapabilityRefusedError("The form carries no capability.")
        if form.entries:
            commit_pack(context, form.grant, new_id(), key, size, form.entries)
    goal = context.settings.control_origin.rstrip("/") + _check_return(form.fields.get("return_to", "/"))
    return Response(HTTPStatus.SEE_OTHER, [("Location", goal), ("Content-Length", "0")])


def _parse(context: Context, request: Request, form: _Form, boundary: str) -> None:
    limit = context.settings.max_file_bytes
    parser = multipart.PushMultipartParser(
        boundary, max_segment_count=context.settings.max_bundle_files, strict=True
    )
    try:
        with parser:
            for piece in request.body.pieces(limit):
                context.metrics.add("received_bytes", len(piece))
                for event in parser.parse(piece):
                    form.take(event)
    except multipart.MultipartError as error:
        if isinstance(error.__context__, BrokenOffError):
            raise BrokenOffError from error
        raise DamagedBundleError("The form is damaged or was cut off.", reason=str(error)) from error


class _Form:
    """Writes the files of a form into a pack, one after the other, as their bytes come."""

    def __init__(self, context: Context, key: str, size_hint: int) -> None:
        self.grant: Grant | None = None
        self.fields: dict[str, str] = {}
        self.entries: list[Entry] = []
        self._context = context
        self._key = key
        self._size_hint = size_hint
        self._writer: Writer | None = None  # which store takes the bytes is known with the capability
        self._position = 0
        self._seen: set[str] = set()
        self._segment: multipart.MultipartSegment | None = None
        self._value = bytearray()
        self._path = ""
        self._start = 0
        self._checksum = hashlib.sha256()

    def take(self, event: multipart.MultipartSegment | bytes | bytearray | None) -> None:
        """One event of the parser: a part begins, some of its bytes, its end (None)."""
        if event is None:
            self._finish_part()
        elif isinstance(event, (bytes, bytearray)):
            self._take_bytes(bytes(event))
        else:
            self._begin_part(event)

    def end(self) -> int:
        """Close the pack; returns its size."""
        if not self.entries:
            self.abort()
            return 0
        self._write(END)
        if self._writer is not None:
            self._writer.finish(self._position)
        return self._position

    def abort(self) -> None:
        """Drop the pack."""
        if self._writer is not None:
            self._writer.abort()

    def _begin_part(self, segment: multipart.MultipartSegment) -> None:
        self._segment = segment
        self._value.clear()
        if segment.filename is None:
            return
        self._path = ""
        if not segment.filename:
            return  # a file field that was left empty
        if self.grant is None:
            raise CapabilityRefusedError("The form carries no capability before its files.")
        name = segment.filename.replace("\\", "/")
        folder = self.fields.get("folder", "").strip("/")
        self._path = check_path(f"{folder}/{name}" if folder else name)
        if self._path in self._seen:
            raise InvalidInputError("The form holds one path twice.", path=self._path)
        self._seen.add(self._path)
        self._start = self._position
        self._checksum = hashlib.sha256()
        # Size and hash are not known yet: their place is kept free and filled at the end of the file.
        self._write(encode_header(self._path, 0, _NO_HASH))

    def _take_bytes(self, data: bytes) -> None:
        if self._segment is not None and self._segment.filename is None:
            self._value += data
            if len(self._value) > _MAX_FIELD:
                raise InvalidInputError("A field of the form is too long.")
        elif self._path:
            self._checksum.update(data)
            self._write(data)

    def _finish_part(self) -> None:
        segment, self._segment = self._segment, None
        if segment is None:
            return
        if segment.filename is None:
            self._finish_field(str(segment.name))
        elif self._path:
            offset = self._start + HEADER_SIZE + len(self._path.encode())
            size = self._position - offset
            digest = self._checksum.digest()
            self._write(encode_header(self._path, size, digest), self._start)
            if self._writer is not None:
                self._writer.advance(self._position)
            self.entries.append(Entry(self._path, size, digest.hex(), offset))
            if self.grant:
                self.grant.check_size(self._position)

    def _finish_field(self, name: str) -> None:
        try:
            self.fields[name] = self._value.decode()
        except UnicodeDecodeError:
            raise InvalidInputError("A field of the form is not UTF-8.") from None
        if name == "capability":
            self.grant = self._context.read_grant(self.fields[name])

    def _write(self, data: bytes, place: int | None = None) -> None:
        if self._writer is None:
            if self.grant is None:
                raise CapabilityRefusedError("The form carries no capability before its files.")
            self._writer = self.grant.store.create(self._key, size_hint=self._size_hint)
        self._writer.write(data, self._position if place is None else place)
        if place is None:
            self._position += len(data)


def _check_return(path: str) -> str:
    """A path on control, never another site."""
    parts = urlsplit(path)
    is_plain = path.isascii() and path.isprintable() and "\\" not in path
    if not is_plain or parts.scheme or parts.netloc or not path.startswith("/") or path.startswith("//"):
        return "/"
    return path
