"""Records of other repositories as the graph hears of them, and the graph as plain values."""

from __future__ import annotations

import dataclasses
from typing import Any

from tests import harvest_world as world
from tsunagu.core import clock
from tsunagu.data.graph import api as graph
from tsunagu.data.graph.models import Alias, Identifier, Merge, Naming, Statement
from tsunagu.data.harvesting import answers, rounds
from tsunagu.data.harvesting.models import Source
from tsunagu.standards import api as standards

YAMADA = "0000-0002-1825-0097"
SUZUKI = "0000-0001-5109-3700"
TOHOKU = "https://ror.org/01dq60k83"


def a_source(name: str = "kita") -> Source:
    """A repository that is harvested."""
    row = Source.objects.create(
        name=name, url=f"https://{name}.example.ac.jp/oai", prefix="jpcoar_2.0", title=f"{name}リポジトリ",
        made_by="0" * 26, made_at=clock.now(), due_at=clock.now(),
    )  # fmt: skip
    rounds.begin(row)
    return row


def came(source: Source, *records: Any, deleted: Any = (), stamp: str = "2026-04-01T00:00:00Z") -> None:
    """A page of the source as a round takes it, and the graph brought up to date."""
    items = [(one.id, False, standards.to_jpcoar(one)) for one in records]
    items += [(key, True, b"") for key in deleted]
    rounds._keep(
        source,
        [answers.Item(f"oai:{source.name}:{key}", stamp, gone, (), content) for key, gone, content in items],
    )
    graph.catch_up()


def person(name: str, *, orcid: str = "", home: str = "", ror: str = "", more: Any = ()) -> standards.Party:
    """Somebody as a record names them."""
    ids = [standards.PartyId("ORCID", orcid, f"https://orcid.org/{orcid}")] if orcid else []
    ids += [standards.PartyId(*one) for one in more]
    homes = ()
    if home:
        known = (standards.PartyId("ROR", ror, ror),) if ror else ()
        homes = (standards.Party((standards.Text(home, "ja"),), is_organization=True, ids=known),)
    return standards.Party((standards.Text(name, "ja"),), ids=tuple(ids), affiliations=homes)


def record(number: int, *creators: standards.Party, **more: Any) -> standards.PublicRecord:
    """A record of some people."""
    return world.a_record(number, **{"creators": creators, **more})


def article(number: int, *creators: standards.Party, **more: Any) -> standards.PublicRecord:
    """A journal article of some people."""
    return record(
        number,
        *creators,
        **{"resource_type": "journal article", "dates": (), "doi": f"10.1234/art{number}", **more},
    )


def only(actor: Any, identifier: str) -> graph.Card:
    """The one thing that an identifier means."""
    (found,), _more = graph.find(actor, identifier=identifier)
    return found


def around(actor: Any, identifier: str) -> dict[tuple[str, bool], set[str]]:
    """Names of the neighbours of a thing by relation and direction."""
    thing = graph.get_thing(actor, only(actor, identifier).uid)
    return {
        (group.relation, group.is_from): {name_of(one.card) for one in group.neighbours}
        for group in thing.groups
    }


def name_of(card: graph.Card) -> str:
    """The name in Japanese, else any, else an identifier."""
    if not card.names:
        return card.identifiers[0].value
    return {one.language: one.text for one in reversed(card.names)}.get("ja") or card.names[0].text


def everything() -> dict[str, Any]:
    """The whole graph without database keys, the same for the same sources and decisions."""
    return {
        "identifiers": sorted(Identifier.objects.values_list("scheme", "value", "base", "thing")),
        "namings": sorted(
            Naming.objects.values_list("origin__key", "identifier__uid", "kind", "text", "language")
        ),
        "aliases": sorted(Alias.objects.values_list("origin__key", "higher__uid", "lower__uid")),
        "statements": sorted(
            Statement.objects.values_list("origin__key", "subject__uid", "relation", "object__uid")
        ),
        "merges": sorted(Merge.objects.values_list("left", "right", "state")),
    }


replaced = dataclasses.replace
