"""What partner nodes ask: one address, every message signed with the key that an administrator entered."""

from __future__ import annotations

import orjson
from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from tsunagu.compute.hosting import api as hosting
from tsunagu.compute.partners import api as partners
from tsunagu.core.errors import TsunaguError


@csrf_exempt  # no browser comes here, and the signature says who speaks
@require_POST
def ask(request: HttpRequest) -> HttpResponse:
    """Hear a partner's message and answer it, signed."""
    try:
        heard = partners.hear(request.body)
    except TsunaguError as error:
        problem = orjson.dumps(error.as_problem())
        return HttpResponse(problem, content_type="application/problem+json", status=error.status)
    with translation.override("en"):  # who will read it there is not known here
        try:
            said: dict[str, object] | TsunaguError = hosting.answer(heard)
        except TsunaguError as error:
            said = error
    return HttpResponse(partners.answered(heard, said), content_type="application/json")
