"""The pages of a dataset: overview, files, one file."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from tsunagu.core import settings
from tsunagu.core.errors import NotFoundError
from tsunagu.data.capture import api as capture
from tsunagu.data.datasets import api as datasets
from tsunagu.data.datasets.api import DatasetCard
from tsunagu.data.description import api as description
from tsunagu.data.graph import api as graph
from tsunagu.data.publication import api as publication
from tsunagu.data.scans import api as scans
from tsunagu.data.unsorted import api as unsorted
from tsunagu.doors import counting
from tsunagu.doors.web import dark_words, words
from tsunagu.doors.web.views import documents, landing, signposting
from tsunagu.doors.web.views.access import member_rows
from tsunagu.doors.web.views.dataset_frame import (
    asked_card,
    frame,
    reading_progress,
    samples,
    shown_previews,
    zip_url,
)
from tsunagu.doors.web.views.frame import done, page
from tsunagu.doors.web.views.plans import card_of_dataset
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy
from tsunagu.foundation.runs import api as runs
from tsunagu.foundation.storage import api as storage

_PEOPLE = ("creators", "contributors", "operator")
_FIELDS_SHOWN = 400
_BAD_RUNS = 5
_MOST_DESCRIBED = 100  # files in the description that the page holds; the document has all


@page
def overview(request: HttpRequest, actor: Actor, *, project: str, dataset: str) -> HttpResponse:
    """What is it, who made it, may I use it, what does it look like; for strangers the public page, where there is one."""
    place, names_a_version = f"{project}/{dataset}", "version" in request.GET
    if actor.kind == "anonymous" and not names_a_version and publication.has_landing(place):
        return landing.shown(request, actor, place)
    try:
        card, version = asked_card(request, actor, project, dataset)
    except NotFoundError:
        if not names_a_version and publication.has_landing(place):
            return landing.shown(request, actor, place)
        raise
    if not policy.decide(actor, "dataset.read", card.resource):
        return render(request, "web/pusher.html", {"dataset": card})
    context = frame(actor, card, "overview", version)
    counting.viewed(request, actor, card.slug, context["number"])
    text, other_text = words.in_both(context["values"], "description", "", get_language() or "en")
    last = datasets.list_versions(card, limit=3)
    said = {name: value.value for name, value in context["values"].items()}
    context |= {
        "samples": samples(actor, card, version),
        "facts": description.facts(actor, card)[:12],
        "last": last[0] if last else None,
        "recent_versions": last,
        "control_url": settings.current().control_address,
        "people": [context["values"][name] for name in _PEOPLE if name in context["values"]],
        "text": text,
        "other_text": other_text,
        "zip_url": zip_url(actor, card, context["number"], ""),
        "thing": graph.own_uid(f"dataset:{card.id}"),
        "failure": description.failure_of(said),
        "failure_fields": dark_words.failure_fields(said),
    }
    if card.sees_draft:
        found = runs.of_dataset(card.id, limit=5)
        bad_runs = runs.ended_badly([card.id], limit=_BAD_RUNS + 1).get(card.id, ())
        context |= {
            **reading_progress(card),
            "statuses": description.status_counts(card),
            "problems": description.problem_files(card, limit=5),
            "proposal_count": len(description.proposals(actor, card)),
            "members": member_rows(policy.Resource("project", card.project_id)),
            "uploads": [push for push in capture.pushes_of_dataset(card.id, limit=5) if not push.closed_at],
            "recent_runs": found,
            "plan": card_of_dataset(card),
            "bad_runs": bad_runs[:_BAD_RUNS],
            "older_bad_runs": len(bad_runs) > _BAD_RUNS,
            "is_inbox": unsorted.is_inbox(card),
        }
    shown = context["number"] if not context["is_draft"] else last[0].number if last else None
    if shown is None or card.seal_state == "shredded":
        return render(request, "web/dataset.html", context)
    context["schema_org"] = documents.described(actor, card, shown, most_files=_MOST_DESCRIBED)
    answer = render(request, "web/dataset.html", context)
    answer["Link"] = signposting.links(card, shown, context["schema_org"])
    return answer


@page
def progress(request: HttpRequest, actor: Actor, *, project: str, dataset: str) -> HttpResponse:
    """The part of a page that says how far the readers are; asks for itself again until they are done."""
    card, _version = asked_card(request, actor, project, dataset)
    policy.require(actor, "dataset.read_draft", card.resource)
    watched = request.GET.get("watched", "0")
    context = reading_progress(card, int(watched) if watched.isdigit() else 0)
    return render(request, "web/parts/progress.html", {"dataset": card, "was_running": True, **context})


@page
def files(
    request: HttpRequest, actor: Actor, *, project: str, dataset: str, folder: str = ""
) -> HttpResponse:
    """A folder of a version: subfolders, then files."""
    card, version = asked_card(request, actor, project, dataset)
    parts = {"project": project, "dataset": dataset}
    if request.method == "POST":
        datasets.remove_files(actor, card.id, request.POST.getlist("path"))
        message = _("The files were removed from the draft. Frozen versions keep them.")
        return done(request, message, "files", **parts)
    if wanted := request.GET.get("go", "").strip().strip("/"):
        return _go_to(actor, card, version, wanted)
    context = frame(actor, card, "files", version)
    after = request.GET.get("after", "")
    listed = datasets.list_folder(actor, card, version=version, folder=folder, after=after)
    readings = description.readings(card, [file.sha256 for file in listed.files])
    names = [part for part in folder.split("/") if part]
    context |= {
        "folder": folder.strip("/"),
        "folders": listed.folders,
        "rows": [{"file": file, "reading": readings.get(file.sha256)} for file in listed.files],
        "after": listed.after,
        "is_first": not after,
        "folder_crumbs": [
            {"name": name, "path": "/".join(names[: count + 1])} for count, name in enumerate(names)
        ],
        "may_remove": context["may"]["push"] and context["is_draft"],
        "zip_url": zip_url(actor, card, context["number"], folder.strip("/")),
    }
    if card.sees_draft:
        context |= reading_progress(card)
    return render(request, "web/files.html", context)


def _go_to(actor: Actor, card: DatasetCard, version: int | None, wanted: str) -> HttpResponse:
    """To the file of a path that somebody typed, else to the folder of that name."""
    parts = {"project": card.project, "dataset": card.name}
    try:
        datasets.get_file(actor, card, wanted, version=version)
        address = reverse("file", kwargs={**parts, "path": wanted})
    except NotFoundError:
        address = reverse("folder", kwargs={**parts, "folder": wanted})
    return HttpResponseRedirect(address if version is None else f"{address}?version={version}")


@page
def file(request: HttpRequest, actor: Actor, *, project: str, dataset: str, path: str) -> HttpResponse:
    """One file: preview, facts, checksum, what readers said of it then and now."""
    card, version = asked_card(request, actor, project, dataset)
    context = frame(actor, card, "files", version)
    found = datasets.get_file(actor, card, path, version=version)
    counting.viewed(request, actor, card.slug, context["number"])
    try:
        reading, outcome = description.reading(actor, card, path, version=version)
        previews = shown_previews(card, reading)
    except NotFoundError:
        reading, outcome, previews = None, {}, []
    body = outcome.get("reading") or {}
    context |= {
        "file": found,
        "reading": reading,
        "previews": previews,
        "body": body,
        "fields": body.get("fields", [])[:_FIELDS_SHOWN],
        "more_fields": max(0, len(body.get("fields", [])) - _FIELDS_SHOWN),
        "earlier": _earlier(actor, card, path, version) if card.sees_draft and reading else [],
        "arrived": runs.by_row_ids([found.run_row]).get(found.run_row) if card.sees_draft else None,
        "folder": path.rpartition("/")[0],
        "has_pages": scans.may_have_pages(path) and card.seal_state != "shredded",
        "scan": scans.states(card.id, [found.sha256]).get(found.sha256),
    }
    return render(request, "web/file.html", context)


def _earlier(actor: Actor, card: DatasetCard, path: str, version: int | None) -> list[Any]:
    """Readings of the file before the one of today; none for a file that only older versions hold."""
    try:
        return description.earlier_readings(actor, card, path) if version is None else []
    except NotFoundError:
        return []


@page
def download(request: HttpRequest, actor: Actor, *, project: str, dataset: str, path: str) -> HttpResponse:
    """To a signed address of the file, made at the moment of the click."""
    card, version = asked_card(request, actor, project, dataset)
    found = datasets.get_file(actor, card, path, version=version)
    answer = redirect(storage.get_url(storage.require_location(found.sha256, card.domains), name=found.name))
    counting.fetched(
        request, actor, card.slug, datasets.resolve_version(actor, card, version), "web", is_job=False
    )
    answer["Referrer-Policy"] = "no-referrer"
    return answer
