"""How to cite a record: a sentence in Japanese and English, BibTeX, RIS, CSL-JSON.

The sentence follows DataCite (Creator (Year): Title. Version. Publisher. Type. DOI), which keeps version and address; many
styles of journals drop them (``csl_styles.py`` makes those).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from tsunagu.standards.jpcoar.words import DATA_TYPES, THESES
from tsunagu.standards.published import Party, PublicRecord, Text

_EAST_ASIAN = re.compile(r"[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff66-\uff9f]")
_TEX = re.compile(r"[\\{}%&_#$~^]")
_TEX_WORDS = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
_YEAR = re.compile(r"\d{4}")
_DAY = re.compile(r"(\d{4})(?:-(\d{2}))?(?:-(\d{2}))?")
_SPACE = re.compile(r"\s+")
_KINDS = {  # CSL, RIS, BibTeX, Japanese, English
    "data": ("dataset", "DATA", "misc", "データセット", "Dataset"),
    "software": ("software", "COMP", "misc", "ソフトウェア", "Software"),
    "article": ("article-journal", "JOUR", "article", "論文", "Article"),
    "thesis": ("thesis", "THES", "phdthesis", "学位論文", "Thesis"),
    "report": ("report", "RPRT", "techreport", "報告書", "Report"),
    "other": ("document", "GEN", "misc", "資料", "Work"),
}


def recommended_citation(record: PublicRecord, language: str = "ja") -> str:
    """One sentence in DataCite's form; names and titles in the language where the record has them."""
    is_japanese = language == "ja"
    version = (
        (f"版 {record.version}" if is_japanese else f"Version {record.version}") if record.version else ""
    )
    kind = _KINDS[kind_of(record)][3 if is_japanese else 4]
    parts = [
        f"{'; '.join(_in_words(party, language) for party in record.creators)} ({year_of(record)})".strip(),
        text_in(record.titles, language),
        version,
        "; ".join(text_in(party.names, language) for party in record.publishers[:1]),
        kind,
    ]
    said = ". ".join(part.rstrip(".") for part in parts[1:] if part)
    return f"{parts[0]}: {said}. {address_of(record)}"


def to_csl(record: PublicRecord, language: str = "en") -> dict[str, Any]:
    """CSL-JSON. Names in Han or Kana are literal: processors make initials of whatever is split."""
    item: dict[str, Any] = {
        "id": record.id or "record",
        "type": _KINDS[kind_of(record)][0],
        "title": text_in(record.titles, language),
        "author": [_csl_name(party, language) for party in record.creators],
        "publisher": next((text_in(party.names, language) for party in record.publishers), ""),
        "URL": address_of(record),
        "version": record.version,
        "DOI": record.doi if record.is_doi_registered else "",
        "language": language,
        "container-title": text_in(record.source_titles, language),
        "volume": record.volume,
        "issue": record.issue,
        "page": "-".join(page for page in (record.first_page, record.last_page) if page),
    }
    if date := date_of(record):
        item["issued"] = {"date-parts": [date]}
    return {name: value for name, value in item.items() if value}


def to_bibtex(record: PublicRecord, language: str = "en") -> str:
    """One entry. The title keeps its capitals; an organisation is one name."""
    kind = _KINDS[kind_of(record)][2]
    fields = {
        "author": " and ".join(_bibtex_name(party, language) for party in record.creators),
        "title": f"{{{_tex(text_in(record.titles, language))}}}",
        "year": year_of(record),
        "publisher": _tex(next((text_in(party.names, language) for party in record.publishers), "")),
        "version": _tex(record.version),
        "journal": _tex(text_in(record.source_titles, language)),
        "volume": _tex(record.volume),
        "number": _tex(record.issue),
        "pages": "--".join(page for page in (record.first_page, record.last_page) if page),
        "doi": _verbatim(record.doi) if record.is_doi_registered else "",
        "url": _verbatim(address_of(record)),
    }
    lines = [f"  {name} = {{{value}}}" for name, value in fields.items() if value.strip("{}")]
    return f"@{kind}{{{_key(record)},\n" + ",\n".join(lines) + "\n}\n"


def to_ris(record: PublicRecord, language: str = "en") -> str:
    """One reference, a line for each value."""
    date = date_of(record)
    rows = [
        ("TY", _KINDS[kind_of(record)][1]),
        *(("AU", _one_line(_name_in(party, language))) for party in record.creators),
        ("TI", text_in(record.titles, language)),
        ("PY", year_of(record)),
        ("DA", "/".join(f"{part:02d}" for part in date)),
        ("PB", next((text_in(party.names, language) for party in record.publishers), "")),
        ("ET", record.version),
        ("T2", text_in(record.source_titles, language)),
        ("VL", record.volume),
        ("IS", record.issue),
        ("SP", record.first_page),
        ("EP", record.last_page),
        *(("KW", subject.text.value) for subject in record.subjects),
        ("AB", next((one.text.value for one in record.descriptions if one.type == "Abstract"), "")),
        ("DO", record.doi if record.is_doi_registered else ""),
        ("UR", address_of(record)),
    ]
    lines = [f"{name}  - {_one_line(value)}" for name, value in rows if value]
    return "\r\n".join([*lines, "ER  - ", ""])


def kind_of(record: PublicRecord) -> str:
    """Which of our few kinds of citation its type is."""
    label = record.resource_type
    if label in DATA_TYPES:
        return "data"
    if label in {"software", "source code", "workflow"}:
        return "software"
    if label in THESES:
        return "thesis"
    if "article" in label or label.endswith("paper") or label == "editorial":
        return "article"
    return "report" if label.endswith("report") else "other"


def address_of(record: PublicRecord) -> str:
    """The DOI's address where it is registered, else the landing page."""
    return f"https://doi.org/{record.doi}" if record.doi and record.is_doi_registered else record.url


def date_of(record: PublicRecord) -> list[int]:
    """Year, month and day as far as they are known, of the day of issue."""
    for kind in ("Issued", "Available", "Created"):
        for date in record.dates:
            if date.type == kind and (match := _DAY.match(date.value)):
                return [int(part) for part in match.groups() if part]
    return [int(record.publication_year)] if _YEAR.fullmatch(record.publication_year) else []


def year_of(record: PublicRecord) -> str:
    """The year, or ``n.d.``."""
    date = date_of(record)
    return str(date[0]) if date else "n.d."


def text_in(texts: Sequence[Text], language: str) -> str:
    """The text in a language, else the first that is no reading."""
    whole = [text for text in texts if text.value and not text.language.startswith("ja-")]
    chosen = [text for text in whole if text.language == language] or whole
    return chosen[0].value if chosen else ""


def _name_in(party: Party, language: str) -> str:
    name = text_in(party.names, language)
    if name:
        return name
    parts = (text_in(party.family_names, language), text_in(party.given_names, language))
    return ", ".join(part for part in parts if part)


def _in_words(party: Party, language: str) -> str:
    """``山田 花子``; ``Yamada, Hanako``."""
    name = _name_in(party, language)
    return name.replace(", ", " ", 1) if _EAST_ASIAN.search(name) and not party.is_organization else name


def _csl_name(party: Party, language: str) -> dict[str, str]:
    name = _name_in(party, language)
    family, comma, given = name.partition(", ")
    if party.is_organization or not comma or _EAST_ASIAN.search(name):
        return {"literal": _in_words(party, language)}
    return {"family": family, "given": given}


def _bibtex_name(party: Party, language: str) -> str:
    name = _tex(_name_in(party, language))
    return f"{{{name}}}" if party.is_organization or ", " not in name else name


def _key(record: PublicRecord) -> str:
    """A family name in Latin letters where there is one, the year, and the end of the id."""
    names: Iterable[str] = (text.value for party in record.creators[:1] for text in party.names)
    latin = next((name for name in names if name.isascii() and name[:1].isalpha()), "")
    family = re.sub(r"[^A-Za-z]", "", latin.partition(",")[0]).lower() or "data"
    return (
        f"{family}_{year_of(record).replace('.', '')}_{re.sub(r'[^A-Za-z0-9]', '', record.id)[-6:].lower()}"
    )


def _tex(text: str) -> str:
    return _TEX.sub(lambda match: _TEX_WORDS.get(match.group(), "\\" + match.group()), _one_line(text))


def _verbatim(address: str) -> str:
    """Addresses are read as they stand; only what would end the field is encoded."""
    return _one_line(address).replace("{", "%7B").replace("}", "%7D").replace("\\", "%5C")


def _one_line(text: str) -> str:
    return _SPACE.sub(" ", text).strip()
