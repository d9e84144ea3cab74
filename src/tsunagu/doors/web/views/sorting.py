"""What lies unsorted in a project: groups, proposals, and decisions about many files at once."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from tsunagu.core.errors import InvalidInputError, TsunaguError
from tsunagu.data.datasets import api as datasets
from tsunagu.data.description import api as description
from tsunagu.data.unsorted import api as unsorted
from tsunagu.doors.web.dark_words import HEADS, KINDS, VERDICTS, failure_fields
from tsunagu.doors.web.views.frame import done, member, problem_context
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy

_SHOWN_GROUPS, _SHOWN_FILES, _SHOWN_PROPOSALS, _SHOWN_VALUES = 100, 200, 50, 8


@member
def unsorted_of(request: HttpRequest, actor: Actor, *, project: str) -> HttpResponse:
    """Everything that lies unsorted; a form without JavaScript."""
    status, more = 200, {}
    if request.method == "POST":
        try:
            return _do(request, actor, project)
        except TsunaguError as error:
            status, more = error.status, {**problem_context(error), "form": request.POST}
    return render(request, "web/unsorted.html", {**_shown(request, actor, project), **more}, status=status)


def _shown(request: HttpRequest, actor: Actor, project: str) -> dict[str, Any]:
    home = datasets.get_project(actor, project)
    pile = unsorted.pile(actor, project)
    filters = _filters(request.GET)
    by = request.GET.get("by", "folder")
    by = by if by in unsorted.DIMENSIONS else "folder"
    items = unsorted.narrowed(pile.items, filters)
    groups = unsorted.groups(items, by)
    offered = unsorted.proposals(pile.items)
    return {
        "project": home,
        "pile": pile,
        "by": by,
        "file_count": len(items),
        "byte_count": sum(item.byte_count for item in items),
        "dimensions": [
            {"name": name, "head": head, "url": "?" + urlencode({**filters, "by": name})}
            for name, head in HEADS.items()
        ],
        "facets": [_facet(pile.items, filters, name, by) for name in ("kind", "format", "instrument")],
        "groups": [_row(group, by, filters) for group in groups[:_SHOWN_GROUPS]],
        "more_groups": max(0, len(groups) - _SHOWN_GROUPS),
        "files": items[:_SHOWN_FILES] if filters else (),
        "more_files": max(0, len(items) - _SHOWN_FILES) if filters else 0,
        "filters": filters,
        "proposals": offered[:_SHOWN_PROPOSALS],
        "more_proposals": max(0, len(offered) - _SHOWN_PROPOSALS),
        "decisions": unsorted.decisions(actor, project, limit=10),
        "may_sort": bool(policy.decide(actor, "project.create_dataset", home.resource)),
        "failure_fields": failure_fields(request.POST.dict()),
        "verdicts": VERDICTS.items(),
        "chosen_verdict": request.POST.get("verdict", "make"),
    }


def _filters(asked: QueryDict) -> dict[str, str]:
    return {name: str(asked[name])[:500] for name in (*unsorted.DIMENSIONS, "inbox") if name in asked}


def _facet(items: Any, filters: dict[str, str], name: str, by: str) -> dict[str, Any]:
    rows = [
        {
            "word": KINDS.get(value, value) if name == "kind" else value or _("unknown"),
            "count": count,
            "is_chosen": filters.get(name) == value,
            "url": "?" + urlencode(_toggled(filters, name, value) | {"by": by}),
        }
        for value, count in unsorted.counts(items, name)[:_SHOWN_VALUES]
    ]
    return {"head": HEADS[name], "rows": rows}


def _toggled(filters: dict[str, str], name: str, value: str) -> dict[str, str]:
    rest = {key: one for key, one in filters.items() if key != name}
    return rest if filters.get(name) == value else {**rest, name: value}


def _row(group: unsorted.Group, by: str, filters: dict[str, str]) -> dict[str, Any]:
    word = KINDS.get(group.value, group.value) if by == "kind" else group.value
    return {
        "group": group,
        "word": word,
        "pick": f"{group.inbox}/{group.value}",
        "kinds": [(KINDS[kind], count) for kind, count in group.kinds.items()],
        "url": "?" + urlencode({**filters, "inbox": group.inbox, by: group.value, "by": by}),
    }


def _do(request: HttpRequest, actor: Actor, project: str) -> HttpResponse:
    """Do what a form of the page asks for."""
    form = request.POST
    if "open" in form:
        card = unsorted.open_inbox(actor, project, form.get("name", ""))
        return done(
            request, _("The inbox is open. Next: send files."), "upload", project=project, dataset=card.name
        )
    if "accept" in form:
        keys = form.getlist("proposal")
        if not keys:
            raise InvalidInputError(_("No proposal was chosen."), remedy=_("Tick at least one proposal."))
        names = {key: form.get(f"name-{key}", "").strip() for key in keys}
        unsorted.accept(actor, project, keys, names=names)
        message = _("The datasets are being made. The last decisions say how far it is.")
        return done(request, message, "unsorted", project=project)
    _decide(form, actor, project, _filters(request.GET))
    message = _("The files are being sorted. The last decisions say how far it is.")
    return done(request, message, "unsorted", project=project)


def _decide(form: QueryDict, actor: Actor, project: str, filters: dict[str, str]) -> None:
    """One decision for each inbox that something was picked from."""
    picked = _picked(form, actor, project, filters)
    if not picked:
        raise InvalidInputError(_("Nothing was picked."), remedy=_("Tick groups or files in the table."))
    verdict = form.get("verdict", "")
    for number, (inbox, paths) in enumerate(sorted(picked.items())):
        wish = unsorted.Wish(
            # Files of a second inbox go where those of the first did.
            "add" if verdict == "make" and number else verdict,
            form.get("target", "").strip(),
            title=form.get("title", "").strip(),
            note=form.get("note", "").strip(),
            told={name: form.get(name, "") for name in description.FAILURE if form.get(name, "").strip()},
        )
        unsorted.decide(actor, project, inbox, sorted(paths), wish)


def _picked(form: QueryDict, actor: Actor, project: str, filters: dict[str, str]) -> dict[str, set[str]]:
    """Paths by inbox: those of the picked groups, as the page showed them, and single ones."""
    by = form.get("by", "folder")
    by = by if by in unsorted.DIMENSIONS else "folder"
    found: dict[str, set[str]] = defaultdict(set)
    for file in form.getlist("file"):
        inbox, _slash, path = file.partition("/")
        found[inbox].add(path)
    groups = [one.partition("/")[::2] for one in form.getlist("group")]
    if groups:
        items = unsorted.narrowed(unsorted.pile(actor, project).items, filters)
        wanted = set(groups)
        for item in items:
            if (item.inbox, item.value(by)) in wanted:
                found[item.inbox].add(item.path)
    return found
