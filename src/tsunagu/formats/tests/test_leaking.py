"""What test data share with training data is found by group, time, target and likeness, and nothing is found in clean data."""

from __future__ import annotations

import io
import random

import numpy as np
import pytest
from PIL import Image

from tsunagu.formats import api as formats
from tsunagu.formats.converting.near import look
from tsunagu.formats.tests.making import attempt_behind_walls, made, planned


def leakage_of(folder, text, *choices):
    (folder / "x.csv").write_text(text, "utf-8")
    ((_, how),) = made(folder, *choices).values()
    return how.profile.leakage


def rows(header, several):
    return header + "\n" + "\n".join(",".join(map(str, one)) for one in several) + "\n"


@pytest.mark.parametrize("name", ["patient_id", "被験者ID", "sample", "ロット番号"])
def test_a_group_in_two_splits_is_found_by_its_name(tmp_path, name):
    table = [(f"g{n // 10}", n * 1.5, "test" if n >= 80 or n in {3, 17} else "train") for n in range(100)]
    found = leakage_of(tmp_path, rows(f"{name},v,split", table))
    (leak,) = found.groups
    assert (leak.column, leak.group_count, leak.leaked_count, leak.is_chosen) == (name, 10, 2, False)


def test_groups_that_stay_together_do_not_leak(tmp_path):
    table = [(f"g{n // 10}", n * 1.5, "test" if n >= 80 else "train") for n in range(100)]
    (leak,) = leakage_of(tmp_path, rows("patient_id,v,split", table)).groups
    assert leak.leaked_count == 0


def test_the_number_of_a_row_is_no_group_and_people_may_name_another(tmp_path):
    table = [(n, n // 5, n * 1.5, "test" if n % 5 == 0 else "train") for n in range(100)]
    text = rows("sample_id,cell_line,v,split", table)
    assert leakage_of(tmp_path, text).groups == ()
    (leak,) = leakage_of(tmp_path, text, formats.Choice("group", "cell_line")).groups
    assert (leak.column, leak.leaked_count, leak.is_chosen) == ("cell_line", 20, True)
    assert leakage_of(tmp_path, text, formats.Choice("group", "")).groups == ()


def test_files_are_groups_where_rows_say_their_split(tmp_path):
    for number in range(3):
        text = rows("v,split", [(number * 10 + n, "test" if n == number == 1 else "train") for n in range(4)])
        (tmp_path / f"f{number}.csv").write_text(text)
    ((_, how),) = made(tmp_path).values()
    (leak,) = how.profile.leakage.groups
    assert (leak.column, leak.leaked_count) == ("source_file", 1)


def test_a_test_row_older_than_training_is_found(tmp_path):
    def table(is_mixed):
        return rows(
            "measured,birth date,v,split",
            [
                (
                    f"2026-03-{n + 1:02}",
                    f"1990-01-{n + 1:02}",
                    n,
                    "test" if n >= 15 or (is_mixed and n == 4) else "train",
                )
                for n in range(20)
            ],
        )

    late = leakage_of(tmp_path, table(is_mixed=False)).time
    assert (late.column, late.is_leak) == ("measured", False)
    early = leakage_of(tmp_path, table(is_mixed=True)).time
    assert (early.is_leak, early.test_from, early.train_until) == (True, "2026-03-05", "2026-03-15")
    assert leakage_of(tmp_path, table(is_mixed=True), formats.Choice("time", "")).time is None


def test_columns_that_give_the_target_away(tmp_path):
    rng = random.Random(3)
    table = []
    for number in range(200):
        label = rng.random() < 0.4
        table.append(
            (number, rng.random(), "ab"[label] + str(rng.randrange(3)), rng.randrange(4), int(label))
        )
    found = leakage_of(tmp_path, rows("n,noise,code,site,label", table))
    assert found.target == "label"
    assert [(one.column, one.way) for one in found.giveaways] == [("code", "values")]


def test_a_number_that_runs_with_the_target(tmp_path):
    rng = random.Random(4)
    values = [rng.random() for _ in range(100)]
    table = [(v, 3 * v + 20 + rng.random() * 1e-3, rng.random()) for v in values]
    text = rows("strength,copy,other", table)
    assert leakage_of(tmp_path, text).target == ""
    found = leakage_of(tmp_path, text, formats.Choice("target", "strength"))
    assert found.target_is_chosen
    ((away),) = found.giveaways
    assert (away.column, away.way) == ("copy", "line")
    assert away.correlation > 0.999


def test_few_rows_that_agree_by_chance_give_nothing_away(tmp_path):
    table = [(n % 12, "yes" if n % 12 else "no") for n in range(24)]
    assert leakage_of(tmp_path, rows("v,label", table)).giveaways == ()


def test_rows_that_differ_by_rounding_case_width_and_spaces(tmp_path):
    table = [
        ("Alpha  ray", 1.2345678, "train"),
        ("alpha ray ", 1.2345679, "test"),
        ("ＡＬＰＨＡ ray", 1.2345678, "train"),
        ("alpha ray", 1.25, "train"),
        ("beta", 1.2345678, "test"),
    ]
    found = leakage_of(tmp_path, rows("word,v,split", table))
    assert (found.near_duplicate_row_count, found.near_leaked_row_count) == (2, 3)


def test_the_same_rows_are_no_near_ones_and_a_split_column_hides_no_leak(tmp_path):
    (tmp_path / "x.csv").write_text("word,v,split\na,1.5,train\na,1.5,test\na,1.5,train\nb,2.5,test\n")
    ((_, how),) = made(tmp_path).values()
    profile = how.profile
    assert (profile.duplicate_row_count, profile.leaked_row_count) == (2, 3)
    assert (profile.leakage.near_duplicate_row_count, profile.leakage.near_leaked_row_count) == (0, 0)


def picture(seed, *, size=(64, 48), quality=95, kind="JPEG"):
    rng = np.random.default_rng(seed)
    small = Image.fromarray(rng.integers(0, 256, (6, 8, 3), dtype=np.uint8))
    file = io.BytesIO()
    small.resize((640, 480), Image.Resampling.BICUBIC).resize(size).save(file, kind, quality=quality)
    return file.getvalue()


def test_pictures_that_look_alike_are_found_over_files(tmp_path):
    for name, content in {
        "train/a.jpg": picture(1),
        "train/b.jpg": picture(2),
        "test/c.jpg": picture(1, size=(128, 96), quality=80),
        "test/d.jpg": picture(3),
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    ((table, how),) = made(tmp_path).values()
    assert table.num_rows == 4
    assert how.profile.leaked_row_count == 0
    found = how.profile.leakage
    assert (found.near_duplicate_row_count, found.near_leaked_row_count) == (1, 2)
    (plan,) = planned(tmp_path).tables
    with formats.Converter() as pool:
        assert formats.settle(plan, attempt_behind_walls(tmp_path, pool)).profile == how.profile


def test_what_is_no_picture_counts_by_its_bytes():
    assert look(b"no picture") == look(b"no picture") != look(b"another")
    assert look(None) is None
    plain = [io.BytesIO(), io.BytesIO()]
    for file, colour in zip(plain, (10, 200), strict=True):
        Image.new("L", (20, 20), colour).save(file, "PNG")
    assert look(plain[0].getvalue()) != look(plain[1].getvalue())
