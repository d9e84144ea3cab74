"""Articles: what their form says, and the page of those who follow open access."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from tsunagu.data.publication import api as publication
from tsunagu.doors.web import publication_words as words
from tsunagu.doors.web.views.frame import member
from tsunagu.foundation.identity.api import Actor

_FIELD = "article-"


def said_in(form: Mapping[str, str]) -> dict[str, str]:
    """What a form says of an article."""
    return {
        name.removeprefix(_FIELD): form[name].strip() for name in form if name.startswith(_FIELD)
    }  # fmt: skip


def form_context(said: Mapping[str, str]) -> dict[str, Any]:
    """What the form of an article is drawn from."""
    choices = {
        "versions": publication.TEXT_VERSIONS,
        "duties": [(key, str(word)) for key, word in words.OA_DUTIES.items()],
        "reasons": [(key, str(word)) for key, word in words.OA_REASONS.items()],
    }
    return {"article": said, "article_choices": choices}


@member
def articles(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Articles of the curator's institutions with how far open access of each is."""
    status = request.GET.get("status", "")
    found, counts = publication.follow_articles(actor, status=status)
    context = {
        "articles": found,
        "status": status,
        "count": sum(counts.values()),
        "statuses": [
            (key, str(word), counts.get(key, 0)) for key, (_colour, word) in words.OPEN_ACCESS.items()
        ],
    }
    return render(request, "web/articles.html", context)
