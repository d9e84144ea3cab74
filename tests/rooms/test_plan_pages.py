"""The pages of a plan: form, counts, what to do; and what they do not show."""

from __future__ import annotations

import json
import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.rooms.clients import client_of
from tests.rooms.plan_documents import document
from tsunagu.data.datasets import api as datasets
from tsunagu.data.plans import api as plans
from tsunagu.data.sharing import api as sharing

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at")]


def fields(page):
    """What a browser would send for the form of the page, unchanged."""
    html = page.content.decode()
    form = html[html.index('enctype="multipart/form-data"') :]
    found = dict(
        re.findall(r'<input type="(?:text|email|date|hidden)"[^>]*?name="([^"]+)" value="([^"]*)"', form)
    )
    found |= dict(re.findall(r'<textarea[^>]*name="([^"]+)"[^>]*>([^<]*)</textarea>', form))
    for name, body in re.findall(r'<select[^>]*name="([^"]+)">(.*?)</select>', form, re.DOTALL):
        chosen = re.findall(r'value="([^"]*)" selected', body)
        found[name] = chosen[0] if chosen else ""
    return found


def test_a_person_writes_a_plan_without_json(dataset, put):
    owner, card = dataset
    put(owner, card, {"a.csv": b"x,y\n1,2\n"})
    client = client_of(owner)
    assert "Write the plan" in client.get("/projects/lab/plan").content.decode()
    page = client.get("/projects/lab/plan/edit?template=jsps-kakenhi")
    sent = fields(page)
    assert sent["funder"] == "https://ror.org/00hhkn466", "the funder's form brings the funder"
    assert (sent["contact_mail"], sent["data_names-0"]) == ("owner@example.org", "data")
    assert page.content.decode().count('<span class="need">') >= 6
    sent |= {
        "grant": "JP24K00366",
        "data_size-0": "2 GB",
        "data_access-0": "closed",
        "data_title-1": "Images",
    }
    saved = client.post("/projects/lab/plan/edit", sent)
    assert saved.status_code == 302, saved.content.decode()[:2000]
    body = plans.find_plan(card.project_id).body["dmp"]
    assert [row["title"] for row in body["dataset"]] == ["data", "Images"]
    assert body["dataset"][0]["distribution"][0]["byte_size"] == 2_000_000_000
    assert body["project"][0]["funding"][0]["grant_id"] == {"identifier": "JP24K00366", "type": "JGN"}
    assert body["jp"]["template"] == "jsps-kakenhi"
    again = client.post("/projects/lab/plan/edit", fields(client.get("/projects/lab/plan/edit")))
    assert again.status_code == 302
    kept = plans.find_plan(card.project_id).body["dmp"]
    assert {**kept, "modified": ""} == {**body, "modified": ""}, "saving the form unchanged changes nothing"


def test_the_form_keeps_what_was_typed_when_it_cannot_be_read(dataset):
    owner, card = dataset
    client = client_of(owner)
    sent = fields(client.get("/projects/lab/plan/edit")) | {"data_size-0": "plenty"}
    page = client.post("/projects/lab/plan/edit", sent)
    assert page.status_code == 422
    assert 'value="plenty"' in page.content.decode()
    assert plans.find_plan(card.project_id) is None


def test_a_file_goes_in_and_comes_out(dataset):
    owner, card = dataset
    client = client_of(owner)
    sent = fields(client.get("/projects/lab/plan/edit"))
    file = SimpleUploadedFile("p.json", json.dumps(document()).encode(), "application/json")
    assert client.post("/projects/lab/plan/edit", sent | {"document": file}).status_code == 302
    assert plans.find_plan(card.project_id).title == "薄膜の計画"
    out = client.get("/projects/lab/plan.json")
    assert out["Content-Disposition"] == 'attachment; filename="lab-plan.json"'
    assert out.json()["dmp"]["x_other_tool"] == {"also": None}
    bad = SimpleUploadedFile("p.json", b"{", "application/json")
    assert client.post("/projects/lab/plan/edit", sent | {"document": bad}).status_code == 422


@pytest.mark.parametrize(("language", "words"), [("en", "What to do"), ("ja", "対応する")])
def test_red_stands_first_with_the_next_step_and_the_cards_say_so(dataset, put, language, words):
    owner, card = dataset
    put(owner, card, {"a.csv": b"x,y\n1,2\n"})
    project = datasets.get_project(owner, "lab")
    plans.write_plan(owner, project, document(place={"byte_size": 7, "format": []}))
    client = client_of(owner, language)
    assert client.post("/projects/lab/plan").status_code == 302
    text = client.get("/projects/lab/plan").content.decode()
    shown = re.findall(r'<section class="card">\s*<p>\s*<span class="chip (\w+)"', text)
    assert shown[:3] == ["danger", "danger", "warn"]
    assert words in text
    assert "/d/lab/data/access" in text
    says = {one.check: one.says[language] for one in plans.findings(owner, project)}
    assert says["plan.publication"] in client.get("/d/lab/data").content.decode()
    assert says["plan.volume"] in client.get("/projects/lab").content.decode()


def test_the_freeze_that_the_plan_forbids_is_explained_on_the_page(dataset, put):
    owner, card = dataset
    put(owner, card, {"a.csv": b"x,y\n1,2\n"})
    project = datasets.get_project(owner, "lab")
    plans.write_plan(owner, project, document())
    datasets.set_label(owner, card, "personal", "yes")
    plans.check(owner, project)
    text = client_of(owner).get("/d/lab/data").content.decode()
    assert "the plan says that there are none" in text
    assert "/d/lab/data/freeze" not in text
    refused = client_of(owner).post("/d/lab/data/freeze", {"note": ""})
    assert refused.status_code == 403
    assert "ethics committee" in refused.content.decode()


def test_a_reader_sees_the_plan_and_cannot_write_it_and_a_stranger_neither(dataset, person):
    owner, _ = dataset
    project = datasets.get_project(owner, "lab")
    plans.write_plan(owner, project, document(title="<b>Spectra</b>"))
    plans.check(owner, project)
    reader, stranger = person("reader"), person("stranger")
    sharing.share(owner, project, role="reader", email="reader@example.org")
    page = client_of(reader).get("/projects/lab/plan").content.decode()
    assert "/projects/lab/plan/edit" not in page
    assert "<b>Spectra" not in page
    assert client_of(reader).get("/projects/lab/plan/edit").status_code == 403
    for place in ("/projects/lab/plan", "/projects/lab/plan/edit", "/projects/lab/plan.json"):
        assert client_of(stranger).get(place).status_code == 404
        assert Client().get(place).status_code == 302
