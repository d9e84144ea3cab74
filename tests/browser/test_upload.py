"""Uploads that are paused, broken off, cut, and go on."""

from __future__ import annotations

import hashlib

import pytest

from tests.browser import kit

pytestmark = pytest.mark.browser
BIG = 40_000_000


@pytest.fixture
def page(node, window, owner_state):
    return window("en", storage_state=owner_state)


@pytest.fixture
def big(tmp_path):
    path = tmp_path / "連続測定.bin"
    path.write_bytes(hashlib.shake_128(b"seed").digest(BIG))
    return path


def upload_page(page, node, name):
    status, _ = node.api("POST", "/datasets", {"project": "lab", "name": name})
    assert status in {201, 409}
    page.goto(f"{node.url}/d/lab/{name}/upload")


def stored(node, name):
    return {file["path"]: file["sha256"] for file in node.json("files", f"lab/{name}")}


def hold_after(page, count):
    """Let `count` pieces through and leave the next one hanging, as a dead line does."""
    seen = []

    def piece(route):
        seen.append(1)
        if len(seen) > count:
            return  # neither answered nor refused
        route.continue_()

    page.route(
        "**/tus/*", lambda route: piece(route) if route.request.method == "PATCH" else route.continue_()
    )
    return seen


def wait_for_share(page, share):
    """Until so much has arrived; asked from here, since the page's policy forbids what Playwright would inject."""
    for _ in range(200):
        if page.locator("#total-bar").evaluate("bar => bar.value") > share:
            return
        page.wait_for_timeout(100)
    raise AssertionError(page.locator("#uploader").inner_text())


def test_broken_off_and_resumed_after_a_reload(node, page, big):
    upload_page(page, node, "resumed")
    hold_after(page, 2)
    page.set_input_files("#pick-files", str(big))
    wait_for_share(page, 0.3)
    page.locator("#stop").click()
    page.unroute_all(behavior="ignoreErrors")
    page.locator("#resume li").wait_for()
    assert "連続測定.bin — 4" in page.locator("#resume").inner_text()  # 16.8 of 40 MB
    assert stored(node, "resumed") == {}
    sent = []
    page.on("request", lambda request: sent.append(request) if request.method == "PATCH" else None)
    page.set_input_files("#pick-files", str(big))
    page.locator("#receipt").wait_for(state="visible", timeout=60_000)
    assert len(sent) == 3  # of five pieces
    assert stored(node, "resumed") == {big.name: hashlib.sha256(big.read_bytes()).hexdigest()}


def test_a_file_that_changed_begins_anew(node, page, big):
    upload_page(page, node, "changed")
    hold_after(page, 2)
    page.set_input_files("#pick-files", str(big))
    wait_for_share(page, 0.3)
    page.locator("#stop").click()
    page.unroute_all(behavior="ignoreErrors")
    page.locator("#resume li").wait_for()
    content = bytearray(big.read_bytes())
    content[0] ^= 1
    big.write_bytes(content)
    page.set_input_files("#pick-files", str(big))
    page.locator("#receipt").wait_for(state="visible", timeout=60_000)
    assert stored(node, "changed") == {big.name: hashlib.sha256(content).hexdigest()}


def test_pause_holds_and_goes_on(node, page, big):
    upload_page(page, node, "paused")
    page.route("**/tus/*", lambda route: (page.wait_for_timeout(150), route.continue_()))
    page.set_input_files("#pick-files", str(big))
    page.locator("#pause").click()
    page.wait_for_timeout(1500)  # the piece under way ends
    before = page.locator("#total-bar").evaluate("bar => bar.value")
    page.wait_for_timeout(1000)
    assert page.locator("#total-bar").evaluate("bar => bar.value") == before < 1
    assert "Paused" in page.locator("#said").inner_text()
    page.locator("#pause").click()
    page.locator("#receipt").wait_for(state="visible", timeout=60_000)


def test_a_cut_line_is_told_and_healed(node, page, big):
    upload_page(page, node, "cut")
    cut = {"left": 2}

    def piece(route):
        if route.request.method == "PATCH" and cut["left"]:
            cut["left"] -= 1
            route.abort("connectionreset")
        else:
            route.continue_()

    page.route("**/tus/*", piece)
    page.set_input_files("#pick-files", str(big))
    page.get_by_text("The connection broke off").wait_for()
    page.locator("#receipt").wait_for(state="visible", timeout=60_000)
    assert stored(node, "cut") == {big.name: hashlib.sha256(big.read_bytes()).hexdigest()}


def test_a_refused_file_says_why_and_the_rest_arrives(node, page, tmp_path):
    upload_page(page, node, "refused")
    folder = tmp_path / "mixed"
    folder.mkdir()
    (folder / "good.csv").write_text("x\n1\n")
    (folder / "bad").mkdir()
    (folder / "bad" / ("n" * 250 + ".csv")).write_text("x\n2\n")
    page.route(
        "**/bundles",
        lambda route: route.fulfill(
            status=422,
            content_type="application/json",
            headers={"Access-Control-Allow-Origin": node.url},
            body='{"title": "The bundle is damaged.", "code": "x"}',
        ),
    )
    kit.drop_folder(page, folder)
    page.locator("#again").wait_for(state="visible")
    assert "The bundle is damaged." in page.locator("#list").inner_text()
    assert "failed" in page.locator("#list").inner_text()
    page.unroute_all()
    page.locator("#again").click()
    page.locator("#receipt").wait_for(state="visible")
    assert len(stored(node, "refused")) == 2


def test_the_same_folder_again_sends_nothing(node, page, tmp_path):
    folder = kit.sample(tmp_path / "twice")
    upload_page(page, node, "twice")
    kit.drop_folder(page, folder)
    page.locator("#receipt").wait_for(state="visible")
    bundles = []
    page.on("request", lambda request: bundles.append(request) if "/bundles" in request.url else None)
    page.goto(f"{node.url}/d/lab/twice/upload")
    kit.drop_folder(page, folder)
    page.locator("#receipt").wait_for(state="visible")
    assert not bundles
