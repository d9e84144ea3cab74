"""Rules as filters of lists: what ``cedar.check`` let pass, for one actor and one action, as Django conditions.

What is known (the actor, the clock, written values) is worked out here; what the rows hold becomes a condition.
Every column is NOT NULL, so that NOT of a condition means what it means in Cedar.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, Q

from tsunagu.foundation.policy.cedar import Node, Rule, actions_of
from tsunagu.foundation.policy.labels import LEVELS
from tsunagu.foundation.policy.models import LabelSet

TYPES = {"person": "Person", "instrument": "Machine", "anonymous": "Anonymous"}
_COLUMNS: Mapping[str, Mapping[str, str]] = {
    "Dataset": {
        "id": "uid",
        "project": "project_id",
        "access": "access",
        "has_frozen": "has_frozen",
        "embargo_until": "embargo_until_s",
    },
    "Project": {"id": "pk", "project": "pk"},
}
_COMPARE: Mapping[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_LOOKUP = {"==": "exact", "<": "lt", "<=": "lte", ">": "gt", ">=": "gte"}
_SWAPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_COUNTRY = re.compile(r"[A-Z]{2}\Z")
EVERY_ROW = Q(pk__isnull=False)
NO_ROW = Q(pk__in=[])


@dataclass(frozen=True, slots=True)
class Scopes:
    """Where somebody has a role: a set of ids for rules, kept apart by what they are ids of."""

    projects: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()

    def __contains__(self, key: object) -> bool:
        return key in self.projects or key in self.datasets


@dataclass(frozen=True, slots=True)
class Asked:
    """For whom a filter is made.

    Attributes:
        kind: ``Person``, ``Machine`` or ``Anonymous``.
        id: ULID of the actor.
        attributes: What rules may ask of the actor; role sets are ``Scopes``.
        action: One of ``ACTIONS``.
        resource: ``Dataset`` or ``Project``.
        now_s: The clock, seconds since 1970.
    """

    kind: str
    id: str
    attributes: Mapping[str, Any]
    action: str
    resource: str
    now_s: int


@dataclass(frozen=True, slots=True)
class _Column:
    name: str


_Truth = bool | Q
_Term = bool | int | str | frozenset[Any] | Scopes | _Column | Q


def applies(rule: Rule, asked: Asked) -> bool:
    """Whether a rule's head speaks of this actor, action and kind of thing; ids of resources are left to the rows."""
    actions = actions_of(rule)
    if actions is not None and asked.action not in actions:
        return False
    for part, kind in (("principal", asked.kind), ("resource", asked.resource)):
        head = rule.body[part]
        if head["op"] == "is" and head["entity_type"] != kind:
            return False
        if head["op"] == "==" and head["entity"]["type"] != kind:
            return False
        if head["op"] == "==" and part == "principal" and head["entity"]["id"] != asked.id:
            return False
    return True


def condition(rule: Rule, asked: Asked) -> Q:
    """The rows that a rule speaks of, as one condition."""
    parts = [_as_q(_term(node, asked), asked) for node in _nodes(rule)]
    found = Q()
    for part in parts:
        if part != EVERY_ROW:
            found &= part
    return found or EVERY_ROW


def branches(rule: Rule, asked: Asked) -> list[Q]:
    """The same rows as conditions each of which can walk an index alone: one for every project of a set."""
    found = [Q()]
    for node in _nodes(rule):
        found = [
            left if right == EVERY_ROW else left & right for left in found for right in _split(node, asked)
        ]
    return [one or EVERY_ROW for one in found]


def _nodes(rule: Rule) -> list[Node]:
    """A rule's conditions as expressions that must all hold; rules of a project hold for its own rows."""
    nodes: list[Node] = []
    head = rule.body["resource"]
    if head["op"] == "==":
        nodes.append(_equals("id", head["entity"]["id"]))
    if rule.scope:
        nodes.append(_equals("project", rule.scope))
    return [
        *nodes,
        *(
            part["body"] if part["kind"] == "when" else {"!": {"arg": part["body"]}}
            for part in rule.body["conditions"]
        ),
    ]


def _equals(attribute: str, value: str) -> Node:
    column = {".": {"left": {"Var": "resource"}, "attr": attribute}}
    return {"==": {"left": column, "right": {"Value": value}}}


def _split(node: Node, asked: Asked) -> list[Q]:
    ((sign, content),) = node.items()
    if sign == "||":
        return [*_split(content["left"], asked), *_split(content["right"], asked)]
    if sign == "&&":
        left, right = _split(content["left"], asked), _split(content["right"], asked)
        return [one & other for one in left for other in right]
    if sign == "contains":
        held, column = _term(content["left"], asked), _term(content["right"], asked)
        if isinstance(held, Scopes) and column == _Column("project") and asked.resource == "Dataset":
            return [Q(project_id=key) for key in held.projects]
    term = _term(node, asked)
    if term is False:
        return []
    return [_as_q(term, asked)]


def _as_q(term: _Term, asked: Asked) -> Q:
    found = _boolean(term, asked)
    if isinstance(found, Q):
        return found
    return EVERY_ROW if found else NO_ROW


def _term(node: Node, asked: Asked) -> _Term:
    """An expression as far as it can be worked out; both sides always, so that nothing slips past unseen."""
    ((sign, content),) = node.items()
    if sign in {"Value", "Set", ".", "is"}:
        return _leaf(sign, content, asked)
    if sign == "!":
        inner = _boolean(_term(content["arg"], asked), asked)
        return (not inner) if isinstance(inner, bool) else ~inner
    left, right = _term(content["left"], asked), _term(content["right"], asked)
    if sign in {"&&", "||"}:
        return _logic(sign, _boolean(left, asked), _boolean(right, asked))
    if sign == "contains":
        return _contains(left, right, asked)
    return _compare(sign, left, right, asked)


def _leaf(sign: str, content: Any, asked: Asked) -> _Term:
    if sign == "Value":
        return _plain(content)
    if sign == "Set":
        return frozenset(_plain(item["Value"]) for item in content)
    if sign == "is":
        kind = asked.kind if content["left"]["Var"] == "principal" else asked.resource
        return bool(kind == content["entity_type"])
    return _attribute(content, asked)


def _plain(value: Any) -> _Term:
    if isinstance(value, bool | int | str):
        return value
    raise TypeError(f"not a plain value: {value!r}")  # entities in conditions; cedar.check lets none pass


def _attribute(content: Node, asked: Asked) -> _Term:
    source, name = content["left"]["Var"], content["attr"]
    if source == "context":
        return {"now": asked.now_s}[name]
    if source == "principal":
        found: _Term = asked.attributes[name]
        return found
    return _Column(name)


def _boolean(term: _Term, asked: Asked) -> _Truth:
    if isinstance(term, _Column):
        return _exactly(_COLUMNS[asked.resource][term.name], value=True)
    assert isinstance(term, bool | Q)
    return term


def _logic(sign: str, left: _Truth, right: _Truth) -> _Truth:
    neutral = sign == "&&"
    if isinstance(left, bool):
        return right if left is neutral else left
    if isinstance(right, bool):
        return left if right is neutral else right
    return left & right if neutral else left | right


def _compare(sign: str, left: _Term, right: _Term, asked: Asked) -> _Truth:
    if not isinstance(left, _Column) and not isinstance(right, _Column):
        return bool(_COMPARE[sign](left, right))
    if isinstance(right, _Column):
        left, right, sign = right, left, _SWAPPED.get(sign, sign)
    assert isinstance(left, _Column)
    if left.name in LEVELS:
        return _label(left.name, sign, right)
    column = _COLUMNS[asked.resource][left.name]
    if sign in {"==", "!="}:
        same = _exactly(column, value=right)
        return same if sign == "==" else ~same
    return Q(**{f"{column}__{_LOOKUP[sign]}": right})


def _exactly(column: str, *, value: Any) -> Q:
    # Django writes "column = true" as the bare column, which SQLite does not look up in an index.
    return Q(**{f"{column}__in": [value]}) if isinstance(value, bool) else Q(**{column: value})


class LabelRows(Exists):
    """Whether there is a row of labels that holds this; says it in words, too, for an index that has no such rows."""

    def __init__(
        self, rows: Any, *, label: str = "", sign: str = "", level: int = 0, origin: str = "", **more: Any
    ) -> None:
        super().__init__(rows, **more)
        self.label, self.sign, self.level, self.origin = label, sign, level, origin


_OPPOSITE = {"==": "!=", "<": ">=", "<=": ">", ">": "<=", ">=": "<"}


def _label(name: str, sign: str, value: Any) -> Q:
    """A level of a label; a dataset without a row has level 0."""
    if sign == "!=":
        return ~_label(name, "==", value)
    rows = LabelSet.objects.filter(entity_id=OuterRef("uid"))
    holds = Q(**{f"{name}__{_LOOKUP[sign]}": value})
    if _COMPARE[sign](0, value):
        return ~Q(LabelRows(rows.exclude(holds), label=name, sign=_OPPOSITE[sign], level=value))
    return Q(LabelRows(rows.filter(holds), label=name, sign=sign, level=value))


def _contains(held: _Term, item: _Term, asked: Asked) -> _Truth:
    if isinstance(held, _Column):  # origins: the only set that rows hold
        if not isinstance(item, str) or not _COUNTRY.match(item):
            return False
        named = LabelSet.objects.filter(entity_id=OuterRef("uid"), origins__contains=f",{item},")
        return Q(LabelRows(named, origin=item))
    if not isinstance(item, _Column):
        return item in held  # type: ignore[operator]
    if isinstance(held, Scopes):
        wanted: Sequence[Any] = held.datasets
        if item.name == "project" or asked.resource == "Project":
            wanted = held.projects
        elif item.name != "id":
            wanted = (*held.projects, *held.datasets)
    else:
        assert isinstance(held, frozenset)
        wanted = sorted(held)
    if item.name in LEVELS:
        found: _Truth = False
        for level in wanted:
            found = _logic("||", found, _label(item.name, "==", level))
        return found
    if not wanted:
        return False
    return Q(**{f"{_COLUMNS[asked.resource][item.name]}__in": list(wanted)})
