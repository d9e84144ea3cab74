"""``tsunagu sql`` against a running node: plain and sealed data, tables, CSV, refusals."""

from __future__ import annotations

import csv
import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

pytestmark = pytest.mark.functional


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("tables")
    field = pa.field("angle", pa.float64(), metadata={"unit": "deg"})
    schema = pa.schema([field, pa.field("counts", pa.int64()), pa.field("試料", pa.string())])
    table = pa.table([[n / 10 for n in range(5000)], list(range(5000)), ["=A", "β"] * 2500], schema=schema)
    pq.write_table(table, place / "scan.parquet", row_group_size=500)
    return place


@pytest.mark.parametrize("kind", ["plain", "sealed"])
def test_a_person_asks_from_the_command_line(node, folder, kind):
    name = f"lab/sql-{kind}"
    if kind == "sealed":
        node.run("seal", name, "--create")
    node.run("push", str(folder), name)
    listed = node.run("sql", name).stdout
    assert "scan: 5,000 rows, 1 file(s)" in listed
    assert "deg" in listed
    sql = 'select "試料", count(*) n, max(angle) top from scan group by 1 order by 1'
    assert node.json("sql", name, sql)["rows"] == [["=A", 2500, 499.8], ["β", 2500, 499.9]]
    shown = list(csv.reader(io.StringIO(node.run("sql", name, sql, "--csv").stdout)))
    assert shown == [["試料", "n", "top"], ["'=A", "2500", "499.8"], ["β", "2500", "499.9"]]
    assert "2500" in node.run("sql", name, sql).stdout
    cut = node.run("sql", name, "select * from scan", "--limit", "3")
    assert len(cut.stdout.splitlines()) == 4
    assert "only the first 3" in cut.stderr
    refused = node.run("sql", name, "select * from '/etc/passwd'", check=False)
    assert refused.returncode == 2
    assert "root:" not in refused.stdout + refused.stderr
    frozen = node.run("sql", f"{name}@7", "select 1", check=False)
    assert frozen.returncode == 4
