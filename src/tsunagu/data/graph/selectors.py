"""Asking the graph. Every question costs a bounded number of queries, however many neighbours a thing has."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from django.db.models import Count, Max, Min

from tsunagu.core import clock
from tsunagu.core.ids import is_id
from tsunagu.data.graph import conflicts
from tsunagu.data.graph.claims import KINDS, LOCAL, local, name_key, uid_of
from tsunagu.data.graph.errors import NoSuchThingError, NotAskedError
from tsunagu.data.graph.merges import of_thing
from tsunagu.data.graph.models import Origin
from tsunagu.data.graph.seeing import Eyes, eyes
from tsunagu.data.graph.showing import cards, source_card
from tsunagu.data.graph.types import Card, Group, Neighbour, SourceCard, Thing
from tsunagu.foundation.identity.api import Actor
from tsunagu.standards import api as standards

_FIRST = 12
_MOST_AT_ONCE = 100
_MOST_GROUPS = 60
_SOURCES_OF_THING = 20


def find(
    actor: Actor, *, identifier: str = "", name: str = "", kind: str = "", after: str = "", limit: int = 20
) -> tuple[list[Card], str]:
    """Things by what they are called; and what continues the list, empty at its end.

    Args:
        actor: Who asks.
        identifier: In any spelling (``https://doi.org/10.1234/ABC``, an ORCID iD, ``JP24K00366``).
        name: A whole name, in any order of its words and any case.
        kind: One of ``KINDS``.
        after: What the call before returned.
        limit: How many, 100 at most.

    Raises:
        NotAskedError: nothing of these was given, or a kind that there is not.
    """
    if not (identifier or name or kind) or (kind and kind not in KINDS):
        raise NotAskedError
    limit = max(1, min(limit, _MOST_AT_ONCE))
    after = after if is_id(after) else ""
    seen = eyes(actor)
    if identifier:
        uid = find_uid(identifier)
        thing = seen.thing_of(uid) if uid else ""
        rows = seen.namings().filter(identifier__thing=thing)
    else:
        rows = seen.namings()
    if name:
        rows = rows.filter(name_key=name_key(name))
    if kind:
        rows = rows.filter(kind=kind)
    found = rows.filter(identifier__thing__gt=after).values_list("identifier__thing", flat=True)
    uids = list(found.order_by("identifier__thing").distinct()[: limit + 1])
    shown = uids[:limit]
    return list(cards(seen, shown).values()), shown[-1] if len(uids) > limit else ""


def find_uid(identifier: str) -> str:
    """The uid of an identifier as somebody typed it; nothing where it is none."""
    key = standards.guessed(identifier)
    return uid_of(key) if key else ""


def own_uid(value: str) -> str:
    """The address of something that this node knows by itself (``dataset:ULID``), without a question.

    It leads to the thing as soon as the graph has heard of it, a moment later; who may not see it is told that there is none.
    """
    return uid_of(local(value))


def thing_for(actor: Actor, scheme: str, value: str) -> str:
    """The thing of an identifier, for a link to its page; nothing where it does not exist for the actor.

    ``scheme`` is one of standards, or ``local`` for what this node knows by itself: ``dataset:ULID``,
    ``publication:ULID``, ``record:5``.
    """
    key = local(value) if scheme == LOCAL else standards.normalised(scheme, value)
    return eyes(actor).thing_of(uid_of(key)) if key else ""


def things_for(actor: Actor, values: Iterable[str]) -> dict[str, str]:
    """The same for many local names at once; those that exist for the actor."""
    by_uid = {uid_of(local(value)): value for value in values}
    seen = eyes(actor)
    things = dict(seen.identifiers().filter(uid__in=by_uid).values_list("uid", "thing"))
    named = seen.namings().filter(identifier__thing__in=set(things.values()))
    there = set(named.values_list("identifier__thing", flat=True).distinct())
    return {by_uid[uid]: thing for uid, thing in things.items() if thing in there}


def get_thing(actor: Actor, uid: str) -> Thing:
    """A thing with its neighbours by relation, the first of each.

    Raises:
        NoSuchThingError: there is none, or it does not exist for the actor.
    """
    seen = eyes(actor)
    thing = seen.thing_of(uid)
    if not thing:
        raise NoSuchThingError
    groups = _groups(seen, thing)
    named = seen.origins().filter(naming__identifier__thing=thing)
    sources = named.values("label").annotate(
        count=Count("source", distinct=True), last=Max("seen_at"), where=Max("url")
    )
    return Thing(
        card=cards(seen, [thing])[thing],
        groups=groups,
        conflicts=conflicts.of_thing(seen, thing),
        merges=of_thing(actor, seen, thing),
        sources=tuple(
            SourceCard(
                row["label"],
                row["where"] if row["count"] == 1 else "",
                clock.isoformat(row["last"]),
                row["count"],
            )
            for row in sources.order_by("-last", "label")[:_SOURCES_OF_THING]
        ),
        source_count=named.aggregate(n=Count("source", distinct=True))["n"],
    )


def get_card(actor: Actor, uid: str) -> Card:
    """A thing without its neighbours. Raises the same."""
    seen = eyes(actor)
    thing = seen.thing_of(uid)
    if not thing:
        raise NoSuchThingError
    return cards(seen, [thing])[thing]


def neighbours(
    actor: Actor, uid: str, relation: str, *, is_from: bool, after: str = "", limit: int = 50
) -> Group:
    """The neighbours by one relation, some at a time.

    Raises:
        NoSuchThingError: there is no such thing for the actor.
    """
    seen = eyes(actor)
    thing = seen.thing_of(uid)
    if not thing or not relation.isalpha():
        raise NoSuchThingError
    limit = max(1, min(limit, _MOST_AT_ONCE))
    count = (
        _statements(seen, thing, is_from=is_from)
        .filter(relation=relation)
        .aggregate(n=Count(_other(is_from=is_from), distinct=True))["n"]
    )
    ends, more = _ends(seen, thing, relation, is_from=is_from, after=after, limit=limit)
    shown = _neighbours(seen, thing, {(relation, is_from): ends})
    return Group(relation, is_from, count, shown[relation, is_from], more)


def _other(*, is_from: bool) -> str:
    return "object__thing" if is_from else "subject__thing"


def _statements(seen: Eyes, thing: str, *, is_from: bool) -> Any:
    """What is said of the thing, without what has become a loop since two things are one."""
    rows = seen.statements().filter(**{"subject__thing" if is_from else "object__thing": thing})
    return rows.exclude(**{_other(is_from=is_from): thing})


def _groups(seen: Eyes, thing: str) -> tuple[Group, ...]:
    counts: dict[tuple[str, bool], int] = {}
    for is_from in (True, False):
        rows = _statements(seen, thing, is_from=is_from).values("relation")
        for row in rows.annotate(n=Count(_other(is_from=is_from), distinct=True)).order_by("relation"):
            counts[row["relation"], is_from] = row["n"]
    kept = dict(list(counts.items())[:_MOST_GROUPS])
    ends, more = {}, {}
    for relation, is_from in kept:
        ends[relation, is_from], more[relation, is_from] = _ends(
            seen, thing, relation, is_from=is_from, after="", limit=_FIRST
        )
    shown = _neighbours(seen, thing, ends)
    return tuple(Group(key[0], key[1], count, shown[key], more[key]) for key, count in kept.items())


def _ends(
    seen: Eyes, thing: str, relation: str, *, is_from: bool, after: str, limit: int
) -> tuple[list[str], str]:
    """The things at the other end, in the order in which they were first said."""
    other = _other(is_from=is_from)
    rows = _statements(seen, thing, is_from=is_from).filter(relation=relation)
    rows = rows.values(other).annotate(first=Min("pk")).order_by("first")
    if after.isdecimal() and len(after) < len(str(2**63)):
        rows = rows.filter(first__gt=int(after))
    found = list(rows.values_list(other, "first")[: limit + 1])
    shown = found[:limit]
    return [uid for uid, _first in shown], str(shown[-1][1]) if len(found) > limit else ""


def _neighbours(
    seen: Eyes, thing: str, ends: dict[tuple[str, bool], list[str]]
) -> dict[tuple[str, bool], tuple[Neighbour, ...]]:
    """Cards and sources for all groups at once."""
    known = cards(seen, {uid for several in ends.values() for uid in several})
    said: defaultdict[tuple[str, bool, str], list[int]] = defaultdict(list)
    counts: dict[tuple[str, bool, str], int] = {}
    for is_from in (True, False):
        wanted = {uid for (_relation, way), several in ends.items() if way == is_from for uid in several}
        if not wanted:
            continue
        other = _other(is_from=is_from)
        rows = _statements(seen, thing, is_from=is_from).filter(**{f"{other}__in": wanted})
        grouped = rows.values("relation", other).annotate(
            n=Count("origin__source", distinct=True), low=Min("origin"), high=Max("origin")
        )
        for row in grouped.order_by():
            key = (row["relation"], is_from, row[other])
            counts[key] = row["n"]
            said[key] = sorted({row["low"], row["high"]})
    origins = Origin.objects.in_bulk({pk for several in said.values() for pk in several})
    return {
        (relation, is_from): tuple(
            Neighbour(
                known[uid],
                tuple(source_card(origins[pk]) for pk in said[relation, is_from, uid] if pk in origins),
                counts.get((relation, is_from, uid), 0),
            )
            for uid in several
            if uid in known
        )
        for (relation, is_from), several in ends.items()
    }
