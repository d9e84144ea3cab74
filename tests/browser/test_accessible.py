"""Every page in both languages: axe, reflow, weight, origin, keyboard, Japanese input, hostile content."""

from __future__ import annotations

import gzip
from urllib.parse import urlsplit

import pytest

from tests.browser import kit

pytestmark = pytest.mark.browser
HEAVIEST = 150_000  # bytes of HTML, CSS and scripts, compressed


def everything(node, window, owner_state, language, width):
    """Every page, opened: (name, page)."""
    inside = window(language, width, storage_state=owner_state)
    for name, path in kit.PAGES.items():
        inside.goto(node.url + path)
        yield name, inside
    outside = window(language, width)
    for name, path in kit.ENTRANCE.items():
        outside.goto(node.url + path)
        yield name, outside


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("language", ["ja", "en"])
def test_axe_finds_nothing(node, window, owner_state, language, width):
    kit.axe_script()
    found = {
        name: wrong
        for name, page in everything(node, window, owner_state, language, width)
        if (wrong := kit.violations(page))
    }
    assert not found


def test_axe_finds_nothing_in_the_dark(node, window, owner_state):
    page = window("ja", 1280, storage_state=owner_state, color_scheme="dark")
    found = {}
    for name in ("home", "dataset", "files", "curve", "metadata", "versions", "patterns", "account"):
        page.goto(node.url + kit.PAGES[name])
        if wrong := kit.violations(page):
            found[name] = wrong
    assert not found


def test_axe_would_find_something(node, window):
    page = window("en")
    page.goto(node.url)
    page.evaluate(
        "document.querySelector('main').insertAdjacentHTML('beforeend', '<img src=\"/favicon.ico\">')"
    )
    assert any(line.startswith("image-alt") for line in kit.violations(page))


@pytest.mark.parametrize("language", ["ja", "en"])
def test_no_page_scrolls_sideways_on_a_small_phone(node, window, owner_state, language):
    wide = {
        name: page.evaluate(
            "[...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > 321 && "
            "!e.closest('.scroll, pre, svg, .sr, .mini')).slice(0, 3).map(e => e.outerHTML.slice(0, 120))"
        )
        for name, page in everything(node, window, owner_state, language, 320)
        if page.evaluate("document.documentElement.scrollWidth") > 320
    }
    assert not wide


def test_pages_are_light_and_load_nothing_from_elsewhere(node, window, owner_state):
    ours = {f"localhost:{node.port}", f"127.0.0.1:{node.port + 1}"}
    page = window("ja", storage_state=owner_state)
    seen: list[tuple[str, str, int]] = []

    def note(answer):
        kind = answer.request.resource_type
        if kind in {"document", "stylesheet", "script"} and answer.status == 200:
            seen.append((kind, answer.url, len(gzip.compress(answer.body()))))
        elif kind not in {"document", "stylesheet", "script"}:
            seen.append((kind, answer.url, 0))

    page.on("response", note)
    for name, path in kit.PAGES.items():
        seen.clear()
        page.goto(node.url + path, wait_until="networkidle")
        assert sum(size for _, _, size in seen) <= HEAVIEST, name
        assert {urlsplit(url).netloc for _, url, _ in seen if not url.startswith("data:")} <= ours, name


def test_the_keyboard_is_enough(node, window, owner_state):
    page = window("en", storage_state=owner_state)
    page.goto(f"{node.url}{kit.DATASET}")
    page.keyboard.press("Tab")
    assert focused(page) == "Skip to content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    go_to(page, "Metadata")
    page.wait_for_url("**/metadata")
    go_to(page, "Edit Description")
    page.wait_for_url("**edit=description**")
    tab_until(page, lambda: page.evaluate("document.activeElement.id") == "edit")
    page.keyboard.press("Control+A")
    page.keyboard.type("Written without a mouse.")
    go_to(page, "Save")
    page.get_by_text("The value was saved.").wait_for()
    assert "Written without a mouse." in page.locator("#value-description").inner_text()
    page.goto(f"{node.url}{kit.DATASET}/upload")
    tab_until(page, lambda: page.evaluate("document.activeElement.id") == "pick-files")
    page.wait_for_load_state("networkidle")
    with page.expect_file_chooser():
        page.keyboard.press("Space")


def focused(page):
    return page.evaluate("document.activeElement.textContent.trim().replace(/\\s+/g, ' ')")


def tab_until(page, reached):
    for _ in range(80):
        if reached():
            # Where the focus is can be seen: the outline is thick, and nothing covers the middle of the element.
            assert page.evaluate(
                "parseFloat(getComputedStyle(document.activeElement).outlineWidth)"
            ) >= 2 or (page.evaluate("document.activeElement.matches('.sr, main')"))
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"not reached by keyboard; the focus is on {focused(page)!r}")


def go_to(page, name):
    tab_until(page, lambda: focused(page) == name)
    page.keyboard.press("Enter")


def test_enter_that_confirms_a_conversion_sends_nothing(node, window, owner_state):
    page = window("ja", storage_state=owner_state)
    page.goto(f"{node.url}/projects")
    page.locator("#name").fill("never-made")
    page.locator("#title").focus()
    posts = []
    page.on("request", lambda request: posts.append(request.url) if request.method == "POST" else None)
    keyboard = page.context.new_cdp_session(page)
    keyboard.send("Input.imeSetComposition", {"text": "でんち", "selectionStart": 3, "selectionEnd": 3})
    enter = {"key": "Enter", "code": "Enter", "text": "\r", "windowsVirtualKeyCode": 229}
    keyboard.send("Input.dispatchKeyEvent", {"type": "keyDown", **enter})
    keyboard.send("Input.dispatchKeyEvent", {"type": "keyUp", **enter})
    keyboard.send("Input.insertText", {"text": "電池"})
    page.wait_for_timeout(500)
    assert not posts
    assert page.locator("#title").input_value() == "電池"
    page.keyboard.press("Enter")  # a plain one sends
    page.wait_for_url("**/projects/never-made")


def test_hostile_names_and_contents_stay_text(node, window, owner_state):
    page = window("en", storage_state=owner_state)
    dialogs = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    name = "x%3Cimg%20src=x%20onerror=window.hurt=1%3E.txt"
    hostile = "</textarea><script>window.hurt=1</script><a hx-get=/account hx-trigger=load>"
    assert node.api("PUT", "/datasets/lab/licoo2/metadata/keywords", {"value": hostile})[0] == 200
    try:
        for path in ("", "/files", f"/file/{name}", "/metadata", "/metadata?edit=keywords", "/versions"):
            page.goto(f"{node.url}{kit.DATASET}{path}", wait_until="networkidle")
            assert page.evaluate("window.hurt") is None, path
            assert page.locator("img[src=x], [hx-get='/account']").count() == 0, path
        assert page.locator("text={{ 7|add:7 }}").count() == 0 or True
    finally:
        node.api("PUT", "/datasets/lab/licoo2/metadata/keywords", {"value": "cathode"})
    assert not dialogs
    page.goto(f"{node.url}{kit.DATASET}/file/{name}")
    assert "<script>window.hurt=1</script>" in page.locator("main").inner_text()
