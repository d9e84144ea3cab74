"""The packed numbers of JCAMP-DX (AFFN, PAC, SQZ, DIF, DUP).

Source: McDonald and Wilks, JCAMP-DX 4.24, Appl. Spectrosc. 42 (1988) 151; Davies and Lampen, JCAMP-DX for NMR,
Appl. Spectrosc. 47 (1993) 1093.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# A letter with its digits, or a plain number. An exponent needs its sign here: a bare E is the squeezed digit 5.
_TOKEN = re.compile(r"([@A-Za-is%j-r?])([\d.]*)|([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]\d+)?)")
_SQUEEZED, _DIFFERENCE, _REPEAT, _MISSING = range(4)


def _letters() -> dict[str, tuple[int, str]]:
    """What each letter stands for: its form, and the digit with sign that it hides."""
    known = {"@": (_SQUEEZED, "0"), "%": (_DIFFERENCE, "0"), "s": (_REPEAT, "9"), "?": (_MISSING, "")}
    for form, positive, negative in (
        (_SQUEEZED, "ABCDEFGHI", "abcdefghi"),
        (_DIFFERENCE, "JKLMNOPQR", "jklmnopqr"),
    ):
        for digit, (plus, minus) in enumerate(zip(positive, negative, strict=True), 1):
            known[plus], known[minus] = (form, str(digit)), (form, f"-{digit}")
    known |= {letter: (_REPEAT, str(digit)) for digit, letter in enumerate("STUVWXYZ", 1)}
    return known


_LETTERS = _letters()
_LEADING_X = re.compile(r"\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]\d+)?")
_PACKED = re.compile(r"[@A-DF-Za-df-z%]|[Ee](?![+-]\d)")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|\?")


def ordinates(lines: Iterable[str], *, limit: int) -> tuple[list[float], int]:
    """The Y values of ``X++(Y..Y)`` lines, and how many checks between lines failed.

    In the difference form each line repeats the last value of the line before as a check; it is compared
    and dropped.
    """
    kept = list(lines)
    if not _PACKED.search("\n".join(kept)):
        return _all_plain(kept, limit), 0
    values: list[float] = []
    failed = 0
    expects_check = False
    for line in kept:
        match = _LEADING_X.match(line)
        rest = line[match.end() :] if match else line
        if not _PACKED.search(rest):
            new, ends_in_difference = _plain(rest), False
        else:
            new, ends_in_difference = _packed(rest, values[-1] if values else 0.0)
        if expects_check and new and values:
            failed += abs(new[0] - values[-1]) > 0.5  # noqa: PLR2004 - the forms hold whole numbers
            new = new[1:]
        if new or rest.strip():
            expects_check = ends_in_difference
        values += new
        if len(values) > limit:
            break
    return values, failed


def _all_plain(lines: Sequence[str], limit: int) -> list[float]:
    values: list[float] = []
    for line in lines:
        try:
            values += list(map(float, line.split()))[1:]
        except ValueError:
            match = _LEADING_X.match(line)
            values += _plain(line[match.end() :] if match else line)
        if len(values) > limit:
            break
    return values


def _plain(text: str) -> list[float]:
    try:
        return [float(piece) for piece in text.split()]
    except ValueError:
        # Signs may be all that parts the numbers: 12-13+14.
        return [float("nan") if piece == "?" else float(piece) for piece in _NUMBER.findall(text)]


def _packed(text: str, last: float) -> tuple[list[float], bool]:
    """One line; ``last`` is the value before it. Also whether the line ends in the difference form."""
    out: list[float] = []
    difference: float | None = None
    for letter, digits, number in _TOKEN.findall(text):
        form, first = _LETTERS[letter] if letter else (_SQUEEZED, "")
        if form == _REPEAT:
            for _ in range(min(int(first + digits.partition(".")[0]) - 1, 1_000_000)):
                last += difference or 0.0
                out.append(last)
            continue
        if form == _MISSING:
            out.append(float("nan"))
            continue
        if form == _DIFFERENCE:
            difference = float(first + digits)
            last += difference
        else:
            last, difference = float(number or first + digits), None
        out.append(last)
    return out, difference is not None


def pairs(lines: Iterable[str], *, limit: int) -> list[tuple[float, float]]:
    """The points of ``(XY..XY)`` lines; further columns of a point (width, assignment) are passed over."""
    points: list[tuple[float, float]] = []
    for line in lines:
        for group in line.split(";") if ";" in line else [line]:
            numbers = [float(token) for token in _NUMBER.findall(group.replace("?", "")) if token]
            if "(" in group:
                numbers = numbers[:2]
            points += list(zip(numbers[0::2], numbers[1::2], strict=False))
        if len(points) > limit:
            break
    return points
