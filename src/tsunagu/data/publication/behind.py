"""Articles and the data behind them, as their records name each other."""

from __future__ import annotations

from collections.abc import Iterator

from tsunagu.core import settings
from tsunagu.data.publication.models import DataBehind, Publication
from tsunagu.standards import api as standards

TYPES = ("journal article", "data paper", "conference paper", "review article", "departmental bulletin paper")
FINAL = frozenset(("VoR", "CVoR", "EVoR"))
MOST_DATA = 100
# What anybody can go to: here, or at the node to which it was moved.
PUBLIC = ("published", "moved")
# What a confirmed statement of another service may make of a version (relating.py): words of DataCite and JPCOAR.
RELATION_TYPES = (
    "isReferencedBy",
    "references",
    "isCitedBy",
    "cites",
    "isSupplementTo",
    "isSupplementedBy",
    "isDerivedFrom",
    "isSourceOf",
    "isReviewedBy",
)


def landing_address(place: str, number: int = 0) -> str:
    """The public page of a version, or of the dataset."""
    address = f"{settings.current().control_address}/d/{place}"
    return f"{address}/v{number}" if number else address


def related(kind: str, other: Publication) -> standards.Relation:
    """Another publication of this node by its DOI, or by its page while no agency has confirmed one."""
    if other.is_doi_registered and not other.is_test_doi:
        return standards.Relation(kind, "DOI", f"https://doi.org/{other.doi}")
    return standards.Relation(kind, "URI", other.moved_to or landing_address(other.place, other.number))


def is_article(resource_type: str) -> bool:
    """Whether a publication of this kind is text with data behind it, and not data."""
    return resource_type in TYPES


def relations(row: Publication) -> Iterator[standards.Relation]:
    """How an article hangs together with its published form and the data behind it."""
    said = row.article
    if said.get("doi"):
        kind = "isIdenticalTo" if said["text_version"] in FINAL else "isVersionOf"
        yield standards.Relation(kind, "DOI", f"https://doi.org/{said['doi']}")
    for one in row.data_behind.order_by("pk"):
        if one.address:
            scheme = "DOI" if standards.doi_of(one.address) else "URI"
            yield standards.Relation("isSupplementedBy", scheme, one.address)
            continue
        own = Publication.objects.filter(
            dataset_id=one.dataset_id, number=one.number, state__in=PUBLIC
        ).first()
        if own is not None:  # what is not public is not named to the public
            yield related("isSupplementedBy", own)


def stated(row: Publication) -> Iterator[standards.Relation]:
    """What other services said of it and somebody here confirmed."""
    for one in row.stated_relations.order_by("pk"):
        yield standards.Relation(one.relation, "DOI" if standards.doi_of(one.address) else "URI", one.address)


def articles_of(row: Publication) -> Iterator[standards.Relation]:
    """Published articles that rest on a published version of data."""
    rows = DataBehind.objects.filter(dataset_id=row.dataset_id, number=row.number)
    for one in (
        rows.filter(publication__state__in=PUBLIC).select_related("publication").order_by("pk")[:MOST_DATA]
    ):
        yield related("isSupplementTo", one.publication)


def neighbours(row: Publication) -> list[Publication]:
    """Publications whose records name this one as an article, or as the data behind one."""
    behind = row.data_behind.values_list("dataset_id", "number")
    keys = {pair for pair in behind if pair[0]}
    rows = Publication.objects.filter(state="published").exclude(pk=row.pk)
    data = [
        found
        for dataset_id, number in sorted(keys)
        if (found := rows.filter(dataset_id=dataset_id, number=number).first())
    ]
    texts = rows.filter(data_behind__dataset_id=row.dataset_id, data_behind__number=row.number)
    return [*data, *texts.distinct()[:MOST_DATA]]
