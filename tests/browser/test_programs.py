"""Allowing a program in a real browser: what the page says, whom it lets the browser go back to, and a passkey's stand-in."""

from __future__ import annotations

import base64
import hashlib
import json
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from tests.browser import kit

pytestmark = pytest.mark.browser
BACK = "http://127.0.0.1:9/callback"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(b"v" * 64).digest()).rstrip(b"=").decode()


@pytest.fixture(scope="module")
def program(node):
    command = ["program", "register", "解析ノートブック", "--redirect", BACK, "--device", "--agent", "--json"]
    verbs = ["--verb", "read", "--verb", "write", "--verb", "share", "--verb", "admin"]
    return json.loads(node.run(*command, *verbs, "--home", str(node.home)).stdout)


def address(node, program):
    query = {
        "response_type": "code",
        "client_id": program["id"],
        "redirect_uri": BACK,
        "scope": "openid profile email read write admin",
        "state": "s",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    return f"{node.url}/oauth/authorize?{urlencode(query)}"


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("language", ["ja", "en"])
def test_the_page_of_consent_is_for_everybody(node, window, owner_state, program, language, width):
    kit.axe_script()
    page = window(language, width, storage_state=owner_state)
    page.goto(address(node, program))
    assert kit.violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    kit.PICTURES.mkdir(exist_ok=True)
    page.screenshot(path=kit.PICTURES / f"consent-{language}-{width}.png", full_page=True)


def test_allowing_leads_back_to_the_program_and_ends_on_the_account_page(node, window, owner_state, program):
    page = window("en", storage_state=owner_state, java_script_enabled=False)
    landed = []

    def take(route):
        landed.append(route.request.url)
        route.fulfill(status=200, content_type="text/plain", body="back at the program")

    page.route("http://127.0.0.1:9/**", take)
    page.goto(address(node, program))
    assert not page.get_by_label(
        "Administering"
    ).is_checked()  # the strongest verb is never ticked beforehand
    page.get_by_role("button", name="Allow", exact=True).click()
    page.wait_for_url(f"{BACK}**")
    query = dict(parse_qsl(urlsplit(landed[0]).query))
    assert {"code", "state", "iss"} == set(query)
    page.goto(f"{node.url}/account/programs")
    row = page.locator("tbody tr", has_text="解析ノートブック")
    assert "Reading · Writing" in row.inner_text()
    row.get_by_role("button", name="Disconnect").click()
    assert "can do nothing for you any more" in page.locator("main").inner_text()
    assert page.locator("tbody tr", has_text="解析ノートブック").count() == 0


def test_the_page_cannot_be_framed(node, window, owner_state, program):
    page = window("en", storage_state=owner_state)
    page.route(
        "http://evil.test/",
        lambda route: route.fulfill(
            content_type="text/html", body=f'<iframe src="{address(node, program)}"></iframe>'
        ),
    )
    page.goto("http://evil.test/")
    assert page.frames[-1].url.startswith("chrome-error:")


@pytest.mark.parametrize("language", ["ja", "en"])
def test_the_code_of_a_device_is_typed_and_never_filled_in(node, window, owner_state, program, language):
    import urllib.request

    kit.axe_script()
    form = urlencode({"client_id": program["id"], "scope": "read"}).encode()
    with urllib.request.urlopen(f"{node.url}/oauth/device", form) as answer:
        asked = json.load(answer)
    page = window(language, 320, storage_state=owner_state)
    page.goto(f"{asked['verification_uri']}?user_code={asked['user_code']}")
    assert page.locator("#code").input_value() == ""
    page.locator("#code").fill(asked["user_code"].lower())
    page.locator("main form button").click()
    page.locator("[name=allow]").wait_for()
    assert kit.violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    page.screenshot(path=kit.PICTURES / f"device-consent-{language}-320.png", full_page=True)
    page.locator("[name=allow]").click()
    page.locator(".note.ok").wait_for()
