"""Documents about a frozen version for other systems: Croissant and RO-Crate, at fixed addresses of its page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from tsunagu.core.errors import InvalidInputError, TsunaguError
from tsunagu.data.datasets import api as datasets
from tsunagu.data.readiness import api as readiness
from tsunagu.doors.who import actor_of
from tsunagu.foundation.identity.api import Actor

_CROISSANT = 'application/ld+json; profile="http://mlcommons.org/croissant/1.1"'
_CRATE = 'application/ld+json; profile="https://w3id.org/ro/crate/1.2"'


@never_cache
@require_safe
def croissant(request: HttpRequest, *, project: str, dataset: str) -> HttpResponse:
    """``GET /d/PROJECT/DATASET/croissant.json``; ``?version=N``, else the newest frozen version."""
    return _answer(request, project, dataset, readiness.croissant, _CROISSANT)


@never_cache
@require_safe
def ro_crate(request: HttpRequest, *, project: str, dataset: str) -> HttpResponse:
    """``GET /d/PROJECT/DATASET/ro-crate-metadata.json``; a detached crate, whose files are named by addresses."""
    return _answer(request, project, dataset, readiness.ro_crate, _CRATE)


def _answer(
    request: HttpRequest,
    project: str,
    dataset: str,
    make: Callable[[Actor, datasets.DatasetCard, int], dict[str, Any]],
    media_type: str,
) -> HttpResponse:
    try:
        actor = actor_of(request)
        card = datasets.get_dataset(actor, project, dataset)
        document = make(actor, card, _version(request, card))
    except TsunaguError as error:
        said = orjson.dumps(error.as_problem())
        return HttpResponse(said, content_type="application/problem+json", status=error.status)
    return HttpResponse(orjson.dumps(document, option=orjson.OPT_INDENT_2), content_type=media_type)


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
