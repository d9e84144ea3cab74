"""Values of settings, read from text. What cannot be read raises ``KeyError``, ``TypeError`` or ``ValueError``."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any


def boolean(text: str) -> bool:
    """Yes or no, in the words that people write."""
    known = {
        "1": True,
        "true": True,
        "yes": True,
        "on": True,
        "0": False,
        "false": False,
        "no": False,
        "off": False,
    }
    return known[text.strip().lower()]


def names(text: str) -> tuple[str, ...]:
    """Words between commas."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


_SAFE = re.compile(r"[A-Za-z0-9._:=,/+@-]*")
_SLURM_OPTION = re.compile(r"--[a-z][a-z-]*(=[A-Za-z0-9._:,/+@-]+)?")


def safe(text: str) -> str:
    """A word that becomes part of a command line of a scheduler."""
    if not _SAFE.fullmatch(text):
        raise ValueError(text)
    return text


def slurm_options(text: str) -> tuple[str, ...]:
    """Long options of sbatch, between blanks."""
    options = tuple(text.split())
    if not all(_SLURM_OPTION.fullmatch(option) for option in options):
        raise ValueError(text)
    return options


def engine(text: str) -> str:
    """An engine of search."""
    if text not in {"tantivy", "postgresql"}:
        raise ValueError(text)
    return text


def per_run(text: str) -> str:
    """An address with ``{run}`` in its host name, so that no two notebooks share an origin; empty is one too."""
    if text and not re.fullmatch(r"https?://[A-Za-z0-9.-]*\{run\}[A-Za-z0-9.:-]*/?", text):
        raise ValueError(text)
    return text.rstrip("/")


def tables(text: str) -> tuple[Mapping[str, Any], ...]:
    """Tables of tsunagu.toml (``[[name]]``), or the same as JSON in the environment."""
    rows = json.loads(text) if text.strip() else []
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ValueError(text)
    return tuple(rows)
