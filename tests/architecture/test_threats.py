"""The threat model is whole, and what it says of tests is true."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MODEL = ROOT / "docs" / "explanation" / "threats.md"
NUMBERED = {"U": 6, "F": 15, "W": 8, "I": 23, "A": 13, "M": 11, "O": 13, "N": 11, "K": 7, "C": 28}
_ROW = re.compile(r"^\| ([A-Z]-\d+) \| (.+?) \| (.*?) \| (.+) \|$", re.MULTILINE)
_TEST = re.compile(r"\[(test_\w+)\]\(\.\./\.\./([\w/.]+)\)")


def _rows():
    return _ROW.findall(MODEL.read_text("utf-8"))


def test_every_threat_has_one_row():
    wanted = [f"{letter}-{number}" for letter, most in NUMBERED.items() for number in range(1, most + 1)]
    assert [row[0] for row in _rows()] == wanted


def test_every_row_names_a_test_or_says_why_there_is_none():
    for number, _threat, holds, tests in _rows():
        if tests.startswith("none: "):
            assert len(tests) > 20, number
        else:
            assert holds, number
            assert _TEST.search(tests), number


def test_the_tests_exist():
    missing = []
    for number, _threat, _holds, tests in _rows():
        for name, path in _TEST.findall(tests):
            file = ROOT / path
            tree = ast.parse(file.read_text("utf-8")) if file.exists() else ast.parse("")
            if name not in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}:
                missing.append((number, path, name))
    assert not missing


def test_yaml_is_loaded_safely():
    """F-10: tags of a YAML text make no objects."""
    unsafe = []
    for path in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if (
                isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Name)
                and node.value.id == "yaml"
            ):
                is_loader = node.attr in {
                    "load",
                    "load_all",
                    "full_load",
                    "unsafe_load",
                    "Loader",
                    "UnsafeLoader",
                }
                if is_loader:
                    unsafe.append(f"{path.relative_to(ROOT)}:{node.lineno} yaml.{node.attr}")
    assert not unsafe


def test_every_package_is_pinned_by_its_hash():
    """O-8: another package under a known name, or another file of a known version, is not installed."""
    for name in ("requirements.txt", "requirements-dev.txt"):
        text = (ROOT / name).read_text("utf-8").replace("\\\n", " ")
        lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
        assert len(lines) > 20
        for line in lines:
            assert re.match(r"[\w.\[\]-]+==", line), line
            assert "--hash=sha256:" in line, line
    assert "--require-hashes" in (ROOT / "Makefile").read_text("utf-8")
