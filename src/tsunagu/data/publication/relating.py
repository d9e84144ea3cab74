"""What others said of a published version, once somebody here has confirmed it; it becomes part of the public record."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction

from tsunagu.data.publication import behind, publishing, selectors, steps
from tsunagu.data.publication.errors import BadRequestError, WrongStateError
from tsunagu.data.publication.models import Publication, StatedRelation
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy

_LONGEST_ADDRESS = 500


def published_version(dataset_id: str, number: int) -> str:
    """ULID of the publication that is public under this number, of the newest one for 0; empty where there is none."""
    rows = Publication.objects.filter(dataset_id=dataset_id, state="published")
    rows = rows.filter(number=number) if number else rows
    return str(rows.order_by("-number").values_list("uid", flat=True).first() or "")


def require_tending(actor: Actor, publication_id: str) -> None:
    """Go on only for those who decide what the record says besides the version: its curators, and who may ask for it.

    Raises:
        NoPublicationError: there is none, or the actor may not see it.
        ActionDeniedError: the actor neither owns the dataset nor reviews for the institution.
    """
    _require(actor, selectors.row_for(actor, publication_id))


def tended_by(actor: Actor, publication_ids: Iterable[str]) -> set[str]:
    """Those of some publications for which ``require_tending`` lets somebody go on."""
    rows = Publication.objects.select_related("institution").filter(pk__in=set(publication_ids))
    return {
        row.pk for row in rows.defer("record", "ready") if selectors.sees(actor, row) and _tends(actor, row)
    }


def _tends(actor: Actor, row: Publication) -> bool:
    resource = selectors.resource_of(row)
    return any(policy.decide(actor, f"publication.{name}", resource) for name in ("request", "review"))


def _require(actor: Actor, row: Publication) -> None:
    if not _tends(actor, row):
        policy.require(actor, "publication.review", selectors.resource_of(row))


@transaction.atomic
def relate(actor: Actor, publication_id: str, relation: str, address: str, source: str) -> None:
    """Have the record of a published version name something else; what stands there already stays.

    Args:
        actor: A curator, or who may ask for the publication.
        publication_id: ULID.
        relation: One of ``RELATION_TYPES``.
        address: Of the other thing: http or https, a DOI in full.
        source: Who said so, at most 200 characters; part of the run, not of the record.

    Raises:
        NoPublicationError, ActionDeniedError: as for ``require_tending``.
        WrongStateError: it is not public.
        BadRequestError: the relation or the address cannot be.
    """
    row = selectors.row_for(actor, publication_id, locks=True)
    _require(actor, row)
    if row.state != "published":
        raise WrongStateError("Only a published version can be related.", state=row.state)
    if relation not in behind.RELATION_TYPES:
        raise BadRequestError(
            f"{relation[:40]!r} is no relation.", remedy=f"Use {', '.join(behind.RELATION_TYPES)}."
        )
    if not address.startswith(("https://", "http://")) or len(address) > _LONGEST_ADDRESS:
        raise BadRequestError(f"{address[:100]!r} is no address.", field="address")
    StatedRelation.objects.get_or_create(publication=row, relation=relation, address=address)
    steps.note_step(actor, row, "relate", said={"relation": relation, "source": source[:200]})
    publishing.change([row])


@transaction.atomic
def unrelate(actor: Actor, publication_id: str, relation: str, address: str) -> None:
    """Take such a relation out of the record again. Raises NoPublicationError, ActionDeniedError as ``require_tending``."""
    row = selectors.row_for(actor, publication_id, locks=True)
    _require(actor, row)
    gone, _ = row.stated_relations.filter(relation=relation, address=address).delete()
    if gone:
        steps.note_step(actor, row, "unrelate", said={"relation": relation})
        if row.state == "published":
            publishing.change([row])
