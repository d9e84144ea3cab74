"""The door of scans: pages of paper as text with places."""

from tsunagu.data.scans.errors import NoPagesError, NoSuchPageError
from tsunagu.data.scans.selectors import list_scans, page, scan_of, scanned_contents, states, texts
from tsunagu.data.scans.services import carry_over, may_have_pages, start, start_some
from tsunagu.data.scans.types import PageCard, PageText, ScanCard

__all__ = [
    "NoPagesError",
    "NoSuchPageError",
    "PageCard",
    "PageText",
    "ScanCard",
    "carry_over",
    "list_scans",
    "may_have_pages",
    "page",
    "scan_of",
    "scanned_contents",
    "start",
    "start_some",
    "states",
    "texts",
]
