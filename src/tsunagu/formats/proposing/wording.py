"""A dataset in a plain sentence, in English and Japanese."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from tsunagu.formats.registry import installed_readers

if TYPE_CHECKING:
    from tsunagu.formats.proposing.evidence import Evidence, Facts, Proposal

_MOST_FORMATS = 4
_MOST_NAMES = 3
_IN_JAPANESE = {
    "computed tomography": "CT",
    "magnetic resonance imaging": "MRI",
    "ultrasound imaging": "超音波撮像",
    "computed radiography": "CR（コンピューテッドラジオグラフィー）",
    "digital radiography": "デジタルX線撮影",
    "mammography": "マンモグラフィー",
    "positron emission tomography": "PET",
    "electrocardiography": "心電図",
    "infrared spectroscopy": "赤外分光",
    "Raman spectroscopy": "ラマン分光",
    "UV-visible spectroscopy": "紫外可視分光",
    "NMR spectroscopy": "NMR",
    "mass spectrometry": "質量分析",
    "inelastic neutron scattering": "中性子非弾性散乱",
    "crystallography": "結晶構造解析",
    "flow cytometry": "フローサイトメトリー",
    "seismology": "地震観測",
    "X-ray diffraction": "X線回折",
    "X-ray photoelectron spectroscopy": "X線光電子分光（XPS）",
}


@dataclass(frozen=True, slots=True)
class Summary:
    """The facts that a sentence needs; days as ISO dates."""

    file_count: int
    formats: tuple[tuple[str, str, int], ...]
    technique: str
    instrument: str
    samples: tuple[str, ...]
    first_day: str
    last_day: str
    evidence: tuple[Evidence, ...]

    @classmethod
    def of(
        cls,
        facts: Facts,
        *,
        technique: Proposal | None,
        instrument: Proposal | None,
        sample: Proposal | None,
        start: Proposal | None,
        end: Proposal | None,
    ) -> Self:
        """Gather from the proposals made so far."""
        labels = {reader.info.name: reader.info for reader in installed_readers()[0]}
        counts = Counter(outcome.reader or "" for _, outcome in facts.files)
        formats = []
        for name, count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])):
            info = labels.get(name)
            formats.append((info.label_en if info else name, info.label_ja if info else name, count))
        first = str(start.value)[:10] if start else ""
        return cls(
            file_count=len(facts.files),
            formats=tuple(formats),
            technique=", ".join(_values(technique)[:_MOST_NAMES]),
            instrument=", ".join(_values(instrument)[:_MOST_NAMES]),
            samples=_values(sample),
            first_day=first,
            last_day=str(end.value)[:10] if end else first,
            evidence=tuple(
                place
                for part in (technique, instrument, sample, start, end)
                if part
                for place in part.evidence[:4]
            ),
        )

    def title(self) -> str:
        """``Raman spectroscopy of tannic acid, R2000, 2000-10-04``; empty when little is known."""
        what = self.technique
        if self.samples and len(self.samples) <= _MOST_NAMES:
            names = ", ".join(self.samples)
            what = f"{what} of {names}" if what else names
        if not what:
            return ""
        text = ", ".join(part for part in (what, self.instrument, self._days(" to ")) if part)
        return text[:1].upper() + text[1:]

    def english(self) -> str:
        """Two or three sentences."""
        noun = "file" if self.file_count == 1 else "files"
        if len(self.formats) == 1:
            sentences = [f"{self.file_count:,} {noun}, format: {self.formats[0][0]}."]
        else:
            kinds = ", ".join(f"{label} {count:,}" for label, _, count in self.formats[:_MOST_FORMATS])
            sentences = [f"{self.file_count:,} {noun} ({kinds}{self._more(' and others')})."]
        if self.technique or self.instrument:
            what = f"Technique: {self.technique}." if self.technique else ""
            how = f"Instrument: {self.instrument}." if self.instrument else ""
            sentences.append(" ".join(part for part in (what, how) if part))
        if self.first_day:
            word = "on" if self.first_day == self.last_day else "from"
            sentences.append(f"Measured {word} {self._days(' to ')}.")
        if self.samples:
            word = "Sample" if len(self.samples) == 1 else "Samples"
            sentences.append(f"{word}: {', '.join(self.samples)}.")
        return " ".join(sentences)

    def japanese(self) -> str:
        """The same in Japanese."""
        if len(self.formats) == 1:
            sentences = [f"{self.formats[0][1]}形式のファイル{self.file_count:,}件からなるデータです。"]
        else:
            kinds = "、".join(f"{label} {count:,}件" for _, label, count in self.formats[:_MOST_FORMATS])
            sentences = [f"ファイル{self.file_count:,}件（{kinds}{self._more('ほか')}）からなるデータです。"]
        if self.technique:
            words = "、".join(_IN_JAPANESE.get(word, word) for word in self.technique.split(", "))
            sentences.append(f"測定手法は{words}です。")
        if self.instrument:
            sentences.append(f"装置は{self.instrument}です。")
        if self.first_day:
            word = "測定日" if self.first_day == self.last_day else "測定期間"
            sentences.append(f"{word}は{self._japanese_days()}です。")
        if self.samples:
            sentences.append(f"試料は{'、'.join(self.samples)}です。")
        return "".join(sentences)

    def _more(self, words: str) -> str:
        return words if len(self.formats) > _MOST_FORMATS else ""

    def _days(self, between: str) -> str:
        if self.first_day == self.last_day:
            return self.first_day
        return f"{self.first_day}{between}{self.last_day}"

    def _japanese_days(self) -> str:
        first, last = _japanese_day(self.first_day), _japanese_day(self.last_day)
        return first if first == last else f"{first}から{last}まで"


def _values(found: Proposal | None) -> tuple[str, ...]:
    if found is None:
        return ()
    return tuple(map(str, found.value)) if isinstance(found.value, tuple) else (str(found.value),)


def _japanese_day(iso: str) -> str:
    year, month, day = iso.split("-")
    return f"{int(year)}年{int(month)}月{int(day)}日"
