"""Which dataset and version an identifier of ours means."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tsunagu.core import settings
from tsunagu.data.publication import record
from tsunagu.data.publication.models import Concept, Publication
from tsunagu.standards import api as standards

_PLACE = re.compile(r"/d/([a-z0-9._-]+/[a-z0-9._-]+)(?:/v([0-9]{1,9}))?(?:[/?#].*)?")


@dataclass(frozen=True, slots=True)
class NamedRecord:
    """What a DOI stands for; number 0: all versions together, described as the newest."""

    dataset_id: str
    number: int
    doi: str
    record: standards.PublicRecord


def targets(identifiers: Iterable[str]) -> dict[str, tuple[str, int]]:
    """The identifiers that mean something published here: ULID of the dataset, and the version (0: all of them).

    Args:
        identifiers: DOIs in any spelling, or addresses.
    """
    wanted = set(identifiers)
    by_doi = {one: doi for one in wanted if (doi := standards.doi_of(one))}
    found: dict[str, tuple[str, int]] = {}
    if by_doi:
        dois = list(set(by_doi.values()))
        rows = Publication.objects.filter(doi__in=dois, record__isnull=False)
        known = {doi: (key, number) for doi, key, number in rows.values_list("doi", "dataset_id", "number")}
        concepts = Concept.objects.filter(doi__in=dois).values_list("doi", "dataset_id")
        known |= {doi: (key, 0) for doi, key in concepts}
        found |= {one: known[doi] for one, doi in by_doi.items() if doi in known}
    by_place = {one: spot for one in wanted if (spot := _place(one))}
    if by_place:
        rows = Publication.objects.filter(
            place__in={place for place, _ in by_place.values()}, record__isnull=False
        )
        standing = set(rows.values_list("place", "number", "dataset_id"))
        for one, (place, number) in by_place.items():
            keys = {key for name, version, key in standing if name == place and number in {0, version}}
            if keys:
                found[one] = (keys.pop(), number)
    return found


def _place(address: str) -> tuple[str, int] | None:
    base = settings.current().control_address
    if not address.startswith(f"{base}/"):
        return None
    match = _PLACE.fullmatch(address.removeprefix(base))
    return (match[1], int(match[2] or 0)) if match else None


def named(dataset_ids: Iterable[str]) -> Iterator[NamedRecord]:
    """What stands under the DOIs of datasets that their agencies have confirmed, oldest first: versions, then all together."""
    wanted = list(set(dataset_ids))
    rows = Publication.objects.filter(dataset_id__in=wanted, state="published", is_doi_registered=True)
    newest: dict[str, standards.PublicRecord] = {}
    for row in rows.filter(is_test_doi=False, record__isnull=False).order_by("dataset_id", "number"):
        newest[row.dataset_id] = shown = record.from_json(row.record or {})
        yield NamedRecord(row.dataset_id, row.number, row.doi, shown)
    concepts = Concept.objects.filter(dataset_id__in=list(newest), is_doi_registered=True, is_test_doi=False)
    for one in concepts.order_by("dataset_id"):
        yield NamedRecord(one.dataset_id, 0, one.doi, newest[one.dataset_id])
