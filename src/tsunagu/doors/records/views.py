"""The forms of a published version over HTTP, for everybody."""

from __future__ import annotations

from collections.abc import Callable

from django.http import Http404, HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.urls import URLPattern, path
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from tsunagu.core.errors import TsunaguError
from tsunagu.doors import counting
from tsunagu.doors.records.forms import BY_NAME, link_header
from tsunagu.doors.who import actor_of_session
from tsunagu.standards import api as standards
from tsunagu.standards.api import PublicRecord

# The public record of a version (place, number); None where nothing of that name was ever public. ``withdrawn_on`` is set
# where it was.
Find = Callable[[str, int], PublicRecord | None]
# The page of a version (place, number) at the node to which it was moved; empty where it stands here.
Moved = Callable[[str, int], str]
_GONE = 410
_LANGUAGES = ("ja", "en")
_TEXT = "text/plain; charset=utf-8"


def addresses(find: Find, moved: Moved) -> list[URLPattern]:
    """``/d/PROJECT/DATASET/vN/record/NAME`` over a function that finds a public record."""

    @require_safe
    def answer(request: HttpRequest, project: str, dataset: str, number: int, name: str) -> HttpResponse:
        form = BY_NAME.get(name)
        record = find(f"{project}/{dataset}", number) if form else None
        if form is None or record is None or not form.fits(record):
            raise Http404
        if elsewhere := moved(f"{project}/{dataset}", number):
            query = f"?{request.META['QUERY_STRING']}" if request.META.get("QUERY_STRING") else ""
            return HttpResponsePermanentRedirect(f"{elsewhere}/record/{name}{query}")
        if record.withdrawn_on:
            return HttpResponse(status=_GONE, content_type=_TEXT)
        language = request.GET.get("language") or (get_language() or "")[:2]
        language = language if language in _LANGUAGES else "en"
        style = request.GET.get("style", "")
        try:
            is_styled = name == "citation.txt" and style
            text = standards.cite(record, style, language) if is_styled else form.write(record, language)
        except TsunaguError as error:
            return HttpResponse(
                f"{error.message} {error.remedy}".strip() + "\n", status=error.status, content_type=_TEXT
            )
        counting.viewed(request, actor_of_session(request), f"{project}/{dataset}", number)
        headers = {"Link": link_header(record, f"{record.url}/record/{name}")}
        if form.is_saved:
            headers["Content-Disposition"] = f'attachment; filename="{name}"'
        return HttpResponse(text, content_type=f"{form.media_type}; charset=utf-8", headers=headers)

    return [path("d/<str:project>/<str:dataset>/v<int:number>/record/<str:name>", answer, name="record")]
