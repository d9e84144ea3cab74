"""Things and sources as cards: which name, which kind, which identifiers, of all that sources say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Literal

from django.db.models import Count, F

from tsunagu.core import clock
from tsunagu.data.graph.claims import KINDS, LOCAL, order
from tsunagu.data.graph.models import Origin
from tsunagu.data.graph.seeing import Eyes
from tsunagu.data.graph.types import Card, Name, Pid, SourceCard
from tsunagu.standards import api as standards

_MOST_NAMES = 5000
_MOST_PIDS = 50


def source_card(row: Origin) -> SourceCard:
    """A source as others see it."""
    return SourceCard(row.label, row.url, clock.isoformat(row.seen_at))


def cards(seen: Eyes, uids: Iterable[str], *, by: Literal["thing", "uid"] = "thing") -> dict[str, Card]:
    """Things by their uids, as far as they exist for the actor, in the order given.

    With ``by="uid"`` each identifier is shown as it is by itself, whatever it is one thing with.
    """
    wanted = list(dict.fromkeys(uids))
    names: defaultdict[str, list[tuple[int, str, str]]] = defaultdict(list)
    kinds: defaultdict[str, dict[str, int]] = defaultdict(dict)
    rows = seen.namings().filter(**{f"identifier__{by}__in": wanted})
    grouped = rows.values("text", "language", "kind", key=F(f"identifier__{by}")).annotate(n=Count("pk"))
    for row in grouped.order_by("-n", "text")[:_MOST_NAMES]:
        kinds[row["key"]][row["kind"]] = kinds[row["key"]].get(row["kind"], 0) + row["n"]
        if row["text"]:
            names[row["key"]].append((-row["n"], row["text"], row["language"]))
    pids = pids_of(seen, wanted, by)
    return {
        uid: Card(uid, _kind(kinds[uid]), _best(names[uid]), tuple(pids[uid][:_MOST_PIDS]))
        for uid in wanted
        if uid in kinds
    }


def _kind(counts: dict[str, int]) -> str:
    """What most sources say that it is; ``work`` only where nobody says more."""
    said = {kind: count for kind, count in counts.items() if kind != "work"}
    return min(said, key=lambda kind: (-said[kind], KINDS.index(kind))) if said else "work"


def _best(several: Sequence[tuple[int, str, str]]) -> tuple[Name, ...]:
    """One name for each language, the most frequent; a name without a language only where it says something new."""
    found: dict[str, str] = {}
    for _count, text, language in sorted(several):
        found.setdefault(language, text)
    plain = found.pop("", "")
    if plain and plain not in found.values():
        found[""] = plain
    return tuple(Name(text, language) for language, text in found.items())


def pids_of(seen: Eyes, uids: Iterable[str], by: str) -> defaultdict[str, list[Pid]]:
    """The identifiers of things, as far as they exist for the actor, the best first."""
    found: defaultdict[str, list[Pid]] = defaultdict(list)
    rows = seen.identifiers().filter(**{f"{by}__in": list(uids)}).exclude(scheme=LOCAL)
    for scheme, value, thing in sorted(
        rows.values_list("scheme", "value", by)[:_MOST_NAMES], key=lambda one: order(one[:2])
    ):
        found[thing].append(Pid(scheme, value, standards.address_of(scheme, value)))
    return found
