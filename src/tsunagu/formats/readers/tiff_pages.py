"""The numbers of TIFF files page by page, of large pages only the strips or tiles that are asked for."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import tifffile

from tsunagu.formats.errors import UnreadableError
from tsunagu.formats.reader import Arrays, OpenArray
from tsunagu.formats.readers.runs import run_of
from tsunagu.formats.safe_xml import local, parse

if TYPE_CHECKING:
    from collections.abc import Callable

    from tsunagu.formats.reader import Context

_NAMES = {
    "X": "x", "Y": "y", "Z": "z", "T": "time", "C": "channel", "S": "sample", "I": "page", "Q": "page",
    "R": "position", "L": "exposure", "V": "event", "P": "phase", "H": "lifetime", "A": "angle", "E": "wavelength",
}  # fmt: skip
_WHOLE_PAGE_BYTES = 256 << 20
_BROKEN = (
    tifffile.TiffFileError, OSError, ValueError, IndexError, KeyError, TypeError, AttributeError, RuntimeError,
    ImportError, NotImplementedError,
)  # fmt: skip


def arrays(source: BinaryIO, context: Context) -> Arrays:
    """Every series of pages; see ``image_arrays.tiff_arrays``."""
    try:
        # An OME-TIFF may name other files; they are never opened.
        tiff = tifffile.TiffFile(source, name=context.name, _multifile=False)
        series = list(tiff.series)
    except _BROKEN as error:
        raise UnreadableError(f"The TIFF structure is damaged: {str(error).rstrip('.')}.") from error
    said = _physical(tiff)
    made, left = [], []
    for index, one in enumerate(series[: context.limits.array_count]):
        name = f"series {index}"
        reason = _obstacle(one)
        if reason:
            left.append((name, reason))
        else:
            made.append(_array(one, name, said if index == 0 else {}))
    return Arrays(made, {}, left)


def _obstacle(series: Any) -> str:
    """Why a series cannot be given; decoding the first strip or tile tells whether a codec is missing."""
    page = next((one for one in series.pages if one is not None), None)
    if page is None or 0 in series.shape:
        return "It holds no page."
    if np.dtype(series.dtype).kind not in "iufcb":
        return f"Its values are of the type {series.dtype}."
    try:
        _segment(page.aspage(), 0)
    except _BROKEN as error:
        return f"It cannot be decoded: {str(error).rstrip('.')}."
    return ""


def _array(series: Any, name: str, said: dict[str, Any]) -> OpenArray:
    shape = tuple(int(n) for n in series.shape)
    page = next(one for one in series.pages if one is not None).aspage()
    depth = len(page.shape)
    axes = series.axes
    return OpenArray(
        name,
        shape,
        np.dtype(series.dtype).newbyteorder("="),
        _reading(series, shape, depth),
        dimensions=tuple(_NAMES.get(letter, letter.lower()) for letter in axes),
        attributes=said,
        native=_native(page, shape),
    )


def _native(page: Any, shape: tuple[int, ...]) -> tuple[int, ...] | None:
    """A row of tiles or a strip of a large page: no shard should begin inside of one."""
    if prod(page.shape) * page.dtype.itemsize <= _WHOLE_PAGE_BYTES or not _is_plain(page):
        return None
    height = page.tilelength if page.is_tiled else page.rowsperstrip
    return (*[1] * (len(shape) - len(page.shape)), min(height, page.imagelength), *page.shape[1:])


def _reading(series: Any, shape: tuple[int, ...], depth: int) -> Callable[[tuple[slice, ...]], Any]:
    if series.dataoffset is not None:
        # Uncompressed, page behind page: one run, as ImageJ writes it where pages have no headers of their own.
        handle = series.parent.filehandle
        kind = np.dtype(series.dtype).newbyteorder(series.parent.byteorder)
        return run_of(handle, series.dataoffset, kind, shape)
    above = shape[: len(shape) - depth]

    def read(extent: tuple[slice, ...]) -> Any:
        if prod(above) != len(series.pages):
            # Few writers do: all pages in one run, or axes that do not fall together with pages.
            return np.asarray(series.asarray(maxworkers=1))[extent]
        outer, inner = extent[: len(above)], extent[len(above) :]
        made = np.empty([one.stop - one.start for one in extent], series.dtype)
        flat = made.reshape(-1, *made.shape[len(above) :])
        numbers = np.arange(prod(above)).reshape(above or (1,))
        chosen = numbers[outer].ravel() if above else numbers
        for at, number in enumerate(chosen):
            page = series.pages[int(number)]
            flat[at] = 0 if page is None else _part(page.aspage(), inner)
        return made

    def guarded(extent: tuple[slice, ...]) -> Any:
        try:
            return read(extent)
        except _BROKEN as error:
            raise UnreadableError(f"A page is damaged: {str(error).rstrip('.')}.") from error

    return guarded


def _part(page: Any, extent: tuple[slice, ...]) -> Any:
    """A part of a page; of a large one its strips or tiles are decoded one by one."""
    if prod(page.shape) * page.dtype.itemsize <= _WHOLE_PAGE_BYTES or not _is_plain(page):
        return page.asarray(maxworkers=1)[extent]
    rows = extent[0]
    made = np.zeros([one.stop - one.start for one in extent], page.dtype)
    columns = -(-page.imagewidth // (page.tilewidth if page.is_tiled else page.imagewidth))
    height = page.tilelength if page.is_tiled else page.rowsperstrip
    for index in range(
        rows.start // height * columns, min(len(page.dataoffsets), -(-rows.stop // height) * columns)
    ):
        data, at = _segment(page, index)
        if data is None:
            continue
        top, left = at[2], at[3]
        values = data[0, : page.imagelength - top, : page.imagewidth - left]
        values = values if len(page.shape) > 2 else values[..., 0]  # noqa: PLR2004 - with samples
        first, last = max(top, rows.start), min(top + values.shape[0], rows.stop)
        if last > first:
            made[first - rows.start : last - rows.start, left : left + values.shape[1]] = values[
                first - top : last - top
            ]
    return made[(slice(None), *extent[1:])] if made.shape[1:] == page.shape[1:] else made


def _is_plain(page: Any) -> bool:
    """Whether the first axis is that of rows, which is how strips and tiles follow each other."""
    return str(page.axes) in {"YX", "YXS"}


def _segment(page: Any, index: int) -> tuple[Any, Any]:
    """One strip or tile, decoded, and where it lies (separate plane, depth, row, column, sample)."""
    handle = page.parent.filehandle
    offset, count = page.dataoffsets[index], page.databytecounts[index]
    if not count:
        return None, None
    handle.seek(offset)
    tables = page.jpegtables
    more = {"jpegtables": tables} if tables is not None else {}
    data, at, _ = page.decode(handle.read(count), index, **more)
    return data, at


def _physical(tiff: Any) -> dict[str, Any]:
    """Sizes of pixels with their units, as OME and ImageJ write them."""
    said: dict[str, Any] = {}
    if tiff.is_ome:
        try:
            root = parse((tiff.ome_metadata or "").encode())
        except UnreadableError:
            return {}
        pixels = next(
            (one for one in root.iter() if isinstance(one.tag, str) and local(one.tag) == "Pixels"), None
        )
        for key in ("PhysicalSizeX", "PhysicalSizeY", "PhysicalSizeZ", "TimeIncrement"):
            if pixels is not None and (value := pixels.attrib.get(key)):
                said[key] = float(value)
                said[f"{key}Unit"] = pixels.attrib.get(f"{key}Unit", "s" if key == "TimeIncrement" else "µm")
        channels = [
            one.attrib["Name"]
            for one in root.iter()
            if isinstance(one.tag, str) and local(one.tag) == "Channel" and "Name" in one.attrib
        ]
        return {**said, "channels": channels} if channels else said
    if tiff.is_imagej:
        meta = tiff.imagej_metadata or {}
        return {key: meta[key] for key in ("spacing", "unit", "finterval", "Labels") if key in meta}
    return said
