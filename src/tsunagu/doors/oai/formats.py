"""The forms in which a record is given, and which record is given in which."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tsunagu.doors.oai.source import Entry
from tsunagu.standards import api as standards
from tsunagu.standards.api import PublicRecord

_JPCOAR = "https://github.com/JPCOAR/schema/blob/master/"
_DATACITE = "http://schema.datacite.org/oai/oai-1.1/"
_MOST_VERDICTS = 1 << 18


class NotGivenError(Exception):
    """The record has no such form; the message says why."""


@dataclass(frozen=True, slots=True)
class Format:
    """A ``metadataPrefix``.

    Attributes:
        namespace: Of the payload: validators look for it.
        write: Makes the element of a record.
        is_judged: Whether the rules of the aggregator are asked first.
    """

    prefix: str
    namespace: str
    schema: str
    write: Callable[[PublicRecord], str]
    is_judged: bool = False


def _datacite(record: PublicRecord) -> str:
    try:
        resource = standards.datacite_element(record)
    except standards.IncompleteRecordError as error:
        raise NotGivenError(error.message) from error
    return (
        f'<oai_datacite xmlns="{_DATACITE}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        f'xsi:schemaLocation="{_DATACITE} {_DATACITE}oai.xsd"><schemaVersion>4.6</schemaVersion>'
        f"<payload>{resource}</payload></oai_datacite>"
    )


def _jpcoar(prefix: str, version: standards.JpcoarVersion) -> Format:
    space = f"{_JPCOAR}{version}/"
    return Format(
        prefix,
        space,
        f"{space}jpcoar_scm.xsd",
        lambda record: standards.jpcoar_element(record, version),
        is_judged=True,
    )


_NEWEST = "jpcoar_2.1"
_FORMATS = (
    _jpcoar("jpcoar_2.0", "2.0"),
    _jpcoar(_NEWEST, "2.1"),
    _jpcoar("jpcoar_1.0", "1.0"),
    Format(
        "oai_dc",
        "http://www.openarchives.org/OAI/2.0/oai_dc/",
        "http://www.openarchives.org/OAI/2.0/oai_dc.xsd",
        standards.oai_dc_element,
    ),
    Format("oai_datacite", _DATACITE, f"{_DATACITE}oai.xsd", _datacite),
)
# Verdicts by the record as it is written: another text is another record, and a text is judged once. Only what is right
# is many; the reason of the rest is found again when somebody asks.
_verdicts: dict[int, bool] = {}


def offered(*, is_newest_offered: bool) -> dict[str, Format]:
    """The forms by their prefix, the one for the national aggregator first."""
    return {one.prefix: one for one in _FORMATS if one.prefix != _NEWEST or is_newest_offered}


def given(form: Format, entry: Entry) -> str:
    """The element of an entry: as it was written when the record changed, or written now. Raises the same as ``written``."""
    if form.prefix == "jpcoar_2.0" and entry.jpcoar:
        return entry.jpcoar
    return written(form, entry.record)


def written(form: Format, record: PublicRecord) -> str:
    """The element of a record.

    Raises:
        NotGivenError: it breaks a rule of the aggregator, or lacks what the form demands.
    """
    if not form.is_judged:
        return form.write(record)
    judged = standards.jpcoar_element(record, "2.0")
    key = hash(judged)
    if (is_right := _verdicts.get(key)) is None:
        if len(_verdicts) >= _MOST_VERDICTS:
            _verdicts.clear()
        is_right = not _errors(judged)
        _verdicts[key] = is_right
    if not is_right:
        first = _errors(judged)[0]
        raise NotGivenError(f"{first.rule.english} ({first.id}{': ' + first.where if first.where else ''})")
    return judged if form.prefix == "jpcoar_2.0" else form.write(record)


def _errors(text: str) -> list[standards.Finding]:
    return [finding for finding in standards.check(text.encode()) if finding.is_error]
