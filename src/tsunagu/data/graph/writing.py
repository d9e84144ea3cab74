"""Writing what sources say: a source's claims are put in the place of all that it said before."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from django.db import transaction
from django.db.models import Exists, OuterRef

from tsunagu.core import bulk, clock
from tsunagu.data.graph import proposing, resolving
from tsunagu.data.graph.claims import Key, Said, name_key, rank, uid_of
from tsunagu.data.graph.models import Alias, Form, Identifier, Merge, Naming, Origin, Statement

_AT_ONCE = 400
_MANY = 2000
_TABLES = ("graph_origin", "graph_identifier", "graph_naming", "graph_alias", "graph_statement")
_OF_SOURCE = ("dataset_id", "needs_draft", "is_large", "label", "url")


@transaction.atomic
def replace(several: Mapping[str, Iterable[Said]]) -> int:
    """Write what sources say now; how many things they touched. The same again changes nothing.

    Args:
        several: Key of the source -> what it says; nothing where it is gone.
    """
    hold()
    new: list[tuple[Origin, Said]] = []
    stale: list[Origin] = []
    gone: list[Origin] = []
    held: defaultdict[str, dict[str, Origin]] = defaultdict(dict)
    for row in Origin.objects.filter(source__in=list(several)):
        held[row.source][row.key] = row
    for source, claims in several.items():
        said = {one.key: one for one in claims}
        gone += [origin for key, origin in held[source].items() if key not in said]
        for key, one in said.items():
            found = held[source].get(key)
            if found is None or found.digest != one.digest():
                stale += [found] if found else []
                new.append((found or Origin(key=key, source=source), one))
    touched = _clear([*stale, *gone])
    Origin.objects.filter(pk__in=[origin.pk for origin in gone]).delete()
    _save(new)
    touched |= _write(new)
    if len(touched) >= _MANY:
        bulk.analyze(*_TABLES)
    if touched:
        resolving.resolve(touched)
        _drop_unused(touched)
        proposing.propose(touched)
    return len(touched)


def hold() -> None:
    """Let nobody else write the graph until this transaction ends."""
    Form.objects.get_or_create(pk=1)
    Form.objects.select_for_update().get(pk=1)


def _clear(origins: list[Origin]) -> set[int]:
    """Take away all that they said; which identifiers it was about."""
    found: set[int] = set()
    for model, names in (
        (Naming, ("identifier",)),
        (Alias, ("higher", "lower")),
        (Statement, ("subject", "object")),
    ):
        rows = model._default_manager.filter(origin__in=origins)  # noqa: SLF001 - Django's own name for it
        for name in names:
            found |= set(rows.values_list(name, flat=True).distinct())
        rows.delete()
    return found


def _save(new: list[tuple[Origin, Said]]) -> None:
    now = clock.now()
    for origin, one in new:
        for name in _OF_SOURCE:
            setattr(origin, name, getattr(one, name))
        origin.digest, origin.seen_at = one.digest(), now
    held = [origin for origin, _ in new if origin.pk]
    Origin.objects.bulk_create((origin for origin, _ in new if not origin.pk), batch_size=_AT_ONCE)
    Origin.objects.bulk_update(held, (*_OF_SOURCE, "digest", "seen_at"), batch_size=_AT_ONCE)


def _write(new: list[tuple[Origin, Said]]) -> set[int]:
    """Write what sources say that said nothing, or were cleared; which identifiers it is about."""
    ids = _ids({key for _, one in new for key in _keys(one)})
    Naming.objects.bulk_create(
        (naming for origin, one in new for naming in _namings(origin, one, ids)), batch_size=_AT_ONCE
    )
    Alias.objects.bulk_create(
        (alias for origin, one in new for alias in _aliases(origin, one, ids)), batch_size=_AT_ONCE
    )
    Statement.objects.bulk_create(
        (
            Statement(origin=origin, subject_id=ids[subject], relation=relation, object_id=ids[other])
            for origin, one in new
            for subject, relation, other in one.links
        ),
        batch_size=_AT_ONCE,
    )
    return set(ids.values())


def _keys(one: Said) -> set[Key]:
    named = {key for node in one.nodes.values() for key in (*node.keys, *node.contested)}
    return named | {key for subject, _relation, other in one.links for key in (subject, other)}


def _namings(origin: Origin, one: Said, ids: Mapping[Key, int]) -> Iterator[Naming]:
    for node in one.nodes.values():
        for key in (node.keys[0], *node.contested):
            for text, language in node.names or (("", ""),):
                yield Naming(
                    origin=origin,
                    identifier_id=ids[key],
                    kind=node.kind,
                    text=text,
                    language=language,
                    name_key=name_key(text),
                )


def _aliases(origin: Origin, one: Said, ids: Mapping[Key, int]) -> Iterator[Alias]:
    if one.dataset_id:
        return  # who may see a thing must not depend on what those say who see more: hidden sources join nothing
    for node in one.nodes.values():
        for key in node.keys[1:]:
            yield Alias(origin=origin, higher_id=ids[node.keys[0]], lower_id=ids[key])
        for key in node.contested:
            yield Alias(origin=origin, higher_id=ids[key], lower_id=ids[node.keys[0]])


def _ids(keys: Iterable[Key]) -> dict[Key, int]:
    """The rows of identifiers, made where there are none."""
    by_uid = {uid_of(key): key for key in keys}
    uids = sorted(by_uid)
    found: dict[Key, int] = {}
    for at in range(0, len(uids), _AT_ONCE):
        part = uids[at : at + _AT_ONCE]
        held = dict(Identifier.objects.filter(uid__in=part).values_list("uid", "pk"))
        Identifier.objects.bulk_create(
            Identifier(
                uid=uid,
                scheme=by_uid[uid][0],
                value=by_uid[uid][1],
                rank=rank(by_uid[uid][0]),
                base=uid,
                thing=uid,
            )
            for uid in part
            if uid not in held
        )
        held |= dict(Identifier.objects.filter(uid__in=part).values_list("uid", "pk"))
        found |= {by_uid[uid]: pk for uid, pk in held.items()}
    return found


def _drop_unused(touched: set[int]) -> None:
    """Identifiers that no source speaks of any more; what was decided of them waits for their return."""
    rows = Identifier.objects.annotate(
        is_named=Exists(Naming.objects.filter(identifier=OuterRef("pk"))),
        is_subject=Exists(Statement.objects.filter(subject=OuterRef("pk"))),
        is_object=Exists(Statement.objects.filter(object=OuterRef("pk"))),
        is_higher=Exists(Alias.objects.filter(higher=OuterRef("pk"))),
        is_lower=Exists(Alias.objects.filter(lower=OuterRef("pk"))),
    )
    unused = rows.filter(is_named=False, is_subject=False, is_object=False, is_higher=False, is_lower=False)
    keys = sorted(touched)
    bases: set[str] = set()
    for at in range(0, len(keys), _AT_ONCE):
        part = list(unused.filter(pk__in=keys[at : at + _AT_ONCE]))
        uids = {row.uid for row in part}
        for side in ("left", "right"):
            Merge.objects.filter(**{f"{side}__in": uids}, state="proposed").delete()
        bases |= _neighbours(uids)
        Identifier.objects.filter(pk__in=[row.pk for row in part]).delete()
    resolving.regroup(bases)


def _neighbours(uids: set[str]) -> set[str]:
    """The things that accepted merges had joined to identifiers that go; without them they may fall apart."""
    others: set[str] = set()
    for side, other in (("left", "right"), ("right", "left")):
        rows = Merge.objects.filter(**{f"{side}__in": uids}, state="accepted")
        others |= set(rows.values_list(other, flat=True))
    return set(Identifier.objects.filter(uid__in=others - uids).values_list("base", flat=True))
