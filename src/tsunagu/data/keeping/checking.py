"""What ``verify`` says of keeping: promises against the ledger, tombstones against their names, damage that is left."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from tsunagu.core import clock
from tsunagu.data.datasets import api as datasets
from tsunagu.data.datasets.api import DatasetCard
from tsunagu.data.keeping.models import LegalHold, Retention
from tsunagu.foundation.ledger import api as ledger
from tsunagu.foundation.storage import api as storage


@dataclass(frozen=True, slots=True)
class NodeReport:
    """What was looked at for the node as a whole, and what is wrong, in words."""

    tombstone_count: int
    waiting_count: int
    problems: tuple[str, ...]


def check_node() -> NodeReport:
    """Damage that no copy could repair, and tombstones whose records do not hash to their names."""
    stands = storage.behind()
    count, wrong = datasets.check_tombstones()
    damaged = [
        f"The object {key} is damaged and no copy could repair it." for key in storage.checkup().damaged_keys
    ]
    return NodeReport(count, stands.waiting_count if stands.is_set else 0, (*wrong, *damaged))


def problems(card: DatasetCard) -> Iterator[str]:
    """Retentions and holds that do not say what the ledger says: somebody changed them behind the node's back."""
    size = ledger.size()
    promised: dict[tuple[int, str], str] = {}
    held: set[str] = set()
    for entry in (
        *ledger.entries_about(card.id, below=size),
        *ledger.entries_about(card.project_id, below=size),
    ):
        said = json.loads(entry.body)
        if entry.kind == "run" and said["what"] == "retain":
            told = said["parameters"]
            promised[told["version"], told["source"]] = told["until"]
        elif entry.kind == "hold":
            held.add(said["hold"])
        elif entry.kind == "hold_lifted":
            held.discard(said["hold"])
    rows = Retention.objects.filter(dataset_id=card.id)
    kept = {(row.version, row.source): clock.isoformat(row.until) for row in rows}
    for key, until in promised.items():
        if kept.get(key) != until:
            yield (
                f"The ledger says that {card.slug} is kept until {until}; "
                f"the database says {kept.get(key, 'nothing')}."
            )
    standing = LegalHold.objects.filter(uid__in=held, lifted_at=None).count()
    if standing != len(held):
        yield f"The ledger knows {len(held)} legal holds on {card.slug}; the database has {standing} of them."
