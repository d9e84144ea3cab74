"""Data read for training: uses are opened, ask again for addresses, report and end."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict
from typing import Any, Literal

from django.http import HttpRequest
from ninja import Router, Schema, Status
from pydantic import Field

from tsunagu.core.errors import TsunaguError
from tsunagu.data.ai_use import api as ai_use
from tsunagu.data.datasets import api as datasets
from tsunagu.data.training import api as training
from tsunagu.doors import counting
from tsunagu.doors.rest import schemas
from tsunagu.doors.rest.openapi import Input
from tsunagu.doors.rest.pushes import page_of
from tsunagu.doors.who import require_actor
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy
from tsunagu.foundation.runs.api import Outcome

router = Router(tags=["training"])
_MOST = 2**62


class NewUse(Input):
    """What is read for which training; version null: the newest frozen one; service: where the training runs.

    ``files``: the first page of the files that the answer brings along.
    """

    version: int | None = Field(default=None, ge=1, lt=2**31)
    training: str = ""
    purpose: str
    service: str = ai_use.LOCAL
    client: str = ""
    files: schemas.PullPage | None = None


class UseAnswer(Schema):
    """An open use; ``opening`` names the process that opened it. ``files`` null: ask for them by themselves."""

    id: str
    opening: str
    training: str
    dataset: str
    version: int
    version_hash: str
    may_cache: bool
    files: schemas.Pull | None = None


class Read(Input):
    """What a process has read so far, since it opened the use; figures never fall."""

    reader: str
    epochs: int = Field(ge=0, lt=2**31)
    rows: int = Field(ge=0, lt=_MOST)
    bytes: int = Field(ge=0, lt=_MOST)


class Progress(Read):
    """The same, with the opening that it belongs to."""

    opening: str


class End(Input):
    """A process and its workers have ended; ``progress`` is its last report."""

    opening: str
    progress: Read | None = None
    outcome: Literal["ok", "failed", "aborted"] = "ok"
    reason: str = ""


class UseRow(Schema):
    """What a training read of a version."""

    run: str
    training: str
    dataset: str
    version: int
    version_hash: str
    service: str
    purpose: str
    person: str
    started_at: str
    ended_at: str
    outcome: str
    epochs: int
    rows: int
    bytes: int


class Uses(Schema):
    """Uses, newest first."""

    uses: list[UseRow]


class TrainingRow(Schema):
    """A training and what it read; ``hidden`` counts data that one may no longer see."""

    name: str
    uses: list[UseRow]
    hidden: int


class Trainings(Schema):
    """Trainings, newest first."""

    trainings: list[TrainingRow]


@router.post("/datasets/{project}/{dataset}/uses", response={201: UseAnswer})
def open_use(request: HttpRequest, project: str, dataset: str, body: NewUse) -> Any:
    """Begin to read a version for a training; the rules and the guard of use by AI are asked."""
    actor = require_actor(request)
    found = None
    with policy.remembering():  # nothing in it gives or takes a role
        card = datasets.get_dataset(actor, project, dataset)
        use = training.open_use(actor, card, **body.model_dump(exclude={"files"}))
        if body.files is not None:
            # Who could not be told the use could not end it: what is wrong with the files is said when they are asked for.
            with suppress(TsunaguError):
                found = _page(request, actor, card, use.version, body.files, use.id)
    return Status(201, {**asdict(use), "files": found})


@router.get("/datasets/{project}/{dataset}/uses", response=Uses)
def uses(request: HttpRequest, project: str, dataset: str) -> Any:
    """What trainings read of a dataset: everybody's for those who manage it, one's own otherwise."""
    actor = require_actor(request)
    card = datasets.get_dataset(actor, project, dataset)
    return {"uses": [asdict(one) for one in training.uses_of(actor, card)]}


@router.post("/uses/{use}/files", response=schemas.Pull)
def files(request: HttpRequest, use: str, body: schemas.PullPage) -> Any:
    """A page of the files with signed permissions; rules and guard are asked again each time."""
    actor = require_actor(request)
    card, number = training.permit(actor, use)
    return _page(request, actor, card, number, body, use)


def _page(
    request: HttpRequest,
    actor: Actor,
    card: datasets.DatasetCard,
    number: int,
    body: schemas.PullPage,
    use: str,
) -> dict[str, Any]:
    found = page_of(actor, card, number, body)
    if not body.after:
        counting.fetched(request, actor, card.slug, number, "stream", is_job=True, target=use)
    return found


@router.post("/uses/{use}/progress", response={204: None})
def progress(request: HttpRequest, use: str, body: Progress) -> Any:
    """Say what was read."""
    report = training.Report(**body.model_dump(exclude={"opening"}))
    training.note(require_actor(request), use, opening=body.opening, report=report)
    return Status(204, None)


@router.post("/uses/{use}/end", response={204: None})
def end(request: HttpRequest, use: str, body: End) -> Any:
    """Say that a process has ended; with the last one the run ends."""
    report = training.Report(**body.progress.model_dump()) if body.progress is not None else None
    training.end_use(
        require_actor(request),
        use,
        opening=body.opening,
        outcome=Outcome(body.outcome),
        reason=body.reason[:1000],
        report=report,
    )
    return Status(204, None)


@router.get("/trainings", response=Trainings)
def trainings(request: HttpRequest) -> Any:
    """One's own trainings."""
    return {"trainings": [asdict(one) for one in training.trainings(require_actor(request))]}


@router.get("/trainings/{name}", response=TrainingRow)
def one_training(request: HttpRequest, name: str) -> Any:
    """One of them, with everything it read."""
    return asdict(training.training(require_actor(request), name))
