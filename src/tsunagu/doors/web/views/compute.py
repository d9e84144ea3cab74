"""Code that runs beside the data: a dataset's tab, the page of a run, two runs beside each other."""

from __future__ import annotations

import contextlib
from dataclasses import asdict, replace
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from tsunagu.compute.jobs import api as jobs
from tsunagu.compute.notebooks import api as notebooks
from tsunagu.compute.partners import api as partners
from tsunagu.compute.workflows import api as workflows
from tsunagu.core import sweeps
from tsunagu.data.datasets import api as datasets
from tsunagu.data.datasets.api import DatasetCard
from tsunagu.doors.web.templatetags.compute import command_text
from tsunagu.doors.web.views.dataset_frame import asked_card, frame, next_delay_s
from tsunagu.doors.web.views.frame import done, page
from tsunagu.foundation.identity.api import Actor, NotSignedInError
from tsunagu.foundation.policy import api as policy

_LISTED, _MOST_VERSIONS = 30, 100
_SHOWN_LOG = 64 << 10
_MINUTE_S = 60


@page
def compute(request: HttpRequest, actor: Actor, *, project: str, dataset: str) -> HttpResponse:
    """Who ran what on a dataset, and the form for another run."""
    card, version = asked_card(request, actor, project, dataset)
    if request.method == "POST":
        if actor.kind != "person":
            raise NotSignedInError
        made = _submit(request, actor, card)
        said = _("The runs are queued.") if made.array_id else _("The run is queued.")
        return done(request, said, "job", job=made.run)
    context = frame(actor, card, "compute", version)
    before = request.GET.get("before", "")[:26]
    found = jobs.list_jobs(actor, project=project, dataset=dataset, before=before, limit=_LISTED + 1)
    shown = found[:_LISTED]
    context |= {
        "notebook": notebooks.opened(actor, card.id),
        "notebook_problem": notebooks.problem(),
        "notebook_output": f"{card.slug}-notebook-{actor.id[-4:].lower()}",
        "jobs": shown,
        "is_first": not before,
        "before": shown[-1].run if len(found) > len(shown) else "",
        **_form(request, actor, card),
    }
    return render(request, "web/compute.html", context)


def _form(request: HttpRequest, actor: Actor, card: DatasetCard) -> dict[str, Any]:
    """What the form for a run shows; which command it is for stands in the address."""
    may_here = policy.decide(actor, "compute.run", policy.Resource("project", card.project_id))
    chosen, problem = _number(request.GET.get("on", "")) or card.last_version, ""
    entries: tuple[jobs.EntryPoint, ...] = ()
    if card.has_frozen:
        try:
            entries = jobs.entry_points(actor, card, chosen)
            entries += workflows.entry_points(actor, card, chosen)
        except jobs.BadEntryError as error:
            problem = error.message
    name = request.GET.get("entry", entries[0].name if entries else "")
    entry = next((one for one in entries if one.name == name), None)
    limits = entry.limits if entry else jobs.Limits()
    places = jobs.places_for(actor, card)
    return {
        "may_run": may_here,
        "versions": [one.number for one in datasets.list_versions(card, limit=_MOST_VERSIONS)],
        "on": chosen,
        "places": places,
        "entries": entries,
        "entry": entry,
        "entry_problem": problem,
        "output": f"{card.slug}-runs" if may_here else "",
        "cores": limits.cores,
        "memory_mb": limits.memory_bytes // 10**6,
        "minutes": max(1, limits.duration_s // _MINUTE_S),
        "disk_mb": limits.disk_bytes // 10**6,
    }


def _submit(request: HttpRequest, actor: Actor, card: DatasetCard) -> jobs.JobCard:
    """Queue what the form says; of several runs the first, whose page names the others."""
    each, entry_name = request.POST.get("each", "").strip(), request.POST.get("entry", "")
    if entry_name.endswith(".cwl"):
        if each:
            raise workflows.BadWorkflowError(_("Runs of a CWL document are asked for one by one."))
        return workflows.submit(actor, _wanted(request, actor, card)[0], entry_name)
    if not each:
        return jobs.submit(actor, _wanted(request, actor, card)[0])
    try:
        name, values = sweeps.read(each)
    except ValueError:
        raise jobs.BadJobError(
            _("“%(said)s” does not say for which values to run.") % {"said": each[:80]},
            remedy=_("Write a parameter and its values: threshold=0.1,0.2 or n=0..9."),
        ) from None
    wanted, entry = _wanted(request, actor, card, without=name)
    if entry is not None:
        parameter = next((one for one in entry.parameters if one.name == name), None)
        if parameter is None:
            raise jobs.BadJobError(_("The command has no parameter “%(name)s”.") % {"name": name[:80]})
        values = [parameter.checked(value) for value in values]
    return jobs.submit_each(actor, wanted, name, values)[0]


def _wanted(
    request: HttpRequest, actor: Actor, card: DatasetCard, *, without: str = ""
) -> tuple[jobs.Wanted, jobs.EntryPoint | None]:
    """What the form says, but for the parameter ``without``; and the command of the dataset that was chosen."""
    form = request.POST
    number = _number(form.get("on", "")) or card.last_version
    limits = replace(
        jobs.Limits(),
        cores=_number(form.get("cores", "")) or 1,
        memory_bytes=(_number(form.get("memory_mb", "")) or 1000) * 10**6,
        duration_s=(_number(form.get("minutes", "")) or 10) * _MINUTE_S,
        disk_bytes=(_number(form.get("disk_mb", "")) or 1000) * 10**6,
    )
    wanted = jobs.Wanted(
        inputs=(f"{card.slug}@{number}",),
        command=(form.get("command", ""),),
        output=form.get("output", "").strip(),
        code=form.get("code", "").strip(),
        limits=limits,
        executor=form.get("place", "") or "sandbox",
    )
    name = form.get("entry", "")
    if not name:
        return wanted, None
    several = workflows if name.endswith(".cwl") else jobs
    entry = next((one for one in several.entry_points(actor, card, number) if one.name == name), None)
    if entry is None:
        raise jobs.BadJobError(f"Version {number} does not name the command {name[:60]!r}.")
    read = {one.name: one.read(form.get(f"p-{one.name}")) for one in entry.parameters if one.name != without}
    chosen = replace(
        wanted,
        command=() if several is workflows else ("/bin/sh", "-c", entry.command),
        code=f"{card.slug}@{number}",
        parameters={name: value for name, value in read.items() if value is not None},
        lock=jobs.lock_text(actor, card, number, entry),
    )
    return chosen, entry


@page
def job(request: HttpRequest, actor: Actor, *, job: str) -> HttpResponse:
    """One run: state, log, what went in and came out, what it used; cancel it, or run it again."""
    if request.method == "POST":
        if actor.kind != "person":
            raise NotSignedInError
        if "again" in request.POST:
            made = jobs.again(actor, job)
            return done(request, _("The same run is queued once more."), "job", job=made.run)
        if "all" in request.POST:
            jobs.cancel_array(actor, jobs.get_job(actor, job).array_id)
            return done(request, _("All of these runs are being cancelled."), "job", job=job)
        if "stop" in request.POST:
            notebooks.stop(actor, job)
            return done(request, _("The notebook is being stopped; what it holds is kept."), "job", job=job)
        jobs.cancel(actor, job)
        return done(request, _("The run is being cancelled."), "job", job=job)
    card = jobs.get_job(actor, job)
    output = datasets.get_dataset_by_id(actor, card.output_id)
    others = jobs.list_jobs(actor, project=output.project, dataset=output.name, limit=_LISTED)
    together = jobs.list_jobs(actor, array=card.array_id, limit=_LISTED) if card.array_id else []
    context = {
        **_state(request, actor, card),
        "others": [one for one in others if one.run != card.run],
        "together": together[::-1],
        "open_count": sum(not one.is_over for one in together),
        "site": partners.find_site(card.executor),
    }
    return render(request, "web/job.html", context)


@page
def job_part(request: HttpRequest, actor: Actor, *, job: str) -> HttpResponse:
    """The part of the page that changes while the run goes on."""
    return render(request, "web/parts/job.html", _state(request, actor, jobs.get_job(actor, job)))


def _state(request: HttpRequest, actor: Actor, card: jobs.JobCard) -> dict[str, Any]:
    watched = _number(request.GET.get("watched", ""))
    delay = next_delay_s(watched)
    log, offset = "", 0
    while len(log) < 4 * (1 << 20):
        part = jobs.read_log(actor, card.run, offset=offset)
        log, offset = log + part.text, part.after
        if not part.text:
            break
    project = policy.Resource("project", card.project_id)
    is_mine = actor.kind == "person" and actor.id == card.actor_id
    action = "compute.run" if is_mine else "project.manage"
    return {
        "run": card,
        "limits": asdict(card.limits),
        "log": log[-_SHOWN_LOG:],
        "is_log_cut": len(log) > _SHOWN_LOG,
        "delay": delay,
        "watched": watched + delay,
        "may_cancel": not card.is_over
        and not card.is_cancelled
        and bool(policy.decide(actor, action, project)),
        "may_cancel_all": bool(policy.decide(actor, action, project)),
        "notebook": _notebook(actor, card),
        "may_again": card.is_over and not card.serves and bool(policy.decide(actor, "compute.run", project)),
    }


def _notebook(actor: Actor, card: jobs.JobCard) -> notebooks.NotebookCard | None:
    """What the person who opened it may do with a notebook; None: it is none, or somebody else's."""
    if not card.serves:
        return None
    with contextlib.suppress(notebooks.NoSuchNotebookError):
        return notebooks.get_notebook(actor, card.run)
    return None


@page
def compare(request: HttpRequest, actor: Actor, *, job: str) -> HttpResponse:
    """Two runs: which parameters, inputs, limits and outputs differ."""
    one = jobs.get_job(actor, job)
    two = jobs.get_job(actor, request.GET.get("with", "")[:26])
    rows = [
        # Times and memory always differ a little, which says nothing.
        (title, mine, other, None if isinstance(mine, float) else mine != other)
        for (title, mine), (_title, other) in zip(_facts(one), _facts(two), strict=True)
    ]
    names = sorted({*one.parameters, *two.parameters})
    parameters = [
        (
            name,
            one.parameters.get(name),
            two.parameters.get(name),
            one.parameters.get(name) != two.parameters.get(name),
        )
        for name in names
    ]
    mine, other = _outputs(one), _outputs(two)
    outputs = [
        (path, mine.get(path), other.get(path), mine.get(path) != other.get(path))
        for path in sorted({*mine, *other})
    ]
    context = {
        "one": one,
        "two": two,
        "rows": rows,
        "parameters": parameters,
        "outputs": outputs[:500],
        "same_count": sum(not row[3] for row in outputs),
        "other_count": sum(row[3] for row in outputs),
    }
    return render(request, "web/job_compare.html", context)


def _facts(card: jobs.JobCard) -> list[tuple[str, Any]]:
    found = card.result
    return [
        (_("State"), card.state.value),
        (_("Inputs"), ", ".join(f"{one.place}@{one.version}" for one in card.inputs)),
        (_("Command"), command_text(card.command)),
        (_("Environment"), card.environment_hash[:12]),
        (_("CPU time (s)"), round(float(card.cpu_s), 2)),
        (_("Most memory (MB)"), round(int(found.get("peak_memory_bytes", 0)) / 1e6, 1)),
        (_("Duration (s)"), round(float(found.get("duration_s", 0)), 2)),
    ]


def _outputs(card: jobs.JobCard) -> dict[str, str]:
    return {path: sha256 for path, _size, sha256 in card.result.get("outputs", ())}


def _number(text: str) -> int:
    return int(text) if text.isdigit() and len(text) < 10 else 0  # noqa: PLR2004 - the column's size
