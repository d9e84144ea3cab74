"""NumPy arrays, single and in a ZIP. Pickled objects are never loaded."""

from __future__ import annotations

import zipfile
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from numpy.lib import format as npy

from tsunagu.formats import draw
from tsunagu.formats.errors import UnreadableError, truncated
from tsunagu.formats.findings import Findings, as_number
from tsunagu.formats.types import Column

if TYPE_CHECKING:
    from pathlib import Path

    from tsunagu.formats.reader import Context
    from tsunagu.formats.types import ColumnType, Reading

_VALUES = 16_000_000
_MEMBERS = 500
_LEAST_POINTS = 5


def read(path: Path, context: Context) -> Reading:
    """Shape and type of each array; statistics up to 16 million numbers.

    Raises:
        UnreadableError: cut off, damaged, or pickled objects.
    """
    findings = Findings(context.limits)
    if context.head.startswith(b"PK"):
        _archive(path, findings, context)
        return findings.finish()
    with path.open("rb") as source:
        _array(source, context.name, context.byte_count, findings)
    return findings.finish()


def _archive(path: Path, findings: Findings, context: Context) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            infos = archive.infolist()
            if sum(info.file_size for info in infos) > context.limits.decompressed_bytes:
                raise UnreadableError(
                    "The arrays unpack to more bytes than the limit.", reason_code="too_big"
                )
            for info in infos[:_MEMBERS]:
                with archive.open(info) as member:
                    try:
                        _array(member, info.filename.removesuffix(".npy"), info.file_size, findings)
                    except UnreadableError as error:
                        findings.warn(f"{info.filename}: {error.message}")
    except (zipfile.BadZipFile, OSError, EOFError) as error:
        raise UnreadableError(
            f"The archive of arrays breaks off or is damaged: {str(error).rstrip('.')}.",
            reason_code="truncated",
            partial=findings.finish(),
        ) from error


def _array(source: IO[bytes], name: str, size: int, findings: Findings) -> None:
    shape, is_fortran, dtype = header(source)
    if dtype.hasobject:
        raise UnreadableError(
            "The array holds pickled Python objects, which are never loaded.", reason_code="pickled"
        )
    need = int(np.prod(shape, dtype=object)) * dtype.itemsize
    start = source.tell()
    if size - start < need:
        findings.array(name, shape, dtype, where=name)
        raise truncated(size, start + need, partial=findings.finish())
    values = None
    if need > 0 and int(np.prod(shape, dtype=object)) <= _VALUES:
        values = np.frombuffer(source.read(need), dtype=dtype).reshape(
            shape, order="F" if is_fortran else "C"
        )
    low = high = None
    if values is not None and dtype.kind in "iuf":
        finite = values[np.isfinite(values)] if dtype.kind == "f" else values
        low, high = (as_number(finite.min()), as_number(finite.max())) if finite.size else (None, None)
    if dtype.names:
        columns = [Column(field, _word(dtype[field])) for field in dtype.names]
        findings.table(name, columns, row_count=int(np.prod(shape, dtype=object)), where=name)
        if values is not None:
            rows = values.reshape(-1)[: draw.TABLE_ROWS].tolist()
            findings.preview(draw.table(name, dtype.names, rows, values.size))
        return
    findings.array(name, shape, dtype, minimum=low, maximum=high, where=name)
    if values is not None and not findings.has_preview and dtype.kind in "iufbc":
        _draw(values, name, findings)


def header(source: IO[bytes]) -> tuple[tuple[int, ...], bool, Any]:
    """Shape, whether the first axis runs fastest, data type; the numbers begin where it ends.

    Raises:
        UnreadableError: damaged.
    """
    try:
        version = npy.read_magic(source)
        if version == (1, 0):
            return npy.read_array_header_1_0(source)
        if version == (2, 0):
            return npy.read_array_header_2_0(source)
        # Version 3 differs from 2 in the encoding of field names only; numpy offers no public reader for it.
        return npy._read_array_header(source, version)  # type: ignore[attr-defined, no-any-return] # noqa: SLF001
    except (ValueError, EOFError, TypeError, AttributeError) as error:
        raise UnreadableError(f"The header of the array is damaged: {str(error).rstrip('.')}.") from error


def _draw(values: Any, name: str, findings: Findings) -> None:
    squeezed = np.squeeze(values)
    if squeezed.ndim == 1 and squeezed.size >= _LEAST_POINTS and squeezed.dtype.kind in "iuf":
        lines = [draw.series(name, np.arange(squeezed.size), squeezed)]
        findings.preview(draw.curve(name, lines, x=("index", None)))
    elif squeezed.ndim >= 2 and min(squeezed.shape[-2:]) >= _LEAST_POINTS:  # noqa: PLR2004 - a plane
        is_colour = squeezed.ndim == 3 and squeezed.shape[-1] in {3, 4} and squeezed.dtype == np.uint8  # noqa: PLR2004
        plane = squeezed if is_colour else squeezed[tuple(n // 2 for n in squeezed.shape[:-2])]
        findings.preview(draw.image_of_array(name, plane))


def _word(dtype: Any) -> ColumnType:
    words: dict[str, ColumnType] = {
        "i": "integer",
        "u": "integer",
        "f": "number",
        "b": "boolean",
        "S": "text",
        "U": "text",
    }
    return words.get(dtype.kind, "other")
