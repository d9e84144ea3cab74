"""A crate that ro-crate-py wrote comes in by ``tsunagu import``, and goes out again as a crate that says the same."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.functional
ROOT = Path(__file__).resolve().parents[2]
JUDGES = ROOT / ".judges" / "bin" / "python"
WRITER = """
import sys
from rocrate.rocrate import ROCrate
from rocrate.model.person import Person
crate = ROCrate()
crate.name = "薄膜のX線回折"
crate.description = "室温で測定した回折図形です。"
crate.license = "https://creativecommons.org/licenses/by/4.0/"
crate.keywords = ["薄膜", "XRD"]
author = crate.add(Person(crate, "https://orcid.org/0000-0002-1825-0097", properties={"name": "山田 花子"}))
crate.creator = author
crate.add_file(sys.argv[1], "data/scan.csv", properties={"contentSize": "8"})
crate.write_zip(sys.argv[2])
"""


@pytest.fixture(scope="module")
def crate(tmp_path_factory):
    if not JUDGES.exists():
        pytest.skip("the judges' environment is not built; tests/run.py builds it")
    folder = tmp_path_factory.mktemp("crate")
    (folder / "scan.csv").write_text("x,y\n1,2\n")
    command = [JUDGES, "-c", WRITER, folder / "scan.csv", folder / "crate.zip"]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    return folder / "crate.zip"


def test_a_crate_of_others_comes_in_with_its_description(node, crate):
    said = node.run("import", str(crate), "lab/brought").stdout
    assert "tsunagu proposals lab/brought" in said
    assert {one["path"] for one in node.json("ls", "lab/brought")} >= {"data", "ro-crate-metadata.json"}
    deadline = time.monotonic() + 60
    while True:
        found = {one["name"]: one for one in node.json("proposals", "lab/brought")}
        if "creators" in found:
            break
        assert time.monotonic() < deadline, found
        time.sleep(0.3)
    assert found["title"]["value"] == "薄膜のX線回折"
    assert found["creators"]["value"] == ["山田 花子 (0000-0002-1825-0097)"]
    assert found["licence"]["value"] == "CC-BY-4.0"
    assert found["title"]["evidence"][0]["path"] == "ro-crate-metadata.json"
    for name in ("title", "creators", "licence", "keywords", "description"):
        node.run("proposals", "lab/brought", "accept", found[name]["id"])
    node.run("freeze", "lab/brought")
    _status, out = node.api("GET", "/datasets/lab/brought/metadata")[:2]
    assert json.dumps(out, ensure_ascii=False).count("0000-0002-1825-0097") >= 1


def test_a_crate_that_lost_a_file_is_not_brought(node, crate, tmp_path):
    folder = tmp_path / "broken"
    shutil.unpack_archive(crate, folder)
    (folder / "data/scan.csv").write_text("other")
    refused = node.run("import", str(folder), "lab/broken", check=False)
    assert refused.returncode != 0
    assert "data/scan.csv" in refused.stderr
    assert "--anyway" in refused.stderr
    assert node.api("GET", "/datasets/lab/broken")[0] == 404
    node.run("import", str(folder), "lab/broken", "--anyway")
