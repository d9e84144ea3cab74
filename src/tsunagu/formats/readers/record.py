"""What somebody already wrote about data: RO-Crate, DataCite (XML and JSON), JPCOAR. Its values become proposals."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tsunagu.formats import draw
from tsunagu.formats.encoding import decode, detect
from tsunagu.formats.errors import UnreadableError
from tsunagu.formats.findings import Findings
from tsunagu.standards import api as standards

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from tsunagu.formats.reader import Context
    from tsunagu.formats.types import Reading

_DOCUMENT_BYTES = 32 << 20
_JSON = re.compile(r"\s*[\[{]")


def read(path: Path, context: Context) -> Reading:
    """A record up to 32 MiB.

    Raises:
        UnreadableError: it is none of the forms, is damaged, or larger than the cap.
    """
    if context.byte_count > _DOCUMENT_BYTES:
        raise UnreadableError(
            f"The record has {context.byte_count:,} bytes; the limit is {_DOCUMENT_BYTES:,}.",
            reason_code="too_big",
        )
    data = path.read_bytes()
    findings = Findings(context.limits)
    encoding = detect(context.head)
    head = decode(context.head, encoding) if encoding else ""
    try:
        record = (
            _crate(data, findings) if "ro-crate-metadata" in context.name else _record(data, head, findings)
        )
    except (standards.UnreadableCrateError, standards.UnreadableXmlError) as error:
        raise UnreadableError(f"{error.message.rstrip('.')}.") from error
    _described(record, findings)
    _more(record, findings)
    if head:
        findings.preview(draw.text(context.name, head, is_whole=context.is_whole_head))
    return findings.finish()


def _crate(data: bytes, findings: Findings) -> standards.PublicRecord:
    crate = standards.from_ro_crate(data)
    findings.field("format", "RO-Crate", where="@graph")
    findings.field("described files", len(crate.files), where="@graph")
    return crate.record


def _record(data: bytes, head: str, findings: Findings) -> standards.PublicRecord:
    if _JSON.match(head.removeprefix("\ufeff")):
        findings.field("format", "DataCite JSON", where="document")
        return standards.from_datacite_json(data)
    if "datacite.org/schema/kernel-4" in head:
        findings.field("format", "DataCite XML", where="document")
        return standards.from_datacite(data)
    findings.field("format", "JPCOAR", where="document")
    return standards.from_jpcoar(data)


def _described(record: standards.PublicRecord, findings: Findings) -> None:
    """What a dataset is described by here, under the names of a description (``proposing/recorded.py``)."""
    _titled("title", record.titles, findings)
    abstracts = [one.text for one in record.descriptions if one.type == "Abstract"]
    _titled("description", abstracts or [one.text for one in record.descriptions], findings)
    _people("creators", record.creators, findings)
    _people("contributors", record.contributors, findings)
    _people("rights_holder", record.rights_holders[:1], findings, is_one=True)
    words = [one.text.value for one in record.subjects if one.text.value]
    if words:
        _parts("keywords", list(dict.fromkeys(words)), findings, where="subjects")
    licence = next((_licence(one) for one in record.rights if one.uri or one.text.value), "")
    if licence:
        findings.field("licence", licence, where="rights")


def _titled(name: str, texts: Sequence[standards.Text], findings: Findings) -> None:
    """Once plain, and in each further language under its own name."""
    seen: set[str] = set()
    for text in texts:
        language = text.language[:2]
        if not text.value or language in seen:
            continue
        key = f"{name}_{language}" if seen else name
        seen.add(language)
        where = f"{name} ({text.language})" if text.language else name
        for piece in _pieces(text.value.strip(), findings.limits.text_length):
            findings.field(key, piece, where=where)


def _pieces(text: str, most: int) -> Iterator[str]:
    """Pieces that neither begin nor end with a blank, as fields lose these."""
    start = 0
    while len(text) - start > most:
        end = start + most
        while end > start + 1 and (text[end - 1].isspace() or text[end].isspace()):
            end -= 1
        yield text[start:end]
        start = end
    yield text[start:]


def _people(
    name: str, parties: Iterable[standards.Party], findings: Findings, *, is_one: bool = False
) -> None:
    shown = [said for one in parties if (said := _person(one))]
    if shown:
        _parts(name, shown[:1] if is_one else shown, findings, where=name)


def _parts(name: str, values: Sequence[str], findings: Findings, *, where: str) -> None:
    """A list as fields of the length that one may have."""
    most = findings.limits.list_length
    for start in range(0, len(values), most):
        findings.field(name, values[start : start + most], where=where)


def _person(party: standards.Party) -> str:
    """``Given Family (ORCID)``, and Japanese names as they are written in Japan."""
    name = party.names[0].value if party.names else ""
    family, mark, given = name.partition(",")
    if mark and not party.is_organization:
        is_latin = name.isascii()
        parts = (given, family) if is_latin else (family, given)
        name = " ".join(part.strip() for part in parts if part.strip())
    orcid = next((one.value for one in party.ids if one.scheme == "ORCID"), "")
    return f"{name} ({orcid})" if orcid and name else name


def _licence(right: standards.Right) -> str:
    known = standards.known_licence(right.uri) or standards.known_licence(right.identifier)
    return known.name if known else right.uri or right.text.value


def _more(record: standards.PublicRecord, findings: Findings) -> None:
    """What else it says, under the names of the forms."""
    for key, value in (
        ("DOI", record.doi),
        ("address", record.url),
        ("version", record.version),
        ("resource type", record.type_words or record.resource_type),
        ("publication year", record.publication_year),
    ):
        if value:
            findings.field(key, value, where=key)
    for one in record.publishers[:1]:
        findings.field("publisher", one.names[0].value if one.names else "", where="publisher")
    for date in record.dates:
        findings.field(f"date {date.type}".strip(), date.value, where="dates")
    for funding in record.fundings:
        funder = funding.funder_names[0].value if funding.funder_names else ""
        said = " ".join(part for part in (funder, funding.award_number) if part)
        findings.field("funding", said, where="funding")
    for relation in record.relations:
        findings.field(f"relation {relation.type}".strip(), relation.identifier, where="relations")
