"""The pages of a file as pictures: PDF, TIFF with one page or many, PNG, JPEG."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

import pypdfium2 as pdfium
from PIL import Image, ImageOps, UnidentifiedImageError
from pypdfium2 import raw as pdfium_c

from tsunagu.formats.errors import UnreadableError
from tsunagu.formats.scanning.tesseract import MOST_SIDE
from tsunagu.formats.scanning.types import MOST_WORDS, Word

if TYPE_CHECKING:
    from collections.abc import Iterator

DPI = 300
_LEAST_DPI, _GUESSED_DPI = 70, 200
MOST_PIXELS = 100_000_000  # of a picture as it lies in a file: more is no page, but a bomb or a map
_WORKED_PIXELS = 40_000_000  # larger ones are made smaller before anything looks at them
_POINTS = 72
# Fewer signs than this are a page number or a stamp that some scanner wrote beside the picture.
_LEAST_SIGNS = 16
_PILLOW_FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "GIF", "WEBP", "JPEG2000")


@dataclass(frozen=True, slots=True)
class Sheet:
    """A page: 8 bits of grey, its resolution (0: the file does not say), and its text where the file says it."""

    picture: Image.Image
    dpi: int
    words: tuple[Word, ...] = ()


class Document(Protocol):
    """An open file with pages."""

    page_count: int

    def sheet(self, number: int) -> Sheet:
        """A page, from 1.

        Raises:
            UnreadableError: it cannot be read, and why.
        """
        ...


def opened(file: BinaryIO) -> Document:
    """The document in an open file.

    Raises:
        UnreadableError: it is none, is damaged or is protected by a password.
    """
    head = file.read(1024)
    file.seek(0)
    if b"%PDF-" in head:
        return _Pdf(file)
    return _Pictures(file)


class _Pdf:
    def __init__(self, file: BinaryIO) -> None:
        try:
            self._document = pdfium.PdfDocument(file)
        except pdfium.PdfiumError as error:
            if (
                getattr(error, "err_code", None) == pdfium_c.FPDF_ERR_PASSWORD
                or "password" in str(error).lower()
            ):
                raise UnreadableError(
                    "The PDF is protected by a password.", reason_code="encrypted"
                ) from error
            raise UnreadableError("The PDF is damaged or cut off.", reason_code="truncated") from error
        self.page_count = len(self._document)
        if not self.page_count:
            raise UnreadableError("The PDF has no pages.")

    def sheet(self, number: int) -> Sheet:
        _refuse_beyond(number, self.page_count)
        try:
            page = self._document[number - 1]
            width, height = page.get_size()
        except pdfium.PdfiumError as error:
            raise UnreadableError(f"Page {number} of the PDF is damaged.") from error
        dpi = _fitting_dpi(width, height)
        try:
            bitmap = page.render(scale=dpi / _POINTS, grayscale=True)
            picture = bitmap.to_pil().convert("L")
        except (pdfium.PdfiumError, ValueError, OSError) as error:
            raise UnreadableError(f"Page {number} of the PDF cannot be drawn.") from error
        words = _said(page, dpi / _POINTS)
        signs = sum(len(word.text) for word in words)
        return Sheet(picture, dpi, words if signs >= _LEAST_SIGNS else ())


def _fitting_dpi(width: float, height: float) -> int:
    """The resolution at which a page of so many points makes a picture that can be worked on.

    Raises:
        UnreadableError: no sensible one does.
    """
    if not (width > 0 and height > 0):
        raise UnreadableError("The page has no size.")
    inches = width / _POINTS, height / _POINTS
    most = min(DPI, (_WORKED_PIXELS / (inches[0] * inches[1])) ** 0.5, MOST_SIDE / max(inches))
    if most < _LEAST_DPI:
        raise UnreadableError(
            f"The page is {inches[0]:,.0f} by {inches[1]:,.0f} inches large: too large to be read as a page.",
            reason_code="too_big",
        )
    return int(most)


def _said(page: Any, scale: float) -> tuple[Word, ...]:
    """The text layer; a broken one says nothing, and the picture is read."""
    try:
        return tuple(_text_layer(page, scale))
    except (pdfium.PdfiumError, ValueError, OverflowError):
        return ()


def _text_layer(page: Any, scale: float) -> Iterator[Word]:
    """The words that a page itself says, with boxes on its picture."""
    text_page = page.get_textpage()
    count = min(text_page.count_chars(), 10 * MOST_WORDS)
    said = text_page.get_text_range(0, count) if count > 0 else ""
    if len(said) != count:
        return  # signs beyond the basic plane: places and signs would not be those of each other
    line, start = 0, None
    for at in range(count + 1):
        sign = said[at] if at < count else " "
        if not sign.isspace() and sign.isprintable():
            start = at if start is None else start
            continue
        if start is not None:
            boxes = [text_page.get_charbox(sign) for sign in range(start, at)]
            yield Word(said[start:at], *_box(page, boxes, scale), 100, line)
            start = None
        line += sign == "\n"


def _box(page: Any, boxes: list[tuple[float, ...]], scale: float) -> tuple[int, int, int, int]:
    """Left, top, width and height on the picture of what lies in boxes of the page.

    Points count from the lower left corner of the page as it was before it is turned.
    """
    left, right = min(box[0] for box in boxes), max(box[2] for box in boxes)
    bottom, top = min(box[1] for box in boxes), max(box[3] for box in boxes)
    corners = [_on_picture(page, x, y, scale) for x in (left, right) for y in (bottom, top)]
    across, down = sorted(x for x, _ in corners), sorted(y for _, y in corners)
    return across[0], down[0], across[-1] - across[0], down[-1] - down[0]


def _on_picture(page: Any, x: float, y: float, scale: float) -> tuple[int, int]:
    """Where a point of the page lies on its picture, in pixels."""
    width, height = page.get_size()  # as it is shown
    left, bottom, right, top = page.get_cropbox()
    x, y, wide, high = x - left, y - bottom, right - left, top - bottom
    match page.get_rotation():
        case 90:
            x, y = y, wide - x
        case 180:
            x, y = wide - x, high - y
        case 270:
            x, y = high - y, x
    return (
        round(max(0.0, min(x, width)) * scale),
        round((height - max(0.0, min(y, height))) * scale),
    )


class _Pictures:
    def __init__(self, file: BinaryIO) -> None:
        Image.MAX_IMAGE_PIXELS = None  # asked below, before a pixel is decoded, and said in words
        try:
            self._image = Image.open(file, formats=_PILLOW_FORMATS)
            self.page_count = int(getattr(self._image, "n_frames", 1))
        except UnidentifiedImageError as error:
            raise UnreadableError(
                "It is no picture of a page: neither PDF nor TIFF, PNG or JPEG.", reason_code="unsupported"
            ) from error
        except (OSError, ValueError, SyntaxError, EOFError) as error:
            raise UnreadableError(f"The picture is damaged: {error}", reason_code="truncated") from error
        if self._image.format == "GIF" or not self.page_count:
            self.page_count = 1  # a film, not pages

    def sheet(self, number: int) -> Sheet:
        _refuse_beyond(number, self.page_count)
        try:
            self._image.seek(number - 1)
            width, height = self._image.size
            _refuse_huge(width, height)
            dpi = _said_dpi(self._image.info.get("dpi"))
            picture = _grey(ImageOps.exif_transpose(self._image))
        except UnreadableError:
            raise
        except MemoryError:
            raise
        except Exception as error:  # decoders raise anything at damaged pictures
            raise UnreadableError(f"Page {number} is damaged: {error}", reason_code="truncated") from error
        shrink = min(
            1.0, (_WORKED_PIXELS / (picture.width * picture.height)) ** 0.5, MOST_SIDE / max(picture.size)
        )
        if shrink < 1:
            smaller = max(1, int(picture.width * shrink)), max(1, int(picture.height * shrink))
            picture, dpi = picture.resize(smaller, Image.Resampling.BOX), int(dpi * shrink)
        return Sheet(picture, dpi)


def _refuse_beyond(number: int, count: int) -> None:
    if not 1 <= number <= count:
        raise UnreadableError(f"The file has {count} pages, not {number}.", reason_code="unsupported")


def _refuse_huge(width: int, height: int) -> None:
    if width * height > MOST_PIXELS:
        raise UnreadableError(
            f"The picture has {width:,} by {height:,} pixels, which is more than a page may have"
            f" ({MOST_PIXELS // 1_000_000} million).",
            reason_code="too_big",
        )


def _grey(image: Image.Image) -> Image.Image:
    """8 bits of grey on white; 16-bit pictures are stretched over the range they use."""
    if image.mode.startswith("I") or image.mode == "F":
        low, high = image.getextrema()
        span = (float(high) - float(low)) or 1.0  # type: ignore[arg-type]
        return image.point(lambda value: (value - low) * (255 / span)).convert("L")
    if image.mode in {"RGBA", "LA", "PA"} or "transparency" in image.info:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image).convert("L")
    return image.convert("L")


def _said_dpi(said: Any) -> int:
    with contextlib.suppress(TypeError, ValueError, IndexError, ZeroDivisionError, OverflowError):
        dpi = round(float(said[0]))
        if _LEAST_DPI <= dpi <= 4 * DPI:
            return dpi
    return 0


def worked_dpi(sheet: Sheet) -> int:
    """What the engine is told: what the file says, else a guess by which letters have their usual size."""
    return sheet.dpi or _GUESSED_DPI
