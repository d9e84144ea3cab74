"""Clauses and filters of policy as queries of tantivy."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tsunagu.data.discovery.clauses import AnyOf, Between, Clause, Exactly, Measured, Phrase, Seen, Without
from tsunagu.data.discovery.documents import DRAFT, FROZEN, column_key, is_year
from tsunagu.data.discovery.entries import SHOWN, WORDS, order_key
from tsunagu.foundation.policy import api as policy

if TYPE_CHECKING:
    from typing import TypeAlias

    import tantivy

    Part: TypeAlias = "tantivy.Query | Excluded"

_TITLE_WEIGHT = 5.0
_NAME = re.compile(r"[A-Za-z0-9_]+")
_SIGNS = re.compile(r"[\\.+*?()|\[\]{}^$#&\-~]")


def truth(value: object) -> str:
    """A yes or no as a term."""
    return "1" if value else "0"


class Excluded:
    """What must not hold, kept apart so that a list of conditions can say it without listing everything else."""

    def __init__(self, query: tantivy.Query) -> None:
        self.query = query


class Builder:
    """Makes queries for one index."""

    def __init__(self, index: tantivy.Index) -> None:
        import tantivy

        self._index, self._schema = index, index.schema
        self._make, self._occur, self._field = tantivy.Query, tantivy.Occur, tantivy.FieldType
        self._orders = tantivy.Order

    def order(self, *, upward: bool) -> tantivy.Order:
        """From the smallest up, or from the largest down."""
        return self._orders.Asc if upward else self._orders.Desc

    def unranked(self, query: tantivy.Query) -> tantivy.Query:
        """The same without a say in the order of hits."""
        return self._make.const_score_query(query, 0.0)

    # --- Who sees what

    def allowed(self, seen: Seen) -> tantivy.Query:
        """What somebody may find: datasets that they read, in the face that they see."""
        drafts = self.condition(seen.draft)
        others = self.condition(policy.negated(seen.draft))
        parts = [
            self.condition(seen.read),
            self._without(self.all([self._term("face", DRAFT), others])),
            self._without(self.all([self._term("face", FROZEN), drafts])),
        ]
        if seen.hidden:
            hidden = self._make.term_set_query(self._schema, "uid", sorted(seen.hidden))
            parts.append(self._without(hidden))
        return self.all(parts)

    def condition(self, wanted: policy.Condition) -> Part:  # noqa: PLR0911 - one for each shape
        """A filter of policy over what stands in the documents."""
        match wanted:
            case policy.Every(is_none=is_none):
                return self._make.empty_query() if is_none else self._make.all_query()
            case policy.OneOf(column="has_frozen", values=values):
                return self.any([self._term("has_frozen", truth(one)) for one in values])
            case policy.OneOf(column=column, values=values):
                several = [str(one) for one in values]
                if len(several) == 1:
                    return self._term(column, several[0])
                return self._make.term_set_query(self._schema, column, several)
            case policy.FromCountry(code=code):
                return self._term("origin", code)
            case policy.Compared():
                return self._compared(wanted)
            case policy.Not(inner=inner):
                return self._without(self.condition(inner))
            case policy.Both(parts=parts):
                return self.all([self.condition(one) for one in parts])
            case policy.Either(parts=parts):
                return self.any([self.condition(one) for one in parts])

    def _compared(self, wanted: policy.Compared) -> Part:
        if wanted.column != "embargo_until_s":
            # Level 0 stands in no document: most have no label at all, and need no term for each.
            levels = range(1, len(policy.LEVELS[wanted.column]))
            has_none = _holds(0, wanted.sign, wanted.value)
            named = [one for one in levels if _holds(one, wanted.sign, wanted.value) != has_none]
            found = self.any([self._term("label", f"{wanted.column}={level}") for level in named])
            return self._without(found) if has_none else found
        # The same with embargoes: a date is compared only among the few that have one.
        has_none = _holds(0, wanted.sign, wanted.value)
        sign = _OPPOSITE[wanted.sign] if has_none else wanted.sign
        dated = self.all([self._term("has_embargo", "1"), self._dated(sign, wanted.value)])
        return self._without(dated) if has_none else dated

    def _dated(self, sign: str, value: int) -> Part:
        if sign == "!=":
            return self._without(self._range("embargo_until_s", value, value))
        return self._range("embargo_until_s", *_bounds(sign, value))

    # --- What is asked

    def clause(self, wanted: Clause) -> Part:
        """A part of a question."""
        match wanted:
            case Phrase():
                return self._phrase(WORDS.get(wanted.field, wanted.field), wanted)
            case Exactly(column=column, values=values):
                return self._exactly(column, values)
            case Between(column=column, low=low, high=high):
                return self._range(column, low, high)
            case Measured():
                return self.any([self._measured(name, wanted) for name in wanted.names])
            case AnyOf(parts=parts):
                return self.any([self.clause(one) for one in parts])
            case Without(inner=inner):
                return self._without(self.clause(inner))

    def title(self, wanted: Phrase) -> tantivy.Query:
        """The same words in the title, which count more."""
        return self._make.boost_query(self._phrase("title", wanted), _TITLE_WEIGHT)

    def _phrase(self, field: str, wanted: Phrase) -> tantivy.Query:
        words = wanted.tokens
        if wanted.is_open:
            ending = f"{_escaped(words[-1])}.*"
            if len(words) == 1:
                return self._make.regex_query(self._schema, field, ending)
            return self._make.regex_phrase_query(self._schema, field, [*map(_escaped, words[:-1]), ending])
        if len(words) == 1:
            return self._term(field, words[0])
        return self._make.phrase_query(self._schema, field, [*words])

    def _exactly(self, column: str, values: Sequence[str]) -> tantivy.Query:
        if column == "year":
            return self.any([self._range("year", int(one), int(one)) for one in values if is_year(one)])
        if column in {"format", "licence", "creator"}:
            # What is shown stands behind what is compared, as one term.
            return self.any(
                [
                    self._make.regex_query(self._schema, column, f"{_escaped(column_key(one))}{SHOWN}.*")
                    for one in values
                ]
            )
        return self.any([self._term(column, one) for one in values])

    def _measured(self, name: str, wanted: Measured) -> tantivy.Query:
        if not _NAME.fullmatch(name):
            return self._make.empty_query()  # what the index's own language would take for something else
        low = "*" if wanted.low is None else str(order_key(wanted.low) + (not wanted.with_low))
        high = "*" if wanted.high is None else str(order_key(wanted.high) - (not wanted.with_high))
        return self._index.parse_query(f"measured.{name}:[{low} TO {high}]", ["everything"])

    # --- Shapes

    def all(self, parts: Sequence[Part], *, better: Sequence[tantivy.Query] = ()) -> tantivy.Query:
        """All of these hold; those in ``better`` only move up."""
        must = [one for one in parts if not isinstance(one, Excluded)]
        if len(parts) == 1 and must and not better:
            return must[0]
        signed = [(self._occur.Must, one) for one in must or [self._make.all_query()]]
        signed += [(self._occur.MustNot, one.query) for one in parts if isinstance(one, Excluded)]
        return self._make.boolean_query([*signed, *((self._occur.Should, one) for one in better)])

    def plain(self, part: Part) -> tantivy.Query:
        """A part that stands alone."""
        return self.all([part]) if isinstance(part, Excluded) else part

    def any(self, parts: Sequence[Part]) -> tantivy.Query:
        """One of these holds at least."""
        if not parts:
            return self._make.empty_query()
        if len(parts) == 1:
            return self.plain(parts[0])
        return self._make.boolean_query([(self._occur.Should, self.plain(one)) for one in parts])

    def _without(self, query: Part) -> Part:
        return Excluded(self.plain(query)) if not isinstance(query, Excluded) else query.query

    def _term(self, field: str, value: str) -> tantivy.Query:
        return self._make.term_query(self._schema, field, value)

    def _range(self, field: str, low: int | None, high: int | None) -> tantivy.Query:
        return self._make.range_query(self._schema, field, self._field.Integer, low, high)


def _escaped(text: str) -> str:
    """Text that a pattern takes as it is; Python's own escapes more than the index understands."""
    return _SIGNS.sub(lambda sign: f"\\{sign.group()}", text)


_OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}


def _holds(number: int, sign: str, other: int) -> bool:
    return {
        "<": number < other,
        "<=": number <= other,
        ">": number > other,
        ">=": number >= other,
        "==": number == other,
        "!=": number != other,
    }[sign]


def _bounds(sign: str, value: int) -> tuple[int | None, int | None]:
    """The whole numbers that a comparison means, both ends included."""
    return {
        "<": (None, value - 1),
        "<=": (None, value),
        ">": (value + 1, None),
        ">=": (value, None),
        "==": (value, value),
    }[sign]
