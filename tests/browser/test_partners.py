"""Computers that nodes lend each other: the page of administrators and the choice of the place."""

from __future__ import annotations

import base64
import shutil

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from playwright.sync_api import expect

from tests.browser import kit
from tests.functional.two_nodes import signed, told, wait
from tsunagu.core.ids import new_id

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed"),
]


@pytest.fixture(scope="module")
def partner(node, tmp_path_factory):
    """The key of a node that is lent to and borrowed from, and a run of it that waits."""
    node.run("label", "lab/tables", "personal=no")
    node.run("label", "lab/tables", "export_control=no")
    return Ed25519PrivateKey.generate()


def public(key):
    return base64.b64encode(key.public_key().public_bytes_raw()).decode()


def test_an_administrator_lends_and_borrows_by_forms(node, window, owner_state, partner):
    page = window("en", 390, storage_state=owner_state)
    page.goto(f"{node.url}/shared-computers")
    page.get_by_text("Lend to another node").click()
    form = page.locator("form", has=page.locator("#offer-title"))
    form.locator("#offer-title").fill("Minami University")
    form.locator("#offer-address").fill("https://93.184.215.14")
    form.locator("#offer-bytes").fill("https://93.184.215.14:444")
    form.locator("#offer-key").fill("no key")
    form.locator("#offer-until").fill("2099-03-31")
    form.get_by_role("button", name="Lend").click()
    expect(page.get_by_text("The public key is no Ed25519 key")).to_be_visible()
    expect(page.locator("#offer-title")).to_have_value("Minami University")
    page.locator("#offer-key").fill(public(partner))
    page.get_by_role("button", name="Lend", exact=True).click()
    expect(page.get_by_text("The offer is in force.")).to_be_visible()
    page.get_by_text("Let runs go to another node").click()
    page.locator("#site-name").fill("minami")
    page.locator("#site-title").fill("Minami University")
    page.locator("#site-address").fill("https://93.184.215.14")
    page.locator("#site-key").fill(public(partner))
    page.get_by_role("button", name="Let runs go there").click()
    expect(page.get_by_text("Runs may go there now.")).to_be_visible()
    own = node.json("compute", "own")
    limits = {"cores": 1, "memory_bytes": 1 << 30, "duration_s": 60, "disk_bytes": 1 << 20}
    more = {"process_count": 10, "file_count": 10, "log_bytes": 1}
    wish = {"run": new_id(), "secret": "ab" * 32, "asker": "佐藤 花子", "limits": limits | more, "lock": ""}
    status, said = told(node, signed(partner, own["public_key"], "run", **wish))
    assert status == 200
    page.reload()
    row = page.locator("tr", has_text=said["answer"]["run"])
    expect(row).to_contain_text("佐藤 花子")


def test_people_choose_the_place_and_read_what_hinders(node, window, owner_state, partner):
    page = window("en", storage_state=owner_state)
    page.goto(f"{node.url}/d/lab/tables/compute")
    expect(page.get_by_label("Minami University (JP)")).to_be_enabled()
    expect(page.get_by_text("Its administrators could read")).to_be_visible()
    page.goto(f"{node.url}/d/lab/licoo2/compute")
    expect(page.get_by_label("Minami University (JP)")).to_be_disabled()
    expect(page.get_by_text("nobody has decided this label").first).to_be_visible()


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("language", ["ja", "en"])
def test_the_pages_are_accessible_in_both_languages_and_widths(node, window, owner_state, language, width):
    kit.axe_script()
    page = window(language, width, storage_state=owner_state)
    for name, path in {
        "partners": "/shared-computers",
        "places": "/d/lab/tables/compute",
        "places-hindered": "/d/lab/licoo2/compute",
    }.items():
        page.goto(node.url + path)
        page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        assert not kit.violations(page), name
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), name
        kit.PICTURES.mkdir(exist_ok=True)
        page.screenshot(path=kit.PICTURES / f"{name}-{language}-{width}.png", full_page=True)


def test_an_offer_is_withdrawn_by_a_button(node, window, owner_state):
    page = window("en", storage_state=owner_state)
    page.goto(f"{node.url}/shared-computers")
    page.get_by_role("button", name="Withdraw Minami University").click()
    expect(page.get_by_text("The offer was withdrawn.")).to_be_visible()
    wait(
        lambda: all(one["ended_at"] for one in node.json("compute", "guests")["guests"]),
        "the runs under it to end",
    )
