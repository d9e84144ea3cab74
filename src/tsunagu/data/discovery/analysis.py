"""Text as an index holds it: the one place where words are cut, so that every engine answers the same.

Latin words and those of other alphabets stand whole, English ones without the ending of the plural. Runs of Chinese characters and kana become overlapping pairs,
followed by the last character alone: a dictionary would lose words that it does not know, and pairs asked as a phrase
find every substring. The lone character keeps neighbouring runs apart and answers for words of one character.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

# Whoever changes what comes out of this module changes this, and every index is made anew.
VERSION = "2"

_CJK = r"\u3005-\u3007\u3040-\u30fa\u30fc-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_RUNS = re.compile(
    rf"(?P<cjk>[{_CJK}]+)|(?P<word>[^\W_{_CJK}]+)|(?P<sign>[\u2600-\u27bf\U0001f000-\U0001faff])"
)
_ASCII_WORDS = re.compile(r"[0-9a-z]+")  # what _RUNS finds where a folded text is ASCII
_LONGEST_WORD = 100
_SHORTEST_PLURAL = 4
_UNSEEN = re.compile(
    r"[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufe00-\ufe0f\ufeff\U000e0100-\U000e01ef]"
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_VARIANTS = (("髙", "高"), ("﨑", "崎"), ("ヶ", "ケ"), ("ヵ", "カ"))
_MARKS = re.compile(r"[\u0300-\u036f]")
_LATIN_WITH_MARKS = re.compile(r"[\u00c0-\u024f\u1e00-\u1eff]")


@dataclass(frozen=True, slots=True)
class Phrase:
    """Tokens that stand side by side; with ``is_open`` the last may go on (one character of a longer pair or word)."""

    tokens: tuple[str, ...]
    is_open: bool = False


def fold(text: str) -> str:
    """Text without what people do not tell apart: width, case, marks on Latin letters, unseen characters."""
    if text.isascii():
        return text.lower()
    text = _UNSEEN.sub("", unicodedata.normalize("NFKC", text)).casefold()
    for variant, usual in _VARIANTS:
        text = text.replace(variant, usual)
    return _LATIN_WITH_MARKS.sub(_plain, text)


def printable(text: str) -> str:
    """Text with one width of letters and signs, and without what is not seen; capitals stay, for units need them."""
    return _UNSEEN.sub("", unicodedata.normalize("NFKC", _CONTROL.sub(" ", text)))


def _plain(letter: re.Match[str]) -> str:
    return _MARKS.sub("", unicodedata.normalize("NFD", letter.group()))


def tokens(text: str) -> list[str]:
    """What a text is found by, in order."""
    folded = fold(text)
    if folded.isascii():
        return [
            word if word[-1] != "s" and len(word) <= _LONGEST_WORD else singular(word[:_LONGEST_WORD])
            for word in _ASCII_WORDS.findall(folded)
        ]
    found: list[str] = []
    for part, word, sign in _RUNS.findall(folded):
        if part:
            found += [first + second for first, second in itertools.pairwise(part)]
            found.append(part[-1])
        else:
            found.append(singular(word[:_LONGEST_WORD]) or sign)
    return found


def singular(word: str) -> str:
    """An English word without the ending of its plural; nothing else is taken off, for names and codes are words too."""
    if not word.endswith("s") or len(word) < _SHORTEST_PLURAL or not word.isascii() or not word.isalpha():
        return word
    if word.endswith(("ss", "us", "is")):
        return word
    return f"{word[:-3]}y" if word.endswith("ies") else word[:-1]


def joined(texts: Iterable[str]) -> str:
    """Several values as one text of tokens with blanks between; a gap keeps values apart."""
    return f" {GAP} ".join(" ".join(tokens(text)) for text in texts if text)


GAP = "\u2016"  # no token, for it is no word and no sign that ``tokens`` keeps


def phrase(text: str, *, is_open: bool = False) -> Phrase | None:
    """A word or phrase of a question; None when nothing in it can be searched for.

    Args:
        text: As somebody typed it.
        is_open: The last word may go on (``catal*``).
    """
    runs = list(_RUNS.finditer(fold(text)))
    if not runs:
        return None
    found = tokens(text)
    last = runs[-1]
    if last.lastgroup == "cjk":
        if len(last.group()) > 1:
            return Phrase(tuple(found[:-1]))
        return Phrase(tuple(found), is_open=True)
    return Phrase(tuple(found), is_open=is_open and last.lastgroup == "word")


def pieces(text: str) -> list[str]:
    """Single tokens that say what a sentence is about, for when no record holds all of it.

    Kana between the words of a Japanese sentence says little, so pairs count that hold at least one character that is
    no hiragana; if there are none, all count.
    """
    found = [one for one in tokens(text) if one]
    telling = [one for one in found if not all("\u3040" <= sign <= "\u309f" for sign in one)]
    pairs = [one for one in telling if len(one) > 1 or not re.match(rf"[{_CJK}]", one)]
    return list(dict.fromkeys(pairs or telling or found))
