"""What the agent's form promises: the standard library of Python 3.8, one file, always the same bytes."""

from __future__ import annotations

import ast
import io
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tsunagu.client import agent
from tsunagu.client.agent_file import agent_bytes

SOURCES = sorted(Path(agent.__file__).parent.glob("*.py"))
# Names that came after 3.8; the run under a real 3.8 in tests/functional sees what this list forgets.
LATER = {
    "removeprefix", "removesuffix", "zoneinfo", "cache", "pairwise", "is_relative_to", "readlink", "randbytes", "batched",
    "stdlib_module_names", "UTC", "StrEnum", "ExceptionGroup", "file_digest", "aclosing", "bit_count", "Self", "TypeAlias",
    "ParamSpec", "graphlib", "tomllib", "chdir", "unparse",
}  # fmt: skip


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_every_module_is_python_3_8(source):
    tree = ast.parse(source.read_text("utf-8"), feature_version=(3, 8))
    used = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    used |= {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    assert not used & LATER
    assert source.name in {
        "__init__.py",
        "__main__.py",
    } or "from __future__ import annotations" in source.read_text("utf-8")


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_every_import_is_the_standard_library_or_a_sibling(source):
    for node in ast.walk(ast.parse(source.read_text("utf-8"))):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [node.module]
        assert all(name.partition(".")[0] in sys.stdlib_module_names for name in names), names
        assert not isinstance(node, ast.ImportFrom) or node.level <= 1


def test_types_are_not_joined_at_run_time():
    """``int | None`` and ``list[str]`` outside annotations fail on 3.8."""
    for source in SOURCES:
        tree = ast.parse(source.read_text("utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.AnnAssign):
                node.annotation = ast.Constant(value=None)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                node.returns = None
                for argument in [*node.args.args, *node.args.kwonlyargs, *node.args.posonlyargs]:
                    argument.annotation = None
        for node in ast.walk(tree):
            if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
                assert node.value.id not in {"list", "dict", "tuple", "set", "frozenset", "type"}, source.name
            if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
                sides = {
                    getattr(side, "value", 0)
                    for side in (node.left, node.right)
                    if isinstance(side, ast.Constant)
                }
                assert None not in sides, source.name


def test_the_file_holds_the_package_and_nothing_else():
    with zipfile.ZipFile(io.BytesIO(agent_bytes())) as archive:
        names = set(archive.namelist())
        assert names == {"__main__.py", *(f"tsunagu_agent/{source.name}" for source in SOURCES)}
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_the_file_is_the_same_in_another_process():
    code = "import hashlib; from tsunagu.client.agent_file import agent_bytes as a; print(hashlib.sha256(a()).hexdigest())"
    seen = {
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(seen) == 1


def test_every_reason_that_the_code_names_has_words():
    from tsunagu.client.agent.words import REASONS, TEXTS

    codes = set()
    for source in SOURCES:
        for node in ast.walk(ast.parse(source.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
                name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
                place = {"_problem": 2, "_failed": 1, "Trouble": 1}.get(name)
                if (
                    place is not None
                    and len(node.args) > place
                    and isinstance(node.args[place], ast.Constant)
                ):
                    codes.add(node.args[place].value)
    assert len(codes) > 8
    assert codes <= set(REASONS)
    for table in (REASONS, TEXTS):
        for english, japanese in table.values():
            assert set(_holders(english)) == set(_holders(japanese)), english


def _holders(text):
    import string

    return [name for _, name, _, _ in string.Formatter().parse(text) if name]
