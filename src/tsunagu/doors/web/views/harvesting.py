"""Repositories that are harvested: for administrators."""

from __future__ import annotations

import re
from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.translation import gettext as _

from tsunagu.core.errors import InvalidInputError, TsunaguError
from tsunagu.data.harvesting import api as harvesting
from tsunagu.doors.web.views.frame import done, member, problem_context
from tsunagu.foundation.identity.api import Actor

_LISTED = 50
_ID = re.compile(r"[0-9]{1,18}")
_HOURS = re.compile(r"[0-9]{1,4}")


@member
def sources(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Every repository, how its harvest stands, and a form for another one."""
    context: dict[str, Any] = {"sources": harvesting.list_sources(actor)}
    status = 200
    if request.method == "POST":
        try:
            return done(request, _do(actor, request.POST), "harvest")
        except TsunaguError as error:
            status = error.status
            context |= {**problem_context(error), "form": request.POST}
    return render(request, "web/harvest.html", context, status=status)


def _do(actor: Actor, form: QueryDict) -> str:
    """Do what a form of the page asks for; what was done, in words."""
    if "ask" in form:
        harvesting.soon(harvesting.ask_now(actor, form.get("ask", "")).name)
        return _("The repository is being harvested.")
    if "pause" in form:
        harvesting.pause(actor, form.get("pause", ""))
        return _("The repository is not harvested any more.")
    if "remove" in form:
        harvesting.remove(actor, form.get("remove", ""))
        return _("The repository and its records were removed.")
    hours = form.get("every_hours", "")
    if not _HOURS.fullmatch(hours):
        raise InvalidInputError(_("The hours between two rounds are a whole number."))
    made = harvesting.add(
        actor,
        form.get("address", ""),
        set_spec=form.get("set_spec", "").strip(),
        every_hours=int(hours),
    )
    harvesting.soon(made.name)
    return _("%(title)s is being harvested.") % {"title": made.title}


@member
def records(request: HttpRequest, actor: Actor, source: str) -> HttpResponse:
    """What came from a repository, and what could not be read."""
    card = harvesting.get_source(actor, source)
    only_problems = "problems" in request.GET
    after = request.GET.get("after", "")
    found = harvesting.list_records(
        actor,
        source,
        only_problems=only_problems,
        after=int(after) if _ID.fullmatch(after) else 0,
        limit=_LISTED + 1,
    )
    context = {
        "source": card,
        "records": found[:_LISTED],
        "only_problems": only_problems,
        "is_first": not after,
        "after": found[_LISTED - 1].id if len(found) > _LISTED else "",
    }
    return render(request, "web/harvest_source.html", context)


@member
def content(request: HttpRequest, actor: Actor, source: str, record: int) -> HttpResponse:
    """The metadata of a record as they came; a download, for they are somebody else's bytes."""
    del request
    found, _problem = harvesting.record_content(actor, source, record)
    return HttpResponse(
        found,
        content_type="application/octet-stream",
        headers={"Content-Disposition": f'attachment; filename="record-{record}.xml"'},
    )
