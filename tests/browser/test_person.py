"""A person takes a folder from the disk to a frozen version, in the browser alone."""

from __future__ import annotations

import hashlib
import json
import re

import pytest

from tests.browser import kit

pytestmark = pytest.mark.browser
PASSWORD = "長い合言葉 for tests 1"


def test_the_whole_job(node, window, tmp_path):
    folder = kit.sample(tmp_path / "試料A")
    page = window("ja")
    come_in_and_set_a_password(page, node)
    make_project_and_dataset(page, node)
    kit.drop_folder(page, folder)
    check_receipt(page, folder)
    dataset = f"{node.url}/d/battery/half-cells"
    wait_for_readings(node, "sato@example.org")
    look_and_describe(page, dataset)
    freeze(page, dataset, 1)
    (tmp_path / "追加.csv").write_text("x,y\n1,2\n", "utf-8")
    page.goto(f"{dataset}/upload")
    page.set_input_files("#pick-files", str(tmp_path / "追加.csv"))
    page.locator("#receipt").wait_for(state="visible")
    freeze(page, dataset, 2)
    page.goto(f"{dataset}/versions?from=1&to=2")
    assert re.search(r"追加\s*追加\.csv", page.locator("main").inner_text())
    page.goto(f"{dataset}/files?version=1")
    assert "追加.csv" not in page.locator("main").inner_text()
    with page.expect_download() as saved:
        page.get_by_role("link", name="すべてをZIPでダウンロード").click()
    assert saved.value.path().read_bytes()[:2] == b"PK"
    page.goto(f"{dataset}/file/試料A/写真.png")
    with page.expect_download() as saved:
        page.get_by_role("link", name="ダウンロード", exact=True).click()
    assert saved.value.path().read_bytes() == (folder / "写真.png").read_bytes()


def come_in_and_set_a_password(page, node):
    kit.sign_in(page, node, "sato@example.org")
    assert "パスワードもパスキーも" in page.locator("main").inner_text()
    page.get_by_role("link", name="パスワードを設定する").click()
    page.locator("#id_password1").fill(PASSWORD)
    page.locator("#id_password2").fill(PASSWORD)
    page.locator("main form button").click()
    page.wait_for_url("**/account")


def make_project_and_dataset(page, node):
    page.goto(f"{node.url}/projects")
    page.locator("#name").fill("battery")
    page.locator("#title").fill("電池の研究")
    page.get_by_role("button", name="作る").click()
    page.locator("#name").fill("half-cells")
    page.locator("#title").fill("ハーフセル測定")
    page.get_by_role("button", name="追加する").click()
    page.wait_for_url("**/upload")


def check_receipt(page, folder):
    page.locator("#receipt").wait_for(state="visible", timeout=60_000)
    assert page.locator("#list li").count() == 0
    page.locator("#receipt").click()
    page.wait_for_url("**/receipts/*")
    shown = page.locator("main").inner_text()
    for path in folder.rglob("*"):
        if path.is_file():
            assert f"試料A/{path.relative_to(folder).as_posix()}" in shown
            assert hashlib.sha256(path.read_bytes()).hexdigest() in shown
    with page.expect_download() as saved:
        page.get_by_role("link", name="JSONで保存").click()
    assert len(json.loads(saved.value.path().read_text("utf-8"))["files"]) == 9
    with page.expect_download() as saved:
        page.get_by_role("link", name="テキストで保存").click()
    lines = [line for line in saved.value.path().read_text("utf-8").splitlines() if not line.startswith("#")]
    assert len(lines) == 9


def wait_for_readings(node, email):
    token, node.token = node.token, node.make_token(email)
    try:
        node.wait_for_readings("battery/half-cells")
    finally:
        node.token = token


def look_and_describe(page, dataset):
    page.goto(dataset)
    assert page.locator("h1").inner_text() == "ハーフセル測定"
    assert page.locator(".thumbs svg.plot").count() >= 1
    page.get_by_role("link", name="scan_01.csv").click()
    page.locator("svg.plot").wait_for()
    assert "csv" in page.locator("aside").inner_text()
    page.goto(f"{dataset}/metadata?edit=description")
    page.locator("#edit").fill("充放電の前後で測定した。\n二行目。")
    page.get_by_role("button", name="保存する").click()
    row = page.locator("#value-description")
    assert "充放電の前後で測定した。" in row.inner_text()
    assert "sato@example.org" in row.inner_text()


def freeze(page, dataset, number):
    page.goto(dataset)
    page.get_by_role("link", name=f"第{number}版として確定").click()
    page.locator("#note").fill(f"版{number}")
    page.get_by_role("button", name="確定する").click()
    page.wait_for_url("**/versions")
    assert f"第{number}版" in page.locator("main").inner_text()


def test_reading_shows_progress_and_ends(node, window, owner_state):
    page = window("en", storage_state=owner_state)
    page.goto(f"{node.url}{kit.DATASET}/metadata")
    page.get_by_role("button", name="Read all files again").click()
    page.get_by_text("All files are being read again").wait_for()
    part = page.locator("#progress")
    if part.count():  # a quick worker may have ended before the page came
        page.locator("#progress.ok, #progress:not(.info)").wait_for(timeout=60_000)
        assert part.get_attribute("hx-trigger") is None
    node.wait_for_readings("lab/licoo2")


def test_proposals_are_accepted_edited_and_rejected(node, window, owner_state, tmp_path):
    node.run("push", str(kit.showcase(tmp_path / "proposed")), "lab/proposed")
    node.wait_for_readings("lab/proposed")
    page = window("en", storage_state=owner_state)
    for _ in range(60):
        page.goto(f"{node.url}/d/lab/proposed/metadata")
        if page.locator(".proposal").count() >= 3:
            break
        page.wait_for_timeout(500)
    count = page.locator(".proposal").count()
    assert count >= 3
    assert "測定条件.txt" in " ".join(page.locator(".proposal .origin").all_inner_texts())

    first = page.locator(".proposal").first
    value = first.locator("[name=value]").input_value()
    first.get_by_role("button", name="Accept").click()
    page.get_by_text("The proposal was accepted.").wait_for()
    assert value in page.locator("table").first.inner_text()
    assert "proposed by machine, accepted by owner@example.org" in page.locator("table").first.inner_text()

    page.locator(".proposal [name=value]").first.fill("as a person sees it")
    page.locator(".proposal").first.get_by_role("button", name="Accept").click()
    page.get_by_text("The edited proposal was accepted.").wait_for()
    assert "edited and accepted by" in page.locator("table").first.inner_text()
    assert "as a person sees it" in page.locator("table").first.inner_text()

    page.locator(".proposal").first.get_by_role("button", name="Reject").click()
    page.get_by_text("The proposal was rejected.").wait_for()
    assert page.locator(".proposal").count() == count - 3


def test_the_mapping_is_edited_with_its_errors_named(node, window):
    node.run("admin", "create", "steward@example.org", "--admin", "--home", str(node.home))
    page = window("en")
    kit.sign_in(page, node, "steward@example.org")
    page.goto(f"{node.url}/mapping")
    text = page.locator("#text").input_value()
    page.locator("#text").fill(text + "\n  broken: [\n")
    page.locator("#note").fill("kept")
    page.get_by_role("button", name="Put in force").click()
    page.locator("#error").wait_for()
    assert "Line" in page.locator("#error").inner_text()
    assert page.locator("#error .lines li").count() >= 1
    assert page.locator("#note").input_value() == "kept"
    assert page.evaluate("document.activeElement.id") == "error"
    page.locator("#text").fill(text + "\n# a remark of the steward\n")
    page.get_by_role("button", name="Put in force").click()
    page.get_by_text("The mapping is in force.").wait_for()
    page.locator("a[href*=compare]").first.click()
    page.wait_for_url("**compare=**")


def test_the_job_without_scripts(node, window, tmp_path):
    page = window("en", java_script_enabled=False)
    kit.sign_in(page, node, "mori@example.org")
    page.goto(f"{node.url}/projects")
    page.fill("#name", "plain")
    page.click("main form button.main")
    page.fill("#name", "by-form")
    page.click("main form button.main")
    page.wait_for_url("**/upload")
    assert not page.locator("#uploader").is_visible()
    page.locator("#plain summary").click()
    page.fill("#plain-folder", "raw")
    page.click("#plain button")
    one = tmp_path / "測定.csv"
    one.write_text("x,y\n1,2\n", "utf-8")
    page.set_input_files("#plain-files", str(one))
    page.click("main form button.main")
    page.wait_for_url("**/receipts/**")
    text = page.locator("main").inner_text()
    assert "raw/測定.csv" in text
    assert "not yet" not in text
    page.goto(f"{node.url}/d/plain/by-form")
    page.click("text=Freeze as version 1")
    page.click("main form button.main")
    page.wait_for_url("**/versions")
    assert "Version 1" in page.locator("main").inner_text()
    page.goto(f"{node.url}/d/plain/by-form/files?go=raw/測定.csv")
    assert "/file/raw/" in page.url


def test_a_stranger_is_told_nothing_and_a_reader_is_told_why(node, window):
    stranger = window("en")
    kit.sign_in(stranger, node, "stranger@example.org")
    secret = stranger.goto(f"{node.url}{kit.DATASET}")
    nothing = stranger.goto(f"{node.url}/d/lab/nothing")
    assert secret.status == nothing.status == 404
    assert "licoo2" not in stranger.locator("body").inner_text().replace("lab/licoo2", "")

    status, _ = node.api("PUT", "/projects/lab/members", {"email": "reader@example.org", "role": "reader"})
    if status == 404:
        node.make_token("reader@example.org")
        status, _ = node.api(
            "PUT", "/projects/lab/members", {"email": "reader@example.org", "role": "reader"}
        )
    assert status == 200
    reader = window("ja")
    kit.sign_in(reader, node, "reader@example.org")
    reader.goto(f"{node.url}{kit.DATASET}")
    assert reader.get_by_role("link", name="ファイルを追加").count() == 0
    reader.locator("aside summary").first.click()
    card = reader.locator("aside details[open]").inner_text()
    assert "理由" in card
    assert "解決方法" in card
    denied = reader.goto(f"{node.url}{kit.DATASET}/upload")
    assert denied.status == 403
    problem = reader.locator(".problem").inner_text()
    assert "policy.denied" in problem
    assert "解決方法" in problem
