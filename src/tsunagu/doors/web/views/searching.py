"""The search page: words, facets, saved searches, and what was found as a file."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as later
from django.utils.translation import pgettext

from tsunagu.core import settings
from tsunagu.core.cells import safe_cell
from tsunagu.core.errors import NotFoundError
from tsunagu.data.discovery import api as discovery
from tsunagu.data.graph import api as graph
from tsunagu.doors.web.views.frame import done, member, page
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.runs import api as runs

_HEADS = {
    "project": later("Project"),
    "format": later("File format"),
    "licence": later("Licence"),
    "year": later("Year of the last change"),
    "creator": later("Creators"),
    "access": later("Access"),
    "readiness": later("AI-ready version"),
    "outcome": later("What came of it"),
}
_SORTS = {
    "relevance": later("Best match"),
    "newest": later("Last changed first"),
    "oldest": later("Oldest change first"),
    "largest": later("Largest first"),
}
_FAILED = ["negative", "failed", "aborted"]
_SHOWN_VALUES = 8
_EXPORTED = 2000
_COLUMNS = (
    "project", "name", "title", "creators", "keywords", "formats", "licence", "access", "embargo_until", "file_count",
    "byte_count", "updated_at", "url", "kind", "source", "doi",
)  # fmt: skip


@page
def search(request: HttpRequest, actor: Actor) -> HttpResponse:
    """What somebody finds; a form without JavaScript."""
    asked = request.GET
    if saved_id := asked.get("saved", ""):
        return _open_saved(actor, saved_id)
    text, chosen = asked.get("q", ""), _chosen(asked)
    sort = asked.get("sort", "") if asked.get("sort") in discovery.SORTS else "relevance"
    if asked.get("form") in {"csv", "json"}:
        return _export(actor, text, chosen, sort, str(asked["form"]))
    found = discovery.search(actor, text, chosen=chosen, sort=sort, after=asked.get("after", ""))
    is_asked = bool(text.strip() or chosen)
    context = {
        "text": text,
        "found": found,
        "is_asked": is_asked,
        "sort": sort,
        "sorts": [
            {"value": value, "word": word, "is_chosen": value == sort} for value, word in _SORTS.items()
        ],
        "facets": [_facet(asked, name, values) for name, values in found.facets.items() if values],
        "chips": [
            {"head": _HEADS[name], "word": _word(name, value), "url": _toggled(asked, name, value)}
            for name, values in chosen.items()
            for value in values
        ],
        "kept": [(name, value) for name, values in chosen.items() for value in values],
        "next_url": "?" + _with(asked, after=found.after) if found.after else "",
        "first_url": "?" + _with(asked) if asked.get("after") else "",
        "csv_url": "?" + _with(asked, form="csv"),
        "json_url": "?" + _with(asked, form="json"),
        "most_exported": _EXPORTED,
        "saved": discovery.list_saved(actor),
        "has_mail": bool(settings.current().mail_url),
        "things": _things(actor, found.hits),
        "hides_search_box": True,
    }
    return render(request, "web/search.html", context)


def _things(actor: Actor, hits: Sequence[discovery.Hit]) -> dict[str, str]:
    """The things of the graph by the ids of hits, where they are there already."""
    local = {
        one.id: f"record:{discovery.record_id(one.id)}" if one.kind == "record" else f"dataset:{one.id}"
        for one in hits
    }
    found = graph.things_for(actor, local.values())
    return {key: found[name] for key, name in local.items() if name in found}


@page
def failures(request: HttpRequest, actor: Actor) -> HttpResponse:
    """What was tried and failed, of everything that one may see; a search that has its own name."""
    text = request.GET.get("q", "")
    found = discovery.search(
        actor, text, chosen={"outcome": _FAILED}, sort="relevance", after=request.GET.get("after", "")
    )
    told = discovery.told_failures(actor, [hit.id for hit in found.hits])
    context = {
        "text": text,
        "found": found,
        "rows": [{"hit": hit, "told": told.get(hit.id)} for hit in found.hits],
        "most_runs": runs.MOST_BAD,
        "next_url": "?" + urlencode({"q": text, "after": found.after}) if found.after else "",
        "search_url": f"{reverse('search')}?" + urlencode({"q": text, "outcome": _FAILED}, doseq=True),
        "hides_search_box": True,
    }
    return render(request, "web/failures.html", context)


@page
def suggestions(request: HttpRequest, actor: Actor) -> HttpResponse:
    """What one could go on typing, for the list below the field."""
    found = discovery.suggest(actor, request.GET.get("q", ""))
    answer = JsonResponse({"suggestions": [one.text for one in found]})
    answer["Cache-Control"] = "private, no-store"
    return answer


@member
def save(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Save a search, or remove one."""
    asked = request.POST
    if request.method != "POST":
        raise NotFoundError
    if forgotten := asked.get("forget", ""):
        discovery.forget(actor, forgotten)
        return done(request, _("The saved search was removed."), "search")
    made = discovery.save(
        actor,
        asked.get("q", ""),
        name=asked.get("name", ""),
        chosen=_chosen(asked),
        by_mail=bool(asked.get("by_mail")),
    )
    message = _("The search was saved. New results are counted here.")
    done(request, message, "search")
    return HttpResponseRedirect(f"{reverse('search')}?{_of_saved(made)}")


def _open_saved(actor: Actor, saved_id: str) -> HttpResponse:
    card = discovery.open_saved(actor, saved_id)
    return HttpResponseRedirect(f"{reverse('search')}?{_of_saved(card)}&sort=newest")


def _of_saved(card: discovery.SavedCard) -> str:
    return urlencode({"q": card.query, **card.chosen}, doseq=True)


def _chosen(asked: QueryDict) -> dict[str, list[str]]:
    return {
        name: values for name in discovery.FACETS if (values := [one for one in asked.getlist(name) if one])
    }


def _facet(asked: QueryDict, name: str, values: Sequence[discovery.Facet]) -> dict[str, Any]:
    rows = [
        {
            "word": _word(name, one.value),
            "count": one.count,
            "is_chosen": one.is_chosen,
            "url": _toggled(asked, name, one.value),
        }
        for one in values
    ]
    first = sorted(rows, key=lambda row: not row["is_chosen"])[:_SHOWN_VALUES]
    return {
        "name": name,
        "head": _HEADS[name],
        "rows": [row for row in rows if row in first],
        "more": [row for row in rows if row not in first],
    }


def _word(name: str, value: str) -> str:
    words = {
        ("access", "open"): pgettext("access", "open"),
        ("access", "shared"): pgettext("access", "shared"),
        ("access", "closed"): pgettext("access", "closed"),
        ("outcome", "negative"): _("Tried, and it failed"),
        ("outcome", "failed"): _("With a failed run"),
        ("outcome", "aborted"): _("With an aborted run"),
        ("readiness", "prepared"): _("There is one"),
        ("readiness", "none"): _("There is none"),
        ("licence", "none"): _("None named"),
    }
    return words.get((name, value), value)


def _with(asked: QueryDict, **more: str) -> str:
    """The question as a query, with something changed; the page begins anew."""
    kept = {
        name: asked.getlist(name) for name in ("q", "sort", *discovery.FACETS) if any(asked.getlist(name))
    }
    return urlencode({**kept, **more}, doseq=True)


def _toggled(asked: QueryDict, name: str, value: str) -> str:
    """The same question with a value of a facet chosen, or no longer."""
    changed = asked.copy()
    values = [one for one in changed.getlist(name) if one.casefold() != value.casefold()]
    changed.setlist(name, values if len(values) < len(changed.getlist(name)) else [*values, value])
    return "?" + _with(changed)


def _export(actor: Actor, text: str, chosen: dict[str, list[str]], sort: str, form: str) -> HttpResponse:
    rows = list(_rows(actor, text, chosen, sort))
    if form == "json":
        content = json.dumps({"query": text, "hits": rows}, ensure_ascii=False, indent=2)
        answer = HttpResponse(content, content_type="application/json")
    else:
        answer = HttpResponse(content_type="text/csv; charset=utf-8")
        answer.write("\ufeff")  # without it spreadsheets take Japanese for something else
        writer = csv.writer(answer)
        writer.writerow(_COLUMNS)
        writer.writerows([safe_cell(_cell(row[name])) for name in _COLUMNS] for row in rows)
    answer["Content-Disposition"] = f'attachment; filename="search.{form}"'
    return answer


def _rows(actor: Actor, text: str, chosen: dict[str, list[str]], sort: str) -> Iterator[dict[str, Any]]:
    """The first hits as plain values, page by page."""
    after, count = "", 0
    while True:
        found = discovery.search(actor, text, chosen=chosen, sort=sort, after=after, limit=200, facets=())
        for hit in found.hits:
            row = {
                name: value
                for name, value in asdict(hit).items()
                if name not in {"titles", "why", "id", "sees_draft"}
            }
            yield {**row, "title": hit.title, "url": _address(hit)}
        after, count = found.after, count + len(found.hits)
        if not after or count >= _EXPORTED:
            return


def _address(hit: discovery.Hit) -> str:
    if not hit.project:
        return hit.url
    place = reverse("dataset", kwargs={"project": hit.project, "dataset": hit.name})
    return f"{settings.current().control_address}{place}"


def _cell(value: Any) -> Any:
    return "; ".join(value) if isinstance(value, tuple | list) else value
