"""The checklist as dated data: the one that comes with the program, or the one that an officer put in force."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from django.db import transaction

from tsunagu.core import clock
from tsunagu.data.ai_use.errors import BadChecklistError
from tsunagu.data.ai_use.models import AiChecklist
from tsunagu.data.ai_use.rules import CONDITIONS, RANK, RULES
from tsunagu.data.ai_use.types import Checklist, Item
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy
from tsunagu.foundation.runs import api as runs

_LANGUAGES = ("ja", "en")
WHO = ("user", "steward", "officer")
_LONGEST_TEXT = 200_000


def default_text() -> str:
    """The checklist that comes with the program."""
    return (Path(__file__).parent / "checklist.yaml").read_text("utf-8")


def current_text() -> str:
    """The text of the checklist in force."""
    row = AiChecklist.objects.order_by("-pk").first()
    return row.text if row else default_text()


def current_checklist() -> Checklist:
    """The checklist in force."""
    return parsed(current_text())


@transaction.atomic
def write_checklist(actor: Actor, text: str, *, note: str = "") -> Checklist:
    """Put another checklist in force; answers to items that changed are asked again.

    Raises:
        ActionDeniedError: the actor is no officer.
        BadChecklistError: the text cannot be used; names the item.
    """
    policy.require(actor, "node.admin", policy.NODE)
    made = parsed(text)
    AiChecklist.objects.create(
        text=text, version=made.version, note=note[:500], written_by=actor.id, written_at=clock.now()
    )
    runs.record(
        actor, "write_ai_checklist", parameters={"version": made.version, "item_count": len(made.items)}
    )
    return made


@functools.lru_cache(maxsize=4)
def parsed(text: str) -> Checklist:
    """The checklist of a text.

    Raises:
        BadChecklistError: it cannot be used; names the item.
    """
    if len(text) > _LONGEST_TEXT:
        raise BadChecklistError(f"A checklist may have {_LONGEST_TEXT} characters at most.")
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise BadChecklistError(f"This is no YAML: {error}") from error
    if not isinstance(content, dict) or not isinstance(content.get("items"), list) or not content["items"]:
        raise BadChecklistError("A checklist has a title, a source, a date and items.")
    items = tuple(_item(row, content) for row in content["items"])
    ids = [item.id for item in items]
    twice = {one for one in ids if ids.count(one) > 1}
    if twice:
        raise BadChecklistError(f"Items stand twice: {', '.join(sorted(twice))}.")
    if not any(item.rule == "terms" for item in items):
        raise BadChecklistError("A checklist needs an item with the rule terms: it holds what owners said.")
    return Checklist(
        hashlib.sha256(text.encode()).hexdigest(),
        _texts(content, "title", "the checklist"),
        str(content.get("source", "")),
        str(content.get("dated", "")),
        items,
    )


def _item(row: Any, content: Mapping[str, Any]) -> Item:
    if not isinstance(row, dict) or not row.get("id"):
        raise BadChecklistError("An item has no id.")
    name = f"item {row['id']}"
    rule, who = str(row.get("rule", "")), tuple(row.get("who") or ())
    asks_when = tuple(row.get("asks_when") or ())
    _known(name, "rule", [rule] if rule else [], RULES)
    _known(name, "condition", asks_when, CONDITIONS)
    _known(name, "answerer", who, dict.fromkeys(WHO))
    if not who:
        raise BadChecklistError(f"{name} does not say who answers it.")
    effect = row.get("effect") or {}
    on_unknown, on_no = effect.get("unknown", "needs"), effect.get("no", "deny")
    _known(name, "effect", (on_unknown, on_no), RANK)
    if "allow" in {on_unknown, on_no}:
        raise BadChecklistError(f"{name}: an item whose answer changes nothing must not be asked.")
    days = row.get("valid_days", 365)
    if not isinstance(days, int) or days < 1:
        raise BadChecklistError(f"{name}: valid_days is a number of days.")
    return Item(
        id=str(row["id"]),
        who=who,
        rule=rule,
        asks_when=asks_when,
        ask=_texts(row, "ask", name),
        remedy=_texts(row, "remedy", name),
        on_unknown=on_unknown,
        on_no=on_no,
        valid_days=days,
        basis=_texts(row, "basis", name),
        source=str(row.get("source", content.get("source", ""))),
        valid_from=str(row.get("valid_from", content.get("dated", ""))),
    )


def _texts(row: Mapping[str, Any], key: str, name: str) -> dict[str, str]:
    texts = row.get(key)
    if not isinstance(texts, dict) or not all(str(texts.get(code, "")).strip() for code in _LANGUAGES):
        raise BadChecklistError(f"{name}: {key} needs a text in ja and in en.")
    return {code: str(texts[code]).strip() for code in _LANGUAGES}


def _known(name: str, what: str, given: Any, known: Mapping[str, Any]) -> None:
    wrong = [one for one in given if one not in known]
    if wrong:
        raise BadChecklistError(f"{name}: {wrong[0]!r} is no {what}; there are {', '.join(known)}.")
