"""Croissant loads in mlcroissant, RO-Crate passes roc-validator, Data Package frictionless: over a running node."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
import urllib.request
from pathlib import Path

import pytest

from tests import notebooks
from tests.judges.hub_client import HubClient
from tests.judges.test_hugging_face import _parquet
from tsunagu.formats.tests.built import build

pytestmark = pytest.mark.functional
ROOT = Path(__file__).resolve().parents[2]
JUDGES = ROOT / ".judges" / "bin" / "python"


@pytest.fixture(scope="session")
def described(node, tmp_path_factory):
    """An open dataset with two tables, a file of another kind and names in both languages."""
    folder = tmp_path_factory.mktemp("described")
    _parquet(folder / "data" / "train.parquet", 0, 3000)
    _parquet(folder / "data" / "試験 1.parquet", 9000, 500)
    (folder / "notes.txt").write_text("Cu Kα\n")
    # As instruments write: lines above the table, units in the names, decimal comma, an encoding of old.
    rows = [f"{second};{20 + second / 8:.3f};{'開始' if second == 0 else '-'}" for second in range(40)]
    head = ["# 測定者: 山田", "# device: furnace", "", "時間 [s];温度 (℃);備考"]
    text = "\n".join([*head, *rows]).replace(".", ",") + "\n"
    (folder / "炉.csv").write_bytes(text.encode("cp932"))
    node.run("push", str(folder), "lab/described")
    said = {
        "title": "薄膜のX線回折",
        "title_en": "X-ray diffraction of thin films",
        "description": "500 films, θ-2θ scans.",
        "licence": "CC BY 4.0",
        "keywords": ["XRD", "薄膜"],
        "creators": ["山田 花子 (0000-0002-1825-0097)", "Taro Suzuki"],
    }
    for name, value in said.items():
        assert node.api("PUT", f"/datasets/lab/described/metadata/{name}", {"value": value})[0] == 200, name
    node.wait_for_readings("lab/described")
    node.run("freeze", "lab/described")
    assert node.api("PATCH", "/datasets/lab/described", {"access": "open"})[0] == 200
    return folder


def _get(node, name, token="", dataset="lab/described"):
    request = urllib.request.Request(f"{node.url}/d/{dataset}/{name}")
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def test_croissant_loads_in_mlcroissant(node, described, tmp_path):
    document = _get(node, "croissant.json")
    file = tmp_path / "croissant.json"
    file.write_text(json.dumps(document))
    script = """
        import json, os, sys, warnings, logging
        import mlcroissant as mlc
        said = []
        class Keep(logging.Handler):
            def emit(self, record): said.append(record.getMessage())
        logging.getLogger().addHandler(Keep())
        data = mlc.Dataset(jsonld=sys.argv[1])
        out = {"name": data.metadata.name, "license": str(data.metadata.license), "sets": {}, "said": said}
        for one in data.metadata.record_sets:
            rows = list(data.records(one.id))
            key = next(name for name in rows[0] if name.endswith("/id"))
            out["sets"][one.description] = [len(rows), int(sum(row[key] for row in rows))]
        print(json.dumps(out), flush=True)
        os._exit(0)  # pyarrow aborts now and then while Python takes itself apart
    """
    environment = {**os.environ, "HOME": str(tmp_path), "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), str(file)],
        env=environment, capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["name"] == "薄膜のX線回折"
    assert "creativecommons.org/licenses/by/4.0" in found["license"]
    assert found["sets"] == {
        "data/train.parquet": [3000, sum(range(3000))],
        "data/試験 1.parquet": [500, sum(range(9000, 9500))],
    }
    assert not [line for line in found["said"] if "WARN" in line.upper() or "error" in line.lower()]
    assert {one["name"] for one in document["distribution"]} >= {"notes.txt"}
    assert document["usageInfo"]


def test_data_package_is_valid_and_its_tables_are_read(node, described, tmp_path):
    if not JUDGES.exists():
        pytest.skip("frictionless is not here: tests/run.py puts it into .judges")
    package = _get(node, "datapackage.json")
    found = _judge_package(tmp_path, package)
    assert found["errors"] == [], found["errors"][:3]
    tables = {one["title"]: one for one in found["tables"]}
    assert set(tables) == {"data/train.parquet", "data/試験 1.parquet", "炉.csv"}
    assert [tables[name]["rows"] for name in sorted(tables)] == [3000, 500, 40]
    furnace = tables["炉.csv"]
    assert furnace["first"] == {"時間": 0, "温度": "20.000", "備考": "開始"}
    assert furnace["last"] == {"時間": 39, "温度": "24.875", "備考": None}
    units = {one["name"]: one.get("unit") for one in furnace["fields"]}
    assert units == {"時間": "s", "温度": "℃", "備考": None}
    assert package["contributors"][0]["path"] == "https://orcid.org/0000-0002-1825-0097"
    assert package["licenses"][0]["path"] == "https://creativecommons.org/licenses/by/4.0/"
    # A judge that cannot refuse is none.
    for spoil in (
        lambda one: one["resources"][0].pop("name"),
        lambda one: one["resources"][0].update(hash="sha256:" + "0" * 64),
        lambda one: one["resources"][0].update(bytes=7),
    ):
        broken = json.loads(json.dumps(package))
        broken["resources"].sort(key=lambda one: one.get("type") != "table")
        spoil(broken)
        assert _judge_package(tmp_path, broken)["errors"]


def test_schema_org_on_the_page_and_signposts_lead_to_every_document(node, described):
    page = urllib.request.Request(f"{node.url}/d/lab/described")
    with urllib.request.urlopen(page, timeout=30) as answer:
        text, header = answer.read().decode(), answer.headers["Link"]
    block = re.search(r'<script type="application/ld\+json">(.*?)</script>', text, re.DOTALL)
    embedded = json.loads(block[1])
    whole = _get(node, "schema-org.json")
    assert embedded == whole, "a small version is described whole on its page"
    assert whole["isAccessibleForFree"] is True
    assert {"name": "温度", "unitText": "℃", "@type": "PropertyValue"} in whole["variableMeasured"]
    links = re.findall(r'<([^>]+)>; rel="([^"]+)"(?:; type="([^"]+)")?(?:; profile="([^"]+)")?', header)
    for address, relation, media_type, profile in links:
        if relation != "describedby":
            continue
        with urllib.request.urlopen(address, timeout=30) as answer:
            content_type = answer.headers["Content-Type"]
            assert json.load(answer)
        assert content_type.startswith(media_type)
        assert media_type != "application/ld+json" or profile in content_type
    several = [relation for _, relation, _, _ in links]
    assert several.count("describedby") == 4
    assert several.count("item") == len(whole["distribution"]) == 4
    assert ("https://orcid.org/0000-0002-1825-0097", "author", "", "") in links


def test_ro_crate_passes_the_validator(node, described, tmp_path):
    if not JUDGES.exists():
        pytest.skip("roc-validator is not here: tests/run.py puts it into .judges")
    for number, token in enumerate(("", node.token)):
        folder = tmp_path / str(number)
        folder.mkdir()
        crate = _get(node, "ro-crate-metadata.json", token)
        for profile in ("ro-crate-1.2", "process-run-crate-0.5"):
            assert _judge(folder, crate, profile) == [], profile
        # A judge that cannot refuse is none.
        broken = json.loads(json.dumps(crate))
        del next(one for one in broken["@graph"] if one["@type"] == "Dataset" and "hasPart" in one)["license"]
        assert _judge(folder, broken, "ro-crate-1.2")
    entities = {one["@id"]: one for one in crate["@graph"]}
    actions = [one for one in entities.values() if one["@type"] == "CreateAction"]
    assert {"capture"} <= {one["name"] for one in actions}
    anonymous = json.loads((tmp_path / "0" / "whole.json").read_text())
    assert not [one for one in anonymous["@graph"] if one["@type"] == "CreateAction"], "runs are for members"


@pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed")
def test_the_crate_of_a_compute_run_passes_the_validator(node, described, tmp_path):
    if not JUDGES.exists():
        pytest.skip("roc-validator is not here: tests/run.py puts it into .judges")
    command = ["--", "sh", "-c", "ls $TSUNAGU_IN > files.txt"]
    node.run("run", "lab/described", "--out", "lab/listed", "--param", "low=0.5", *command)
    crate = _get(node, "ro-crate-metadata.json", node.token, "lab/listed")
    for profile in ("ro-crate-1.2", "process-run-crate-0.5"):
        assert _judge(tmp_path, crate, profile) == [], profile
    entities = {one["@id"]: one for one in crate["@graph"]}
    (action,) = [one for one in entities.values() if one.get("name") == "compute"]
    assert action["description"] == "sh -c ls $TSUNAGU_IN > files.txt"
    values = {entities[one["@id"]]["name"]: entities[one["@id"]].get("value") for one in action["object"]}
    assert values["parameter low"] == 0.5
    used = {entities[one["@id"]]["name"] for one in action["resourceUsage"]}
    assert {"cpu_s", "peak_memory_bytes", "duration_s"} <= used


ROOT_TYPE = "https://github.com/crs4/rocrate-validator/profiles/ro-crate/RootDataEntity"
OLD_TERMS = {
    "ComputationalWorkflow": "https://bioschemas.org/ComputationalWorkflow",
    "FormalParameter": "https://bioschemas.org/FormalParameter",
    "input": "https://bioschemas.org/ComputationalWorkflow#input",
    "workExample": "http://schema.org/workExample",
}
FLOW = """
cwlVersion: v1.2
class: CommandLineTool
label: Sort a table
baseCommand: [sort]
inputs:
  table: {type: File, inputBinding: {position: 2}}
  is_numeric: {type: boolean, default: false, inputBinding: {position: 1, prefix: -n}}
outputs: {sorted: stdout}
stdout: sorted.csv
"""


@pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed")
def test_the_crate_of_a_workflow_passes_the_validator(node, tmp_path):
    if not JUDGES.exists():
        pytest.skip("roc-validator is not here: tests/run.py puts it into .judges")
    if why := notebooks.missing(".cwl", "cwltool"):
        pytest.skip(why)
    notebooks.lend(node, ".cwl", notebooks.ROOMS / "workflows" / "cwltool.lock")
    (tmp_path / "flow").mkdir()
    (tmp_path / "flow" / "sort.cwl").write_text(FLOW)
    (tmp_path / "flow" / "raw.csv").write_text("3\n1\n")
    node.run("push", str(tmp_path / "flow"), "lab/flow")
    node.run("freeze", "lab/flow")
    node.run("run", "lab/flow", "--cwl", "sort.cwl", "--param", "table=raw.csv", "--out", "lab/flowed")
    crate = _get(node, "ro-crate-metadata.json", node.token, "lab/flowed")
    for profile in (
        "ro-crate-1.2",
        "process-run-crate-0.5",
        "workflow-ro-crate-1.0",
        "workflow-run-crate-0.5",
    ):
        assert _judge(tmp_path, crate, profile) == [], profile
    # Only under the old addresses, and with the root marked as its base profile would do, does it look at all of this.
    old = {**json.loads(json.dumps(crate)), "@context": [*crate["@context"], OLD_TERMS]}
    next(one for one in old["@graph"] if "mainEntity" in one)["@type"] = ["Dataset", ROOT_TYPE]
    assert _judge(tmp_path, old, "workflow-run-crate-0.5") == []
    for entity, term in (("FormalParameter", "additionalType"), ("CreateAction", "instrument")):
        spoiled = json.loads(json.dumps(old))
        for one in spoiled["@graph"]:
            if one["@type"] == entity:
                one.pop(term, None)
        assert _judge(tmp_path, spoiled, "workflow-run-crate-0.5"), "a judge that cannot refuse is none"
    entities = {one["@id"]: one for one in crate["@graph"]}
    root = next(one for one in entities.values() if one["@type"] == "Dataset" and "mainEntity" in one)
    flow = entities[root["mainEntity"]["@id"]]
    assert flow["name"] == "Sort a table"
    inputs = {entities[one["@id"]]["name"]: entities[one["@id"]] for one in flow["input"]}
    assert {name: one["additionalType"] for name, one in inputs.items()} == {
        "table": "File",
        "is_numeric": "Boolean",
    }
    assert entities[inputs["table"]["workExample"]["@id"]]["value"] == "raw.csv"
    (action,) = [one for one in entities.values() if one.get("name") == "compute"]
    assert action["instrument"] == {"@id": flow["@id"]}


def _judge_package(folder, package):
    file = folder / "datapackage.json"
    file.write_text(json.dumps(package))
    done = subprocess.run(
        [str(JUDGES), str(Path(__file__).with_name("package_judge.py")), str(file)],
        capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def _judge(folder, crate, profile):
    (folder / "ro-crate-metadata.json").write_text(json.dumps(crate))
    if not (folder / "whole.json").exists():
        (folder / "whole.json").write_text(json.dumps(crate))
    done = subprocess.run(
        [str(JUDGES), str(Path(__file__).with_name("crate_judge.py")), str(folder), profile],
        capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="session")
def made_ready(node, tmp_path_factory):
    """What `tsunagu ready` makes of scans and a log, open to all."""
    folder = tmp_path_factory.mktemp("films")
    text = build("scan.ras", folder).read_text("cp932")
    for number in range(3):
        (folder / f"film_{number}.ras").write_text(text, "cp932")
    (folder / "scan.ras").unlink()
    for number in range(2):
        build("photo.jpg", folder).rename(folder / f"photo_{number}.jpg")
    build("report.pdf", folder)
    (folder / "log.csv").write_text(
        "time,Temp (°C),note\n2026-03-05 10:00,20.5,開始\n2026-03-05 11:00,21,終了\n"
    )
    node.run("push", str(folder), "lab/films")
    assert node.api("PUT", "/datasets/lab/films/metadata/licence", {"value": "CC BY 4.0"})[0] == 200
    node.wait_for_readings("lab/films")
    node.run("freeze", "lab/films")
    card = node.json("ready", "lab/films")
    assert card["preparation"]["state"] == "done", card["preparation"]
    # What the source does not permit, nobody may do with what was made of it.
    for name in ("films", "films-ready"):
        assert node.api("PATCH", f"/datasets/lab/{name}", {"access": "open"})[0] == 200
    return card


@pytest.mark.usefixtures("made_ready")
def test_what_is_made_ready_loads_in_mlcroissant(node, tmp_path):
    with urllib.request.urlopen(f"{node.url}/d/lab/films-ready/croissant.json", timeout=30) as answer:
        document = json.load(answer)
    units = {
        field["name"]: field.get("unitText") or field.get("description", "")
        for record in document["recordSet"]
        for field in record["field"]
    }
    assert {"source_file", "two_theta", "intensity", "xray_voltage", "Temp"} <= set(units)
    assert "deg" in str([f for r in document["recordSet"] for f in r["field"] if f["name"] == "two_theta"])
    file = tmp_path / "croissant.json"
    file.write_text(json.dumps(document))
    script = """
        import json, os, sys, mlcroissant as mlc
        data = mlc.Dataset(jsonld=sys.argv[1])
        out = {one.description: [list(row.values())[0] for row in data.records(one.id)]
               for one in data.metadata.record_sets}
        found = {name: [len(rows), str(sorted(set(map(str, rows))))] for name, rows in out.items()}
        print(json.dumps(found), flush=True)
        os._exit(0)  # as above
    """
    environment = {**os.environ, "HOME": str(tmp_path), "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), str(file)],
        env=environment, capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    counts = {name.removeprefix("data/"): rows for name, (rows, _) in found.items()}
    assert counts.pop("report.parquet") >= 1
    assert counts == {"film.parquet": 360, "log.parquet": 2, "photo.parquet": 2}
    assert "film_2.ras" in found["data/film.parquet"][1]


@pytest.mark.usefixtures("made_ready")
def test_what_is_made_ready_loads_with_datasets(node, tmp_path):
    found = HubClient(node, tmp_path)("""
        from datasets import Image, get_dataset_config_names, load_dataset
        photo = load_dataset("lab/films-ready", "photo", split="train").cast_column("image", Image())
        names = get_dataset_config_names("lab/films-ready")
        film = load_dataset("lab/films-ready", "film", split="train")
        log = load_dataset("lab/films-ready", "log", split="train")
        print(json.dumps({
            "names": names, "rows": len(film), "files": sorted(set(film["source_file"])),
            "voltage": film[0]["xray_voltage"], "note": log["note"][:], "time": str(log[1]["time"]), "size": photo[0]["image"].size,
        }))
    """, token="")  # fmt: skip
    assert found["names"] == ["film", "log", "photo", "report"]
    assert min(found["size"]) > 0
    assert found["rows"] == 360
    assert found["files"] == ["film_0.ras", "film_1.ras", "film_2.ras"]
    assert found["voltage"] == 45.0
    assert found["note"] == ["開始", "終了"]
    assert found["time"] == "2026-03-05 11:00:00"
