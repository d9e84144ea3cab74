"""What stops an attempt midway; each says enough for the next attempt to go through. People never see them."""

from __future__ import annotations


class ColumnChangedError(Exception):
    """A cell does not fit the kind that its column was planned to have; ``source`` counts the plan's sources."""

    def __init__(self, column: str, *, source: int, reason: str, is_text: bool = False) -> None:
        self.column = column
        self.source = source
        self.reason = reason
        self.is_text = is_text
        super().__init__(reason)


class SourceFailedError(Exception):
    """A file cannot be converted; the others can."""

    def __init__(self, source: int, *, reason: str, code: str = "corrupt") -> None:
        self.source = source
        self.reason = reason
        self.code = code
        super().__init__(reason)
