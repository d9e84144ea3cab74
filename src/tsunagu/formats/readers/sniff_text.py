"""Recognising text formats by their first lines. Standard library only: this runs for every file."""

# ruff: noqa: PLR2004 - counts of lines and columns, named where they stand
from __future__ import annotations

import csv as csv_module
import re
from functools import lru_cache

from tsunagu.formats.encoding import decode, detect
from tsunagu.formats.readers.sniff import has_ending

_LINES = 60
_XML_ROOT = re.compile(r"<(?!\?|!)(?:[\w.-]+:)?([\w.-]+)")
_JSON_START = re.compile(r"\s*[\[{]")
_TABLE_ENDINGS = (".csv", ".tsv", ".tab", ".dat", ".txt", ".asc", ".ecsv", ".xy", ".prn")


@lru_cache(maxsize=4)
def head_text(head: bytes) -> str | None:
    """The head as text without a byte order mark, or ``None``; kept, since several sniffers ask in a row."""
    encoding = detect(head)
    return decode(head, encoding).removeprefix("\ufeff") if encoding else None


@lru_cache(maxsize=4)
def xml_root(head: bytes) -> str | None:
    """The local name of the first element."""
    text = head_text(head)
    if text is None or not text.lstrip().startswith("<"):
        return None
    at = _behind_prolog(text)
    match = _XML_ROOT.match(text, at)
    return match.group(1) if match else None


def _behind_prolog(text: str) -> int:
    """Where the first element begins: behind declarations, comments and a document type, each found in one step."""
    at = 0
    while True:
        at = len(text) - len(text[at:].lstrip())
        ends = {"<?": "?>", "<!--": "-->", "<!DOCTYPE": ">"}
        mark = next((mark for mark in ends if text.startswith(mark, at)), None)
        if mark is None:
            return at
        inner = text.find("[", at) if mark == "<!DOCTYPE" else -1
        if 0 <= inner < text.find(">", at):
            closing = text.find("]", inner)
            at = max(at, closing) if closing >= 0 else len(text)
        end = text.find(ends[mark], at)
        if end < 0:
            return len(text)
        at = end + len(ends[mark])


def jcamp(head: bytes, name: str) -> int:
    """The first label is ``##TITLE=``."""
    text = head_text(head[:4096])
    if text is None:
        return 0
    for line in text.splitlines():
        stripped = line.strip()
        if not stripped or stripped.startswith("$$"):
            continue
        if re.match(r"##\s*TITLE\s*=", stripped, re.IGNORECASE):
            return 98
        return 60 if stripped.startswith("##") and has_ending(name, ".jdx", ".dx", ".jcm") else 0
    return 0


def mzml(head: bytes, name: str) -> int:  # noqa: ARG001 - one signature for all sniffers
    """XML root ``mzML`` or ``indexedmzML``."""
    return 98 if xml_root(head) in {"mzML", "indexedmzML"} else 0


def cif(head: bytes, name: str) -> int:
    """The first token that is no comment starts with ``data_``."""
    text = head_text(head)
    if text is None:
        return 0
    for line in text.splitlines():
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        if re.match(r"data_\S*(\s|$)", stripped, re.IGNORECASE):
            return 95 if re.search(r"^\s*(_\w|loop_)", text, re.MULTILINE) or has_ending(name, ".cif") else 0
        return 0
    return 0


def par(head: bytes, name: str) -> int:  # noqa: ARG001
    """The comment block of Philips export headers."""
    start = head[:2048]
    return 92 if b"DATA DESCRIPTION FILE" in start and start.lstrip().startswith(b"#") else 0


def xrd(head: bytes, name: str) -> int:
    """Rigaku RAS, Bruker UXD, PANalytical XRDML."""
    start = head[:4096].lstrip(b"\xef\xbb\xbf \r\n")
    if start.startswith((b"*RAS_DATA_START", b"*RAS_HEADER_START")):
        return 98
    if xml_root(head) == "xrdMeasurements":
        return 98
    if re.search(rb"^_(FILEVERSION|DRIVE|STEPTIME|STEPSIZE|2THETA\w*)\b", start, re.MULTILINE) and (
        start.startswith((b";", b"_")) or has_ending(name, ".uxd")
    ):
        return 92
    return 0


def json_like(head: bytes, name: str) -> int:
    """JSON, or one JSON value a line."""
    text = head_text(head)
    if text is None or not _JSON_START.match(text):
        return 0
    start = text.lstrip()
    if re.match(r'\{\s*("|\})', start):
        return 90
    if re.match(r'\[\s*(["\[{\]\d-]|true|false|null)', start):
        # "[ 12.5 ] ..." starts logs too; a name or a longer look decides.
        is_log = re.match(r"\[[^\[\]{}\"]*\]\s*[^\s,\]]", start)
        return 0 if is_log and not has_ending(name, ".json", ".jsonl", ".ndjson") else 85
    return 0


def record(head: bytes, name: str) -> int:
    """A description of a dataset in a form of libraries: by its name, or by what its beginning says."""
    if name.rpartition("/")[2] in {"ro-crate-metadata.json", "ro-crate-metadata.jsonld"}:
        return 97
    text = head_text(head)
    if text is None:
        return 0
    root = xml_root(head)
    if root == "resource":
        return 97 if "datacite.org/schema/kernel-4" in text else 0
    if root == "jpcoar":
        return 97
    is_datacite = '"schemaVersion"' in text and "datacite.org/schema/kernel-4" in text
    return 97 if is_datacite or (has_ending(name, "datacite.json") and '"titles"' in text) else 0


def xml_like(head: bytes, name: str) -> int:
    """Any other XML; never HTML, which is a document for people."""
    root = xml_root(head)
    if root is None or root.lower() == "html":
        return 0
    text = (head_text(head) or "").lstrip()
    return 60 if text.startswith("<?xml") else 40 if has_ending(name, ".xml") else 0


def plain(head: bytes, name: str) -> int:
    """Whatever is text."""
    if not head or head_text(head) is None:
        return 0
    return 12 if has_ending(name, ".log", ".txt", ".md", ".rst") else 10


def csv(head: bytes, name: str) -> int:
    """The last resort before plain text: several lines with the same number of columns."""
    text = head_text(head)
    if text is None:
        return 0
    lines = [line for line in text.splitlines()[:-1][:_LINES] or text.splitlines() if line.strip()]
    if not lines or xml_root(head):
        return 0
    share = max(_regular_share(lines, delimiter) for delimiter in "\t,;|")
    hint = 10 if has_ending(name, ".csv", ".tsv", ".tab", ".ecsv") else 0
    if share >= 0.5 and len(lines) >= 2:
        return 30 + int(20 * share) + hint
    if hint and len(lines) >= 1:
        return 25
    return _blank_separated(lines, name)


def _regular_share(lines: list[str], delimiter: str) -> float:
    """The share of lines that stand in one run with equal numbers (two or more) of columns."""
    with_delimiter = sum(delimiter in line for line in lines)
    if with_delimiter < 2:
        return 0.0
    try:
        counts = [len(row) for row in csv_module.reader(lines, delimiter=delimiter)]
    except csv_module.Error:
        return 0.0
    best, run, previous = 0, 0, 0
    for count in counts:
        run = run + 1 if count == previous and count > 1 else 1
        previous = count
        best = max(best, run if count > 1 else 0)
    # Prose holds commas too: one or two matching lines in a row are no table.
    return best / len(counts) if best >= 3 or best == len(counts) else 0.0


_NUMBER = re.compile(r"[+-]?(\d+[.,]?\d*|[.,]\d+)([eEdD][+-]?\d+)?$")


def is_number(text: str) -> bool:
    """Whether a cell is a number, with point or comma, or a word for none."""
    return bool(_NUMBER.match(text)) or text.lower() in {"nan", "inf", "-inf", "+inf"}


def _blank_separated(lines: list[str], name: str) -> int:
    """Columns of numbers between blanks; under a name that does not hint at it, nothing but numbers."""
    is_hinted = has_ending(name, *_TABLE_ENDINGS) or "." not in name
    rows = [line.split() for line in lines]
    tail = rows[len(rows) // 2 :]
    if len(tail) < 2 or len(tail[-1]) < 2:
        return 0
    least = 0.5 if is_hinted else 0.99
    regular = sum(len(row) == len(tail[-1]) and sum(map(is_number, row)) > least * len(row) for row in tail)
    share, count = (0.9, 2) if is_hinted else (1.0, 5)
    return 35 if regular >= share * len(tail) and len(tail) >= count else 0
