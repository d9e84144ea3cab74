"""A mapping: which raw keys mean the same, and what that is called in Japanese and English.

Keys are compared after NFKC, lower-casing and dropping blanks, ``-`` and ``_``: ``DATA TYPE``, ``DATA_TYPE`` and
``ＤＡＴＡ ＴＹＰＥ`` are one key. Patterns know only wildcards, no regular expressions: a steward's pattern meets
keys that strangers wrote, and a wildcard cannot be made to run for hours.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from tsunagu.formats.mapping.convert import convert

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from collections.abc import Mapping as Map

    from tsunagu.formats.types import Field, Outcome

TermType = Literal["string", "number", "integer", "boolean", "date-time", "duration", "array"]
Scope = Literal["constant", "per measurement"]
ANY = "any"
ACCESSION = "term:"
_CACHED_KEYS = 20_000


@dataclass(frozen=True, slots=True)
class Key:
    """One raw key or pattern of a term.

    ``text`` may hold ``*`` (anything but ``/``), ``**`` (anything) and ``?`` (one character), or be
    ``term:ACCESSION`` for formats that carry the terms of a vocabulary. ``unit`` is assumed where the file gives
    none. ``format`` is a ``strptime`` pattern. ``time_from`` names the key that holds the time of day.
    """

    text: str
    unit: str | None = None
    format: str | None = None
    time_from: str | None = None
    line: int = 0


@dataclass(frozen=True, slots=True)
class Term:
    """One common name with its labels, type and unit, and the keys that mean it, by reader or ``any``.

    ``values`` translates what files write ("CT") into common words. ``scope`` says whether it is the same for
    all measurements of a dataset or differs.
    """

    name: str
    label: Map[str, str]
    type: TermType = "string"
    unit: str | None = None
    uri: str | None = None
    scope: Scope = "per measurement"
    is_personal: bool = False
    description: str = ""
    values: Map[str, str] = field(default_factory=dict)
    keys: Map[str, tuple[Key, ...]] = field(default_factory=dict)


Hit = tuple[Term, Key]


def normal_key(text: str) -> str:
    """A key in the form in which keys are compared."""
    return re.sub(r"[\s_-]+", "", unicodedata.normalize("NFKC", text).casefold())


def _pattern(text: str) -> re.Pattern[str]:
    parts = re.split(r"(\*\*|\*|\?)", normal_key(text))
    words = {"**": ".*", "*": "[^/]*", "?": "."}
    return re.compile("".join(words.get(part) or re.escape(part) for part in parts), re.DOTALL)


class _Index:
    """The keys that count for one reader. Its own exact keys first, its own patterns, then those for any."""

    def __init__(self, terms: Iterable[Term], reader: str) -> None:
        self.exact: dict[str, Hit] = {}
        self.accessions: dict[str, Hit] = {}
        self.patterns: list[tuple[re.Pattern[str], Hit]] = []
        general: dict[str, Hit] = {}
        general_patterns: list[tuple[re.Pattern[str], Hit]] = []
        for term in terms:
            own, for_any = term.keys.get(reader, ()), term.keys.get(ANY, ())
            self._take(term, own, self.exact, self.patterns)
            self._take(term, for_any, general, general_patterns)
        self.general, self.general_patterns = general, general_patterns
        self._seen: dict[str, Hit | None] = {}

    def _take(
        self,
        term: Term,
        keys: Iterable[Key],
        exact: dict[str, Hit],
        patterns: list[tuple[re.Pattern[str], Hit]],
    ) -> None:
        for key in keys:
            if key.text.startswith(ACCESSION):
                self.accessions.setdefault(key.text.removeprefix(ACCESSION), (term, key))
            elif "*" in key.text or "?" in key.text:
                patterns.append((_pattern(key.text), (term, key)))
            else:
                exact.setdefault(normal_key(key.text), (term, key))

    def find(self, item: Field) -> Hit | None:
        if item.term and item.term in self.accessions:
            return self.accessions[item.term]
        if item.key not in self._seen:
            # Readers cap their keys, a day of many files does not.
            if len(self._seen) >= _CACHED_KEYS:
                self._seen.clear()
            self._seen[item.key] = self._look(normal_key(item.key))
        return self._seen[item.key]

    def _look(self, key: str) -> Hit | None:
        for exact, patterns in ((self.exact, self.patterns), (self.general, self.general_patterns)):
            if key in exact:
                return exact[key]
            for pattern, hit in patterns:
                if pattern.fullmatch(key):
                    return hit
        return None


class Mapping:
    """Terms with their keys; :meth:`apply` puts common names and units on what a reader found.

    Attributes:
        terms: In the order of the file.
        mapping_version: SHA-256 of the text, in hex.
    """

    def __init__(self, terms: Sequence[Term], mapping_version: str) -> None:
        self.terms = tuple(terms)
        self.mapping_version = mapping_version
        self._indexes: dict[str, _Index] = {}

    def apply(self, outcome: Outcome) -> Outcome:
        """The outcome with common names, normal values and units; raw keys and values stay as they are."""
        reader = outcome.reader or ""
        if reader not in self._indexes:
            self._indexes[reader] = _Index(self.terms, reader)
        index, fields = self._indexes[reader], outcome.reading.fields
        named = tuple(_named(item, place, index, fields) for place, item in enumerate(fields))
        return replace(
            outcome, reading=replace(outcome.reading, fields=named), mapping_version=self.mapping_version
        )


def _named(item: Field, place: int, index: _Index, fields: Sequence[Field]) -> Field:
    hit = index.find(item)
    if hit is None or item.value in (None, "", ()):
        return item
    term, key = hit
    time = _nearest(key.time_from, place, fields) if key.time_from else None
    value, unit = convert(
        item.value,
        item.unit or key.unit,
        kind=term.type,
        to_unit=term.unit,
        words=term.values,
        pattern=key.format,
        time=time,
    )
    return replace(
        item,
        name=term.name,
        term=item.term or term.uri,
        personal=item.personal or term.is_personal,
        normal_value=value,
        normal_unit=unit,
    )


def _nearest(key: str, place: int, fields: Sequence[Field]) -> str | None:
    """The value of the named key that stands nearest: a file may hold a date and a time for each block."""
    wanted = normal_key(key)
    best: tuple[int, str] | None = None
    for index, other in enumerate(fields):
        distance = abs(index - place)
        if (best is None or distance < best[0]) and normal_key(other.key) == wanted and other.value:
            best = (distance, str(other.value))
    return best[1] if best else None
