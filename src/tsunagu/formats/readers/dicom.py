"""DICOM: every element with its tag; what can point at the patient is marked personal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO

import pydicom
from pydicom import config
from pydicom.dataelem import RawDataElement
from pydicom.errors import InvalidDicomError
from pydicom.pixels.utils import pixel_array

from tsunagu.formats import draw
from tsunagu.formats.errors import UnreadableError, truncated
from tsunagu.formats.findings import Findings

if TYPE_CHECKING:
    from pathlib import Path

    from tsunagu.formats.reader import Context
    from tsunagu.formats.types import ImagePreview, Reading

_BINARY = {"OB", "OW", "OF", "OD", "OL", "OV", "UN"}
_BINARY_BYTES = 64
_PATIENT_GROUP = 0x0010
_UNDEFINED = 0xFFFFFFFF
_ELEMENT_HEAD_BYTES = 8
_PIXELS = {0x7FE00008, 0x7FE00009, 0x7FE00010}
_FRAME_VALUES = 100_000_000
# PS3.15 table E.1-1, what names a person, a place of care or an identity beyond group 0010 and VR PN.
_PERSONAL = {
    0x00080050, 0x00080080, 0x00080081, 0x00080092, 0x00080094, 0x00081040, 0x00081080, 0x00081084, 0x00082111,
    0x00200010, 0x00204000, 0x00321032, 0x00321060, 0x00380010, 0x00380300, 0x00380400, 0x00380500, 0x00384000,
    0x00400006, 0x00401001, 0x00401400, 0x00402016, 0x00402017, 0x0040A123, 0x0040A730, 0x00880140,
}  # fmt: skip
_UNITS = {
    "SliceThickness": "mm", "SpacingBetweenSlices": "mm", "PixelSpacing": "mm", "ImagerPixelSpacing": "mm",
    "KVP": "kV", "XRayTubeCurrent": "mA", "ExposureTime": "ms", "Exposure": "mAs", "EchoTime": "ms",
    "RepetitionTime": "ms", "InversionTime": "ms", "MagneticFieldStrength": "T", "ImagingFrequency": "MHz",
    "FlipAngle": "deg", "ReconstructionDiameter": "mm", "DistanceSourceToDetector": "mm",
    "DistanceSourceToPatient": "mm", "GantryDetectorTilt": "deg", "TableHeight": "mm", "FocalSpots": "mm",
    "SliceLocation": "mm", "ImagePositionPatient": "mm", "PatientWeight": "kg", "PatientSize": "m",
    "PixelBandwidth": "Hz/pixel", "FrameTime": "ms", "GeneratorPower": "kW", "DataCollectionDiameter": "mm",
}  # fmt: skip


def read(path: Path, context: Context) -> Reading:
    """All elements outside of the pixels as fields; the middle frame as preview.

    Units come from the standard, which fixes them (PS3.3); files do not carry them.

    Raises:
        UnreadableError: cut off or damaged.
    """
    findings = Findings(context.limits)
    config.settings.reading_validation_mode = config.IGNORE
    try:
        # Files without preamble are taken because the sniffer saw a plausible first tag, never any file.
        dataset = pydicom.dcmread(path, force=context.head[128:132] != b"DICM", defer_size=None)
    except InvalidDicomError as error:
        raise UnreadableError("The content is not DICOM behind its first bytes.") from error
    except (EOFError, ValueError, KeyError, TypeError, AttributeError, NotImplementedError, OSError) as error:
        raise UnreadableError(
            f"The DICOM structure is damaged: {str(error).rstrip('.') or 'unexpected end'}."
        ) from error
    if not len(dataset):
        raise UnreadableError("The file ends before the first DICOM element.", reason_code="truncated")
    if getattr(dataset, "file_meta", None):
        _elements(dataset.file_meta, "", findings, 0, is_personal=False)
    end = _announced_end(dataset)
    _elements(dataset, "", findings, 0, is_personal=False)
    _require_whole(dataset, end, findings, context)
    if any(tag in dataset for tag in _PIXELS):
        _pixels(dataset, findings, context)
    elif "WaveformSequence" in dataset:
        _waveform(dataset, findings, context)
    return findings.finish()


def open_pictures(source: BinaryIO) -> Any:
    """An open file.

    Raises:
        UnreadableError: damaged.
    """
    config.settings.reading_validation_mode = config.IGNORE
    try:
        return pydicom.dcmread(source, force=True)
    except (InvalidDicomError, EOFError, ValueError, KeyError, TypeError, AttributeError, OSError) as error:
        raise UnreadableError(f"The DICOM structure is damaged: {str(error).rstrip('.')}.") from error


def has_pixels(dataset: Any) -> bool:
    """Whether there is a picture."""
    return any(tag in dataset for tag in _PIXELS)


def unit_of(dataset: Any) -> str:
    """Of the rescaled values of a picture; "unspecified" is no unit."""
    unit = str(dataset.get("RescaleType") or dataset.get("Units") or "")
    return "" if unit == "US" else unit


def _announced_end(dataset: Any) -> int | None:
    """Where the last element ends by its length; to be asked before any is parsed. Unknown for deflated files."""
    syntax = getattr(getattr(dataset, "file_meta", None), "TransferSyntaxUID", None)
    raw = [item for item in map(dataset.get_item, dataset.keys()) if isinstance(item, RawDataElement)]
    last = max(raw, key=lambda item: item.value_tell, default=None)
    if last is None or last.length == _UNDEFINED or getattr(syntax, "is_deflated", False):
        return None
    return int(last.value_tell + last.length)


def _require_whole(dataset: Any, end: int | None, findings: Findings, context: Context) -> None:
    """Pydicom takes an element that breaks off as it stands; only the lengths tell.

    Raises:
        UnreadableError: the last element is shorter than it says.
    """
    has_pixels = any(tag in dataset for tag in _PIXELS)
    if end is not None and end > context.byte_count and not has_pixels:
        raise truncated(context.byte_count, end, partial=findings.finish())
    if end is not None and 0 < context.byte_count - end < _ELEMENT_HEAD_BYTES and not has_pixels:
        raise truncated(context.byte_count, end + _ELEMENT_HEAD_BYTES, partial=findings.finish())
    kind = str(
        getattr(getattr(getattr(dataset, "file_meta", None), "MediaStorageSOPClassUID", None), "name", "")
    )
    is_picture = ("BitsAllocated" in dataset and "Rows" in dataset) or kind.endswith("Image Storage")
    if is_picture and not has_pixels:
        findings.warn("The header announces a picture, and the file holds none; it may be cut off.")


def _elements(dataset: Any, place: str, findings: Findings, depth: int, *, is_personal: bool) -> None:
    for tag in sorted(dataset.keys()):
        if int(tag) in _PIXELS:
            continue
        try:
            element = dataset[tag]
            key = f"{place}{element.keyword or str(tag)}"
            where = (
                f"tag {str(tag).replace(' ', '')}"
                if not place
                else f"tag {str(tag).replace(' ', '')} in {place[:-1]}"
            )
            personal = (
                is_personal or tag.group == _PATIENT_GROUP or int(tag) in _PERSONAL or element.VR == "PN"
            )
            if element.VR == "SQ":
                for index, item in enumerate(element.value[:20] if depth < findings.limits.depth else ()):
                    _elements(item, f"{key}[{index}].", findings, depth + 1, is_personal=personal)
                continue
            value = _value(element)
        except (
            ValueError,
            KeyError,
            TypeError,
            AttributeError,
            NotImplementedError,
            OSError,
            EOFError,
            IndexError,
        ) as error:
            findings.warn(f"The element {tag} could not be read: {error}")
            continue
        if value is not None:
            findings.field(key, value, unit=_UNITS.get(element.keyword), where=where, personal=personal)


def _value(element: Any) -> Any:
    value = element.value
    if element.VR in _BINARY and isinstance(value, bytes):
        return value if len(value) <= _BINARY_BYTES else f"({len(value):,} bytes)"
    if element.VR == "PN":
        return [str(part) for part in value] if element.VM > 1 else str(value)
    if value is None or value == "":
        return None
    if element.VM > 1:
        return [_scalar(part) for part in value]
    return _scalar(value)


def _scalar(value: Any) -> Any:
    if isinstance(value, float):
        return float(value)
    if isinstance(value, int):
        return int(value)
    return value if isinstance(value, bytes) else str(value)


def _pixels(dataset: Any, findings: Findings, context: Context) -> None:
    rows, columns = _count(dataset, "Rows", 0, findings), _count(dataset, "Columns", 0, findings)
    frames = _count(dataset, "NumberOfFrames", 1, findings)
    samples, bits = (
        _count(dataset, "SamplesPerPixel", 1, findings),
        _count(dataset, "BitsAllocated", 16, findings),
    )
    if not rows or not columns:
        findings.warn("The picture has no rows or no columns.")
        return
    shape = (*((frames,) if frames > 1 else ()), rows, columns, *((samples,) if samples > 1 else ()))
    sign = "int" if dataset.get("PixelRepresentation", 0) else "uint"
    dtype = {0x7FE00008: "float32", 0x7FE00009: "float64"}.get(
        next(tag for tag in sorted(_PIXELS) if tag in dataset), f"{sign}{bits}"
    )
    findings.array("PixelData", shape, dtype, unit=unit_of(dataset), where="tag (7FE0,0010)")
    syntax = getattr(getattr(dataset, "file_meta", None), "TransferSyntaxUID", None)
    if (syntax is None or not syntax.is_compressed) and "PixelData" in dataset:
        is_subsampled = str(dataset.get("PhotometricInterpretation", "")) == "YBR_FULL_422"
        need = (rows * columns * frames * (2 if is_subsampled else samples) * bits + 7) // 8
        have = len(dataset.PixelData)
        if have < need:
            raise truncated(have, need, "The picture", partial=findings.finish())
    if rows * columns * samples > _FRAME_VALUES:
        return
    findings.preview(_frame(dataset, frames, findings, context))


def _count(dataset: Any, keyword: str, default: int, findings: Findings) -> int:
    value = dataset.get(keyword, default)
    try:
        return int(value or default)
    except (ValueError, TypeError):
        findings.warn(f"{keyword} is {str(value)[:40]!r}, which is no number; {default} was taken.")
        return default


def _frame(dataset: Any, frames: int, findings: Findings, context: Context) -> ImagePreview | None:
    try:
        plane = pixel_array(dataset, index=frames // 2 if frames > 1 else 0)
    except Exception as error:  # noqa: BLE001 - decoders fail in many ways; the header still counts
        syntax = getattr(getattr(dataset, "file_meta", None), "TransferSyntaxUID", None)
        name = getattr(syntax, "name", "an unknown transfer syntax")
        if syntax is not None and syntax.is_compressed and "missing dependencies" in str(error):
            findings.warn(f"No picture is shown: no installed library decodes {name}.")
        else:
            findings.warn(f"No picture is shown: {' '.join(str(error).split())[:200]}")
        return None
    if plane.ndim == 2 and str(dataset.get("PhotometricInterpretation", "")) == "MONOCHROME1":  # noqa: PLR2004
        plane = plane.max() - plane
    return draw.image_of_array(context.name, plane)


def _waveform(dataset: Any, findings: Findings, context: Context) -> None:
    try:
        group = dataset.WaveformSequence[0]
        values = dataset.waveform_array(0)
        rate = float(group.SamplingFrequency)
        labels = [
            str(channel.get("ChannelLabel") or channel.ChannelSourceSequence[0].CodeMeaning)
            for channel in group.ChannelDefinitionSequence
        ]
    except (ValueError, KeyError, TypeError, AttributeError, NotImplementedError, IndexError) as error:
        findings.warn(f"The waveform could not be read: {error}")
        return
    findings.array("WaveformData", values.shape, values.dtype, where="WaveformSequence[0]")
    seconds = [index / rate for index in range(values.shape[0])]
    lines = [
        draw.series(labels[i], seconds, values[:, i]) for i in range(min(values.shape[1], draw.CURVE_SERIES))
    ]
    findings.preview(draw.curve(context.name, lines, x=("time", "s"), y=("signal", None)))
