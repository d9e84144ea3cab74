"""The numbers of images and volumes: NumPy, NIfTI, FITS, TIFF, DICOM."""

from __future__ import annotations

import io
import math
import zipfile
from math import prod
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from tsunagu.formats.errors import UnreadableError, truncated
from tsunagu.formats.reader import Arrays, OpenArray
from tsunagu.formats.readers import numpy_file
from tsunagu.formats.readers.runs import run_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tsunagu.formats.reader import Context

_PLANE = 2


# --- NumPy


def numpy_arrays(source: BinaryIO, context: Context) -> Arrays:
    """The array, or each of those in a ZIP.

    Raises:
        UnreadableError: cut off, damaged, or pickled objects.
    """
    if not context.head.startswith(b"PK"):
        source.seek(0)
        return Arrays([_numpy(source, "array", context.byte_count)])
    arrays: list[OpenArray] = []
    left: list[tuple[str, str]] = []
    try:
        archive = zipfile.ZipFile(source)
    except (zipfile.BadZipFile, OSError, EOFError) as error:
        raise UnreadableError(f"The archive of arrays is damaged: {str(error).rstrip('.')}.") from error
    for info in archive.infolist()[: context.limits.array_count]:
        name = info.filename.removesuffix(".npy")
        try:
            arrays.append(_numpy(_Member(archive, info), name, info.file_size))
        except UnreadableError as error:
            left.append((name, error.message))
    return Arrays(arrays, {}, left)


class _Member(io.RawIOBase):
    """A member of a ZIP, unpacked when it is asked for and not kept longer than it is read."""

    def __init__(self, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> None:
        self._archive, self._info = archive, info
        self._at = 0

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """From the start only."""
        assert whence == 0
        self._at = offset
        return offset

    def tell(self) -> int:
        """Where the next byte is read."""
        return self._at

    def read(self, size: int = -1, /) -> bytes:
        """Bytes from there."""
        with self._archive.open(self._info) as member:
            member.seek(self._at)
            data = member.read(size)
        self._at += len(data)
        return data


def _numpy(source: Any, name: str, byte_count: int) -> OpenArray:
    shape, is_fortran, dtype = numpy_file.header(source)
    if dtype.hasobject:
        raise UnreadableError(
            "The array holds pickled Python objects, which are never loaded.", reason_code="pickled"
        )
    if dtype.kind not in "iufcb" or dtype.names or 0 in shape or not shape:
        raise UnreadableError(
            f"The array has the type {dtype} and the shape {shape}.", reason_code="unsupported"
        )
    start = source.tell()
    if byte_count < (need := start + prod(shape) * dtype.itemsize):
        raise truncated(byte_count, need)
    read = run_of(source, start, dtype, shape, is_reversed=is_fortran)
    return OpenArray(name, shape, dtype.newbyteorder("="), read, is_reversed=is_fortran)


# --- NIfTI

_AXES = ("x", "y", "z", "time")


def nifti_arrays(source: BinaryIO, context: Context) -> Arrays:
    """The volume. What is stored is scaled by what the attributes say, as CF has it.

    Raises:
        UnreadableError: damaged, cut off, or the numbers lie in a second file.
    """
    from tsunagu.formats.readers import nifti

    header, shape, dtype = nifti.header_of(source, context)
    if not nifti.is_single(context.head):
        raise UnreadableError("The numbers stand in a second file (.img).", reason_code="unsupported")
    offset = int(header["vox_offset"])
    if context.byte_count < (need := offset + prod(shape) * dtype.itemsize):
        raise truncated(context.byte_count, need)
    if dtype.names or dtype.kind not in "iufc" or not shape or 0 in shape:
        return Arrays([], {}, [("image", f"Its values are of the type {dtype}.")])
    said: dict[str, Any] = {}
    slope, intercept = float(header["scl_slope"]), float(header["scl_inter"])
    if math.isfinite(slope) and slope and (slope, intercept) != (1.0, 0.0):
        said = {"scale_factor": slope, "add_offset": intercept if math.isfinite(intercept) else 0.0}
    affine = header.get_best_affine()
    said |= {"affine": affine.tolist(), "voxel_size": [float(one) for one in header.get_zooms()]}
    read = run_of(source, offset, dtype, shape, is_reversed=True)
    array = OpenArray(
        "image",
        shape,
        dtype.newbyteorder("="),
        read,
        dimensions=_AXES[: len(shape)] if len(shape) <= len(_AXES) else (),
        attributes=said,
        is_reversed=True,
    )
    return Arrays([array])


# --- FITS


def fits_arrays(source: BinaryIO, context: Context) -> Arrays:
    """The image of every HDU, as the numbers mean: with BSCALE and BZERO applied.

    Raises:
        UnreadableError: cut off or damaged.
    """
    from tsunagu.formats.readers import fits

    return Arrays([_fits(hdu, name) for _, name, hdu in fits.hdus_of(source, context) if fits.is_image(hdu)])


def _fits(hdu: Any, name: str) -> OpenArray:
    shape = tuple(int(n) for n in hdu.shape)
    first = np.asarray(hdu.section[(*[slice(0, 1)] * len(shape),)])
    header = hdu.header

    def read(extent: tuple[slice, ...]) -> Any:
        return hdu.section[extent]

    said = {
        key: header[key]
        for axis in range(1, len(shape) + 1)
        for key in (f"CTYPE{axis}", f"CUNIT{axis}", f"CRVAL{axis}", f"CRPIX{axis}", f"CDELT{axis}")
        if key in header and isinstance(header[key], (str, int, float))
    }
    # The first axis of FITS is the last here.
    dimensions = tuple(
        str(header.get(f"CTYPE{axis}", "")).partition("-")[0].strip().lower() or "xyz"[axis - 1 : axis]
        for axis in range(len(shape), 0, -1)
    )
    unit = header.get("BUNIT")
    dtype = first.dtype.newbyteorder("=")
    fill = header.get("BLANK") if dtype.kind in "iu" and "BZERO" not in header else None
    return OpenArray(
        name,
        shape,
        dtype,
        read,
        dimensions,
        unit if isinstance(unit, str) else "",
        attributes=said,
        fill=fill,
    )


# --- TIFF


def tiff_arrays(source: BinaryIO, context: Context) -> Arrays:
    """Every series of pages; one page is read at a time, of a large one only the strips or tiles that are asked for.

    Raises:
        UnreadableError: damaged, or compressed in a way that no installed library undoes.
    """
    from tsunagu.formats.readers import tiff_pages

    return tiff_pages.arrays(source, context)


# --- DICOM


def dicom_arrays(source: BinaryIO, context: Context) -> Arrays:
    """The frames of the picture, one at a time, as stored; slope and intercept stand in the attributes, as CF has it.

    Raises:
        UnreadableError: damaged, or compressed in a way that no installed library undoes.
    """
    from tsunagu.formats.readers import dicom

    del context
    dataset = dicom.open_pictures(source)
    if not dicom.has_pixels(dataset):
        return Arrays([_waveform(dataset)])
    frames = int(dataset.get("NumberOfFrames") or 1)
    get = _dicom_frames(dataset)
    first = get(0)
    shape = (*((frames,) if frames > 1 else ()), *first.shape)
    said: dict[str, Any] = {}
    slope, intercept = dataset.get("RescaleSlope"), dataset.get("RescaleIntercept")
    if slope is not None and intercept is not None:
        said = {"scale_factor": float(slope), "add_offset": float(intercept)}
    for keyword in ("PhotometricInterpretation", "Modality"):
        if dataset.get(keyword):
            said[keyword] = str(dataset.get(keyword))
    if spacing := dataset.get("PixelSpacing"):
        said["PixelSpacing_mm"] = [float(one) for one in spacing]
    names = ("y", "x") if first.ndim == _PLANE else ("y", "x", "sample")
    array = OpenArray(
        "PixelData",
        shape,
        first.dtype.newbyteorder("="),
        _planes(get, len(first.shape), frames > 1),
        (*(("frame",) if frames > 1 else ()), *names),
        dicom.unit_of(dataset),
        attributes=said,
    )
    return Arrays([array])


def _waveform(dataset: Any) -> OpenArray:
    """The first group of channels, in the units of the channels."""
    try:
        values = np.asarray(dataset.waveform_array(0))
        rate = float(dataset.WaveformSequence[0].SamplingFrequency)
    except (ValueError, KeyError, TypeError, AttributeError, NotImplementedError, IndexError) as error:
        raise UnreadableError(
            f"The file holds no picture, and its waveform cannot be read: {error}"
        ) from error
    return OpenArray(
        "WaveformData",
        values.shape,
        values.dtype.newbyteorder("="),
        values.__getitem__,
        ("time", "channel"),
        attributes={"sampling_frequency_hz": rate},
    )


def _dicom_frames(dataset: Any) -> Callable[[int], Any]:
    from pydicom.pixels.utils import pixel_array

    def get(index: int) -> Any:
        try:
            return np.asarray(pixel_array(dataset, index=index))
        except Exception as error:
            raise UnreadableError(
                f"Frame {index} cannot be decoded: {' '.join(str(error).split())[:200]}",
                reason_code="unsupported",
            ) from error

    return get


def _planes(get: Callable[[int], Any], depth: int, is_stack: bool) -> Callable[[tuple[slice, ...]], Any]:  # noqa: FBT001
    """What reads extents of planes that come one by one; the last one is kept."""
    kept: dict[int, Any] = {}

    def plane(index: int) -> Any:
        if index not in kept:
            kept.clear()
            kept[index] = get(index)
        return kept[index]

    def read(extent: tuple[slice, ...]) -> Any:
        if not is_stack:
            return plane(0)[extent]
        first = extent[0]
        made = np.empty([one.stop - one.start for one in extent], plane(first.start).dtype)
        for index in range(first.start, first.stop):
            made[index - first.start] = plane(index)[extent[-depth:]]
        return made

    return read
