"""From the bytes of one file to its outcome: choose a reader, run it, turn every failure into a sentence.

This runs inside the sandbox. It knows nothing of processes or walls.
"""

from __future__ import annotations

import bz2
import contextlib
import errno
import io
import lzma
import re
import time
import warnings
import zipfile
import zlib
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from tsunagu.formats.errors import UnreadableError
from tsunagu.formats.findings import clip
from tsunagu.formats.reader import HEAD_BYTES, Context
from tsunagu.formats.registry import choose
from tsunagu.formats.types import Outcome, Reading

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import BinaryIO

    from tsunagu.formats.errors import ReasonCode
    from tsunagu.formats.reader import Read, Reader
    from tsunagu.formats.types import Limits

_COMPRESSIONS = (
    (b"\x1f\x8b\x08", "gzip", (".gz", ".tgz")),
    (b"BZh", "bzip2", (".bz2", ".tbz2")),
    (b"\xfd7zXZ\x00", "xz", (".xz", ".txz")),
)
_CHUNK = 1 << 20
_PATH = re.compile(r"/proc/self/fd/\d+|/dev/fd/\d+")


class ReaderNotLoadedError(Exception):
    """The chosen reader has to be loaded first; carries its name."""

    def __init__(self, name: str) -> None:
        self.reader = name
        super().__init__(name)


def examine(
    path: Path,
    *,
    name: str,
    readers: Sequence[Reader],
    loaded: Mapping[str, Read] | None = None,
    limits: Limits,
    scratch: BinaryIO | None = None,
) -> Outcome:
    """The outcome for one file; raises only :class:`ReaderNotLoadedError`.

    Args:
        path: Where the bytes are; its name does not matter.
        name: The file's name as the researcher knows it.
        readers: The readers to choose from.
        loaded: Readers already loaded, by name; ``None`` loads on the spot.
        limits: Caps on what is kept and read.
        scratch: Where the content of a compressed file may be written; without it memory is used.
    """
    started = time.perf_counter()
    reader: Reader | None = None
    try:
        path, context, keep = _open(path, name, limits, scratch)
        with contextlib.closing(keep):
            reader = choose(context.head, context.name, readers)
            if context.byte_count == 0:
                outcome = Outcome("unrecognised", reason="The file is empty.", reason_code="empty")
            elif reader is None:
                outcome = Outcome(
                    "unrecognised",
                    reason="No installed reader recognises the content.",
                    reason_code="unrecognised",
                )
            else:
                outcome = _read(reader, path, context, loaded)
    except ReaderNotLoadedError:
        raise
    except Exception as error:  # noqa: BLE001 - the last line of defence: a reason, never a traceback
        reason, code = _explain(error, reader, name)
        partial = error.partial if isinstance(error, UnreadableError) else None
        outcome = Outcome("unreadable", reason=reason, reason_code=code, reading=partial or Reading())
    if reader is not None:
        outcome = _signed(outcome, reader)
    return _timed(outcome, time.perf_counter() - started)


def _signed(outcome: Outcome, reader: Reader) -> Outcome:
    from dataclasses import replace

    info = reader.info
    return replace(
        outcome,
        reader=info.name,
        reader_version=info.version,
        libraries=_versions(info.libraries),
        media_type=info.media_types[0] if info.media_types else None,
    )


def _timed(outcome: Outcome, seconds: float) -> Outcome:
    from dataclasses import replace

    return replace(outcome, duration_s=round(seconds, 6))


@lru_cache(maxsize=256)
def _versions(libraries: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for library in libraries:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[library] = metadata.version(library)
    return found


def warm_versions(readers: Sequence[Reader]) -> None:
    """Look the library versions up before forking, so that no child has to."""
    for reader in readers:
        _versions(reader.info.libraries)


def _read(reader: Reader, path: Path, context: Context, loaded: Mapping[str, Read] | None) -> Outcome:
    read = reader.load() if loaded is None else loaded.get(reader.info.name)
    if read is None:
        raise ReaderNotLoadedError(reader.info.name)
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        reading = read(path, context)
    reading = _with_warnings(reading, heard, context)
    if reading.warnings:
        return Outcome("read_with_warnings", reason=reading.warnings[0], reading=reading)
    return Outcome("read", reading=reading)


def _with_warnings(reading: Reading, heard: Sequence[warnings.WarningMessage], context: Context) -> Reading:
    """What the libraries warned about, as sentences; notes to programmers are left out."""
    from dataclasses import replace

    for_programmers = (
        DeprecationWarning,
        PendingDeprecationWarning,
        FutureWarning,
        ResourceWarning,
        ImportWarning,
    )
    texts = [
        _PATH.sub(context.name, " ".join(str(item.message).split()))
        for item in heard
        if not issubclass(item.category, for_programmers)
    ]
    extra = [clip(text, 500) for text in dict.fromkeys(texts) if text and text not in reading.warnings]
    room = max(0, context.limits.warning_count - len(reading.warnings))
    return replace(reading, warnings=reading.warnings + tuple(extra[:room])) if extra else reading


def _open(
    path: Path, name: str, limits: Limits, scratch: BinaryIO | None
) -> tuple[Path, Context, BinaryIO | io.BytesIO]:
    """Head and size; a compressed file is unpacked within the cap first."""
    with path.open("rb") as source:
        opened, context = open_source(source, name, limits, scratch)
        if opened is source:
            return path, context, io.BytesIO()
    return Path(f"/proc/self/fd/{opened.fileno()}"), context, opened


def open_source(
    source: BinaryIO, name: str, limits: Limits, scratch: BinaryIO | None = None
) -> tuple[BinaryIO, Context]:
    """The file at its first byte, or what a compressed one holds, and what a reader may know of it.

    Raises:
        UnreadableError: it unpacks to more than the limit, or is damaged.
    """
    head = source.read(HEAD_BYTES)
    size = source.seek(0, io.SEEK_END)
    source.seek(0)
    for magic, method, endings in _COMPRESSIONS:
        if head.startswith(magic):
            target = scratch or _temporary()
            count = _decompress(source, target, method, limits.decompressed_bytes)
            target.seek(0)
            head = target.read(HEAD_BYTES)
            target.seek(0)
            return target, Context(_without(name, endings), count, head, limits)
    return source, Context(name, size, head, limits)


def _temporary() -> BinaryIO:
    import os

    return os.fdopen(os.memfd_create("unpacked"), "w+b")


def _without(name: str, endings: tuple[str, ...]) -> str:
    for ending in endings:
        if name.lower().endswith(ending):
            return name[: -len(ending)] + (".tar" if ending.startswith(".t") else "")
    return name


def _decompress(source: BinaryIO, target: BinaryIO, method: str, cap: int) -> int:
    """Unpack in pieces, several members in a row too; returns the number of bytes.

    Raises:
        UnreadableError: corrupt, cut off, or larger than the cap.
    """
    makers: dict[str, Callable[[], object]] = {
        "gzip": lambda: zlib.decompressobj(wbits=31),
        "bzip2": bz2.BZ2Decompressor,
        "xz": lzma.LZMADecompressor,
    }
    total = 0
    engine = makers[method]()
    pending = b""
    try:
        while True:
            # bz2 and lzma keep what they could not take yet; zlib hands it back.
            is_hungry = getattr(engine, "needs_input", True)
            data = pending or (source.read(_CHUNK) if is_hungry else b"")
            if is_hungry and not data:
                break
            out = engine.decompress(data, _CHUNK)  # type: ignore[attr-defined]
            total += target.write(out)
            if total > cap:
                raise UnreadableError(
                    f"The {method} file unpacks to more than {cap:,} bytes, which is the limit.",
                    reason_code="too_big",
                )
            pending = getattr(engine, "unconsumed_tail", b"")
            if engine.eof:  # type: ignore[attr-defined]
                pending = engine.unused_data  # type: ignore[attr-defined]
                # Zero padding after the last member is allowed and common on tapes.
                pending = pending.lstrip(b"\x00") or source.read(_CHUNK).lstrip(b"\x00")
                if not pending:
                    return total
                engine = makers[method]()
    except (zlib.error, OSError, lzma.LZMAError, ValueError) as error:
        raise UnreadableError(
            f"The {method} compression is damaged after {total:,} bytes: {error}."
        ) from error
    raise UnreadableError(
        f"The {method} compression breaks off after {total:,} unpacked bytes.", reason_code="truncated"
    )


def plain_words(error: Exception, name: str) -> tuple[str, ReasonCode]:
    """A sentence and a code for whatever a library raised over a file."""
    return _explain(error, None, name)


def _explain(error: Exception, reader: Reader | None, name: str) -> tuple[str, ReasonCode]:
    """A sentence and a code for whatever was raised."""
    label = reader.info.label_en if reader else "file"
    if isinstance(error, UnreadableError):
        return clip(error.message, 500), error.reason_code
    if isinstance(error, MemoryError) or type(error).__name__ == "ArrowMemoryError":
        return "Reading it needs more memory than one file may use.", "out_of_memory"
    if isinstance(error, RecursionError):
        return f"The {label} is nested too deeply.", "unsupported"
    if isinstance(error, PermissionError) and error.errno in {errno.EPERM, errno.EACCES}:
        return "Reading it would open another file or a connection, which is never followed.", "unsupported"
    detail = clip(_PATH.sub(name, " ".join(str(error).split())), 300).rstrip(".") or type(error).__name__
    if isinstance(error, (EOFError, zipfile.BadZipFile)) or "truncat" in detail.lower():
        return f"The {label} breaks off or is damaged: {detail}.", "truncated"
    return f"The content does not follow the format ({label}): {detail}.", "corrupt"
