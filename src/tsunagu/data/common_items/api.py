"""The door of common_items: the national list of metadata items, filled in for a dataset."""

from tsunagu.data.common_items.errors import BadItemError, ProposalChangedError
from tsunagu.data.common_items.exporting import as_json, header, rows
from tsunagu.data.common_items.items import GROUPS, labels
from tsunagu.data.common_items.selectors import sheet_of, sheets_of
from tsunagu.data.common_items.services import accept, offered, write
from tsunagu.data.common_items.types import ItemCard, Proposed, Sheet, SlotCard

__all__ = [
    "GROUPS",
    "BadItemError",
    "ItemCard",
    "ProposalChangedError",
    "Proposed",
    "Sheet",
    "SlotCard",
    "accept",
    "as_json",
    "header",
    "labels",
    "offered",
    "rows",
    "sheet_of",
    "sheets_of",
    "write",
]
