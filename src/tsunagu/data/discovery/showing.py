"""What a hit shows: titles and a piece of text, with what was searched for marked in them."""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Sequence

from tsunagu.data.discovery import analysis
from tsunagu.data.discovery.types import Marked

_BEFORE, _LENGTH = 60, 220
_LOOKED_THROUGH = 20_000


def needles(typed: Iterable[str]) -> tuple[str, ...]:
    """The texts to look for: what was typed, folded, the longest first; with each a word of its own."""
    whole = [analysis.fold(text).strip().removesuffix("*") for text in typed]
    whole = [" ".join(map(analysis.singular, text.split())) for text in whole]
    parts = [part for text in whole for part in text.split()]
    return tuple(sorted(dict.fromkeys(one for one in (*whole, *parts) if one), key=lambda one: -len(one)))


def marked(text: str, wanted: Sequence[str]) -> tuple[Marked, ...]:
    """A text cut where something was found in it."""
    pieces: list[Marked] = []
    end = 0
    for start, stop in _places(text, wanted):
        if start > end:
            pieces.append(Marked(text[end:start]))
        pieces.append(Marked(text[start:stop], is_match=True))
        end = stop
    if end < len(text) or not pieces:
        pieces.append(Marked(text[end:]))
    return tuple(pieces)


def excerpt(texts: Iterable[str], wanted: Sequence[str]) -> tuple[Marked, ...]:
    """The first place in some texts where something stands, else the beginning of the first one."""
    beginning = ""
    for text in texts:
        flat = " ".join(text[:_LOOKED_THROUGH].split())
        beginning = beginning or flat[:_LENGTH]
        places = _places(flat, wanted)
        if places:
            start = max(0, places[0][0] - _BEFORE)
            cut = flat[start : start + _LENGTH]
            ends = ("…" if start else "", "…" if start + _LENGTH < len(flat) else "")
            return marked(f"{ends[0]}{cut}{ends[1]}", wanted)
    return (Marked(beginning),) if beginning else ()


def _places(text: str, wanted: Sequence[str]) -> list[tuple[int, int]]:
    """Where something stands, from left to right, none in another.

    Folding changes lengths (ﾊﾞ is one letter then), so letters are folded one by one and remember where they came from.
    """
    folded, origin = _folded(text)
    found: list[tuple[int, int]] = []
    for one in wanted:
        at = folded.find(one)
        while at >= 0 and len(found) < 100:  # noqa: PLR2004 - a page needs no more
            stop = at + len(one)
            if one[-1:].isascii() and folded[stop : stop + 1] == "s":
                stop += 1  # the plural of it
            if _is_word(folded, at, stop):
                found.append((origin[at], origin[stop - 1] + 1))
            at = folded.find(one, stop)
    kept: list[tuple[int, int]] = []
    for start, stop in sorted(found, key=lambda place: (place[0], -place[1])):
        if not kept or start >= kept[-1][1]:
            kept.append((start, stop))
    return kept


def _folded(text: str) -> tuple[str, list[int]]:
    letters: list[str] = []
    origin: list[int] = []
    at = 0
    while at < len(text):
        # A half-width kana and its mark are one letter.
        width = 2 if text[at + 1 : at + 2] in {"ﾞ", "ﾟ"} else 1
        for letter in analysis.fold(text[at : at + width]):
            letters.append(letter)
            origin.append(at + width - 1)
        at += width
    return "".join(letters), origin


def _is_word(text: str, start: int, stop: int) -> bool:
    """Latin words count whole, as the index has them."""
    begins = start > 0 and text[start].isascii() and text[start].isalnum() and _goes_on(text[start - 1])
    ends = stop < len(text) and text[stop - 1].isascii() and text[stop - 1].isalnum() and _goes_on(text[stop])
    return not (begins or ends)


def _goes_on(letter: str) -> bool:
    return letter.isascii() and letter.isalnum()


def places_in(words: Sequence[str], typed: str) -> set[int]:
    """Numbers of the words in a row that belong to a place where something stands that was searched for.

    Recognised words are cut anywhere: what is looked for may begin in one and end in another.
    """
    ends, text = [], ""
    for word in words:
        text += analysis.fold(word)
        ends.append(len(text))
    found: set[int] = set()
    for needle in needles(typed.split()):
        at = text.find(needle)
        while at >= 0:
            first = bisect.bisect_right(ends, at)
            found.update(range(first, bisect.bisect_left(ends, at + len(needle)) + 1))
            at = text.find(needle, at + 1)
    return found
