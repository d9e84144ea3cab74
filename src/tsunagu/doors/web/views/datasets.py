"""The pages of a dataset."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from tsunagu.core import settings
from tsunagu.data.capture import api as capture
from tsunagu.data.datasets import api as datasets
from tsunagu.data.datasets.api import DatasetCard
from tsunagu.data.description import api as description
from tsunagu.doors.web import provenance
from tsunagu.doors.web.drawing import provenance_svg
from tsunagu.doors.web.views.frame import done, member, page
from tsunagu.doors.web.views.home import member_rows
from tsunagu.foundation.identity import api as identity
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy
from tsunagu.foundation.runs import api as runs
from tsunagu.foundation.storage import api as storage

_PEOPLE = ("creators", "contributors", "operator")
_WRITTEN = ("title", "description", "keywords", "creators", "licence")
_YOU_MAY = ("read", "push", "describe", "freeze", "manage")


def frame(actor: Actor, card: DatasetCard, tab: str, version: int | None = None) -> dict[str, Any]:
    """What every page of a dataset shows: title, state, tabs, what one may do."""
    number = datasets.resolve_version(actor, card, version)
    values = description.values(actor, card)
    may = {action: bool(policy.decide(actor, f"dataset.{action}", card.resource)) for action in _YOU_MAY}
    return {
        "dataset": card,
        "tab": tab,
        "number": number,
        "asked": version,
        "is_draft": number == card.draft_number,
        "values": {value.name: value for value in values},
        "title": card.title or card.name,
        "may": may,
    }


def _card(request: HttpRequest, actor: Actor, project: str, dataset: str) -> tuple[DatasetCard, int | None]:
    card = datasets.get_dataset(actor, project, dataset)
    text = request.GET.get("version", "")
    return card, int(text) if text.isdigit() else None


def picture_urls(card: DatasetCard, reading: description.ReadingCard) -> list[dict[str, Any]]:
    """Previews with signed addresses for pictures; the caller has asked the rules for the file."""
    del card
    shown = []
    for preview in reading.previews:
        entry = dict(preview)
        if entry.get("kind") == "image" and entry.get("sha256"):
            place = storage.require_location(bytes.fromhex(entry["sha256"]))
            entry["url"] = storage.get_url(place, name="preview.png", media_type="image/png")
        shown.append(entry)
    return shown


@page
def overview(request: HttpRequest, actor: Actor, *, project: str, dataset: str) -> HttpResponse:
    """What is it, who made it, may I use it, what does it look like."""
    card, version = _card(request, actor, project, dataset)
    if not policy.decide(actor, "dataset.read", card.resource):
        return _for_pushers(request, card)
    context = frame(actor, card, "overview", version)
    first = datasets.list_files(actor, card, version=version, limit=60)
    readings = description.readings(card, [file.sha256 for file in first.files])
    samples: list[dict[str, Any]] = []
    for file in first.files:
        reading = readings.get(file.sha256)
        if reading and reading.previews and len(samples) < 6:  # noqa: PLR2004 - two rows of three
            samples.append({"file": file, "preview": picture_urls(card, reading)[0]})
    last = datasets.list_versions(card, limit=1)
    context |= {
        "samples": samples,
        "statuses": description.status_counts(card),
        "problems": description.problem_files(card, limit=5) if card.sees_draft else [],
        "facts": description.facts(actor, card)[:12],
        "labels": description.labels(get_language() or "en"),
        "proposal_count": len(description.proposals(actor, card)) if card.sees_draft else 0,
        "last": last[0] if last else None,
        "members": member_rows(policy.Resource("project", card.project_id)) if card.sees_draft else [],
        "uploads": [push for push in capture.pushes_of_dataset(card.id, limit=5) if not push.closed_at]
        if card.sees_draft
        else [],
        "control_url": settings.current().control_address,
        "people": [context["values"][name] for name in _PEOPLE if name in context["values"]],
    }
    return render(request, "web/dataset.html", context)


def _for_pushers(request: HttpRequest, card: DatasetCard) -> HttpResponse:
    return render(request, "web/pusher.html", {"dataset": card})


@page
def files(
    request: HttpRequest, actor: Actor, *, project: str, dataset: str, folder: str = ""
) -> HttpResponse:
    """A folder of a version: subfolders, then files."""
    card, version = _card(request, actor, project, dataset)
    if request.method == "POST":
        datasets.remove_files(actor, card.id, request.POST.getlist("path"))
        return done(
            request,
            _("The files were removed from the draft. Frozen versions keep them."),
            "files",
            project=project,
            dataset=dataset,
        )
    context = frame(actor, card, "files", version)
    after = request.GET.get("after", "")
    listed = datasets.list_folder(actor, card, version=version, folder=folder, after=after)
    readings = description.readings(card, [file.sha256 for file in listed.files])
    rows = [{"file": file, "reading": readings.get(file.sha256)} for file in listed.files]
    parts = [part for part in folder.split("/") if part]
    crumbs = [{"name": part, "path": "/".join(parts[: n + 1])} for n, part in enumerate(parts)]
    context |= {
        "folder": folder.strip("/"),
        "folders": listed.folders,
        "rows": rows,
        "after": listed.after,
        "is_first": not after,
        "folder_crumbs": crumbs,
        "zip_url": zip_url(actor, card, context["number"], folder.strip("/")),
    }
    return render(request, "web/files.html", context)


def zip_url(actor: Actor, card: DatasetCard, version: int, folder: str) -> str:
    """A signed address of a folder as ZIP."""
    node = settings.current()
    prefix = f"{folder}/" if folder else ""
    token = storage.signer().sign(
        "list",
        lifetime_s=node.capability_lifetime_s,
        ds=card.id,
        v=version,
        pre=prefix,
        who=[actor.kind, actor.id],
    )
    name = (folder.rpartition("/")[2] or card.name).replace("/", "_")
    from urllib.parse import quote

    return f"{node.bytes_address}/zip/{token}/{quote(name)}.zip"


@page
def file(request: HttpRequest, actor: Actor, *, project: str, dataset: str, path: str) -> HttpResponse:
    """One file: preview, facts, checksum."""
    from tsunagu.core.errors import NotFoundError

    card, version = _card(request, actor, project, dataset)
    context = frame(actor, card, "files", version)
    found = datasets.get_file(actor, card, path, version=version)
    try:
        reading, outcome = description.reading(actor, card, path, version=version)
        previews = picture_urls(card, reading)
    except NotFoundError:
        reading, outcome, previews = None, {}, []
    arrived = runs.by_row_ids([found.run_row]).get(found.run_row)
    context |= {
        "file": found,
        "reading": reading,
        "previews": previews,
        "body": outcome.get("reading") or {},
        "earlier": description.earlier_readings(actor, card, path) if card.sees_draft and reading else [],
        "arrived": arrived,
        "labels": description.labels(get_language() or "en"),
        "folder": path.rpartition("/")[0],
    }
    return render(request, "web/file.html", context)


@page
def download(request: HttpRequest, actor: Actor, *, project: str, dataset: str, path: str) -> HttpResponse:
    """To a signed address of the file, made at the moment of the click."""
    card, version = _card(request, actor, project, dataset)
    found = datasets.get_file(actor, card, path, version=version)
    place = storage.require_location(found.sha256)
    answer = redirect(storage.get_url(place, name=found.name))
    answer["Referrer-Policy"] = "no-referrer"
    return answer


@page
def metadata(request: HttpRequest, actor: Actor, *, project: str, dataset: str) -> HttpResponse:
    """The description with the origin of each value, proposals, and what readers found over all files."""
    card, version = _card(request, actor, project, dataset)
    if request.method == "POST":
        return _change_metadata(request, actor, card)
    context = frame(actor, card, "metadata", version)
    shown = list(dict.fromkeys([*_WRITTEN, *sorted(context["values"])]))
    context |= {
        "written": [{"name": name, "value": context["values"].get(name)} for name in shown],
        "proposals": description.proposals(actor, card) if card.sees_draft else [],
        "facts": description.facts(actor, card),
        "labels": description.labels(get_language() or "en"),
        "edit": request.GET.get("edit", ""),
    }
    return render(request, "web/metadata.html", context)


def _change_metadata(request: HttpRequest, actor: Actor, card: DatasetCard) -> HttpResponse:
    posted = request.POST
    if "again" in posted:
        description.start_reading_again(actor, card)
        message = _("All files are being read again. What people wrote stays as it is.")
    elif "proposal" in posted:
        verdict = "reject" if posted.get("verdict") == "reject" else "accept"
        edited = posted.get("value")
        original = {p.id: p for p in description.proposals(actor, card)}.get(posted["proposal"])
        is_edited = edited is not None and original is not None and edited != _text_of(original.value)
        description.decide_proposal(
            actor, card.id, posted["proposal"], verdict, value=edited if is_edited else None
        )
        message = _("The proposal was accepted.") if verdict == "accept" else _("The proposal was rejected.")
    elif "accept_sure" in posted:
        sure = [p for p in description.proposals(actor, card) if p.confidence >= 0.9]  # noqa: PLR2004 - what the button says
        for proposal in sure:
            description.decide_proposal(actor, card.id, proposal.id, "accept")
        message = _("%(count)s proposals were accepted.") % {"count": len(sure)}
    else:
        name = posted.get("name", "") or posted.get("new_name", "")
        description.set_value(
            actor, card.id, name, posted.get("value", "").strip(), unit=posted.get("unit", "").strip()
        )
        message = _("The value was saved.")
    return done(request, message, "metadata", project=card.project, dataset=card.name)


def _text_of(value: Any) -> str:
    from tsunagu.doors.web.templatetags.tsunagu import value_text

    return value_text(value)


@page
def history(request: HttpRequest, actor: Actor, *, project: str, dataset: str) -> HttpResponse:
    """Provenance as a drawing and as a list."""
    card, version = _card(request, actor, project, dataset)
    context = frame(actor, card, "provenance", version)
    if card.sees_draft:
        found = runs.of_dataset(card.id, before=request.GET.get("before", ""), limit=51)
    else:
        made_it = {v.run_id for v in datasets.list_versions(card)}
        found = [run for run in runs.of_dataset(card.id, limit=500, kinds=("freeze",)) if run.id in made_it]
    shown = found[:50]
    nodes, edges = provenance.graph(card, shown[:24])
    context |= {
        "runs": shown,
        "before": shown[-1].id if len(found) > len(shown) else "",
        "drawing": provenance_svg(nodes, edges),
    }
    return render(request, "web/provenance.html", context)


@page
def run(request: HttpRequest, actor: Actor, *, project: str, dataset: str, run: str) -> HttpResponse:
    """One run: who, when, what went in and came out, how it ended."""
    from tsunagu.core.errors import NotFoundError

    card, version = _card(request, actor, project, dataset)
    found = runs.get(run)
    if found is None or found.dataset_id != card.id or not card.sees_draft:
        raise NotFoundError
    context = frame(actor, card, "provenance", version)
    context |= {"run": found, "has_receipt": found.kind == "capture"}
    return render(request, "web/run.html", context)


@page
def versions(request: HttpRequest, actor: Actor, *, project: str, dataset: str) -> HttpResponse:
    """Versions, and what differs between two."""
    card, version = _card(request, actor, project, dataset)
    context = frame(actor, card, "versions", version)
    found = datasets.list_versions(card, limit=100)
    old_text, new_text = request.GET.get("from", ""), request.GET.get("to", "")
    newest = card.draft_number if card.sees_draft and card.state != "frozen" else card.last_version
    new = int(new_text) if new_text.isdigit() else newest
    old = int(old_text) if old_text.isdigit() else max(1, new - 1)
    people = identity.people(v.frozen_by for v in found)
    context |= {
        "versions": [{"version": v, "by": people.get(v.frozen_by)} for v in found],
        "old": old,
        "new": new,
    }
    if old != new and new >= 1:
        changes, after = datasets.list_diff(actor, card, old, new, after=request.GET.get("after", ""))
        context |= {"counts": datasets.diff_counts(actor, card, old, new), "changes": changes, "after": after}
    return render(request, "web/versions.html", context)


@member
def freeze(request: HttpRequest, actor: Actor, *, project: str, dataset: str) -> HttpResponse:
    """Make the draft a version."""
    card = datasets.get_dataset(actor, project, dataset)
    if request.method == "POST":
        version = datasets.freeze_version(actor, card.id, note=request.POST.get("note", "").strip())
        message = _("Version %(number)s is frozen and will never change.") % {"number": version.number}
        return done(request, message, "versions", project=project, dataset=dataset)
    context = frame(actor, card, "versions")
    if card.has_frozen:
        context["counts"] = datasets.diff_counts(actor, card, card.last_version, card.draft_number)
    return render(request, "web/freeze.html", context)


@page
def access(request: HttpRequest, actor: Actor, *, project: str, dataset: str) -> HttpResponse:
    """Who may see it, and why one may or may not do things."""
    card, version = _card(request, actor, project, dataset)
    if request.method == "POST":
        chosen = request.POST.get("access", "")
        if chosen in set(policy.Access):
            datasets.set_access(actor, card.id, policy.Access(chosen))
        return done(request, _("The access was changed."), "access", project=project, dataset=dataset)
    context = frame(actor, card, "access", version)
    decisions = {action: policy.decide(actor, f"dataset.{action}", card.resource) for action in _YOU_MAY}
    context |= {
        "decisions": decisions,
        "accesses": list(policy.Access),
        "members": member_rows(policy.Resource("project", card.project_id)) if card.sees_draft else [],
        "extra": member_rows(card.resource) if card.sees_draft else [],
    }
    return render(request, "web/access.html", context)


@member
def upload(request: HttpRequest, actor: Actor, *, project: str, dataset: str) -> HttpResponse:
    """Send files from the browser; the page's script speaks tus and bundles, the form works without it."""
    card = datasets.get_dataset(actor, project, dataset)
    policy.require(actor, "dataset.push", card.resource)
    context = frame(actor, card, "files")
    opened = capture.open_push(actor, project, dataset, create=False, kind="form", client="browser form")
    context |= {
        "push": opened,
        "control_url": settings.current().control_address,
        "folder": request.GET.get("folder", ""),
    }
    return render(request, "web/upload.html", context)


@member
def receipt(request: HttpRequest, actor: Actor, *, run: str) -> HttpResponse:
    """The receipt of a push: every file with its hash."""
    found = capture.receipt(actor, run)
    return render(request, "web/receipt.html", {"receipt": found, "shown": found["files"][:500]})
