"""What somebody may see of the graph, as filters inside every question: nothing is counted and left out afterwards.

A source that everybody may see shows what it says to everybody. What a dataset says is shown to those whom the rules of this
moment show the dataset, and its draft only to those who see the draft. A thing exists for those who see a source that names it,
an identifier for those who see a source that speaks of it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from tsunagu.core.ids import is_id
from tsunagu.data.datasets import api as datasets
from tsunagu.data.graph.models import Alias, Identifier, Naming, Origin, Statement, Unread
from tsunagu.foundation.identity.api import Actor


@dataclass(frozen=True, slots=True)
class Eyes:
    """Filters for one actor."""

    read: QuerySet[Any, str]
    draft: QuerySet[Any, str]

    def _seen(self, prefix: str = "origin__") -> Q:
        public = Q(**{f"{prefix}dataset_id": ""})
        # One look-up for each row that is asked about: a list of all that somebody may read can be long.
        about = OuterRef(f"{prefix}dataset_id")
        read = Q(Exists(self.read.filter(uid=about)), **{f"{prefix}needs_draft": False})
        draft = Q(Exists(self.draft.filter(uid=about)), **{f"{prefix}needs_draft": True})
        hidden = Unread.objects.filter(hides=True).values("source")
        return (public | read | draft) & ~Q(**{f"{prefix}source__in": hidden})

    def namings(self) -> QuerySet[Naming]:
        """What things are called, by sources that the actor may see."""
        return Naming.objects.filter(self._seen())

    def aliases(self) -> QuerySet[Alias]:
        """Identifiers that such sources give to one thing."""
        return Alias.objects.filter(self._seen())

    def identifiers(self) -> QuerySet[Identifier]:
        """Identifiers that such sources speak of: by which they name things, or which they give to one beside."""
        named = Exists(self.namings().filter(identifier=OuterRef("pk")))
        return Identifier.objects.filter(named | Exists(self.aliases().filter(lower=OuterRef("pk"))))

    def origins(self) -> QuerySet[Origin]:
        """These sources."""
        return Origin.objects.filter(self._seen(""))

    def statements(self) -> QuerySet[Statement]:
        """What such sources say, where both ends exist for the actor."""
        return Statement.objects.filter(self._seen(), self._named("subject"), self._named("object"))

    def _named(self, end: str) -> Exists:
        # A run may have used a dataset that only others see: its own source names it, and nobody else.
        return Exists(self.namings().filter(identifier=OuterRef(end)))

    def see_identifiers(self, uids: Collection[str]) -> bool:
        """Whether all of these stand for things that exist for the actor."""
        return all(self.thing_of(uid) for uid in uids)

    def thing_of(self, uid: str) -> str:
        """The thing that an identifier stands for; nothing where either does not exist for the actor."""
        if not is_id(uid):
            return ""
        thing = self.identifiers().filter(uid=uid).values_list("thing", flat=True).first() or ""
        return thing if thing and self.namings().filter(identifier__thing=thing).exists() else ""


def eyes(actor: Actor) -> Eyes:
    """What somebody may see now."""
    return Eyes(datasets.readable_ids(actor), datasets.readable_ids(actor, "dataset.read_draft"))
