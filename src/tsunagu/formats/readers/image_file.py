"""JPEG, PNG and other everyday pictures, with EXIF; places and names in it are personal."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from tsunagu.formats import draw
from tsunagu.formats.errors import UnreadableError
from tsunagu.formats.findings import Findings

if TYPE_CHECKING:
    from pathlib import Path

    from tsunagu.formats.errors import ReasonCode
    from tsunagu.formats.reader import Context
    from tsunagu.formats.types import Reading

_PIXELS = 300_000_000
_TAIL_BYTES = 4096
_BLOB_BYTES = 200
_PERSONAL = {"Artist", "XPAuthor", "CameraOwnerName", "BodySerialNumber", "LensSerialNumber", "OwnerName"}
_SKIPPED = {"ExifOffset", "GPSInfo", "MakerNote", "UserComment", "PrintImageMatching"}
_UNITS = {"ExposureTime": "s", "FocalLength": "mm", "SubjectDistance": "m", "FocalLengthIn35mmFilm": "mm"}


def read(path: Path, context: Context) -> Reading:
    """Size, mode and EXIF; the picture upright as preview.

    Raises:
        UnreadableError: damaged, cut off, or more pixels than the cap.
    """
    findings = Findings(context.limits)
    Image.MAX_IMAGE_PIXELS = None  # the cap below gives a reason instead of a warning
    try:
        with Image.open(path) as picture:
            if picture.width * picture.height > _PIXELS:
                raise UnreadableError(
                    f"The picture has {picture.width:,} x {picture.height:,} pixels; the limit is {_PIXELS:,} in all.",
                    reason_code="too_big",
                )
            if picture.format == "PNG" and not _has_end(path, context.byte_count):
                findings.warn("The end mark of the PNG (IEND) is missing; the file may be cut off.")
            _facts(picture, findings)
            _exif(picture, findings)
            size = picture.size
            if picture.format == "JPEG":
                picture.draft(None, (2 * draw.IMAGE_SIDE, 2 * draw.IMAGE_SIDE))
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                upright = ImageOps.exif_transpose(picture)
            is_turned = (upright.width > upright.height) != (size[0] > size[1]) and size[0] != size[1]
            findings.preview(
                draw.image_of_picture(context.name, upright, original=size[::-1] if is_turned else size)
            )
    except UnidentifiedImageError as error:
        raise UnreadableError("The header of the picture is damaged.") from error
    except (OSError, SyntaxError, ValueError) as error:
        code: ReasonCode = "truncated" if "truncated" in str(error).lower() else "corrupt"
        raise UnreadableError(
            f"The picture is damaged: {str(error).rstrip('.')}.", reason_code=code
        ) from error
    return findings.finish()


def _has_end(path: Path, byte_count: int) -> bool:
    """Pillow shows a PNG whose last chunk is gone without a word."""
    with path.open("rb") as source:
        source.seek(max(0, byte_count - _TAIL_BYTES))
        return b"IEND" in source.read(_TAIL_BYTES)


def _facts(picture: Image.Image, findings: Findings) -> None:
    bands = len(picture.getbands())
    findings.array(
        "image",
        (picture.height, picture.width) if bands == 1 else (picture.height, picture.width, bands),
        "bool" if picture.mode == "1" else "uint16" if picture.mode.startswith("I;16") else "uint8",
        where="picture",
    )
    findings.field("format", picture.format, where="signature")
    findings.field("width", picture.width, unit="pixel", where="picture header")
    findings.field("height", picture.height, unit="pixel", where="picture header")
    findings.field("mode", picture.mode, where="picture header")
    if getattr(picture, "n_frames", 1) > 1:
        findings.field("frames", picture.n_frames, where="picture")  # type: ignore[attr-defined]
    for raw_key, value in picture.info.items():
        key = str(raw_key)
        if key == "dpi":
            findings.field("dpi", [float(v) for v in value], unit="dpi", where="picture header")
        elif key == "comment" or (isinstance(value, str) and key not in {"xmp", "XML:com.adobe.xmp"}):
            is_personal = key.lower() in {"author", "artist"}
            findings.field(key, value, where="text chunk", personal=is_personal)


def _exif(picture: Image.Image, findings: Findings) -> None:
    try:
        exif = picture.getexif()
        directories: list[tuple[str, Any, dict[int, str], bool]] = [
            ("EXIF", exif, ExifTags.TAGS, False),
            ("EXIF", exif.get_ifd(ExifTags.IFD.Exif), ExifTags.TAGS, False),
            ("GPS", exif.get_ifd(ExifTags.IFD.GPSInfo), ExifTags.GPSTAGS, True),
        ]
    except (OSError, ValueError, SyntaxError, TypeError, KeyError):
        findings.warn("The EXIF block is damaged and was passed over.")
        return
    for place, directory, names, is_personal in directories:
        for tag, value in dict(directory).items():
            name = names.get(tag, f"tag {tag}")
            if name in _SKIPPED or (isinstance(value, bytes) and len(value) > _BLOB_BYTES):
                continue
            findings.field(
                name,
                _number(value),
                unit=_UNITS.get(name),
                where=f"{place} tag {tag}",
                personal=is_personal or name in _PERSONAL,
            )


def _number(value: Any) -> Any:
    """Fractions as floats; EXIF counts in rationals."""
    if hasattr(value, "numerator") and not isinstance(value, int):
        return float(value) if value.denominator else None
    if isinstance(value, tuple):
        return tuple(_number(item) for item in value)
    return value
