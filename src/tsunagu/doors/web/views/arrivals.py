"""Files arrive through the browser: the page that sends them, and receipts."""

from __future__ import annotations

import datetime as dt
import json

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from tsunagu.data.capture import api as capture
from tsunagu.data.datasets import api as datasets
from tsunagu.doors.web.views.dataset_frame import frame
from tsunagu.doors.web.views.frame import done, member
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy

_FILES_SHOWN = 500
_FORM_BYTES = 100_000_000  # more in one form is lost when the line breaks; other ways resume


@member
def upload(request: HttpRequest, actor: Actor, *, project: str, dataset: str) -> HttpResponse:
    """Send files: the page's script speaks tus and bundles; a plain form works without it.

    A press of a button opens the form, for an upload begins then: looking at a page writes nothing.
    """
    card = datasets.get_dataset(actor, project, dataset)
    policy.require(actor, "dataset.push", card.resource)
    parts = {"project": project, "dataset": dataset}
    if "give_up" in request.POST:
        capture.finish_push(
            actor, request.POST["give_up"], outcome="aborted", reason="given up by the person"
        )
        message = _("The upload was ended. What had arrived is kept.")
        return done(request, message, "upload", **parts)
    context = frame(actor, card, "files")
    mine = [push for push in capture.open_pushes(actor) if push.dataset_id == card.id]
    context |= {
        "folder": request.POST.get("folder", request.GET.get("folder", "")).strip().strip("/"),
        "unfinished": mine[:5],
        "form_bytes": _FORM_BYTES,
    }
    if request.method == "POST":
        context["push"] = capture.open_push(
            actor, project, dataset, create=False, kind="form", client="browser form"
        )
    return render(request, "web/upload.html", context)


@member
def receipt(request: HttpRequest, actor: Actor, *, run: str) -> HttpResponse:
    """The receipt of a push: every file with its hash. The plain form comes here and has ended its push then."""
    found = capture.receipt(actor, run)
    if request.GET.get("from") == "form" and not found["closed_at"] and found["count"]:
        found = {**found, **capture.finish_push(actor, run)}
    project, _slash, dataset = found["dataset"].partition("/")
    context = {
        "receipt": found,
        "shown": found["files"][:_FILES_SHOWN],
        "project": project,
        "dataset": dataset,
    }
    return render(request, "web/receipt.html", context)


@member
def saved_receipt(request: HttpRequest, actor: Actor, *, run: str, form: str) -> HttpResponse:
    """The receipt as a file: JSON for programs, or lines that ``sha256sum --check`` understands."""
    del request
    found = capture.receipt(actor, run)
    if form == "json":
        body, media_type = json.dumps(found, ensure_ascii=False, indent=1), "application/json"
    else:
        body, media_type = _as_text(found), "text/plain; charset=utf-8"
    return HttpResponse(
        body,
        content_type=media_type,
        headers={"Content-Disposition": f'attachment; filename="receipt-{found["run"]}.{form}"'},
    )


def _as_text(found: capture.Receipt) -> str:
    facts = {
        "receipt": found["run"],
        "dataset": found["dataset"],
        "sent by": found["by"],
        "began": found["opened_at"],
        "ended": found["closed_at"] or "",
        "files": found["count"],
        "bytes": found["bytes"],
        "ledger": f"{found['ledger']['index']} {found['ledger']['root']}" if found.get("ledger") else "",
        "written": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
    }
    head = [f"# {name}: {value}" for name, value in facts.items()]
    return "\n".join([*head, *(_checksum_line(file["sha256"], file["path"]) for file in found["files"]), ""])


def _checksum_line(sha256: str, path: str) -> str:
    """As GNU coreutils write it: a name with a line break or backslash is escaped, and the line says so."""
    escaped = path.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
    mark = "\\" if escaped != path else ""
    return f"{mark}{sha256}  {escaped}"
