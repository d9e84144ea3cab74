"""PDF: information dictionary, number of pages, the text of the first pages."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, BinaryIO

from pypdf import PdfReader
from pypdf.errors import PyPdfError

from tsunagu.formats import draw
from tsunagu.formats.errors import UnreadableError
from tsunagu.formats.findings import Findings

if TYPE_CHECKING:
    from pathlib import Path

    from tsunagu.formats.reader import Context
    from tsunagu.formats.types import Reading

_PAGES = 5
_TAIL_BYTES = 2048
_PERSONAL = {"Author"}
_DATE = re.compile(r"^D:(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?(?:(Z)|([+-]\d\d)'?(\d\d)?'?)?")


def read(path: Path, context: Context) -> Reading:
    """Facts and text; scripts, forms and attached files are not touched.

    Raises:
        UnreadableError: cut off, damaged, or protected by a password.
    """
    findings = Findings(context.limits)
    with path.open("rb") as source:
        source.seek(max(0, context.byte_count - _TAIL_BYTES))
        if b"%%EOF" not in source.read():
            raise UnreadableError("The PDF breaks off: its end mark is missing.", reason_code="truncated")
        try:
            reader = opened(source)
            _facts(reader, findings)
            _text(reader, findings, context)
        except UnreadableError:
            raise
        except Exception as error:  # damaged objects surface as any exception of the parser
            if isinstance(error, (MemoryError, RecursionError)):
                raise
            kind = "PDF is damaged" if isinstance(error, (PyPdfError, ValueError)) else "PDF cannot be parsed"
            raise UnreadableError(
                f"The {kind}: {str(error).rstrip('.')}.", partial=findings.finish()
            ) from error
    return findings.finish()


def opened(source: BinaryIO) -> PdfReader:
    """The document; an empty password is tried.

    Raises:
        UnreadableError: it is protected by another one.
    """
    reader = PdfReader(source, strict=False)
    if reader.is_encrypted and not reader.decrypt(""):
        raise UnreadableError("The PDF is protected by a password.", reason_code="encrypted")
    return reader


def _facts(reader: PdfReader, findings: Findings) -> None:
    findings.field("pages", len(reader.pages), where="document")
    findings.field("PDF version", reader.pdf_header.removeprefix("%PDF-"), where="header")
    information: Any = reader.metadata or {}
    for raw_key in information:
        key = str(raw_key).lstrip("/")
        value = information.get(raw_key)
        text = str(value) if value is not None else None
        if text:
            findings.field(
                key, _date(text), where=f"information dictionary, {key}", personal=key in _PERSONAL
            )


def _date(text: str) -> str:
    """PDF dates as ISO 8601; other texts as they are."""
    match = _DATE.match(text)
    if not match:
        return text
    year, month, day, hour, minute, second = match.groups()[:6]
    out = f"{year}-{month or '01'}-{day or '01'}"
    if hour:
        out += f"T{hour}:{minute or '00'}:{second or '00'}"
        out += (
            "Z" if match.group(7) else f"{match.group(8)}:{match.group(9) or '00'}" if match.group(8) else ""
        )
    return out


def _text(reader: PdfReader, findings: Findings, context: Context) -> None:
    pieces = []
    for number, page in enumerate(reader.pages[:_PAGES], 1):
        try:
            text = page.extract_text()
        except Exception as error:  # noqa: BLE001 - one odd font must not hide the other pages
            findings.warn(f"The text of page {number} could not be taken out: {error}")
            continue
        if text.strip():
            pieces.append(f"[{number}]\n{text.strip()}")
        box = page.mediabox
        if number == 1:
            findings.field(
                "page size",
                [round(float(box.width), 2), round(float(box.height), 2)],
                unit="pt",
                where="page 1",
            )
    if pieces:
        findings.preview(draw.text(context.name, "\n\n".join(pieces), is_whole=len(reader.pages) <= _PAGES))
    else:
        findings.warn("The first pages hold no text; they may be pictures of pages.")
