"""Where sources do not agree about a thing. It is shown, and nothing follows from it."""

from __future__ import annotations

from collections import defaultdict

from tsunagu.data.graph.claims import LOCAL, SINGLE
from tsunagu.data.graph.models import Identifier
from tsunagu.data.graph.seeing import Eyes
from tsunagu.data.graph.showing import cards, source_card
from tsunagu.data.graph.types import Conflict, SourceCard

_LOOKED_AT = 500
_SHOWN = 10


def of_thing(seen: Eyes, thing: str) -> tuple[Conflict, ...]:
    """The conflicts of one thing, as far as the actor sees those who disagree."""
    return (*_identifiers(seen, thing), *_several(seen, thing), *_kinds(seen, thing), *_titles(seen, thing))


def _identifiers(seen: Eyes, thing: str) -> list[Conflict]:
    """An identifier that is given to several things; and several of one scheme that a source gives to one thing."""
    mine = Identifier.objects.filter(thing=thing)
    given = seen.aliases().filter(lower__in=mine) | seen.aliases().filter(
        lower__higher_aliases__higher__in=mine
    )
    given |= seen.aliases().filter(higher__in=mine)
    rows = given.select_related("higher", "lower", "origin").distinct()
    owners: defaultdict[str, set[str]] = defaultdict(set)
    sources: defaultdict[str, dict[str, SourceCard]] = defaultdict(dict)
    words: defaultdict[str, set[str]] = defaultdict(set)
    for row in rows.order_by("pk")[:_LOOKED_AT]:
        if row.higher.thing == row.lower.thing:
            owners[row.lower.uid].add(row.higher.thing)
            continue
        owners[row.lower.uid] |= {row.higher.thing, row.lower.thing}
        told = row.higher if row.lower.scheme == LOCAL else row.lower
        words[row.lower.uid].add(f"{told.scheme} {told.value}")
        sources[row.lower.uid][row.origin.key] = source_card(row.origin)
    made = []
    for uid, several in list(words.items())[:_SHOWN]:
        others = cards(seen, sorted(owners[uid] - {thing})[:_SHOWN])
        made.append(
            Conflict(
                "identifiers",
                tuple(sorted(several)),
                tuple(others.values()),
                tuple(sources[uid].values())[:_SHOWN],
            )
        )
    return made


def _several(seen: Eyes, thing: str) -> list[Conflict]:
    rows = seen.identifiers().filter(thing=thing, scheme__in=SINGLE).order_by("scheme", "value")
    found: defaultdict[str, list[str]] = defaultdict(list)
    for scheme, value in rows.values_list("scheme", "value")[:_LOOKED_AT]:
        found[scheme].append(f"{scheme} {value}")
    return [Conflict("several", tuple(values[:_SHOWN])) for values in found.values() if len(values) > 1]


def _kinds(seen: Eyes, thing: str) -> list[Conflict]:
    rows = seen.namings().filter(identifier__thing=thing).exclude(kind="work")
    kinds = sorted(rows.order_by().values_list("kind", flat=True).distinct())
    return [Conflict("kinds", tuple(kinds))] if len(kinds) > 1 else []


def _titles(seen: Eyes, thing: str) -> list[Conflict]:
    """Things with a DOI are works: in one language they have one title, in whatever spelling."""
    if not seen.identifiers().filter(thing=thing, scheme="DOI").exists():
        return []
    named = seen.namings().filter(identifier__thing=thing, kind__in=("article", "data", "software"))
    rows = named.exclude(name_key="").exclude(language="").order_by("pk")
    by_source: defaultdict[str, defaultdict[int, dict[str, str]]] = defaultdict(lambda: defaultdict(dict))
    for language, origin, key, text in rows.values_list("language", "origin", "name_key", "text")[
        :_LOOKED_AT
    ]:
        by_source[language][origin][key] = text
    made = []
    for several in by_source.values():
        titles = list(several.values())
        # A source may give other titles beside; it disagrees where none of its titles is one of the first's.
        strange = [one for one in titles[1:] if not one.keys() & titles[0].keys()]
        if strange:
            shown = dict.fromkeys((*titles[0].values(), *(text for one in strange for text in one.values())))
            made.append(Conflict("titles", tuple(shown)[:_SHOWN]))
    return made
