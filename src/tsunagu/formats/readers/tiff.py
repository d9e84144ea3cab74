"""TIFF, BigTIFF and OME-TIFF: tags, what microscopes write into them, pages, a picture."""

from __future__ import annotations

import logging
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import tifffile
from PIL import Image

from tsunagu.formats import draw
from tsunagu.formats.errors import UnreadableError, truncated
from tsunagu.formats.findings import Findings
from tsunagu.formats.readers.ome import read_ome

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tsunagu.formats.reader import Context
    from tsunagu.formats.types import ImagePreview, Reading

_STRUCTURAL = {
    "StripOffsets", "StripByteCounts", "TileOffsets", "TileByteCounts", "JPEGTables", "ColorMap", "ICCProfile",
    "FreeOffsets", "FreeByteCounts", "SubIFDs", "ImageDescription", "XMP", "ExifTag", "GPSTag", "InterColorProfile",
    "IJMetadata", "IJMetadataByteCounts", "NewSubfileType", "FillOrder", "MicroManagerMetadata",
}  # fmt: skip
_PERSONAL = {"Artist", "HostComputer", "GPSTag"}
_PAGE_VALUES = 64_000_000
_PAGES = 100_000
_UNIT_AT = 2
_OBJECT = re.compile(r"<[^<>]*>")
_VENDORS = (
    "fei_metadata", "sem_metadata", "imagej_metadata", "sis_metadata", "tvips_metadata", "lsm_metadata",
    "micromanager_metadata", "metaseries_metadata", "fluoview_metadata", "andor_metadata", "pilatus_metadata",
    "scanimage_metadata", "mdgel_metadata", "epics_metadata", "geotiff_metadata",
)  # fmt: skip


def read(path: Path, context: Context) -> Reading:
    """Tags of the first page, metadata of microscopes, shapes of series; the middle page drawn.

    Raises:
        UnreadableError: cut off or damaged.
    """
    findings = Findings(context.limits)
    try:
        # An OME-TIFF may name other files; they are never opened.
        with (
            _heard(findings),
            path.open("rb") as source,
            tifffile.TiffFile(source, name=context.name, _multifile=False) as tiff,
        ):
            _contents(tiff, path, findings, context)
    except UnreadableError:
        raise
    except (
        tifffile.TiffFileError,
        OSError,
        ValueError,
        IndexError,
        KeyError,
        TypeError,
        AttributeError,
    ) as error:
        raise UnreadableError(
            f"The TIFF structure is damaged: {str(error).rstrip('.')}.", partial=findings.finish()
        ) from error
    return findings.finish()


class _Ear(logging.Handler):
    """tifffile says in its log what it passes over."""

    def __init__(self, findings: Findings) -> None:
        super().__init__(logging.WARNING)
        self.findings = findings

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the sentence, without the addresses of objects in it."""
        text = _OBJECT.sub("", record.getMessage()).strip(" :")
        self.findings.warn(f"Damaged or unusual: {text}.")


@contextmanager
def _heard(findings: Findings) -> Iterator[None]:
    logger, ear = tifffile.logger(), _Ear(findings)
    logger.addHandler(ear)
    try:
        yield
    finally:
        logger.removeHandler(ear)


def _contents(tiff: Any, path: Path, findings: Findings, context: Context) -> None:
    if not len(tiff.pages):
        raise UnreadableError("The file holds no page.", reason_code="truncated")
    _tags(tiff.pages[0], findings)
    _metadata(tiff, findings)
    need = _shapes(tiff, findings)
    if context.byte_count < need:
        raise truncated(context.byte_count, need, partial=findings.finish())
    findings.preview(_picture(tiff, path, findings, context))


def _tags(page: Any, findings: Findings) -> None:
    for tag in page.tags:
        name = tag.name
        if name in _STRUCTURAL or (tag.count > 1024 and tag.dtype != 2):  # noqa: PLR2004 - long tables; 2 is text
            continue
        try:
            value = tag.value
        except (ValueError, OSError, TypeError, KeyError) as error:
            findings.warn(f"The tag {name} could not be read: {error}")
            continue
        if hasattr(value, "name"):
            value = value.name
        if name in {"XResolution", "YResolution"} and isinstance(value, tuple) and value[1]:
            value = value[0] / value[1]
        if isinstance(value, (str, int, float, tuple, bytes)):
            where = f"page 0, tag {tag.code}"
            findings.field(name, value, where=where, personal=name in _PERSONAL)
    description = page.description
    if description and not description.lstrip().startswith("<"):
        findings.field("ImageDescription", description, where="page 0, tag 270")


def _metadata(tiff: Any, findings: Findings) -> None:
    if tiff.is_ome:
        try:
            read_ome(tiff.ome_metadata or "", findings)
        except UnreadableError as error:
            findings.warn(f"The OME-XML could not be read: {error.message}")
    for name in _VENDORS:
        try:
            metadata = getattr(tiff, name)
        except Exception as error:  # noqa: BLE001 - each vendor's block has its own way to be wrong
            findings.warn(f"The block {name} could not be read: {error}")
            continue
        if isinstance(metadata, dict):
            _flatten(metadata, name.removesuffix("_metadata"), "", findings, 0)


def _flatten(node: dict[Any, Any], block: str, place: str, findings: Findings, depth: int) -> None:
    for key, value in node.items():
        full = f"{place}.{key}" if place else str(key)
        if isinstance(value, dict):
            if depth < findings.limits.depth:
                _flatten(value, block, full, findings, depth + 1)
        elif isinstance(value, tuple) and block == "sem" and len(value) in {2, 3}:
            # Zeiss writes (title, value, unit).
            findings.field(
                str(value[0]),
                value[1],
                unit=value[2] if len(value) > _UNIT_AT else None,
                where=f"block {block}, {full}",
            )
        elif isinstance(value, (str, int, float, bool, tuple, list)) and not isinstance(value, np.ndarray):
            findings.field(full, value, where=f"block {block}")


def _shapes(tiff: Any, findings: Findings) -> int:
    """Series as arrays; returns the bytes that the page tables ask for."""
    need = 0
    for page in list(tiff.pages[:_PAGES]) if len(tiff.pages) <= _PAGES else [tiff.pages[0]]:
        ends = [
            at + count
            for at, count in zip(page.dataoffsets, page.databytecounts, strict=False)
            if at and count
        ]
        need = max(need, *ends, 0) if ends else need
    findings.field("pages", len(tiff.pages), where="file")
    try:
        series = [(entry.name, entry.shape, entry.dtype, entry.axes) for entry in tiff.series]
    except Exception as error:  # noqa: BLE001 - wrong metadata; the pages still count
        findings.warn(f"The pages do not form the series that the metadata announces: {error}")
        series = [("page 0", tiff.pages[0].shape, tiff.pages[0].dtype, tiff.pages[0].axes)]
    for index, (name, shape, dtype, axes) in enumerate(series):
        findings.array(name or f"series {index}", shape, dtype, where=f"series {index}, axes {axes}")
    return need


def _picture(tiff: Any, path: Path, findings: Findings, context: Context) -> ImagePreview | None:
    pages = tiff.pages
    page = pages[len(pages) // 2] if tiff.pages[0].shape == pages[len(pages) // 2].shape else pages[0]
    width, height = int(pages[0].imagewidth), int(pages[0].imagelength)
    smaller = [
        # A frame is a page like the first of its series, told shortly: never a smaller copy.
        other
        for other in pages[:20]
        if getattr(other, "is_reduced", False) and max(other.shape[:2]) >= draw.IMAGE_SIDE // 2
    ]
    if smaller:
        page = min(smaller, key=lambda other: int(np.prod(other.shape)))
    page = page.aspage()
    if int(np.prod(page.shape, dtype=object)) > _PAGE_VALUES:
        findings.warn(f"No picture is shown: a page has {width:,} x {height:,} pixels.")
        return None
    try:
        values = page.asarray(maxworkers=1)
    except (ValueError, ImportError, RuntimeError, NotImplementedError) as error:
        return _by_pillow(path, findings, context, error)
    if values.ndim > 2 and page.axes.endswith("YX") and values.shape[0] in {3, 4}:  # noqa: PLR2004 - planar colour
        values = np.moveaxis(values, 0, -1)
    while values.ndim > 3 or (values.ndim == 3 and values.shape[-1] not in {3, 4}):  # noqa: PLR2004
        values = values[values.shape[0] // 2]
    if str(page.photometric).endswith("MINISWHITE") or getattr(page.photometric, "name", "") == "MINISWHITE":
        values = values.max() - values if values.dtype.kind == "u" else values
    if getattr(page.photometric, "name", "") == "PALETTE":
        return _by_pillow(path, findings, context, None)
    return draw.image_of_array(context.name, values, original=(width, height))


def _by_pillow(
    path: Path, findings: Findings, context: Context, error: Exception | None
) -> ImagePreview | None:
    """Compressions that tifffile leaves to a large codec package, Pillow often has."""
    try:
        with Image.open(path) as picture:
            return draw.image_of_picture(context.name, picture, original=picture.size)
    except (OSError, ValueError, SyntaxError):
        findings.warn(f"No picture is shown: {str(error or 'the page cannot be decoded').rstrip('.')}.")
        return None
