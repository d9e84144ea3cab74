"""What the room listens to. A change is noted in the transaction that makes it (docs/adr/0064)."""

from __future__ import annotations

from tsunagu.core import events
from tsunagu.data.graph import indexing
from tsunagu.data.graph.sources import DATASET, PUBLICATION, RECORD


@events.witness("datasets.created")
@events.witness("datasets.described")
@events.witness("datasets.files_changed")
def note_change(dataset_id: str, **_more: object) -> None:
    """A dataset says something else, or something happened to it."""
    indexing.note([f"{DATASET}:{dataset_id}"], hides=False)


@events.witness("datasets.frozen")
@events.witness("datasets.access_changed")
@events.witness("datasets.removed")
@events.witness("datasets.sealing_begun")
@events.witness("datasets.sealed")
@events.witness("datasets.shredded")
def note_rules(dataset_id: str, **_more: object) -> None:
    """Others may see what a dataset says than before, or less of it."""
    indexing.note([f"{DATASET}:{dataset_id}"], hides=True)


@events.witness("publication.recorded")
def note_publication(publication: str) -> None:
    """A public record of ours is another one, or is withdrawn."""
    indexing.note([f"{PUBLICATION}:{publication}"], hides=True)


@events.witness("harvesting.changed")
def note_records(ids: list[int]) -> None:
    """Records of another repository came, changed or went."""
    indexing.note([f"{RECORD}:{one}" for one in ids], hides=False)
