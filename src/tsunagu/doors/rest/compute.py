"""Compute: runs on dataset versions, their logs, and what projects may use."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.http import HttpRequest
from ninja import Router, Status

from tsunagu.compute.jobs import api as jobs
from tsunagu.compute.workflows import api as workflows
from tsunagu.doors.rest import schemas_compute as schemas
from tsunagu.doors.who import actor_of, require_actor

router = Router(tags=["compute"])
_MOST_LISTED, _MOST_OFFSET = 100, 1 << 50


@router.post("/runs", response={201: schemas.ComputeRun})
def submit(request: HttpRequest, body: schemas.NewRun) -> Any:
    """Queue a run."""
    actor, wanted = require_actor(request), _wanted(body)
    made = workflows.submit(actor, wanted, body.cwl) if body.cwl else jobs.submit(actor, wanted)
    return Status(201, asdict(made))


@router.post("/arrays", response={201: schemas.ComputeRunList})
def submit_each(request: HttpRequest, body: schemas.NewArray) -> Any:
    """Queue the same once for each value of a parameter, each a run of its own."""
    if body.cwl:
        raise workflows.BadWorkflowError(
            "Runs of a CWL document are asked for one by one.",
            remedy="Leave --each out, or scatter in the workflow.",
        )
    made = jobs.submit_each(require_actor(request), _wanted(body), body.each.name, body.each.values)
    return Status(201, {"runs": [asdict(one) for one in made], "next": None})


@router.post("/arrays/{array}/cancel", response=schemas.ComputeRunList)
def cancel_array(request: HttpRequest, array: str) -> Any:
    """End all runs that were asked for together."""
    found = jobs.cancel_array(require_actor(request), array)
    return {"runs": [asdict(one) for one in found], "next": None}


def _wanted(body: schemas.NewRun) -> jobs.Wanted:
    return jobs.Wanted(
        inputs=tuple(body.inputs),
        command=tuple(body.command),
        output=body.output,
        code=body.code,
        parameters=body.parameters,
        limits=jobs.Limits(**body.limits.dict()) if body.limits else jobs.Limits(),
        executor=body.executor,
        lock=body.lock,
    )


@router.get("/runs", response=schemas.ComputeRunList)
def list_runs(
    request: HttpRequest, dataset: str = "", after: str = "", limit: int = 50, *, mine: bool = False
) -> Any:
    """Compute runs that one may see, newest first; of a dataset (PROJECT/DATASET), or one's own."""
    limit = max(1, min(limit, _MOST_LISTED))
    project, _slash, name = dataset.partition("/")
    found = jobs.list_jobs(
        actor_of(request), project=project, dataset=name, mine=mine, before=after[:26], limit=limit + 1
    )
    shown = found[:limit]
    rows = [asdict(one) for one in shown]
    for one in rows:
        one["result"].pop("outputs", None)  # the run itself names them
    return {"runs": rows, "next": shown[-1].run if len(found) > limit else None}


@router.get("/runs/{job}", response=schemas.ComputeRun)
def show(request: HttpRequest, job: str) -> Any:
    """A compute run, for those who may see all that it used."""
    return asdict(jobs.get_job(actor_of(request), job))


@router.get("/runs/{job}/log", response=schemas.Log)
def log(request: HttpRequest, job: str, offset: int = 0) -> Any:
    """What it printed, from an offset in bytes."""
    return asdict(jobs.read_log(actor_of(request), job, offset=max(0, min(offset, _MOST_OFFSET))))


@router.post("/runs/{job}/cancel", response=schemas.ComputeRun)
def cancel(request: HttpRequest, job: str) -> Any:
    """End it."""
    return asdict(jobs.cancel(require_actor(request), job))


@router.post("/runs/{job}/again", response={201: schemas.ComputeRun})
def again(request: HttpRequest, job: str) -> Any:
    """Queue the same once more: same versions, code, parameters, environment and limits."""
    return Status(201, asdict(jobs.again(require_actor(request), job)))


@router.get("/projects/{project}/budget", response=schemas.Budget)
def budget(request: HttpRequest, project: str) -> Any:
    """What the project may use and has used."""
    return _shown(jobs.budget(actor_of(request), project))


@router.put("/projects/{project}/budget", response=schemas.Budget)
def allocate(request: HttpRequest, project: str, body: schemas.NewAllocation) -> Any:
    """Give a project another allocation; for administrators of the node."""
    return _shown(jobs.allocate(require_actor(request), project, **body.dict()))


def _shown(budget: jobs.Budget) -> dict[str, Any]:
    return {**asdict(budget), "left": asdict(budget.left)}
