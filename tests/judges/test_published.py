"""A version that was published on a running node: harvested, cited and followed by programs that others wrote."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path

import pooch
import pytest
import signposting
from lxml import html
from sickle import Sickle

from tsunagu.standards import api as s
from tsunagu.standards.tests import official

pytestmark = pytest.mark.functional
SAID = {
    "title": "薄膜のX線回折",
    "title_en": "X-ray diffraction of thin films",
    "description": "室温で測定しました。",
    "creators": ["山田 花子 (0000-0002-1825-0097)"],
    "licence": "CC BY 4.0",
}


@pytest.fixture(scope="module")
def page(node, tmp_path_factory):
    """The address of a published version."""
    folder = tmp_path_factory.mktemp("published")
    (folder / "scan.csv").write_text("x,y\n1,2\n")
    node.run(
        "institution", "set", "kitamiyama", "--name-ja", "北見山大学", "--name-en", "Kitamiyama University"
    )
    node.run("push", str(folder), "lab/published")
    for name, value in SAID.items():
        assert node.api("PUT", f"/datasets/lab/published/metadata/{name}", {"value": value})[0] == 200
    node.run("label", "lab/published", "personal=no")
    node.run("freeze", "lab/published")
    asked = node.json("publish", "lab/published", "--institution", "kitamiyama")
    if asked["state"] != "published":
        assert node.json("review", "approve", asked["id"])["state"] == "published"
    return asked["url"]


def _get(address, accept="*/*"):
    request = urllib.request.Request(address, headers={"Accept": accept})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.read(), answer.headers


def test_it_is_harvested_whole_and_valid(node, page):
    for address in (f"{node.url}/oai", f"{node.url}/oai/kitamiyama"):
        records = [
            one for one in Sickle(address).ListRecords(metadataPrefix="jpcoar_2.0") if page in str(one)
        ]
        assert len(records) == 1
        record = s.from_jpcoar(records[0].raw.encode())
        assert [one.value for one in record.titles] == [SAID["title"], SAID["title_en"]]
        assert [one for one in s.check(records[0].raw.encode()) if one.is_error] == []
    if official.STANDARDS.is_dir():
        written, _ = _get(f"{page}/record/jpcoar.xml")
        assert official.faults(official.jpcoar_schema("2.0"), written) == []
        written, _ = _get(f"{page}/record/datacite.xml")
        assert official.faults(official.datacite_schema(), written) == []


def test_a_machine_finds_files_and_forms_from_the_page(page):
    found = signposting.find_signposting_http(page)
    (item,) = found.items
    assert _get(str(item.target))[0] == b"x,y\n1,2\n"
    assert {str(one.target) for one in found.authors} == {"https://orcid.org/0000-0002-1825-0097"}
    for one in found.describedBy:
        assert _get(str(one.target))[0]
    (linkset,) = found.linksets
    assert signposting.find_signposting_linkset(str(linkset.target)).for_context(page).items


def test_a_reference_manager_gets_what_it_asks_for(page):
    text, headers = _get(page, "application/x-bibtex")
    assert headers.get_content_type() == "application/x-bibtex"
    assert "Yamada" in text.decode() or "山田" in text.decode()
    item = json.loads(_get(page, "application/vnd.citationstyles.csl+json")[0])[0]
    assert item["type"] == "dataset"
    assert _get(f"{page}/record/citation.txt?style=apa&language=ja")[0].decode().startswith("山田 花子. (20")


def test_a_fetcher_of_data_gets_every_file_and_checks_it(page, tmp_path):
    (script,) = html.fromstring(_get(page)[0]).xpath("//script[@type='application/ld+json']/text()")
    said = json.loads(script)
    files = {one["name"]: one for one in said["distribution"] if one.get("sha256")}
    assert set(files) == {"scan.csv"}
    fetcher = pooch.create(
        path=tmp_path,
        base_url="",
        registry={name: f"sha256:{one['sha256']}" for name, one in files.items()},
        urls={name: one["contentUrl"] for name, one in files.items()},
    )
    assert Path(fetcher.fetch("scan.csv")).read_bytes() == b"x,y\n1,2\n"
    Path(tmp_path, "scan.csv").unlink()
    fetcher.registry["scan.csv"] = "sha256:" + "0" * 64
    with pytest.raises(ValueError, match="does not match"):
        fetcher.fetch("scan.csv")
