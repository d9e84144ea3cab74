"""Identifiers as people and other systems write them.

Sources: https://support.orcid.org/hc/en-us/articles/360006897674 (structure and check digit of an ORCID iD);
https://ror.readme.io/docs/identifier (ROR: Crockford base32 with two check digits, ISO 7064 MOD 97-10);
https://support.nii.ac.jp/en/kaken/about (numbers of projects and researchers).
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

_DOI = re.compile(r"(?:doi:\s*|https?://(?:dx\.)?doi\.org/)?(10\.\d{4,9}(?:\.\d+)*/\S+)", re.IGNORECASE)
_ORCID = re.compile(
    r"(?:orcid:?\s*|https?://(?:www\.)?orcid\.org/)?(\d{4}-?\d{4}-?\d{4}-?\d{3}[\dX])/?", re.IGNORECASE
)
_ROR = re.compile(r"(?:ror:\s*|https?://(?:www\.)?ror\.org/)?(0[0-9a-z]{6}\d{2})/?", re.IGNORECASE)
_RAID = re.compile(r"https?://(?:www\.)?raid\.org/(\d[\d.]+/\S+)", re.IGNORECASE)
_CRID = re.compile(r"(?:https?://cir\.nii\.ac\.jp/crid/)?(\d{19})(?:\.json)?", re.IGNORECASE)
_KAKEN = re.compile(r"https?://kaken\.nii\.ac\.jp/(?:\w\w/)?grant/KAKENHI-[A-Z]+-(\w{7,9})/?", re.IGNORECASE)
_JGN = re.compile(r"(?:JGN:?\s*)?(JP[0-9A-Z]{4,30})")
_NRID = re.compile(r"(?:https?://nrid\.nii\.ac\.jp/(?:\w\w/)?nrid/)?(\d{13})/?", re.IGNORECASE)
_ERAD = re.compile(r"\d{1,8}")
_HANDLE = re.compile(r"(?:hdl:\s*|https?://hdl\.handle\.net/)?(\d[\d.]*/\S+)", re.IGNORECASE)
_ISNI = re.compile(
    r"(?:https?://(?:www\.)?isni\.org/(?:isni/)?)?((?:\d{4}[ -]?){3}\d{3}[\dX])", re.IGNORECASE
)
_GRID = re.compile(r"(?:https?://(?:www\.)?grid\.ac/institutes/)?(grid\.\d+\.[0-9a-f]+)", re.IGNORECASE)
_CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"
_LONGEST = 400
_ADDRESSES = {
    "DOI": "https://doi.org/{}",
    "ORCID": "https://orcid.org/{}",
    "ROR": "https://ror.org/{}",
    "RAiD": "https://raid.org/{}",
    "CRID": "https://cir.nii.ac.jp/crid/{}",
    "HDL": "https://hdl.handle.net/{}",
    "ISNI": "https://isni.org/isni/{}",
    "NRID": "https://nrid.nii.ac.jp/nrid/{}/",
}


def doi_of(text: str) -> str:
    """The bare DOI of a text that is one, in any of its spellings, in lower case; else nothing."""
    match = _DOI.fullmatch(text.strip())
    return match[1].lower() if match else ""


def is_orcid(text: str) -> bool:
    """Whether the check digit of ``0000-0002-1825-0097`` is right: ISO 7064, MOD 11-2."""
    signs = text.replace("-", "")
    total = 0
    for digit in signs[:-1]:
        total = (total + int(digit)) * 2
    return "0123456789X"[(12 - total % 11) % 11] == signs[-1]


def normalised(scheme: str, value: str) -> tuple[str, str] | None:
    """An identifier as it is compared: its scheme and the one spelling of its value.

    An address tells more than the name of a scheme: ``https://doi.org/10.1/X`` given as a URI is the DOI ``10.1/x``. A
    number of a researcher at KAKEN that holds one of e-Rad is that; the page of a grant at KAKEN is its number; a RAiD
    that is a DOI is one.

    Returns:
        None where a check digit is wrong, or where it is no identifier of the scheme at all.
    """
    value = value.strip()
    if not value or len(value) > _LONGEST or not value.isprintable():
        return None
    if value.lower().startswith(("http://", "https://")):
        return _of_address(value)
    read = _READERS.get(_folded(scheme))
    return read(value) if read else None


def guessed(value: str) -> tuple[str, str] | None:
    """What people paste into a field: the identifier that it must be, by its form alone."""
    value = value.strip()
    scheme, colon, rest = value.partition(":")
    if colon and _folded(scheme) in _READERS and not rest.startswith("//"):
        return normalised(scheme, rest) or normalised(scheme, value)
    for name in ("doi", "orcid", "ror", "crid", "jgn", "nrid", "grid", "uri"):
        found = normalised(name, value)
        if found:
            return found
    return None


def address_of(scheme: str, value: str) -> str:
    """Where a normalised identifier leads, or nothing."""
    if scheme == "URI":
        return value
    if scheme == "JGN":
        number = value.removeprefix("JP")
        is_kaken = re.fullmatch(r"\d\d[A-Z]{1,2}\d{5,6}|\d{8}", number)
        return f"https://kaken.nii.ac.jp/grant/KAKENHI-PROJECT-{number}/" if is_kaken else ""
    if scheme == "e-Rad":
        return f"https://nrid.nii.ac.jp/nrid/1000{value:0>9}/"
    return _ADDRESSES[scheme].format(value) if scheme in _ADDRESSES else ""


def _folded(scheme: str) -> str:
    return scheme.strip().casefold().replace("-", "_").replace(" ", "_")


def _of_address(value: str) -> tuple[str, str] | None:
    if match := _RAID.fullmatch(value):
        return _raid(match[1])
    for pattern, read in (
        (_DOI, _doi),
        (_ORCID, _orcid),
        (_ROR, _ror),
        (_CRID, _crid),
        (_KAKEN, _kaken),
        (_NRID, _nrid),
        (_HANDLE, _handle),
        (_ISNI, _isni),
        (_GRID, _grid),
    ):
        if pattern.fullmatch(value):
            return read(value)
    return _uri(value)


def _doi(value: str) -> tuple[str, str] | None:
    doi = doi_of(value)
    return ("DOI", doi) if doi else None


def _orcid(value: str) -> tuple[str, str] | None:
    match = _ORCID.fullmatch(value)
    signs = match[1].replace("-", "").upper() if match else ""
    return (
        ("ORCID", "-".join(signs[at : at + 4] for at in (0, 4, 8, 12))) if signs and is_orcid(signs) else None
    )


def _ror(value: str) -> tuple[str, str] | None:
    match = _ROR.fullmatch(value)
    if match is None:
        return None
    ror = match[1].lower()
    number = 0
    for sign in ror[1:7]:
        if sign not in _CROCKFORD:
            return None
        number = number * 32 + _CROCKFORD.index(sign)
    return ("ROR", ror) if 98 - number * 100 % 97 == int(ror[7:]) else None


def _raid(value: str) -> tuple[str, str] | None:
    match = _RAID.fullmatch(value)
    name = match[1] if match else value
    if doi := doi_of(name):
        return "DOI", doi
    return ("RAiD", name.lower()) if _HANDLE.fullmatch(name) else None


def _crid(value: str) -> tuple[str, str] | None:
    match = _CRID.fullmatch(value)
    return ("CRID", match[1]) if match else None


def _kaken(value: str) -> tuple[str, str] | None:
    match = _KAKEN.fullmatch(value)
    return ("JGN", f"JP{match[1].upper()}") if match else None


def _jgn(value: str) -> tuple[str, str] | None:
    match = _JGN.fullmatch(value.upper().replace(" ", ""))
    return ("JGN", match[1]) if match else None


def _nrid(value: str) -> tuple[str, str] | None:
    match = _NRID.fullmatch(value)
    if match is None:
        return None
    number = match[1]
    return ("e-Rad", number[5:]) if number.startswith("10000") else ("NRID", number)


def _erad(value: str) -> tuple[str, str] | None:
    return ("e-Rad", f"{value:0>8}") if _ERAD.fullmatch(value) and int(value) else None


def _handle(value: str) -> tuple[str, str] | None:
    match = _HANDLE.fullmatch(value)
    if match is None:
        return None
    return _doi(match[1]) or ("HDL", match[1].lower())


def _isni(value: str) -> tuple[str, str] | None:
    match = _ISNI.fullmatch(value)
    signs = re.sub(r"[ -]", "", match[1]).upper() if match else ""
    # Every ORCID iD is an ISNI of a block of its own, written with hyphens.
    return ("ISNI", signs) if signs and is_orcid(signs) else None


def _grid(value: str) -> tuple[str, str] | None:
    match = _GRID.fullmatch(value)
    return ("GRID", match[1].lower()) if match else None


def _uri(value: str) -> tuple[str, str] | None:
    try:
        parts = urlsplit(value)
    except ValueError:
        return None
    if parts.scheme.lower() not in {"http", "https"} or not parts.netloc:
        return None
    return "URI", parts._replace(scheme=parts.scheme.lower(), netloc=parts.netloc.lower()).geturl()


def _oai(value: str) -> tuple[str, str] | None:
    return ("OAI", value) if value.startswith("oai:") else None


def _crossref_funder(value: str) -> tuple[str, str] | None:
    return _doi(value if "/" in value else f"10.13039/{value}")


_READERS = {
    "doi": _doi,
    "orcid": _orcid,
    "ror": _ror,
    "raid": _raid,
    "crid": _crid,
    "jgn": _jgn,
    "nrid": _nrid,
    "e_rad": _erad,
    "e_rad_researcher": _erad,
    "hdl": _handle,
    "handle": _handle,
    "isni": _isni,
    "grid": _grid,
    "uri": _uri,
    "url": _uri,
    "oai": _oai,
    "crossref_funder": _crossref_funder,
    "crossref_funder_id": _crossref_funder,
}
