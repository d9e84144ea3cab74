"""The spectra of mzML: a row each, with its arrays as lists."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, BinaryIO

import pyarrow as pa

from tsunagu.formats.errors import UnreadableError
from tsunagu.formats.reader import Rows
from tsunagu.formats.readers.mzml import decode
from tsunagu.formats.safe_xml import Stream

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tsunagu.formats.reader import Context

_BATCH_ROWS = 512
_ARRAYS = {"MS:1000514": "mz", "MS:1000515": "intensity"}
_FLOATS = {"MS:1000521": "<f4", "MS:1000523": "<f8", "MS:1000519": "<i4", "MS:1000522": "<i8"}
_ZLIB = "MS:1000574"
_NUMPRESS = {"MS:1002312", "MS:1002313", "MS:1002314", "MS:1002746", "MS:1002747", "MS:1002748"}
_NUMBERS = {
    "MS:1000285": "total_ion_current", "MS:1000504": "base_peak_mz", "MS:1000505": "base_peak_intensity",
    "MS:1000744": "precursor_mz", "MS:1000041": "precursor_charge", "MS:1000511": "ms_level",
}  # fmt: skip
_WORDS = {"MS:1000130": "positive", "MS:1000129": "negative"}
_TIME, _MINUTE = "MS:1000016", "UO:0000031"
_TYPES = {
    "id": pa.string(),
    "ms_level": pa.int64(),
    "retention_time": pa.float64(),
    "polarity": pa.string(),
    "total_ion_current": pa.float64(),
    "base_peak_mz": pa.float64(),
    "base_peak_intensity": pa.float64(),
    "precursor_mz": pa.float64(),
    "precursor_charge": pa.int64(),
    "mz": pa.list_(pa.float64()),
    "intensity": pa.list_(pa.float64()),
}


def mzml_rows(source: BinaryIO, context: Context, table: str, kinds: Mapping[str, str]) -> Rows:
    """Every spectrum, in the order of the file.

    Raises:
        UnreadableError: not well-formed, cut off, or packed in a way that no installed library undoes.
    """
    del context, table, kinds
    return Rows(_batches(source))


def _batches(source: BinaryIO) -> Iterator[Any]:
    spectra = _Spectra()
    for _ in spectra.stream.steps(source):
        while len(spectra.done) >= _BATCH_ROWS:
            yield _batch(spectra.done[:_BATCH_ROWS])
            del spectra.done[:_BATCH_ROWS]
    if spectra.done:
        yield _batch(spectra.done)


def _batch(rows: list[dict[str, Any]]) -> Any:
    arrays = [pa.array([row.get(name) for row in rows], kind) for name, kind in _TYPES.items()]
    return pa.RecordBatch.from_arrays(arrays, names=list(_TYPES))


class _Spectra:
    """What the pass remembers: one spectrum at a time, and the groups of parameters that others refer to."""

    def __init__(self) -> None:
        self.stream = Stream(self._start, self._end, self._text)
        self.done: list[dict[str, Any]] = []
        self._groups: dict[str, list[dict[str, str]]] = {}
        self._group: list[dict[str, str]] | None = None
        self._row: dict[str, Any] | None = None
        self._array: dict[str, Any] = {}
        self._pieces: list[str] = []

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "cvParam":
            self._parameter(attributes)
        elif tag == "referenceableParamGroup":
            self._group = self._groups.setdefault(attributes.get("id", ""), [])
        elif tag == "referenceableParamGroupRef":
            for one in self._groups.get(attributes.get("ref", ""), ()):
                self._parameter(one)
        elif tag == "spectrum":
            self._row = {"id": attributes.get("id", "")}
        elif self._row is not None and tag == "binaryDataArray":
            self._array = {}
        elif self._row is not None and tag == "binary":
            self.stream.wants_text, self._pieces = True, []

    def _parameter(self, attributes: dict[str, str]) -> None:
        accession, value = attributes.get("accession", ""), attributes.get("value", "")
        if self._group is not None:
            self._group.append(attributes)
        elif self._row is None:
            return
        elif accession in _ARRAYS:
            self._array["name"] = _ARRAYS[accession]
        elif accession in _FLOATS:
            self._array["dtype"] = _FLOATS[accession]
        elif accession == _ZLIB:
            self._array["is_zlib"] = True
        elif accession in _NUMPRESS:
            raise UnreadableError("The spectra are packed with MS-Numpress.", reason_code="unsupported")
        elif accession in _WORDS:
            self._row["polarity"] = _WORDS[accession]
        elif accession == _TIME:
            is_minutes = attributes.get("unitAccession") == _MINUTE or attributes.get("unitName") == "minute"
            time = _number(value)
            self._row["retention_time"] = time if time is None or is_minutes else time / 60
        elif accession in _NUMBERS:
            # Of several precursors the first.
            self._row.setdefault(_NUMBERS[accession], _number(value))

    def _text(self, piece: str) -> None:
        self._pieces.append(piece)

    def _end(self, tag: str) -> None:
        if tag == "referenceableParamGroup":
            self._group = None
        elif tag == "binary" and self.stream.wants_text:
            self.stream.wants_text = False
            if self._row is not None and (name := self._array.get("name")):
                values = decode("".join(self._pieces), self._array)
                if values is None:
                    raise UnreadableError(f"The array {name} of {self._row['id']} cannot be decoded.")
                self._row[name] = values
            self._pieces = []
        elif tag == "spectrum" and self._row is not None:
            for name in ("ms_level", "precursor_charge"):
                if (value := self._row.get(name)) is not None:
                    self._row[name] = int(value)
            self.done.append(self._row)
            self._row = None


def _number(text: str) -> float | None:
    try:
        found = float(text)
    except ValueError:
        return None
    return found if math.isfinite(found) else None
