"""VAMAS, line by line: a header, then blocks; nothing names a line, its place says what it is.

Source: W. A. Dench, L. B. Hazell, M. P. Seah and the VAMAS community, Surface and Interface Analysis 13 (1988)
63-122, the text of ISO 14976. Numbers in comments are those of the 40 block parameters there.
"""

from __future__ import annotations

from dataclasses import dataclass, field

MOST_BLOCKS = 2000
MOST_ITEMS = 1_000_000
_PARAMETERS = 40
_MAPS = frozenset(("MAP", "MAPDP"))
_PROFILES = frozenset(("MAPDP", "MAPSVDP", "SDP", "SDPSV"))
_WITH_FIELD = frozenset(("MAP", "MAPDP", "MAPSV", "MAPSVDP", "SEM"))
_WITH_LINES = frozenset(("MAPSV", "MAPSVDP", "SEM"))
_WITH_REGIONS = frozenset(("MAP", "MAPDP", "NORM", "SDP"))
_ION_BEAMS = frozenset(
    ("FABMS", "FABMS energy spec", "ISS", "SIMS", "SIMS energy spec", "SNMS", "SNMS energy spec")
)
_SPUTTERED = frozenset(("AES diff", "AES dir", "EDX", "ELS", "UPS", "XPS", "XRF"))
# What the standard allows a program to write for "not known".
_UNKNOWN = 1e37

Value = str | int | float


class LayoutError(ValueError):
    """The text does not follow the layout; the message names line and what was expected there."""


class CutOffError(LayoutError):
    """The text ends before its last block does."""


@dataclass(slots=True)
class Fact:
    """One parameter: its name in the standard, value, unit and line (from 1)."""

    name: str
    value: Value
    unit: str | None
    line: int


@dataclass(slots=True)
class Variable:
    """One corresponding variable of a block: label, unit and its ordinates."""

    label: str
    unit: str
    values: list[float] = field(default_factory=list)


@dataclass(slots=True)
class Block:
    """One spectrum or map pixel."""

    name: str
    line: int
    facts: list[Fact] = field(default_factory=list)
    variables: list[Variable] = field(default_factory=list)
    abscissa: tuple[str, str, float, float] | None = None

    def get(self, name: str, default: Value = "") -> Value:
        """The value of a parameter."""
        return next((fact.value for fact in self.facts if fact.name == name), default)


@dataclass(slots=True)
class Header:
    """The experiment: its facts, and what decides which lines a block has."""

    facts: list[Fact] = field(default_factory=list)
    experiment_mode: str = ""
    scan_mode: str = ""
    variables: list[tuple[str, str]] = field(default_factory=list)
    left_out: frozenset[int] = frozenset()
    future_lines: int = 0
    block_count: int = 0


class Lines:
    """The lines of a file in order, each taken once."""

    def __init__(self, text: str) -> None:
        self._lines = text.splitlines()
        self.at = 0

    @property
    def count(self) -> int:
        """How many lines there are."""
        return len(self._lines)

    def text(self, what: str) -> str:
        """The next line."""
        if self.at >= len(self._lines):
            raise CutOffError(f"The file ends after line {self.at:,}, where the {what} should stand")
        self.at += 1
        return self._lines[self.at - 1].strip()

    def number(self, what: str) -> float:
        """The next line as a number."""
        text = self.text(what)
        try:
            return float(text)
        except ValueError:
            raise LayoutError(f"Line {self.at:,} should hold the {what}; it says {text[:40]!r}") from None

    def integer(self, what: str, *, least: int = 0, most: int = MOST_ITEMS) -> int:
        """The next line as a whole number within bounds."""
        number = self.number(what)
        if not number.is_integer() or not least <= number <= most:
            raise LayoutError(f"Line {self.at:,} should hold the {what}; {number:g} cannot be")
        return int(number)


def parse(text: str) -> tuple[Header, list[Block], CutOffError | LayoutError | None]:
    """Header, blocks, and what stopped the reading early.

    Raises:
        LayoutError: the header itself is damaged or cut off.
    """
    lines = Lines(text)
    header = _header(lines)
    blocks: list[Block] = []
    try:
        for _ in range(min(header.block_count, MOST_BLOCKS)):
            blocks.append(_Block(lines, header, blocks[0] if blocks else None).run())
    except LayoutError as error:
        return header, blocks, error
    return header, blocks, _end(lines) if header.block_count <= MOST_BLOCKS else None


def _end(lines: Lines) -> LayoutError | None:
    """What is wrong with the line that closes the file, if anything."""
    try:
        mark = lines.text("end mark")
    except CutOffError as error:
        return error
    if mark.lower() == "end of experiment":
        return None
    return LayoutError(f"Line {lines.at:,} should hold 'end of experiment'")


def _header(lines: Lines) -> Header:
    header = Header()

    def keep(name: str, value: Value, unit: str | None = None) -> None:
        if value != "":
            header.facts.append(Fact(name, value, unit, lines.at))

    for name in ("format identifier", "institution identifier", "instrument model identifier", "operator identifier",
                 "experiment identifier"):  # fmt: skip
        keep(name, lines.text(name))
    comment = [
        lines.text("comment") for _ in range(lines.integer("number of lines in comment", most=100_000))
    ]
    keep("comment", "\n".join(comment).strip())
    header.experiment_mode = lines.text("experiment mode").upper()
    header.scan_mode = lines.text("scan mode").upper()
    keep("experiment mode", header.experiment_mode)
    keep("scan mode", header.scan_mode)
    if header.experiment_mode in _WITH_REGIONS:
        keep("number of spectral regions", lines.integer("number of spectral regions"))
    if header.experiment_mode in _MAPS:
        for name in (
            "number of analysis positions",
            "number of discrete x coordinates",
            "number of discrete y coordinates",
        ):
            keep(name, lines.integer(name))
    for _ in range(lines.integer("number of experimental variables", most=1000)):
        header.variables.append((lines.text("label of a variable"), lines.text("unit of a variable")))
    header.left_out = _left_out(lines)
    for _ in range(lines.integer("number of manually entered items", most=10_000)):
        lines.text("manually entered item")
    future = lines.integer("number of future upgrade experiment entries", most=10_000)
    header.future_lines = lines.integer("number of future upgrade block entries", most=10_000)
    for _ in range(future):
        lines.text("future upgrade experiment entry")
    header.block_count = lines.integer("number of blocks")
    keep("number of blocks", header.block_count)
    return header


def _left_out(lines: Lines) -> frozenset[int]:
    """Parameters that only the first block holds: a positive count lists those that stay, a negative the others."""
    count = lines.integer("number of entries in the inclusion list", least=-_PARAMETERS, most=_PARAMETERS)
    listed = {
        lines.integer("entry of the inclusion list", least=1, most=_PARAMETERS) for _ in range(abs(count))
    }
    everything = frozenset(range(1, _PARAMETERS + 1))
    if count > 0:
        return everything - listed
    return frozenset(listed)


class _Block:
    """Takes one block; a parameter that is left out is that of the first block."""

    def __init__(self, lines: Lines, header: Header, first: Block | None) -> None:
        self.lines, self.header, self.first = lines, header, first
        self.block = Block(lines.text("block identifier"), lines.at)
        self.keep("sample identifier", lines.text("sample identifier"))

    def is_here(self, number: int) -> bool:
        return self.first is None or number not in self.header.left_out

    def keep(self, name: str, value: Value, unit: str | None = None) -> None:
        is_unknown = isinstance(value, float) and abs(value) >= _UNKNOWN
        if value != "" and not is_unknown:
            self.block.facts.append(Fact(name, value, unit, self.lines.at))

    def take(self, number: int, *names: tuple[str, str | None] | str) -> None:
        """Parameters of one number: ``(name, unit)`` is a quantity, a bare name is text."""
        if not self.is_here(number):
            assert self.first is not None
            wanted = {name if isinstance(name, str) else name[0] for name in names}
            self.block.facts += [fact for fact in self.first.facts if fact.name in wanted]
            return
        for name in names:
            if isinstance(name, str):
                self.keep(name, self.lines.text(name))
            else:
                self.keep(name[0], self.lines.number(name[0]), name[1])

    def run(self) -> Block:
        for number, name in enumerate(
            ("year", "month", "day", "hours", "minutes", "seconds", "hours in advance of GMT"), 1
        ):
            self.take(number, (name, None))
        if self.is_here(8):  # 8: comment
            count = self.lines.integer("number of lines in block comment", most=100_000)
            self.keep(
                "block comment", "\n".join(self.lines.text("block comment") for _ in range(count)).strip()
            )
        self.take(9, "technique")
        self._source(str(self.block.get("technique")))
        self._analyser(str(self.block.get("technique")))
        self._abscissa()
        self._signal(str(self.block.get("technique")))
        self._ordinates()
        return self.block

    def _source(self, technique: str) -> None:
        mode = self.header.experiment_mode
        if mode in _MAPS:
            self.take(10, ("x coordinate", None), ("y coordinate", None))
        self.take(
            11, *((label or "experimental variable", unit or None) for label, unit in self.header.variables)
        )
        self.take(12, "analysis source label")
        if mode in _PROFILES or technique in _ION_BEAMS:
            self.take(
                13,
                ("sputtering ion atomic number", None),
                ("atoms in sputtering particle", None),
                ("sputtering ion charge", None),
            )
        self.take(14, ("analysis source characteristic energy", "eV"))
        self.take(15, ("analysis source strength", None))
        self.take(16, ("analysis source beam width x", "µm"), ("analysis source beam width y", "µm"))
        if mode in _WITH_FIELD:
            self.take(17, ("field of view x", "µm"), ("field of view y", "µm"))
        if mode in _WITH_LINES:
            corners = ("first linescan start", "first linescan finish", "last linescan finish")
            self.take(18, *((f"{corner} {axis}", None) for corner in corners for axis in "xy"))
        self.take(19, ("analysis source polar angle of incidence", "deg"))
        self.take(20, ("analysis source azimuth", "deg"))

    def _analyser(self, technique: str) -> None:
        self.take(21, "analyser mode")
        self.take(
            22,
            ("analyser pass energy", "eV")
            if technique in _SPUTTERED
            else ("analyser pass energy or retard ratio or mass resolution", None),
        )
        if technique == "AES diff":
            self.take(23, ("differential width", "eV"))
        self.take(24, ("magnification of analyser transfer lens", None))
        self.take(25, ("analyser work function", "eV"))
        self.take(26, ("target bias", "V"))
        self.take(27, ("analysis width x", "µm"), ("analysis width y", "µm"))
        self.take(28, ("analyser take-off polar angle", "deg"), ("analyser take-off azimuth", "deg"))
        self.take(29, "species label")
        self.take(30, "transition or charge state label", ("charge of detected particle", None))

    def _abscissa(self) -> None:
        if self.header.scan_mode == "REGULAR":
            if self.is_here(31):
                lines = self.lines
                self.block.abscissa = (
                    lines.text("abscissa label"), lines.text("abscissa units"), lines.number("abscissa start"),
                    lines.number("abscissa increment"),
                )  # fmt: skip
            elif self.first is not None:
                self.block.abscissa = self.first.abscissa
        if self.is_here(32):
            count = self.lines.integer("number of corresponding variables", least=1, most=1000)
            self.block.variables = [
                Variable(self.lines.text("label"), self.lines.text("unit")) for _ in range(count)
            ]
        elif self.first is not None:
            self.block.variables = [Variable(one.label, one.unit) for one in self.first.variables]

    def _signal(self, technique: str) -> None:
        self.take(33, "signal mode")
        self.take(34, ("signal collection time", "s"))
        self.take(35, ("number of scans", None))
        self.take(36, ("signal time correction", "s"))
        if technique in _SPUTTERED and self.header.experiment_mode in _PROFILES:
            self.take(
                37, ("sputtering source energy", "eV"), ("sputtering source beam current", "nA"),
                ("sputtering source width x", "µm"), ("sputtering source width y", "µm"),
                ("sputtering source polar angle of incidence", "deg"), ("sputtering source azimuth", "deg"), "sputtering mode",
            )  # fmt: skip
        self.take(38, ("sample normal polar angle of tilt", "deg"), ("sample normal tilt azimuth", "deg"))
        self.take(39, ("sample rotation angle", "deg"))
        if self.is_here(40):
            for _ in range(self.lines.integer("number of additional parameters", most=10_000)):
                label, unit = self.lines.text("label"), self.lines.text("unit")
                self.keep(
                    label or "additional parameter", self.lines.number("value of a parameter"), unit or None
                )
        for _ in range(self.header.future_lines):
            self.lines.text("future upgrade block entry")

    def _ordinates(self) -> None:
        count = self.lines.integer("number of ordinate values", most=10 * MOST_ITEMS)
        for _ in self.block.variables:
            self.lines.number("minimum ordinate value")
            self.lines.number("maximum ordinate value")
        width = max(1, len(self.block.variables))
        for index in range(count):
            self.block.variables[index % width].values.append(self.lines.number("ordinate value"))
