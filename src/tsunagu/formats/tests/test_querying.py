"""SQL over Parquet files behind the walls: right answers, bounded cost, nothing of the machine to be seen."""

from __future__ import annotations

import datetime as dt
import decimal
import threading
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tsunagu.formats.api import Limits, Querier, QueryFailedError, Question, TableFiles

LIMITS = Limits(wall_s=20, cpu_s=15, memory_bytes=512 << 20)


@pytest.fixture(scope="module")
def querier():
    with Querier(limits=LIMITS) as found:
        yield found


class World:
    """Parquet files in memory, and what was read of them."""

    def __init__(self, **tables):
        self.files, self.named, self.read_bytes = [], [], 0
        for name, several in tables.items():
            contents = []
            for table in several if isinstance(several, list) else [several]:
                sink = pa.BufferOutputStream()
                pq.write_table(table, sink, row_group_size=1000)
                contents.append(sink.getvalue().to_pybytes())
            self.named.append(TableFiles(name, tuple(map(len, contents))))
            self.files += contents

    def read(self, number, start, count):
        self.read_bytes += count
        return self.files[number][start : start + count]

    def ask(self, querier, sql, *parameters, limits=LIMITS, **more):
        question = Question("query", tuple(self.named), sql, parameters, **more)
        return querier.ask(question, self.read, limits=limits)


@pytest.fixture(scope="module")
def world():
    rng = np.random.default_rng(3)
    scans = [
        pa.table(
            {
                "angle": pa.array(np.arange(5000) * 0.02),
                "counts": pa.array(rng.poisson(50, 5000)),
                "file": ["a.ras" if part else "b.ras"] * 5000,
            }
        )
        for part in range(2)
    ]
    return World(scans=scans, log=pa.table({"t": [1, 2], "日本 語": ["あ", None]}))


def test_rows_of_several_files_are_one_table(querier, world):
    found = world.ask(querier, "select file, count(*) n, max(angle) from scans group by file order by file")
    assert found.columns == ("file", "n", "max(angle)")
    assert found.rows == (("a.ras", 5000, 99.98), ("b.ras", 5000, 99.98))
    assert not found.is_cut
    assert world.ask(querier, 'select "日本 語" from log').rows == (("あ",), (None,))
    joined = "select count(*) from scans s join log l on s.angle = l.t"
    assert world.ask(querier, joined).rows == ((4,),)
    assert world.ask(querier, "select count(*) from scans where counts > ?", 50).rows[0][0] < 10_000


def test_tables_are_described_with_units(querier):
    field = pa.field("T", pa.float32(), metadata={"unit": "K", "description": "of the stage"})
    table = pa.table([pa.array([1.0], pa.float32())], schema=pa.schema([field]))
    world = World(one=table)
    world.named.append(TableFiles("broken", (5,)))
    world.files.append(b"hello")
    found = querier.ask(Question("describe", tuple(world.named)), world.read, limits=LIMITS)
    (column,) = found[0].columns
    assert (column.name, column.type, column.unit, column.description) == ("T", "float", "K", "of the stage")
    assert column.is_number
    assert found[0].row_count == 1
    assert "Parquet" in found[1].problem


def test_only_what_a_query_needs_is_read(querier):
    rng = np.random.default_rng(1)
    wide = pa.table({"n": np.arange(100_000), **{f"c{at}": rng.random(100_000) for at in range(20)}})
    world = World(wide=wide)
    whole = sum(map(len, world.files))
    world.ask(querier, "select sum(c3) from wide")
    assert world.read_bytes < whole / 5
    world.read_bytes = 0
    world.ask(querier, "select c3 from wide where n = 7")
    assert world.read_bytes < whole / 20, "row groups that cannot match are left out"


@pytest.mark.parametrize(
    "sql",
    [
        "select * from read_csv('/etc/passwd')",
        "select * from read_text('/proc/self/environ')",
        "select * from '/etc/passwd'",
        "select * from glob('/*')",
        "copy (select 1) to '/tmp/x.csv'",
        "attach '/tmp/x.db' as x",
        "install httpfs",
        "load httpfs",
        "set enable_external_access = true",
        "pragma memory_limit = '1TB'",
        "create table x as select 1",
        "drop view scans",
        "select 1; select 2",
        "",
        "selec 1",
        "select * from world",
        "select * from nothing",
        "call pragma_version()",
        "select * from duckdb_secrets(), read_parquet('http://127.0.0.1:1/x')",
    ],
)
def test_nothing_but_one_select_over_the_tables(querier, world, sql):
    with pytest.raises(QueryFailedError):
        world.ask(querier, sql)
    assert world.ask(querier, "select 1").rows == ((1,),)


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        (
            "select count(*) from range(100000000000) a, range(1000000) b where a.range % 7 = b.range % 11",
            "out_of_time",
        ),
        ("select list(x order by -x) from (select unnest(range(400000000)) x)", ""),
        ("select repeat('x', 3000000000)", ""),
    ],
)
def test_a_query_without_measure_ends_in_words(querier, world, sql, reason):
    limits = replace(LIMITS, wall_s=4, cpu_s=6)
    with pytest.raises(QueryFailedError) as failed:
        world.ask(querier, sql, limits=limits)
    assert failed.value.fields.get("reason", "") == reason or "memory" in str(failed.value)
    assert world.ask(querier, "select 1").rows == ((1,),)


def test_an_answer_is_cut_at_rows_and_at_bytes(querier, world):
    found = world.ask(querier, "select * from scans", most_rows=10)
    assert (len(found.rows), found.is_cut) == (10, True)
    assert not world.ask(querier, "select * from scans limit 10", most_rows=10).is_cut
    found = world.ask(querier, "select repeat('x', 9000) from scans", most_bytes=100_000)
    assert (len(found.rows) <= 11, found.is_cut) == (True, True)


def test_every_kind_of_value_becomes_json(querier):
    world = World(
        t=pa.table(
            {
                "nan": [float("nan")],
                "inf": [float("-inf")],
                "at": [dt.datetime(2026, 3, 1, 12, 30, tzinfo=dt.UTC)],
                "day": [dt.date(2026, 3, 1)],
                "price": [decimal.Decimal("1.50")],
                "raw": [b"\x00\xff" * 50],
                "list": [[1, None]],
                "pair": [{"x": 1.5, "y": None}],
                "yes": [True],
                "huge": [2**62],
            }
        )
    )
    (row,) = world.ask(querier, "select * from t").rows
    assert row == (
        "nan", "-inf", "2026-03-01T12:30:00+00:00", "2026-03-01", "1.50", "00ff" * 32 + "…", [1, None], {"x": 1.5, "y": None},
        True, 2**62,
    )  # fmt: skip


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300))
def test_any_bytes_as_a_file_end_in_words(querier, content):
    question = Question("query", (TableFiles("t", (len(content),)),), "select * from t")
    with pytest.raises(QueryFailedError):
        querier.ask(question, lambda _, start, count: content[start : start + count], limits=LIMITS)


def test_bytes_that_go_missing_midway_are_said(querier):
    world = World(t=pa.table({"x": np.arange(50_000)}))

    def lost(number, start, count):
        return b"" if start < 1000 else world.files[number][start : start + count]

    with pytest.raises(QueryFailedError):
        querier.ask(Question("query", tuple(world.named), "select sum(x) from t"), lost, limits=LIMITS)


def test_questions_of_several_threads_are_answered(querier, world):
    found = []

    def ask(number):
        found.append(world.ask(querier, f"select {number} + count(*) from scans").rows[0][0])

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [10_000, 10_001, 10_002, 10_003]


def test_a_process_that_was_killed_is_replaced(world):
    with Querier(limits=LIMITS) as fresh:
        assert world.ask(fresh, "select 1").rows == ((1,),)
        fresh._process.kill()
        fresh._process.wait()
        assert world.ask(fresh, "select 2").rows == ((2,),)
