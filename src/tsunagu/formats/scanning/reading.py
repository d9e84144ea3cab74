"""One page: its own text where it has one, else what the engine recognises in its picture."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING

from PIL import Image

from tsunagu.formats.errors import UnreadableError
from tsunagu.formats.scanning import documents, tesseract
from tsunagu.formats.scanning.types import PageReading, Word

if TYPE_CHECKING:
    from typing import BinaryIO

_SHOWN_SIDE, _SHOWN_QUALITY = 1400, 60
_LEAST_SIDE = 24  # a picture with fewer pixels along a side holds no line of writing
# Words below this are marks on the paper that look like a letter; a page of nothing else is no page of writing.
_NOISE = 25
_WRITING = 40


def read_page(file: BinaryIO, number: int, engine: tesseract.Engine | str) -> PageReading:
    """What stands on a page of an open file.

    Args:
        file: PDF, TIFF, PNG or JPEG.
        number: From 1.
        engine: The engine, or why there is none.
    """
    count = 0
    try:
        document = documents.opened(file)
        count = document.page_count
        sheet = document.sheet(number)
    except UnreadableError as error:
        said = error.message
        return PageReading(number, count, "unreadable", reason=said, reason_code=error.reason_code)
    shell = PageReading(
        number, count, "empty", width=sheet.picture.width, height=sheet.picture.height, dpi=sheet.dpi
    )
    if sheet.words:
        return replace(shell, status="text_layer", words=sheet.words, picture=_shown(sheet.picture))
    if isinstance(engine, str):
        return replace(
            shell, status="unreadable", reason=engine, reason_code="no_engine", picture=_shown(sheet.picture)
        )
    if min(sheet.picture.size) < _LEAST_SIDE or _is_blank(sheet.picture):
        return replace(shell, picture=_shown(sheet.picture))
    return _recognised(shell, sheet, engine)


def _recognised(shell: PageReading, sheet: documents.Sheet, engine: tesseract.Engine) -> PageReading:
    dpi, picture = documents.worked_dpi(sheet), sheet.picture
    turn = 0
    if "osd" in engine.languages:
        with tesseract.Recogniser(engine, "osd") as recogniser:
            turn = recogniser.turn(picture, dpi=dpi)
    if turn:
        picture = picture.rotate(-turn, expand=True)
    words = _words(engine, engine.horizontal, picture, dpi)
    is_vertical = False
    if _sureness(words) < tesseract.SURE and "jpn_vert" in engine.languages:
        # The layout of a page does not tell the direction of its lines; how sure the engine is, does.
        other = _words(engine, "jpn_vert", picture, dpi, is_vertical=True)
        if _sureness(other) > _sureness(words):
            words, is_vertical = other, True
    found = tuple(word for word in words if word.confidence >= _NOISE)
    is_writing = bool(found) and _sureness(found) >= _WRITING
    return replace(
        shell,
        status="recognised" if is_writing else "empty",
        width=picture.width,
        height=picture.height,
        rotation=turn,
        is_vertical=is_vertical and is_writing,
        engine=f"Tesseract {engine.version}",
        words=found if is_writing else (),
        picture=_shown(picture),
    )


def _words(
    engine: tesseract.Engine, language: str, picture: Image.Image, dpi: int, *, is_vertical: bool = False
) -> tuple[Word, ...]:
    with tesseract.Recogniser(engine, language) as recogniser:
        return recogniser.words(picture, dpi=dpi, is_vertical=is_vertical)


def _sureness(words: tuple[Word, ...]) -> float:
    """Mean confidence over all signs: a page read the wrong way gives many unsure ones."""
    weight = sum(len(word.text) for word in words)
    return sum(len(word.text) * word.confidence for word in words) / weight if weight else 0.0


def _is_blank(picture: Image.Image) -> bool:
    """Whether hardly anything stands out from the paper."""
    darkest, lightest = picture.resize((min(600, picture.width), min(600, picture.height))).getextrema()
    return int(lightest) - int(darkest) < _NOISE  # type: ignore[arg-type]


def _shown(picture: Image.Image) -> bytes:
    shown = picture.copy()
    shown.thumbnail((_SHOWN_SIDE, _SHOWN_SIDE), Image.Resampling.BILINEAR)
    out = io.BytesIO()
    shown.save(out, "JPEG", quality=_SHOWN_QUALITY, optimize=False)
    return out.getvalue()
