"""The configuration of a capture agent: folders to watch and rules that place files. Pure checks.

A rule is a pattern over the path below the folder (a glob that may hold ``{sample}``, or ``re:`` and a regular
expression with named groups) and where files go: a project by name, and a dataset whose name may hold what the pattern
found (``xrd-{sample}``). First match wins. The agent and this check read patterns with the same code.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tsunagu.client.agent.rules import Rules, groups_in
from tsunagu.experiment.instruments.errors import BadRuleError

_NUMBERS = {"poll_s": 5.0, "bandwidth_bytes_s": 0.0}
_FOLDER_KEYS = {"path", "rules", "settle_s", "complete", "ignore"}
_COMPLETE_KEYS = {"sidecar", "marker_line", "group_size", "allow_empty"}


def check_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration in its full form.

    Raises:
        BadRuleError: names the folder, the rule and what is wrong.
    """
    unknown = set(config) - {"folders", "window", *_NUMBERS}
    if unknown:
        raise BadRuleError(f"Unknown settings: {', '.join(sorted(unknown))}.")
    checked: dict[str, Any] = {"folders": [_check_folder(folder) for folder in config.get("folders", [])]}
    for name, default in _NUMBERS.items():
        try:
            checked[name] = float(config.get(name, default))
        except (TypeError, ValueError):
            raise BadRuleError(f"{name} is not a number.") from None
    window = config.get("window") or ""
    if window and not re.fullmatch(r"\d{2}:\d{2}-\d{2}:\d{2}", str(window)):
        raise BadRuleError(f"window is a time of day like 18:00-07:00, not {window!r}.")
    checked["window"] = window
    return checked


def _check_folder(folder: Any) -> dict[str, Any]:
    if not isinstance(folder, Mapping) or not folder.get("path"):
        raise BadRuleError("Every folder needs a path, as it is called on the instrument's PC.")
    path = str(folder["path"])
    unknown = set(folder) - _FOLDER_KEYS
    if unknown:
        raise BadRuleError(f"Folder {path}: unknown settings {', '.join(sorted(unknown))}.")
    try:
        settle_s = float(folder.get("settle_s", 10))
    except (TypeError, ValueError):
        raise BadRuleError(f"Folder {path}: settle_s is not a number of seconds.") from None
    complete = folder.get("complete") or {}
    if set(complete) - _COMPLETE_KEYS:
        raise BadRuleError(f"Folder {path}: complete knows {', '.join(sorted(_COMPLETE_KEYS))} only.")
    if not isinstance(complete.get("group_size", 1), int):
        raise BadRuleError(f"Folder {path}: group_size is not a whole number.")
    rules = [_check_rule(path, number, rule) for number, rule in enumerate(folder.get("rules") or [], 1)]
    return {
        "path": path,
        "settle_s": settle_s,
        "complete": dict(complete),
        "ignore": [str(pattern) for pattern in folder.get("ignore") or []],
        "rules": rules,
    }


def _check_rule(path: str, number: int, rule: Any) -> dict[str, str]:
    place = f"Folder {path}, rule {number}"
    if not isinstance(rule, Mapping) or not all(rule.get(key) for key in ("pattern", "project", "dataset")):
        raise BadRuleError(f"{place}: a rule needs pattern, project and dataset.")
    pattern, project, dataset = (str(rule[key]) for key in ("pattern", "project", "dataset"))
    try:
        groups = groups_in(pattern)
    except re.error as error:
        raise BadRuleError(f"{place}: {pattern!r} is no regular expression: {error}.") from None
    if "{" in project:
        raise BadRuleError(f"{place}: the project is a fixed name, so that its owner can agree to it.")
    missing = set(re.findall(r"\{(\w+)\}", dataset)) - groups
    if missing:
        raise BadRuleError(f"{place}: the pattern has no group named {', '.join(sorted(missing))}.")
    example = re.sub(r"\{(\w+)\}", "a", dataset)
    if Rules([{"pattern": "*", "project": project, "dataset": example}]).place("a").code:
        raise BadRuleError(
            f"{place}: the dataset's name {dataset!r} may hold small letters, digits, dots, hyphens and underscores."
        )
    return {"pattern": pattern, "project": project, "dataset": dataset}


def projects_in(config: Mapping[str, Any]) -> set[str]:
    """Names of the projects that the rules write into."""
    return {rule["project"] for folder in config.get("folders", []) for rule in folder.get("rules", [])}
