"""An owner seals a dataset and destroys its bytes, with scripts and without."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_an_owner_seals_and_destroys(node, window, owner_state, tmp_path, scripts):
    (tmp_path / "folder").mkdir()
    for number in range(30):
        (tmp_path / "folder" / f"{number}.txt").write_text(f"secret {number}")
    name = f"page{int(scripts)}"
    node.run("push", str(tmp_path / "folder"), f"vault/{name}")
    page = window("en", 390, storage_state=owner_state, java_script_enabled=scripts)
    page.goto(f"{node.url}/d/vault/{name}/access")
    page.get_by_role("button", name="Seal this dataset").click()
    expect(page.get_by_text("The dataset is sealed from now on.")).to_be_visible()
    sealed = page.locator("#sealing .chip", has_text="Sealed")
    if not scripts:
        for _ in range(60):
            if sealed.is_visible():
                break
            page.wait_for_timeout(500)
            page.reload()
    expect(sealed).to_be_visible(timeout=40_000)  # the part asks for itself again
    page.goto(f"{node.url}/d/vault/{name}/access")
    page.get_by_text("Destroy the bytes for ever").click()
    page.get_by_label(re.compile("Write the name")).fill("vault/other")
    page.get_by_label("Why?").fill("a test")
    page.get_by_role("button", name="Destroy for ever").click()
    expect(page.get_by_text("what is destroyed never comes back")).to_be_visible()
    page.goto(f"{node.url}/d/vault/{name}/access")
    page.get_by_text("Destroy the bytes for ever").click()
    page.get_by_label(re.compile("Write the name")).fill(f"vault/{name}")
    page.get_by_label("Why?").fill("a test")
    page.get_by_role("button", name="Destroy for ever").click()
    expect(page.get_by_text("The bytes of this dataset were destroyed for ever.")).to_be_visible()
    page.get_by_role("link", name="The record in the ledger").click()
    expect(page.get_by_role("heading", name="Bytes destroyed for ever")).to_be_visible()
    page.goto(f"{node.url}/d/vault/{name}/files")
    expect(page.get_by_text("Reason: a test")).to_be_visible()
    page.goto(f"{node.url}/d/vault/{name}/download/1.txt")
    expect(page.get_by_text("destroyed on purpose").first).to_be_visible()
