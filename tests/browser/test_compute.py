"""Running code on a dataset from its page: the form, the live log, cancelling, comparing; with scripts and without."""

from __future__ import annotations

import json
import shutil

import pytest
from playwright.sync_api import expect

from tests.browser import kit

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed"),
]
ENTRIES = """
[run.mean]
title = "Mean of the readings"
title_ja = "測定値の平均"
command = "awk -v low=$TSUNAGU_PARAM_LOW '$1 >= low {n++; s+=$1} END {print s/n}' $TSUNAGU_IN/a.txt | tee mean.txt"
[run.mean.parameters.low]
type = "number"
default = 1.5
unit = "mV"
title = "Lowest value that counts"
title_ja = "対象とする最小値"
"""


@pytest.fixture(scope="module")
def data(node, tmp_path_factory):
    folder = tmp_path_factory.mktemp("compute")
    (folder / "a.txt").write_text("1\n2\n3\n")
    (folder / "tsunagu.toml").write_text(ENTRIES)
    node.run("push", str(folder), "lab/readings")
    node.run("freeze", "lab/readings")
    return "lab/readings"


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_from_the_form_to_the_outputs(node, window, owner_state, data, scripts):
    page = window("en", 390, storage_state=owner_state, java_script_enabled=scripts)
    page.goto(f"{node.url}/d/{data}/compute")
    page.get_by_label("Lowest value that counts (mV)").fill("2")
    page.get_by_label("Dataset for the outputs").fill(f"lab/mean-{int(scripts)}")
    page.get_by_role("button", name="Run it", exact=True).click()
    expect(page.get_by_text("The run is queued.")).to_be_visible()
    done = page.locator("#job .chip", has_text="succeeded")
    if not scripts:
        for _ in range(60):
            if done.is_visible():
                break
            page.wait_for_timeout(500)
            page.reload()
    expect(done).to_be_visible(timeout=40_000)  # the part asks for itself again
    expect(page.locator("pre.log")).to_have_text("2.5")
    page.locator("#job").get_by_role("link", name=f"lab/mean-{int(scripts)} version 1").click()
    page.get_by_role("link", name="Files", exact=True).click()
    expect(page.get_by_text("mean.txt").first).to_be_visible()


def test_a_running_one_shows_its_log_and_is_cancelled(node, window, owner_state, data):
    page = window("en", storage_state=owner_state)
    page.goto(f"{node.url}/d/{data}/compute")
    page.get_by_role("link", name="Another command").click()
    page.get_by_label("Command", exact=False).first.fill("echo one; sleep 3; echo two; sleep 600")
    page.get_by_label("Dataset for the outputs").fill("lab/cancelled")
    page.get_by_role("button", name="Run it", exact=True).click()
    expect(page.locator("pre.log")).to_have_text("one", timeout=20_000)
    expect(page.locator("pre.log")).to_have_text("one\ntwo", timeout=20_000)
    page.get_by_role("button", name="Cancel the run").click()
    expect(page.locator("#job .chip", has_text="cancelled")).to_be_visible(timeout=20_000)


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("language", ["ja", "en"])
def test_the_pages_are_accessible_in_both_languages_and_widths(
    node, window, owner_state, data, language, width
):
    kit.axe_script()
    runs = [
        json.loads(node.run("run", data, "--out", "lab/shown", "--json", *more, check=False).stdout)["run"]
        for more in (
            (
                "--param",
                "n=3",
                "--",
                "sh",
                "-c",
                "for i in $(seq 40); do echo line $i of a log; done; echo 1 > x",
            ),
            ("--", "sh", "-c", "echo going wrong; exit 3"),
        )
    ]
    page = window(language, width, storage_state=owner_state)
    paths = {
        "compute": f"/d/{data}/compute",
        "compute-free": f"/d/{data}/compute?entry=-",
        "job": f"/runs/{runs[0]}",
        "job-failed": f"/runs/{runs[1]}",
        "compare": f"/runs/{runs[0]}/compare?with={runs[1]}",
        "project": "/projects/lab",
    }
    for name, path in paths.items():
        page.goto(node.url + path)
        assert not kit.violations(page), name
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), name
        kit.PICTURES.mkdir(exist_ok=True)
        page.screenshot(path=kit.PICTURES / f"{name}-{language}-{width}.png", full_page=True)
