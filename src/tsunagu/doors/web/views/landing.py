"""The public page of a published version, for everybody: what a DOI leads to (docs/how-to/publish.md)."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect, HttpResponseRedirect
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.utils.translation import get_language

from tsunagu.core import settings
from tsunagu.data.datasets import api as datasets
from tsunagu.data.graph import api as graph
from tsunagu.data.notices import api as notices
from tsunagu.data.publication import api as publication
from tsunagu.data.usage import api as usage
from tsunagu.doors import counting
from tsunagu.doors.records import forms as records
from tsunagu.doors.web.templatetags.publication import in_words, person_name
from tsunagu.doors.web.views.dataset_frame import samples
from tsunagu.doors.web.views.frame import page
from tsunagu.foundation.identity.api import ANONYMOUS, Actor
from tsunagu.standards import api as standards

_GONE = 410
_SAMPLES = 3
_SEE_OTHER = 303
# What people save; machines find all of them by the links of the page.
_SAVED = (
    ("BibTeX", "citation.bib"),
    ("RIS", "citation.ris"),
    ("CSL-JSON", "citation.json"),
    ("DataCite", "datacite.xml"),
    ("JPCOAR", "jpcoar.xml"),
    ("JaLC", "jalc.json"),
)


@page
def version(request: HttpRequest, actor: Actor, *, project: str, dataset: str, number: str) -> HttpResponse:
    """The public page of a version."""
    return shown(request, actor, f"{project}/{dataset}", int(number[:9]))


def shown(request: HttpRequest, actor: Actor, place: str, number: int = 0) -> HttpResponse:
    """The page of a version, or of the newest public one, the same for everybody; 410 once withdrawn, 301 once moved.

    Raises:
        NoPublicationError: nothing of that name was ever public.
    """
    found = publication.landing(place, number)
    record = found.record
    if found.moved_to:  # for machines too: what they asked for, they ask for there
        return _elsewhere(found.moved_to)
    form = None if found.is_withdrawn else records.form_for(request.headers.get("Accept", ""))
    if form is not None:
        # doi.org hands on what reference managers ask for.
        return _see(records.address_of(record, form.name))
    address = f"https://doi.org/{found.doi}" if found.doi else record.url
    project, _slash, dataset = found.place.partition("/")
    titles = sorted(record.titles, key=lambda one: one.language != (get_language() or "en")[:2])
    context = {
        "landing": found,
        "record": record,
        "project": project,
        "dataset": dataset,
        "title": titles[0],
        "other_titles": titles[1:],
        "address": address,
        "citation": standards.recommended_citation(record, (get_language() or "en")[:2]),
        "saved": [
            (name, records.address_of(record, form))
            for name, form in _SAVED
            if records.BY_NAME[form].fits(record)
        ],
        "institution_name": _named(found.institution),
        "base": f"/d/{found.place}",
        "thing": "" if found.is_withdrawn else graph.own_uid(f"publication:{found.id}"),
        "samples": _samples(found, project, dataset),
        "more_files": max(0, found.file_count - len(found.files)) if found.is_free else 0,
        "use": _use(found),
        "schema_org": None if found.is_withdrawn else _schema_org(found, address),
    }
    answer = render(request, "web/landing.html", context, status=_GONE if found.is_withdrawn else 200)
    if found.is_withdrawn:
        answer["X-Robots-Tag"] = "noindex"
    else:
        answer["Link"] = f"{records.link_header(record)}, {notices.inbox_link()}"
        counting.viewed(request, actor, found.place, found.number)
    patch_vary_headers(answer, ["Accept"])
    return answer


def _elsewhere(address: str) -> HttpResponse:
    answer = HttpResponsePermanentRedirect(address)
    patch_vary_headers(answer, ["Accept"])
    return answer


def _see(address: str) -> HttpResponse:
    """To the form that was asked for, by a name that may be kept."""
    answer = HttpResponseRedirect(address, status=_SEE_OTHER)
    patch_vary_headers(answer, ["Accept"])
    return answer


def _samples(found: publication.Landing, project: str, dataset: str) -> list[dict[str, Any]]:
    """Previews of what anybody may read."""
    if not found.is_free:
        return []
    card = datasets.get_dataset(ANONYMOUS, project, dataset)
    return samples(ANONYMOUS, card, found.number)[:_SAMPLES]


def _use(found: publication.Landing) -> usage.PublicUse | None:
    """How often it was used, where everybody may know it."""
    if not found.is_free:
        return None
    project, _slash, dataset = found.place.partition("/")
    return usage.public_use(datasets.get_dataset(ANONYMOUS, project, dataset))


def _named(institution: publication.InstitutionCard) -> str:
    return institution.name_ja if (get_language() or "").startswith("ja") else institution.name_en


def _schema_org(found: publication.Landing, address: str) -> dict[str, Any]:
    record, institution = found.record, found.institution
    right = record.rights[0] if record.rights else None
    titles = [one.value for one in record.titles]
    base = f"{settings.current().control_address}/d/{found.place}"
    files = tuple(
        standards.FileEntry(
            one.path,
            f"{base}/download/{quote(one.path)}?version={found.number}",
            one.byte_count,
            one.sha256.hex(),
        )
        for one in found.files
    )
    whole = standards.Record(
        id=address,
        slug=found.place,
        name=titles[0],
        other_name=titles[1] if titles[1:] else "",
        language=record.titles[0].language,
        description=in_words([one.text for one in record.descriptions]),
        licence=right.text.value if right else "",
        licence_url=right.uri if right else "",
        published_at=found.published_on,
        version=found.number,
        version_hash=found.version_hash,
        publisher=standards.Agent(
            institution.name_en, institution.ror or settings.current().control_address, "Organization"
        ),
        creators=tuple(
            standards.Agent(person_name(one), one.ids[0].url if one.ids else "") for one in record.creators
        ),
        keywords=tuple(one.text.value for one in record.subjects),
        files=files,
        is_free=found.is_free,
        conditions=record.access,
    )
    document = standards.to_schema_org(whole)
    names = [f"https://doi.org/{found.doi}"] if found.doi else []
    return document | {"url": record.url, "identifier": [*names, document["identifier"]]}
