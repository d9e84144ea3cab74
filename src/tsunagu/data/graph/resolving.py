"""Which identifiers stand for one thing: first by what sources say, then by what people decided.

Both are functions of the rows alone, so the order in which sources came does not matter, and a merge that is undone leaves
nothing behind.

*By sources.* An identifier leads to the one better identifier that sources give beside it. Where they give two that are
different things, it leads to neither and stays a thing of its own: a conflict, which is shown. *By people.* Things joined by
accepted merges are one; its address is that of the best identifier in it. A merge rests while one of the two is spoken of by
closed sources alone: who sees the other must not learn of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from tsunagu.data.graph.claims import order
from tsunagu.data.graph.models import Alias, Identifier, Merge, Naming

_AT_ONCE = 400


def resolve(touched: Iterable[int]) -> None:
    """Bring identifiers, and all that stand or fall with them, up to date with aliases and merges."""
    rows = _below(touched)
    before = {row.pk: row.base for row in rows}
    _find_bases(rows)
    moved = [row for row in rows if row.base != before[row.pk]]
    Identifier.objects.bulk_update(moved, ["base"], batch_size=_AT_ONCE)
    regroup({*before.values(), *(row.base for row in rows)})


def _below(touched: Iterable[int]) -> list[Identifier]:
    """The identifiers and all that lead to them."""
    found, new = set(), set(touched)
    while new:
        found |= new
        lower: set[int] = set()
        for part in _parts(sorted(new)):
            lower |= set(Alias.objects.filter(higher__in=part).values_list("lower", flat=True))
        new = lower - found
    return [row for part in _parts(sorted(found)) for row in Identifier.objects.filter(pk__in=part)]


def _find_bases(rows: list[Identifier]) -> None:
    pairs: defaultdict[int, set[int]] = defaultdict(set)
    for part in _parts([row.pk for row in rows]):
        for lower, higher in Alias.objects.filter(lower__in=part).values_list("lower", "higher"):
            pairs[lower].add(higher)
    others = {key for several in pairs.values() for key in several}.difference(row.pk for row in rows)
    outside = [one for part in _parts(sorted(others)) for one in Identifier.objects.filter(pk__in=part)]
    known = {row.pk: row for row in (*rows, *outside)}
    for row in sorted(rows, key=lambda one: order((one.scheme, one.value))):
        bases = {known[key].base for key in pairs[row.pk] if known[key].rank < row.rank}
        row.base = bases.pop() if len(bases) == 1 else row.uid


def regroup(bases: Iterable[str]) -> None:
    """Give every identifier of these things the address of the thing that it is now, with the merges of people."""
    left: set[str] = set()
    for part in _parts(sorted(set(bases))):
        merged = _merged(part)
        left |= merged | (_reached(merged, _accepted()) if merged else set())
        # Most things are one by what sources say alone.
        alone = Identifier.objects.filter(base__in=set(part) - merged)
        alone.exclude(thing=F("base")).update(thing=F("base"))
    while left:
        group = _joined({left.pop()})
        left -= group
        _name(group)


def _merged(bases: list[str]) -> set[str]:
    """Those of the bases that some accepted merge is about."""
    found: set[str] = set()
    mine = Identifier.objects.filter(base__in=bases)
    for side in ("left", "right"):
        about = Merge.objects.filter(state="accepted", **{side: OuterRef("uid")})
        found |= set(mine.filter(Exists(about)).values_list("base", flat=True))
    return found


def _accepted() -> QuerySet[Merge]:
    return Merge.objects.filter(state="accepted")


def _standing() -> QuerySet[Merge]:
    """The accepted merges of which public sources speak of both ends."""
    rows = _accepted()
    for side in ("left", "right"):
        named = Naming.objects.filter(identifier__uid=OuterRef(side), origin__dataset_id="")
        rows = rows.filter(Exists(named) | Exists(Alias.objects.filter(lower__uid=OuterRef(side))))
    return rows


def _joined(group: set[str]) -> set[str]:
    """The bases that accepted merges make one thing of."""
    new = set(group)
    while new:
        new = _reached(new, _standing()) - group
        group |= new
    return group


def _reached(bases: set[str], merges: QuerySet[Merge]) -> set[str]:
    """The bases that some merges join to these."""
    uids = [
        uid
        for part in _parts(sorted(bases))
        for uid in Identifier.objects.filter(base__in=part).values_list("uid", flat=True)
    ]
    others: set[str] = set()
    for part in _parts(uids):
        for pair in merges.filter(Q(left__in=part) | Q(right__in=part)).values_list("left", "right"):
            others |= set(pair)
    found: set[str] = set()
    for part in _parts(sorted(others)):
        found |= set(Identifier.objects.filter(uid__in=part).values_list("base", flat=True))
    return found


def _name(group: set[str]) -> None:
    best = [(row.scheme, row.value, row.uid) for row in Identifier.objects.filter(uid__in=group)]
    if best:
        uid = min(best, key=lambda one: order((one[0], one[1])))[2]
        Identifier.objects.filter(base__in=group).exclude(thing=uid).update(thing=uid)


def _parts(values: list[Any]) -> Iterator[list[Any]]:
    return (values[at : at + _AT_ONCE] for at in range(0, len(values), _AT_ONCE))
