"""Ranges of what files say, in the units that people use: ``voltage:>40kV``, ``temperature:300K..400K``."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from tsunagu.data.discovery.analysis import fold
from tsunagu.data.discovery.clauses import Measured
from tsunagu.formats import api as formats
from tsunagu.formats.api import Term

_NUMBER = r"[+-]?(?:\d[\d,]*\.?\d*|\.\d+)(?:e[+-]?\d+)?"
_UNIT = r"[^\d\s.<>=+-][^\s<>=]{0,29}?"
_COMPARED = re.compile(
    rf"(?P<sign>>=|<=|>|<|=|≥|≤)?\s*(?P<number>{_NUMBER})\s*(?P<unit>{_UNIT})?\Z", re.IGNORECASE
)
_RANGE = re.compile(
    rf"(?P<low>{_NUMBER})?(?P<low_unit>{_UNIT})?(?:\.\.|…|~|〜)(?P<high>{_NUMBER})?(?P<high_unit>{_UNIT})?\Z",
    re.IGNORECASE,
)
_NEAR = 1e-9  # files write 40 kV as 39.999999999999996
_NUMERIC = {"number", "integer", "duration"}


def named(name: str, terms: Mapping[str, Term]) -> tuple[str, ...]:
    """The names of the mapping that somebody means: a whole name, its label in either language, or its last word."""
    wanted = fold(name).replace(" ", "_").replace("-", "_")
    whole = [
        key for key, term in terms.items() if wanted in {key, *(_label(one) for one in term.label.values())}
    ]
    return tuple(whole or [key for key in terms if key.endswith(f"_{wanted}") and not terms[key].is_personal])


def _label(text: str) -> str:
    return fold(text).replace(" ", "_").replace("-", "_")


def measured(
    names: tuple[str, ...], said: str, following: str, terms: Mapping[str, Term]
) -> tuple[Measured | None, bool]:
    """A range over names, and whether its unit is the word that follows; None when it is no range.

    Names whose unit does not fit the one that was written are left out: a voltage is no temperature.
    """
    numeric = [name for name in names if terms[name].type in _NUMERIC]
    if not numeric:
        return None, False
    for text, took in (
        ((f"{said}{following}", True), (said, False)) if _wants_unit(said) else ((said, False),)
    ):
        for name in numeric:
            bounds = _bounds(text, terms[name].unit)
            if bounds is not None:
                fitting = tuple(one for one in numeric if _bounds(text, terms[one].unit) == bounds)
                return Measured(fitting, *bounds), took and bool(following)
    return None, False


def _wants_unit(said: str) -> bool:
    return bool(re.search(r"\d\Z", said))


def _bounds(text: str, unit: str | None) -> tuple[float | None, float | None, bool, bool] | None:
    """Both ends in a unit, and whether they belong to the range."""
    if (both := _RANGE.match(text)) and (both["low"] or both["high"]):
        # 300..400K: the unit of the one end is the unit of the other.
        low = _in_unit(both["low"], both["low_unit"] or both["high_unit"], unit) if both["low"] else None
        high = _in_unit(both["high"], both["high_unit"] or both["low_unit"], unit) if both["high"] else None
        if (both["low"] and low is None) or (both["high"] and high is None):
            return None
        return low, high, True, True
    if one := _COMPARED.match(text):
        number = _in_unit(one["number"], one["unit"], unit)
        return None if number is None else _ends(one["sign"] or "=", number)
    return None


def _ends(sign: str, number: float) -> tuple[float | None, float | None, bool, bool]:
    near = abs(number) * _NEAR
    return {
        ">": (number + near, None, False, True),
        ">=": (number - near, None, True, True),
        "≥": (number - near, None, True, True),
        "<": (None, number - near, True, False),
        "<=": (None, number + near, True, True),
        "≤": (None, number + near, True, True),
        "=": (number - near, number + near, True, True),
    }[sign]


def _in_unit(number: str, written: str | None, unit: str | None) -> float | None:
    value = float(number.replace(",", ""))
    if not math.isfinite(value):
        return None
    if not written:
        return value
    return formats.convert_unit(value, written, unit) if unit else None
