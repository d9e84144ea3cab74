"""Plans: maDMP in and out, versions, checks on every fixture, and what a broken check forbids."""

from __future__ import annotations

import datetime as dt
import json
from copy import deepcopy
from pathlib import Path

import pytest
from django.test import Client
from django.utils import translation

from tsunagu.core import clock
from tsunagu.core.errors import InvalidInputError, NotFoundError
from tsunagu.data.datasets import api as datasets
from tsunagu.data.description import api as description
from tsunagu.data.plans import api as plans
from tsunagu.data.sharing import api as sharing
from tsunagu.foundation.identity import api as identity
from tsunagu.foundation.ledger.models import Entry
from tsunagu.foundation.policy import api as policy
from tsunagu.foundation.runs import api as runs

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2027, 3, 31, 9, tzinfo=dt.UTC)
STANDARDS = Path(__file__).resolve().parents[2].parent / "shared" / "standards" / "madmp"
if not STANDARDS.is_dir():
    STANDARDS = Path(__file__).resolve().parents[2].parent.parent / "shared" / "standards" / "madmp"


@pytest.fixture(autouse=True)
def at(monkeypatch, settings):
    settings.STATIC_ROOT.mkdir(exist_ok=True)
    translation.activate("en")

    def move(moment):
        monkeypatch.setattr(clock, "now", lambda: moment)

    move(NOW)
    yield move
    translation.deactivate()


def document(**row):
    """A plan with one row for lab/data that every check is content with; ``row`` replaces parts of it."""
    place = {
        "title": "Spectra",
        "data_access": "open",
        "byte_size": 1_000_000,
        "format": ["text/csv"],
        "available_until": "2040-03-31",
        "license": [
            {"license_ref": "https://creativecommons.org/licenses/by/4.0/", "start_date": "2027-03-01"}
        ],
        "host": {"title": "Tsunagu", "url": "http://localhost:8000"},
    }
    place |= row.pop("place", {})
    place = {key: value for key, value in place.items() if value is not None}
    return {
        "dmp": {
            "title": "薄膜の計画",
            "language": "jpn",
            "created": "2026-04-01T00:00:00Z",
            "modified": "2027-01-10T00:00:00Z",
            "dmp_id": {"identifier": "https://doi.org/10.1234/abc", "type": "doi"},
            "contact": {
                "name": "Owner",
                "mbox": "owner@example.org",
                "contact_id": {"identifier": "0000-0002-1825-0097", "type": "orcid"},
            },
            "ethical_issues_exist": "no",
            "project": [
                {
                    "title": "Thin films",
                    "end": "2029-03-31",
                    "funding": [
                        {
                            "funder_id": {"identifier": "https://ror.org/00hhkn466", "type": "ror"},
                            "grant_id": {"identifier": "JP24K00366", "type": "JGN"},
                        }
                    ],
                }
            ],
            "dataset": [
                {
                    "title": "Spectra",
                    "dataset_id": {"identifier": "lab/data", "type": "other"},
                    "personal_data": "no",
                    "sensitive_data": "no",
                    "distribution": [place],
                    "x_other_tool": {"keep": ["me", 1]},
                    **row,
                }
            ],
            "x_other_tool": {"also": None},
        }
    }


def states(actor, project="lab"):
    card = datasets.get_project(actor, project)
    plans.check(actor, card)
    return {(one.check, one.place): one for one in plans.findings(actor, card)}


@pytest.fixture
def planned(dataset, put):
    """An owner, the project and its dataset with a plan that holds."""
    owner, card = dataset
    put(owner, card, {"a.csv": b"x,y\n1,2\n"})
    project = datasets.get_project(owner, "lab")
    description.set_value(owner, card.id, "licence", "CC BY 4.0")
    plans.write_plan(owner, project, document())
    return owner, project, card


def schema():
    if not STANDARDS.is_dir():
        pytest.skip("the official maDMP schema is not beside the repository (shared/standards)")
    return json.loads((STANDARDS / "maDMP-schema-1.2.json").read_text("utf-8"))


def test_a_plan_comes_out_as_it_went_in_with_the_common_items_filled(planned):
    owner, project, _card = planned
    out = plans.export_plan(owner, project)
    row = out["dmp"]["dataset"][0]
    common = row.pop("jp")["common"]
    assert out["dmp"].pop("jp")["common"] == {
        "funder": "https://ror.org/00hhkn466",
        "award_number": "JP24K00366",
        "project_title": "Thin films",
    }
    assert out == document(), "nothing else was touched"
    assert common["datasets"] == ["lab/data"]
    assert (common["data_number"], common["size"], common["access_right"]) == (1, "1MB", "open access")
    assert common["contact"] == "owner@example.org"
    own = document(jp={"common": {"size": ">100GB"}, "ai_use": "deny"})
    plans.write_plan(owner, project, own)
    kept = plans.export_plan(owner, project)["dmp"]["dataset"][0]["jp"]
    assert kept["common"]["size"] == ">100GB", "what a person wrote is not replaced"
    assert kept["ai_use"] == "deny"


def test_exports_are_valid_by_the_official_schema(planned, dataset):
    from jsonschema import Draft202012Validator

    judge = Draft202012Validator(schema(), format_checker=Draft202012Validator.FORMAT_CHECKER)
    owner, project, _ = planned
    judge.validate(plans.export_plan(owner, project))
    judge.validate(plans.begin(owner, project))
    broken = plans.export_plan(owner, project)
    del broken["dmp"]["contact"]
    assert list(judge.iter_errors(broken)), "the judge finds faults"


@pytest.mark.parametrize("name", ["example-minimal.json", "example-long.json"])
def test_the_official_examples_are_taken(planned, name):
    schema()
    owner, project, _ = planned
    given = json.loads((STANDARDS / name).read_text("utf-8"))
    plans.write_plan(owner, project, given)
    out = plans.export_plan(owner, project)
    for thing in (out["dmp"], *out["dmp"]["dataset"]):
        thing.pop("jp")
    assert out == given
    plans.check(owner, project)


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("dmp",), [], "dmp is missing"),
        (("dmp", "title"), "", "dmp.title is missing"),
        (("dmp", "modified"), "yesterday", "dmp.modified is no moment"),
        (("dmp", "language"), "ja", "dmp.language is no three-letter code"),
        (("dmp", "contact"), {"name": "a"}, "dmp.contact.mbox is missing"),
        (("dmp", "dataset"), {}, "dmp.dataset is no list"),
        (("dmp", "dataset", 0, "personal_data"), True, "dmp.dataset[0].personal_data is none of"),
        (("dmp", "dataset", 0, "distribution", 0, "byte_size"), "1GB", "byte_size is no number of bytes"),
        (("dmp", "dataset", 0, "distribution", 0, "data_access"), ["open"], "data_access is none of"),
        (("dmp", "dataset", 0, "distribution", 0, "issued"), "soon", "issued is no date"),
    ],
)
def test_what_is_no_plan_is_refused_and_says_where(planned, path, value, said):
    owner, project, _ = planned
    wrong = document()
    thing = wrong
    for step in path[:-1]:
        thing = thing[step]
    thing[path[-1]] = value
    with pytest.raises(plans.BadPlanError) as refused:
        plans.write_plan(owner, project, wrong)
    assert said in refused.value.message
    assert plans.get_plan(owner, project).number == 1, "nothing was changed"


def test_versions_are_only_added_and_each_is_a_run_in_the_ledger(planned):
    owner, project, _ = planned
    again = plans.write_plan(owner, project, document())
    assert again.number == 1, "the same content is no new version"
    changed = document()
    changed["dmp"]["title"] = "Second"
    made = plans.write_plan(owner, project, changed, note="after the review")
    assert [one.number for one in plans.list_plans(owner, project)] == [2, 1]
    assert plans.get_plan(owner, project, number=1).title == "薄膜の計画"
    run = runs.get(made.run_id)
    assert (run.kind, run.actor_id) == ("plan", owner.id)
    assert Entry.objects.filter(body__contains=made.run_id).exists()


def test_only_owners_write_and_strangers_see_nothing(planned, person):
    owner, project, _ = planned
    reader, stranger = person("reader"), person("stranger")
    sharing.share(owner, project, role="reader", email="reader@example.org")
    assert plans.get_plan(reader, project).number == 1
    with pytest.raises(policy.ActionDeniedError):
        plans.write_plan(reader, project, document(title="x"))
    for ask in (
        plans.get_plan,
        plans.list_plans,
        plans.findings,
        plans.export_plan,
        plans.check,
        plans.begin,
    ):
        with pytest.raises(NotFoundError):
            ask(stranger, project)
    datasets.freeze_version(owner, planned[2].id)
    datasets.set_access(owner, planned[2].id, policy.Access.OPEN)
    plans.check(owner, project)
    assert plans.findings_of(datasets.get_dataset_by_id(owner, planned[2].id))
    assert plans.findings_of(datasets.get_dataset_by_id(stranger, planned[2].id)) == []


def test_a_plan_that_holds_is_green(planned):
    owner = planned[0]
    found = states(owner)
    assert {one.state for one in found.values()} == {"green", "broken"}
    assert [key for key, one in found.items() if one.state == "broken"] == [("plan.publication", "lab/data")]
    datasets.freeze_version(owner, planned[2].id)
    datasets.set_access(owner, planned[2].id, policy.Access.OPEN)
    assert {one.state for one in states(owner).values()} == {"green"}
    assert {one.id for one in plans.checks()} == {key[0] for key in found} | {"plan.licence"}


FIXTURES = [
    ({"place": {"byte_size": 9}}, "plan.volume", "due", "near"),
    ({"place": {"byte_size": 7}}, "plan.volume", "broken", "over"),
    ({"place": {"byte_size": None}}, "plan.volume", "due", "unknown"),
    ({"place": {"byte_size": 0}}, "plan.volume", "broken", "over"),
    ({"place": {"format": ["image/tiff"]}}, "plan.formats", "due", "other"),
    ({"place": {"format": [".CSV"]}}, "plan.formats", "green", "ok"),
    ({"place": {"format": []}}, "plan.formats", "due", "unknown"),
    (
        {"place": {"host": {"title": "Z", "url": "https://store.example.org/x"}}},
        "plan.storage",
        "due",
        "elsewhere",
    ),
    ({"place": {"host": None}}, "plan.storage", "due", "unknown"),
    ({"place": {"available_until": None}}, "plan.retention", "due", "missing"),
    ({"place": {"available_until": "2028-01-01"}}, "plan.retention", "due", "ends"),
    ({"personal_data": "unknown"}, "plan.personal", "due", "unknown"),
    ({"personal_data": "yes"}, "plan.personal", "due", "label"),
    ({"jp": {"datasets": ["other-*"]}}, "plan.dataset", "due", "missing"),
    ({"jp": {"datasets": ["da*"]}}, "plan.dataset", "green", "ok"),
    ({"place": {"license": None, "issued": "2027-03-17"}}, "plan.publication", "broken", "overdue"),
    ({"place": {"license": None, "issued": "2027-03-18"}}, "plan.publication", "due", "due"),
    ({"place": {"license": None, "issued": "2027-05-30"}}, "plan.publication", "due", "due"),
    ({"place": {"license": None, "issued": "2027-05-31"}}, "plan.publication", "green", "later"),
]


@pytest.mark.parametrize(("row", "check", "state", "code"), FIXTURES)
def test_each_check_says_what_it_finds(planned, row, check, state, code):
    owner, project, _ = planned
    plans.write_plan(owner, project, document(**deepcopy(row)))
    (found,) = [
        one
        for (name, _), one in states(owner).items()
        if (name == check and one.place != "Spectra")
        or (name == check and check in {"plan.volume", "plan.retention"})
    ]
    assert found.state == state
    says = {one.id: one for one in plans.checks()}[check].says[code]
    assert set(found.says) == {"en", "ja"}
    assert found.says["en"].split(" ")[0] == says["en"].format_map(_Any()).split(" ")[0]
    assert "{" not in found.says["ja"] + found.todo.get("ja", "")
    assert bool(found.todo) == (state != "green"), "what is not green has a next step"


class _Any(dict):
    def __missing__(self, key):
        return "localhost" if key != "have" else "8 B"


def test_the_plan_itself_grows_old_and_its_contact_leaves(planned, at, person):
    owner, project, _ = planned
    assert states(owner)["plan.contact", "lab"].state == "green"
    at(dt.datetime(2028, 1, 11, 9, tzinfo=dt.UTC))
    assert states(owner)["plan.alive", "lab"].state == "due"
    at(dt.datetime(2028, 7, 12, 9, tzinfo=dt.UTC))
    assert states(owner)["plan.alive", "lab"].state == "broken"
    moved = document()
    moved["dmp"]["contact"]["mbox"] = "nobody@example.org"
    plans.write_plan(owner, project, moved)
    assert states(owner)["plan.contact", "lab"].state == "due"
    from tsunagu.foundation.identity.models import Person

    person("gone")
    Person.objects.filter(email="gone@example.org").update(is_active=False)
    moved["dmp"]["contact"]["mbox"] = "gone@example.org"
    plans.write_plan(owner, project, moved)
    assert states(owner)["plan.contact", "lab"].state == "broken"


def test_opening_wider_than_planned_is_denied_with_reason_basis_and_remedy(planned):
    owner, project, card = planned
    datasets.freeze_version(owner, card.id)
    plans.write_plan(owner, project, document(place={"data_access": "shared", "license": None}))
    plans.check(owner, project)
    datasets.set_access(owner, card.id, policy.Access.SHARED)
    with pytest.raises(policy.ActionDeniedError) as denied:
        datasets.set_access(owner, card.id, policy.Access.OPEN)
    assert "the plan says shared" in denied.value.message
    assert "2021-04-27" in denied.value.fields["basis"]
    assert "change the plan" in denied.value.remedy
    with translation.override("ja"):
        said = policy.decide(owner, "dataset.manage", card.resource, {"access": "open"})
    assert said.reasons == ("公開範囲が「公開」になり、計画の「共有」を超えます。",)
    assert datasets.get_dataset_by_id(owner, card.id).access == "shared"
    plans.write_plan(owner, project, document())
    plans.check(owner, project)
    datasets.set_access(owner, card.id, policy.Access.OPEN)


def test_a_planned_date_lets_an_embargo_until_then_through_and_nothing_earlier(planned):
    owner, project, card = planned
    datasets.freeze_version(owner, card.id)
    later = {
        "license": [
            {"license_ref": "https://creativecommons.org/licenses/by/4.0/", "start_date": "2027-09-01"}
        ]
    }
    plans.write_plan(owner, project, document(place=later))
    plans.check(owner, project)
    for embargo in ("", "2027-08-31"):
        with pytest.raises(policy.ActionDeniedError):
            datasets.set_access(owner, card.id, policy.Access.OPEN, embargo_until=embargo)
    datasets.set_access(owner, card.id, policy.Access.OPEN, embargo_until="2027-09-01")
    assert states(owner)["plan.access", "lab/data"].state == "green"


def test_personal_data_that_the_plan_excludes_stop_freezing_until_the_plan_or_the_label_changes(planned):
    owner, project, card = planned
    assert policy.decide(owner, "dataset.freeze", card.resource)
    datasets.set_label(owner, card, "personal", "yes")
    plans.check(owner, project)
    decision = policy.decide(owner, "dataset.freeze", card.resource)
    assert decision.effect == "deny"
    assert decision.remedy
    with pytest.raises(policy.ActionDeniedError):
        datasets.freeze_version(owner, card.id)
    assert policy.decide(owner, "dataset.push", card.resource), "only what the check names is forbidden"
    plans.write_plan(owner, project, document(personal_data="yes"))
    plans.check(owner, project)
    datasets.freeze_version(owner, card.id)
    with pytest.raises(policy.ActionDeniedError):
        datasets.set_access(owner, card.id, policy.Access.SHARED)


def test_a_hold_never_tells_a_stranger_and_never_hides_a_row(planned, person):
    owner, project, card = planned
    datasets.freeze_version(owner, card.id)
    datasets.set_access(owner, card.id, policy.Access.OPEN)
    datasets.set_label(owner, card, "personal", "special")
    plans.check(owner, project)
    stranger = person("stranger")
    said = policy.decide(stranger, "dataset.freeze", card.resource)
    assert "personal" not in " ".join(said.reasons)
    assert [one.id for one in datasets.list_datasets(stranger)[0]] == [card.id]
    assert states(owner)["plan.personal", "lab/data"].state == "broken"


def test_open_data_without_a_licence_of_their_own_cannot_be_opened(dataset, put):
    owner, card = dataset
    put(owner, card, {"a.csv": b"1\n"})
    project = datasets.get_project(owner, "lab")
    plans.write_plan(owner, project, document())
    datasets.freeze_version(owner, card.id)
    plans.check(owner, project)
    with pytest.raises(policy.ActionDeniedError) as denied:
        datasets.set_access(owner, card.id, policy.Access.OPEN)
    assert "licence" in denied.value.message


def test_a_check_is_a_run_with_counts_and_reasons(planned):
    owner, project, _ = planned
    plans.write_plan(owner, project, document(place={"byte_size": 7}))
    run = runs.get(plans.check(owner, project))
    assert (run.kind, run.outcome, run.actor_id) == ("plan_check", "ok", owner.id)
    assert run.parameters["broken"] == 2
    assert "plan.volume over" in run.reason
    assert run.parameters["plan"] == 2


def test_news_and_the_night_check_every_project_with_a_plan(planned):
    from django_tasks_db.models import DBTaskResult

    from tsunagu.data.plans import tasks

    _, _, card = planned

    def waiting():
        rows = DBTaskResult.objects.filter(task_path__endswith="plans.tasks.check_project")
        return [row["kwargs"] for row in rows.values_list("args_kwargs", flat=True)]

    assert {"project": "lab"} in waiting(), "writing a plan asks for a check"
    DBTaskResult.objects.all().delete()
    tasks.check_all.call()
    tasks.after_freeze.call(dataset_id=card.id, number=1)
    tasks.after_access.call(dataset_id=card.id)
    assert [one["why"] for one in waiting()] == ["nightly", "freeze", "publish"]
    datasets.freeze_version(planned[0], card.id)
    datasets.set_access(planned[0], card.id, policy.Access.SHARED)
    paths = list(DBTaskResult.objects.values_list("task_path", flat=True))
    assert "tsunagu.data.plans.tasks.after_freeze" in paths
    assert "tsunagu.data.plans.tasks.after_access" in paths
    tasks.check_project.call(project="lab", why="nightly")
    run = runs.get(plans.findings(planned[0], planned[1])[0].run_id)
    assert (run.actor_kind, run.parameters["why"]) == ("service", "nightly")


def test_the_data_files_are_whole():
    from tsunagu.data.plans.rules import RULES

    assert {one.id for one in plans.checks()} == set(RULES)
    for one in plans.checks():
        assert dt.date.fromisoformat(one.basis_date)
        assert bool(one.blocks) == (one.severity == "block"), one.id
        for code, texts in {**one.says, **{f"{key} todo": value for key, value in one.todo.items()}}.items():
            assert all(texts[language] for language in ("en", "ja")), (one.id, code)
        assert set(one.todo) <= set(one.says)
    assert [one.id for one in plans.templates()] == ["generic", "amed", "jsps-kakenhi", "jst"]


def test_rest_takes_and_gives_the_plan(planned):
    owner = planned[0]
    client = Client(headers={"authorization": f"Bearer {identity.issue_token(owner.id, label='t')}"})
    changed = document(title="Over REST")
    answer = client.put("/api/v1/projects/lab/plan", changed, content_type="application/json")
    assert (answer.status_code, answer.json()["number"]) == (200, 2)
    assert client.get("/api/v1/projects/lab/plan").json()["dmp"]["dataset"][0]["title"] == "Over REST"
    assert client.get("/api/v1/projects/lab/plan?version=1").json()["dmp"]["dataset"][0]["title"] == "Spectra"
    checked = client.post("/api/v1/projects/lab/plan/check").json()
    assert checked["broken"] == 1
    assert checked["findings"][0]["check"] == "plan.publication"
    assert client.get("/api/v1/projects/lab/plan/findings").json() == checked
    assert len(client.get("/api/v1/projects/lab/plan/versions").json()["versions"]) == 2
    refused = client.put("/api/v1/projects/lab/plan", {"dmp": {}}, content_type="application/json")
    assert (refused.status_code, refused.json()["code"]) == (422, "plans.bad_plan")
    assert Client().get("/api/v1/projects/lab/plan").status_code == 404


def test_the_form_changes_what_it_shows_and_nothing_else():
    given = document()
    shown, rows = plans.read(given)
    assert (shown["grant"], rows[0]["data_size"], rows[0]["data_opens"]) == (
        "JP24K00366",
        "1 MB",
        "2027-03-01",
    )
    same = plans.write(given, shown, rows)
    same["dmp"]["modified"] = given["dmp"]["modified"]
    assert same == given
    rows[0] |= {"data_size": "2.5 GB", "data_formats": "image/tiff、.ras", "data_opens": "2027-09-01"}
    made = plans.write(given, shown | {"erad": "R012345"}, rows)
    row = made["dmp"]["dataset"][0]
    place = row["distribution"][0]
    assert (place["byte_size"], place["format"]) == (2_500_000_000, ["image/tiff", ".ras"])
    assert place["license"][0]["start_date"] == "2027-09-01", (
        "the embargo is the day on which the licence begins"
    )
    assert made["dmp"]["project"][0]["project_id"] == [{"identifier": "R012345", "type": "e-Rad"}]
    assert row["x_other_tool"] == {"keep": ["me", 1]}
    assert plans.read(made)[1][0]["data_opens"] == "2027-09-01"


@pytest.mark.parametrize(
    ("name", "wrong"),
    [("data_size", "much"), ("data_size", "-1 GB"), ("data_opens", "R9.4"), ("data_access", "everybody")],
)
def test_the_form_refuses_what_it_cannot_read(name, wrong):
    shown, rows = plans.read(document())
    with pytest.raises(InvalidInputError):
        plans.write(document(), shown, [rows[0] | {name: wrong}])


def test_a_plan_made_by_the_form_alone_is_valid(planned):
    from jsonschema import Draft202012Validator

    owner, project, _ = planned
    begun = plans.begin(owner, project)
    shown, rows = plans.read(begun)
    filled = {one.name: value for one in plans.PLAN_FIELDS if (value := _SAMPLE.get(one.kind))}
    row = {one.name: value for one in plans.DATA_FIELDS if (value := _SAMPLE.get(one.kind))}
    made = plans.write(begun, shown | filled, [*rows, row])
    assert len(made["dmp"]["dataset"]) == len(rows) + 1
    plans.write_plan(owner, project, made)
    gone = plans.write(made, shown, [rows[0], dict.fromkeys(row, "")])
    assert len(gone["dmp"]["dataset"]) == 1, "a row without title and names is taken out"
    judge = Draft202012Validator(schema(), format_checker=Draft202012Validator.FORMAT_CHECKER)
    judge.validate(made)


_SAMPLE = {
    "text": "some words",
    "long": "more words",
    "mail": "owner@example.org",
    "date": "2028-03-31",
    "size": "3 TB",
    "list": "a, b",
    "tri": "yes",
    "access": "shared",
    "url": "https://example.org/x",
}


def test_what_only_narrows_passes_and_puts_it_right(planned):
    owner, project, card = planned
    datasets.freeze_version(owner, card.id)
    datasets.set_access(owner, card.id, policy.Access.OPEN)
    plans.write_plan(owner, project, document(place={"data_access": "closed", "license": None}))
    plans.check(owner, project)
    datasets.set_access(owner, card.id, policy.Access.OPEN, embargo_until="2027-09-01")
    with pytest.raises(policy.ActionDeniedError):
        datasets.set_access(owner, card.id, policy.Access.OPEN, embargo_until="2027-08-01")
    with pytest.raises(policy.ActionDeniedError):
        datasets.set_access(owner, card.id, policy.Access.OPEN, embargo_until="")
    assert states(owner)["plan.access", "lab/data"].due_on == "2027-09-01"
    datasets.set_access(owner, card.id, policy.Access.CLOSED)
    assert states(owner)["plan.access", "lab/data"].state == "green"


def test_findings_of_a_dataset_that_a_rule_hides_are_hidden_too(planned, monkeypatch):
    owner, project, card = planned
    plans.check(owner, project)
    assert any(one.dataset_id == card.id for one in plans.findings(owner, project))
    before = plans.standing(owner, project).counts["green"]
    from tsunagu.data.datasets import selectors

    monkeypatch.setattr(selectors.policy, "visible", lambda *_args: policy.Visibility())
    assert not any(one.dataset_id for one in plans.findings(owner, project))
    assert plans.standing(owner, project).counts["green"] < before


def test_a_new_dataset_is_held_before_its_first_version(planned):
    from django_tasks_db.models import DBTaskResult

    from tsunagu.data.plans import tasks

    owner, project, _ = planned
    plans.write_plan(owner, project, document(place={"data_access": "closed"}, jp={"datasets": ["*"]}))
    made = datasets.create_dataset(owner, "lab", "next")
    row = DBTaskResult.objects.get(
        task_path__endswith="plans.tasks.after_creation", args_kwargs__kwargs__dataset_id=made.id
    )
    tasks.after_creation.call(**row.args_kwargs["kwargs"])
    tasks.check_project.call(project="lab", why="created")
    with pytest.raises(policy.ActionDeniedError):
        datasets.set_access(owner, made.id, policy.Access.OPEN)
