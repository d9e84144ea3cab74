"""The common items of a dataset: prefilled, accepted value by value, missing ones said, exported, published."""

from __future__ import annotations

import csv
import io
from html.parser import HTMLParser

import pytest

from tests.rooms.clients import caller_of, client_of
from tests.rooms.plan_documents import document
from tests.rooms.publication_worlds import ready
from tsunagu.data.common_items import api as common_items
from tsunagu.data.datasets import api as datasets
from tsunagu.data.description import api as description
from tsunagu.data.plans import api as plans
from tsunagu.data.publication import api as publication
from tsunagu.foundation.policy import api as policy

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at", "english")]


def plan():
    made = document(
        type="experimental data",
        jp={"datasets": ["data"], "field": "489", "free": True, "metadata_access": "公開"},
    )
    made["dmp"]["project"][0]["jp"] = {"field": "ナノテク・材料"}
    made["dmp"]["project"][0]["funding"][0]["grant_id"]["identifier"] = "24K00366"
    return made


@pytest.fixture
def world(dataset, put, officer):
    """An owner, a dataset in a project with a plan, and an institution with a ROR."""
    owner, card = dataset
    put(owner, card, {"a.csv": b"x,y\n1,2\n"})
    plans.write_plan(owner, datasets.get_project(owner, "lab"), plan())
    node = publication.list_institutions()[0]
    publication.write_institution(
        officer,
        node.name,
        {"name_ja": "北見山大学", "name_en": "Kitamiyama University", "ror": "https://ror.org/00hhkn466"},
    )
    return owner, datasets.get_dataset(owner, "lab", "data")


def slots(sheet):
    return {slot.slot.name: slot for item in sheet.items for slot in item.slots if slot.slot.name}


def items(sheet):
    return {one.item.key: one for one in sheet.items}


def test_plan_and_institution_propose_and_nothing_is_written(world):
    owner, card = world
    sheet = common_items.sheet_of(owner, card)
    found = {name: one.proposed.value for name, one in slots(sheet).items() if one.proposed}
    assert found == {
        "funder": "JSPS",
        "award_number": "JP24K00366",
        "project_title_en": "Thin films",
        "project_field": "489",
        "data_number": "1",
        "title_en": "Spectra",
        "data_field": "489",
        "data_type": "experimental data",
        "licence": "CC-BY-4.0",
        "charge": "free",
        "metadata_access": "open",
        "hosting_institution_ja": "北見山大学",
        "hosting_institution_en": "Kitamiyama University",
        "hosting_institution_ror": "https://ror.org/00hhkn466",
        "contact_mail": "owner@example.org",
    }
    assert {one.proposed.origin for one in slots(sheet).values() if one.proposed} == {"plan", "institution"}
    assert description.values(owner, card) == []


def test_required_items_that_are_empty_are_named_with_what_to_do(world):
    owner, card = world
    missing = {one.item.key: one.remedy for one in common_items.sheet_of(owner, card).missing}
    assert set(missing) == {
        "funder", "award_number", "project_title", "project_field", "title", "description", "data_field", "data_type",
        "charge", "licence", "terms_of_use", "hosting_institution", "manager_kind", "contact", "metadata_access",
    }  # fmt: skip
    assert "accept" in missing["funder"]["en"]
    assert missing["terms_of_use"]["en"] == "Write it here."
    common_items.write(owner, card, {"manager_kind": "individual"})
    card = datasets.get_dataset(owner, "lab", "data")
    assert {"manager", "manager_erad"} <= {one.item.key for one in common_items.sheet_of(owner, card).missing}


def test_a_contact_is_a_mail_address_or_everything_else_together(world):
    owner, card = world
    common_items.write(owner, card, {"contact_organisation": "受付", "contact_address": "北見市"})
    card = datasets.get_dataset(owner, "lab", "data")
    assert items(common_items.sheet_of(owner, card))["contact"].is_missing
    common_items.write(owner, card, {"contact_phone": "0157-00-0000"})
    card = datasets.get_dataset(owner, "lab", "data")
    assert not items(common_items.sheet_of(owner, card))["contact"].is_missing


def test_what_is_accepted_keeps_where_it_came_from(world):
    owner, card = world
    assert common_items.accept(owner, card, {"funder": "JSPS", "hosting_institution_ja": "北見山大学"}) == 2
    said = {one.name: one for one in description.values(owner, card)}
    assert (said["funder"].value, said["funder"].origin["kind"]) == ("JSPS", "plan")
    assert said["funder"].origin["source"].startswith("薄膜の計画")
    assert (said["hosting_institution_ja"].origin["kind"], said["funder"].origin["by"]) == (
        "institution",
        "owner",
    )
    card = datasets.get_dataset(owner, "lab", "data")
    assert slots(common_items.sheet_of(owner, card))["funder"].proposed is None


def test_what_the_plan_no_longer_says_is_not_taken_over(world):
    owner, card = world
    with pytest.raises(common_items.ProposalChangedError):
        common_items.accept(owner, card, {"data_number": "1", "funder": "JST"})
    assert description.values(owner, card) == [], "all or nothing"


def test_values_of_another_form_are_refused(world):
    owner, card = world
    for name, value in {
        "funder": "Somebody", "award_number": "24K00366", "manager_erad": "123", "hosting_institution_ror": "ror",
        "contact_mail": "nobody", "nonsense": "x", "programme_code": "toolong",
    }.items():  # fmt: skip
        with pytest.raises(common_items.BadItemError):
            common_items.write(owner, card, {name: value})
    assert common_items.write(owner, card, {"funder": "JST"}) == 1
    assert common_items.write(owner, card, {"funder": "JST"}) == 0, "as it was"
    assert common_items.write(owner, card, {"funder": ""}) == 1


def test_a_title_in_one_language_is_the_title(world):
    owner, card = world
    common_items.write(owner, card, {"title_ja": "薄膜", "title_en": "Thin films"})
    said = {one.name: one.value for one in description.values(owner, card)}
    assert said == {"title": "薄膜", "title_en": "Thin films"}
    card = datasets.get_dataset(owner, "lab", "data")
    common_items.write(owner, card, {"title_ja": "薄膜2"})
    assert {one.name: one.value for one in description.values(owner, card)}["title"] == "薄膜2"


def test_members_see_it_others_do_not_and_readers_change_nothing(world, person):
    owner, card = world
    reader = person("reader")
    policy.grant(owner, card.resource, subject_kind="person", subject_id=reader.id, role=policy.Role.READER)
    sheet = common_items.sheet_of(reader, datasets.get_dataset(reader, "lab", "data"))
    assert not sheet.may_write
    # A reader of one dataset is no member of the project: the plan tells them nothing.
    assert {one.proposed.origin for one in slots(sheet).values() if one.proposed} == {"institution"}
    with pytest.raises(policy.ActionDeniedError):
        common_items.write(reader, card, {"funder": "JST"})
    with pytest.raises(policy.ActionDeniedError):
        common_items.accept(reader, card, {"hosting_institution_ja": "北見山大学"})
    assert client_of(person("stranger")).get("/d/lab/data/common-items").status_code == 404


def test_the_page_accepts_one_keeps_what_was_typed_and_says_what_is_wrong(world):
    owner, _card = world
    client = client_of(owner)
    page = client.get("/d/lab/data/common-items").content.decode()
    assert "15 required items are missing" in page
    posted = {
        "offer-funder": "JSPS",
        "item-funder": "",
        "accept": "funder",
        "item-remarks_en": "Measured twice",
    }
    assert client.post("/d/lab/data/common-items", posted).status_code == 302
    said = {one.name: one for one in description.values(owner, datasets.get_dataset(owner, "lab", "data"))}
    assert (said["funder"].origin["kind"], said["remarks_en"].value) == ("plan", "Measured twice")
    wrong = client.post("/d/lab/data/common-items", {"item-award_number": "12", "item-remarks_ja": "備考"})
    assert wrong.status_code == 422
    text = wrong.content.decode()
    assert "JP24K00366" in text
    assert 'value="12"' in text, "what was typed is not lost"
    offers = {
        f"offer-{name}": one.proposed.value
        for name, one in slots(
            common_items.sheet_of(owner, datasets.get_dataset(owner, "lab", "data"))
        ).items()
        if one.proposed
    }
    assert client.post("/d/lab/data/common-items", {**offers, "accept_all": "1"}).status_code == 302
    sheet = common_items.sheet_of(owner, datasets.get_dataset(owner, "lab", "data"))
    assert sheet.proposed_count == 0
    assert {one.item.key for one in sheet.missing} == {"description", "terms_of_use", "manager_kind"}
    assert "利活用" in client_of(owner, "ja").get("/d/lab/data/common-items").content.decode()


def test_tables_bear_the_official_names_for_one_and_for_all(world, person):
    owner, card = world
    common_items.write(owner, card, {"funder": "JST", "data_type": "survey data", "remarks_ja": "=1+1"})
    datasets.create_dataset(owner, "lab", "other")
    answer = client_of(owner).get("/projects/lab/common-items.csv")
    assert answer.content.startswith(b"\xef\xbb\xbf")
    rows = {
        one["データセット"]: one for one in csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")))
    }
    assert set(rows) == {"lab/data", "lab/other"}
    row = rows["lab/data"]
    assert row["資金配分機関情報"] == "国立研究開発法人科学技術振興機構（JST）"
    assert row["データの種別"] == "調査データ"
    assert row["アクセス権"] == "非共有・非公開"
    assert row["備考（日本語）"] == "'=1+1", "no spreadsheet runs it"
    assert {"データの名称（英語）", "データ管理機関コード", "体系的番号", "メタデータのアクセス権"} <= set(
        row
    )
    alone = client_of(owner).get("/d/lab/data/common-items?form=csv")
    assert len(list(csv.reader(io.StringIO(alone.content.decode("utf-8-sig"))))) == 2
    # Whoever works on one dataset alone is no member of the project.
    assert client_of(person("stranger")).get("/projects/lab/common-items.csv").status_code == 404


def test_programs_fill_it_in(world):
    owner, _card = world
    caller = caller_of(owner)
    place = "/api/v1/datasets/lab/data/common-items"
    wish = {"values": {"terms_of_use_en": "Cite the article."}, "accept": ["funder", "contact_mail"]}
    answer = caller.put(place, wish, "application/json").json()
    assert "terms_of_use" not in answer["missing"]
    funder = next(one for one in answer["items"] if one["key"] == "funder")["values"][0]
    assert (funder["value"], funder["origin"]) == ("JSPS", "plan")
    assert funder["words"]["en"] == "Japan Society for the Promotion of Science (JSPS)"
    assert len(answer["table"]["header"]) == len(answer["table"]["rows"][0])
    assert caller.put(place, {"accept": ["nonsense"]}, "application/json").status_code == 422
    assert len(caller.get("/api/v1/projects/lab/common-items").json()["rows"]) == 1


def test_items_are_frozen_published_and_keep_closed_metadata_in(world, put):
    owner, card = world
    offers = {
        name: one.proposed.value
        for name, one in slots(common_items.sheet_of(owner, card)).items()
        if one.proposed
    }
    common_items.accept(owner, card, offers)
    card = ready(owner, datasets.get_dataset(owner, "lab", "data"), put)
    common_items.write(owner, card, {"funder": "JST", "award_number": "JPMJPF9999"})
    card = datasets.get_dataset(owner, "lab", "data")
    frozen = common_items.sheet_of(owner, card, version=1)
    assert slots(frozen)["funder"].value == "JSPS"
    assert not frozen.may_write
    made = publication.request(owner, card)
    assert made.state == "requested"
    common_items.write(owner, card, {"metadata_access": "closed"})
    datasets.freeze_version(owner, card.id)
    card = datasets.get_dataset(owner, "lab", "data")
    with pytest.raises(publication.NotReadyError) as refused:
        publication.request(owner, card)
    assert [one["code"] for one in refused.value.fields["findings"]] == ["closed_metadata"]


def test_the_public_record_bears_them(world, put, officer):
    owner, card = world
    offers = {
        name: one.proposed.value
        for name, one in slots(common_items.sheet_of(owner, card)).items()
        if one.proposed
    }
    common_items.accept(owner, card, offers)
    card = ready(owner, datasets.get_dataset(owner, "lab", "data"), put)
    made = publication.request(owner, card)
    publication.approve(officer, made.id, "")
    record = publication.find_record("lab/data", 1)
    assert record.resource_type == "experimental data"
    assert [one.role for one in record.contributors] == ["HostingInstitution", "ContactPerson"]
    (funding,) = record.fundings
    assert (funding.award_number, funding.funder_id.value) == ("JP24K00366", "https://ror.org/00hhkn466")
    assert {one.scheme for one in record.subjects} == {"Other", "e-Rad_field"}


IMPORTED = {
    "funder": "RIKEN",
    "data_type": "genomic reads",
    "charge": "partly",
    "award_number": "24K00366",
    "manager_erad": "1234567",
    "contact_address": "北見市\r\n公園町165",
    "remarks_ja": " 備考\r二行目 ",
    "creators": ["山田 花子", "Taro Suzuki"],
}


@pytest.fixture
def imported(world):
    """Values that something else than the form wrote."""
    owner, card = world
    for name, value in IMPORTED.items():
        description.set_value(
            owner, card.id, name, value, taken_from={"kind": "import", "source": "old list"}
        )
    return owner, datasets.get_dataset(owner, "lab", "data")


def said_by(owner):
    return {one.name: one for one in description.values(owner, datasets.get_dataset(owner, "lab", "data"))}


def posted_as_shown(client, **more):
    """The form as a browser sends it back."""
    page = client.get("/d/lab/data/common-items").content.decode()
    read = _Inputs()
    read.feed(page)
    return client.post("/d/lab/data/common-items", {**read.values, **more})


class _Inputs(HTMLParser):
    def __init__(self):
        super().__init__()
        self.values, self.inside, self.begun = {}, "", False

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        name = found.get("name", "")
        if tag == "option" and self.inside:
            if "selected" in found or self.inside not in self.values:
                self.values[self.inside] = found.get("value", "")
        elif name.startswith("item-"):
            self.inside = name if tag in {"select", "textarea"} else ""
            if tag == "input":  # of one line: a browser takes the ends of lines out
                self.values[name] = found.get("value", "").replace("\r", "").replace("\n", "")
            elif tag == "textarea":
                self.values[name] = ""

    def handle_endtag(self, tag):
        self.inside = "" if tag in {"select", "textarea"} else self.inside

    def handle_data(self, data):
        if self.inside and self.get_starttag_text().startswith("<textarea"):
            self.values[self.inside] += data.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n")


def test_saving_the_form_keeps_what_it_does_not_know(imported):
    owner, _card = imported
    before = {name: (one.value, one.origin, one.run_id) for name, one in said_by(owner).items()}
    client = client_of(owner)
    assert posted_as_shown(client, **{"item-terms_of_use_en": "Cite it"}).status_code == 302
    after = said_by(owner)
    assert after.pop("terms_of_use_en").value == "Cite it"
    assert {name: (one.value, one.origin, one.run_id) for name, one in after.items()} == before
    for language, words in (("en", "RIKEN (not one of the list)"), ("ja", "RIKEN（選択肢にない値）")):
        assert words in client_of(owner, language).get("/d/lab/data/common-items").content.decode()


def test_what_the_form_does_not_know_can_be_replaced_and_removed_and_not_chosen(imported):
    owner, _card = imported
    client = client_of(owner)
    assert posted_as_shown(client, **{"item-funder": "JST", "item-charge": ""}).status_code == 302
    assert said_by(owner)["funder"].value == "JST"
    assert "charge" not in said_by(owner)
    assert posted_as_shown(client, **{"item-funder": "RIKEN"}).status_code == 422
    assert posted_as_shown(client, **{"item-award_number": "24K00367"}).status_code == 422


def test_programs_may_send_back_what_they_read(imported):
    owner, card = imported
    caller = caller_of(owner)
    place = "/api/v1/datasets/lab/data/common-items"
    values = {
        one["name"]: one["value"]
        for item in caller.get(place).json()["items"]
        for one in item["values"]
        if one["name"]
    }
    assert caller.put(place, {"values": values}, "application/json").status_code == 200
    assert common_items.write(owner, card, values) == 0
    assert {name: one.value for name, one in said_by(owner).items()} == IMPORTED


@pytest.mark.parametrize("base", ["title", "description"])
def test_a_text_for_japanese_readers_without_japanese_signs_is_not_lost(world, base):
    owner, _card = world
    first, second = (
        {f"{base}_ja": "LiFePO4", f"{base}_en": "A LiFePO4 cathode"},
        {f"{base}_ja": "薄膜", f"{base}_en": "Films"},
    )
    for several in (first, second, first):
        card = datasets.get_dataset(owner, "lab", "data")
        common_items.write(owner, card, several)
        found = slots(common_items.sheet_of(owner, card))
        assert {name: found[name].value for name in several} == several
        assert common_items.write(owner, card, several) == 0
        assert said_by(owner)[base].value == several[f"{base}_ja"]


def test_only_what_can_be_accepted_is_proposed(world, officer):
    owner, card = world
    made = plan()
    made["dmp"]["project"][0]["funding"][0]["jp"] = {"programme_code": "much too long"}
    made["dmp"]["project"][0]["funding"][0]["grant_id"]["identifier"] = "JP"
    plans.write_plan(owner, datasets.get_project(owner, "lab"), made)
    found = {
        name: one.proposed.value
        for name, one in slots(common_items.sheet_of(owner, card)).items()
        if one.proposed
    }
    assert not found.keys() & {"programme_code", "award_number"}
    assert common_items.accept(owner, card, found) == len(found)


def test_what_is_refused_of_a_program_changes_nothing(world):
    owner, _card = world
    wish = {"values": {"remarks_en": "Measured twice"}, "accept": ["programme_ja"]}
    answer = caller_of(owner).put("/api/v1/datasets/lab/data/common-items", wish, "application/json")
    assert answer.status_code == 422
    assert said_by(owner) == {}
