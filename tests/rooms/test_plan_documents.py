"""Plans as documents: maDMP in and out, the form, REST, and the data files of the checks."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from django.test import Client

from tests.rooms.clients import caller_of
from tests.rooms.plan_documents import STANDARDS, document, schema
from tsunagu.core.errors import InvalidInputError
from tsunagu.data.plans import api as plans

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at", "english")]


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
    client = caller_of(owner)
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
