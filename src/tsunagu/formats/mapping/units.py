"""Units as files write them, made ready for pint; a text that strangers wrote never reaches pint's own parser.

pint evaluates ``10**10**10`` if asked to. Here a unit is first cut into at most eight names with small integer
exponents; only names go to pint.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pint import UnitRegistry

_LONGEST = 60
_FACTORS = 8
_NAME = r"[A-Za-zµμΩΩÅÅ°℃℉%‰Δ][A-Za-zµμΩΩÅ°%]*"
_FACTOR = re.compile(rf"({_NAME})(?:(?:\^|\*\*)?([+-]?\d)|(?:\^|\*\*)\(([+-]?\d)\))?$")
_SPELT = {
    "°c": "degC", "℃": "degC", "degc": "degC", "deg_c": "degC", "celsius": "degC", "cel": "degC",
    "°f": "degF", "℉": "degF", "degf": "degF", "fahrenheit": "degF",
    "å": "angstrom", "a°": "angstrom", "ang": "angstrom", "angstroms": "angstrom",
    "°": "degree", "deg": "degree", "degrees": "degree", "%": "percent", "ω": "ohm",
    "sec": "second", "secs": "second", "hr": "hour", "hrs": "hour", "mins": "minute",
    "cts": "count", "counts": "count", "px": "pixel", "pixels": "pixel", "points": "count", "micron": "micrometer",
    "microns": "micrometer", "cps": "count/second",
}  # fmt: skip


@lru_cache(maxsize=1)
def registry() -> UnitRegistry[Any]:
    """The one registry; made at first need, since it takes a quarter of a second."""
    import pint

    made: UnitRegistry[Any] = pint.UnitRegistry(cache_folder=None)
    return made


@lru_cache(maxsize=2048)
def known(text: str, like: str | None = None) -> str | None:
    """The unit in pint's spelling, or ``None`` for what is no unit.

    Args:
        text: As the file has it.
        like: The unit wanted; it decides what bare letters mean (``C`` beside K is Celsius, not coulomb).
    """
    text = unicodedata.normalize("NFC", text.strip().strip("[]()").strip())
    if not text or len(text) > _LONGEST:
        return None
    factors: list[str] = []
    is_below = False
    text = re.sub(r"\s+per\s+", "/", text, flags=re.IGNORECASE)
    for part in re.split(r"\s*(/|(?<!\*)\*(?!\*)|·|⋅|\s|(?<=[A-Za-z])\.(?=[A-Za-z]))\s*", text):
        if part == "/":
            is_below = True
            continue
        if part in {"", "*", "·", "⋅", ".", "1"} or not part.strip():
            continue
        match = _FACTOR.match(part)
        name = _name(match.group(1), like) if match else None
        if match is None or name is None or len(factors) >= _FACTORS:
            return None
        exponent = int(match.group(2) or match.group(3) or 1)
        factors.append(f"({name}) ** {-exponent if is_below else exponent}")
    if len(factors) == 1 and factors[0].endswith(" ** 1"):
        return factors[0][1:-6]
    return " * ".join(factors) or None


def _name(name: str, like: str | None) -> str | None:
    if like is not None:
        if name in {"C", "F"} and _is_like(like, "kelvin"):
            return "degC" if name == "C" else "degF"
        if name == "A" and _is_like(like, "meter"):
            return "angstrom"
    if name.casefold() in _SPELT:
        return _SPELT[name.casefold()]
    name = name.replace("μ", "µ").replace("Ω", "ohm")
    # Headers in capitals write CM and KV; the letters as they stand come first: mW is not MW.
    for spelling in (name, name.lower()):
        if _is_in_registry(spelling):
            return spelling
    return None


def _is_in_registry(name: str) -> bool:
    import pint

    try:
        registry().parse_unit_name(name)
        return name in registry()
    except (pint.PintError, ValueError, AttributeError):
        return False


def _is_like(unit: str, other: str) -> bool:
    return bool(registry().Unit(unit).dimensionality == registry().Unit(other).dimensionality)


def converted(number: float, unit: str, to: str) -> float | None:
    """The number in another unit to twelve significant digits, or ``None`` where that cannot be said."""
    import pint

    spelt = known(unit, to)
    target = known(to)
    if spelt is None or target is None:
        return None
    try:
        moved = registry().Quantity(number, spelt).to(target).magnitude
    except (pint.PintError, ValueError, OverflowError, ZeroDivisionError, TypeError):
        return None
    # Without this 22 °C would be 295.15000000000003 K.
    return float(f"{float(moved):.12g}")


@lru_cache(maxsize=512)
def symbol(unit: str) -> str:
    """How people write a unit in pint's spelling: ``angstrom ** 3`` is ``Å³``. Other text comes back as it is."""
    kept = known(unit)
    return f"{registry().Unit(kept):~P}" if kept else unit
