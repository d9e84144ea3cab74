"""NIfTI-1, NIfTI-2 and Analyze 7.5: the header, and the middle slice of the first volume."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from nibabel.analyze import AnalyzeHeader
from nibabel.nifti1 import Nifti1Header, Nifti1PairHeader
from nibabel.nifti2 import Nifti2Header, Nifti2PairHeader
from nibabel.spatialimages import HeaderDataError
from nibabel.wrapstruct import WrapStructError

from tsunagu.formats import draw
from tsunagu.formats.errors import UnreadableError, truncated
from tsunagu.formats.findings import Findings

if TYPE_CHECKING:
    from pathlib import Path

    from tsunagu.formats.reader import Context
    from tsunagu.formats.types import ImagePreview, Reading

_SPACE = {"meter": "m", "mm": "mm", "micron": "µm"}
_TIME = {"sec": "s", "msec": "ms", "usec": "µs", "hz": "Hz", "ppm": "ppm"}
_SLICE_VALUES = 64_000_000
_NIFTI_1_BYTES = 348


def read(path: Path, context: Context) -> Reading:
    """The header's fields; pairs keep their numbers in another file, so only the header is read.

    Raises:
        UnreadableError: damaged header, or fewer bytes than the shape asks for.
    """
    findings = Findings(context.limits)
    try:
        with path.open("rb") as source:
            header, shape, dtype = header_of(source, context)
    except OSError as error:
        raise UnreadableError(f"The header is damaged: {error}.") from error
    _fields(header, findings)
    if min(shape, default=0) < 0:
        raise UnreadableError("The header announces a negative size.", partial=findings.finish())
    findings.array("image", shape, dtype, where="header, field dim")
    if not is_single(context.head):
        findings.warn("The numbers stand in a second file (.img); only the header was read.")
        return findings.finish()
    offset = int(header["vox_offset"])
    need = offset + int(np.prod(shape, dtype=object)) * dtype.itemsize
    if context.byte_count < need:
        raise truncated(context.byte_count, need, partial=findings.finish())
    findings.preview(_slice(path, shape, dtype, offset, context.name))
    return findings.finish()


def header_of(source: BinaryIO, context: Context) -> tuple[Any, tuple[int, ...], Any]:
    """Header, shape (x first) and data type.

    Raises:
        UnreadableError: damaged.
    """
    try:
        header = _kind(context.head).from_fileobj(source, check=False)
        return header, tuple(int(n) for n in header.get_data_shape()), header.get_data_dtype()
    except (HeaderDataError, WrapStructError, ValueError, KeyError) as error:
        raise UnreadableError(f"The header is damaged: {error}.") from error


def is_single(head: bytes) -> bool:
    """Whether the numbers stand in the same file."""
    return head[344:348] == b"n+1\x00" or head[4:8] == b"n+2\x00"


def _kind(head: bytes) -> Any:
    if head[4:8] == b"n+2\x00":
        return Nifti2Header
    if head[4:8] == b"ni2\x00":
        return Nifti2PairHeader
    if head[344:348] == b"n+1\x00":
        return Nifti1Header
    return Nifti1PairHeader if head[344:348] == b"ni1\x00" else AnalyzeHeader


def _fields(header: Any, findings: Findings) -> None:
    space = time = None
    if hasattr(header, "get_xyzt_units"):
        try:
            names = header.get_xyzt_units()
            space, time = _SPACE.get(names[0]), _TIME.get(names[1])
        except (KeyError, HeaderDataError):
            findings.warn("The units of space and time are not valid.")
    units = {"pixdim": space, "slice_duration": time, "toffset": time}
    for name in header.keys():  # noqa: SIM118 - a numpy record, not a mapping
        value = header[name]
        plain = value.tolist() if hasattr(value, "tolist") else value
        if plain in (b"", "", 0, 0.0):
            continue
        key = str(name)
        personal = key in {"db_name", "patient_id"}
        findings.field(key, plain, unit=units.get(key), where=f"header, field {key}", personal=personal)
    for index, extension in enumerate(getattr(header, "extensions", ())):
        findings.field(f"extension {index}", f"code {extension.get_code()}", where="header extension")


def _slice(path: Path, shape: tuple[int, ...], dtype: Any, offset: int, title: str) -> ImagePreview | None:
    """Read one plane only: numbers run fastest along x, so a slice is one piece of the file."""
    if len(shape) < 2 or dtype.names or shape[0] * shape[1] > _SLICE_VALUES or 0 in shape:  # noqa: PLR2004
        return None
    plane = shape[0] * shape[1]
    middle = shape[2] // 2 if len(shape) > 2 else 0  # noqa: PLR2004
    with path.open("rb") as source:
        source.seek(offset + middle * plane * dtype.itemsize)
        values = np.frombuffer(source.read(plane * dtype.itemsize), dtype=dtype)
    # Left to right as stored, superior or anterior up, as viewers show it.
    return draw.image_of_array(title, values.reshape(shape[1], shape[0])[::-1])
