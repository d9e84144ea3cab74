"""What the room hands out."""

from __future__ import annotations

from dataclasses import dataclass, field

from tsunagu.formats.api import Word


@dataclass(frozen=True, slots=True)
class ScanCard:
    """How far the pages of a file are read. Moments: RFC 3339.

    Attributes:
        state: ``waiting``, ``reading``, ``done`` or ``failed``.
        reason: Why none could be read, or why reading has to wait.
        page_count: 0 until the first page was read.
        text_count: Pages with writing.
        empty_count: Pages without.
        unreadable_count: Pages that could not be read; each says why.
    """

    id: str
    dataset_id: str
    path: str
    sha256: str
    state: str
    reason: str
    reason_code: str
    page_count: int
    done_count: int
    text_count: int
    empty_count: int
    unreadable_count: int
    run: str
    asked_at: str
    changed_at: str


@dataclass(frozen=True, slots=True)
class PageCard:
    """A page that was read.

    Attributes:
        status: ``text_layer``, ``recognised``, ``empty`` or ``unreadable``.
        width, height: Of the upright page in pixels; boxes of words count in these.
        confidence: 0 to 100, the mean of what was recognised.
        picture: SHA-256 of a JPEG of it; empty where there is none.
    """

    path: str
    number: int
    page_count: int
    status: str
    reason: str
    reason_code: str
    width: int
    height: int
    dpi: int
    rotation: int
    is_vertical: bool
    confidence: int
    engine: str
    text: str
    words: tuple[Word, ...] = field(repr=False, default=())
    picture: str = ""


@dataclass(frozen=True, slots=True)
class PageText:
    """The text of a page, for an index."""

    path: str
    number: int
    text: str
