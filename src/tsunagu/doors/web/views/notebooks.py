"""Notebooks of people: open one on a dataset, and the way into it."""

from __future__ import annotations

from dataclasses import replace

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from tsunagu.compute.notebooks import api as notebooks
from tsunagu.doors.web.views.dataset_frame import asked_card
from tsunagu.doors.web.views.frame import done, member
from tsunagu.foundation.identity.api import Actor

_HOUR_S = 3600


@member
def open_one(request: HttpRequest, actor: Actor, *, project: str, dataset: str) -> HttpResponse:
    """Open a notebook on a version, or lead to the one that the person has open there."""
    card, _version = asked_card(request, actor, project, dataset)
    if request.method != "POST":
        return redirect("compute", project=project, dataset=dataset)
    form = request.POST
    number = _number(form.get("on", "")) or card.last_version
    asked = notebooks.Asked(f"{card.slug}@{number}", form.get("output", "").strip())
    limits = replace(
        asked.limits,
        cores=_number(form.get("cores", "")) or asked.limits.cores,
        memory_bytes=_number(form.get("memory_mb", "")) * 10**6 or asked.limits.memory_bytes,
        duration_s=_number(form.get("hours", "")) * _HOUR_S or asked.limits.duration_s,
    )
    made = notebooks.open_notebook(actor, replace(asked, limits=limits))
    return done(request, _("The notebook is being prepared."), "job", job=made.run)


@member
def enter(request: HttpRequest, actor: Actor, *, job: str) -> HttpResponse:
    """To the notebook itself, on a host name of its own; the address works once."""
    answer = HttpResponseRedirect(notebooks.enter(actor, job, request.session.session_key or ""))
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer


def _number(text: str) -> int:
    return int(text) if text.isdigit() and len(text) < 8 else 0  # noqa: PLR2004 - far beyond every limit
