"""A document as fields: what the folder's index and the table of PostgreSQL hold of it, word for word the same."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable
from typing import Any

from tsunagu.data.discovery import analysis
from tsunagu.data.discovery.documents import Document, column_key, value_token

SHOWN = "\x1f"  # between what is compared and what is shown
WORDS = {
    "creator": "creator_words",
    "project": "project_words",
}  # where words of a column stand, whose name is taken
TEXTS = ("everything", "title", "creator_words", "keyword", "project_words", "value")
_ENDS = (1, 4, 16, 64)  # how far a text is looked at for capitals; the rest of most titles has none
_ALL_BUT_SIGN = 2**63 - 1
COLUMNS = (
    "uid", "face", "kind", "project_id", "project", "access", "has_frozen", "embargo_until_s", "levels", "origins", "format",
    "licence", "creator", "readiness", "outcome", "begun", "year", "updated_s", "byte_count", "file_count", *TEXTS, "measured",
)  # fmt: skip


def texts_of(one: Document) -> dict[str, str]:
    """Texts as tokens with blanks between. Each is cut once, however many fields it stands in."""
    titles, creators, keywords = map(analysis.joined, (one.titles, one.creators, one.keywords))
    slug, project = analysis.joined((one.slug,)), analysis.joined((one.project_title,))
    rest = analysis.joined((*one.texts, *one.pages, *one.formats, *(text for _name, text in one.values)))
    gap = f" {analysis.GAP} "
    return {
        "everything": gap.join(part for part in (titles, slug, project, keywords, creators, rest) if part),
        "title": gap.join((titles, slug)),
        "creator_words": creators,
        "keyword": keywords,
        "project_words": gap.join((analysis.joined((one.project,)), project)),
        "value": gap.join(
            " ".join(value_token(name, token) for token in analysis.tokens(text)) for name, text in one.values
        ),
    }


def begun_of(one: Document) -> list[str]:
    """What people may be typing when they look for it."""
    return columns(list(dict.fromkeys((*one.titles, *one.keywords, *one.creators)))[:200])


def columns(values: Iterable[str]) -> list[str]:
    """Values of a column, each once, however it is spelt."""
    by_key = ((column_key(value), value) for value in values)
    return list({key: _term(key, value) for key, value in by_key}.values())


def column(value: str) -> str:
    """A value as one term: what is compared, then how far what is shown differs from it (see ``shown_of``)."""
    return _term(column_key(value), value)


def _term(key: str, value: str) -> str:
    shown = value[:200]
    if key == shown:
        return f"{key}{SHOWN}"
    if len(key) == len(shown):
        for end in _ENDS:
            if key[end:] == shown[end:]:
                return f"{key}{SHOWN}{shown[:end]}"
    return f"{key}{SHOWN}{SHOWN}{shown}"


def shown_of(term: str) -> tuple[str, str]:
    """What is compared, and what is shown, of a term of ``column``; nothing is compared of other terms.

    Most titles are shown as they are compared but for some capitals at their front: said twice they would be a third of an index.
    """
    key, mark, shown = term.partition(SHOWN)
    if not mark:
        return "", term
    return key, shown[1:] if shown.startswith(SHOWN) else shown + key[len(shown) :]


def order_key(number: float) -> int:
    """A whole number of 64 bits that stands to others as the number does.

    tantivy 0.27 takes 300.0 for a whole number and 300.5 for another kind, and ends the process's thread where the ends
    of a range are of two kinds.
    """
    (bits,) = struct.unpack("<q", struct.pack("<d", number))
    return int(bits) if bits >= 0 else -(int(bits) & _ALL_BUT_SIGN)


def row_of(one: Document) -> list[Any]:
    """The values of ``COLUMNS``, then the tokens of all texts."""
    texts = {name: f" {text} ".replace("\0", "") for name, text in texts_of(one).items()}
    tokens = sorted({token for text in texts.values() for token in text.split()} - {analysis.GAP})
    return [
        one.id, one.face, one.kind, one.project_id, one.project, one.access, one.has_frozen, one.embargo_until_s,
        json.dumps(dict(one.labels)), list(one.origins), columns(one.formats), column(one.licence),
        columns(one.creators[:100]), one.readiness, list(one.outcomes), begun_of(one), one.year, one.updated_s, one.byte_count, one.file_count,
        *(texts[name] for name in TEXTS), json.dumps({name: list(several) for name, several in one.numbers.items()}), tokens,
    ]  # fmt: skip
