"""Articles with the data behind them, and how far immediate open access is.

The duty (for articles of grants whose calls opened in fiscal year 2025 or later) is followed, never enforced: an article
may stay closed for a reason that is on record, and is due again when the reason ends.

Source: 学術論文等の即時オープンアクセスの実現に向けた基本方針 (2024-02-16), its measures and FAQ (2024-10-08).
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.db import transaction
from django.db.models.fields.json import KT

from tsunagu.core import clock, settings
from tsunagu.core.errors import NotFoundError
from tsunagu.data.datasets import api as datasets
from tsunagu.data.publication import behind, naming, publishing, record, selectors, steps
from tsunagu.data.publication.errors import BadRequestError, WrongStateError
from tsunagu.data.publication.institutions import curated_by
from tsunagu.data.publication.models import DataBehind, Publication
from tsunagu.data.publication.types import ArticleLine, OpenAccess
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy
from tsunagu.standards import api as standards

# COAR's versions, as JPCOAR writes them.
TEXT_VERSIONS = ("AM", "VoR", "SMUR", "AO", "P", "CVoR", "EVoR", "NA")
REASONS = ("publisher_embargo", "policy_unclear", "apc", "evidence_data_restricted", "other")
DUTIES = ("", "yes", "no")
_TEXTS = {
    "journal": 300,
    "volume": 50,
    "issue": 50,
    "first_page": 50,
    "last_page": 50,
    "no_data": 1000,
    "reason": 1000,
}
_ISSN = re.compile(r"\d{4}-\d{3}[\dX]\Z")
_PLACE = re.compile(r"(?P<place>[^/@\s]+/[^/@\s]+)(?:@v?(?P<number>\d{1,9}))?\Z")
_LISTED = 500


def read(actor: Actor, wish: Mapping[str, Any]) -> tuple[dict[str, Any], list[DataBehind]]:
    """What was said of an article, checked; the data behind it as rows that are not saved yet.

    Args:
        actor: Who says it; data of this node are named only by those who may see them.
        wish: ``text_version``, ``doi`` (the publisher's), ``journal``, ``issn``, ``volume``, ``issue``, ``first_page``,
            ``last_page``, ``published_on``, ``duty`` (``yes``, ``no`` or empty: nobody said), ``reason_code``,
            ``reason``, ``planned_on``, ``no_data`` (why there is none), ``data`` (places, DOIs or addresses).

    Raises:
        BadRequestError: a value cannot be.
    """
    said = {name: " ".join(str(wish.get(name) or "").split())[:most] for name, most in _TEXTS.items()}
    version = str(wish.get("text_version") or "")
    if version not in TEXT_VERSIONS:
        raise BadRequestError(
            "An article needs the version of its manuscript.",
            remedy=f"Use {', '.join(TEXT_VERSIONS)}; the accepted manuscript is AM.",
            field="text_version",
        )
    doi = _doi(str(wish.get("doi") or ""))
    issn = str(wish.get("issn") or "").strip().upper()
    if issn and not _ISSN.match(issn):
        raise BadRequestError(
            f"{issn[:20]!r} is no ISSN.", remedy="An ISSN looks like 1234-567X.", field="issn"
        )
    for name, known in (("duty", DUTIES), ("reason_code", ("", *REASONS))):
        if str(wish.get(name) or "") not in known:
            raise BadRequestError(
                f"{wish[name]!r} is no {name}.", remedy=f"Use {', '.join(filter(None, known))}."
            )
    days = {name: _day(str(wish.get(name) or ""), name) for name in ("published_on", "planned_on")}
    kept = {**said, **days, "text_version": version, "doi": doi, "issn": issn}
    kept |= {name: str(wish.get(name) or "") for name in ("duty", "reason_code")}
    named = _several(wish.get("data"))
    own = _published(named)
    several = (own.get(one) or _row(actor, one) for one in named)
    rows = {(one.dataset_id, one.number, one.address): one for one in several}
    return {name: value for name, value in kept.items() if value}, list(rows.values())


def _doi(text: str) -> str:
    doi = standards.doi_of(text)
    if text.strip() and not doi:
        raise BadRequestError(
            f"{text[:100]!r} is no DOI.", remedy="A DOI looks like 10.1234/abc.", field="doi"
        )
    return doi


def _day(text: str, field: str) -> str:
    try:
        return dt.date.fromisoformat(text.strip()).isoformat() if text.strip() else ""
    except ValueError:
        raise BadRequestError(
            f"{text[:20]!r} is no date.", remedy="Write a date as 2027-04-01.", field=field
        ) from None


def _several(value: Any) -> list[str]:
    found = value if isinstance(value, list) else str(value or "").splitlines()
    kept = list(dict.fromkeys(str(one).strip() for one in found if str(one).strip()))
    if len(kept) > behind.MOST_DATA:
        raise BadRequestError(f"An article names at most {behind.MOST_DATA} data behind it.", field="data")
    return kept


def _published(named: Iterable[str]) -> dict[str, DataBehind]:
    """Those DOIs and addresses that mean a version which is public here; of all versions together, the newest."""
    spots = naming.targets(named)
    rows = Publication.objects.filter(dataset_id__in={key for key, _ in spots.values()}, state="published")
    places = {
        (key, number): place for key, number, place in rows.values_list("dataset_id", "number", "place")
    }
    newest: dict[str, int] = {}
    for key, number in places:
        newest[key] = max(number, newest.get(key, 0))
    found = {}
    for one, (key, version) in spots.items():
        number = version or newest.get(key, 0)
        if (key, number) in places:
            found[one] = DataBehind(dataset_id=key, place=places[key, number], number=number)
    return found


def _row(actor: Actor, said: str) -> DataBehind:
    if doi := standards.doi_of(said):
        return DataBehind(address=f"https://doi.org/{doi}")
    if re.match(r"https?://\S+\Z", said):
        return DataBehind(address=said[:500])
    match = _PLACE.match(said)
    if match is None:
        raise BadRequestError(
            f"{said[:100]!r} names no data.",
            remedy="Name a dataset as PROJECT/DATASET@VERSION, a DOI or an address.",
            field="data",
        )
    project, _slash, name = match["place"].partition("/")
    try:
        card = datasets.get_dataset(actor, project, name)
    except NotFoundError as error:
        raise BadRequestError(error.message, remedy=error.remedy, field="data") from error
    number = int(match["number"] or card.last_version)
    if not 1 <= number <= card.last_version:
        raise BadRequestError(
            f"{card.slug} has no frozen version {number}."
            if number
            else f"{card.slug} has no frozen version.",
            remedy="Freeze the data first, or name another version.",
            field="data",
        )
    return DataBehind(dataset_id=card.id, place=card.slug, number=number)


def open_access(row: Publication, *, is_open: bool) -> OpenAccess:
    """How far the duty of immediate open access is.

    Args:
        row: The publication of an article.
        is_open: Whether anybody may read its files now.
    """
    said = row.article
    published = said.get("published_on", "")
    today = clock.now().date()
    age = (today - dt.date.fromisoformat(published)).days if published else 0
    grace = settings.current().oa_grace_days
    planned = said.get("planned_on", "")
    if is_open:
        status = "open"
    elif said.get("duty") == "no":
        status = "exempt"
    elif not said.get("reason_code"):
        status = "overdue" if published and age > grace else "due"
    elif planned and dt.date.fromisoformat(planned) < today:
        status = "due"  # the reason has ended
    else:
        status = "delayed"
    return OpenAccess(
        status, published, max(age, 0), said.get("reason_code", ""), said.get("reason", ""), planned
    )


def list_articles(actor: Actor, *, status: str = "") -> list[ArticleLine]:
    """Articles of one's institutions with how far each is, those that need somebody first.

    Args:
        actor: A curator; sees the institutions that are theirs.
        status: ``overdue``, ``due``, ``delayed``, ``open`` or ``exempt``; empty: all.
    """
    return follow_articles(actor, status=status)[0]


def follow_articles(actor: Actor, *, status: str = "") -> tuple[list[ArticleLine], dict[str, int]]:
    """The same, and how many there are of each status."""
    order = ("overdue", "due", "delayed", "exempt", "open")
    every = list(_followed(actor))
    found = [(row, access) for row, access in every if status in {"", access.status}]
    # Which come first is known of all of them only: cut after that.
    found.sort(key=lambda one: (order.index(one[1].status), -one[1].age_days))
    found = found[:_LISTED]
    behind_it = DataBehind.objects.filter(publication__in=[row.pk for row, _ in found])
    data_counts = Counter(behind_it.values_list("publication", flat=True))
    lines = [
        ArticleLine(card, access, row.article, data_counts[row.pk])
        for (row, access), card in zip(found, selectors.cards(row for row, _ in found), strict=True)
    ]
    return lines, Counter(access.status for _, access in every)


def _followed(actor: Actor) -> Iterator[tuple[Publication, OpenAccess]]:
    rows = Publication.objects.select_related("institution").filter(
        institution__name__in=curated_by(actor), resource_type__in=behind.TYPES
    )
    rows = rows.exclude(state__in=("rejected", "withdrawn", "moved")).defer("record", "ready", "corrected")
    access_now = KT("record__access")
    for row in rows.annotate(access_now=access_now).order_by("-changed_at").iterator(chunk_size=500):
        if policy.decide(actor, "publication.review", selectors.resource_of(row)):
            is_open = row.state == "published" and row.access_now == record.RIGHTS["open"]
            yield row, open_access(row, is_open=is_open)


def _is_open(row: Publication) -> bool:
    return row.state == "published" and (row.record or {}).get("access") == record.RIGHTS["open"]


@transaction.atomic
def write(actor: Actor, publication_id: str, wish: Mapping[str, Any]) -> OpenAccess:
    """Say anew what there is to say of an article: its journal, the data behind it, why it is not open yet.

    A published record changes with it, and so do those of the data.

    Raises:
        NoPublicationError: there is none, or the actor may not see it.
        ActionDeniedError: the actor neither owns the dataset nor reviews for the institution.
        WrongStateError: it is no article, or one that was withdrawn or refused.
        BadRequestError: a value cannot be.
    """
    row = selectors.row_for(actor, publication_id, locks=True)
    resource = selectors.resource_of(row)
    if not policy.decide(actor, "publication.request", resource):
        policy.require(actor, "publication.review", resource)
    if not behind.is_article(row.resource_type) or row.state in {"withdrawn", "rejected", "moved"}:
        raise WrongStateError("Only an article that stands can be described as one.", state=row.state)
    said, rows = read(actor, wish)
    before = behind.neighbours(row)
    row.article = said
    row.save(update_fields=["article"])
    keep(row, rows)
    steps.note_step(
        actor, row, "article", said={"open_access": open_access(row, is_open=_is_open(row)).status}
    )
    if row.state == "published":
        publishing.change([row, *before, *behind.neighbours(row)])
    return open_access(row, is_open=_is_open(row))


def keep(row: Publication, rows: Iterable[DataBehind]) -> None:
    """Have an article rest on these data, and on no others."""
    row.data_behind.all().delete()
    for one in rows:
        one.publication = row
    DataBehind.objects.bulk_create(rows)


def details(actor: Actor, publication_id: str) -> ArticleLine | None:
    """What is said of an article; None of data.

    Raises:
        NoPublicationError: there is none, or the actor may not see it.
    """
    row = selectors.row_for(actor, publication_id)
    if not behind.is_article(row.resource_type):
        return None
    data = names_of(row.data_behind.order_by("pk"))
    said = {**row.article, "data": "\n".join(data)}
    return ArticleLine(selectors.cards([row])[0], open_access(row, is_open=_is_open(row)), said, len(data))


def names_of(rows: Iterable[DataBehind]) -> list[str]:
    """The data behind an article as a form takes them."""
    return [one.address or f"{one.place}@{one.number}" for one in rows]
