"""What all readings of a dataset say under one common name, counted by file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tsunagu.formats.types import Field, FieldValue, Outcome

READ = ("read", "read_with_warnings")
# Formats about patients: what is personal in them is proposed to nobody.
CLINICAL = frozenset(("dicom", "nifti", "par"))
_MOST_EVIDENCE = 20
_LONGEST = 300


@dataclass(frozen=True, slots=True)
class Evidence:
    """One place in one file that says so: value as the file has it."""

    path: str
    key: str
    where: str
    value: FieldValue
    reader: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """A value for the description of a dataset, for a person to accept, edit or reject.

    ``confidence`` runs from 0 to 1 and says how far the files agree, not how true it is. ``rule`` names what made
    it.
    """

    key: str
    value: FieldValue
    unit: str | None
    confidence: float
    rule: str
    evidence: tuple[Evidence, ...]


@dataclass(slots=True)
class Said:
    """One value of one name: the files that say it, the first place in each."""

    value: FieldValue
    unit: str | None
    places: list[Evidence] = field(default_factory=list)

    @property
    def file_count(self) -> int:
        """How many files say it."""
        return len(self.places)


class Facts:
    """All mapped fields of the readings of a dataset.

    Args:
        outcomes: Path and outcome of each file, in any order; the result does not depend on it.
    """

    def __init__(self, outcomes: Iterable[tuple[str, Outcome]]) -> None:
        self.files: list[tuple[str, Outcome]] = sorted(
            ((path, outcome) for path, outcome in outcomes if outcome.status in READ),
            key=lambda pair: pair[0],
        )
        self._said: dict[str, dict[tuple[str, str], Said]] = {}
        for path, outcome in self.files:
            for item in outcome.reading.fields:
                if item.name and _may_be_told(item, outcome.reader or ""):
                    self._take(path, outcome.reader or "", item)

    def _take(self, path: str, reader: str, item: Field) -> None:
        value = item.normal_value if item.normal_value is not None else item.value
        unit = item.normal_unit if item.normal_value is not None else item.unit
        if isinstance(value, str):
            value = " ".join(value.split())[:_LONGEST]
        if value in ("", None) or item.name is None:
            return
        same = self._said.setdefault(item.name, {})
        said = same.setdefault((str(value).casefold(), unit or ""), Said(value, unit))
        if not said.places or said.places[-1].path != path:
            said.places.append(Evidence(path, item.key, item.where, item.value, reader))

    def of(self, name: str) -> list[Said]:
        """The values under a name, the most frequent first, then by text."""
        return sorted(
            self._said.get(name, {}).values(),
            key=lambda said: (-said.file_count, str(said.value), said.unit or ""),
        )

    def share(self, chosen: Sequence[Said], name: str, base: float) -> float:
        """A confidence: ``base`` times the share of the files with this name that agree, less where few have it."""
        with_name = {place.path for said in self.of(name) for place in said.places}
        agreeing = {place.path for said in chosen for place in said.places}
        if not with_name or not self.files:
            return 0.0
        coverage = len(with_name) / len(self.files)
        return round(base * len(agreeing) / len(with_name) * (0.8 + 0.2 * coverage), 2)


def _may_be_told(item: Field, reader: str) -> bool:
    return not item.personal or (item.name == "operator" and reader not in CLINICAL)


def places(said: Iterable[Said]) -> tuple[Evidence, ...]:
    """Up to twenty places, each file once, by turns through the values so that each is witnessed."""
    found = [place for one in said for place in one.places]
    unique = {(place.path, place.key, place.where): place for place in found}
    return tuple(unique.values())[:_MOST_EVIDENCE]
