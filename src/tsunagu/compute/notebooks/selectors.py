"""Reading notebooks: each person sees their own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from django.utils.translation import gettext as _

from tsunagu.compute.jobs import api as jobs
from tsunagu.compute.notebooks.errors import NoSuchNotebookError
from tsunagu.compute.notebooks.models import Notebook
from tsunagu.compute.notebooks.types import NotebookCard, Reach, Stage
from tsunagu.compute.runner import api as runner
from tsunagu.core import settings
from tsunagu.core.errors import NotFoundError
from tsunagu.foundation.identity.api import Actor

SOCKET = "s"


def problem() -> str:
    """Why this node opens no notebooks, for whoever looks for the button; empty where it does."""
    node = settings.current()
    if not node.notebook_slots:
        return _(
            "This node opens no notebooks. Its administrator allows them with the setting notebook_slots."
        )
    if shutil.which("bwrap") is None:
        return _(
            "This node opens no notebooks: bubblewrap is not installed. Its administrator can install it."
        )
    if node.control_url and not node.notebooks_url and not _is_at_home(node.control_address):
        return _(
            "Notebooks have no address here. The administrator of this node gives them one with notebooks_url."
        )
    return ""


def get_notebook(actor: Actor, run: str) -> NotebookCard:
    """One notebook of this person.

    Raises:
        NoSuchNotebookError: there is none, or the person may no longer see all that it uses.
    """
    row = Notebook.objects.filter(pk=run, person_id=actor.id).first() if actor.kind == "person" else None
    if row is None:
        raise NoSuchNotebookError
    try:
        job = jobs.get_job(actor, run)
    except NotFoundError:
        raise NoSuchNotebookError from None
    return NotebookCard(run, _stage(row, job), job, settings.current().notebook_address(run))


def opened(actor: Actor, dataset_id: str) -> NotebookCard | None:
    """The notebook that a person has open on a dataset; None where there is none."""
    for row in Notebook.objects.filter(person_id=actor.id, dataset_id=dataset_id, is_open=True):
        try:
            card = get_notebook(actor, row.pk)
        except NoSuchNotebookError:
            continue
        if card.stage is not Stage.OVER:
            return card
        Notebook.objects.filter(pk=row.pk).update(is_open=False)
    return None


def open_notebooks(actor: Actor) -> list[NotebookCard]:
    """All notebooks that a person has open, the newest first."""
    rows = (
        Notebook.objects.filter(person_id=actor.id, is_open=True).order_by("-pk").values_list("pk", flat=True)
    )
    cards = []
    for run in rows if actor.kind == "person" else ():
        try:
            cards.append(get_notebook(actor, run))
        except NoSuchNotebookError:
            continue
    return [card for card in cards if card.stage is not Stage.OVER]


def reaches() -> Iterator[Reach]:
    """Every notebook whose server answers here; for the gate of this node alone, which counts idle time from then on."""
    idle_s = settings.current().notebook_idle_s
    for run in Notebook.objects.filter(is_open=True, finish="").values_list("pk", flat=True):
        folder = jobs.serving_folder(run)
        if folder is not None and _has_socket(folder):
            yield Reach(run, folder / runner.DOOR_FOLDER, idle_s)


def _is_at_home(address: str) -> bool:
    """Whether people reach this node on their own machine, where every name below localhost leads."""
    return urlsplit(address).hostname in {"localhost", "127.0.0.1", "::1"}


def _stage(row: Notebook, job: jobs.JobCard) -> Stage:
    if job.is_over:
        return Stage.OVER
    if row.finish or job.is_cancelled:
        return Stage.ENDING
    folder = jobs.serving_folder(row.pk)
    return Stage.OPEN if folder is not None and _has_socket(folder) else Stage.PREPARING


def _has_socket(folder: Path) -> bool:
    return (folder / runner.DOOR_FOLDER / SOCKET).is_socket()
