"""What people choose about tables is applied at each conversion, listed, and taken back without a trace in the next."""

from __future__ import annotations

import pytest

from tests.rooms.clients import client_of
from tests.rooms.test_ready import ready, results, tables_of
from tsunagu.data.datasets import api as datasets
from tsunagu.data.description import api as description
from tsunagu.data.description.extraction import pool
from tsunagu.data.readiness import api as readiness
from tsunagu.data.readiness.models import Choice, Preparation
from tsunagu.data.readiness.tasks import forget
from tsunagu.foundation.policy import api as policy
from tsunagu.foundation.runs import api as runs

pytestmark = pytest.mark.django_db
__all__ = ["ready"]


@pytest.fixture(autouse=True, scope="module")
def stop_pool_once():
    yield
    pool().close()
    pool.cache_clear()


# A name for each patient that the recogniser knows.
PEOPLE = "患者ID,氏名,mmHg,label\n" + "".join(
    f"P{n // 4:03},{'佐藤鈴木高橋田中'[n // 4 % 4 * 2 :][:2]} 花子,{-999 if n % 7 == 0 else 110 + n * 0.5},{'ab'[n % 3 == 0]}\n"
    for n in range(80)
)


def card_of(owner):
    return readiness.card(owner, datasets.get_dataset(owner, "lab", "data"))


def repair(owner, kind, column="", value=""):
    readiness.repair(owner, datasets.get_dataset(owner, "lab", "data"), kind, column=column, value=value)


def test_from_complaints_to_clicks_to_a_table_without_them(dataset, ready):
    owner, _ = dataset
    ready({"visits.csv": PEOPLE.encode()})
    before = card_of(owner)
    offered = {(one.kind, one.column): one for one in before.repairs}
    split = offered["split", "患者ID"]
    assert split.rule == "splits"
    assert "20 組" in split.changes["ja"]
    assert offered["pseudonymise", "氏名"].rule == "personal"
    assert offered["missing", "mmHg"].value == "-999"
    assert offered["unit", "mmHg"].is_open
    repair(owner, "split", "患者ID", split.value)
    repair(owner, "pseudonymise", "氏名")
    repair(owner, "missing", "mmHg", "-999")
    repair(owner, "unit", "mmHg", "mmHg")
    repair(owner, "group", "患者ID")
    waiting = card_of(owner)
    assert waiting.is_outdated
    assert [one.is_applied for one in waiting.choices] == [False] * 5
    assert not {(one.kind, one.column) for one in waiting.repairs} & {
        ("split", "患者ID"),
        ("missing", "mmHg"),
    }
    done = ready.again()
    table = tables_of(owner, done)["visits"]
    assert done.derived_number == 2
    assert set(table["split"].to_pylist()) == {"train", "validation", "test"}
    assert "佐藤 花子" not in table["氏名"].to_pylist()
    assert table["mmHg"].null_count == 12
    assert table.schema.field("mmHg").metadata[b"unit"] == b"mmHg"
    after = card_of(owner)
    found = results(after)
    assert not after.is_outdated
    assert all(one.is_applied for one in after.choices)
    assert found["splits"].verdict == found["personal"].verdict == found["units"].verdict == "pass"
    assert found["group_leakage"].verdict == "pass"
    assert "20" in found["group_leakage"].says["en"]
    said = runs.get(done.run_id).parameters["choices"]
    assert "pseudonymise:氏名" in said
    assert Choice.objects.get(kind="pseudonymise").salt not in str(runs.get(done.run_id))


def test_a_choice_that_is_taken_back_is_gone_from_the_next_tables(dataset, ready):
    owner, card = dataset
    first = ready({"a.csv": b"v,w\n1,-9\n2,3\n"})
    repair(owner, "missing", "w", "-9")
    second = ready.again()
    assert tables_of(owner, second)["a"]["w"].to_pylist() == [None, 3]
    (choice,) = card_of(owner).choices
    assert runs.get(choice.run_id).kind == "choose_repair"
    run_id = readiness.take_back(owner, card, choice.id)
    assert runs.get(run_id).kind == "take_back_repair"
    assert card_of(owner).is_outdated
    third = ready.again()
    assert tables_of(owner, third)["a"]["w"].to_pylist() == [-9, 3]
    assert [first.derived_number, second.derived_number, third.derived_number] == [1, 2, 3]
    assert card_of(owner).choices == ()
    with pytest.raises(readiness.NoSuchChoiceError):
        readiness.take_back(owner, card, choice.id)


def test_choices_hold_for_newer_versions_and_one_replaces_another(dataset, ready):
    owner, _ = dataset
    ready({"a.csv": b"v,w\n1,-9\n2,3\n"})
    repair(owner, "missing", "w", "-9")
    repair(owner, "missing", "w", "-9|3")
    done = ready({"b.csv": b"v,w\n5,3\n6,7\n"})
    (table,) = tables_of(owner, done).values()
    assert table["w"].to_pylist() == [None, None, None, 7]
    assert [one.value for one in card_of(owner).choices] == ["-9|3"]


def test_repeated_rows_and_twin_files_are_offered_and_go(dataset, ready):
    owner, _ = dataset
    content = b"v,w\n1,x\n1,x\n2,y\n"
    ready({"a.csv": content, "b.csv": content})
    offered = {one.kind: one for one in card_of(owner).repairs}
    assert (offered["deduplicate"].changes["en"], offered["leave_out"].column) == (
        "2 of 6 rows are left out.",
        "b.csv",
    )
    repair(owner, "deduplicate")
    repair(owner, "leave_out", "b.csv")
    (table,) = tables_of(owner, ready.again()).values()
    assert table.num_rows == 2
    assert results(card_of(owner))["duplicates"].verdict == "pass"


def test_leakage_is_said_in_words_and_a_person_may_say_that_it_is_none(dataset, ready):
    owner, _ = dataset
    rows = "".join(
        f"2026-03-{n % 28 + 1:02},s{n % 10},{n * 1.37},{'test' if n % 3 == 0 else 'train'},{n % 2}\n"
        for n in range(60)
    )
    ready({"a.csv": ("measured,sample_id,v,split,label\n" + rows).encode()})
    found = results(card_of(owner))
    assert found["group_leakage"].verdict == found["time_leakage"].verdict == "fail"
    assert "「sample_id」の 10 組のうち 10 組" in found["group_leakage"].says["ja"]
    assert "2026-03-01" in found["time_leakage"].says["en"]
    assert found["leakage"].verdict == "pass"
    assert {one.name for one in card_of(owner).repairs if one.rule == "time_leakage"} == {
        "time:measured",
        "time",
        "split_by_time:measured=2026-03-23/2026-03-26",
    }
    repair(owner, "time")
    repair(owner, "group", "sample_id")
    ready.again()
    found = results(card_of(owner))
    assert found["time_leakage"].verdict == "not_applicable"
    held = datasets.get_dataset(owner, "lab", "data")
    readiness.attest(owner, held, "group_leakage", "yes")
    assert results(card_of(owner))["group_leakage"].verdict == "fail", "chosen, so the machine decides"


def test_what_is_missing_in_the_description_is_written_and_frozen(dataset, ready):
    owner, _ = dataset
    ready({"a.csv": b"v\n1\n2\n"})
    offered = {(one.kind, one.column): one for one in card_of(owner).repairs}
    assert offered["describe", "licence"].value == "", "a licence is not given by a click on what nobody said"
    repair(owner, "describe", "licence", "CC BY 4.0")
    held = datasets.get_dataset(owner, "lab", "data")
    assert held.last_version == 2
    assert results(card_of(owner))["licence"].verdict == "pass"
    assert {v.name: v.value for v in description.values(owner, held)}["licence"] == "CC BY 4.0"
    assert card_of(owner).choices == (), "the description is its own place"


def test_what_cannot_be_applied_is_refused(dataset, ready):
    owner, _ = dataset
    ready({"a.csv": b"v,w\n1,2\n3,4\n"})
    for kind, column, value in [
        ("missing", "nowhere", "1"),
        ("missing", "v", ""),
        ("rename", "v", "w"),
        ("drop", "source_file", ""),
        ("drop", "", ""),
        ("encode", "v", "only"),
        ("explode", "v", ""),
        ("describe", "licence", " "),
        ("unit", "v", "x" * 2000),
    ]:
        with pytest.raises(readiness.BadChoiceError):
            repair(owner, kind, column, value)
    assert not Choice.objects.exists()


def test_only_those_who_describe_a_dataset_choose_and_see_offers(dataset, ready, person):
    owner, card = dataset
    ready({"a.csv": b"v,w\n1,2\n3,4\n"})
    repair(owner, "rename", "v", "voltage")
    reader = person("reader")
    home = datasets.get_project(owner, "lab").resource
    policy.place(home, subject_kind="person", subject_id=reader.id, role=policy.Role.READER, by=owner.id)
    seen = card_of(reader)
    assert seen.repairs == ()
    assert [one.name for one in seen.choices] == ["rename:v=voltage"]
    with pytest.raises(policy.ActionDeniedError):
        repair(reader, "drop", "v")
    with pytest.raises(policy.ActionDeniedError):
        readiness.take_back(reader, card, seen.choices[0].id)
    made = datasets.get_dataset(owner, "lab", "data-ready")
    assert readiness.card(owner, made).repairs == ()
    with pytest.raises(readiness.ReadyAlreadyError):
        readiness.repair(owner, made, "drop", column="v")


def test_values_of_a_sealed_dataset_stay_out_of_its_choices(dataset, ready):
    owner, card = dataset
    datasets.seal(owner, card.id)
    ready({"a.csv": b"v,grade\n1,secret-a\n2,secret-b\n3,secret-a\n"})
    with pytest.raises(readiness.BadChoiceError):
        repair(owner, "encode", "grade")
    assert "secret-a" not in str(list(Choice.objects.values()))


def test_a_column_of_few_words_becomes_numbers(dataset, ready):
    owner, card = dataset
    ready({"a.csv": b"v,grade\n1,low\n2,high\n3,low\n"})
    repair(owner, "encode", "grade")
    (table,) = tables_of(owner, ready.again()).values()
    assert table["grade"].to_pylist() == [1, 0, 1]
    forget.call(dataset_id=card.id)
    assert not Choice.objects.exists()
    assert not Preparation.objects.exists()


@pytest.mark.parametrize("language", ["ja", "en"])
def test_the_page_repairs_with_a_click_and_takes_back(dataset, ready, language):
    owner, _ = dataset
    broken = ("name,v\n" + "測定,1\n" * 9000).encode() + "測定,2\n".encode("cp932")
    ready({"a.csv": b"v,w\n1,x\n1,x\n2,y\n", "b.csv": broken})
    browser = client_of(owner, language)
    shown = browser.get("/d/lab/data/ready").content.decode()
    assert {"ja": "3 行のうち 1 行を除きます", "en": "1 of 3 rows are left out"}[language] in shown
    assert {"ja": "内容が壊れています", "en": "The content is damaged"}[language] in shown
    form = {"repair": "deduplicate", "column": "", "value": ""}
    assert browser.post("/d/lab/data/ready", form).status_code == 302
    changed = browser.get("/d/lab/data/ready").content.decode()
    assert {"ja": "表を作り直す", "en": "Make the tables again"}[language] in changed
    choice = Choice.objects.get(ended_at=None)
    assert f'name="take_back" value="{choice.uid}"' in changed
    refused = browser.post("/d/lab/data/ready", {"repair": "drop", "column": "nowhere"})
    assert refused.status_code == 422
    assert browser.post("/d/lab/data/ready", {"take_back": choice.uid}).status_code == 302
    assert "take_back" not in browser.get("/d/lab/data/ready").content.decode()
