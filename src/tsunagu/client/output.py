"""What a command prints: results on standard output, everything else on standard error."""

from __future__ import annotations

import json
import sys
import unicodedata
from typing import TYPE_CHECKING, Any

from tsunagu.client.messages import text
from tsunagu.client.progress import Progress, ShownProgress

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tsunagu.core.errors import TsunaguError

_SHOWN_PROBLEMS = 20


class Output:
    """One command's output.

    Args:
        as_json: The result is one JSON document on standard output, and nothing else is printed there.
        quiet: No progress and no notes.
    """

    def __init__(self, *, as_json: bool, quiet: bool) -> None:
        self.as_json = as_json
        self.quiet = quiet

    def json(self, content: Any) -> None:
        """The machine's result. A name that is not valid text comes out as a JSON escape."""
        shown = json.dumps(content, ensure_ascii=False, indent=2)
        sys.stdout.flush()
        sys.stdout.buffer.write(shown.encode("utf-8", "backslashreplace") + b"\n")
        sys.stdout.buffer.flush()

    def json_list(self, items: Iterable[Any]) -> None:
        """A long JSON array, written as its items come."""
        separator = "["
        for item in items:
            line = f"{separator}\n{json.dumps(item, ensure_ascii=False)}"
            sys.stdout.buffer.write(line.encode("utf-8", "backslashreplace"))
            separator = ","
        sys.stdout.buffer.write(b"[]\n" if separator == "[" else b"\n]\n")
        sys.stdout.buffer.flush()

    def line(self, shown: str = "") -> None:
        """The person's result."""
        print(printable(shown))

    def table(self, rows: Iterable[Sequence[Any]]) -> None:
        """Rows in columns; a page at a time, so that long lists start at once."""
        page: list[list[str]] = []
        for row in rows:
            page.append([printable("" if cell is None else str(cell)) for cell in row])
            if len(page) == 200:  # noqa: PLR2004
                self._columns(page)
                page = []
        self._columns(page)

    @staticmethod
    def _columns(page: list[list[str]]) -> None:
        if not page:
            return
        widths = [max(width(row[column]) for row in page) for column in range(len(page[0]))]
        for row in page:
            cells = [cell + " " * (widths[column] - width(cell)) for column, cell in enumerate(row)]
            print("  ".join(cells).rstrip())

    def note(self, shown: str) -> None:
        """Beside the result; not with ``--quiet`` or ``--json``."""
        if not self.quiet and not self.as_json:
            print(printable(shown), file=sys.stderr)

    def progress(self, label: str) -> Progress:
        """A progress line, or a silent counter."""
        return Progress() if self.quiet or self.as_json else ShownProgress(label)

    def problems(self, heading: str, items: Sequence[tuple[str, str]]) -> None:
        """Files that somebody should look at, on standard error whatever the options."""
        if not items:
            return
        print(heading, file=sys.stderr)
        for path, reason in items[:_SHOWN_PROBLEMS]:
            print(f"  {printable(path)}: {printable(reason)}", file=sys.stderr)
        if len(items) > _SHOWN_PROBLEMS:
            print(f"  {text('and_more', count=len(items) - _SHOWN_PROBLEMS)}", file=sys.stderr)


def show_error(error: TsunaguError) -> None:
    """What happened and why, what to do, the code: on standard error."""
    lines = [error.message, error.remedy, text("error_code", code=error.code)]
    if path := error.fields.get("path"):
        lines.insert(1, text("error_path", path=path)) if str(path) not in error.message else None
    print("\n".join(printable(line) for line in lines if line), file=sys.stderr)


def printable(shown: str) -> str:
    """Without control characters: a file name must not move the cursor or change the terminal."""
    if shown.isprintable():
        return shown
    return "".join(c if c.isprintable() or c in " \t" else ascii(c)[1:-1] for c in shown)


def width(shown: str) -> int:
    """Columns on a terminal; East Asian wide characters take two."""
    if shown.isascii():
        return len(shown)
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in shown
    )
