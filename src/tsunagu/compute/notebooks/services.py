"""Opening notebooks, stopping them, and letting their person's browser in."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from pathlib import Path

from django.db import IntegrityError, transaction

from tsunagu.compute.jobs import api as jobs
from tsunagu.compute.notebooks import selectors
from tsunagu.compute.notebooks.errors import (
    EntryRefusedError,
    NoJupyterError,
    NoSuchNotebookError,
    NotebookOverError,
    NotebooksOffError,
    NotReadyError,
)
from tsunagu.compute.notebooks.models import Notebook, Seat
from tsunagu.compute.notebooks.types import Asked, NotebookCard, Stage
from tsunagu.compute.notebooks.types import Seat as SeatCard
from tsunagu.core import clock, settings
from tsunagu.core.errors import InvalidInputError, NotFoundError
from tsunagu.data.datasets import api as datasets
from tsunagu.foundation.identity.api import Actor, NotSignedInError
from tsunagu.foundation.policy import api as policy

_HERE = Path(__file__).parent
_ENTRY_S = 60
_MOST_SEATS = 20


def open_notebook(actor: Actor, asked: Asked) -> NotebookCard:
    """Open a notebook on a version of a dataset; the one that the person has open there already, if there is one.

    Raises:
        NotSignedInError: a machine asks, or nobody.
        NoJupyterError: the lock file holds no JupyterLab.
        TsunaguError: as for a job (``jobs.submit``): rights, budget, place, environment.
    """
    if actor.kind != "person":
        raise NotSignedInError
    if why := selectors.problem():
        raise NotebooksOffError(why)
    project, _slash, rest = asked.place.partition("/")
    card = datasets.get_dataset(actor, project, rest.partition("@")[0])
    if (found := selectors.opened(actor, card.id)) is not None:
        return found
    lock = asked.lock or _own_lock()
    if not {"jupyterlab", "ipykernel"} <= {line.partition("==")[0].strip() for line in lock.splitlines()}:
        raise NoJupyterError
    output = asked.output or f"{card.slug}-notebook-{actor.id[-4:].lower()}"
    wanted = jobs.Wanted(
        inputs=(asked.place,),
        command=("python", "-c", (_HERE / "inside.py").read_text("utf-8")),
        output=output,
        code=_earlier(actor, output),
        limits=asked.limits,
        executor=jobs.SERVING,
        lock=lock,
        serves=True,
        title="JupyterLab",
    )
    try:
        with transaction.atomic():
            job = jobs.submit(actor, wanted)
            Notebook.objects.create(
                run_id=job.run, dataset_id=card.id, person_id=actor.id, opened_at=clock.now()
            )
    except IntegrityError:  # asked for twice at once
        if (found := selectors.opened(actor, card.id)) is None:
            raise
        return found
    return selectors.get_notebook(actor, job.run)


def stop(actor: Actor, run: str) -> NotebookCard:
    """End a notebook; what it holds becomes a version. ``jobs.cancel`` ends one and throws that away.

    Raises:
        NoSuchNotebookError: there is none of this person.
        NotebookOverError: it has ended.
    """
    card = selectors.get_notebook(actor, run)
    if card.stage is Stage.OVER:
        raise NotebookOverError
    if card.job.state in {jobs.State.QUEUED, jobs.State.SUBMITTED}:  # nothing was written yet
        jobs.cancel(actor, run)
    else:
        finish(run, "finished")
    return selectors.get_notebook(actor, run)


def finish(run: str, why: str) -> None:
    """Have a notebook ended by the supervisor; ``why`` is a code of the jobs' reasons without ``served_``."""
    Notebook.objects.filter(pk=run, is_open=True, finish="").update(finish=why)


def enter(actor: Actor, run: str, session_key: str) -> str:
    """An address that lets one browser in, once, within a minute.

    Raises:
        NoSuchNotebookError: there is none of this person.
        NotReadyError, NotebookOverError: it is not open.
        TsunaguError: its person may no longer use what it reads.
    """
    card = selectors.get_notebook(actor, run)
    if card.stage is Stage.PREPARING:
        raise NotReadyError
    if card.stage is not Stage.OPEN:
        raise NotebookOverError
    jobs.require_still(run)
    if not session_key:
        raise NotSignedInError
    word = secrets.token_urlsafe(32)
    Seat.objects.create(notebook_id=run, session_key=session_key, entry_hash=_hash(word), made_at=clock.now())
    kept = Seat.objects.filter(notebook_id=run).order_by("-pk").values_list("pk", flat=True)[:_MOST_SEATS]
    Seat.objects.filter(notebook_id=run).exclude(pk__in=list(kept)).delete()
    return f"{card.address}/tsunagu-enter?word={word}"


def admit(run: str, word: str) -> str:
    """The cookie for a word; the word is worth nothing afterwards.

    Raises:
        EntryRefusedError: it was used, is too old, or belongs to another notebook.
    """
    cookie = secrets.token_urlsafe(32)
    waiting = Seat.objects.filter(
        entry_hash=_hash(word),
        notebook_id=run,
        notebook__is_open=True,
        cookie_hash=None,
        made_at__gt=clock.now() - timedelta(seconds=_ENTRY_S),
    )
    if not waiting.update(cookie_hash=_hash(cookie)):
        raise EntryRefusedError
    return cookie


def seat_of(run: str, cookie: str) -> SeatCard:
    """Who sits in front of a notebook with this cookie; the door asks whether their session still stands.

    Raises:
        EntryRefusedError: nobody does.
    """
    found = Seat.objects.select_related("notebook").filter(
        cookie_hash=_hash(cookie), notebook_id=run, notebook__is_open=True
    )
    seat = found.first() if cookie else None
    if seat is None:
        raise EntryRefusedError
    return SeatCard(run, seat.notebook.person_id, seat.session_key)


def require_seat(actor: Actor, seat: SeatCard) -> None:
    """Go on only if this person may use this notebook now: it is theirs, it goes on, and the rules still say yes.

    Raises:
        EntryRefusedError: it is not, or does not.
        TsunaguError: a rule says no.
    """
    if actor.kind != "person" or actor.id != seat.person_id:
        raise EntryRefusedError
    try:
        card = selectors.get_notebook(actor, seat.run)
    except NoSuchNotebookError:
        raise EntryRefusedError from None
    if card.stage is not Stage.OPEN:
        raise EntryRefusedError
    for (
        one
    ) in card.job.inputs:  # asked with the strength of the session, which the job's record does not know
        policy.require(actor, "dataset.read", datasets.get_dataset_by_id(actor, one.dataset_id).resource)
    jobs.require_still(seat.run)


def _own_lock() -> str:
    """The environment that the node's settings name, or the one that comes along.

    Raises:
        InvalidInputError: the file of the settings cannot be read.
    """
    named = settings.current().notebook_lock
    try:
        return (Path(named) if named else _HERE / "jupyterlab.lock").read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInputError(
            f"The lock file of this node's notebooks cannot be read: {error}",
            remedy="Have its administrator look at the setting notebook_lock.",
        ) from None


def _earlier(actor: Actor, output: str) -> str:
    """The version that the last notebook left there, to go on with; empty: there is none."""
    project, _slash, name = output.partition("/")
    try:
        card = datasets.get_dataset(actor, project, name)
    except NotFoundError:
        return ""
    return f"{card.slug}@{card.last_version}" if card.last_version else ""


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
