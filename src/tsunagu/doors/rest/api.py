"""The REST interface under /api/v1; its description is at /api/v1/openapi.json."""

from __future__ import annotations

import json
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from ninja.errors import HttpError, ValidationError
from ninja.parser import Parser
from ninja.renderers import BaseRenderer

from tsunagu import __version__
from tsunagu.core.errors import InvalidInputError, TsunaguError
from tsunagu.doors.oauth.views import challenge
from tsunagu.doors.rest import (
    ai_use,
    common_items,
    compute,
    datasets,
    depositing,
    exports,
    graph,
    harvesting,
    instruments,
    keeping,
    ledger,
    metadata,
    moving,
    node,
    notebooks,
    notices,
    partners,
    plans,
    projects,
    publication,
    pushes,
    readiness,
    scanning,
    sealing,
    searches,
    sharing,
    tables,
    tokens,
    trainings,
    unsorted,
    usage,
)
from tsunagu.doors.rest.auth import session_or_token
from tsunagu.doors.rest.openapi import DescribedAPI
from tsunagu.foundation.identity import api as identity


class _Renderer(BaseRenderer):
    media_type = "application/json"

    def render(self, request: HttpRequest, data: Any, *, response_status: int) -> bytes:
        del request, response_status
        return orjson.dumps(data)


class _Parser(Parser):
    def parse_body(self, request: HttpRequest) -> Any:
        return orjson.loads(request.body)


api = DescribedAPI(
    title="Tsunagu",
    version=__version__,
    urls_namespace="rest",
    auth=session_or_token,
    renderer=_Renderer(),
    parser=_Parser(),
    docs_url=None,
    description="Errors are RFC 9457 problem details with a stable code, a reason and a remedy.",
)
api.add_router("", node.router)
api.add_router("", tokens.router)
api.add_router("", ledger.router)
api.add_router("", projects.router)
api.add_router("", datasets.router)
api.add_router("", searches.router)
api.add_router("", sealing.router)
api.add_router("", sharing.router)
api.add_router("", keeping.router)
api.add_router("", exports.router)
api.add_router("", ai_use.router)
api.add_router("", trainings.router)
api.add_router("", tables.router)
api.add_router("", plans.router)
api.add_router("", notices.router)  # before the steps of publications, which take any word
api.add_router("", moving.router)
api.add_router("", publication.router)
api.add_router("", depositing.router)
api.add_router("", metadata.router)
api.add_router("", pushes.router)
api.add_router("", compute.router)
api.add_router("", notebooks.router)
api.add_router("", partners.router)
api.add_router("", instruments.router)
api.add_router("", readiness.router)
api.add_router("", harvesting.router)
api.add_router("", usage.router)
api.add_router("", common_items.router)
api.add_router("", graph.router)
api.add_router("", scanning.router)
api.add_router("", unsorted.router)


def problem(error: TsunaguError) -> HttpResponse:
    """An error of the tree as an HTTP answer."""
    said = error.as_problem()
    try:
        body = orjson.dumps(said)
    except TypeError:  # what was sent stands in it: an integer of 30 digits, say
        body = json.dumps(said).encode()
    answer = HttpResponse(body, content_type="application/problem+json", status=error.status)
    if isinstance(error, identity.StrongerSignInError):
        # RFC 9470: which sign-in would do.
        acr = " ".join(identity.TWO_FACTORS)
        answer.headers["WWW-Authenticate"] = challenge("insufficient_user_authentication", acr_values=acr)
    elif isinstance(error, identity.NotSignedInError):
        answer.headers["WWW-Authenticate"] = challenge()
    return answer


@api.exception_handler(TsunaguError)
def _known(request: HttpRequest, error: TsunaguError) -> HttpResponse:
    del request
    return problem(error)


class _UnreadableError(InvalidInputError):
    """A body that is no JSON."""

    code = "rest.unreadable"
    status = 400
    default_message = "The body of the request cannot be read as JSON."


@api.exception_handler(HttpError)
def _refused(request: HttpRequest, error: HttpError) -> HttpResponse:
    """Ninja's own refusals in our form."""
    del request, error
    return problem(_UnreadableError())


@api.exception_handler(ValidationError)
def _invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    del request
    first = error.errors[0] if error.errors else {}
    place = ".".join(str(part) for part in first.get("loc", ()))
    return problem(
        InvalidInputError(f"The request cannot be used: {place}: {first.get('msg', '')}", errors=error.errors)
    )
