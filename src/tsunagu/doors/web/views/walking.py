"""Walking the graph: a thing with its neighbours, a drawing of them, and proposals of what may be one."""

from __future__ import annotations

import re
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.http import urlencode
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from tsunagu.core import settings
from tsunagu.core.errors import NotFoundError
from tsunagu.data.graph import api as graph
from tsunagu.doors.web import graph_words
from tsunagu.doors.web.drawing import provenance_svg
from tsunagu.doors.web.views.frame import done, member, page
from tsunagu.doors.web.words import language_of, run_word
from tsunagu.foundation.identity.api import Actor

_DRAWN_A_SIDE = 7
_LISTED = 50
_NUMBER = re.compile(r"[0-9]{1,18}")
_JSON_LD = "application/ld+json"


@page
def find(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Things by an identifier or a name."""
    text, kind = request.GET.get("q", "").strip(), request.GET.get("kind", "")
    after = request.GET.get("after", "")
    kind = kind if kind in graph.KINDS else ""
    found: list[graph.Card] = []
    more = ""
    if text or kind:
        by_identifier = graph.find_uid(text) if text else ""
        wish = {"identifier" if by_identifier else "name": text} if text else {}
        found, more = graph.find(actor, **wish, kind=kind, after=after, limit=_LISTED)
    asked = {"q": text, "kind": kind}
    context = {
        "text": text,
        "kind": kind,
        "kinds": graph_words.KINDS.items(),
        "found": [_shown(one) for one in found],
        "is_asked": bool(text or kind),
        "next_url": f"?{urlencode({**asked, 'after': more})}" if more else "",
        "first_url": f"?{urlencode(asked)}" if after else "",
        "waiting": graph.count_merges(actor),
        "decides": graph.may_decide(actor),
    }
    return render(request, "web/graph.html", context)


@page
def thing(request: HttpRequest, actor: Actor, *, thing: str) -> HttpResponse:
    """A thing: as a page, or as JSON-LD for those who ask for it."""
    if request.method == "POST":
        return _decided(request, actor, "thing", thing=thing)
    if relation := request.GET.get("relation", ""):
        return _more(request, actor, thing, relation)
    found = graph.get_thing(actor, thing)
    if found.card.uid != thing:
        # It became one with something else, or its better identifier is known by now; that may change again.
        return HttpResponseRedirect(reverse("thing", kwargs={"thing": found.card.uid}))
    if request.get_preferred_type(["text/html", _JSON_LD, "application/json"]) not in {"text/html", None}:
        answer: HttpResponse = _as_json_ld(found)
    else:
        answer = render(request, "web/thing.html", _context(found, actor))
        answer["Link"] = f'<{_address(thing)}.jsonld>; rel="alternate"; type="{_JSON_LD}"'
    patch_vary_headers(answer, ["Accept"])
    return answer


@page
def json_ld(request: HttpRequest, actor: Actor, *, thing: str) -> HttpResponse:
    """A thing as JSON-LD."""
    del request
    return _as_json_ld(graph.get_thing(actor, thing))


@member
def proposals(request: HttpRequest, actor: Actor) -> HttpResponse:
    """What may be one thing, and what was decided; for those who decide."""
    state = request.GET.get("state", "proposed")
    state = state if state in graph.STATES else "proposed"
    if request.method == "POST":
        return _decided(request, actor, "graph_proposals")
    after = request.GET.get("after", "")
    found, more = graph.list_merges(
        actor, state=state, after=int(after) if _NUMBER.fullmatch(after) else 0, limit=_LISTED
    )
    context = {
        "merges": [_merge(one) for one in found],
        "state": state,
        "states": graph_words.STATES.items(),
        "next_url": f"?{urlencode({'state': state, 'after': str(more)})}" if more else "",
        "first_url": f"?{urlencode({'state': state})}" if after else "",
    }
    return render(request, "web/graph_proposals.html", context)


def _decided(request: HttpRequest, actor: Actor, target: str, **parts: Any) -> HttpResponse:
    step = next((one for one in graph.STEPS if one in request.POST), "")
    number = request.POST.get(step, "")
    if not step or not _NUMBER.fullmatch(number):
        raise NotFoundError
    said = {
        "accept": _("The two are one thing now. You can undo it."),
        "reject": _("The proposal was rejected."),
        "undo": _("The decision was undone."),
    }
    graph.decide(actor, int(number), step)
    return done(request, said[step], target, **parts)


def _address(uid: str) -> str:
    return f"{settings.current().control_address}{reverse('thing', kwargs={'thing': uid})}"


def _as_json_ld(found: graph.Thing) -> HttpResponse:
    return JsonResponse(
        graph.to_json_ld(found, _address), content_type=_JSON_LD, json_dumps_params={"ensure_ascii": False}
    )


def _shown(card: graph.Card) -> dict[str, Any]:
    """A thing as templates take it: its name in the viewer's language, and the others."""
    language = (get_language() or "en")[:2]
    names = sorted(card.names, key=lambda one: (one.language or language_of(one.text))[:2] != language)
    title = names[0].text if names else ""
    if card.kind == "run" and title:
        kind, _space, day = title.partition(" ")
        title = f"{run_word(kind)} {day}"
    if not title:
        title = card.identifiers[0].value if card.identifiers else card.uid
    return {
        "uid": card.uid,
        "kind": card.kind,
        "kind_word": graph_words.KINDS[card.kind],
        "title": title,
        "language": (names[0].language or language_of(title)) if names and card.kind != "run" else "",
        "others": names[1:4],
        "identifiers": card.identifiers,
    }


def _group(thing: str, one: graph.Group) -> dict[str, Any]:
    way = "from" if one.is_from else "to"
    return {
        "key": f"{one.relation}-{way}",
        "heading": graph_words.heading(one.relation, is_from=one.is_from),
        "is_from": one.is_from,
        "count": one.count,
        "rows": [
            {"thing": _shown(near.card), "sources": near.sources, "source_count": near.source_count}
            for near in one.neighbours
        ],
        "more_url": f"?{urlencode({'relation': one.relation, 'way': way, 'after': one.after})}"
        if one.after
        else "",
        "url": reverse("thing", kwargs={"thing": thing}),
    }


def _merge(one: graph.MergeCard) -> dict[str, Any]:
    return {
        "card": one,
        "left": _shown(one.left),
        "right": _shown(one.right),
        "left_work": _shown(one.left_work) if one.left_work else None,
        "right_work": _shown(one.right_work) if one.right_work else None,
        "state_word": graph_words.STATES[one.state],
        "evidence": [(graph_words.EVIDENCE.get(why.kind, why.kind), why.text) for why in one.evidence],
    }


def _context(found: graph.Thing, actor: Actor) -> dict[str, Any]:
    shown = _shown(found.card)
    groups = [_group(found.card.uid, one) for one in found.groups]
    return {
        "thing": shown,
        "groups": groups,
        "drawing": _drawing(shown, groups),
        "conflicts": [
            {
                "word": graph_words.CONFLICTS[one.kind],
                "values": [graph_words.KINDS[value] for value in one.values]
                if one.kind == "kinds"
                else one.values,
                "others": [_shown(other) for other in one.others],
                "sources": one.sources,
            }
            for one in found.conflicts
        ],
        "merges": [_merge(one) for one in found.merges],
        "sources": found.sources,
        "more_sources": found.source_count - sum(one.count for one in found.sources),
        "decides": graph.may_decide(actor),
    }


def _more(request: HttpRequest, actor: Actor, thing: str, relation: str) -> HttpResponse:
    """All neighbours by one relation, some at a time."""
    is_from = request.GET.get("way", "from") != "to"
    after = request.GET.get("after", "")
    found = graph.neighbours(actor, thing, relation, is_from=is_from, after=after, limit=_LISTED)
    if not found.count:
        raise graph.NoSuchThingError
    group = _group(thing, found)
    asked = {"relation": relation, "way": "from" if is_from else "to"}
    context = {
        "thing": _shown(graph.get_card(actor, thing)),
        "group": group,
        "next_url": group["more_url"],
        "first_url": f"?{urlencode(asked)}" if after else "",
    }
    return render(request, "web/thing_more.html", context)


def _drawing(shown: dict[str, Any], groups: list[dict[str, Any]]) -> str:
    """The thing in the middle: what points at it on the left, what it points at on the right."""
    nodes = [_node("middle", shown, 1, str(shown["kind_word"]))]
    edges = []
    for is_from, column in ((False, 0), (True, 2)):
        rows = [(group, row) for group in groups if group["is_from"] == is_from for row in group["rows"]]
        # One of each relation first, so that many co-authors do not hide a grant.
        rows.sort(key=lambda pair: pair[0]["rows"].index(pair[1]))
        for number, (group, row) in enumerate(rows[:_DRAWN_A_SIDE]):
            key = f"{column}-{number}"
            nodes.append(_node(key, row["thing"], column, group["heading"]))
            edges.append(("middle", key) if is_from else (key, "middle"))
        rest = sum(group["count"] for group in groups if group["is_from"] == is_from) - len(
            rows[:_DRAWN_A_SIDE]
        )
        if rest > 0:
            words = ngettext("%(count)s more below", "%(count)s more below", rest) % {"count": f"{rest:,}"}
            nodes.append(
                {"id": f"{column}-rest", "kind": "agent", "title": words, "sub": "", "column": column}
            )
    return provenance_svg(nodes, edges, label=_("Drawing of the neighbours; the lists below say the same"))


def _node(key: str, shown: dict[str, Any], column: int, sub: str) -> dict[str, Any]:
    kinds = {"person": "agent", "institution": "agent", "instrument": "agent", "run": "run"}
    return {
        "id": key,
        "kind": kinds.get(shown["kind"], "entity"),
        "title": shown["title"],
        "sub": sub,
        "url": reverse("thing", kwargs={"thing": shown["uid"]}) if key != "middle" else "",
        "column": column,
    }
