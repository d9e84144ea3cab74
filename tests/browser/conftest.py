"""A node with a sample laboratory, and Chromium; both for all tests of a process."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser import kit
from tests.node import running_node


@pytest.fixture(scope="session")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    folder = kit.sample(tmp_path_factory.mktemp("laboratory") / "LiCoO2")
    with running_node(tmp_path_factory.mktemp("browser") / "home") as running:
        running.run("project", "create", "lab")
        running.run("push", str(folder), "lab/licoo2")
        running.wait_for_readings("lab/licoo2")
        running.run("freeze", "lab/licoo2", "-m", "最初の測定")
        running.run("ready", "lab/licoo2")
        (folder / "追加.csv").write_text("x,y\n1,2\n", "utf-8")
        running.run("push", str(folder), "lab/licoo2")
        running.wait_for_readings("lab/licoo2")
        for name, value in {
            "title": "コバルト酸リチウムの充放電測定",
            "title_en": "Cycling of lithium cobalt oxide",
            "description": "正極材料の構造変化を、充放電の前後でX線回折により調べた。",
            "creators": "髙橋 花子",
        }.items():
            status, _ = running.api("PUT", f"/datasets/lab/licoo2/metadata/{name}", {"value": value})
            assert status == 200, name
        running.run("push", str(kit.tables(tmp_path_factory.mktemp("scans") / "t")), "lab/tables")
        said = {"title": "Angles and counts", "creators": "Hanako Takahashi (0000-0002-1825-0097)"}
        for name, value in said.items():
            assert running.api("PUT", f"/datasets/lab/tables/metadata/{name}", {"value": value})[0] == 200
        running.run("freeze", "lab/tables")
        running.run("publish", "lab/tables", "--access", "metadata")
        kit.fill_attic(running, tmp_path_factory.mktemp("attic") / "old-disk")
        kit.seal_and_shred(running, folder)
        running.run("push", str(folder / "装置"), "lab/mistake")
        running.run("freeze", "lab/mistake")
        running.run("delete", "lab/mistake", "--reason", "別の試料のデータを誤って送信したため")
        running.run(
            "retain", "lab/licoo2", "--until", "2037-03-31", "--reason", "研究不正への対応の規程による10年"
        )
        running.run("hold", "lab", "--reason", "研究公正委員会の調査(第12号)")
        assert running.api("PUT", "/projects/lab/plan", kit.PLAN)[0] == 200
        assert running.api("POST", "/projects/lab/plan/check")[1]["broken"] >= 3
        yield running


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    if not kit.CHROMIUM:
        pytest.skip("chromium is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=kit.CHROMIUM, args=kit.FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def window(chromium: Browser) -> Iterator[Any]:
    """Opens pages in contexts of their own; a script error on any of them fails the test."""
    with contextlib.ExitStack() as stack:
        faults: list[str] = []

        def opened(language: str = "ja", width: int = 1280, **more: Any) -> Any:
            context = chromium.new_context(
                locale={"ja": "ja-JP", "en": "en-GB"}[language],
                viewport={"width": width, "height": 900},
                **more,
            )
            stack.callback(context.close)
            page = context.new_page()
            page.set_default_timeout(20_000)
            page.on("pageerror", lambda error: faults.append(str(error)))
            page.on(
                "console",
                lambda line: faults.append(line.text) if "Content Security Policy" in line.text else None,
            )
            return page

        yield opened
        assert not faults, faults


@pytest.fixture(scope="session")
def owner_state(node: Any, chromium: Browser) -> Any:
    """The session of the laboratory's owner, signed in once."""
    context = chromium.new_context(locale="en-GB")
    kit.sign_in(context.new_page(), node, "owner@example.org")
    state = context.storage_state()
    context.close()
    return state
