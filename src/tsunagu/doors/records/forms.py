"""The forms of a record, and how machines find them from its public page."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tsunagu.standards import api as standards
from tsunagu.standards.api import PublicRecord

_OAI_DC = "http://www.openarchives.org/OAI/2.0/oai_dc/"
_XML_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'


@dataclass(frozen=True, slots=True)
class Form:
    """A form of a record.

    Attributes:
        name: The last part of its address; browsers save it under this name.
        write: Makes it of the record and a language (``ja`` or ``en``).
        is_description: Whether it describes the record; a citation does not.
        is_saved: Whether a browser saves it and does not show it.
        agency: Only of records whose DOI this agency registers; empty: of all.
    """

    name: str
    media_type: str
    write: Callable[[PublicRecord, str], str]
    profile: str = ""
    is_description: bool = True
    is_saved: bool = False
    agency: str = ""

    def fits(self, record: PublicRecord) -> bool:
        """Whether the record has this form."""
        return self.agency in {"", record.doi_agency}


def _as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1)


def _datacite_json(record: PublicRecord, _language: str) -> str:
    shown = standards.to_datacite_json(record)
    if not record.is_doi_registered:
        shown["doi"] = ""  # one that nobody registered is not shown
    return _as_json(shown)


FORMS = (
    Form(
        "jpcoar.xml",
        "application/xml",
        lambda record, _language: _XML_HEAD + standards.jpcoar_element(record),
        "https://github.com/JPCOAR/schema/blob/master/2.0/",
    ),
    Form(
        "datacite.xml",
        "application/vnd.datacite.datacite+xml",
        lambda record, _language: _XML_HEAD + standards.datacite_element(record),
        "http://datacite.org/schema/kernel-4",
    ),
    Form("datacite.json", "application/vnd.datacite.datacite+json", _datacite_json),
    Form(
        "jalc.json",
        "application/json",
        lambda record, _language: _as_json(standards.to_jalc_json(record)),
        is_saved=True,
        agency="JaLC",
    ),
    Form(
        "dublin-core.xml",
        "application/xml",
        lambda record, _language: _XML_HEAD + standards.oai_dc_element(record),
        _OAI_DC,
    ),
    Form("citation.bib", "application/x-bibtex", standards.to_bibtex, is_saved=True),
    Form("citation.ris", "application/x-research-info-systems", standards.to_ris, is_saved=True),
    Form(
        "citation.json",
        "application/vnd.citationstyles.csl+json",
        lambda record, language: _as_json([standards.to_csl(record, language)]),
        is_saved=True,
    ),
    Form("citation.txt", "text/x-bibliography", standards.recommended_citation, is_description=False),
    Form(
        "linkset.json",
        "application/linkset+json",
        lambda record, _language: _as_json(standards.to_linkset(_links(record))),
        is_description=False,
    ),
)
BY_NAME = {form.name: form for form in FORMS}


def address_of(record: PublicRecord, name: str) -> str:
    """Where a form of a record is."""
    return f"{record.url}/record/{name}"


def link_header(record: PublicRecord, anchor: str = "") -> str:
    """The ``Link`` header of the record's public page, or of one of its files or forms."""
    return standards.link_header(_links(record), anchor or record.url, address_of(record, "linkset.json"))


def form_for(accept: str) -> Form | None:
    """The form that an ``Accept`` header asks for before a page; None where a page will do.

    ``doi.org`` hands such headers on to the public page. Quality is heeded, an unknown type is passed over.
    """
    asked = []
    for place, part in enumerate(accept.split(",")[:20]):
        media_type, _, parameters = part.partition(";")
        quality = 1.0
        for parameter in parameters.split(";"):
            name, _, value = parameter.strip().partition("=")
            if name == "q":
                quality = float(value) if value.replace(".", "", 1).isdigit() and value.isascii() else 0.0
        asked.append((-quality, place, media_type.strip().lower()))
    for negative, _, media_type in sorted(asked):
        if media_type in {"text/html", "application/xhtml+xml", "*/*"} or not negative:
            return None
        for form in FORMS:
            if form.media_type == media_type and not form.agency:
                return form
    return None


def _links(record: PublicRecord) -> list[standards.Link]:
    documents = [
        standards.Document(address_of(record, form.name), form.media_type, form.profile)
        for form in FORMS
        if form.is_description and form.fits(record)
    ]
    return standards.links_of(record, documents)
