"""``POST /bundles``: many small files in one body become one pack object."""

from __future__ import annotations

import hashlib
import tarfile
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from tsunagu.core.blobs import Writer, new_key
from tsunagu.core.bundle import MEDIA_TYPE, BundleParser, DamagedBundleError, Entry
from tsunagu.core.errors import InvalidInputError, TsunaguError
from tsunagu.core.ids import is_id, new_id
from tsunagu.core.paths import check_path
from tsunagu.dataplane import locks
from tsunagu.dataplane.control import ControlSilentError
from tsunagu.dataplane.exchange import Request, Response
from tsunagu.dataplane.follower import Follower
from tsunagu.dataplane.receive import BrokenOffError

if TYPE_CHECKING:
    from tsunagu.dataplane.context import Context, Grant

_TAR = "application/x-tar"
_TAR_BLOCK = 512
# A header that claims a name of a gigabyte would be read into memory as it is.
_MAX_TAR_HEADER = 1 << 20
_PIECE = 1 << 20


class UnsupportedMediaTypeError(InvalidInputError):
    """A body of a kind that this address does not take."""

    code = "dataplane.unsupported_media_type"
    status = 415
    default_message = "This address does not take bodies of this media type."


def post_bundle(context: Context, request: Request) -> Response:
    """Receive a bundle or tar archive, keep it as one object, commit its files."""
    grant = context.read_grant(request.bearer)
    media_type = request.header("Content-Type").partition(";")[0].strip().lower()
    is_tar = media_type == _TAR
    if not is_tar and media_type != MEDIA_TYPE.partition(";")[0]:
        raise UnsupportedMediaTypeError(media_type=media_type)
    unit = request.header("Tsunagu-Bundle-Id") or (new_id() if is_tar else "")
    if not is_id(unit):
        raise InvalidInputError("The header Tsunagu-Bundle-Id must hold a ULID.")
    key = new_key()
    with locks.hold(context.settings.spool_dir, key):
        # One file of a bundle may be as long as all of it, and is looked at in one piece.
        window = 0 if is_tar else min(request.body.length or 1 << 62, context.settings.max_bundle_bytes)
        writer = grant.store.create(key, size_hint=request.body.length or 0, window=window)
        try:
            receive = _receive_tar if is_tar else _receive_bundle
            entries, size = receive(context, request, writer)
            grant.check_size(size)
            writer.finish(size)
        except BaseException:
            writer.abort()
            raise
        answer = commit_pack(context, grant, unit, key, size, entries)
    return Response.json(201, {"bundle": unit, **answer})


def commit_pack(
    context: Context, grant: Grant, unit: str, key: str, size: int, entries: list[Entry]
) -> dict[str, Any]:
    """Have the rows of a pack written."""
    try:
        return context.commit(grant.commit(unit, "pack", (key, size), entries))
    except ControlSilentError as error:
        # Only when control cannot have heard of the object may it go; else the sweep decides, knowing the rows.
        if not error.was_sent:
            with suppress(TsunaguError, OSError):
                context.store.delete(key)
        raise


def _receive_bundle(context: Context, request: Request, writer: Writer) -> tuple[list[Entry], int]:
    settings = context.settings
    parser = BundleParser(max_files=settings.max_bundle_files)
    size = _follow(request, writer, Follower(writer, parser), settings.max_bundle_bytes)
    context.metrics.add("received_bytes", size)
    parser.finish()
    return parser.entries, size


def _follow(request: Request, writer: Writer, follower: Follower, limit: int) -> int:
    def grow(end: int) -> None:
        follower.grow(end)
        writer.advance(end)

    try:
        received = request.body.into(writer, 0, limit, grow)
        if not received.is_complete:
            raise BrokenOffError
        follower.finish()
    finally:
        follower.stop()
    return received.end


def _receive_tar(context: Context, request: Request, writer: Writer) -> tuple[list[Entry], int]:
    writer.release(context.settings.max_tar_bytes)  # it is read by ``writer.read`` alone
    received = request.body.into(writer, 0, context.settings.max_tar_bytes, writer.advance)
    context.metrics.add("received_bytes", received.end)
    if not received.is_complete:
        raise BrokenOffError
    try:
        entries = _read_tar(writer, received.end, context.settings.max_bundle_files)
    except (tarfile.TarError, ValueError, OverflowError, RecursionError) as error:
        raise DamagedBundleError("The tar archive is damaged.", reason=str(error)) from error
    return entries, received.end


class _TarSource:
    """A window on the received file that refuses to load huge headers."""

    def __init__(self, writer: Writer, size: int) -> None:
        self._writer = writer
        self._size = size
        self._position = 0

    def read(self, size: int = -1) -> bytes:
        wanted = min(size if size >= 0 else self._size, max(0, self._size - self._position))
        if wanted > _MAX_TAR_HEADER:
            raise DamagedBundleError("A header of the tar archive is too large.")
        data = self._writer.read(wanted, self._position)
        self._position += len(data)
        return data

    def seek(self, position: int, whence: int = 0) -> int:
        goal = position if whence == 0 else self._position + position
        if goal < self._position - _TAR_BLOCK:
            # Headers with negative sizes would make the reader walk in circles.
            raise DamagedBundleError("The tar archive is damaged.")
        self._position = goal
        return self._position

    def tell(self) -> int:
        return self._position


def _read_tar(writer: Writer, size: int, max_files: int) -> list[Entry]:
    entries: dict[str, Entry] = {}
    source: Any = _TarSource(writer, size)
    seen = 0
    with tarfile.open(fileobj=source, mode="r:", encoding="utf-8", errors="surrogateescape") as archive:
        while (member := archive.next()) is not None:
            setattr(archive, "members", [])  # noqa: B010 - tarfile keeps every member otherwise; its stubs hide the list
            seen += 1
            if seen > 2 * max_files or len(entries) >= max_files:
                raise DamagedBundleError(f"The archive holds more than {max_files:,} files.")
            if member.isdir():
                continue
            path = check_path(member.name.removeprefix("./"))
            if not member.isreg() or member.issparse():
                raise InvalidInputError(
                    "The archive holds something that is not a plain file (a link, say).",
                    remedy="Leave it out, or pack with --dereference.",
                    path=path,
                )
            if path in entries:
                raise DamagedBundleError("The archive holds one path twice.", path=path)
            if member.size < 0 or member.offset_data + member.size > size:
                raise DamagedBundleError("The tar archive was cut off.", path=path)
            digest = _hash_range(writer, member.offset_data, member.size)
            entries[path] = Entry(path, member.size, digest, member.offset_data)
        if writer.read(_TAR_BLOCK, archive.offset) != bytes(_TAR_BLOCK):
            raise DamagedBundleError("The tar archive was cut off before its end.")
    return list(entries.values())


def _hash_range(writer: Writer, offset: int, size: int) -> str:
    checksum = hashlib.sha256()
    while size:
        piece = writer.read(min(_PIECE, size), offset)
        checksum.update(piece)
        offset += len(piece)
        size -= len(piece)
    return checksum.hexdigest()
