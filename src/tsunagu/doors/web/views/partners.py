"""Computers that nodes lend each other: for administrators."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.translation import gettext as _

from tsunagu.compute.hosting import api as hosting
from tsunagu.compute.jobs import api as jobs
from tsunagu.compute.partners import api as partners
from tsunagu.core.errors import InvalidInputError, TsunaguError
from tsunagu.doors.web.views.frame import done, member, problem_context
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy

_LISTED = 30
_GB, _MB = 10**9, 10**6


@member
def shared(request: HttpRequest, actor: Actor) -> HttpResponse:
    """What this node lends and to whom, where its own runs may go, and what ran here for others."""
    policy.require(actor, "node.admin", policy.NODE)
    context: dict[str, Any] = {}
    status = 200
    if request.method == "POST":
        try:
            return done(request, _do(actor, request.POST), "partners")
        except TsunaguError as error:
            status = error.status
            context = {**problem_context(error), "form": request.POST}
    before = request.GET.get("before", "")[:26]
    found = hosting.list_guests(actor, before=before, limit=_LISTED + 1)
    context |= {
        "own": partners.own_card(actor),
        "lent": hosting.list_lent(actor),
        "sites": partners.list_sites(actor),
        "guests": found[:_LISTED],
        "is_first": not before,
        "before": found[_LISTED - 1].run if len(found) > _LISTED else "",
        "labels": [(name, policy.LEVELS[name][1:], most) for name, most in partners.DEFAULT_LEVELS.items()],
    }
    return render(request, "web/partners.html", context, status=status)


def _do(actor: Actor, form: QueryDict) -> str:
    """Do what a form of the page asks for; what was done, in words."""
    if "withdraw" in form:
        partners.withdraw(actor, form.get("withdraw", ""))
        return _("The offer was withdrawn. Runs under it are being ended.")
    if "close" in form:
        partners.close_site(actor, form.get("close", ""))
        return _("No more runs go there.")
    if "end" in form:
        hosting.end_guest(actor, form.get("end", ""))
        return _("The run is being ended.")
    if "site" in form:
        partners.add_site(actor, _site(form), reserved=jobs.RESERVED)
        return _("Runs may go there now.")
    partners.offer(actor, _offer(form), executors=jobs.LENDABLE)
    return _("The offer is in force.")


def _offer(form: QueryDict) -> partners.NewOffer:
    limits = jobs.Limits(
        cores=int(_amount(form, "cores")),
        memory_bytes=int(_amount(form, "memory_mb") * _MB),
        duration_s=int(_amount(form, "minutes") * 60),
        disk_bytes=int(_amount(form, "disk_mb") * _MB),
    )
    return partners.NewOffer(
        title=form.get("title", ""),
        address=form.get("address", ""),
        bytes_address=form.get("bytes_address", ""),
        public_key=form.get("key", ""),
        until=form.get("until", ""),
        limits=limits,
        slots=int(_amount(form, "slots")),
        cpu_s=_amount(form, "cpu_h") * 3600,
        memory_gb_h=_amount(form, "memory_gb_h"),
        output_bytes=int(_amount(form, "output_gb") * _GB),
    )


def _site(form: QueryDict) -> partners.NewSite:
    return partners.NewSite(
        name=form.get("site", "").strip(),
        title=form.get("title", ""),
        address=form.get("address", ""),
        public_key=form.get("key", ""),
        country=form.get("country", ""),
        levels={
            name: form.get(f"level-{name}", "") for name in partners.DEFAULT_LEVELS if f"level-{name}" in form
        },
        takes_sealed="sealed" in form,
    )


def _amount(form: QueryDict, name: str) -> float:
    try:
        return float(form.get(name, ""))
    except ValueError:
        raise InvalidInputError(f"{form.get(name, '')[:40]!r} is no number.") from None
