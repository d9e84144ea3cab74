"""Titles, units and ``key: value`` lines around a table."""

# ruff: noqa: PLR2004 - counts of cells, named where they stand
from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_IN_BRACKETS = re.compile(r"^(.*?)[\s_]*[(\[（［{]\s*([^()\[\]（）［］{}]{1,24}?)\s*[)\]）］}]\s*$")
_AFTER_SLASH = re.compile(r"^(.+?)\s*/\s*([^/]{1,12})$")
_KEY_VALUE = re.compile(r"^([^:=\t]{1,80}?)\s*[:=：＝\t]\s*(.*)$")
# What instruments write above their columns. Sniffing stays light: pint is loaded by the mapping, not here.
_UNITS = frozenset(
    """
    nm µm um μm mm cm m km Å A° angstrom ang s ms µs us ns ps min h hr sec hours days d V mV kV µV A mA µA
    nA pA W mW kW K °C ℃ degC C F °F deg ° rad mrad Hz kHz MHz GHz THz rpm % wt% at% mol% vol% ppm ppb a.u.
    arb.u. au counts cts cps count kcps eV keV meV J kJ mJ Pa kPa MPa GPa hPa bar mbar Torr psi atm N kN mN
    g mg kg µg ng t mol mmol µmol M mM µM nM L l mL ml µL ul T mT G Oe emu ohm Ω kΩ MΩ S mS µS S/m µF nF pF
    H dB dBm cm-1 cm^-1 1/cm nm-1 m/s mm/s mm/min mL/min ml/min µL/min g/mol g/L mg/L mg/mL g/cm3 kg/m3 W/m2
    mA/cm2 A/cm2 V/cm mV/s K/min °C/min J/g J/(g*K) mW/mg 2theta pixel px sample pt pts points 秒 分 時間 度 個
    """.split()  # noqa: SIM905 - one word a line would fill two pages
)


@dataclass(frozen=True, slots=True)
class Note:
    """A fact that stood above the table; ``line`` counts from 1."""

    line: int
    key: str
    value: str
    unit: str | None = None


def is_unit(text: str) -> bool:
    """Whether a cell names a unit of measurement, brackets or not."""
    bare = text.strip().strip("()[]（）［］{}").strip()
    return bool(bare) and (bare in _UNITS or bare.replace("μ", "µ") in _UNITS)


def split_name(title: str) -> tuple[str, str | None]:
    """Name and unit of a column title: ``Time (s)``, ``Temp [°C]``, ``T / K``."""
    title = title.strip().strip('"').strip()
    match = _IN_BRACKETS.match(title)
    if match and match.group(1):
        return match.group(1).strip(), match.group(2)
    match = _AFTER_SLASH.match(title)
    if match and is_unit(match.group(2)):
        return match.group(1).strip(), match.group(2).strip()
    return title, None


def key_value(line: int, text: str) -> Note:
    """``key: value`` and ``key = value`` as a note; other text as a comment."""
    match = _KEY_VALUE.match(text)
    if match and match.group(1).strip() and not match.group(1)[0].isdigit():
        key, value = match.group(1).strip(), match.group(2).strip().strip('"')
        if not value.startswith("//"):
            name, unit = split_name(key)
            if unit and is_unit(unit):
                return Note(line, name, value, unit)
            return Note(line, key, value)
    return Note(line, "comment", text)


def note_of(line: int, cells: Sequence[str], delimiter: str | None) -> Note:
    """A row above the table: name and value in cells of their own, or in one."""
    if delimiter is None:
        cells = [" ".join(cells)]
    filled = [cell for cell in cells if cell]
    if len(filled) >= 2:
        key = filled[0].rstrip(":：= ")
        if len(filled) == 3 and is_unit(filled[2]):
            return Note(line, key, filled[1], filled[2].strip("()[]{} "))
        name, unit = split_name(key)
        return Note(
            line,
            name if unit and is_unit(unit) else key,
            " ".join(filled[1:]),
            unit if unit and is_unit(unit) else None,
        )
    return key_value(line, filled[0] if filled else "")
