"""Templates stay readable: clean for djlint, no line that nobody can take in, no script or style inside."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

TEMPLATES = Path(__file__).resolve().parents[1] / "templates"
LONGEST = 260


def files() -> list[Path]:
    return sorted(TEMPLATES.rglob("*.html"))


def test_djlint_finds_nothing():
    program = Path(sys.executable).parent / "djlint"
    found = subprocess.run(
        [program, "--lint", "--quiet", *files()], capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stdout[-3000:]


def test_no_line_is_too_long():
    long = [
        f"{path.name}:{number}"
        for path in files()
        if "allauth" not in path.parts  # there, white space would end up inside buttons
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if len(line) > LONGEST
    ]
    assert not long


def test_no_script_or_style_stands_inside():
    for path in sorted(TEMPLATES.rglob("*.html")):
        text = path.read_text("utf-8")
        assert not re.search(r"\son\w+=|\sstyle=|<style|javascript:", text), path
        for tag in re.findall(r"<script[^>]*>", text):
            assert "src=" in tag or 'type="application/json"' in tag, path


def test_every_module_is_short():
    modules = sorted((TEMPLATES.parent / "static" / "web").glob("*.js"))
    assert len(modules) >= 4
    assert not [path.name for path in modules if len(path.read_text("utf-8").splitlines()) >= 200]
