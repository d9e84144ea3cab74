"""The items as a table with the official names, and as JSON."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tsunagu.core.cells import safe_cell
from tsunagu.data.common_items.items import ITEMS
from tsunagu.data.common_items.types import Sheet

_LANGUAGES = {"ja": "日本語", "en": "英語"}


def header() -> list[str]:
    """The official names, those said in two languages twice; the dataset stands before them."""
    names = ["データセット", "版"]
    for item in ITEMS:
        for slot in item.slots:
            tail = f"（{_LANGUAGES[slot.language]}）" if slot.language else ""
            tail = f"（{slot.label['ja']}）" if slot.label else tail
            names.append(item.label["ja"] + tail)
    return names


def rows(sheets: Iterable[Sheet]) -> Iterable[list[Any]]:
    """A line for each dataset; codes are written out, so that the table can be handed in as it is."""
    for sheet in sheets:
        line: list[Any] = [sheet.place, "" if sheet.is_draft else sheet.number]
        for card in sheet.items:
            line += [slot.shown.get(slot.slot.language or "ja", "") for slot in card.slots]
        yield [safe_cell(value) for value in line]


def as_json(sheet: Sheet) -> dict[str, Any]:
    """A dataset's items with their codes, words and origins."""
    return {
        "place": sheet.place,
        "version": sheet.number,
        "is_draft": sheet.is_draft,
        "missing": [one.item.key for one in sheet.missing],
        "items": [
            {
                "key": one.item.key,
                "label": dict(one.item.label),
                "is_required": one.is_required,
                "is_missing": one.is_missing,
                "remedy": dict(one.remedy) if one.is_missing else {},
                "values": [
                    {
                        "name": slot.slot.name,
                        "language": slot.slot.language,
                        "value": slot.value or slot.shown.get("ja", ""),
                        "words": dict(slot.shown),
                        "origin": str(slot.origin.get("kind", "")) if slot.slot.name else "node",
                        "proposed": slot.proposed.value if slot.proposed else "",
                        "proposed_by": slot.proposed.source if slot.proposed else "",
                    }
                    for slot in one.slots
                ],
            }
            for one in sheet.items
        ],
    }
