"""Clauses and filters of policy as conditions of SQL over the table of entries."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tsunagu.data.discovery.clauses import AnyOf, Between, Clause, Exactly, Measured, Phrase, Seen, Without
from tsunagu.data.discovery.documents import DRAFT, FROZEN, column_key, is_year
from tsunagu.data.discovery.entries import SHOWN, WORDS
from tsunagu.foundation.policy import api as policy

_COLUMNS = frozenset({"uid", "project_id", "access", "has_frozen"})


@dataclass(frozen=True, slots=True)
class Statement:
    """A condition and the values of its marks."""

    sql: str
    values: tuple[Any, ...] = ()


def both(parts: Iterable[Statement]) -> Statement:
    """All of these hold."""
    return _joined(" and ", list(parts), "true")


def either(parts: Iterable[Statement]) -> Statement:
    """One of these holds at least."""
    return _joined(" or ", list(parts), "false")


def without(part: Statement) -> Statement:
    """This does not hold."""
    return Statement(f"not ({part.sql})", part.values)


def _joined(word: str, parts: list[Statement], nothing: str) -> Statement:
    if not parts:
        return Statement(nothing)
    sql = word.join(f"({one.sql})" for one in parts)
    return Statement(sql, tuple(value for one in parts for value in one.values))


def allowed(seen: Seen) -> Statement:
    """What somebody may find: datasets that they read, in the face that they see."""
    draft = condition(seen.draft)
    parts = [
        condition(seen.read),
        without(both([Statement("face = %s", (DRAFT,)), without(draft)])),
        without(both([Statement("face = %s", (FROZEN,)), draft])),
    ]
    if seen.hidden:
        parts.append(Statement("not (uid = any(%s))", (sorted(seen.hidden),)))
    return both(parts)


def condition(wanted: policy.Condition) -> Statement:  # noqa: PLR0911 - one for each shape
    """A filter of policy over the columns of an entry."""
    match wanted:
        case policy.Every(is_none=is_none):
            return Statement("false" if is_none else "true")
        case policy.OneOf(column=column, values=values):
            assert column in _COLUMNS
            return Statement(f"{column} = any(%s)", (list(values),))
        case policy.FromCountry(code=code):
            return Statement("%s = any(origins)", (code,))
        case policy.Compared(column=column, sign=sign, value=value):
            assert sign in {"<", "<=", ">", ">=", "==", "!="}
            shown = {"==": "=", "!=": "<>"}.get(sign, sign)
            if column == "embargo_until_s":
                return Statement(f"embargo_until_s {shown} %s", (value,))
            return Statement(f"coalesce((levels ->> %s)::int, 0) {shown} %s", (column, value))
        case policy.Not(inner=inner):
            return without(condition(inner))
        case policy.Both(parts=parts):
            return both(condition(one) for one in parts)
        case policy.Either(parts=parts):
            return either(condition(one) for one in parts)


def clause(wanted: Clause) -> Statement:
    """A part of a question."""
    match wanted:
        case Phrase():
            return phrase(wanted, WORDS.get(wanted.field, wanted.field))
        case Exactly(column=column, values=values):
            return either(_exactly(column, one) for one in values)
        case Between(column=column, low=low, high=high):
            ends = [(">=", low), ("<=", high)]
            return both(Statement(f"{column} {sign} %s", (end,)) for sign, end in ends if end is not None)
        case Measured():
            return either(_measured(name, wanted) for name in wanted.names)
        case AnyOf(parts=parts):
            return either(clause(one) for one in parts)
        case Without(inner=inner):
            return without(clause(inner))


def phrase(wanted: Phrase, field: str) -> Statement:
    """Tokens side by side: the inverted index says who has them all, a look at the text who has them so."""
    whole = wanted.tokens[:-1] if wanted.is_open else wanted.tokens
    parts = [f"'{_quoted(token)}'" for token in dict.fromkeys(whole)]
    if wanted.is_open:
        parts.append(f"'{_quoted(wanted.tokens[-1])}':*")
    text = " ".join(wanted.tokens)
    ending = "" if wanted.is_open else " "
    return Statement(
        f"words @@ %s::tsquery and strpos({field}, %s) > 0", (" & ".join(parts), f" {text}{ending}")
    )


def _quoted(token: str) -> str:
    return token.replace("\\", "\\\\").replace("'", "''")


def _exactly(column: str, value: str) -> Statement:
    key = f"{column_key(value)}{SHOWN}"
    match column:
        case "year":
            return Statement("year = %s", (int(value),)) if is_year(value) else Statement("false")
        case "licence":
            return Statement("starts_with(licence, %s)", (key,))
        case "outcome":
            return Statement("%s = any(outcome)", (value,))
        case "format" | "creator":
            held = f"unnest({column}) as one"
            return Statement(f"exists (select 1 from {held} where starts_with(one, %s))", (key,))  # noqa: S608
        case _:
            return Statement(f"{column} = %s", (value,))


def _measured(name: str, wanted: Measured) -> Statement:
    ends = [
        (">=" if wanted.with_low else ">", wanted.low),
        ("<=" if wanted.with_high else "<", wanted.high),
    ]
    parts = [Statement(f"one::float8 {sign} %s", (end,)) for sign, end in ends if end is not None]
    inside = both(parts)
    held = "jsonb_array_elements_text(coalesce(measured -> %s, '[]'::jsonb)) as one"
    return Statement(f"exists (select 1 from {held} where {inside.sql})", (name, *inside.values))  # noqa: S608
