"""Institutions as administrators see them: do they answer, and does this node stand in."""

from __future__ import annotations

import datetime as dt

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _

from tsunagu.core.errors import NotFoundError
from tsunagu.doors.web.views.federation import institution_name
from tsunagu.doors.web.views.frame import done, member
from tsunagu.foundation.identity import api as identity
from tsunagu.foundation.identity.api import Actor


@member
def institutions(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Who answers, and the switch of the stand-in."""
    if not actor.is_admin:
        raise NotFoundError
    if request.method == "POST":
        if "end" in request.POST:
            identity.end_stand_in(actor, request.POST["end"])
            return done(request, _("This node stands in no longer."), "institutions")
        identity.start_stand_in(
            actor,
            request.POST.get("institution", ""),
            until=_end_of(request.POST.get("until", "")),
            reason=request.POST.get("reason", ""),
        )
        return done(request, _("This node stands in for the institution."), "institutions")
    rows = [{"card": card, "name": institution_name(card.id)} for card in identity.institutions()]
    today = timezone.localdate()
    context = {"rows": rows, "today": today.isoformat(), "last": (today + dt.timedelta(days=13)).isoformat()}
    return render(request, "web/institutions.html", context)


def _end_of(day: str) -> dt.datetime:
    """The end of a day as people here count days."""
    try:
        last = dt.date.fromisoformat(day)
    except ValueError:
        raise identity.BadStandInError from None
    zone = timezone.get_current_timezone()
    return dt.datetime.combine(last + dt.timedelta(days=1), dt.time(), tzinfo=zone).astimezone(dt.UTC)
