"""Passkeys and codes: set up, signed out, signed in."""

from __future__ import annotations

import re
import time

import pytest

from tests.browser import kit

pytestmark = pytest.mark.browser
PASSWORD = "correct horse battery 9"


def sign_out(page, node):
    page.goto(f"{node.url}/account")
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(f"{node.url}/")


def set_password(page, node):
    page.goto(f"{node.url}/accounts/password/set/")
    page.locator("#id_password1").fill(PASSWORD)
    page.locator("#id_password2").fill(PASSWORD)
    page.locator("main form button").click()
    page.locator(".note.ok").wait_for()


def by_password(page, node, email):
    page.goto(f"{node.url}/accounts/login/")
    page.locator("#id_login").fill(email)
    page.locator("#id_password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def test_a_passkey_opens_the_account(node, window):
    page = window("en")
    device = page.context.new_cdp_session(page)
    device.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    device.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    kit.sign_in(page, node, "key@example.org")
    page.get_by_role("link", name="Add a passkey").click()
    page.locator("#id_name").fill("測定室のノートPC")
    assert page.locator("#id_passwordless").is_checked()
    page.locator("#mfa_webauthn_add").click()
    page.wait_for_url(re.compile(r"/accounts/2fa/(?!webauthn/add)"))
    page.goto(f"{node.url}/accounts/2fa/webauthn/")
    assert "測定室のノートPC" in page.locator("main").inner_text()
    page.goto(f"{node.url}/account")
    assert "neither a password nor a passkey" not in page.locator("main").inner_text()
    sign_out(page, node)
    page.goto(f"{node.url}/accounts/login/?next=/account")
    page.locator("#passkey_login").click()
    page.wait_for_url(f"{node.url}/account")
    assert "key@example.org" in page.locator("header").inner_text()


def test_codes_of_an_app_are_asked_for_after_the_password(node, window):
    page = window("en")
    email = "totp@example.org"
    kit.sign_in(page, node, email)
    set_password(page, node)
    page.goto(f"{node.url}/accounts/2fa/")
    page.get_by_role("link", name="Set it up").click()
    page.locator("#id_password").fill(PASSWORD)  # a new password is asked for once more before keys change
    page.get_by_role("button", name="Confirm").click()
    secret = page.locator("#authenticator_secret").input_value()
    page.locator("#id_code").fill(kit.totp(secret, at=time.time() - 30))  # the one before also counts
    page.locator("main form button").click()
    page.locator("#recovery_codes").wait_for()
    spare = page.locator("#recovery_codes").input_value().split()
    assert len(spare) == 10
    sign_out(page, node)

    by_password(page, node, email)
    page.locator("#id_code").fill("000000")
    page.get_by_role("button", name="Sign In").click()
    page.locator(".error, .note.danger").first.wait_for()
    page.locator("#id_code").fill(kit.totp(secret))
    page.get_by_role("button", name="Sign In").click()
    page.wait_for_url(f"{node.url}/")
    sign_out(page, node)

    by_password(page, node, email)
    page.locator("#id_code").fill(spare[0])
    page.get_by_role("button", name="Sign In").click()
    page.wait_for_url(f"{node.url}/")


def test_a_link_opens_once(node, window):
    made = node.run("admin", "link", "once@example.org", "--home", str(node.home)).stdout.strip()
    scanner = window("en")
    scanner.goto(made)  # a mail scanner that looks does not use it up
    person = window("en")
    person.goto(made)
    person.locator("main form button").click()
    person.wait_for_url("**/account")
    thief = window("en")
    thief.goto(made)
    thief.locator("main form button").click()
    assert "/account" not in thief.url
    assert thief.locator(".problem").count() == 1


def test_tokens_are_shown_once_and_withdrawn(node, window):
    page = window("en")
    kit.sign_in(page, node, "token@example.org")
    page.locator("#label").fill("測定用PC")
    page.locator("#days").fill("30")
    page.get_by_role("button", name="Make a token").click()
    secret = page.locator(".problem.ok pre").inner_text().strip()
    assert node.api("GET", "/me", token=secret)[0] == 200
    page.goto(f"{node.url}/account")
    assert secret not in page.content()
    page.get_by_role("button", name="Withdraw 測定用PC").click()
    assert node.api("GET", "/me", token=secret)[0] == 401


def test_language_and_theme_are_the_persons(node, window):
    page = window("en")
    kit.sign_in(page, node, "taste@example.org")
    page.locator("#lang").select_option("ja")
    page.locator("#theme").select_option("dark")
    page.get_by_role("button", name="Save").click()
    page.goto(f"{node.url}/projects")
    assert page.locator("html").get_attribute("lang") == "ja"
    assert page.locator("html").get_attribute("data-theme") == "dark"
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(26, 26, 26)"


def test_the_sessions_of_a_person_are_listed(node, window):
    page = window("en")
    kit.sign_in(page, node, "session@example.org")
    page.goto(f"{node.url}/accounts/sessions/")
    assert "this one" in page.locator("main").inner_text()
