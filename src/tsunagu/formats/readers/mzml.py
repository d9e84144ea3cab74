"""mzML: run, instrument and software from the controlled vocabulary, the total ion current, the spectra's count.

One streaming pass; the arrays of spectra are not decoded, only those of chromatograms (and of the first
spectrum when there is no chromatogram to draw).
"""

from __future__ import annotations

import base64
import binascii
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from tsunagu.formats import draw
from tsunagu.formats.errors import UnreadableError
from tsunagu.formats.findings import Findings
from tsunagu.formats.safe_xml import Stream
from tsunagu.formats.types import Column

if TYPE_CHECKING:
    from pathlib import Path

    from tsunagu.formats.reader import Context
    from tsunagu.formats.types import CurvePreview, Reading

_PARAMETERS = frozenset(("cvParam", "userParam"))
_HEADER_PARTS = {
    "fileContent", "sourceFile", "contact", "sample", "software", "scanSettings", "instrumentConfiguration", "source",
    "analyzer", "detector", "processingMethod", "run", "referenceableParamGroup",
}  # fmt: skip
_TIC, _SCAN_TIME, _MS_LEVEL, _BASE_PEAK = "MS:1000285", "MS:1000016", "MS:1000511", "MS:1000505"
_FLOAT32, _FLOAT64, _ZLIB, _PLAIN = "MS:1000521", "MS:1000523", "MS:1000574", "MS:1000576"
_ROLES = {"MS:1000514": "x", "MS:1000515": "y", "MS:1000595": "x"}
_MINUTE = "UO:0000031"
_ARRAY_BYTES = 64 << 20
SPECTRA = (
    Column("id", "text", description="identity in the file"),
    Column("ms_level", "integer"),
    Column("retention_time", "number", "min"),
    Column("polarity", "text"),
    Column("total_ion_current", "number"),
    Column("base_peak_mz", "number", "m/z"),
    Column("base_peak_intensity", "number"),
    Column("precursor_mz", "number", "m/z"),
    Column("precursor_charge", "integer"),
    Column("mz", "numbers", "m/z"),
    Column("intensity", "numbers"),
)
_CHROMATOGRAMS = 6


def read(path: Path, context: Context) -> Reading:
    """The facts of a run; cut-off files keep what came before the break.

    Raises:
        UnreadableError: not well-formed or cut off.
    """
    findings = Findings(context.limits)
    run = _Run(findings)
    stream = Stream(run.start, run.end, run.text)
    run.stream = stream
    try:
        with path.open("rb") as source:
            stream.read(source)
    except UnreadableError as error:
        error.partial = run.finish(context.name)
        raise
    return run.finish(context.name)


class _Run:
    """What the pass remembers."""

    def __init__(self, findings: Findings) -> None:
        self.findings = findings
        self.stream: Stream | None = None
        self.stack: list[tuple[str, str]] = []
        self.spectra = 0
        self.announced: int | None = None
        self.levels: dict[str, int] = {}
        self.points: list[tuple[float, float]] = []
        self.current: dict[str, Any] = {}
        self.binary: dict[str, Any] = {}
        self.pieces: list[str] = []
        self.chromatograms: list[tuple[str, Any, Any]] = []
        self.first_spectrum: tuple[Any, Any] | None = None

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """Open an element."""
        if tag in _PARAMETERS:
            # Leaves, and nine tenths of all elements: they never enter the stack.
            self._parameter(tag, attributes)
            return
        self.stack.append((tag, attributes.get("id", "")))
        if tag in {"spectrum", "chromatogram"}:
            self.current = {"kind": tag, "id": attributes.get("id", "")}
        elif tag == "binaryDataArray":
            self.binary = {}
        elif tag == "binary" and self._is_wanted() and self.stream is not None:
            self.stream.wants_text, self.pieces = True, []
        elif tag == "spectrumList":
            self.announced = int(attributes.get("count", "0") or 0)
        elif tag in {"run", "mzML", "software", "sample", "sourceFile"}:
            for name, value in attributes.items():
                if not name.startswith("xmlns") and ":" not in name:
                    self.findings.field(f"{tag}@{name}", value, where=f"element {tag}")

    def end(self, tag: str) -> None:
        """Close an element."""
        if tag in _PARAMETERS:
            return
        if self.stack:
            self.stack.pop()
        if tag == "binary" and self.stream is not None and self.stream.wants_text:
            self.stream.wants_text = False
            role = self.binary.get("role")
            if role:
                found = decode("".join(self.pieces), self.binary)
                self.current[role] = np.empty(0, dtype=np.float64) if found is None else found
            self.pieces = []
        elif tag == "spectrum":
            self._close_spectrum()
        elif tag == "chromatogram":
            if "x" in self.current and "y" in self.current and len(self.chromatograms) < _CHROMATOGRAMS:
                self.chromatograms.append((self.current["id"], self.current["x"], self.current["y"]))
            self.current = {}

    def text(self, piece: str) -> None:
        """Base64 of one array."""
        self.pieces.append(piece)

    def _is_wanted(self) -> bool:
        if self.current.get("kind") == "chromatogram":
            return len(self.chromatograms) < _CHROMATOGRAMS
        return self.first_spectrum is None

    def _parameter(self, tag: str, attributes: dict[str, str]) -> None:
        accession = attributes.get("accession", "")
        if self.current:
            self._of_spectrum(accession, attributes)
            return
        part, identity = next(
            ((name, ident) for name, ident in reversed(self.stack) if name in _HEADER_PARTS), ("", "")
        )
        if not part:
            return
        # A term without value is a statement by itself: "orbitrap" under "analyzer".
        name, value = attributes.get("name", ""), attributes.get("value", "")
        where = f"{part} {identity}".strip()
        is_personal = part == "contact"
        if value:
            unit = attributes.get("unitName")
            term = accession if tag == "cvParam" else None
            self.findings.field(name, value, unit=unit, where=where, term=term, personal=is_personal)
        elif tag == "cvParam":
            self.findings.field(part, name, where=where, term=accession, personal=is_personal)

    def _of_spectrum(self, accession: str, attributes: dict[str, str]) -> None:
        value = attributes.get("value", "")
        if accession in _ROLES:
            self.binary["role"] = _ROLES[accession]
            self.binary["unit"] = attributes.get("unitName")
        elif accession in {_FLOAT32, _FLOAT64}:
            self.binary["dtype"] = "<f4" if accession == _FLOAT32 else "<f8"
        elif accession in {_ZLIB, _PLAIN}:
            self.binary["is_zlib"] = accession == _ZLIB
        elif accession.startswith("MS:10023") or "numpress" in attributes.get("name", "").lower():
            self.binary["is_foreign"] = True
        elif accession == _TIC:
            self.current["tic"] = _number(value)
        elif accession == _SCAN_TIME:
            minutes = attributes.get("unitAccession") == _MINUTE or attributes.get("unitName") == "minute"
            self.current["time"] = _number(value) / (1.0 if minutes else 60.0)
        elif accession == _MS_LEVEL:
            self.current["level"] = value

    def _close_spectrum(self) -> None:
        self.spectra += 1
        level = str(self.current.get("level", ""))
        if level:
            self.levels[level] = self.levels.get(level, 0) + 1
        if "time" in self.current and "tic" in self.current and level in {"1", ""}:
            self.points.append((self.current["time"], self.current["tic"]))
        if self.first_spectrum is None and "x" in self.current and "y" in self.current:
            self.first_spectrum = (self.current["x"], self.current["y"])
        self.current = {}

    def finish(self, title: str) -> Reading:
        """All that was found up to here."""
        findings = self.findings
        findings.field("spectra", self.spectra, where="spectrumList")
        if self.announced is not None and self.announced != self.spectra:
            findings.warn(f"The file announces {self.announced:,} spectra and holds {self.spectra:,}.")
        for level, count in sorted(self.levels.items()):
            findings.field(f"spectra of MS level {level}", count, where="spectrumList")
        if self.spectra:
            findings.table("spectra", SPECTRA, row_count=self.spectra, where="spectrumList")
        if self.points:
            findings.array("total ion current", (len(self.points),), "float64", where="spectrumList")
        for name, x, _ in self.chromatograms:
            findings.array(name, x.shape, x.dtype, where="chromatogramList")
        findings.preview(self._draw(title))
        return findings.finish()

    def _draw(self, title: str) -> CurvePreview | None:
        time = ("retention time", "minute")
        if len(self.points) > 1:
            x, y = zip(*self.points, strict=True)
            return draw.curve(
                title, [draw.series("total ion current", x, y)], x=time, y=("intensity", "counts")
            )
        lines = [draw.series(name, x, y) for name, x, y in self.chromatograms]
        if any(lines):
            return draw.curve(title, lines, x=time, y=("intensity", None))
        if self.first_spectrum is not None:
            x, y = self.first_spectrum
            return draw.curve(
                title,
                [draw.series("first spectrum", x, y)],
                x=("m/z", None),
                y=("intensity", None),
                is_sticks=True,
            )
        return None


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


def decode(text: str, binary: dict[str, Any]) -> Any:
    """The numbers of one array; ``None`` for encodings that need a library of their own, and for what is damaged."""
    if binary.get("is_foreign") or "dtype" not in binary:
        return None
    try:
        raw = base64.b64decode(text, validate=False)
        if binary.get("is_zlib"):
            raw = zlib.decompressobj().decompress(raw, _ARRAY_BYTES)
    except (binascii.Error, zlib.error, ValueError):
        return None
    dtype = np.dtype(binary["dtype"])
    return np.frombuffer(raw[: len(raw) // dtype.itemsize * dtype.itemsize], dtype=dtype)
