"""Plain text and logs: ``key: value`` lines become fields."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tsunagu.formats import draw
from tsunagu.formats.encoding import decode, detect
from tsunagu.formats.errors import UnreadableError
from tsunagu.formats.findings import Findings

if TYPE_CHECKING:
    from pathlib import Path

    from tsunagu.formats.reader import Context
    from tsunagu.formats.types import Reading

_PAIR = re.compile(
    r"^\s*([^\W\d_][^:=\n]{0,58}?)\s*(?::|=|：|＝)\s+?(\S.*?)\s*$|^\s*([\w.\[\] -]{1,40}?)\s*=\s*(\S.*?)\s*$"
)
_READ_BYTES = 1 << 20
_PAIRS = 300
_LINE_LENGTH = 400


def read(path: Path, context: Context) -> Reading:
    """Encoding, lines and the pairs among the first of them; the beginning as preview.

    Raises:
        UnreadableError: the content is no text.
    """
    encoding = detect(context.head)
    if encoding is None:
        raise UnreadableError("The content is not text in any known encoding.")
    with path.open("rb") as source:
        data = source.read(_READ_BYTES)
    text = decode(data, encoding).removeprefix("\ufeff")
    is_whole = len(data) >= context.byte_count
    findings = Findings(context.limits)
    findings.field("encoding", encoding.codec, where="file" if encoding.is_sure else "guessed")
    lines = text.splitlines()
    if is_whole:
        findings.field("lines", len(lines), where="file")
    found = 0
    for number, line in enumerate(lines, 1):
        match = _PAIR.match(line) if len(line) <= _LINE_LENGTH else None
        if match and found < _PAIRS:
            key, value = (match.group(1) or match.group(3)), (match.group(2) or match.group(4))
            findings.field(key, value, where=f"line {number}")
            found += 1
    if "\ufffd" in text:
        findings.warn(f"Some bytes are not {encoding.codec}; they show as replacement characters.")
    findings.preview(draw.text(context.name, text, is_whole=is_whole))
    return findings.finish()
