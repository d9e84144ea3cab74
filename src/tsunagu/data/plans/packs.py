"""Checks and templates: dated data files in ``packs``, the newest of each name in force."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import yaml

from tsunagu.data.plans.types import Check, Template

_FOLDER = Path(__file__).parent / "packs"


@functools.cache
def checks() -> tuple[Check, ...]:
    """Every check in force, in the order of its pack."""
    (pack,) = _newest("checks")
    return tuple(
        Check(
            id=row["id"],
            title=row["title"],
            basis=row["basis"],
            basis_date=str(row["basis_date"]),
            severity=row["severity"],
            when=tuple(row["when"]),
            blocks=tuple(row.get("blocks", ())),
            status=row.get("status", "active"),
            settings=row.get("settings", {}),
            says=row["says"],
            todo=row["todo"],
        )
        for row in pack["checks"]
    )


@functools.cache
def templates() -> tuple[Template, ...]:
    """The forms of funders and institutions, the generic one first."""
    found = [
        Template(
            id=pack["id"],
            title=pack["title"],
            explains=pack["explains"],
            basis=pack["basis"],
            version=str(pack["version"]),
            status=pack["status"],
            required=tuple(pack["required"]),
            defaults=pack.get("defaults", {}),
        )
        for pack in _newest("template")
    ]
    return tuple(sorted(found, key=lambda one: (one.id != "generic", one.id)))


def template(name: str) -> Template:
    """The template of a name, else the generic one."""
    return next((one for one in templates() if one.id == name), templates()[0])


def _newest(kind: str) -> list[dict[str, Any]]:
    """Packs of a kind; of several files ``KIND[-NAME]@DATE.yaml`` the last date."""
    found: dict[str, Path] = {}
    for file in sorted(_FOLDER.glob(f"{kind}*.yaml")):  # ISO dates: the order of names is that of time
        found[file.name.partition("@")[0]] = file
    return [yaml.safe_load(file.read_text("utf-8")) for file in found.values()]
