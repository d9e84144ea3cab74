"""Jobs: who may ask for what, budgets, the fair queue, and messages that nobody can forge or repeat."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rooms.clients import caller_of
from tsunagu.compute.jobs import api as jobs
from tsunagu.compute.jobs import executors, hearing
from tsunagu.compute.jobs.models import Job
from tsunagu.compute.runner import api as runner
from tsunagu.compute.runner.log import Kept
from tsunagu.core import clock
from tsunagu.core.errors import NotFoundError
from tsunagu.data.datasets import api as datasets
from tsunagu.doors.rest import pushes
from tsunagu.foundation.identity import api as identity
from tsunagu.foundation.ledger import api as ledger
from tsunagu.foundation.policy import api as policy
from tsunagu.foundation.runs import api as runs

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def walls(monkeypatch):
    """Nothing is run in these tests, so they need no bubblewrap."""
    monkeypatch.setattr(executors.runner, "problem", lambda: "")


@pytest.fixture
def frozen(dataset, put):
    """An owner and a dataset with one version."""
    owner, card = dataset
    put(owner, card, {"a.csv": b"1\n", "code/run.py": b"print(1)"})
    datasets.freeze_version(owner, card.id)
    return owner, datasets.get_dataset(owner, "lab", "data")


def ask(actor, **more):
    more = {"inputs": ("lab/data",), "command": ("true",), **more}
    return jobs.submit(actor, jobs.Wanted(**more))


def member(owner, person, name, role):
    actor = person(name)
    project = datasets.get_project(owner, "lab").resource
    policy.grant(owner, project, subject_kind="person", subject_id=actor.id, role=role)
    return actor


def message(run, do="beat", *, number=None, secret=None, **content):
    number = number or int(clock.epoch_s() * 1e6)
    body = json.dumps({"run": run, "number": number, "do": do, **content}).encode()
    return body, runner.sign(secret or hearing.secret_of(run), body)


def result(**more):
    return runner.Result(**{"code": "ok", "exit_code": 0, **more}).as_json()


# --- Who may ask


def test_a_job_is_a_run_with_its_links_and_the_dataset_of_its_outputs_has_the_labels_at_once(frozen):
    owner, card = frozen
    datasets.set_label(owner, card, "sensitivity", "4")
    job = ask(owner, code="lab/data/code", parameters={"n": 3}, output="lab/out")
    run = runs.get(job.run)
    assert (run.kind, run.is_running, run.parameters["parameters"]) == ("compute", True, {"n": 3})
    assert run.parameters["basis"] == ["role:owner"]
    assert {(link.direction, link.label) for link in run.links} == {
        ("in", "lab/data"),
        ("in", "lab/data@1"),
        ("out", "lab/out"),
    }
    labels = {one.name: one for one in datasets.labels(datasets.get_dataset(owner, "lab", "out"))}
    assert (labels["sensitivity"].value, labels["sensitivity"].run_id) == ("4", job.run)


@pytest.mark.parametrize(("role", "may"), [("editor", True), ("reader", False)])
def test_only_those_who_may_change_a_project_run_there(frozen, person, role, may):
    owner, _card = frozen
    actor = member(owner, person, "helper", policy.Role(role))
    if may:
        assert ask(actor).state == "queued"
    else:
        with pytest.raises(policy.ActionDeniedError):
            ask(actor)


def test_a_reader_runs_in_a_project_of_their_own_and_others_see_nothing_of_it(frozen, person):
    owner, _card = frozen
    actor, stranger = member(owner, person, "helper", policy.Role.READER), person("stranger")
    datasets.create_project(actor, "own")
    job = ask(actor, output="own/out")
    assert [one.run for one in jobs.list_jobs(actor, project="lab", dataset="data")] == [job.run]
    # The owner of the data sees the project of somebody else no more than before.
    assert jobs.list_jobs(owner, project="lab", dataset="data") == []
    with pytest.raises(jobs.NoSuchJobError):
        jobs.get_job(stranger, job.run)
    policy.revoke(
        owner, datasets.get_project(owner, "lab").resource, subject_kind="person", subject_id=actor.id
    )
    with pytest.raises(jobs.NoSuchJobError):
        jobs.read_log(actor, job.run)  # what it printed may be the data


def test_a_program_runs_only_inside_its_scope(frozen):
    owner, card = frozen
    narrow = identity.TokenScope(("read",))
    wide = identity.TokenScope(("read", "write"), (card.project_id,))
    elsewhere = identity.TokenScope(("read", "write"), ("01J00000000000000000000000",))
    from dataclasses import replace

    with pytest.raises(policy.ActionDeniedError):
        ask(replace(owner, scope=narrow, agent="Agent"))
    with pytest.raises(NotFoundError):
        ask(replace(owner, scope=elsewhere, agent="Agent"))
    job = ask(replace(owner, scope=wide, agent="Agent"))
    assert runs.get(job.run).agent == "Agent"


def test_a_rule_of_the_institution_stops_it(frozen, officer, english):
    owner, _card = frozen
    policy.write_text(
        officer, "institution", '@id("no-compute") @en("Not here.") @ja("できません。")'
        ' forbid(principal, action == Action::"compute.run", resource);',
    )  # fmt: skip
    with pytest.raises(policy.ActionDeniedError, match="Not here"):
        ask(owner)
    policy.write_text(officer, "institution", "")
    assert ask(owner).state == "queued"


def test_sealed_data_is_not_computed_into_the_clear(dataset, put):
    owner, card = dataset
    datasets.seal(owner, card.id)
    put(owner, card, {"a": b"1"})
    datasets.freeze_version(owner, card.id)
    with pytest.raises(jobs.OutputNotSealedError):
        ask(owner)
    out = datasets.create_dataset(owner, "lab", "out")
    datasets.seal(owner, out.id)
    assert ask(owner, output="lab/out").state == "queued"


@pytest.mark.parametrize(
    "bad",
    [
        {"command": ()},
        {"command": (" ",)},
        {"command": ("a\0b",)},
        {"command": ("x" * 200_000,)},
        {"inputs": ()},
        {"inputs": ("lab/data", "lab/data@1")},
        {"inputs": ("lab",)},
        {"inputs": ("lab/data/folder",)},
        {"inputs": ("lab/data@x",)},
        {"parameters": {"A": 1}},
        {"parameters": {"a": float("inf")}},
        {"parameters": {"a": [1]}},
        {"limits": jobs.Limits(cores=10_000)},
        {"limits": jobs.Limits(duration_s=0)},
        {"limits": jobs.Limits(memory_bytes=1)},
    ],
)
def test_what_cannot_be_run(frozen, bad):
    with pytest.raises(jobs.BadJobError):
        ask(frozen[0], **bad)
    assert not Job.objects.exists()


# --- Budgets


def test_a_budget_is_reserved_settled_and_refused_in_words(frozen, officer, english):
    owner, _card = frozen
    jobs.allocate(officer, "lab", cpu_s=1000, memory_gb_h=100, output_bytes=10**12)
    job = ask(owner, limits=jobs.Limits(duration_s=600))
    found = jobs.budget(owner, "lab")
    assert (found.reserved.cpu_s, found.left.cpu_s) == (600, 400)
    with pytest.raises(jobs.BudgetExceededError, match="600 s asked for, 400 s left"):
        ask(owner, output="lab/other", limits=jobs.Limits(duration_s=600))
    assert not [card for card in datasets.list_datasets(owner)[0] if card.name == "other"], (
        "nothing is left of it"
    )
    Job.objects.filter(pk=job.run).update(state="running")
    say(job.run, "result", result=result(cpu_s=12.5, peak_memory_bytes=10**9, duration_s=3600.0))
    found = jobs.budget(owner, "lab")
    assert (found.used.cpu_s, found.used.memory_gb_h, found.reserved.cpu_s) == (12.5, 1.0, 0)
    with pytest.raises(policy.ActionDeniedError):
        jobs.allocate(owner, "lab", cpu_s=1e9, memory_gb_h=1, output_bytes=1)
    assert not ledger.verify().problem


# --- Messages


def say(run, do="beat", **content):
    body, signature = message(run, do, **content)
    return jobs.answer(jobs.hear(run, body, signature))


@pytest.fixture
def running(frozen):
    job = ask(frozen[0])
    Job.objects.filter(pk=job.run).update(state="running", started_at=clock.now())
    return frozen[0], job.run


def test_forged_altered_replayed_and_misdirected_messages_are_refused(running, frozen):
    owner, run = running
    other = ask(owner, output="lab/second").run
    body, signature = message(run, "result", result=result())
    tries = [
        (run, body, ""),
        (run, body, runner.sign("0" * 64, body)),  # another secret
        (run, body.replace(b'"ok"', b'"no"'), signature),  # altered
        (run, body + b" ", signature),
        (other, body, signature),  # to another run
        (
            other,
            body,
            runner.sign(hearing.secret_of(other), body),
        ),  # by the other run's secret, about this one
        ("01J00000000000000000000000", *message("01J00000000000000000000000")),  # about nothing
        (run, *message(run, number=-1)),
        (run, b"[]", runner.sign(hearing.secret_of(run), b"[]")),
        (run, b"\xff", runner.sign(hearing.secret_of(run), b"\xff")),
    ]
    for one in tries:
        with pytest.raises(jobs.ForgedMessageError):
            jobs.hear(*one)
    assert jobs.get_job(owner, run).state == "running"
    early = message(run)
    jobs.hear(run, *message(run, number=int(clock.epoch_s() * 1e6) + 1000))
    with pytest.raises(jobs.ForgedMessageError):
        jobs.hear(run, *early)  # held back and sent later
    fresh = message(run, "result", number=int(clock.epoch_s() * 1e6) + 10**7, result=result())
    jobs.answer(jobs.hear(run, *fresh))
    for _again in range(2):
        with pytest.raises(jobs.ForgedMessageError):
            jobs.hear(run, *fresh)
    assert jobs.get_job(owner, run).state == "succeeded"
    with pytest.raises(jobs.JobOverError):
        jobs.hear(run, *message(run, number=int(clock.epoch_s() * 1e6) + 2 * 10**7))


def test_the_address_of_the_line_answers_refusals_as_problems(running, client):
    _owner, run = running
    body, signature = message(run, "order")
    url = f"/compute/line/{run}"
    answer = client.post(url, body, content_type="application/json", headers={"Tsunagu-Signature": "x"})
    assert (answer.status_code, answer.json()["code"]) == (401, "compute.forged_message")
    answer = client.post(url, body, content_type="application/json", headers={"Tsunagu-Signature": signature})
    assert answer.json()["answer"]["inputs"] == [{"place": "lab/data", "version": 1, "folder": ""}]
    assert client.get(url).status_code == 405


def over_the_wire(client, run, do, **content):
    body, signature = message(run, do, **content)
    headers = {"Tsunagu-Signature": signature}
    return client.post(f"/compute/line/{run}", body, content_type="application/json", headers=headers).json()


def test_an_order_brings_what_its_wrapper_would_ask_for_next(frozen, client, monkeypatch):
    run = ask(frozen[0], code="lab/data/code", output="lab/out").run
    Job.objects.filter(pk=run).update(state="running", started_at=clock.now())
    pages = over_the_wire(client, run, "order")["answer"]["pages"]
    assert [one["content"]["prefix"] for one in pages] == ["", "code/"]
    for page in pages:
        asked = over_the_wire(client, run, "call", path=page["path"], content=page["content"])["answer"]
        assert [one["sha256"] for one in page["answer"]["files"]] == [one["sha256"] for one in asked["files"]]
    monkeypatch.setattr(
        pushes.storage, "locate", lambda *_: {}
    )  # the bytes are gone: the wrapper hears it when it asks
    assert over_the_wire(client, run, "order")["answer"]["pages"] == []


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("/datasets/lab/data/pulls", {"version": 2}),  # another version: the draft
        ("/datasets/lab/data/pulls", {}),
        ("/datasets/lab/data-runs/pulls", {"version": 1}),
        ("/datasets/lab/data/pushes", {}),
        ("/datasets/other/x/pushes", {}),
        ("/pushes/01J00000000000000000000000/finish", {"outcome": "ok"}),
        ("/pushes/01J00000000000000000000000/plan", {"files": []}),
        ("/projects", {"name": "mine"}),
        ("/datasets/lab/data/pulls/../../x", {"version": 1}),
        (None, None),
    ],
)
def test_a_job_asks_for_nothing_but_its_own(running, client, path, content):
    _owner, run = running
    body, signature = message(run, "call", path=path, content=content)
    answer = client.post(
        f"/compute/line/{run}",
        body,
        content_type="application/json",
        headers={"Tsunagu-Signature": signature},
    )
    assert answer.status_code in {401, 422}, answer.content


def test_one_delivery_at_a_time(running):
    owner, run = running
    other = ask(owner).run
    Job.objects.filter(pk=other).update(state="running")
    hearing.begin_delivery(run, "lab/data-runs")
    hearing.begin_delivery(run, "lab/data-runs")  # the same one goes on
    with pytest.raises(jobs.OutputBusyError):
        hearing.begin_delivery(other, "lab/data-runs")
    say(run, "result", result=result(code="exit", exit_code=1))
    hearing.begin_delivery(other, "lab/data-runs")


def test_a_draft_is_looked_at_when_nobody_else_delivers(running, monkeypatch):
    _owner, run = running
    seen, real = [], datasets.get_dataset_by_id

    def looked(actor, dataset_id):
        seen.append(Job.objects.get(pk=run).is_delivering)
        return real(actor, dataset_id)

    monkeypatch.setattr(hearing.datasets, "get_dataset_by_id", looked)
    hearing.begin_delivery(run, "lab/data-runs")
    assert seen[-1]  # the rights are asked before


def test_files_that_people_put_among_the_outputs_are_not_replaced(running, put):
    owner, run = running
    put(owner, datasets.get_dataset(owner, "lab", "data-runs"), {"mine.txt": b"1"})
    with pytest.raises(jobs.OutputTakenError):
        hearing.begin_delivery(run, "lab/data-runs")


def test_outputs_must_be_the_reported_ones(running, put):
    owner, run = running
    put(owner, datasets.get_dataset(owner, "lab", "data-runs"), {"b": b"real", "old": b"x"})
    wrong = [("b", 4, "ab" * 32)]
    say(run, "result", result=result(outputs=wrong))
    job = jobs.get_job(owner, run)
    assert (job.state, job.code, job.version) == ("failed", "output_changed", None)
    assert not datasets.get_dataset(owner, "lab", "data-runs").has_frozen


def test_a_result_that_is_none_settles_nothing(running):
    owner, run = running
    for said in (
        None,
        {},
        {"code": "ok"},
        result() | {"cpu_s": -5},
        result() | {"outputs": [["a"]]},
        result() | {"x": 1},
    ):
        with pytest.raises(runner.BadOrderError):
            say(run, "result", result=said)
    assert jobs.get_job(owner, run).state == "running"


def test_a_right_that_is_gone_gives_no_order_and_a_closed_account_no_outputs(frozen, person):
    owner, _card = frozen
    actor = member(owner, person, "helper", policy.Role.EDITOR)
    run = ask(actor).run
    Job.objects.filter(pk=run).update(state="running")
    scope = datasets.get_project(owner, "lab").resource
    policy.grant(owner, scope, subject_kind="person", subject_id=actor.id, role=policy.Role.READER)
    with pytest.raises(policy.ActionDeniedError):
        say(run, "order")
    from tsunagu.foundation.identity.models import Person

    Person.objects.filter(uid=actor.id).update(is_active=False)
    say(run, "result", result=result(outputs=[("a", 1, "ab" * 32)]))
    assert (Job.objects.get(pk=run).state, Job.objects.get(pk=run).code) == ("failed", "refused")


def test_a_log_is_kept_once_and_only_so_much_of_it(running):
    owner, run = running
    piece = base64.b64encode("日本語\n".encode()).decode()
    for _twice in range(2):
        say(run, "log", offset=0, piece=piece)
    say(run, "log", offset=10, piece=base64.b64encode(b"more").decode())
    page = jobs.read_log(owner, run)
    assert (page.text, page.after, page.is_over) == ("日本語\nmore", 14, False)
    assert jobs.read_log(owner, run, offset=10).text == "more"
    from tsunagu.core.errors import InvalidInputError

    for bad in (
        {"offset": 1 << 40, "piece": piece},
        {"offset": 0, "piece": "?"},
        {"offset": 0, "piece": ""},
        {},
    ):
        with pytest.raises(InvalidInputError):
            say(run, "log", **bad)


def test_a_log_of_sealed_data_lies_sealed_and_goes_with_the_data(dataset, put):
    from tsunagu.compute.jobs import tasks
    from tsunagu.compute.jobs.models import LogPiece

    owner, card = dataset
    datasets.seal(owner, card.id)
    put(owner, card, {"a": b"1"})
    datasets.freeze_version(owner, card.id)
    out = datasets.create_dataset(owner, "lab", "out")
    datasets.seal(owner, out.id)
    run = ask(owner, output="lab/out").run
    Job.objects.filter(pk=run).update(state="running")
    say(run, "log", offset=0, piece=base64.b64encode(b"a secret of the data\n").decode())
    say(run, "log", offset=21, piece=base64.b64encode(b"more").decode())
    assert b"secret" not in b"".join(bytes(one.content) for one in LogPiece.objects.all())
    page = jobs.read_log(owner, run)
    assert (page.text, page.after) == ("a secret of the data\nmore", 25)
    tasks.drop_logs.call(dataset_id=card.id)
    assert jobs.read_log(owner, run).text == ""


def test_cancelling(frozen, person):
    owner, _card = frozen
    waiting = ask(owner)
    assert jobs.cancel(owner, waiting.run).state == "cancelled"
    assert runs.get(waiting.run).outcome == "aborted"
    with pytest.raises(jobs.JobOverError):
        jobs.cancel(owner, waiting.run)
    editor = member(owner, person, "helper", policy.Role.EDITOR)
    running = ask(owner)
    Job.objects.filter(pk=running.run).update(state="running")
    with pytest.raises(policy.ActionDeniedError):
        jobs.cancel(editor, running.run)  # somebody else's
    theirs = ask(editor, output="lab/theirs")
    assert jobs.cancel(owner, theirs.run).state == "cancelled"  # the owner manages the project
    assert jobs.cancel(owner, running.run).state == "running"
    assert jobs.hear(running.run, *message(running.run)).is_cancelled


def test_rest(frozen):
    owner, _card = frozen
    caller = caller_of(owner)
    body = {
        "inputs": ["lab/data"],
        "command": ["true"],
        "parameters": {"a": 1, "b": True, "c": 0.5, "d": "x"},
    }
    made = caller.post("/api/v1/runs", body, content_type="application/json")
    assert made.status_code == 201, made.content
    assert made.json()["parameters"] == body["parameters"]
    run = made.json()["run"]
    assert caller.get("/api/v1/runs?mine=true").json()["runs"][0]["run"] == run
    assert caller.get("/api/v1/runs?dataset=lab/data&limit=1").json()["next"] is None
    assert caller.get(f"/api/v1/runs/{run}/log").json() == {"text": "", "after": 0, "is_over": False}
    assert caller.post(f"/api/v1/runs/{run}/cancel").json()["state"] == "cancelled"
    assert caller.post(f"/api/v1/runs/{run}/again").status_code == 201
    assert caller.get("/api/v1/projects/lab/budget").json()["left"]["cpu_s"] > 0
    refused = caller.post("/api/v1/runs", {**body, "limits": {"cpu": 4}}, content_type="application/json")
    assert refused.status_code == 422


# --- The log's bounds


@given(pieces=st.lists(st.binary(max_size=50), max_size=40), most=st.integers(1, 60))
def test_a_kept_log_is_its_beginning_and_its_end(pieces, most):
    kept, whole = Kept(most), b"".join(pieces)
    head = b"".join(kept.take(piece) for piece in pieces)
    rest = kept.rest()
    assert head == whole[:most]
    if len(whole) <= 2 * most:
        assert head + rest == whole
    else:
        assert rest.endswith(whole[-most:])
        assert f"{len(whole) - 2 * most:,} bytes".encode() in rest
