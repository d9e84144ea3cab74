"""What people chose stands in the table, in its schema and in its profile; the same choices make the same bytes."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tsunagu.formats import api as formats
from tsunagu.formats.converting.dividing import Dividing
from tsunagu.formats.converting.rowhash import SeenRows
from tsunagu.formats.tests.built import build
from tsunagu.formats.tests.making import attempt_behind_walls, attempt_in, made, planned

Choice = formats.Choice
KEY = "00" * 32


def one(folder, text, *choices):
    (folder / "x.csv").write_text(text, "utf-8")
    ((table, how),) = made(folder, *choices).values()
    return table, how.profile


def test_names_units_and_codes_for_missing_values(tmp_path):
    text = "I,T (°C),n\n1.5,-999,3\n2.5,20.5,-1\n-999,21,4\n"
    table, profile = one(
        tmp_path,
        text,
        Choice("unit", "I", "mA"),
        Choice("rename", "I", "current"),
        Choice("missing", "T", "-999|-998"),
        Choice("missing", "n", "-1"),
        Choice("missing", "nowhere", "-1"),
    )
    assert table.column_names == ["source_file", "current", "T", "n"]
    assert table["T"].to_pylist() == [None, 20.5, 21]
    assert table["n"].to_pylist() == [3, None, 4]
    assert table["current"].to_pylist()[2] == -999, "declared for other columns alone"
    assert table.schema.field("current").metadata[b"unit"] == b"mA"
    assert {c.name: (c.null_count, c.minimum) for c in profile.columns}["T"] == (1, 20.5)


def test_codes_personal_columns_and_columns_that_are_not_wanted(tmp_path):
    text = "氏名,grade,電話\n佐藤 花子,low,090-1234-5678\n鈴木 一郎,high,090-1234-5679\n佐藤 花子,mid,\n"
    table, profile = one(
        tmp_path,
        text,
        Choice("pseudonymise", "氏名", KEY),
        Choice("encode", "grade", "low|high"),
        Choice("drop", "電話"),
    )
    assert table.column_names == ["source_file", "氏名", "grade"]
    words = table["氏名"].to_pylist()
    assert words[0] == words[2] != words[1]
    assert all(len(word) == 16 for word in words)
    assert table["grade"].to_pylist() == [0, 1, None]
    assert b"0 = low, 1 = high" in table.schema.field("grade").metadata[b"description"]
    assert not any(column.personal for column in profile.columns)
    again, _ = one(tmp_path, text, Choice("pseudonymise", "氏名", "11" * 32))
    assert again["氏名"].to_pylist()[0] != words[0]


def test_what_is_said_of_files_can_be_chosen_too(tmp_path):
    build("scan.ras", tmp_path)
    ((table, _),) = made(tmp_path).values()
    assert table["xray_voltage"].to_pylist()[0] == 45
    ((chosen, _),) = made(
        tmp_path, Choice("missing", "xray_voltage", "45"), Choice("rename", "sample_name", "tube")
    ).values()
    assert chosen["xray_voltage"].null_count == chosen.num_rows
    assert "tube" in chosen.column_names


def test_repeated_rows_and_twin_files_go(tmp_path):
    for name in ("a", "b"):
        (tmp_path / f"{name}.csv").write_text("v,w\n1,x\n2,y\n1,x\n")
    ((table, how),) = made(tmp_path, Choice("deduplicate"), Choice("leave_out", "b.csv")).values()
    assert table.to_pylist() == [
        {"source_file": "a.csv", "v": 1, "w": "x"},
        {"source_file": "a.csv", "v": 2, "w": "y"},
    ]
    assert how.profile.duplicate_row_count == 0
    assert how.profile.twin_files == ()


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.integers(0, 30), max_size=12), max_size=12))
def test_rows_are_new_once(batches):
    seen, known = SeenRows(), set()
    for batch in batches:
        expected = []
        for value in batch:
            expected.append(value not in known)
            known.add(value)
        assert seen.add(np.array(batch, dtype=np.uint64)).tolist() == expected


def grouped(groups, each):
    lines = "".join(f"p{n % groups},{n}\n" for n in range(groups * each))
    return "patient_id,v\n" + lines


@pytest.mark.parametrize("groups", [3, 5, 40, 400])
def test_a_split_keeps_groups_together_and_has_no_empty_part(tmp_path, groups):
    text = grouped(groups, 5)
    _, profile = one(tmp_path, text)
    (cuts,) = (cut for cut in profile.leakage.cuts if cut.column == "patient_id")
    assert cuts.group_count == groups
    table, profile = one(tmp_path, text, Choice("split", "patient_id", f"{cuts.low}/{cuts.high}"))
    parts = defaultdict(set)
    for group, part in zip(table["patient_id"].to_pylist(), table["split"].to_pylist(), strict=True):
        parts[group].add(part)
    assert all(len(found) == 1 for found in parts.values())
    assert [profile.split_counts[name] for name in ("train", "validation", "test")] == list(cuts.sizes)
    assert cuts.sizes[0] >= max(cuts.sizes)
    if groups >= 40:
        assert abs(cuts.sizes[0] / (groups * 5) - 0.8) < 0.03
    (leak,) = profile.leakage.groups
    assert leak.leaked_count == 0


def test_a_split_by_files_and_rows_without_a_group_are_for_training(tmp_path):
    for number in range(10):
        (tmp_path / f"f{number}.csv").write_text(f"v\n{number}\n{number + 0.5}\n")
    ((_, how),) = made(tmp_path).values()
    (cuts,) = how.profile.leakage.cuts
    assert (cuts.column, cuts.group_count) == ("source_file", 10)
    ((table, _),) = made(tmp_path, Choice("split", "source_file", f"{cuts.low}/{cuts.high}")).values()
    assert {name: table["split"].to_pylist().count(name) for name in ("train", "validation", "test")} == {
        "train": 16,
        "validation": 2,
        "test": 2,
    }
    (plan,) = planned(tmp_path).tables
    assert Dividing(plan, Choice("split", "source_file", "0.0/0.0"))._part(None) == "train"


def test_an_older_split_gives_way_to_the_chosen_one(tmp_path):
    table, profile = one(
        tmp_path, "patient,split\na,test\nb,test\na,train\n", Choice("split", "patient", "1.0/1.0")
    )
    assert table.column_names.count("split") == 1
    assert profile.split_counts == {"train": 3}


def test_the_same_choices_make_the_same_bytes_behind_the_walls(tmp_path):
    (tmp_path / "a.csv").write_text(grouped(20, 30), "utf-8")
    (plan,) = planned(tmp_path).tables
    plan = plan.with_choices(
        (
            Choice("split", "patient_id", "0.8/0.9"),
            Choice("pseudonymise", "patient_id", KEY),
            Choice("deduplicate"),
        )
    )
    here = formats.settle(plan, attempt_in(tmp_path))
    with formats.Converter() as pool:
        there = formats.settle(plan, attempt_behind_walls(tmp_path, pool))
    assert (here.result, here.profile) == (there.result, there.profile)
    assert formats.TableProfile.from_json(here.profile.as_json()) == here.profile
