"""The pages of compute runs, as those see them who may, in both languages."""

from __future__ import annotations

import base64

import pytest

from tests.rooms.clients import client_of
from tests.rooms.test_compute import ask, message, result
from tsunagu.compute.jobs import api as jobs
from tsunagu.compute.jobs import entries, executors
from tsunagu.compute.jobs.models import Job
from tsunagu.core import clock
from tsunagu.data.datasets import api as datasets

pytestmark = pytest.mark.django_db
ENTRIES = """
[run.peaks]
title = "Find peaks"
title_ja = "ピーク検出"
command = "python3 $TSUNAGU_CODE/find.py"
lock = "requirements.lock"
limits = { cores = 2, duration_s = 1800 }
parameters.threshold = { type = "number", default = 0.2, minimum = 0, unit = "V", title = "Threshold" }
parameters.smooth = { type = "yes_no", default = true }
parameters.window = { type = "choice", choices = ["hann", "none"], default = "hann" }
[run.plain]
command = "true"
"""


@pytest.fixture(autouse=True)
def walls(monkeypatch):
    monkeypatch.setattr(executors.runner, "problem", lambda: "")


@pytest.fixture
def frozen(dataset, put):
    owner, card = dataset
    lock = f"numpy==2.0 --hash=sha256:{'ab' * 32}\n"
    put(owner, card, {"a.csv": b"1\n", "tsunagu.toml": ENTRIES.encode(), "requirements.lock": lock.encode()})
    datasets.freeze_version(owner, card.id)
    return owner, datasets.get_dataset(owner, "lab", "data")


def said(run, do, number, **content):
    body, signature = message(run, do, number=int(clock.epoch_s() * 1e6) + number, **content)
    return jobs.answer(jobs.hear(run, body, signature))


def test_a_declared_command_is_run_with_its_parameters(frozen):
    owner, _card = frozen
    client = client_of(owner)
    page = client.get("/d/lab/data/compute").content.decode()
    assert "Find peaks" in page
    assert "Threshold (V)" in page
    assert 'value="0.2"' in page
    assert "ピーク検出" in client_of(owner, "ja").get("/d/lab/data/compute").content.decode()
    form = {
        "on": "1",
        "entry": "peaks",
        "p-threshold": "0.5",
        "p-window": "none",
        "output": "lab/peaks",
        "minutes": "5",
    }
    answer = client.post("/d/lab/data/compute", form)
    assert answer.status_code == 302, answer.content
    job = jobs.get_job(owner, answer.headers["Location"].rpartition("/")[2])
    assert job.parameters == {"threshold": 0.5, "smooth": False, "window": "none"}
    assert job.command == ("/bin/sh", "-c", "python3 $TSUNAGU_CODE/find.py")
    assert [(one.place, one.version, one.use) for one in job.inputs] == [
        ("lab/data", 1, "in"),
        ("lab/data", 1, "code"),
    ]
    assert (job.limits.duration_s, bool(job.environment_hash)) == (300, True)
    for wrong in (
        {"p-threshold": "-1"},
        {"p-threshold": "x"},
        {"p-window": "box"},
        {"entry": "nothing"},
        {"on": "7"},
    ):
        assert client.post("/d/lab/data/compute", {**form, **wrong}).status_code in {404, 422}, wrong


def test_one_run_for_each_value_from_the_form(frozen):
    owner, _card = frozen
    client = client_of(owner)
    form = {"on": "1", "entry": "peaks", "p-window": "none", "output": "lab/peaks"}
    answer = client.post("/d/lab/data/compute", {**form, "each": "threshold = 0.1, 0.2,0.5"})
    assert answer.status_code == 302, answer.content
    first = jobs.get_job(owner, answer.headers["Location"].rpartition("/")[2])
    made = jobs.list_jobs(owner, array=first.array_id)[::-1]
    assert [one.parameters["threshold"] for one in made] == [0.1, 0.2, 0.5]
    assert {one.parameters["window"] for one in made} == {"none"}
    assert first.run == made[0].run
    for each in ("threshold=-1..2", "threshold=a,b", "nothing=1", "threshold=", "=1", "threshold=1..5000"):
        wrong = client.post("/d/lab/data/compute", {**form, "each": each})
        assert wrong.status_code == 422, each
    assert len(jobs.list_jobs(owner)) == 3
    plain = {"on": "1", "command": "true", "output": "lab/plain", "each": "n=1..3"}
    assert client.post("/d/lab/data/compute", plain).status_code == 302
    assert [one.parameters["n"] for one in jobs.list_jobs(owner)[:3][::-1]] == [1, 2, 3]


def test_a_run_from_the_form_to_its_end(frozen):
    owner, _card = frozen
    client = client_of(owner)
    form = {"on": "1", "command": "echo <b>$TSUNAGU_IN</b>", "output": "lab/out"}
    url = client.post("/d/lab/data/compute", form).headers["Location"]
    page = client.get(url).content.decode()
    assert "hx-trigger" in page
    assert "<noscript>" in page
    assert "Cancel the run" in page
    run = url.rpartition("/")[2]
    Job.objects.filter(pk=run).update(state="running", started_at=clock.now())
    said(run, "log", 1, offset=0, piece=base64.b64encode(b"<script>alert(1)</script>\n").decode())
    part = client.get(f"{url}/part?watched=5").content.decode()
    assert "&lt;script&gt;" in part
    assert "<script>" not in part
    failed = result(code="exit", facts={"exit_code": 3}, exit_code=3, cpu_s=1.5, peak_memory_bytes=2 * 10**6)
    said(run, "result", 2, result=failed)
    page = client.get(url).content.decode()
    assert "exit code 3" in page
    assert "hx-get" not in page
    assert "2.0 MB" in page.replace("\u202f", " ")
    assert "Run it again" in page
    again = client.post(url, {"again": ""}).headers["Location"]
    assert again != url
    compared = client.get(f"{url}/compare?with={again.rpartition('/')[2]}").content.decode()
    assert "Two runs compared" in compared
    assert client.post(again, {"cancel": ""}).status_code == 302
    assert jobs.get_job(owner, again.rpartition("/")[2]).state == "cancelled"
    listed = client.get("/d/lab/data/compute").content.decode()
    assert listed.count("echo &lt;b&gt;") >= 2
    assert "Compute budget" in client.get("/projects/lab").content.decode()


def test_strangers_see_no_run(frozen, person):
    owner, _card = frozen
    run = ask(owner).run
    stranger = client_of(person("stranger"))
    for url in (f"/runs/{run}", f"/runs/{run}/part", f"/runs/{run}/compare?with={run}"):
        assert stranger.get(url).status_code == 404
    assert stranger.post(f"/runs/{run}", {"cancel": ""}).status_code == 404
    assert jobs.get_job(owner, run).state == "queued"


@pytest.mark.parametrize(
    "text",
    [
        "x =",
        "run = 1",
        "[run.a]",
        '[run.A]\ncommand = "x"',
        '[run.a]\ncommand = "x"\nother = 1',
        '[run.a]\ncommand = "x"\nlimits = { cpu = 1 }',
        '[run.a]\ncommand = "x"\nparameters.b = { type = "colour" }',
        '[run.a]\ncommand = "x"\nparameters.b = { type = "choice" }',
        '[run.a]\ncommand = "x"\nparameters.b = { type = "integer", default = 0.5 }',
        '[run.a]\ncommand = "x"\nparameters.b = { type = "number", default = 5, maximum = 4 }',
        '[run.a]\ncommand = "x"\nlock = "../x"',
    ],
)
def test_a_declaration_that_cannot_be_used_is_named(text):
    from tsunagu.core.errors import InvalidInputError

    with pytest.raises(InvalidInputError):
        entries.parse(text)


def test_a_broken_declaration_does_not_hide_the_page(dataset, put):
    owner, card = dataset
    put(owner, card, {"tsunagu.toml": b"run = 1"})
    datasets.freeze_version(owner, card.id)
    page = client_of(owner).get("/d/lab/data/compute").content.decode()
    assert "does not hold tables" in page
    assert 'name="command"' in page
