"""Proposals for the description of a dataset, by rules that a person can follow from the evidence given."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import TYPE_CHECKING

from tsunagu.formats.proposing import wording
from tsunagu.formats.proposing.evidence import Evidence, Facts, Proposal, Said, places
from tsunagu.formats.proposing.recorded import READER, recorded

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tsunagu.formats.types import Outcome

# Names that stand for the whole dataset when its files agree.
_SETTLED = (
    "institution", "instrument_serial_number", "telescope", "xray_target", "wavelength", "xray_voltage", "xray_current",
    "accelerating_voltage", "photon_energy", "temperature", "pressure", "magnetic_field", "space_group", "sampling_rate",
    "sample_formula", "sample_mineral", "seismic_network", "polarity",
)  # fmt: skip
# What a format is about, where no key says it.
_BY_READER = {
    "cif": "crystallography",
    "fcs": "flow cytometry",
    "mseed": "seismology",
    "mzml": "mass spectrometry",
    "vamas": "X-ray photoelectron spectroscopy",
    "xrd": "X-ray diffraction",
}
_NOBODY = frozenset(
    ("administrator", "admin", "user", "operator", "guest", "root", "unknown", "anonymous", "none", "n/a", "-", "----",
     "owner", "default", "不明", "なし")
)  # fmt: skip
_NO_SAMPLE = frozenset(("untitled", "unknown", "sample", "test", "none", "default", "no name"))
_NO_TECHNIQUE = frozenset(("link", "ot", "object", "unknown"))
_FEW = 5
_AGREED = 0.8
_EARLIEST = 1950
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MOST_KEYWORDS = 10


def propose(outcomes: Iterable[tuple[str, Outcome]]) -> list[Proposal]:
    """What the files of a dataset say about it as a whole, surest first.

    The same files give the same proposals in the same order. Nothing that points at a patient is used.

    Args:
        outcomes: Path and mapped outcome of every file.
    """
    outcomes = list(outcomes)
    written = recorded(outcomes)
    facts = Facts(pair for pair in outcomes if pair[1].reader != READER)
    if not facts.files:
        return written
    technique, instrument, sample = _technique(facts), _instrument(facts), _sample(facts)
    start, end = _period(facts)
    parts = (technique, instrument, sample, start, end, _operator(facts))
    made = [part for part in parts if part is not None]
    made += [found for name in _SETTLED if (found := _settled(facts, name))]
    summary = wording.Summary.of(
        facts, technique=technique, instrument=instrument, sample=sample, start=start, end=end
    )
    made += [found for found in (_title(facts, summary), _keywords(facts, made)) if found]
    made += _descriptions(summary)
    names = {one.key for one in written}
    made = [*written, *(one for one in made if one.key not in names)]
    return sorted(made, key=lambda found: (-found.confidence, found.key))


def _one_or_few(facts: Facts, name: str, said: list[Said], *, base: float, rule: str) -> Proposal | None:
    """One value, or a list of a few; more than that says nothing about the whole."""
    if not said or len(said) > _FEW:
        return None
    confidence = facts.share(said, name, base if len(said) == 1 else base - 0.15)
    value = said[0].value if len(said) == 1 else tuple(sorted(str(one.value) for one in said))
    return Proposal(name, value, said[0].unit if len(said) == 1 else None, confidence, rule, places(said))


def _settled(facts: Facts, name: str) -> Proposal | None:
    # Programs write 0 for what they were not told.
    said = [one for one in facts.of(name) if one.value not in (0, 0.0)]
    if not said:
        return None
    total = len({place.path for one in said for place in one.places})
    if said[0].file_count < _AGREED * total or 2 * said[0].file_count < len(facts.files):
        return None
    confidence = facts.share(said[:1], name, 0.95)
    return Proposal(name, said[0].value, said[0].unit, confidence, "same_in_files", places(said[:1]))


def _technique(facts: Facts) -> Proposal | None:
    said = [one for one in facts.of("technique") if str(one.value).casefold() not in _NO_TECHNIQUE]
    if found := _one_or_few(facts, "technique", said, base=0.9, rule="named_in_files"):
        return found
    readers = Counter(_BY_READER[o.reader] for _, o in facts.files if o.reader in _BY_READER)
    if not readers:
        return None
    word, count = min(readers.items(), key=lambda pair: (-pair[1], pair[0]))
    evidence = tuple(
        Evidence(path, "format", "the format of the file", o.reader or "", o.reader or "")
        for path, o in facts.files
        if o.reader and _BY_READER.get(o.reader) == word
    )[:20]
    return Proposal(
        "technique", word, None, round(0.75 * count / len(facts.files), 2), "format_of_files", evidence
    )


def _instrument(facts: Facts) -> Proposal | None:
    """Maker and model where both stand in one file, else the name of the instrument."""
    pairs: dict[str, Said] = {}
    makers = _by_path(facts.of("instrument_manufacturer"))
    for said in facts.of("instrument_model"):
        for place in said.places:
            maker = makers.get(place.path, "")
            model = str(said.value)
            name = model if model.casefold().startswith(maker.casefold()) else f"{maker} {model}"
            pairs.setdefault(name.casefold(), Said(name, None)).places.append(place)
    ranked = sorted(pairs.values(), key=lambda one: (-one.file_count, str(one.value)))
    name = "instrument_model"
    for other in ("instrument_name", "telescope"):
        if not ranked:
            name, ranked = other, facts.of(other)
    found = _one_or_few(facts, name, ranked, base=0.95, rule="named_in_files")
    if found is None:
        return None
    return Proposal("instrument_name", found.value, None, found.confidence, found.rule, found.evidence)


def _by_path(said: Iterable[Said]) -> dict[str, str]:
    found: dict[str, str] = {}
    for one in said:
        for place in one.places:
            found.setdefault(place.path, str(one.value))
    return found


def _sample(facts: Facts) -> Proposal | None:
    for name in ("sample_name", "sample_mineral"):
        said = [one for one in facts.of(name) if str(one.value).casefold() not in _NO_SAMPLE]
        if found := _one_or_few(facts, name, said, base=0.85, rule="named_in_files"):
            return Proposal("sample_name", found.value, None, found.confidence, found.rule, found.evidence)
    return None


def _operator(facts: Facts) -> Proposal | None:
    said = [one for one in facts.of("operator") if str(one.value).casefold().strip() not in _NOBODY]
    return _one_or_few(facts, "operator", said, base=0.8, rule="named_in_files")


def _period(facts: Facts) -> tuple[Proposal | None, Proposal | None]:
    """The earliest start and the latest end (or start); times without a zone count as UTC for the order."""
    starts = _moments(facts, "measurement_start")
    ends = _moments(facts, "measurement_end") or starts
    if not starts:
        return None, None
    first, last = min(starts, key=_order), max(ends, key=_order)
    with_time = {place.path for _, one in starts for place in one.places}
    confidence = round(0.9 * (0.8 + 0.2 * len(with_time) / len(facts.files)), 2)
    start = Proposal(
        "measurement_start", first[1].value, None, confidence, "earliest_in_files", places([first[1]])
    )
    if _order(last) < _order(first) or last[1].value == first[1].value:
        return start, None
    end = Proposal("measurement_end", last[1].value, None, confidence, "latest_in_files", places([last[1]]))
    return start, end


def _order(moment: tuple[dt.datetime, Said]) -> tuple[dt.datetime, str]:
    return moment[0], str(moment[1].value)


def _moments(facts: Facts, name: str) -> list[tuple[dt.datetime, Said]]:
    found = []
    for said in facts.of(name):
        try:
            moment = dt.datetime.fromisoformat(str(said.value))
        except ValueError:
            continue
        aware = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
        # Instruments with a dead battery believe in 1900, computers in 1970.
        if aware.year >= _EARLIEST and aware != _EPOCH:
            found.append((aware, said))
    return found


def _title(facts: Facts, summary: wording.Summary) -> Proposal | None:
    said = facts.of("title")
    if len(said) == 1:
        return Proposal(
            "title", said[0].value, None, facts.share(said, "title", 0.75), "title_in_files", places(said)
        )
    text = summary.title()
    return Proposal("title", text, None, 0.55, "composed_of_facts", summary.evidence) if text else None


def _keywords(facts: Facts, made: list[Proposal]) -> Proposal | None:
    words: dict[str, str] = {}
    evidence: list[Evidence] = []
    for found in made:
        if found.key in {"technique", "instrument_name", "sample_name", "sample_formula", "sample_mineral"}:
            values = found.value if isinstance(found.value, tuple) else (found.value,)
            for value in values:
                words.setdefault(str(value).casefold(), str(value))
            evidence += found.evidence[:2]
    if not words or not facts.files:
        return None
    kept = tuple(words.values())[:_MOST_KEYWORDS]
    return Proposal("keywords", kept, None, 0.6, "composed_of_facts", tuple(evidence[:20]))


def _descriptions(summary: wording.Summary) -> list[Proposal]:
    return [
        Proposal("description", summary.english(), None, 0.5, "composed_of_facts", summary.evidence),
        Proposal("description_ja", summary.japanese(), None, 0.5, "composed_of_facts", summary.evidence),
    ]
