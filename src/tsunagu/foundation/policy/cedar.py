"""Policy texts: parsed, validated against the schema, and held to the part of Cedar that compiles to SQL.

Cedar skips a rule that errs, so an erring forbid would silently open. Texts are therefore checked when they are
loaded: strictly against the schema (every attribute is always there), and for whatever cannot become a filter of a list.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

import cedarpy

from tsunagu.foundation.policy.errors import BadPolicyError

LAYERS = ("base", "law", "funder", "institution", "project")
_WORDS = ("id", "en", "ja")
LABEL_ATTRIBUTES = frozenset({"sensitivity", "personal", "export_control", "contract", "consent", "origins"})
_BINARY = frozenset({"==", "!=", "<", "<=", ">", ">=", "&&", "||", "contains"})
_LONGEST_TEXT = 200_000
Node = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Rule:
    """One permit or forbid.

    Attributes:
        id: Its ``@id``.
        layer: One of ``LAYERS``.
        scope: ULID of the project of a project's rule; empty for all others.
        effect: ``permit`` or ``forbid``.
        annotations: ``@en``, ``@ja``, ``@basis``, ``@remedy_en``, ``@role`` ...
        body: The rule as Cedar's stable JSON.
    """

    id: str
    layer: str
    scope: str
    effect: str
    annotations: Mapping[str, str] = field(repr=False)
    body: Node = field(repr=False)


@functools.cache
def base_text() -> str:
    """The shipped base layer."""
    return _shipped("base.cedar")


@functools.cache
def schema_text() -> str:
    """What rules may speak about."""
    return _shipped("schema.cedarschema")


def _shipped(name: str) -> str:
    return resources.files("tsunagu.foundation.policy").joinpath(name).read_text("utf-8")


@functools.cache
def _schema() -> Any:
    return cedarpy.Schema.from_str(schema_text())


def parse(text: str, layer: str, scope: str = "") -> tuple[Rule, ...]:
    """The rules of a text, checked.

    Raises:
        BadPolicyError: the text is no Cedar, does not fit the schema, permits in a later layer, lacks words for people,
            or cannot become a filter of a list; the message names the rule.
    """
    if len(text) > _LONGEST_TEXT:
        raise BadPolicyError(f"The {layer} layer is longer than {_LONGEST_TEXT} characters.")
    try:
        parsed = json.loads(cedarpy.policies_to_json_str(text))
    except ValueError as error:
        raise BadPolicyError(f"The {layer} layer is not Cedar: {error}") from None
    if parsed.get("templates"):
        raise BadPolicyError(f"The {layer} layer holds templates.", remedy="Write each rule out.")
    # In the order of the text, for Cedar names deciding rules by their number in it.
    bodies = sorted(parsed["staticPolicies"].items(), key=lambda item: int(item[0].removeprefix("policy")))
    rules = tuple(_rule(key, body, layer, scope) for key, body in bodies)
    names = {key: rule.id for (key, _), rule in zip(bodies, rules, strict=True)}
    seen: set[str] = set()
    for rule in rules:
        if rule.id in seen:
            raise BadPolicyError(f"Two rules of the {layer} layer are called {rule.id!r}.")
        seen.add(rule.id)
    if text.strip():
        found = cedarpy.validate_policies(text, _schema())
        if not found.validation_passed:
            said = "; ".join(_named(str(error), names) for error in found.errors[:3])
            raise BadPolicyError(f"The {layer} layer does not fit what rules may speak about: {said}")
    for rule in rules:
        _check_scope(rule)
        for condition in rule.body["conditions"]:
            # Raising a label must never open anything: in what forbids, labels may only count upwards.
            rises = (rule.effect == "forbid") == (condition["kind"] == "when")
            _check(rule, condition["body"], rises=rises)
    return rules


def _named(error: str, names: Mapping[str, str]) -> str:
    for key, name in names.items():
        error = error.replace(f"[{key}]", f"rule {name!r}:").replace(f"for policy `{key}`, ", "")
    return error


def _rule(key: str, body: Node, layer: str, scope: str) -> Rule:
    annotations = body.get("annotations", {})
    name = annotations.get("id") or f"{layer}, {key.replace('policy', 'rule ')}"
    if layer != "base":
        if body["effect"] != "forbid":
            raise BadPolicyError(
                f"Rule {name!r} of the {layer} layer permits.",
                remedy="Only the base layer permits; this layer can take away, never give.",
            )
        missing = [f"@{word}" for word in _WORDS if not annotations.get(word)]
        if missing:
            raise BadPolicyError(
                f"Rule {name!r} of the {layer} layer has no {' and no '.join(missing)}.",
                remedy='Write @id("..."), @en("...") and @ja("..."): whoever is refused reads them.',
            )
    return Rule(name, layer, scope, body["effect"], annotations, body)


def _check_scope(rule: Rule) -> None:
    for part in ("principal", "action", "resource"):
        condition = rule.body[part]
        allowed = {"All", "==", "in"} if part == "action" else {"All", "==", "is"}
        if condition["op"] not in allowed or (condition["op"] == "is" and "in" in condition):
            raise BadPolicyError(
                f"Rule {rule.id!r} cannot become a filter of lists: {part} {condition['op']} ... in its head.",
                remedy="Use ==, is (people and things) or in [...] (actions).",
            )


def _check(rule: Rule, node: Node, *, rises: bool) -> None:
    """Refuse, by name, whatever cannot become a filter; the compiler handles exactly what passes here."""
    ((operator, content),) = node.items()
    if operator == "Value":
        if isinstance(content, Mapping):
            _refuse(rule, "a person or a thing named in a condition; name it in the head")
    elif operator == ".":
        _check_attribute(rule, content)
    elif operator == "Set":
        if any(set(item) != {"Value"} for item in content):
            _refuse(rule, "a set of anything but plain values")
    elif operator == "!":
        _check(rule, content["arg"], rises=not rises)
    elif operator == "is" and set(content["left"]) == {"Var"} and "in" not in content:
        return
    elif operator in _BINARY:
        _check(rule, content["left"], rises=rises)
        _check(rule, content["right"], rises=rises)
        _check_sides(rule, operator, content)
        _check_labels(rule, operator, content, rises=rises)
    else:
        _refuse(rule, f"the operator {operator!r}")


def _check_attribute(rule: Rule, content: Node) -> None:
    if set(content["left"]) != {"Var"}:
        _refuse(rule, "an attribute of an attribute")


def _check_sides(rule: Rule, operator: str, content: Node) -> None:
    sides = [columns(content[side]) for side in ("left", "right")]
    right = content["right"].get(".", {})
    is_place = right.get("left") == {"Var": "resource"} and right.get("attr") in {"id", "project"}
    for side in ("left", "right"):
        if _is_role_set(content[side]) and not (operator == "contains" and side == "left" and is_place):
            _refuse(rule, "a set of roles that contains anything but resource.id or resource.project")
    is_logic = operator in {"&&", "||"}
    if not is_logic and sides[0] and sides[1]:
        _refuse(rule, "a comparison of two attributes of the resource")
    if not is_logic and any(
        sides[n] and set(content[side]) != {"."} for n, side in enumerate(("left", "right"))
    ):
        _refuse(rule, "a comparison of a condition")
    if operator == "contains" and sides[0] == ["origins"] and "Value" not in content["right"]:
        _refuse(rule, "origins that contain anything but a written country")


def _check_labels(rule: Rule, operator: str, content: Node, *, rises: bool) -> None:
    if operator in {"&&", "||"}:
        return
    left, right = columns(content["left"]), columns(content["right"])
    upward = {">", ">="} if left else {"<", "<="}
    downward = {"<", "<="} if left else {">", ">="}
    named = {*left, *right} & LABEL_ATTRIBUTES
    good = {"contains"} if rises and named == {"origins"} else upward if rises else downward
    if named and operator not in good:
        _refuse(rule, f"{', '.join(named)} compared so that a stricter label would open something (use >=)")


def _is_role_set(node: Node) -> bool:
    found = node.get(".", {})
    return found.get("left") == {"Var": "principal"} and str(found.get("attr")).endswith("_of")


def _refuse(rule: Rule, what: str) -> None:
    raise BadPolicyError(
        f"Rule {rule.id!r} cannot become a filter of lists: {what}.",
        remedy="Rules take ==, !=, <, <=, >, >=, &&, ||, !, is and contains on attributes and plain values.",
    )


def columns(node: Node) -> list[str]:
    """The attributes of the resource that an expression names."""
    return list(_columns(node))


def _columns(node: Node) -> Iterator[str]:
    ((operator, content),) = node.items()
    if operator == "." and content["left"] == {"Var": "resource"}:
        yield content["attr"]
    elif operator == "!":
        yield from _columns(content["arg"])
    elif operator in _BINARY:
        yield from _columns(content["left"])
        yield from _columns(content["right"])


def actions_of(rule: Rule) -> frozenset[str] | None:
    """Actions that a rule's head names; None where it names none, and so all."""
    head = rule.body["action"]
    if head["op"] == "All":
        return None
    named = head["entities"] if "entities" in head else [head["entity"]]
    return frozenset(entity["id"] for entity in named)
