"""The encoding of a text that does not name it. Standard library only."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CONTROL = bytes({*range(0x20)} - {*b"\t\n\v\f\r\x1b"})
_HALF_WIDTH_KANA = re.compile("[\uff61-\uff9f]")
_KANA_ALONE = re.compile("(?<![\uff61-\uff9f])[\uff61-\uff9f](?![\uff61-\uff9f])")
_JAPANESE = re.compile("[\u3000-\u30ff\u4e00-\u9fff\uff01-\uff60℃μ°±×Å]")
# One kanji at the end of a Latin word: CP932 makes "Universit舩" of "Universität".
_KANJI_IN_WORD = re.compile("[A-Za-z][\u4e00-\u9fff](?![\u3000-\u30ff\u4e00-\u9fff])")
_EVEN_SHARE = 0.3
_SAMPLE = 65536


@dataclass(frozen=True, slots=True)
class Encoding:
    """A Python codec name, and whether it is known rather than guessed."""

    codec: str
    is_sure: bool


def detect(head: bytes) -> Encoding | None:
    """The encoding of text, or ``None`` for what is no text.

    Order: byte order mark; UTF-16 without one by its pattern of zero bytes; ISO-2022-JP by its escapes;
    UTF-8 when it holds; then CP932 against EUC-JP by what reads as Japanese; Windows-1252 last. CP932 takes
    nearly any bytes (a degree sign of Windows-1252 becomes a lone half-width kana), so lone kana count
    against it.
    """
    head = head[:_SAMPLE]
    for bom, codec in _BOMS:
        if head.startswith(bom):
            return Encoding(codec, is_sure=True)
    if wide := _wide(head):
        return wide
    # DOS programs end a text with Ctrl-Z.
    if _has_control(head.rstrip(b"\x1a")):
        return None
    # One byte is looked for ten times as fast as two, and mostly is not there.
    if b"\x1b" in head and b"\x1b$" in head and _reads(head, "iso2022_jp"):
        return Encoding("iso2022_jp", is_sure=True)
    if (text := _reads(head, "utf-8")) is not None:
        return Encoding("utf-8", is_sure=not text.isascii())
    return _eight_bit(head)


def _wide(head: bytes) -> Encoding | None:
    """UTF-16 without a mark: ASCII and line ends leave every other byte zero."""
    if len(head) < len(codecs.BOM_UTF32_LE) or 0 not in head or head.count(0) < _EVEN_SHARE * len(head) / 2:
        return None
    even, odd = head[0::2].count(0), head[1::2].count(0)
    codec = "utf-16-le" if odd > even else "utf-16-be"
    few, many = sorted((even, odd))
    if few > 0.05 * many:
        return None
    text = _reads(head[: len(head) // 2 * 2], codec)
    return Encoding(codec, is_sure=False) if text is not None and not _has_control(text.encode()) else None


def _has_control(data: bytes) -> bool:
    """Whether a byte of it stands in no text; five times as fast as a search by pattern."""
    return len(data.translate(None, _CONTROL)) < len(data)


def _eight_bit(head: bytes) -> Encoding:
    best = ("cp1252", 0.0)
    for codec in ("cp932", "euc_jp"):
        text = _reads(head, codec)
        if text is None:
            continue
        # Lines of ASCII speak for neither, and files of instruments have thousands of them.
        text = "\n".join(line for line in text.split("\n") if not line.isascii())
        lone = len(_KANA_ALONE.findall(text))
        kana = len(_HALF_WIDTH_KANA.findall(text)) - lone
        score = 2.0 * len(_JAPANESE.findall(text)) + 0.5 * kana - 3.0 * lone
        score -= 5.0 * len(_KANJI_IN_WORD.findall(text))
        # Private-use characters are what the wrong one of the two makes of vendor extensions.
        score -= 5.0 * sum("\ue000" <= c <= "\uf8ff" for c in text)
        if codec == "euc_jp":
            # EUC-JP text also passes as CP932, as a row of half-width kana; the reverse is rare.
            score += 0.1
        if score > best[1]:
            best = (codec, score)
    if best[0] == "cp1252" and _reads(head, "cp1252") is None:
        return Encoding("latin-1", is_sure=False)
    return Encoding(best[0], is_sure=False)


def _reads(head: bytes, codec: str) -> str | None:
    """The text if the codec takes all of it; a character cut off at the end of the head is forgiven."""
    decoder = codecs.getincrementaldecoder(codec)()
    try:
        return decoder.decode(head, final=False)
    except UnicodeDecodeError:
        return None


def decode(data: bytes, encoding: Encoding) -> str:
    """The text; what the codec does not take becomes the replacement character."""
    return data.decode(encoding.codec, "replace")
