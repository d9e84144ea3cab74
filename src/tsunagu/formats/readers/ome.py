"""OME-XML, as microscopes write it into TIFF files.

Source: OME Data Model schema, 2016-06.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tsunagu.formats.safe_xml import local, parse

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from tsunagu.formats.findings import Findings

_PERSONAL = {"Experimenter", "ExperimenterGroup"}
_REPEATED = {"TiffData", "Plane", "BinData", "UUID", "StructuredAnnotations", "ROI", "ROIRef"}
_EACH = 20


def read_ome(xml: str, findings: Findings) -> None:
    """Attributes of all elements but the per-plane ones as fields, ``Pixels.PhysicalSizeX`` with its unit.

    Raises:
        UnreadableError: the XML is not well-formed or defines entities.
    """
    root = parse(xml.encode("utf-8"))
    _walk(root, "OME", findings, is_personal=False, depth=0)


def _walk(node: Element, place: str, findings: Findings, *, is_personal: bool, depth: int) -> None:
    if depth > findings.limits.depth:
        return
    counts: dict[str, int] = {}
    for child in node:
        name = local(child.tag) if isinstance(child.tag, str) else ""
        if not name or name in _REPEATED:
            continue
        counts[name] = counts.get(name, 0) + 1
        if counts[name] > _EACH:
            continue
        suffix = (
            f"[{counts[name] - 1}]" if name in {"Image", "Channel", "Detector", "Objective", "Filter"} else ""
        )
        inner = f"{place}/{name}{suffix}"
        personal = is_personal or name in _PERSONAL
        text = (child.text or "").strip()
        if text:
            findings.field(f"{name}", text, where=inner, personal=personal)
        for attribute, value in child.attrib.items():
            if attribute.endswith("Unit") or attribute == "ID":
                continue
            unit = child.attrib.get(f"{attribute}Unit")
            if unit is None and attribute.startswith("PhysicalSize"):
                unit = "µm"  # the schema's default
            key = f"{name}.{local(attribute)}"
            findings.field(key, _number(value), unit=unit, where=f"{inner}@{attribute}", personal=personal)
        _walk(child, inner, findings, is_personal=personal, depth=depth + 1)


def _number(text: str) -> str | int | float:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
