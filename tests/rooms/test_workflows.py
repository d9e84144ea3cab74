"""CWL documents as runs: what becomes a parameter, what is refused and why, what the record says."""

from __future__ import annotations

import json
import re

import pytest

from tests.rooms.clients import client_of
from tsunagu.compute.jobs import api as jobs
from tsunagu.compute.jobs import executors
from tsunagu.compute.workflows import api as workflows
from tsunagu.core.errors import NotFoundError
from tsunagu.data.datasets import api as datasets
from tsunagu.foundation.runs import api as runs

TOOL = """
cwlVersion: v1.2
class: CommandLineTool
label: Rows above a threshold
baseCommand: [awk, -f]
hints: {DockerRequirement: {dockerPull: debian}}
inputs:
  script: File
  table: {type: File, label: The table}
  least: {type: int, default: 2}
  Scale-Factor: double?
  mode: {type: {type: enum, symbols: [fast, exact]}, default: fast}
  more: string[]?
  is_dry: boolean
outputs:
  rows: stdout
stdout: rows.csv
"""
GRAPH = """
cwlVersion: v1.2
$graph:
- id: step
  class: CommandLineTool
  inputs: []
  outputs: []
- id: main
  class: Workflow
  inputs: [{id: table, type: File}]
  outputs: []
  steps: [{id: one, run: "#step", in: [], out: []}]
"""
# Aliases of aliases: a few lines that are seven times eight to the fourth parts.
BOMB = "a0: &a0 [x,x,x,x,x,x,x,x]\n" + "".join(
    f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 8)}]\n" for n in range(1, 8)
)


def files(**texts):
    def fetch(path):
        if path not in texts:
            raise NotFoundError
        return texts[path]

    return fetch


def read(text, **more):
    return workflows.read("a.cwl", files(**{"a.cwl": text, **more}))


def test_inputs_become_parameters_with_their_types():
    found = read(TOOL)
    assert (found.kind, found.version, found.title) == ("CommandLineTool", "v1.2", "Rows above a threshold")
    shown = {
        one.id: (
            one.parameter.name,
            one.parameter.kind,
            one.form,
            one.parameter.default,
            one.parameter.is_optional,
        )
        for one in found.taken
    }
    assert shown == {
        "script": ("script", "text", "File", None, False),
        "table": ("table", "text", "File", None, False),
        "least": ("least", "integer", "value", 2, True),
        "Scale-Factor": ("scale_factor", "number", "value", None, True),
        "mode": ("mode", "choice", "value", "fast", True),
        "more": ("more", "text", "json", None, True),
        "is_dry": ("is_dry", "yes_no", "value", None, False),
    }
    assert [one.id for one in read(GRAPH).taken] == ["table"], "of a graph, its main"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("]", "no YAML"),
        ("- 1", "no CWL document"),
        ("cwlVersion: v1.2\nclass: Dog", "neither a CommandLineTool nor a Workflow"),
        ("cwlVersion: draft-3\nclass: CommandLineTool", "cwlVersion"),
        (TOOL.replace("hints:", "requirements:"), "DockerRequirement"),
        (TOOL.replace("hints: {Docker", "requirements: [{class: NetworkAccess}]\nx: {Docker"), "NetworkAccess"),
        (GRAPH.replace('"#step"', "https://example.org/step.cwl"), "no network"),
        (GRAPH.replace('"#step"', "other.cwl"), "not in the dataset"),
        ("cwlVersion: v1.2\nclass: CommandLineTool\ninputs: 7", "neither a table nor a list"),
        ("cwlVersion: v1.2\nclass: CommandLineTool\ninputs: [7]", "no id"),
        (BOMB, "too large"),
        ("[" * 200 + "]" * 200, "no CWL document"),
        ("a: " + "[" * 200 + "]" * 200, "nested too deeply"),
    ],
)  # fmt: skip
def test_what_cannot_be_run_is_refused_with_the_reason(text, why):
    with pytest.raises(workflows.BadWorkflowError, match=why):
        read(text)


def test_a_container_in_a_file_that_a_step_runs_is_found():
    outer = GRAPH.replace('"#step"', "tools/other.cwl")
    inner = TOOL.replace("hints:", "requirements:")
    with pytest.raises(workflows.BadWorkflowError, match=r"tools/other\.cwl cannot be run.*container"):
        read(outer, **{"tools/other.cwl": inner})
    assert read(outer, **{"tools/other.cwl": TOOL}).kind == "Workflow"


@pytest.fixture
def frozen(dataset, put, monkeypatch):
    monkeypatch.setattr(executors.runner, "problem", lambda: "")
    owner, card = dataset
    put(owner, card, {"a.csv": b"1\n", "flows/rows.cwl": TOOL.encode(), "bad.cwl": b"["})
    datasets.freeze_version(owner, card.id)
    return owner


def ask(owner, path="flows/rows.cwl", **parameters):
    wanted = jobs.Wanted(inputs=("lab/data",), command=(), parameters=parameters)
    return workflows.submit(owner, wanted, path)


@pytest.mark.django_db
def test_a_run_of_a_document_is_a_job_with_its_parameters_and_a_record(frozen):
    given = {"script": "a.awk", "table": "a.csv", "Scale-Factor": 1.5, "is_dry": False, "more": '["x"]'}
    job = ask(frozen, **given)
    assert job.parameters == {
        "script": "a.awk", "table": "a.csv", "least": 2, "scale_factor": 1.5, "mode": "fast", "is_dry": False,
        "more": '["x"]',
    }  # fmt: skip
    assert job.command[3] == "flows/rows.cwl"
    assert json.loads(job.command[4])["scale_factor"] == ["Scale-Factor", "value"]
    assert [(one.place, one.version, one.use) for one in job.inputs] == [
        ("lab/data", 1, "in"),
        ("lab/data", 1, "code"),
    ]
    said = runs.get(job.run).parameters["workflow"]
    assert (said["path"], said["language"], said["inputs"]["table"]["type"]) == (
        "flows/rows.cwl",
        "v1.2",
        "File",
    )
    again = jobs.again(frozen, job.run)
    assert (again.command, again.parameters) == (job.command, job.parameters)
    assert runs.get(again.run).parameters["workflow"] == said
    (entry,) = workflows.entry_points(frozen, datasets.get_dataset(frozen, "lab", "data"), 1)
    assert entry.name == "flows/rows.cwl", "what cannot be run is not offered"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"table": "a.csv"}, "input script"),
        ({"script": "s", "table": "t", "is_dry": True, "colour": 1}, "no input 'colour'"),
        ({"script": "s", "table": "t", "is_dry": True, "least": "many"}, "least"),
        ({"script": "s", "table": "t", "is_dry": True, "more": "x"}, "JSON"),
        ({"script": "../s", "table": "t", "is_dry": True}, "path"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(frozen, given, why):
    with pytest.raises((workflows.BadWorkflowError, jobs.BadJobError, datasets.BadPathError), match=why):
        ask(frozen, **given)


@pytest.mark.django_db
def test_a_lock_file_without_cwltool_and_a_missing_document_are_refused(frozen):
    wanted = jobs.Wanted(inputs=("lab/data",), command=(), lock="numpy==2.2.0 --hash=sha256:" + "0" * 64)
    with pytest.raises(workflows.NoCwltoolError):
        workflows.submit(frozen, wanted, "flows/rows.cwl")
    with pytest.raises(NotFoundError):
        ask(frozen, "other.cwl")


@pytest.mark.django_db
def test_the_form_asks_for_the_inputs_and_its_button_runs_the_document(frozen, settings):
    settings.STATIC_ROOT.mkdir(exist_ok=True)
    page = client_of(frozen).get("/d/lab/data/compute?entry=flows/rows.cwl").content.decode()
    assert "Rows above a threshold" in page
    assert re.search(r'name="p-table" value="" required', page)
    assert re.search(r'name="p-scale_factor" value=""(?! required)', page), "it may be left out"
    form = {
        "entry": "flows/rows.cwl",
        "on": "1",
        "output": "lab/out",
        "p-script": "a.awk",
        "p-table": "a.csv",
    }
    form |= {"p-least": "3", "p-mode": "exact", "p-scale_factor": "", "p-more": ""}
    answer = client_of(frozen).post("/d/lab/data/compute", form)
    assert answer.status_code == 302, answer.content.decode()[-2000:]
    (job,) = jobs.list_jobs(frozen, mine=True)
    assert job.parameters == {
        "script": "a.awk",
        "table": "a.csv",
        "least": 3,
        "mode": "exact",
        "is_dry": False,
    }
    said = client_of(frozen).post("/d/lab/data/compute", {**form, "each": "least=1,2"})
    assert said.status_code >= 400
