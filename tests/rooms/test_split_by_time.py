"""Test data that are to be forecast come after training data: offered where they do not, made, and refused in words."""

from __future__ import annotations

import pytest

from tests.rooms.clients import client_of
from tests.rooms.test_ready import ready, results, tables_of
from tests.rooms.test_repairs import card_of, repair
from tsunagu.data.datasets import api as datasets
from tsunagu.data.description.extraction import pool
from tsunagu.data.readiness import api as readiness
from tsunagu.data.readiness.models import Choice

pytestmark = pytest.mark.django_db
__all__ = ["ready"]
KIND = "split_by_time"


@pytest.fixture(autouse=True, scope="module")
def stop_pool_once():
    yield
    pool().close()
    pool.cache_clear()


def log(split="", count=100, zone=""):
    """A sensor that is read every hour; where it is divided, then by chance."""
    head = "time,v,lot" + (",split" if split else "")
    rows = (
        f"2026-03-{1 + n // 24:02}T{n % 24:02}:00:00{zone},{n * 0.5},L{n % 7}"
        + (f",{'test' if n % 5 == 0 else 'train'}" if split else "")
        for n in range(count)
    )
    return ("\n".join([head, *rows]) + "\n").encode()


def times_by_part(table):
    found = {}
    for moment, part in zip(table["time"].to_pylist(), table["split"].to_pylist(), strict=True):
        found.setdefault(part, []).append(moment)
    return found


def test_a_leak_by_time_is_repaired_with_a_click(dataset, ready):
    owner, _ = dataset
    ready({"log.csv": log(split="by chance")})
    before = card_of(owner)
    assert results(before)["time_leakage"].verdict == "fail"
    (offered,) = [one for one in before.repairs if one.kind == KIND]
    assert offered.name == "split_by_time:time=2026-03-04T08:00:00/2026-03-04T18:00:00"
    assert offered.rule == "time_leakage"
    assert offered.title["ja"] == (
        "「time」の順に分ける（2026-03-04 08:00:00 より前は学習用、2026-03-04 18:00:00 より前は検証用、それ以降は評価用）"
    )
    assert "「time」の日時で区切ります" in offered.changes["ja"]
    assert (
        "train 80 rows, validation 10, test 10. It cuts at dates and times of time" in offered.changes["en"]
    )
    repair(owner, offered.kind, offered.column, offered.value)
    table = tables_of(owner, ready.again())["log"]
    found = times_by_part(table)
    assert {part: len(several) for part, several in found.items()} == {
        "train": 80,
        "validation": 10,
        "test": 10,
    }
    assert max(found["train"]) < min(found["validation"]) < max(found["validation"]) < min(found["test"])
    after = results(card_of(owner))
    assert after["time_leakage"].verdict == after["splits"].verdict == "pass"
    assert [one.kind for one in card_of(owner).repairs if one.kind == KIND] == []
    (choice,) = card_of(owner).choices
    assert choice.says["en"].startswith("Split in the order of time: train before 2026-03-04 08:00:00")


def test_it_is_offered_where_nothing_is_divided_once_the_time_is_chosen(dataset, ready):
    owner, _ = dataset
    ready({"log.csv": b"s,v\n" + b"".join(b"%d,%d\n" % (n * 10, n % 3) for n in range(50))})
    assert KIND not in {one.kind for one in card_of(owner).repairs}
    repair(owner, "time", "s")
    ready.again()
    (offered,) = [one for one in card_of(owner).repairs if one.kind == KIND]
    assert (offered.name, offered.rule) == ("split_by_time:s=400/450", "splits")
    assert "「s」の数値で区切ります" in offered.changes["ja"]
    repair(owner, KIND, "s")
    table = tables_of(owner, ready.again())["log"]
    assert table["split"].to_pylist() == ["train"] * 40 + ["validation"] * 5 + ["test"] * 5
    found = results(card_of(owner))["time_leakage"]
    assert found.verdict == "pass"
    assert "390" in found.says["en"]


def test_one_split_ends_the_other(dataset, ready):
    owner, _ = dataset
    ready({"log.csv": log()})
    repair(owner, "split", "lot", "0.5/0.7")
    repair(owner, KIND, "time", "2026-03-02/2026-03-03")
    assert [one.name for one in card_of(owner).choices] == [
        "split_by_time:time=2026-03-02T00:00:00/2026-03-03T00:00:00"
    ]
    repair(owner, KIND, "v", "10/20")
    assert [one.name for one in card_of(owner).choices] == ["split_by_time:v=10.0/20.0"]
    repair(owner, "split", "lot", "0.5/0.7")
    assert [one.name for one in card_of(owner).choices] == ["split:lot=0.5/0.7"]


def test_rows_that_come_later_are_for_the_test(dataset, ready):
    owner, _ = dataset
    ready({"a.csv": log()})
    repair(owner, KIND, "time")
    done = ready({"b.csv": log().replace(b"2026-03", b"2026-05")})
    (table,) = tables_of(owner, done).values()
    found = times_by_part(table)
    assert (len(found["train"]), len(found["test"])) == (80, 110)


def test_a_time_without_a_zone_is_read_as_the_column_writes_its_own(dataset, ready):
    owner, _ = dataset
    ready({"log.csv": log(zone="+09:00")})
    for said in ("2026-03-02T00:00/2026-03-03T00:00", "2026-03-02T09:00+09:00/2026-03-03T00:00Z"):
        repair(owner, KIND, "time", said)
        (choice,) = card_of(owner).choices
        assert choice.value == "2026-03-02T00:00:00Z/2026-03-03T00:00:00Z"
    table = tables_of(owner, ready.again())["log"]
    assert table["split"].to_pylist().count("train") == 33, (
        "nine hours of the first of March are February in UTC"
    )


def test_what_cannot_be_divided_is_refused_in_words(dataset, ready):
    owner, _ = dataset
    same = b"at,none,w\n" + b"2026-03-01T10:00:00,,x\n" * 9
    ready({"log.csv": log(), "same.csv": same})
    for column, value, why in [
        ("time", "2026-04-01/2026-03-01", "lies after"),
        ("time", "spring/2026-03-01", "is no date"),
        ("time", "2026-03-01", "Two moments"),
        ("time", "2026-03-01T00:00+09:00/2026-03-02", "has a time zone"),
        ("v", "2026-03-01/2026-03-02", "is no number"),
        ("time", "9999-12-31/9999-12-31T24:00:01", "is no date"),
        ("none", "", "No row has a value"),
        ("at", "", "of one moment"),
        ("v", "", "propose no moments"),
    ]:
        with pytest.raises(readiness.BadMomentsError, match=why):
            repair(owner, KIND, column, value)
    for column, value, why in [
        ("lot", "1/2", "neither times nor numbers"),
        ("lot", "", "neither times nor numbers"),
        ("nowhere", "", "No table has a column"),
        ("nowhere", "1/2", "No table has a column"),
        ("", "", "needs a column"),
        ("source_file", "1/2", "stays as it is"),
    ]:
        with pytest.raises(readiness.BadChoiceError, match=why):
            repair(owner, KIND, column, value)
    assert not Choice.objects.exists()


def test_of_two_tables_the_one_with_the_column_is_divided(dataset, ready):
    owner, _ = dataset
    ready({"log.csv": log(), "other.csv": b"a,b\n1,2\n3,4\n"})
    repair(owner, KIND, "time")
    tables = tables_of(owner, ready.again())
    assert set(tables["log"]["split"].to_pylist()) == {"train", "validation", "test"}
    assert "split" not in tables["other"].column_names


def test_tables_may_disagree_on_what_a_column_of_one_name_holds(dataset, ready):
    owner, _ = dataset
    rows = b"".join(b"%d,%d,%s\n" % (n, n * n, (b"test", b"train")[n % 2]) for n in range(40))
    ready({"log.csv": log(split="by chance"), "seconds.csv": b"time,w,split\n" + rows})
    repair(owner, "time", "time")
    ready.again()
    assert "2026-03-01" in results(card_of(owner))["time_leakage"].says["en"], "both leak; one is named"
    repair(owner, KIND, "time")
    assert card_of(owner).choices[1].value.startswith("2026-03-04T08:00:00/"), "the larger table proposes"
    tables = tables_of(owner, ready.again())
    assert tables["seconds"]["split"].to_pylist() == ["test", "train"] * 20, "moments are no numbers"
    repair(owner, KIND, "time", "10/20")
    assert card_of(owner).choices[1].value == "10/20"
    tables = tables_of(owner, ready.again())
    assert tables["seconds"]["split"].to_pylist() == ["train"] * 10 + ["validation"] * 10 + ["test"] * 20
    assert tables["log"]["split"].to_pylist().count("test") == 20, "as its file says"


def test_a_renamed_column_is_named_as_the_files_have_it_and_a_dropped_one_needs_moments(dataset, ready):
    owner, _ = dataset
    ready({"log.csv": log(split="by chance")})
    repair(owner, "rename", "time", "measured_at")
    ready.again()
    (offered,) = [one for one in card_of(owner).repairs if one.kind == KIND]
    assert offered.column == "time"
    repair(owner, KIND, "time")
    ready.again()
    assert results(card_of(owner))["time_leakage"].verdict == "pass"
    repair(owner, "drop", "time")
    ready.again()
    with pytest.raises(readiness.BadMomentsError, match="propose no moments"):
        repair(owner, KIND, "time")
    repair(owner, KIND, "time", "2026-03-02/2026-03-03")
    table = tables_of(owner, ready.again())["log"]
    assert "measured_at" not in table.column_names
    assert table["split"].to_pylist().count("train") == 24


def test_times_of_a_sealed_dataset_are_written_by_people_alone(dataset, ready):
    owner, card = dataset
    datasets.seal(owner, card.id)
    ready({"log.csv": log(split="by chance")})
    assert results(card_of(owner))["time_leakage"].verdict == "fail"
    assert KIND not in {one.kind for one in card_of(owner).repairs}
    with pytest.raises(readiness.BadMomentsError, match="sealed"):
        repair(owner, KIND, "time")
    repair(owner, KIND, "time", "2026-03-02/2026-03-03")
    assert tables_of(owner, ready.again())["log"]["split"].to_pylist().count("train") == 24


@pytest.mark.parametrize("language", ["ja", "en"])
def test_the_page_offers_it_and_says_what_is_wrong(dataset, ready, language):
    owner, _ = dataset
    ready({"log.csv": log(split="by chance")})
    browser = client_of(owner, language)
    shown = browser.get("/d/lab/data/ready").content.decode()
    assert {"ja": "「time」の順に分ける（2026-03-04", "en": "Split in the order of time"}[language] in shown
    assert 'value="2026-03-04T08:00:00/2026-03-04T18:00:00"' in shown
    wrong = browser.post("/d/lab/data/ready", {"repair": KIND, "column": "time", "value": "2026/2025"})
    assert wrong.status_code == 422
    said = {"ja": "この列は、指定された時点では分けられません。", "en": "cannot be divided at these moments"}
    assert said[language] in wrong.content.decode()
    form = {"repair": KIND, "column": "time", "value": ""}
    assert browser.post("/d/lab/data/ready", form).status_code == 302
    chosen = browser.get("/d/lab/data/ready").content.decode()
    assert {"ja": "より前は検証用、それ以降は評価用）", "en": "then test"}[language] in chosen
