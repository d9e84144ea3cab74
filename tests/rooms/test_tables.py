"""Tables of a version: which files are one, who may ask, what a page shows, what a CSV may hold."""

from __future__ import annotations

import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rooms.clients import caller_of, client_of
from tsunagu.core.cells import safe_cell
from tsunagu.core.errors import InvalidInputError, NotFoundError
from tsunagu.data.datasets import api as datasets
from tsunagu.data.tables import api as tables
from tsunagu.data.tables.naming import named
from tsunagu.foundation.policy import api as policy


@pytest.fixture(scope="module", autouse=True)
def stop_after():
    yield
    tables.stop()


def _parquet(table):
    sink = io.BytesIO()
    pq.write_table(table, sink)
    return sink.getvalue()


@pytest.fixture
def scans(dataset, put):
    """A frozen version with two shards of scans and a log, and a draft that says something else."""
    owner, card = dataset
    angle = pa.field("angle", pa.float64(), metadata={"unit": "deg"})
    schema = pa.schema([angle, pa.field("counts", pa.int64()), pa.field("note", pa.string())])

    def part(start):
        rows = range(start, start + 100)
        notes = [None if n % 10 else f"=note {n}" for n in rows]
        return _parquet(pa.table([[n / 10 for n in rows], [n % 7 for n in rows], notes], schema=schema))

    put(
        owner,
        card,
        {
            "data/scan-00000-of-00002.parquet": part(0),
            "data/scan-00001-of-00002.parquet": part(100),
            "log.parquet": _parquet(pa.table({"t": [1.0, float("nan")]})),
            "readme.txt": b"no table",
        },
    )
    datasets.freeze_version(owner, card.id)
    put(owner, card, {"log.parquet": _parquet(pa.table({"draft": [1]}))})
    return owner, datasets.get_dataset(owner, "lab", "data")


# --- Names


def test_shards_are_one_table_and_names_are_told_apart():
    found = named(
        [
            "data/train-00000-of-00002.parquet",
            "data/train-00001-of-00002.parquet",
            "a/scan.parquet",
            "b/scan.parquet",
            "2026-03.parquet",
            "測定 値.parquet",
        ]
    )
    assert found == {
        "a_scan": ["a/scan.parquet"],
        "b_scan": ["b/scan.parquet"],
        "t_2026": ["2026-03.parquet"],
        "train": ["data/train-00000-of-00002.parquet", "data/train-00001-of-00002.parquet"],
        "測定_値": ["測定 値.parquet"],
    }


@given(st.lists(st.text(st.characters(blacklist_categories=["Cs"]), min_size=1, max_size=12), unique=True))
def test_every_file_stands_in_exactly_one_table(stems):
    paths = [f"{stem}.parquet" for stem in stems]
    found = named(paths)
    assert sorted(path for several in found.values() for path in several) == sorted(paths)


# --- Who, and what


@pytest.mark.django_db
def test_a_table_answers_over_its_shards_and_says_its_units(scans):
    owner, card = scans
    found = tables.open_tables(owner, card, version=1)
    assert found.names == ("log", "scan")
    described = {one.name: one for one in found.describe()}
    assert described["scan"].row_count == 200
    assert described["scan"].columns[0].unit == "deg"
    assert found.query("select count(*), max(angle) from scan").rows == ((200, 19.9),)
    assert tables.open_tables(owner, card).query("select draft from log").rows == ((1,),)


@pytest.mark.django_db
def test_only_readers_ask_and_nobody_asks_a_draft_who_may_not_see_it(scans, person):
    owner, card = scans
    stranger, reader = person("stranger"), person("reader")
    policy.grant(owner, card.resource, subject_kind="person", subject_id=reader.id, role=policy.Role.READER)
    json = {"content_type": "application/json"}
    place = "/api/v1/datasets/lab/data/sql"
    sql = {"sql": "select count(*) from scan"}
    assert caller_of(reader).post(place, sql, **json).json()["rows"] == [[200]]
    assert caller_of(stranger).post(place, sql, **json).status_code == 404
    datasets.set_access(owner, card.id, policy.Access.OPEN)
    assert caller_of(stranger).post(place, sql, **json).json()["version"] == 1
    assert caller_of(stranger).post(place, {**sql, "version": 2}, **json).status_code == 404
    from django.test import Client

    assert Client().post(place, sql, **json).status_code == 401, "computing is for people with a name"
    assert Client().get("/d/lab/data/tables").status_code == 302


@pytest.mark.django_db
def test_a_version_without_tables_says_so(dataset, put):
    owner, card = dataset
    put(owner, card, {"a.txt": b"1"})
    with pytest.raises(tables.NoTablesError):
        tables.open_tables(owner, datasets.get_dataset(owner, "lab", "data"))
    answer = client_of(owner).get("/d/lab/data/tables")
    assert answer.status_code == 200
    assert "has no tables" in answer.content.decode()


# --- Looking


@pytest.mark.django_db
def test_a_look_sorts_filters_and_pages(scans):
    owner, card = scans
    found = tables.open_tables(owner, card, version=1)
    scan = found.describe()[1]
    view = tables.look(found, scan, tables.Look("scan", sort="angle", is_down=True, page=2))
    assert (view.row_count, view.page_count, view.rows[0][0]) == (200, 4, 14.9)
    wish = (tables.Filter("counts", ">=", "5"), tables.Filter("note", "contains", "NOTE 1"))
    view = tables.look(found, scan, tables.Look("scan", filters=wish))
    expected = [n for n in range(200) if n % 7 >= 5 and n % 10 == 0 and f"note {n}".startswith("note 1")]
    assert view.row_count == len(expected)
    empty = tables.look(found, scan, tables.Look("scan", filters=(tables.Filter("note", "empty"),)))
    assert empty.row_count == 180
    with pytest.raises(InvalidInputError):
        tables.look(found, scan, tables.Look("scan", filters=(tables.Filter("counts", ">", "many"),)))
    for column in ("nothing", 'counts"; drop table scan; --'):
        with pytest.raises(NotFoundError):
            tables.look(found, scan, tables.Look("scan", sort=column))


@pytest.mark.django_db
def test_a_value_is_never_sql(scans):
    owner, card = scans
    found = tables.open_tables(owner, card, version=1)
    scan = found.describe()[1]
    hostile = (tables.Filter("note", "=", "' or 1=1 --"),)
    assert tables.look(found, scan, tables.Look("scan", filters=hostile)).row_count == 0


@pytest.mark.django_db
def test_distributions_count_every_row_once(scans):
    owner, card = scans
    found = tables.open_tables(owner, card, version=1)
    log, scan = found.describe()
    angles = tables.histogram(found, scan, "angle")
    assert sum(bar.count for bar in angles.bars) == 200
    assert {bar.count for bar in angles.bars} == {5}
    notes = tables.histogram(found, scan, "note")
    assert (sum(bar.count for bar in notes.bars), notes.missing, notes.others) == (20, 180, 0)
    times = tables.histogram(found, log, "t")
    assert ([bar.count for bar in times.bars], times.missing, times.others) == ([1], 0, 1)
    plot = tables.points(found, scan, "angle", "counts")
    assert (len(plot.points), plot.row_count, plot.x_unit) == (200, 200, "deg")
    with pytest.raises(tables.NoSuchTableError):
        tables.points(found, scan, "angle", "note")


# --- Pages and CSV


@pytest.mark.django_db
@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_page_shows_a_table_its_distribution_and_an_answer(scans, language):
    owner, _card = scans
    client = client_of(owner, language)
    query = "table=scan&sort=counts&spread=angle&x=angle&y=counts&column=counts&is=%3C&value=3&version=1"
    said = client.get(f"/d/lab/data/tables?{query}").content.decode()
    assert said.count('<rect class="count"') == 40
    assert 'class="s1"' in said
    assert 'aria-sort="ascending"' in said
    said = client.get(
        "/d/lab/data/tables", {"sql": "select count(*) n from scan", "version": 1}
    ).content.decode()
    assert '<td class="num">200</td>' in said
    said = client.get("/d/lab/data/tables", {"sql": "select * from '/etc/passwd'"}).content.decode()
    assert 'role="alert"' in said
    assert "root:" not in said


@pytest.mark.django_db
def test_a_csv_holds_no_formula(scans):
    """F-14: text that a spreadsheet would run is text again, in names of columns too; numbers stay numbers."""
    owner, _card = scans
    asked = {
        "sql": 'select note "=cmd", -counts from scan where note is not null order by angle',
        "form": "csv",
    }
    answer = client_of(owner).get("/d/lab/data/tables", {**asked, "version": 1})
    assert answer["Content-Type"].startswith("text/csv")
    lines = answer.content.decode("utf-8-sig").splitlines()
    assert lines[0].startswith("'=cmd,")
    assert lines[2] == "'=note 10,-3"


@given(st.text(max_size=20))
def test_no_cell_begins_like_a_formula(text):
    assert not str(safe_cell(text)).startswith(("=", "+", "-", "@", "\t", "\r"))
    assert str(safe_cell(text)).removeprefix("'").endswith(text.removeprefix("'"))
