"""The pages of runs where the node has a cluster: choosing the place, runs asked for together, what was booked."""

from __future__ import annotations

import re
import shutil
import time

import pytest
from playwright.sync_api import expect

from tests.browser import kit
from tests.node import running_node
from tests.servers import slurm

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(bool(slurm.missing_programs()), reason="Slurm is not installed"),
    pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed"),
]


@pytest.fixture(scope="module")
def cluster():
    with slurm.running() as started:
        yield started


@pytest.fixture(scope="module")
def clustered(cluster, tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    (folder / "a.txt").write_text("1\n2\n3\n")
    home = tmp_path_factory.mktemp("clustered") / "home"
    with running_node(home, cluster.settings) as node:
        node.run("project", "create", "lab")
        node.run("push", str(folder), "lab/readings")
        node.run("freeze", "lab/readings")
        yield node


@pytest.fixture
def opened(clustered, window):
    def page(language, width):
        found = window(language, width)
        kit.sign_in(found, clustered, "owner@example.org")
        return found

    return page


def test_the_place_is_chosen_in_the_form(clustered, opened):
    page = opened("en", 320)
    page.goto(f"{clustered.url}/d/lab/readings/compute")
    page.get_by_label("Command").fill("wc -l $TSUNAGU_IN/a.txt")
    page.get_by_label("The cluster (Slurm)").check()
    assert not kit.violations(page)
    page.get_by_role("button", name="Run it", exact=True).click()
    expect(page.locator("#job .chip", has_text="succeeded")).to_be_visible(timeout=60_000)
    page.reload()
    expect(page.get_by_text("The cluster (Slurm)")).to_be_visible()
    expect(
        page.get_by_text(re.compile(r"cores: 1, memory: .*GB, time: 40 min, job \d+, partition debug"))
    ).to_be_visible()
    expect(page.get_by_text("watched").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    assert not kit.violations(page)


@pytest.mark.parametrize(("language", "cancel"), [("ja", "すべて取り消す"), ("en", "Cancel all of them")])
def test_runs_that_were_asked_for_together_are_cancelled_together(clustered, opened, language, cancel):
    command = ("sh", "-c", "echo $TSUNAGU_PARAM_THRESHOLD; sleep 4821")
    row = ("--on", "slurm", "--each", "threshold=0.1,0.2,0.5", "--detach", "--out", f"lab/row-{language}")
    runs = clustered.run("run", "lab/readings", *row, "--", *command).stdout.split()
    deadline = time.monotonic() + 60
    while clustered.api("GET", f"/runs/{runs[0]}")[1]["state"] != "running":
        assert time.monotonic() < deadline
        time.sleep(0.2)
    page = opened(language, 320)
    page.goto(f"{clustered.url}/runs/{runs[0]}")
    expect(page.get_by_role("link", name="threshold=0.5")).to_be_visible()
    assert not kit.violations(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    page.get_by_role("button", name=cancel).click()
    deadline = time.monotonic() + 60
    while {clustered.api("GET", f"/runs/{run}")[1]["state"] for run in runs} != {"cancelled"}:
        assert time.monotonic() < deadline
        time.sleep(0.2)


@pytest.mark.parametrize(
    ("language", "sentence", "begins"),
    [
        ("ja", "指定された開始時刻を待っています。", "開始予定:"),
        ("en", "It may not begin before a set time.", "Expected to begin:"),
    ],
)
def test_why_a_run_waits_appears_on_its_open_page(cluster, clustered, opened, language, sentence, begins):
    cluster.run("scontrol", "update", "PartitionName=debug", "State=DOWN")
    try:
        row = ("--on", "slurm", "--detach", "--out", f"lab/waits-{language}")
        run = clustered.run("run", "lab/readings", *row, "--", "true").stdout.split()[-1]
        page = opened(language, 320)
        page.goto(f"{clustered.url}/runs/{run}")
        expect(page.get_by_text("PartitionDown")).to_be_visible(timeout=30_000)
        number = cluster.run("squeue", "-h", "-o", "%i", f"--name=tsunagu-{run}").stdout.strip()
        cluster.run("scontrol", "update", f"JobId={number}", "StartTime=now+5hours")
    finally:
        cluster.run("scontrol", "update", "PartitionName=debug", "State=UP")
    expect(page.get_by_text(sentence)).to_be_visible(timeout=30_000)
    expect(page.get_by_text(begins)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    assert not kit.violations(page)
    clustered.run("cancel", run)
