"""The rules of the node: read them, try a change, put it in force."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from tsunagu.data.sharing import api as sharing
from tsunagu.doors.web.views.frame import done, member
from tsunagu.foundation.identity import api as identity
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy


@member
def rules(request: HttpRequest, actor: Actor) -> HttpResponse:
    """A layer's text with its history; a change is tried first, then put in force."""
    layer = request.GET.get("layer", "institution")
    layer = layer if layer in sharing.LAYERS else "institution"
    context = _context(actor, layer)
    if request.method != "POST":
        return render(request, "web/rules.html", context)
    text = request.POST.get("text", "").replace("\r\n", "\n")
    note = request.POST.get("note", "").strip()
    context |= {"text": text, "note": note}
    try:
        if "save" in request.POST:
            sharing.write_rules(actor, layer, text, note=note)
            return done(request, _("The rules are in force."), "rules")
        context["effects"] = sharing.try_rules(actor, layer, text)
    except policy.BadPolicyError as error:
        return render(request, "web/rules.html", context | {"error": error}, status=422)
    return render(request, "web/rules.html", context)


def _context(actor: Actor, layer: str) -> dict[str, Any]:
    history = policy.history(layer, limit=20)
    people = identity.people(card.written_by for card in history)
    return {
        "layer": layer,
        "layers": sharing.LAYERS,
        "text": history[0].text if history else "",
        "base": policy.base_text(),
        "may_edit": bool(policy.decide(actor, "policy.edit", policy.NODE)),
        "history": [
            {"card": card, "by": people[card.written_by].name if card.written_by in people else ""}
            for card in history
        ],
    }
