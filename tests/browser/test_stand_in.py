"""The whole way of an outage: signed in at the institution, a passkey bound, the institution down, the stand-in, its end."""

from __future__ import annotations

import datetime as dt
import json

import pytest

from tests.browser import kit
from tests.node import free_port, running_node
from tests.servers import oidc

pytestmark = pytest.mark.browser
_DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


def sign_out(page, url):
    page.goto(f"{url}/account")
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(f"{url}/")


def by_passkey(page, url):
    page.goto(f"{url}/accounts/login/")
    page.get_by_role("button", name="Sign in with a passkey").click()


def test_a_passkey_bound_before_the_outage_opens_the_account_while_the_node_stands_in(window, tmp_path):
    port, node_port = free_port(), free_port()
    row = {
        "id": "op",
        "name": "Example OP",
        "issuer": f"http://127.0.0.1:{port}",
        "client_id": oidc.CLIENT,
        "secret": oidc.SECRET,
        "domains": ["op.example.ac.jp"],
        "group_authorities": ["*"],
    }
    extra = {
        "TSUNAGU_OPENID_PROVIDERS": json.dumps([row]),
        "TSUNAGU_EGRESS_ALLOWED": f"127.0.0.1:{port}",
        "TSUNAGU_FEDERATION_LOCAL_SIGN_IN": "false",
    }
    with running_node(tmp_path / "home", extra, port=node_port) as node:
        page = window("en")
        device = page.context.new_cdp_session(page)
        device.send("WebAuthn.enable")
        device.send("WebAuthn.addVirtualAuthenticator", {"options": _DEVICE})
        with oidc.running(port, f"{node.url}/openid/op/callback"):
            page.goto(f"{node.url}/saml/discover")
            page.get_by_role("link", name="Go to Example OP").click()
            page.locator("[name=user]").fill("taro")
            page.get_by_role("button", name="Sign in").click()
            page.wait_for_url(f"{node.url}/**")
            page.goto(f"{node.url}/accounts/2fa/webauthn/add/")
            page.locator("#id_name").fill("laptop")
            page.locator("#mfa_webauthn_add").click()
            page.wait_for_url(lambda url: "webauthn/add" not in url)
        # The provider is gone now.
        sign_out(page, node.url)
        page.goto(f"{node.url}/saml/discover")
        page.get_by_role("link", name="Go to Example OP").click()
        page.wait_for_load_state()
        by_passkey(page, node.url)
        page.get_by_text("belongs to an institution").wait_for()
        chief = window("en")
        kit.sign_in(chief, node, "owner@example.org")
        chief.goto(f"{node.url}/institutions")
        assert "people: 1, with a passkey or code here: 1" in chief.locator("main").inner_text()
        kit.axe_script()
        assert kit.violations(chief) == []
        chief.locator("summary").click()
        chief.locator("[name=until]").fill(
            (dt.datetime.now(dt.UTC) + dt.timedelta(days=2)).date().isoformat()
        )
        chief.locator("[name=reason]").fill("Power cut at the institution")
        chief.locator("details button").click()
        chief.locator(".note.ok").wait_for()
        kit.PICTURES.mkdir(exist_ok=True)
        chief.screenshot(path=kit.PICTURES / "stand-in.png", full_page=True)
        by_passkey(page, node.url)
        page.get_by_text("so this node stands in for it").first.wait_for()
        page.goto(f"{node.url}/account")
        assert "two factors, safe from look-alike sites" in page.locator("main").inner_text()
        assert kit.violations(page) == []
        page.screenshot(path=kit.PICTURES / "stood-in.png", full_page=True)
        chief.get_by_role("button", name="End the stand-in").click()
        chief.locator(".note.ok").wait_for()
        page.goto(f"{node.url}/account")
        page.wait_for_url("**/accounts/login/**")
        kinds = {run["kind"] for run in _runs(node)}
        assert {"stand_in", "stand_in_end"} <= kinds


def _runs(node):
    """Runs without a dataset, straight from the node's database."""
    import sqlite3
    import time

    for _ in range(100):
        with sqlite3.connect(f"file:{node.home}/db.sqlite3?mode=ro", uri=True) as database:
            found = [{"kind": kind} for (kind,) in database.execute("select kind from runs_run")]
        if {"stand_in", "stand_in_end"} <= {row["kind"] for row in found}:
            return found
        time.sleep(0.1)
    return found
