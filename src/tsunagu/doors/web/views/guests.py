"""Guests of a project: invited by an owner who answers for them, until a day."""

from __future__ import annotations

import datetime as dt

from django.core.mail import send_mail
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from tsunagu.core import clock, settings
from tsunagu.data.datasets import api as datasets
from tsunagu.data.sharing import api as sharing
from tsunagu.doors.web.views.frame import done, member
from tsunagu.foundation.identity import api as identity
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy

_ROLES = ("editor", "reader")


@never_cache
@member
def guests(request: HttpRequest, actor: Actor, *, project: str) -> HttpResponse:
    """Invite somebody without an institution here; extend or end the stays of those one invited."""
    card = datasets.get_project(actor, project)
    policy.require(actor, "project.manage", card.resource)
    context: dict[str, object] = {"project": card, "roles": _ROLES}
    if request.method == "POST":
        form = request.POST
        if "end" in form:
            identity.end_stay(actor, form["end"])
            return done(request, _("The guest's account is closed."), "guests", project=project)
        if "extend" in form:
            identity.extend_stay(actor, form["extend"], _end_of(form.get("until", "")))
            return done(request, _("The guest's stay was changed."), "guests", project=project)
        if "renew" in form:
            guest = next((g for g in identity.guests_of(actor) if g.id == form["renew"]), None)
            secret = identity.renew_invitation(actor, form["renew"])
            email = guest.email if guest else ""
        else:
            email = form.get("email", "").strip()
            secret = _invite(actor, card, form)
            if not secret:
                message = _("This person has an account already and got the role; no link is needed.")
                return done(request, message, "guests", project=project)
        if _mailed(email, secret, sponsor=actor.name):
            return done(request, _("The invitation was sent by e-mail."), "guests", project=project)
        context |= {"link": _address(secret), "invited": email}
    context["guests"] = identity.guests_of(actor)
    return render(request, "web/guests.html", context)


@transaction.atomic
def _invite(actor: Actor, card: datasets.ProjectCard, form: dict[str, str]) -> str:
    """The account and the role end on the same day; neither is made without the other."""
    email, until, role = form.get("email", "").strip(), form.get("until", ""), form.get("role", "")
    secret = identity.invite(
        actor,
        email,
        name=form.get("name", "").strip(),
        until=_end_of(until),
        note=form.get("note", "").strip(),
    )
    sharing.share(actor, card, role=role if role in _ROLES else "reader", email=email, until=until)
    return secret


def _end_of(day: str) -> dt.datetime:
    """The end of the last day of a stay, in the node's time zone."""
    try:
        return clock.end_of(day, settings.current().time_zone)
    except (ValueError, OverflowError):
        raise identity.BadStayError from None


def _address(secret: str) -> str:
    return f"{settings.current().control_address}{reverse('welcome', args=[secret])}"


def _mailed(email: str, secret: str, *, sponsor: str) -> bool:
    """Whether the link went to the address itself.

    Where the node has a mail server the sponsor never sees the link: who holds it holds an account of that address.
    """
    if not settings.current().mail_url:
        return False
    words = {"sponsor": sponsor, "node": settings.current().node_name, "address": _address(secret)}
    text = _(
        "%(sponsor)s invites you to %(node)s. This address opens your account once, within two weeks: %(address)s"
    )
    send_mail(_("Invitation to %(node)s") % {"node": words["node"]}, text % words, None, [email])
    return True
