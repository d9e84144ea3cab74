"""The addresses of OAI-PMH."""

from __future__ import annotations

import functools
import gzip
from collections.abc import Callable
from urllib.parse import parse_qsl, urlsplit

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from tsunagu.core import settings
from tsunagu.core.capabilities import Signer
from tsunagu.doors.oai import formats
from tsunagu.doors.oai.lists import Lists
from tsunagu.doors.oai.source import Source
from tsunagu.doors.oai.verbs import Repository

_MOST_BYTES = 1 << 16
_MOST_ARGUMENTS = 32
_FORM = "application/x-www-form-urlencoded"
_WORTH_PACKING = 2048


def addresses(source: Source) -> list[URLPattern]:
    """``/oai`` and ``/oai/NAME`` over a source of published records."""
    answer = _view(source)
    return [path("oai", answer, name="oai"), path("oai/<str:institution>", answer, name="oai_of_institution")]


def _view(source: Source) -> Callable[..., HttpResponse]:
    @csrf_exempt  # harvesters send no cookie, and none is read
    @require_http_methods(["GET", "HEAD", "POST"])
    def answer(request: HttpRequest, institution: str = "") -> HttpResponse:
        repository = _repository(source, institution)
        return _packed(request, repository.answer(_pairs(request)).encode())

    return answer


def _repository(source: Source, institution: str) -> Repository:
    node = settings.current()
    card = source.institution_card(institution) if institution else None
    if institution and card is None:
        raise Http404
    lists = Lists(
        source=source,
        signer=_signer(),
        host=urlsplit(node.control_address).hostname or "localhost",
        institution=institution,
        offered=formats.offered(is_newest_offered=node.oai_jpcoar_2_1),
    )
    url = f"{node.control_address}/oai" + (f"/{institution}" if institution else "")
    return Repository(lists, url=url, name=node.node_name, mail=node.mail_from, card=card)


@functools.cache
def _signer() -> Signer:
    return Signer.from_file(settings.current().capability_key_file)


def _pairs(request: HttpRequest) -> list[tuple[str, str]]:
    """The arguments as they came, repeated ones too; what cannot be read has no verb."""
    query = request.META.get("QUERY_STRING", "")
    if request.method == "POST":
        if request.content_type != _FORM or len(request.body) > _MOST_BYTES:
            return []
        query = request.body.decode("utf-8", "replace")
    try:
        return parse_qsl(query, keep_blank_values=True, max_num_fields=_MOST_ARGUMENTS)
    except ValueError:
        return []


def _packed(request: HttpRequest, body: bytes) -> HttpResponse:
    """The answer; records of one kind repeat themselves, and packing saves nine tenths of the way."""
    headers = {"Vary": "Accept-Encoding"}
    if len(body) > _WORTH_PACKING and "gzip" in request.headers.get("Accept-Encoding", ""):
        body = gzip.compress(body, compresslevel=1)
        headers["Content-Encoding"] = "gzip"
    return HttpResponse(body, content_type="text/xml; charset=utf-8", headers=headers)
