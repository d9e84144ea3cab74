"""The criteria as dated data: the rule set that comes with the program, read once."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import yaml

from tsunagu.data.readiness.errors import BadRulesError
from tsunagu.data.readiness.types import Rule, RuleSet

_LANGUAGES = ("ja", "en")
_DECIDERS = ("machine", "proposed", "attested")
_VERDICTS = ("pass", "fail")
# Texts for findings that are neither simply met nor not: ``Finding.words``.
_OTHER_WORDS = ("unsaid", "arrays", "both")
_PAGES = ("", "access", "ai_use", "metadata")


@functools.cache
def current() -> RuleSet:
    """The rule set in force.

    Raises:
        BadRulesError: it cannot be used; names the rule.
    """
    return parsed((Path(__file__).parent / "rules" / "ai-ready.yaml").read_text("utf-8"))


def parsed(text: str) -> RuleSet:
    """The rule set of a text.

    Raises:
        BadRulesError: it cannot be used; names the rule.
    """
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise BadRulesError(f"This is no YAML: {error}") from error
    if not isinstance(content, dict) or not isinstance(content.get("rules"), list):
        raise BadRulesError("A rule set has an id, a date, groups and rules.")
    groups = {str(key): _texts(content["groups"], key, "the groups") for key in content.get("groups") or {}}
    rules = tuple(_rule(row, content, groups) for row in content["rules"])
    ids = [rule.id for rule in rules]
    if twice := {one for one in ids if ids.count(one) > 1}:
        raise BadRulesError(f"Rules stand twice: {', '.join(sorted(twice))}.")
    return RuleSet(
        id=str(content["id"]),
        dated=str(content["dated"]),
        version=hashlib.sha256(text.encode()).hexdigest(),
        title=_texts(content, "title", "the rule set"),
        source=str(content.get("source", "")),
        groups=groups,
        words={str(key): _texts(content["words"], key, "the words") for key in content.get("words") or {}},
        rules=rules,
    )


def _rule(row: Any, content: Mapping[str, Any], groups: Mapping[str, Any]) -> Rule:
    from tsunagu.data.readiness import learning
    from tsunagu.data.readiness.judging import CHECKS

    assert learning  # its checks are among them

    if not isinstance(row, dict) or not row.get("id"):
        raise BadRulesError("A rule has no id.")
    name = f"rule {row['id']}"
    decider, group, check = row.get("decided_by"), row.get("group"), row.get("check", row["id"])
    if decider not in _DECIDERS:
        raise BadRulesError(f"{name}: decided_by is one of {', '.join(_DECIDERS)}.")
    if group not in groups:
        raise BadRulesError(f"{name}: there is no group {group!r}.")
    if decider != "attested" and check not in CHECKS:
        raise BadRulesError(f"{name}: there is no check {check!r}.")
    page = str(row.get("page", ""))
    if page not in _PAGES:
        raise BadRulesError(f"{name}: there is no page {page!r}.")
    says = {verdict: _texts(row, verdict, name) for verdict in _VERDICTS}
    open_words = "unattested" if decider == "attested" else "unknown"
    says["unknown"] = _texts(content, open_words, "the rule set")
    says |= {words: _texts(row, words, name) for words in _OTHER_WORDS if words in row}
    says["not_applicable"] = _texts(content, "not_applicable", "the rule set")
    return Rule(
        id=str(row["id"]),
        group=str(group),
        check="" if decider == "attested" else str(check),
        decided_by=cast("Any", decider),
        weight=float(row.get("weight", 1)),
        title=_texts(row, "title", name),
        repair=_texts(row, "repair", name),
        source=str(row.get("source", "")),
        says=says,
        page=page,
        parameters=dict(row.get("parameters") or {}),
    )


def _texts(row: Mapping[str, Any], key: str, name: str) -> dict[str, str]:
    texts = row.get(key)
    if not isinstance(texts, dict) or not all(str(texts.get(code, "")).strip() for code in _LANGUAGES):
        raise BadRulesError(f"{name}: {key} needs a text in ja and in en.")
    return {code: str(texts[code]).strip() for code in _LANGUAGES}
