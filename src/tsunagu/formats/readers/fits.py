"""FITS: the cards of every header, images and tables; compressed images too."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from astropy.io import fits  # type: ignore[import-untyped]

from tsunagu.formats import draw
from tsunagu.formats.errors import UnreadableError, truncated
from tsunagu.formats.findings import Findings, as_number
from tsunagu.formats.types import Column

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tsunagu.formats.reader import Context
    from tsunagu.formats.types import ColumnType, Preview, Reading

_UNIT = re.compile(r"^\s*\[([^\]]{1,20})\]")
_FORMAT = re.compile(r"^(\d*)([PQ]?)([A-Z])")
_COMMENTARY = {"COMMENT", "HISTORY", ""}
_HDUS = 200
_TABLE_BYTES = 8 << 20
_IMAGE_VALUES = 64_000_000
_STATISTICS_VALUES = 4_000_000
_LEAST_POINTS = 5


def read(path: Path, context: Context) -> Reading:
    """Headers of all HDUs, kept apart by ``where``; the first image or spectrum drawn.

    Raises:
        UnreadableError: cut off, or not FITS behind its first card.
    """
    findings = Findings(context.limits)
    try:
        with fits.open(path, mode="readonly", memmap=False, ignore_missing_simple=False) as hdus:
            need = _all(hdus, findings, context)
            if context.byte_count < need:
                raise truncated(context.byte_count, need, partial=findings.finish())
    except UnreadableError:
        raise
    except (OSError, ValueError, TypeError, KeyError, IndexError, fits.VerifyError) as error:
        if context.byte_count % 2880:
            whole = -(-context.byte_count // 2880) * 2880
            raise truncated(context.byte_count, whole, partial=findings.finish()) from error
        raise UnreadableError(
            f"The FITS structure is damaged: {str(error).rstrip('.')}.", partial=findings.finish()
        ) from error
    return findings.finish()


def opened(source: BinaryIO) -> Any:
    """An open file as FITS.

    Raises:
        UnreadableError: damaged.
    """
    try:
        return fits.open(source, mode="readonly", memmap=False, ignore_missing_simple=False)
    except (OSError, ValueError, TypeError, KeyError, IndexError, fits.VerifyError) as error:
        raise UnreadableError(f"The FITS structure is damaged: {str(error).rstrip('.')}.") from error


def hdus_of(source: BinaryIO, context: Context) -> Iterator[tuple[int, str, Any]]:
    """Number, name and content of each HDU of a whole file.

    Raises:
        UnreadableError: damaged or cut off.
    """
    hdus = opened(source)
    for number in range(_HDUS):
        try:
            hdu = hdus[number]
        except IndexError:
            return
        except (OSError, ValueError, TypeError, KeyError, fits.VerifyError) as error:
            raise UnreadableError(f"The FITS structure is damaged: {str(error).rstrip('.')}.") from error
        if not hasattr(hdu, "fileinfo"):
            return
        info = hdu.fileinfo() or {}
        need = int(info.get("datLoc", 0)) + int(info.get("datSpan", 0))
        if context.byte_count < need:
            raise truncated(context.byte_count, need)
        yield number, _name(hdu, number), hdu


def is_table(hdu: Any) -> bool:
    """Whether an HDU holds rows; a compressed image is a table only in the file."""
    return isinstance(hdu, (fits.BinTableHDU, fits.TableHDU)) and not isinstance(hdu, fits.CompImageHDU)


def is_image(hdu: Any) -> bool:
    """Whether an HDU holds an array."""
    is_array = bool(hdu.header.get("NAXIS", 0)) and bool(getattr(hdu, "shape", None))
    return is_array and not is_table(hdu) and not isinstance(hdu, fits.GroupsHDU)


def _name(hdu: Any, number: int) -> str:
    return f"HDU {number}" + (f" {hdu.name}" if hdu.name else "")


def _all(hdus: Any, findings: Findings, context: Context) -> int:
    """Take every HDU in; returns the bytes that the headers announce."""
    need = 0
    for number in range(_HDUS):
        try:
            hdu = hdus[number]
        except IndexError:
            break
        _cards(hdu, number, findings)
        if not hasattr(hdu, "fileinfo"):
            # SIMPLE = F: the header is laid out as FITS, what follows is the writer's own.
            findings.warn(f"HDU {number} says of itself that it does not follow the standard (SIMPLE = F).")
            break
        info = hdu.fileinfo() or {}
        end = int(info.get("datLoc", 0)) + int(info.get("datSpan", 0))
        need = max(need, end)
        if end <= context.byte_count:
            _data(hdu, number, findings, context.name)
    else:
        findings.warn(f"The file holds more than {_HDUS} HDUs; the rest was left out.")
    return need


def _cards(hdu: Any, number: int, findings: Findings) -> None:
    place = f"HDU {number} header"
    commentary: dict[str, list[str]] = {}
    for card in hdu.header.cards:
        try:
            key, value, comment = card.keyword, card.value, card.comment
        except (fits.VerifyError, ValueError):
            findings.warn(f"A card of HDU {number} cannot be parsed: {card.image[:60]!r}")
            continue
        if key in _COMMENTARY:
            commentary.setdefault(key, []).append(str(value))
            continue
        match = _UNIT.match(comment or "")
        value = None if isinstance(value, fits.card.Undefined) else value
        personal = key in {"OBSERVER", "PI_NAME", "PR_INV_L", "PR_INV_F", "AUTHOR"}
        findings.field(
            key,
            value,
            unit=match.group(1) if match else None,
            where=f"{place}, card {key}",
            personal=personal,
        )
    for key, lines in commentary.items():
        text = "\n".join(line for line in lines).strip()
        if key and text:
            findings.field(key, text, where=f"{place}, cards {key}")


def _data(hdu: Any, number: int, findings: Findings, title: str) -> None:
    name = _name(hdu, number)
    if is_table(hdu):
        _table(hdu, number, name, findings, title)
    elif hdu.header.get("NAXIS", 0) and getattr(hdu, "shape", None):
        _image(hdu, number, name, findings, title)


def _image(hdu: Any, number: int, name: str, findings: Findings, title: str) -> None:
    shape = tuple(hdu.shape)
    unit = hdu.header.get("BUNIT")
    low = high = None
    count = int(np.prod(shape, dtype=np.int64)) if shape else 0
    if 0 < count <= _IMAGE_VALUES and not isinstance(hdu, fits.GroupsHDU):
        try:
            data = hdu.data
            if data is not None and count <= _STATISTICS_VALUES and data.dtype.kind in "iuf":
                low, high = as_number(np.nanmin(data)), as_number(np.nanmax(data))
            if data is not None and not findings.has_preview:
                findings.preview(_draw(hdu, np.asarray(data), f"{title} {name}", unit))
        except (OSError, ValueError, TypeError, KeyError, IndexError, RuntimeError) as error:
            findings.warn(f"The image of {name} could not be read: {error}")
    dtype = {8: "uint8", 16: "int16", 32: "int32", 64: "int64", -32: "float32", -64: "float64"}
    findings.array(
        name,
        shape,
        dtype.get(hdu.header.get("BITPIX"), "?"),
        unit=unit,
        minimum=low,
        maximum=high,
        where=f"HDU {number}",
    )


def _draw(hdu: Any, data: Any, title: str, unit: str | None) -> Preview | None:
    data = data.squeeze()
    if data.ndim == 1 and data.size >= _LEAST_POINTS:
        header = hdu.header
        step = header.get("CDELT1", header.get("CD1_1"))
        x = np.arange(data.size, dtype=float)
        label, x_unit = "pixel", None
        if isinstance(step, (int, float)) and "CRVAL1" in header:
            x = (x + 1 - float(header.get("CRPIX1", 1))) * step + float(header["CRVAL1"])
            label, x_unit = str(header.get("CTYPE1", "axis 1")), header.get("CUNIT1")
        return draw.curve(title, [draw.series(title, x, data)], x=(label, x_unit), y=("value", unit))
    if data.ndim >= 2 and min(data.shape[-2:]) > 1:  # noqa: PLR2004 - a plane
        plane = data[tuple(n // 2 for n in data.shape[:-2])]
        # FITS counts rows from the bottom.
        return draw.image_of_array(title, plane[::-1])
    return None


def _word(code: str) -> ColumnType:
    """A row of several numbers is a list of them, and so is one of varying length."""
    match = _FORMAT.match(code)
    if match is None:
        return "other"
    repeat, varying, letter = match.groups()
    words: dict[str, ColumnType] = {
        "L": "boolean", "A": "text", "B": "integer", "I": "integer", "J": "integer", "K": "integer", "E": "number",
        "D": "number", "F": "number",
    }  # fmt: skip
    is_number = words.get(letter) in {"integer", "number"}
    if is_number and (varying or int(repeat or 1) != 1):
        return "numbers"
    is_several = varying or (letter != "A" and int(repeat or 1) > 1)
    return "other" if is_several else words.get(letter, "other")


def _table(hdu: Any, number: int, name: str, findings: Findings, title: str) -> None:
    rows = int(hdu.header.get("NAXIS2", 0))
    is_small = rows * int(hdu.header.get("NAXIS1", 0)) <= _TABLE_BYTES
    data = None
    if is_small and rows:
        try:
            data = hdu.data
        except (OSError, ValueError, TypeError, KeyError, IndexError) as error:
            findings.warn(f"The table of {name} could not be read: {error}")
    columns, drawable = [], []
    for column in hdu.columns:
        low = high = None
        values = _column_values(data, column.name) if data is not None else None
        if values is not None and values.ndim == 1 and values.dtype.kind in "iuf" and values.size:
            finite = values[np.isfinite(values)]
            if finite.size:
                low, high = as_number(finite.min()), as_number(finite.max())
                drawable.append((column.name, column.unit, values))
        word = _word(str(column.format))
        if word == "integer" and column.bscale not in {None, "", 1}:
            word = "number"
        columns.append(Column(column.name, word, column.unit or None, rows, None, low, high))
    findings.table(name, columns, row_count=rows, where=f"HDU {number}")
    if not findings.has_preview and data is not None:
        findings.preview(_draw_table(drawable, f"{title} {name}"))
        names = [column.name for column in hdu.columns]
        findings.preview(
            draw.table(f"{title} {name}", names, (tuple(row) for row in data[: draw.TABLE_ROWS]), rows)
        )


def _column_values(data: Any, name: str) -> Any:
    try:
        return np.asarray(data[name])
    except (KeyError, ValueError, TypeError, IndexError):
        return None


def _draw_table(columns: list[tuple[str, str | None, Any]], title: str) -> Preview | None:
    if len(columns) < 2 or columns[0][2].size < _LEAST_POINTS:  # noqa: PLR2004 - an x and a y
        return None
    (x_name, x_unit, x), others = columns[0], columns[1 : 1 + draw.CURVE_SERIES]
    if not (np.all(np.diff(x) >= 0) or np.all(np.diff(x) <= 0)):
        return None
    y = (others[0][0], others[0][1]) if len(others) == 1 else ("", None)
    return draw.curve(
        title, [draw.series(name, x, values) for name, _, values in others], x=(x_name, x_unit), y=y
    )
