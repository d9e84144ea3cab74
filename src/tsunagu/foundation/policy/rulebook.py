"""The rules in force: the shipped base and what officers wrote, parsed once and kept until somebody writes again."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import cedarpy

from tsunagu.core import clock
from tsunagu.foundation.policy import cedar
from tsunagu.foundation.policy.cedar import Rule
from tsunagu.foundation.policy.models import PolicyText
from tsunagu.foundation.policy.types import TextCard

# How long another process may go on with rules that were just replaced.
_LOOK_AGAIN_S = 1.0
Texts = Mapping[tuple[str, str], str]


@dataclass(frozen=True)
class Book:
    """Every rule in force.

    Attributes:
        version: Number of the newest text.
        common: Rules for everything: base, law, funder, institution.
        of_project: Rules of single projects by ULID.
    """

    version: int
    common: tuple[Rule, ...]
    of_project: Mapping[str, tuple[Rule, ...]]
    texts: Texts = field(repr=False)
    _sets: dict[str, Any] = field(default_factory=dict, repr=False)

    def rules_for(self, project_id: str) -> tuple[Rule, ...]:
        """The rules that hold for things of a project."""
        return (*self.common, *self.of_project.get(project_id, ()))

    def policy_set(self, project_id: str) -> Any:
        """The same as Cedar's parsed set; its ids are positions in ``rules_for``."""
        key = project_id if project_id in self.of_project else ""
        if key not in self._sets:
            parts = [
                text for (layer, scope), text in _ordered(self.texts) if layer != "project" or scope == key
            ]
            self._sets[key] = cedarpy.PolicySet.from_str("\n".join(parts))
        return self._sets[key]

    @property
    def all_rules(self) -> tuple[Rule, ...]:
        """Rules of every scope."""
        return (*self.common, *(rule for rules in self.of_project.values() for rule in rules))

    def asks_labels(self, project_id: str) -> bool:
        """Whether any rule for a project speaks of labels: only then they are looked up."""
        key = f"labels:{project_id if project_id in self.of_project else ''}"
        if key not in self._sets:
            named = {
                name
                for rule in self.rules_for(project_id)
                for part in rule.body["conditions"]
                for name in cedar.columns(part["body"])
            }
            self._sets[key] = bool(named & cedar.LABEL_ATTRIBUTES)
        return bool(self._sets[key])


def _ordered(texts: Texts) -> list[tuple[tuple[str, str], str]]:
    return sorted(texts.items(), key=lambda item: (cedar.LAYERS.index(item[0][0]), item[0][1]))


def compile_book(texts: Texts, version: int = 0) -> Book:
    """A book of texts by (layer, scope); the base layer is added.

    Raises:
        BadPolicyError: a text cannot be used.
    """
    whole = {("base", ""): cedar.base_text(), **{key: text for key, text in texts.items() if text.strip()}}
    common: list[Rule] = []
    of_project: dict[str, tuple[Rule, ...]] = {}
    for (layer, scope), text in _ordered(whole):
        rules = cedar.parse(text, layer, scope)
        if layer == "project":
            of_project[scope] = rules
        else:
            common += rules
    return Book(version, tuple(common), of_project, whole)


class _Kept:
    """The book in force in this process."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.book: Book | None = None
        self.looked_at = 0.0


_kept = _Kept()


def current() -> Book:
    """The rules in force; other processes follow within a second of a change."""
    book = _kept.book
    if book is not None and time.monotonic() - _kept.looked_at < _LOOK_AGAIN_S:
        return book
    with _kept.lock:
        version = PolicyText.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        if _kept.book is None or _kept.book.version != version:
            _kept.book = compile_book(stored(), version)
        _kept.looked_at = time.monotonic()
        return _kept.book


def forget() -> None:
    """Read the rules anew at the next question."""
    _kept.book = None


def stored() -> dict[tuple[str, str], str]:
    """The newest text of every layer and project."""
    rows = PolicyText.objects.order_by("pk").values_list("layer", "scope_id", "text")
    return {(layer, scope): text for layer, scope, text in rows}


def history(layer: str, scope_id: str = "", *, limit: int = 50) -> list[TextCard]:
    """Versions of a layer's text, newest first."""
    rows = PolicyText.objects.filter(layer=layer, scope_id=scope_id).order_by("-pk")[:limit]
    return [
        TextCard(
            number=row.pk,
            layer=row.layer,
            text=row.text,
            note=row.note,
            written_by=row.written_by,
            written_at=clock.isoformat(row.written_at),
            sha256=hashlib.sha256(row.text.encode()).hexdigest(),
        )
        for row in rows
    ]
