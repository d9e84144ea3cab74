"""A document that names arrays still loads its tables in the reference tool, without a warning."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import textwrap

import pyarrow as pa
import pyarrow.parquet as pq

from tsunagu.standards.api import (
    Agent,
    ArrayEntry,
    Column,
    FileEntry,
    Record,
    Store,
    Table,
    to_croissant,
)


def test_arrays_beside_tables(tmp_path):
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"v": [1, 2, 3], "mz": [[1.0, 2.0], [3.0], [4.0]]}), path)
    content = path.read_bytes()
    table = Table((Column("v", "integer"), Column("mz", "numbers")), 3)
    arrays = tuple(ArrayEntry(f"a{n}", (("file", 3), ("x", 30)), "uint16", "counts") for n in range(60))
    record = Record(
        id="https://node.example/d/lab/x?version=1", slug="lab/x", name="x", description="", licence="CC BY 4.0",
        licence_url="https://creativecommons.org/licenses/by/4.0/", published_at="2026-11-26T00:00:00Z", version=1,
        version_hash="00", publisher=Agent("node", "https://node.example", "Organization"),
        files=(
            FileEntry("t.parquet", str(path), len(content), hashlib.sha256(content).hexdigest(), "application/x-parquet", table),
            FileEntry("arrays/x.zarr/zarr.json", "https://node.example/z", 9, "0" * 64, "application/json"),
        ),
        stores=(Store("arrays/x.zarr", arrays),),
    )  # fmt: skip
    document = to_croissant(record)
    (found,) = [one for one in document["distribution"] if one["@type"] == "cr:FileSet"]
    assert found["includes"] == "arrays/x.zarr/**"
    assert "a0 (file 3, x 30) uint16 in counts" in found["description"]
    assert "10 more" in found["description"]
    (tmp_path / "c.json").write_text(json.dumps(document))
    script = """
        import logging, os, sys
        import mlcroissant as mlc
        class Loud(logging.Handler):
            def emit(self, record): sys.exit(record.getMessage())
        logging.getLogger().addHandler(Loud(logging.WARNING))
        data = mlc.Dataset(jsonld=sys.argv[1])
        rows = list(data.records(data.metadata.record_sets[0].id))
        lists = [number for row in rows for number in row["t.parquet_rows/mz"]]
        print(sum(row["t.parquet_rows/v"] for row in rows), sum(lists), len(data.metadata.file_sets), flush=True)
        os._exit(0)  # pyarrow aborts now and then while Python takes itself apart
    """
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", textwrap.dedent(script), str(tmp_path / "c.json")],
        capture_output=True, text=True, timeout=120, check=False, env={"HOME": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.split() == ["6", "10.0", "1"]
