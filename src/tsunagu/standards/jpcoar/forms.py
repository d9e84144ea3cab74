"""The shapes that identifiers and numbers have in a JPCOAR record."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tsunagu.standards.jpcoar import words

Pattern = re.Pattern[str]

ACCESS_LABELS = {address: label for label, address in words.ACCESS.items()}
# A longer name without a comma is most often that of an organisation.
SHORT_NAME = 20
NAME_IDS: dict[str, Pattern] = {
    "e-Rad_Researcher": re.compile(r"\d{8}"),
    "NRID": re.compile(r"\d{13}"),
    "ORCID": re.compile(r"\d{4}-\d{4}-\d{4}-\d{3}[\dX]"),
    "ISNI": re.compile(r"\d{15}[\dX]"),
    "VIAF": re.compile(r"\d+"),
    "AID": re.compile(r"D[AB]\d{7}[\dX]"),
    "kakenhi": re.compile(r"\d{5}"),
    "Ringgold": re.compile(r"RIN\d+"),
    "GRID": re.compile(r"grid\.\d+\.[0-9a-f]+"),
    "ROR": re.compile(r"https://ror\.org/0[a-z0-9]{8}"),
}
NAME_ADDRESSES = {
    "ORCID": "https://orcid.org/",
    "ISNI": "https://isni.org/isni/",
    "VIAF": "https://viaf.org/viaf/",
    "NRID": "https://nrid.nii.ac.jp/nrid/",
    "ROR": "https://ror.org/",
}
IDENTIFIERS: dict[str, Pattern] = {
    "DOI": re.compile(r"https://doi\.org/10\."),
    "HDL": re.compile(r"https?://hdl\.handle\.net/"),
    "URI": re.compile(r"[a-z][a-z0-9+.-]*:"),
}
REGISTRATION = re.compile(r"10\.[^/\s]+/\S")
_ISSN = re.compile(r"\d{4}-\d{3}[\dX]")
SOURCE_IDS: dict[str, Pattern] = {
    "PISSN": _ISSN,
    "EISSN": _ISSN,
    "ISSN": _ISSN,
    "NCID": re.compile(r"(?:AA|AN|BN|BA|BB)\d{7,8}[\dX]?"),
}
JGN = re.compile(r"JP[0-9A-Za-z]+")
CREATIVE_COMMONS = re.compile(
    r"creative\s*commons|クリエイティブ・?コモンズ|\bCC[ -]?(?:BY|0)", re.IGNORECASE
)
COUNTRY = re.compile(r"^[A-Z]{3}$")
VERSION = re.compile(r"^\d(?:[.-]?[A-Za-z0-9])*$")
THREE_LETTERS = re.compile(r"^[a-z]{3}$")
VOLUME_WORDS = re.compile(r"年|巻|号|vol|issue", re.IGNORECASE)
MEDIA_TYPE = re.compile(
    r"^(?:application|audio|chemical|font|image|message|model|multipart|text|video|x-[a-z-]+)/[A-Za-z0-9.+_-]+(?:;.*)?$"
)
DIGIT = re.compile(r"\d")
DISSERTATION = re.compile(r"^(?:甲|乙|他)\s*第.+号")
POSITIVE = re.compile(r"^\+?0*[1-9][0-9]*$")
DAY = re.compile(r"^\d{4}(?:-\d{2}(?:-\d{2})?)?$")


def is_on_earth(longitudes: Iterable[float], latitudes: Iterable[float]) -> bool:
    """Whether degrees are within 180 and 90; the schema refuses others, and with them the record."""
    return all(-180 <= x <= 180 for x in longitudes) and all(-90 <= y <= 90 for y in latitudes)  # noqa: PLR2004
