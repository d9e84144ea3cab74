"""Pages of paper for tests: Japanese and English, drawn with noise and a little askew, as a scanner gives them."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from tsunagu.formats.scanning import tesseract

FONT = Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc")  # Debian's fonts-noto-cjk
LINES = (
    "試料の調製と測定条件について",
    "焼成温度は千二百度、保持時間は二時間とした。",
    "回折線は観測されず、反応は進行しなかった。",
    "前駆体の純度が不足していたと考えられる。",
    "Failed run: no peak was found at 25.3 degrees.",
    "The precursor had absorbed water overnight.",
)


def engine_missing() -> str:
    """Why pages cannot be recognised here; empty where they can."""
    try:
        engine = tesseract.opened()
    except tesseract.EngineMissingError as error:
        return str(error)
    if not {"jpn", "jpn_vert", "eng", "osd"} <= engine.languages or not FONT.exists():
        return "Tesseract's Japanese or the font of the test is missing"
    return ""


needs_engine = pytest.mark.skipif(bool(engine_missing()), reason=engine_missing() or "there")


def scanned(
    lines: Sequence[str] = LINES, *, is_vertical: bool = False, askew: float = 0.7, noise: float = 10
) -> Image.Image:
    """An A5 page at 200 dpi."""
    page = Image.new("L", (1165, 1654), 250)
    pen, font = ImageDraw.Draw(page), ImageFont.truetype(str(FONT), 36)
    for number, line in enumerate(lines):
        if is_vertical:
            for at, sign in enumerate(line):
                pen.text((1000 - 90 * number, 120 + 40 * at), sign, font=font, fill=20)
        else:
            pen.text((110, 150 + 95 * number), line, font=font, fill=20)
    page = page.rotate(askew, resample=Image.Resampling.BICUBIC, fillcolor=250)
    grain = np.random.default_rng(7).normal(0, noise, (page.height, page.width))
    return Image.fromarray((np.asarray(page) + grain).clip(0, 255).astype("uint8"))


def as_bytes(pages: Sequence[Image.Image], form: str) -> bytes:
    """One file of pages: ``PDF``, ``TIFF`` with several pages, ``PNG`` or ``JPEG`` with the first."""
    out = io.BytesIO()
    more = {"save_all": True, "append_images": pages[1:]} if form in {"PDF", "TIFF"} else {}
    options = {"resolution": 200} if form == "PDF" else {"dpi": (200, 200)}
    pages[0].save(out, form, **options, **more)
    return out.getvalue()


def wrong_share(read: str, wanted: str) -> float:
    """Character error rate: edits per character of what stands there, blanks and line ends left out."""
    one, other = "".join(read.split()), "".join(wanted.split())
    row = list(range(len(other) + 1))
    for at, sign in enumerate(one, 1):
        before, row[0] = row[0], at
        for to, wish in enumerate(other, 1):
            before, row[to] = row[to], min(row[to] + 1, row[to - 1] + 1, before + (sign != wish))
    return row[-1] / len(other)
