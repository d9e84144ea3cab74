"""The packed numbers of JCAMP-DX (AFFN, PAC, SQZ, DIF, DUP).

Source: McDonald and Wilks, JCAMP-DX 4.24, Appl. Spectrosc. 42 (1988) 151; Davies and Lampen, JCAMP-DX for NMR,
Appl. Spectrosc. 47 (1993) 1093.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

# An exponent needs its sign here: a bare E is the squeezed digit 5.
_TOKEN = re.compile(
    r"(?P<sqz>[@A-Ia-i])(?P<sqz_rest>[\d.]*)"
    r"|(?P<dif>[%J-Rj-r])(?P<dif_rest>[\d.]*)"
    r"|(?P<dup>[S-Zs])(?P<dup_rest>\d*)"
    r"|(?P<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]\d+)?)"
    r"|(?P<missing>\?)"
)
_LEADING_X = re.compile(r"\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]\d+)?")
_PACKED = re.compile(r"[@A-DF-Za-df-z%]|[Ee](?![+-]\d)")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|\?")


def _digit(letter: str, zero: str, positive: str, negative: str) -> str:
    if letter == zero:
        return "0"
    if positive <= letter <= chr(ord(positive) + 8):
        return str(ord(letter) - ord(positive) + 1)
    return "-" + str(ord(letter) - ord(negative) + 1)


def ordinates(lines: Iterable[str], *, limit: int) -> tuple[list[float], int]:
    """The Y values of ``X++(Y..Y)`` lines, and how many checks between lines failed.

    In the difference form each line repeats the last value of the line before as a check; it is compared
    and dropped.
    """
    values: list[float] = []
    failed = 0
    expects_check = False
    for line in lines:
        match = _LEADING_X.match(line)
        rest = line[match.end() :] if match else line
        if not _PACKED.search(rest):
            new = [float("nan") if piece == "?" else float(piece) for piece in _NUMBER.findall(rest)]
            ends_in_difference = False
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


def _packed(text: str, last: float) -> tuple[list[float], bool]:
    """One line; ``last`` is the value before it. Also whether the line ends in the difference form."""
    out: list[float] = []
    difference: float | None = None
    for token in _TOKEN.finditer(text):
        kind = token.lastgroup or ""
        if token["sqz"]:
            last, difference = float(_digit(token["sqz"], "@", "A", "a") + token["sqz_rest"]), None
        elif token["dif"]:
            difference = float(_digit(token["dif"], "%", "J", "j") + token["dif_rest"])
            last += difference
        elif token["dup"]:
            first = "9" if token["dup"] == "s" else str(ord(token["dup"]) - ord("S") + 1)
            for _ in range(min(int(first + token["dup_rest"]) - 1, 1_000_000)):
                last += difference or 0.0
                out.append(last)
            continue
        elif kind == "missing":
            out.append(float("nan"))
            continue
        else:
            last, difference = float(token["number"]), None
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
