"""What a capture agent reported, and the rules it follows, as an instrument's page shows them."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from tsunagu.client.agent import words
from tsunagu.client.agent.rules import Rules
from tsunagu.experiment.instruments.api import InstrumentCard

CLOCK_IS_OFF_S = 60.0
_MOST = 50
_NAME = re.compile(r"[a-z0-9._-]+")


def describe(card: InstrumentCard) -> dict[str, Any]:
    """The report in the viewer's language; nothing of it is trusted to have a certain shape."""
    beat = card.beat
    offset = beat.get("clock_offset_s")
    states = {str(one.get("path")): str(one.get("state")) for one in _rows(beat, "folders")}
    return {
        "state": _state(str(beat.get("state", "")), card.state),
        "queue": beat.get("queue") if isinstance(beat.get("queue"), int) else 0,
        "oldest_waiting_at": _moment(beat.get("oldest_waiting_at")),
        "clock_offset_s": offset if isinstance(offset, int | float) else None,
        "is_clock_off": isinstance(offset, int | float) and abs(offset) > CLOCK_IS_OFF_S,
        "errors": [_problem(one) for one in _rows(beat, "errors")[:_MOST]],
        "unplaced": [_problem(one) for one in _rows(beat, "unplaced")[:_MOST]],
        "recent": [_arrived(one) for one in _rows(beat, "recent")[:_MOST]],
        "rules": [
            {
                "path": folder["path"],
                "settle_s": folder["settle_s"],
                "is_away": states.get(folder["path"], "ok") != "ok",
                **rule,
            }
            for folder in card.config.get("folders", ())
            for rule in folder["rules"]
        ],
    }


def try_rule(pattern: str, project: str, dataset: str, example: str) -> str:
    """Where a file of this name would go, as ``project/dataset``; or ``""``.

    Args:
        pattern: As the agent reads it.
        project: Name of the project.
        dataset: Name of the dataset, with groups in braces.
        example: Path of a file below the folder; Windows' separators are understood.
    """
    rules = Rules([{"pattern": pattern, "project": project, "dataset": dataset}])
    place = rules.place(example.strip().replace("\\", "/").lstrip("/"))
    return "" if place.code else f"{place.project}/{place.dataset}"


def _rows(beat: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    found = beat.get(key)
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []


def _problem(entry: Mapping[str, Any]) -> dict[str, str]:
    fields = entry.get("fields")
    said = _reason(str(entry.get("code", "")), fields if isinstance(fields, Mapping) else {})
    return {
        "folder": str(entry.get("folder", "")),
        "path": str(entry.get("path", "")),
        "reason": said or str(entry.get("reason", "")),
    }


def _arrived(entry: Mapping[str, Any]) -> dict[str, Any]:
    size = entry.get("size")
    project, dataset = str(entry.get("project", "")), str(entry.get("dataset", ""))
    return {
        "path": str(entry.get("path", "")),
        "size": size if isinstance(size, int) else None,
        "project": project,
        "dataset": dataset,
        "is_dataset": bool(_NAME.fullmatch(project) and _NAME.fullmatch(dataset)),
        "at": _moment(entry.get("at")),
    }


def _reason(code: str, fields: Mapping[str, Any]) -> str:
    return words.say(code, get_language() or "en", fields) if code in words.REASONS else ""


def _moment(text: Any) -> str:
    try:
        dt.datetime.fromisoformat(str(text))
    except ValueError:
        return ""
    return str(text)


def _state(reported: str, heard: str) -> str:
    if heard != "online":
        return ""
    return {
        "resting": _("waiting for the time of day for sending"),
        "offline": _("the node did not answer it"),
    }.get(reported, _("at work"))
