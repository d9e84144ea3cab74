"""What administrators look after, in one place, so that the head of every page stays short."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from tsunagu.doors.web.views.frame import member
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy


@member
def administration(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Pages for administrators, each with what it is for."""
    policy.require(actor, "node.admin", policy.NODE)
    pages = [
        ("publishers", _("Institutions that publish"), _("Names, DOIs and curators of the institutions that publish on this node.")),
        ("harvest", _("Harvested repositories"), _("Other repositories whose records are fetched.")),
        ("notices", _("Notices of other services"), _("COAR Notify: partner services, held notices, and what was sent.")),
        ("keeping_office", _("Keeping"), _("How long data are kept, legal holds, and what was destroyed.")),
        ("partners", _("Shared computers"), _("Computers lent to other nodes, and nodes where runs may go.")),
        ("ai_services", _("Register of AI services"), _("Services that data may be given to, and under which terms.")),
        ("feeds", _("Federations"), _("Where institutions' sign-in services come from.")),
        ("institutions", _("Institutions and stand-in"), _("Whether sign-in services answer, and standing in for one that does not.")),
        ("programs", _("Registered programs"), _("Programs that may ask to act in people's names.")),
    ]  # fmt: skip
    return render(request, "web/administration.html", {"pages": pages})
