"""Two hundred files of an instrument become one table on a running node; asked again, nothing is new."""

from __future__ import annotations

import random
import time

import pyarrow.parquet as pq
import pytest

from tests.node import running_node
from tsunagu.formats.tests.built import build

pytestmark = pytest.mark.functional


@pytest.fixture(scope="module")
def measured(node, tmp_path_factory):
    """200 diffraction scans that differ in voltage and counts, two infrared spectra and a log as CSV; frozen."""
    folder = tmp_path_factory.mktemp("measured")
    scan = build("scan.ras", folder).read_text("cp932")
    (folder / "scan.ras").unlink()
    rng = random.Random(4)
    (folder / "scans").mkdir()
    for number in range(200):
        text = scan.replace('MEAS_COND_XG_VOLTAGE "45"', f'MEAS_COND_XG_VOLTAGE "{30 + number % 3 * 5}"')
        assert text != scan
        (folder / "scans" / f"film_{number:03}.ras").write_text(
            text.replace(" 200.0", f" {rng.random():.4f}"), "cp932"
        )
    for number in range(2):
        build("ir.jdx", folder).rename(folder / f"ir{number}.jdx")
    (folder / "log.csv").write_text("time,Temp (°C)\n2026-03-05 10:00:00,20.5\n2026-03-05 10:01:00,21\n")
    node.run("push", str(folder), "lab/films")
    node.wait_for_readings("lab/films")
    node.run("freeze", "lab/films")
    return folder


def test_a_version_is_made_ready_from_the_command_line(node, measured, tmp_path):
    card = node.json("ready", "lab/films")
    assert card["preparation"]["state"] == "done", card["preparation"]
    assert card["preparation"]["derived"] == "lab/films-ready"
    tables = {one["name"]: one for one in card["profile"]["tables"]}
    assert {name: one["file_count"] for name, one in tables.items()} == {"film": 200, "jcamp": 2, "log": 1}
    node.run("pull", "lab/films-ready", str(tmp_path / "out"))
    table = pq.read_table(tmp_path / "out" / "data" / "film.parquet")
    assert table.num_rows == tables["film"]["row_count"] == 200 * 120
    by_file = dict(zip(table["source_file"].to_pylist(), table["xray_voltage"].to_pylist(), strict=True))
    assert len(by_file) == 200
    assert by_file["scans/film_001.ras"] == 35
    assert table.schema.field("xray_voltage").metadata[b"unit"] == b"kV"
    assert table.schema.field("two_theta").metadata[b"unit"] == b"deg"
    shown = node.run("ready", "lab/films", "--card").stdout
    assert f"{card['score']} of 100" in shown


def test_asked_again_nothing_is_new(node, measured):
    before = node.json("show", "lab/films-ready"), node.json("runs", "lab/films-ready")
    again = node.json("ready", "lab/films")
    assert again["preparation"]["derived_version"] == 1
    assert (node.json("show", "lab/films-ready"), node.json("runs", "lab/films-ready")) == before


def test_a_node_that_is_killed_midway_goes_on_where_it_was_asked(tmp_path):
    """The same table comes out as of a node that nobody kills, once, and nothing half-made is ever shown."""
    folder = tmp_path / "logs"
    folder.mkdir()
    rows = "".join(f"2026-03-05 10:00:{n % 60:02},{n * 0.5},{n}\n" for n in range(60_000))
    for number in range(12):
        (folder / f"log_{number}.csv").write_text("time,voltage (mV),n\n" + rows)
    with running_node(tmp_path / "home") as node:
        node.run("project", "create", "lab")
        node.run("push", str(folder), "lab/logs")
        node.wait_for_readings("lab/logs")
        node.run("freeze", "lab/logs")
        kills = 0
        for wait_s in (0.6, 1.0, 1.4):
            status, asked = node.api("POST", "/datasets/lab/logs/readiness", {})
            assert status == 200
            if asked["state"] == "done":
                break
            time.sleep(wait_s)
            node.kill()
            kills += 1
            node.start()
            shown = node.api("GET", "/datasets/lab/logs-ready/versions")
            assert shown[0] == 404 or len(shown[1]["versions"]) <= 1
        assert kills
        card = node.json("ready", "lab/logs")
        assert card["preparation"]["state"] == "done", card["preparation"]
        assert card["preparation"]["derived_version"] == 1
        (table,) = card["profile"]["tables"]
        assert (table["row_count"], table["file_count"]) == (720_000, 12)
        assert node.json("verify", "lab/logs-ready")
        runs = node.json("runs", "lab/logs-ready")
        assert [run["kind"] for run in runs if run["kind"] == "derive"] == ["derive"]


def test_repairs_are_chosen_listed_and_taken_back_from_the_command_line(node, tmp_path):
    folder = tmp_path / "visits"
    folder.mkdir()
    rows = "".join(f"P{n // 5:02},{-999 if n % 9 == 0 else 100 + n}\n" for n in range(100))
    (folder / "visits.csv").write_text("patient_id,pressure\n" + rows)
    node.run("push", str(folder), "lab/visits")
    node.wait_for_readings("lab/visits")
    node.run("freeze", "lab/visits")
    offered = {one["name"] for one in node.json("ready", "lab/visits")["repairs"]}
    split = next(one for one in offered if one.startswith("split:patient_id="))
    assert "missing:pressure=-999" in offered
    shown = node.run("ready", "lab/visits", "--card").stdout
    assert split in shown
    card = node.json("ready", "lab/visits", "--repair", split, "missing:pressure=-999", "unit:pressure=mmHg")
    assert card["preparation"]["derived_version"] == 2
    (table,) = card["profile"]["tables"]
    assert set(table["split_counts"]) == {"train", "validation", "test"}
    column = next(one for one in table["columns"] if one["name"] == "pressure")
    assert (column["null_count"], column["unit"]) == (12, "mmHg")
    assert {one["name"] for one in card["choices"] if one["is_applied"]} == {
        split,
        "missing:pressure=-999",
        "unit:pressure=mmHg",
    }
    card = node.json("ready", "lab/visits", "--undo", "missing:pressure", "unit:pressure")
    assert [one["name"] for one in card["choices"]] == [split]
    assert card["profile"]["tables"][0]["columns"][1]["null_count"] == 0
    refused = node.run("ready", "lab/visits", "--undo", "missing:pressure", check=False)
    assert refused.returncode == 2
    assert "missing:pressure" in refused.stderr
