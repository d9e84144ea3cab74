"""Conditions on rows: ``split = 'train' and temperature >= 300``. Nothing of them is ever run as a program.

Statistics of row groups leave out those that cannot hold a row; of the others the columns that the condition names are
read once, so that the number of rows is known and a position in the stream stays exact.
"""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from tsunagu.client.errors import UsageError
from tsunagu.client.messages import text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    # Least and greatest value of a column in a row group; None where the file does not say.
    Extent = Callable[[str], tuple[Any, Any] | None]

_TOKEN = re.compile(
    r"""\s*(?:(?P<text>'(?:[^']|'')*')|(?P<name>"(?:[^"]|"")*")|(?P<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"""
    r"""|(?P<sign><=|>=|<>|!=|==|=|<|>|\(|\)|,)|(?P<word>[^\W\d][\w.]*))"""
)
_COMPARED: dict[str, tuple[str, Any]] = {
    "=": ("equal", None),
    "!=": ("not_equal", None),
    "<": ("less", operator.lt),
    "<=": ("less_equal", operator.le),
    ">": ("greater", operator.gt),
    ">=": ("greater_equal", operator.ge),
}
_SAME = {"==": "=", "<>": "!="}
_RESERVED = {"and", "or", "not", "in", "is", "null", "true", "false"}


@dataclass(frozen=True)
class Compared:
    """A column and a value."""

    column: str
    sign: str
    value: Any

    def names(self) -> set[str]:
        """Columns that have to be read."""
        return {self.column}

    def mask(self, table: pa.Table) -> Any:
        """Which rows it holds for; null where the value is missing."""
        column = table[self.column]
        try:
            wanted = pa.scalar(self.value)
            if isinstance(self.value, str):
                wanted = wanted.cast(column.type)
            return getattr(pc, _COMPARED[self.sign][0])(column, wanted)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise UsageError(text("stream_where_type", column=self.column, kind=str(column.type))) from error

    def may(self, extent: Extent) -> bool:
        """Whether a row group may hold such a row."""
        found = extent(self.column)
        if found is None or self.sign == "!=":
            return True
        low, high = found
        try:
            if self.sign == "=":
                return bool(low <= self.value <= high)
            compare = _COMPARED[self.sign][1]
            return bool(compare(low if self.sign[0] == "<" else high, self.value))
        except TypeError:
            return True  # a date against its text: the rows themselves will tell


@dataclass(frozen=True)
class Missing:
    """A column without a value, or with one."""

    column: str
    is_missing: bool

    def names(self) -> set[str]:
        """Columns that have to be read."""
        return {self.column}

    def mask(self, table: pa.Table) -> Any:
        """Which rows it holds for."""
        column = table[self.column]
        return pc.is_null(column) if self.is_missing else pc.is_valid(column)

    def may(self, extent: Extent) -> bool:
        """Statistics of values say nothing of those that are missing."""
        del extent
        return True


@dataclass(frozen=True)
class Joined:
    """Several conditions: all of them, or any."""

    parts: tuple[Condition, ...]
    is_all: bool

    def names(self) -> set[str]:
        """Columns that have to be read."""
        return set().union(*(part.names() for part in self.parts))

    def mask(self, table: pa.Table) -> Any:
        """Which rows it holds for."""
        join = pc.and_kleene if self.is_all else pc.or_kleene
        found = self.parts[0].mask(table)
        for part in self.parts[1:]:
            found = join(found, part.mask(table))
        return found

    def may(self, extent: Extent) -> bool:
        """Whether a row group may hold such a row."""
        several = [part.may(extent) for part in self.parts]
        return all(several) if self.is_all else any(several)


@dataclass(frozen=True)
class Not:
    """The opposite."""

    part: Condition

    def names(self) -> set[str]:
        """Columns that have to be read."""
        return self.part.names()

    def mask(self, table: pa.Table) -> Any:
        """Which rows it holds for."""
        return pc.invert(self.part.mask(table))

    def may(self, extent: Extent) -> bool:
        """What may hold of some rows says nothing of the others."""
        del extent
        return True


Condition = Compared | Missing | Joined | Not


def kept(condition: Condition, table: pa.Table) -> pa.Table:
    """The rows for which the condition holds."""
    return table.filter(condition.mask(table))


def parsed(said: str) -> Condition:
    """A condition from its text.

    Names with other letters than those of words stand in double quotes, texts in single ones. ``and``, ``or``, ``not``,
    ``in (...)``, ``is null``, ``is not null`` and brackets as in SQL.

    Raises:
        UsageError: it cannot be read; says where.
    """
    reader = _Reader(said)
    found = reader.any_of()
    reader.expect_end()
    return found


class _Reader:
    """Reads a condition from left to right."""

    def __init__(self, said: str) -> None:
        self._said = said
        self._tokens = [*self._cut(), ("end", "")]
        self._at = 0

    def _cut(self) -> Iterator[tuple[str, str]]:
        at, end = 0, len(self._said.rstrip())
        while at < end:
            match = _TOKEN.match(self._said, at)
            if match is None or match.lastgroup is None:
                raise self._wrong(self._said[at : at + 20])
            yield match.lastgroup, match[match.lastgroup]
            at = match.end()

    def _wrong(self, near: str) -> UsageError:
        return UsageError(text("stream_where", near=near or "…"), remedy=text("stream_where_remedy"))

    def _next(self) -> tuple[str, str]:
        found = self._tokens[self._at]
        self._at += 1
        return found

    def _take(self, *wanted: str) -> str:
        """The word or sign that comes next, where it is one of these."""
        kind, token = self._tokens[self._at]
        if kind in {"word", "sign"} and token.lower() in wanted:
            self._at += 1
            return token.lower()
        return ""

    def _need(self, wanted: str) -> None:
        if not self._take(wanted):
            raise self._wrong(self._tokens[self._at][1])

    def expect_end(self) -> None:
        """Nothing may follow."""
        if self._tokens[self._at][0] != "end":
            raise self._wrong(self._tokens[self._at][1])

    def any_of(self) -> Condition:
        """Conditions with ``or`` between."""
        parts = [self._all_of()]
        while self._take("or"):
            parts.append(self._all_of())
        return parts[0] if len(parts) == 1 else Joined(tuple(parts), is_all=False)

    def _all_of(self) -> Condition:
        parts = [self._one()]
        while self._take("and"):
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else Joined(tuple(parts), is_all=True)

    def _one(self) -> Condition:
        if self._take("not"):
            return Not(self._one())
        if self._take("("):
            found = self.any_of()
            self._need(")")
            return found
        column = self._column()
        if self._take("is"):
            is_missing = not self._take("not")
            self._need("null")
            return Missing(column, is_missing)
        is_not = bool(self._take("not"))
        if is_not or self._tokens[self._at][1].lower() == "in":
            self._need("in")
            among = Joined(tuple(Compared(column, "=", one) for one in self._values()), is_all=False)
            return Not(among) if is_not else among
        sign = self._take(*_COMPARED, *_SAME)
        if not sign:
            raise self._wrong(self._tokens[self._at][1])
        return Compared(column, _SAME.get(sign, sign), self._value())

    def _column(self) -> str:
        kind, token = self._next()
        if kind == "name":
            return token[1:-1].replace('""', '"')
        if kind == "word" and token.lower() not in _RESERVED:
            return token
        raise self._wrong(token)

    def _values(self) -> list[Any]:
        self._need("(")
        found = [self._value()]
        while self._take(","):
            found.append(self._value())
        self._need(")")
        return found

    def _value(self) -> Any:
        kind, token = self._next()
        if kind == "text":
            return token[1:-1].replace("''", "'")
        if kind == "number":
            return int(token) if re.fullmatch(r"[+-]?\d+", token) else float(token)
        if kind == "word" and token.lower() in {"true", "false"}:
            return token.lower() == "true"
        raise self._wrong(token)
