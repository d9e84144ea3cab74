"""The rows of FITS tables, read from the file part by part.

Source: FITS Standard 4.0, section 7.3 (binary tables: TSCALn, TZEROn, TNULLn, the heap of arrays of varying length).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import pyarrow as pa
from astropy.io import fits as astropy_fits  # type: ignore[import-untyped]

from tsunagu.formats.errors import UnreadableError
from tsunagu.formats.reader import Rows
from tsunagu.formats.readers import fits
from tsunagu.formats.readers.columns import arrow_of, rows_at_once

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tsunagu.formats.reader import Context

_VARYING = re.compile(r"^\d?([PQ])([A-Z])")
_BITS = re.compile(r"^(\d*)X")
_HEAP_TYPES = {"B": "u1", "I": ">i2", "J": ">i4", "K": ">i8", "E": ">f4", "D": ">f8"}
_TRUE, _FALSE = ord("T"), ord("F")


def fits_rows(source: BinaryIO, context: Context, table: str, kinds: Mapping[str, str]) -> Rows:
    """The rows of one HDU.

    Raises:
        UnreadableError: damaged, cut off, or the table is not there any more.
    """
    hdu = next((one for _, name, one in fits.hdus_of(source, context) if name == table), None)
    if hdu is None or not fits.is_table(hdu):
        raise UnreadableError(f"The table {table} is not in the file any more.")
    missing = set(kinds).difference(hdu.columns.names)
    if missing:
        raise UnreadableError(f"The table has no column {min(missing)} any more.")
    batches = _binary if isinstance(hdu, astropy_fits.BinTableHDU) else _letters
    return Rows(batches(source, hdu, kinds))


def _letters(source: BinaryIO, hdu: Any, names: Mapping[str, str]) -> Iterator[Any]:
    """A table of text, which is small; the library turns it into numbers."""
    del source
    data = hdu.data
    yield pa.RecordBatch.from_arrays([arrow_of(data[name]) for name in names], names=list(names))


def _binary(source: BinaryIO, hdu: Any, kinds: Mapping[str, str]) -> Iterator[Any]:
    header = hdu.header
    width, count = int(header["NAXIS1"]), int(header["NAXIS2"])
    kind = hdu.columns.dtype.newbyteorder(">")
    if kind.itemsize != width:
        raise UnreadableError(f"A row has {width} bytes, and its columns have {kind.itemsize}.")
    begin = int(hdu.fileinfo()["datLoc"])
    heap = begin + int(header.get("THEAP", width * count))
    columns = [_Column(hdu.columns[name], name, source, heap) for name in kinds]
    step = rows_at_once(width)
    for start in range(0, count, step):
        stop = min(count, start + step)
        source.seek(begin + start * width)
        data = source.read((stop - start) * width)
        part = np.frombuffer(data, kind, stop - start)
        yield pa.RecordBatch.from_arrays(
            [one.arrow(part, kind) for one, kind in zip(columns, kinds.values(), strict=True)],
            names=list(kinds),
        )


class _Column:
    def __init__(self, column: Any, name: str, source: BinaryIO, heap: int) -> None:
        self._column, self._name, self._source, self._heap = column, name, source, heap
        match = _VARYING.match(str(column.format))
        self._varying = match.group(2) if match else ""
        bits = _BITS.match(str(column.format))
        self._bits = int(bits.group(1) or 1) if bits else 0
        self._is_logical = re.sub(r"\d", "", str(column.format))[:1] == "L"

    def arrow(self, part: Any, kind: str) -> Any:
        """The cells of some rows."""
        values = part[self._name]
        if self._varying:
            return self._lists(values)
        if self._bits:
            bits = np.unpackbits(values.view(np.uint8).reshape(len(values), -1), axis=1)[:, : self._bits]
            return pa.array(["".join(map(str, row)) for row in bits.tolist()], pa.string())
        if values.ndim > 1 and kind != "numbers":
            # A cell of one number in a frame of dimensions, or what no list of numbers is.
            is_one = values.size == len(values)
            return arrow_of(values.reshape(-1) if is_one else [str(row) for row in values.tolist()])
        if self._is_logical and values.ndim == 1:
            letters = values.view(np.uint8)
            return arrow_of(letters == _TRUE, (letters != _TRUE) & (letters != _FALSE))
        missing = None
        if self._column.null is not None and values.ndim == 1 and values.dtype.kind in "iu":
            missing = values == self._column.null
        return arrow_of(self._scaled(values), missing)

    def _scaled(self, values: Any) -> Any:
        scale, zero = self._column.bscale, self._column.bzero
        if values.dtype.kind not in "iuf" or (scale in {None, "", 1} and zero in {None, "", 0}):
            return values
        scale, zero = (1 if scale in {None, ""} else scale), (0 if zero in {None, ""} else zero)
        is_whole = values.dtype.kind in "iu" and scale == 1 and float(zero).is_integer()
        if is_whole:
            # How unsigned numbers are written.
            wide = np.uint64 if abs(zero) >= 1 << 63 else np.int64
            return values.astype(wide) + wide(int(zero))
        return values * scale + zero

    def _lists(self, places: Any) -> Any:
        kind = _HEAP_TYPES.get(self._varying)
        if kind is None:
            return pa.array([None] * len(places), pa.string())
        made = []
        for count, offset in places.tolist():
            self._source.seek(self._heap + offset)
            data = self._source.read(count * np.dtype(kind).itemsize)
            made.append(self._scaled(np.frombuffer(data, kind)).astype(np.float64))
        return pa.array(made, pa.list_(pa.float64()))
