"""Pages behind the walls: what a file may do to the process that reads it, and where words lie on turned pages."""

from __future__ import annotations

import functools
import io
import struct
import zlib
from pathlib import Path

import pypdfium2 as pdfium
import pytest
from PIL import Image
from pypdf import PdfReader, PdfWriter
from reportlab.pdfgen import canvas

from tsunagu.formats.api import Limits, PageReader, PageReading
from tsunagu.formats.scanning import documents, reading, types

_LIMITS = Limits(wall_s=60, cpu_s=60)


@pytest.fixture(scope="module")
def reader():
    with PageReader() as pool:
        yield pool


def typed(size=(300, 200)):
    out = io.BytesIO()
    pen = canvas.Canvas(out, pagesize=size)
    pen.drawString(50, 150, "Upper line of this page.")
    pen.save()
    return out.getvalue()


def turned(content: bytes, degrees: int) -> bytes:
    writer = PdfWriter()
    writer.append(PdfReader(io.BytesIO(content)))
    writer.pages[0].rotate(degrees)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_words_lie_where_they_are_seen_on_turned_pages(degrees):
    page = reading.read_page(io.BytesIO(turned(typed(), degrees)), 1, "no engine here")
    assert page.status == "text_layer"
    word = page.words[0]
    # The picture itself is the judge: the line begins where the ink begins, on the side that the turn brings it to.
    shown = Image.open(io.BytesIO(page.picture))
    ink = shown.point(lambda value: 255 * (value < 128)).getbbox()
    scale = shown.width / page.width
    edges = (word.left, word.top, word.left + word.width, word.top + word.height)
    box = [edge * scale for edge in edges]
    side = {0: 0, 90: 1, 180: 2, 270: 3}[degrees]
    assert abs(box[side] - ink[side]) < 6
    # Across the line it is as high as the ink, within the letters that this word lacks.
    across = (1, 3) if degrees in {0, 180} else (0, 2)
    assert all(abs(box[edge] - ink[edge]) < 12 for edge in across)
    assert word.text == "Upper"


def test_without_an_engine_text_is_read_and_pictures_say_why():
    page = reading.read_page(io.BytesIO(typed()), 1, "Tesseract is not installed on this node")
    assert page.text == "Upper line of this page."
    out = io.BytesIO()
    Image.effect_noise((400, 300), 80).save(out, "PNG")
    page = reading.read_page(out, 1, "Tesseract is not installed on this node")
    assert (page.status, page.reason_code) == ("unreadable", "no_engine")
    assert page.picture


def write(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def picture(mode, size, form, **more):
    out = io.BytesIO()
    Image.new(mode, size).save(out, form, **more)
    return out.getvalue()


def white_tiff(side: int) -> bytes:
    """A bilevel TIFF in Group 4, written by hand: of a white row one bit is left, and a picture of Pillow takes a byte a pixel."""
    data = b"\xff" * (side // 8) + bytes.fromhex("001001")  # a row like the white one above it is the code 1
    tags = [
        (256, 4, side),  # ImageWidth, ImageLength, BitsPerSample, Compression, PhotometricInterpretation
        (257, 4, side),
        (258, 3, 1),
        (259, 3, 4),
        (262, 3, 0),
        (273, 4, 8),  # StripOffsets, RowsPerStrip, StripByteCounts
        (278, 4, side),
        (279, 4, len(data)),
    ]
    entries = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
    at = 8 + len(data) + len(data) % 2
    head = struct.pack("<2sHI", b"II", 42, at) + data.ljust(at - 8, b"\0")
    return head + struct.pack("<H", len(tags)) + entries + bytes(4)


def black_png(side: int) -> bytes:
    """A bilevel PNG, packed row by row."""
    packer = zlib.compressobj()
    row = bytes(1 + -(-side // 8))
    data = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)),
        (b"IDAT", data),
        (b"IEND", b""),
    ]
    packed = (
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


def test_the_bombs_are_pictures():
    """What the next test refuses for its size is a good picture when it is small."""
    for made in (white_tiff(800), black_png(800)):
        shown = Image.open(io.BytesIO(made))
        assert shown.size == (800, 800)
        assert len(set(shown.convert("L").tobytes())) == 1


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (functools.partial(white_tiff, 90_000), "too_big"),
        (functools.partial(black_png, 30_000), "too_big"),
        (lambda: typed((2_000_000, 2_000_000)), "too_big"),
        (bytes, "unsupported"),
        (lambda: b"%PDF-1.7\n" + b"\0" * 5000, "truncated"),
        (lambda: typed()[:300], "truncated"),
    ],
    ids=["tiff bomb", "png bomb", "page of a kilometre", "empty", "zeros", "cut"],
)
def test_bombs_and_ruins_end_in_a_sentence(reader, tmp_path, content, code):
    page = reader.read(write(tmp_path, "x", content()), 1, limits=_LIMITS)
    assert (page.status, page.reason_code) == ("unreadable", code), page.reason
    assert page.reason.endswith((".", ")."))
    # The next file is read all the same.
    assert reader.read(write(tmp_path, "y", typed()), 1, limits=_LIMITS).status == "text_layer"


def test_a_page_that_takes_too_long_is_given_up(reader, tmp_path):
    out = io.BytesIO()
    Image.effect_noise((3000, 3000), 90).save(out, "PNG")
    page = reader.read(write(tmp_path, "noise.png", out.getvalue()), 1, limits=Limits(wall_s=0.5, cpu_s=1))
    assert page.status == "unreadable"
    assert page.reason_code in {"out_of_time", "no_engine"}


def test_blank_pages_and_pages_beyond_the_last(reader, tmp_path):
    blank = write(tmp_path, "blank.png", picture("L", (500, 700), "PNG"))
    assert reader.read(blank, 1, limits=_LIMITS).status == "empty"
    beyond = reader.read(blank, 2, limits=_LIMITS)
    assert (beyond.status, beyond.page_count) == ("unreadable", 1)


def test_what_comes_out_of_the_process_is_checked():
    good = PageReading(1, 2, "recognised", words=(types.Word("x", 1, 2, 3, 4, 90, 0),)).as_json()
    assert PageReading.from_json(good).words[0].text == "x"
    for change in (
        {"status": "trusted"},
        {"words": [["x", 1]]},
        {"words": 5},
        {"number": "one"},
        {"page_count": None},
    ):
        with pytest.raises(ValueError, match="makes no sense"):
            PageReading.from_json({**good, **change})


def test_signs_of_chinese_and_japanese_stand_without_blanks():
    words = [("試料", 0), ("の", 0), ("Li2O", 0), ("を", 0), ("焼成", 1), ("at", 1), ("900", 1)]
    placed = tuple(types.Word(text, 0, 0, 1, 1, 90, line) for text, line in words)
    assert types.joined(placed) == "試料の Li2O を\n焼成 at 900"


def test_a_broken_text_layer_leaves_the_picture_of_the_page(monkeypatch):
    def broken(_page, _scale):
        raise pdfium.PdfiumError("Failed to load text page.")
        yield

    monkeypatch.setattr(documents, "_text_layer", broken)
    page = reading.read_page(io.BytesIO(typed()), 1, "no engine here")
    assert (page.page_count, page.reason_code) == (1, "no_engine")
    assert page.picture
