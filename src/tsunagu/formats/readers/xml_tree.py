"""Any XML: leaves and attributes as fields by their path."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tsunagu.formats import draw
from tsunagu.formats.encoding import decode, detect
from tsunagu.formats.errors import UnreadableError
from tsunagu.formats.findings import Findings
from tsunagu.formats.safe_xml import local, parse

if TYPE_CHECKING:
    from pathlib import Path
    from xml.etree.ElementTree import Element

    from tsunagu.formats.reader import Context
    from tsunagu.formats.types import Reading

_DOCUMENT_BYTES = 32 << 20
_UNIT_NAMES = ("unit", "units", "unitName", "uom")
_REPEATS = 20


def read(path: Path, context: Context) -> Reading:
    """A document up to 32 MiB.

    Raises:
        UnreadableError: not well-formed, cut off, with entities, or larger than the cap.
    """
    if context.byte_count > _DOCUMENT_BYTES:
        raise UnreadableError(
            f"The XML document has {context.byte_count:,} bytes; the limit is {_DOCUMENT_BYTES:,}.",
            reason_code="too_big",
        )
    data = path.read_bytes()
    findings = Findings(context.limits)
    root = parse(data)
    findings.field("root element", local(root.tag), where="document")
    walk(root, f"/{local(root.tag)}", findings, 0)
    encoding = detect(context.head)
    if encoding is not None:
        text = decode(context.head, encoding)
        findings.preview(draw.text(context.name, text, is_whole=context.is_whole_head))
    return findings.finish()


def walk(node: Element, place: str, findings: Findings, depth: int) -> None:
    """Fields of an element and all beneath it; of many equal siblings the first 20."""
    if depth > findings.limits.depth or findings.is_full:
        return
    unit = next((node.attrib[name] for name in _UNIT_NAMES if name in node.attrib), None)
    text = (node.text or "").strip()
    if text and len(node) == 0:
        findings.field(place, text, unit=unit, where=place)
    for name, value in node.attrib.items():
        if local(name) not in _UNIT_NAMES or not text:
            findings.field(f"{place}@{local(name)}", value, where=f"{place}@{local(name)}")
    counts: dict[str, int] = {}
    names = [local(child.tag) if isinstance(child.tag, str) else "" for child in node]
    for child, name in zip(node, names, strict=True):
        if not name:
            continue
        counts[name] = counts.get(name, 0) + 1
        if counts[name] > _REPEATS:
            continue
        suffix = f"[{counts[name]}]" if names.count(name) > 1 else ""
        walk(child, f"{place}/{name}{suffix}", findings, depth + 1)
    for name, count in counts.items():
        if count > _REPEATS:
            findings.array(f"{place}/{name}", (count,), "element", where=place)
