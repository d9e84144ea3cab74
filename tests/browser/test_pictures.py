"""Pictures of every page for those who judge them by eye: ``screenshots/``, ignored by git.

``PICTURES=1`` makes all of them (both languages, both widths, light and dark, with and without scripts) and writes the
one of the README anew; without it a few are made, so that the code stays alive.
"""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from tests.browser import kit
from tsunagu.doors.cli import sample_lab

pytestmark = pytest.mark.browser
IS_ASKED = bool(os.environ.get("PICTURES"))
README_PICTURE = kit.ROOT / "docs" / "images" / "dataset-page.png"
KINDS = [
    (language, width, colours, scripts)
    for language in ("ja", "en")
    for width in (390, 1280)
    for colours in ("light", "dark")
    for scripts in (True, False)
]


@pytest.mark.parametrize("kind", KINDS if IS_ASKED else KINDS[4:5])
def test_pictures_of_every_page(node, window, owner_state, kind):
    language, width, colours, scripts = kind
    kit.PICTURES.mkdir(exist_ok=True)
    more = {"color_scheme": colours, "java_script_enabled": scripts}
    inside = window(language, width, storage_state=owner_state, **more)
    outside = window(language, width, **more)
    mark = f"{language}-{width}-{colours}{'' if scripts else '-noscript'}"
    for page, pages in ((inside, kit.PAGES), (outside, kit.ENTRANCE)):
        for name, path in pages.items():
            answer = page.goto(node.url + path, wait_until="networkidle")
            assert answer.status == {"missing": 404, "tombstone": 410}.get(name, 200), name
            file = kit.PICTURES / f"{name}-{mark}.png"
            page.screenshot(path=file, full_page=True)
            assert file.stat().st_size > 5_000


def test_japanese_fonts_are_here():
    assert shutil.which("fc-list")
    listed = subprocess.run(["fc-list", ":lang=ja"], capture_output=True, text=True, check=True).stdout
    assert listed, "the pictures would show boxes; install fonts-noto-cjk"


def test_the_picture_of_the_readme(node, window, owner_state, tmp_path):
    """The same real files as ``make run`` takes."""
    sample_lab.gather(tmp_path / "lab", tmp_path / "cache")
    node.run("push", str(tmp_path / "lab"), "lab/first-light")
    node.wait_for_readings("lab/first-light")
    said = {
        "title": "First light: one day of a shared instrument facility",
        "title_ja": "共用機器施設の一日",
        "description": "Real files of several instruments: computed tomography, magnetic resonance, an electrocardiogram, "
        "space telescopes, spectra and crystal structures.",
        "creators": "Hanako Takahashi, Ryo Ito",
    }
    for name, value in said.items():
        assert node.api("PUT", f"/datasets/lab/first-light/metadata/{name}", {"value": value})[0] == 200
    node.run("freeze", "lab/first-light", "-m", "first series")
    page = window("en", 1280, storage_state=owner_state)
    page.goto(f"{node.url}/d/lab/first-light", wait_until="networkidle")
    goal = README_PICTURE if IS_ASKED else tmp_path / "page.png"
    goal.parent.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=goal, clip={"x": 0, "y": 0, "width": 1280, "height": 960})
    assert 20_000 < goal.stat().st_size < 300_000
    assert README_PICTURE.stat().st_size < 300_000
