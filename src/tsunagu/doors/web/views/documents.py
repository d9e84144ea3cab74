"""Documents about a frozen version for other systems, at fixed addresses of its page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from tsunagu.core import settings
from tsunagu.core.errors import InvalidInputError, TsunaguError
from tsunagu.data.datasets import api as datasets
from tsunagu.data.readiness import api as readiness
from tsunagu.doors import counting
from tsunagu.doors.who import actor_of
from tsunagu.foundation.identity.api import Actor


@dataclass(frozen=True, slots=True)
class Form:
    """A form of description: name of its view, media type, and the address that tells it from others of the type."""

    view: str
    media_type: str
    profile: str

    @property
    def content_type(self) -> str:
        """With the profile, which only JSON-LD takes as a parameter."""
        return f'{_LD};profile="{self.profile}"' if self.media_type == _LD else self.media_type

    def address(self, card: datasets.DatasetCard, version: int) -> str:
        """Where the document of a version is."""
        path = reverse(self.view, kwargs={"project": card.project, "dataset": card.name})
        return f"{settings.current().control_address}{path}?version={version}"


_LD = "application/ld+json"
FORMS = (
    Form("croissant", _LD, "http://mlcommons.org/croissant/1.1"),
    Form("ro_crate", _LD, "https://w3id.org/ro/crate/1.2"),
    Form(
        "data_package",
        "application/vnd.datapackage+json",
        "https://datapackage.org/profiles/2.0/datapackage.json",
    ),
    Form("schema_org", _LD, "https://schema.org/"),
)
_FORM = {one.view: one for one in FORMS}


@never_cache
@require_safe
def croissant(request: HttpRequest, *, project: str, dataset: str) -> HttpResponse:
    """``GET /d/PROJECT/DATASET/croissant.json``; ``?version=N``, else the newest frozen version."""
    return _answer(request, project, dataset, "croissant", readiness.croissant)


@never_cache
@require_safe
def ro_crate(request: HttpRequest, *, project: str, dataset: str) -> HttpResponse:
    """``GET /d/PROJECT/DATASET/ro-crate-metadata.json``; a detached crate, whose files are named by addresses."""
    return _answer(request, project, dataset, "ro_crate", readiness.ro_crate)


@never_cache
@require_safe
def data_package(request: HttpRequest, *, project: str, dataset: str) -> HttpResponse:
    """``GET /d/PROJECT/DATASET/datapackage.json``; Frictionless, whose resources are named by addresses."""
    return _answer(request, project, dataset, "data_package", readiness.data_package)


@never_cache
@require_safe
def schema_org(request: HttpRequest, *, project: str, dataset: str) -> HttpResponse:
    """``GET /d/PROJECT/DATASET/schema-org.json``; what the page of the dataset holds, with every file."""
    return _answer(request, project, dataset, "schema_org", described)


def described(
    actor: Actor, card: datasets.DatasetCard, version: int, *, most_files: int = 0
) -> dict[str, Any]:
    """schema.org with the other documents' addresses."""
    others = tuple((one.address(card, version), one.media_type) for one in FORMS if one.view != "schema_org")
    return readiness.schema_org(actor, card, version, documents=others, most_files=most_files)


def _answer(
    request: HttpRequest,
    project: str,
    dataset: str,
    form: str,
    make: Callable[[Actor, datasets.DatasetCard, int], dict[str, Any]],
) -> HttpResponse:
    try:
        actor = actor_of(request)
        card = datasets.get_dataset(actor, project, dataset)
        number = _version(request, card)
        document = make(actor, card, number)
    except TsunaguError as error:
        said = orjson.dumps(error.as_problem())
        return HttpResponse(said, content_type="application/problem+json", status=error.status)
    counting.viewed(request, actor, card.slug, number)
    return HttpResponse(
        orjson.dumps(document, option=orjson.OPT_INDENT_2), content_type=_FORM[form].content_type
    )


def _version(request: HttpRequest, card: datasets.DatasetCard) -> int:
    text = request.GET.get("version", "")
    if not text:
        return card.last_version
    if not text.isdecimal() or len(text) > 9:  # noqa: PLR2004 - more digits than versions can have
        raise InvalidInputError(f"{text[:20]!r} is no number of a version.")
    number = int(text)
    if number > card.last_version:
        raise datasets.NoSuchVersionError(f"{card.slug} has no frozen version {number}.", version=number)
    return number
