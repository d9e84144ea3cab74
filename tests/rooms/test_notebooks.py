"""Notebooks as the room keeps them: one each, whose they are, who comes in; nothing is started here."""

from __future__ import annotations

import socket
from dataclasses import replace
from datetime import timedelta

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.test import Client

from tsunagu.compute.jobs import api as jobs
from tsunagu.compute.jobs import executors
from tsunagu.compute.jobs.models import Job
from tsunagu.compute.notebooks import api as notebooks
from tsunagu.compute.notebooks import selectors
from tsunagu.compute.notebooks.models import Notebook, Seat
from tsunagu.core import clock, settings
from tsunagu.core.ids import new_id
from tsunagu.data.datasets import api as datasets
from tsunagu.doors.internal.notebooks import check
from tsunagu.foundation.identity.api import NotSignedInError
from tsunagu.foundation.policy import api as policy
from tsunagu.foundation.storage import api as storage

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def walls(monkeypatch):
    monkeypatch.setattr(executors.runner, "problem", lambda: "")
    monkeypatch.setattr(selectors.shutil, "which", lambda _name: "/usr/bin/bwrap")


@pytest.fixture
def ana(person):
    return person("ana")


@pytest.fixture
def data(ana, put):
    datasets.create_project(ana, "lab")
    card = datasets.create_dataset(ana, "lab", "spectra")
    put(ana, card, {"a.csv": b"1\n"})
    datasets.freeze_version(ana, card.id)
    return datasets.get_dataset(ana, "lab", "spectra")


@pytest.fixture
def opened(ana, data, monkeypatch, tmp_path):
    """A notebook whose server answers, as far as the room can tell."""
    card = notebooks.open_notebook(ana, notebooks.Asked("lab/spectra@1", "lab/kept"))
    Job.objects.filter(pk=card.run).update(state="running", started_at=clock.now())
    monkeypatch.setattr(selectors.jobs, "serving_folder", lambda _run: tmp_path)
    (tmp_path / "door").mkdir()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "door" / "s"))
    return notebooks.get_notebook(ana, card.run)


def test_there_is_one_for_a_person_and_a_dataset_and_it_is_a_run_with_labels(ana, data):
    datasets.set_label(ana, data, "personal", "yes")
    first = notebooks.open_notebook(ana, notebooks.Asked("lab/spectra", "lab/kept"))
    assert notebooks.open_notebook(ana, notebooks.Asked("lab/spectra@1", "lab/other")).run == first.run
    job = jobs.get_job(ana, first.run)
    assert (job.executor, job.serves, job.output) == ("notebooks", True, "lab/kept")
    kept = datasets.get_dataset(ana, "lab", "kept")
    labels = {one.name: one.value for one in datasets.labels(kept)}
    assert labels["personal"] == "yes", "before a byte is written"
    assert jobs.budget(ana, "lab").reserved.cpu_s == job.limits.cpu_s
    assert notebooks.stop(ana, first.run).stage is notebooks.Stage.OVER, "it had not begun"
    assert notebooks.open_notebook(ana, notebooks.Asked("lab/spectra", "lab/kept")).run != first.run


def test_nobody_else_sees_enters_or_stops_it(ana, data, opened, person):
    bob = person("bob")
    policy.grant(
        ana,
        datasets.get_project(ana, "lab").resource,
        subject_kind="person",
        subject_id=bob.id,
        role=policy.Role.OWNER,
    )
    assert jobs.get_job(bob, opened.run).run == opened.run, "who shares the project sees the run"
    for ask in (
        lambda: notebooks.get_notebook(bob, opened.run),
        lambda: notebooks.enter(bob, opened.run, "session"),
        lambda: notebooks.stop(bob, opened.run),
    ):
        with pytest.raises(notebooks.NoSuchNotebookError):
            ask()
    with pytest.raises(NotSignedInError):
        notebooks.open_notebook(replace(ana, kind="instrument"), notebooks.Asked("lab/spectra"))


def test_only_the_person_with_the_word_and_the_session_comes_in(ana, opened, browser_of):
    session = browser_of("ana")
    word = notebooks.enter(ana, opened.run, session).partition("word=")[2]
    with pytest.raises(notebooks.EntryRefusedError):
        notebooks.admit(new_id(), word)
    cookie = notebooks.admit(opened.run, word)
    with pytest.raises(notebooks.EntryRefusedError):
        notebooks.admit(opened.run, word)
    assert _asked(opened.run, cookie) == 200
    assert _asked(opened.run, cookie + "x") == 401
    assert _asked(opened.run, "") == 401
    bob = browser_of("bob")
    Seat.objects.update(session_key=bob)
    assert _asked(opened.run, cookie) == 401, "the session is somebody else's"
    Seat.objects.update(session_key=session)
    assert _asked(opened.run, cookie) == 200
    SessionStore(session).delete()
    assert _asked(opened.run, cookie) == 401, "signed out"


def test_a_word_is_good_for_a_minute_and_a_stopped_notebook_lets_nobody_in(ana, opened, browser_of):
    session = browser_of("ana")
    word = notebooks.enter(ana, opened.run, session).partition("word=")[2]
    Seat.objects.update(made_at=clock.now() - timedelta(seconds=61))
    with pytest.raises(notebooks.EntryRefusedError):
        notebooks.admit(opened.run, word)
    cookie = notebooks.admit(opened.run, notebooks.enter(ana, opened.run, session).partition("word=")[2])
    assert notebooks.stop(ana, opened.run).stage is notebooks.Stage.ENDING
    assert _asked(opened.run, cookie) == 401
    with pytest.raises(notebooks.NotebookOverError):
        notebooks.enter(ana, opened.run, session)


def test_who_loses_the_right_to_the_data_is_out_and_the_notebook_ends(ana, data, opened, person, browser_of):
    session = browser_of("ana")
    cookie = notebooks.admit(opened.run, notebooks.enter(ana, opened.run, session).partition("word=")[2])
    bob = person("bob")
    project = datasets.get_project(ana, "lab").resource
    policy.grant(ana, project, subject_kind="person", subject_id=bob.id, role=policy.Role.OWNER)
    policy.revoke(bob, project, subject_kind="person", subject_id=ana.id)
    assert _asked(opened.run, cookie) in {401, 403, 404}
    keeper = notebooks.Keeper()
    keeper.attend()
    assert Notebook.objects.get(pk=opened.run).finish == "withdrawn"


def test_where_notebooks_cannot_be_opened_it_is_said_what_to_do(ana, data, monkeypatch):
    values = dict(settings.current().values)
    for more, said in (
        ({"notebook_slots": 0}, "notebook_slots"),
        ({"control_url": "https://data.example.org"}, "notebooks_url"),
    ):
        changed = settings.Settings(home=settings.current().home, values={**values, **more})
        with monkeypatch.context() as patch:
            patch.setattr(selectors.settings, "current", lambda changed=changed: changed)
            with pytest.raises(notebooks.NotebooksOffError, match=said):
                notebooks.open_notebook(ana, notebooks.Asked("lab/spectra"))
    monkeypatch.setattr(selectors.shutil, "which", lambda _name: None)
    with pytest.raises(notebooks.NotebooksOffError, match="bubblewrap"):
        notebooks.open_notebook(ana, notebooks.Asked("lab/spectra"))


def test_sealed_data_goes_into_a_sealed_notebook_that_lies_in_memory(ana, put):
    datasets.create_project(ana, "lab")
    for name in ("secret", "notes"):
        datasets.seal(ana, datasets.create_dataset(ana, "lab", name).id)
    put(ana, datasets.get_dataset(ana, "lab", "secret"), {"a.csv": b"1\n"})
    datasets.freeze_version(ana, datasets.get_dataset(ana, "lab", "secret").id)
    with pytest.raises(jobs.OutputNotSealedError):
        notebooks.open_notebook(ana, notebooks.Asked("lab/secret", "lab/plain"))
    card = notebooks.open_notebook(ana, notebooks.Asked("lab/secret", "lab/notes"))
    assert Job.objects.get(pk=card.run).is_sealed


def test_a_lock_file_without_jupyterlab_is_refused(ana, data):
    lock = "numpy==2.2.0 --hash=sha256:" + "0" * 64
    with pytest.raises(notebooks.NoJupyterError):
        notebooks.open_notebook(ana, notebooks.Asked("lab/spectra", lock=lock))


@pytest.fixture
def browser_of(person):
    """Signs people in; their session key."""
    from tsunagu.foundation.identity.models import Person

    def signed_in(name: str) -> str:
        person(name)
        client = Client()
        row = Person.objects.get(email=f"{name}@example.org")
        client.force_login(row, backend="allauth.account.auth_backends.AuthenticationBackend")
        return str(client.session.session_key)

    return signed_in


def _asked(run: str, cookie: str) -> int:
    """What control answers the gate."""
    import orjson
    from django.test import RequestFactory

    body = orjson.dumps({"at": clock.epoch_s(), "run": run, "cookie": cookie})
    signature = storage.signer().sign_message(body)
    request = RequestFactory().post(
        "/internal/notebooks/check", body, "application/json", headers={"tsunagu-signature": signature}
    )
    return int(check(request).status_code)
