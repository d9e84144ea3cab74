"""Who may be one person: the same name is not enough, the same name with the same surroundings is a question for people.

Only what everybody may see counts, and no record with very many parties. Proposals are a function of the rows: for each name,
all that share a piece of evidence are put to the best identifier among them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product

from django.db.models import Count, Q

from tsunagu.core import clock
from tsunagu.data.graph.claims import LOCAL, SINGLE, order
from tsunagu.data.graph.models import Identifier, Merge, Naming, Statement
from tsunagu.data.graph.records import SAME

_AT_ONCE = 400
_NAMES_AT_ONCE = 200
# A name that more people than this have says nothing about any two of them.
_MOST_NAMESAKES = 2000
_MADE_BY = ("creator", "contributor")
_PUBLIC = Q(origin__dataset_id="", origin__is_large=False)
Pair = tuple[str, str]
_Wanted = Mapping[Pair, list[dict[str, str]]]  # with the evidence


@dataclass(slots=True)
class _Person:
    row: Identifier
    homes: dict[str, str] = field(default_factory=dict)  # key -> name of an affiliation
    lists: set[tuple[int, int, str]] = field(default_factory=set)  # work, origin, relation
    works: set[int] = field(default_factory=set)
    beside: set[int] = field(default_factory=set)


def propose(touched: Iterable[int]) -> None:
    """Make the proposals anew that what was touched may have changed."""
    ids = sorted(touched)
    names: set[str] = set()
    for at in range(0, len(ids), _AT_ONCE):
        part = ids[at : at + _AT_ONCE]
        beside = Statement.objects.filter(_PUBLIC, subject__in=part, relation__in=_MADE_BY).values("object")
        named = Q(identifier__in=part) | Q(identifier__in=beside)
        rows = Naming.objects.filter(_PUBLIC, named, kind="person").exclude(name_key="")
        names |= set(rows.values_list("name_key", flat=True))
        uids = list(Identifier.objects.filter(pk__in=part).values_list("uid", flat=True))
        open_ones = Merge.objects.filter(Q(left__in=uids) | Q(right__in=uids), state="proposed")
        names |= set(open_ones.exclude(name_key="").values_list("name_key", flat=True))
        _settle(list(open_ones.filter(name_key="")), {"": _said_to_be_same(part)})
    wanted: dict[str, _Wanted] = {}
    held: list[Merge] = []
    for part_of_names in _worth_a_look(sorted(names)):
        wanted |= _of_names(part_of_names)
        held += Merge.objects.filter(name_key__in=part_of_names, state="proposed")
    _settle(held, wanted)


def _worth_a_look(names: list[str]) -> Iterator[list[str]]:
    """Those of the names that several bear, or about which something is asked already."""
    for at in range(0, len(names), _NAMES_AT_ONCE):
        part = names[at : at + _NAMES_AT_ONCE]
        counted = Naming.objects.filter(_PUBLIC, name_key__in=part, kind="person").values("name_key")
        shared = counted.annotate(n=Count("identifier", distinct=True)).filter(n__gt=1)
        asked = Merge.objects.filter(name_key__in=part, state="proposed")
        yield sorted({*shared.values_list("name_key", flat=True), *asked.values_list("name_key", flat=True)})


def _settle(held: Iterable[Merge], wanted: Mapping[str, _Wanted]) -> None:
    """Keep, make and remove open proposals, so that there are those wanted; what was decided stays decided."""
    gone, kept = [], set()
    for row in held:
        evidence = wanted.get(row.name_key, {}).get((row.left, row.right))
        if evidence is None:
            gone.append(row.pk)
            continue
        kept.add((row.name_key, row.left, row.right))
        if row.evidence != evidence:
            row.evidence = evidence
            row.save(update_fields=["evidence"])
    for at in range(0, len(gone), _AT_ONCE):
        Merge.objects.filter(pk__in=gone[at : at + _AT_ONCE]).delete()
    # After all that go: two people may share two names, and one of those is reason enough.
    new = [
        Merge(left=left, right=right, evidence=evidence, name_key=name, made_at=clock.now())
        for name, pairs in wanted.items()
        for (left, right), evidence in pairs.items()
        if (name, left, right) not in kept
    ]
    Merge.objects.bulk_create(new, batch_size=_AT_ONCE, ignore_conflicts=True)  # decided already


def _said_to_be_same(part: list[int]) -> _Wanted:
    """What a source says to be identical is one thing only when a person agrees."""
    rows = Statement.objects.filter(_PUBLIC, Q(subject__in=part) | Q(object__in=part), relation=SAME)
    return {
        (row.subject.uid, row.object.uid): [{"kind": "said", "text": row.origin.label}]
        for row in rows.select_related("subject", "object", "origin").order_by("pk")
        if row.subject.base != row.object.base
    }


def _of_names(names: list[str]) -> dict[str, _Wanted]:
    """For each name the pairs of people who bear it and share something."""
    bearers: defaultdict[str, set[int]] = defaultdict(set)
    rows = Naming.objects.filter(_PUBLIC, name_key__in=names, kind="person")
    for name, key in rows.values_list("name_key", "identifier").distinct():
        bearers[name].add(key)
    asked = {name: ids for name, ids in bearers.items() if 1 < len(ids) <= _MOST_NAMESAKES}
    people = _people(sorted({key for ids in asked.values() for key in ids}))
    shared = {name: _shared([people[key] for key in sorted(ids)]) for name, ids in asked.items()}
    words = _words({one for several in shared.values() for one in several})
    return {name: _pairs(several, words) for name, several in shared.items()}


def _shared(people: list[_Person]) -> dict[tuple[str, str], list[_Person]]:
    """What at least two of them have in common, and who."""
    found: defaultdict[tuple[str, str], list[_Person]] = defaultdict(list)
    for one in people:
        for key in one.homes:
            found["affiliation", key].append(one)
        for work in one.works:
            found["work", str(work)].append(one)
        for person in one.beside:
            found["coauthor", str(person)].append(one)
    return {key: several for key, several in found.items() if len(several) > 1}


def _pairs(shared: Mapping[tuple[str, str], list[_Person]], words: Mapping[int, str]) -> _Wanted:
    found: defaultdict[Pair, list[dict[str, str]]] = defaultdict(list)
    for (kind, key), several in sorted(shared.items()):
        best, *others = sorted(several, key=lambda one: order((one.row.scheme, one.row.value)))
        text = best.homes.get(key, "") if kind == "affiliation" else words.get(int(key), "")
        for other in others:
            if not _are_two(best, other):
                left, right = sorted((best.row.uid, other.row.uid))
                said = {"kind": kind, "text": text}
                if said not in found[left, right]:
                    found[left, right].append(said)
    return found


def _are_two(one: _Person, other: _Person) -> bool:
    """They are one already, stand side by side in one list, or have an identifier that people have one of."""
    if one.row.base == other.row.base or one.lists & other.lists:
        return True
    return one.row.scheme == other.row.scheme and one.row.scheme in SINGLE


def _people(ids: list[int]) -> dict[int, _Person]:
    people: dict[int, _Person] = {}
    for at in range(0, len(ids), _AT_ONCE):
        people |= {row.pk: _Person(row) for row in Identifier.objects.filter(pk__in=ids[at : at + _AT_ONCE])}
    for at in range(0, len(ids), _AT_ONCE):
        part = ids[at : at + _AT_ONCE]
        _add_homes(people, part)
        made = Statement.objects.filter(_PUBLIC, object__in=part, relation__in=_MADE_BY)
        for work, person, origin, relation in made.values_list("subject", "object", "origin", "relation"):
            people[person].lists.add((work, origin, relation))
            people[person].works.add(work)
    _add_beside(people)
    return people


def _add_homes(people: dict[int, _Person], part: list[int]) -> None:
    rows = Statement.objects.filter(_PUBLIC, subject__in=part, relation="affiliation")
    homes = list(rows.values_list("subject", "object", "origin", "object__scheme", "object__uid"))
    # As the same source calls it: what others call it must not change what is known of this person.
    names: dict[tuple[int, int], list[tuple[str, str]]] = defaultdict(list)
    wanted = sorted({home for _person, home, *_rest in homes})
    origins = sorted({origin for _person, _home, origin, *_rest in homes})
    # Not all that ever named a university: many do, and few of them are asked about.
    for some, several in product(_parts(wanted), _parts(origins)):
        named = Naming.objects.filter(_PUBLIC, identifier__in=some, origin__in=several).exclude(name_key="")
        rows_named = named.order_by("text").values_list("identifier", "origin", "name_key", "text")
        for home, origin, key, text in rows_named:
            names[home, origin].append((key, text))
    for person, home, origin, scheme, uid in homes:
        people[person].homes |= dict(names[home, origin])
        if scheme != LOCAL:
            people[person].homes[uid] = names[home, origin][0][1] if names[home, origin] else uid


def _parts(values: list[int]) -> list[list[int]]:
    return [values[at : at + _AT_ONCE] for at in range(0, len(values), _AT_ONCE)]


def _add_beside(people: dict[int, _Person]) -> None:
    """With whom they made things, as far as those have an identifier that others have, too."""
    works = sorted({work for one in people.values() for work in one.works})
    by_work: defaultdict[int, set[int]] = defaultdict(set)
    for at in range(0, len(works), _AT_ONCE):
        rows = Statement.objects.filter(_PUBLIC, subject__in=works[at : at + _AT_ONCE], relation__in=_MADE_BY)
        for work, person in rows.exclude(object__scheme=LOCAL).values_list("subject", "object"):
            by_work[work].add(person)
    for key, one in people.items():
        for work in one.works:
            one.beside |= by_work[work] - {key}


def _words(shared: Iterable[tuple[str, str]]) -> dict[int, str]:
    """A name for each work and each person that is evidence."""
    ids = sorted({int(key) for kind, key in shared if kind != "affiliation"})
    found: dict[int, str] = {}
    for at in range(0, len(ids), _AT_ONCE):
        rows = Naming.objects.filter(_PUBLIC, identifier__in=ids[at : at + _AT_ONCE]).exclude(text="")
        found |= dict(rows.order_by("-text").values_list("identifier", "text"))
    return found
