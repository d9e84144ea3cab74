"""The house keeps its order: sizes, doors, foreign keys down, no hosts in committed files."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from django.apps import apps

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "tsunagu"
MOST_LINES, MOST_FUNCTION_LINES = 500, 60
CODE = [
    p
    for folder in ("src", "tests", "plugins", "tools", "benchmarks")
    for p in (ROOT / folder).rglob("*.py")
    if "migrations" not in p.parts
]
PROGRAM = [p for p in SOURCE.rglob("*.py") if "migrations" not in p.parts and "tests" not in p.parts]


def test_no_module_is_too_long():
    long = {
        str(p.relative_to(ROOT)): n
        for p in CODE
        if (n := len(p.read_text("utf-8").splitlines())) > MOST_LINES
    }
    assert not long


def test_no_function_is_too_long():
    long = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name} {node.end_lineno - node.lineno + 1}"
        for path in PROGRAM
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef) and node.end_lineno - node.lineno + 1 > MOST_FUNCTION_LINES
    ]
    assert not long


def test_no_room_for_odds_and_ends():
    assert not [p for p in PROGRAM if p.stem in {"utils", "helpers", "common", "misc"}]


def levels():
    """The height of every room, from the layers that imports keep to."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = {c["containers"][0]: c["layers"] for c in contracts if c["type"] == "layers"}
    order = ["core"]
    for base in ("foundation", "data"):
        order += reversed(layers[f"tsunagu.{base}"])
    order.append(" | ".join(p.parent.name for p in (SOURCE / "experiment").glob("*/models.py")))
    order += reversed(layers["tsunagu.compute"])
    return {room: height for height, rooms in enumerate(order) for room in rooms.split(" | ")}


def test_foreign_keys_point_down():
    wrong, height = [], levels()
    for model in apps.get_models():
        if not model.__module__.startswith("tsunagu."):
            continue
        level = height[model._meta.app_label]
        for field in model._meta.get_fields():
            target = getattr(field, "related_model", None)
            if field.auto_created or not isinstance(target, type):
                continue
            own = target._meta.app_label == model._meta.app_label
            if not own and height.get(target._meta.app_label, 99) >= level:
                wrong.append(f"{model._meta.label}.{field.name} -> {target._meta.label}")
    assert not wrong


def test_every_room_is_behind_its_door():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    protected = {name for c in contracts if c["type"] == "protected" for name in c["protected_modules"]}
    missing = []
    for base in ("foundation", "data", "experiment", "compute"):
        for room in (p for p in (SOURCE / base).iterdir() if (p / "api.py").exists()):
            for module in room.iterdir():
                is_module = module.suffix == ".py" or (module / "__init__.py").exists()
                if is_module and module.stem not in {"__init__", "api", "tests", "migrations", "__pycache__"}:
                    name = f"tsunagu.{base}.{room.name}.{module.stem}"
                    missing += [name] if name not in protected else []
    assert not missing


def test_the_client_is_light():
    code = (
        "import sys, json, tsunagu, tsunagu.client, tsunagu.client.cli;"
        "print(json.dumps([m for m in ('django', 'numpy', 'pandas', 'pyarrow', 'yaml', 'orjson') if m in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []


def test_the_byte_server_knows_no_django():
    code = "import sys, tsunagu.dataplane.app; print([m for m in ('django', 'numpy') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def _hosts_in_use() -> set[str]:
    asked = [sys.executable, "-m", "pip", "config", "list"]
    texts = [subprocess.run(asked, capture_output=True, text=True, check=False).stdout]
    for file in [Path("/etc/apt/sources.list"), *Path("/etc/apt/sources.list.d").glob("*")]:
        texts += [file.read_text("utf-8", "replace")] if file.is_file() else []
    found = {host for text in texts for host in re.findall(r"https?://(?:[^@/\s]*@)?([\w.-]+\.[a-z]+)", text)}
    return {*found, "py" + "pi.org", "files.python" + "hosted.org", "registry.npm" + "js.org"}


def test_no_registry_host_in_committed_files():
    files = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    hosts = _hosts_in_use()
    wrong = [
        f"{name}: {host}"
        for name in files
        for host in hosts
        if (ROOT / name).is_file() and host.encode() in (ROOT / name).read_bytes()
    ]
    assert not wrong


def test_requirements_are_pinned_by_hash_without_addresses():
    text = (ROOT / "requirements-dev.txt").read_text()
    assert "://" not in text
    assert "--hash=sha256:" in text


def test_every_error_code_is_its_own():
    from tsunagu.core.errors import TsunaguError

    for module in PROGRAM:
        if module.stem == "errors" and "client" not in module.parts:
            __import__(".".join(module.relative_to(ROOT / "src").with_suffix("").parts))

    def leaves(cls):
        for child in cls.__subclasses__():
            yield child
            yield from leaves(child)

    codes = {}
    for leaf in leaves(TsunaguError):
        if (
            "code" in vars(leaf)
            and leaf.__module__.startswith("tsunagu.")
            and "client" not in leaf.__module__
        ):
            assert codes.setdefault(leaf.code, leaf) is leaf, leaf.code


def test_both_languages_are_complete():
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "messages.py"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.django_db
def test_no_migration_is_missing():
    from django.core.management import call_command

    call_command("makemigrations", "--check", "--dry-run", verbosity=0)


def test_entry_points_are_installed():
    from importlib.metadata import entry_points

    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"][
        "tsunagu.readers"
    ]
    assert set(declared) <= {point.name for point in entry_points(group="tsunagu.readers")}
