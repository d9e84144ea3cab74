"""A scanned page beside its text, and the button that has pages read."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from tsunagu.core.errors import TsunaguError
from tsunagu.data.datasets import api as datasets
from tsunagu.data.datasets.api import DatasetCard
from tsunagu.data.discovery.api import places_in
from tsunagu.data.scans import api as scans
from tsunagu.doors.web.views.dataset_frame import asked_card, frame
from tsunagu.doors.web.views.frame import done, page
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.storage import api as storage

_MOST_DIGITS = 6
_UNSURE = 60  # below this a word is marked as unsure


@page
def scan(request: HttpRequest, actor: Actor, *, project: str, dataset: str, path: str) -> HttpResponse:
    """One page: its picture with the words marked, its text beside it; ``?page=3&find=word``."""
    card, version = asked_card(request, actor, project, dataset)
    parts = {"project": project, "dataset": dataset, "path": path}
    if request.method == "POST":
        scans.start(actor, card, [path], again=bool(request.POST.get("again")))
        return done(request, _("The pages are being read."), "scan", **parts)
    context = frame(actor, card, "files", version)
    found = datasets.get_file(actor, card, path, version=version)
    reading = scans.states(card.id, [found.sha256]).get(found.sha256)
    context |= {"file": found, "scan": reading, "find": request.GET.get("find", "").strip()[:100]}
    if reading is not None and reading.done_count:
        asked = request.GET.get("page", "1")
        number = int(asked) if asked.isdecimal() and len(asked) <= _MOST_DIGITS else 1
        context |= _of_page(actor, card, path, number, version, context["find"])
    return render(request, "web/scan.html", context)


def _of_page(
    actor: Actor, card: DatasetCard, path: str, number: int, version: int | None, wanted: str
) -> dict[str, Any]:
    shown = scans.page(actor, card, path, number, version=version)
    marked = places_in([word.text for word in shown.words], wanted)
    last = max(shown.page_count, number)
    return {
        "page": shown,
        "picture": _picture(card, shown.picture),
        "words": [
            {
                "word": word,
                "state": "found" if at in marked else "unsure" if word.confidence < _UNSURE else "sure",
            }
            for at, word in enumerate(shown.words)
        ],
        "found_count": len(marked),
        "pages": [
            one
            for one in range(1, last + 1)
            if one in {1, last} or abs(one - number) <= 2  # noqa: PLR2004
        ],
    }


def _picture(card: DatasetCard, sha256: str) -> str:
    """A signed address; nothing when the picture is lost or its key is gone."""
    if not sha256:
        return ""
    try:
        place = storage.require_location(bytes.fromhex(sha256), card.domains)
    except TsunaguError:
        return ""
    return storage.get_url(place, name="page.jpg", media_type="image/jpeg")
