"""Notebooks: JupyterLab on a version of a dataset. Browsers enter by the page of the run, never by a token."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from ninja import Router, Schema, Status
from pydantic import Field

from tsunagu.compute.jobs.api import Limits
from tsunagu.compute.notebooks import api as notebooks
from tsunagu.core import settings
from tsunagu.doors.rest.openapi import Input
from tsunagu.doors.rest.schemas_compute import NewLimits
from tsunagu.doors.who import actor_of, require_actor

router = Router(tags=["compute"])


class NotebookLimits(NewLimits):
    """What a notebook may use at most; at the end of its time it is stopped and kept."""

    memory_bytes: int = Field(2 << 30, ge=1, le=1 << 50)
    duration_s: int = Field(8 * 3600, ge=1, le=1 << 30)


class NewNotebook(Input):
    """A notebook on a frozen version."""

    input: str = Field(description="PROJECT/DATASET[@VERSION], read-only at $TSUNAGU_IN.")
    output: str = Field(
        "", description="PROJECT/DATASET that keeps it; empty: beside the data, named for the person."
    )
    lock: str = Field("", description="Requirements with hashes that hold jupyterlab; empty: the node's own.")
    limits: NotebookLimits | None = None


class Notebook(Schema):
    """A notebook of the person who asks. Its run (``GET /runs/{run}``) says the rest."""

    run: str
    stage: str = Field(description="preparing, open, ending or over")
    input: str
    output: str
    page: str = Field(description="The page where its person enters it.")


class NotebookList(Schema):
    """All that the person has open."""

    notebooks: list[Notebook]


@router.post("/notebooks", response={201: Notebook})
def open_notebook(request: HttpRequest, body: NewNotebook) -> Any:
    """Open a notebook, or name the one that the person has open on this dataset."""
    limits = Limits(**(body.limits or NotebookLimits.model_validate({})).dict())
    asked = notebooks.Asked(body.input, body.output, body.lock, limits)
    return Status(201, _shown(notebooks.open_notebook(require_actor(request), asked)))


@router.get("/notebooks", response=NotebookList)
def list_notebooks(request: HttpRequest) -> Any:
    """What the person has open."""
    return {"notebooks": [_shown(one) for one in notebooks.open_notebooks(actor_of(request))]}


@router.get("/notebooks/{notebook}", response=Notebook)
def show(request: HttpRequest, notebook: str) -> Any:
    """One notebook of the person."""
    return _shown(notebooks.get_notebook(actor_of(request), notebook))


@router.post("/notebooks/{notebook}/stop", response=Notebook)
def stop(request: HttpRequest, notebook: str) -> Any:
    """End it; what it holds becomes a version."""
    return _shown(notebooks.stop(require_actor(request), notebook))


def _shown(card: notebooks.NotebookCard) -> dict[str, str]:
    read = next(one for one in card.job.inputs if one.use == "in")
    page = settings.current().control_address + reverse("job", kwargs={"job": card.run})
    return {
        "run": card.run,
        "stage": card.stage.value,
        "input": f"{read.place}@{read.version}",
        "output": card.job.output,
        "page": page,
    }
