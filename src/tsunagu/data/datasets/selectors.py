"""Reading projects and datasets; every list goes through ``policy.visible``."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import Any, cast

from django.db import connection
from django.db.models import F, Q, QuerySet
from django.db.models.fields.json import KT

from tsunagu.core import clock
from tsunagu.core.errors import NotFoundError
from tsunagu.data.datasets import tombstones
from tsunagu.data.datasets.models import BuriedVersion, Dataset, Interval, Project, Version
from tsunagu.data.datasets.resources import resource_of
from tsunagu.data.datasets.types import DatasetCard, Difference, ProjectCard
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy
from tsunagu.foundation.runs.api import Link, RunCard

_LIST_FIELDS = (
    "id", "uid", "project_id", "project__name", "name", "title", "access", "embargo_until_s", "key_domain", "seal_state", "draft_number",
    "has_frozen", "last_released", "has_unreleased", "is_description_changed", "live_count", "live_bytes", "created_by", "created_at", "updated_at",
)  # fmt: skip
# Of the description a list needs the other titles only; descriptions can be long.
_LIST_TITLES = {name: KT(f"described__{name}__value") for name in ("title_ja", "title_en")}


def project_card(row: Project) -> ProjectCard:
    """A project row as others see it."""
    return ProjectCard(row.uid, row.name, row.title, row.description, clock.isoformat(row.created_at))


def any_project(name: str) -> ProjectCard:
    """A project by name, without asking the rules: the caller does.

    Raises:
        NotFoundError: there is none.
    """
    row = Project.objects.filter(name=name).first()
    if row is None:
        raise NotFoundError(f"There is no project {name}, or you may not see it.", project=name)
    return project_card(row)


def get_project(actor: Actor, name: str) -> ProjectCard:
    """A project that the actor may read.

    Raises:
        NotFoundError: there is none, or the actor may not see it.
    """
    card = any_project(name)
    if not policy.decide(actor, "project.read", card.resource):
        raise NotFoundError(f"There is no project {name}, or you may not see it.", project=name)
    return card


def project_to(actor: Actor, name: str, action: str) -> ProjectCard:
    """A project to which the actor may do something.

    Raises:
        NotFoundError: there is none, or the actor may not see it; the words are the same.
        ActionDeniedError: the actor sees it and may not do this.
    """
    card = any_project(name)
    try:
        policy.require(actor, action, card.resource)
    except NotFoundError:
        raise NotFoundError(f"There is no project {name}, or you may not see it.", project=name) from None
    return card


def projects_by_id(ids: Iterable[str]) -> list[ProjectCard]:
    """Projects by ULID in order of their names, without asking the rules: the caller does."""
    return [project_card(row) for row in Project.objects.filter(pk__in=list(ids)).order_by("name")]


def visible_names(actor: Actor, ids: Iterable[str]) -> dict[str, str]:
    """ULID -> ``PROJECT/DATASET`` of those of the datasets that the actor may see."""
    ids = set(ids)
    rows = Dataset.objects.filter(policy.visible(actor, "dataset").q, uid__in=ids)
    found = {
        uid: f"{project}/{name}" for uid, project, name in rows.values_list("uid", "project__name", "name")
    }
    # A destroyed dataset keeps its place in the provenance of others.
    return found | (tombstones.visible_names(actor, ids.difference(found)) if len(found) < len(ids) else {})


def readable_ids(actor: Actor, action: str = "") -> QuerySet[Any, str]:
    """ULIDs of the datasets that the actor may read, or do something else with, as a filter inside a query.

    For rows of higher rooms that name datasets: what they show follows the rules of this moment, counts too.
    """
    return Dataset.objects.filter(policy.visible(actor, "dataset", action).q).values_list("uid", flat=True)


def visible_links(actor: Actor, card: DatasetCard, several: Iterable[RunCard]) -> list[RunCard]:
    """Runs of a dataset without id and label where they used another one that the actor may not see."""
    several = list(several)
    links = [link for run in several for link in run.links]
    hashes = [link.id for link in links if link.kind == "version"]
    owners = dict(Version.objects.filter(version_hash__in=hashes).values_list("version_hash", "dataset__uid"))
    buried = BuriedVersion.objects.filter(version_hash__in=set(hashes).difference(owners))
    owners |= dict(buried.values_list("version_hash", "tombstone_id"))
    owners |= {link.id: link.id for link in links if link.kind == "dataset"}
    others = {owner for owner in owners.values() if owner != card.id}
    hidden = others.difference(visible_names(actor, others)) if others else set()

    def shown(link: Link) -> Link:
        return Link(link.direction, link.kind, "") if owners.get(link.id) in hidden else link

    return [replace(run, links=tuple(shown(link) for link in run.links)) for run in several]


def list_projects(actor: Actor, *, after: str = "", limit: int = 50) -> list[ProjectCard]:
    """Projects of the actor by name, after the name given."""
    rows = Project.objects.filter(policy.visible(actor, "project").q, name__gt=after).order_by("name")
    return [project_card(row) for row in rows[:limit]]


def get_dataset(actor: Actor, project: str, name: str) -> DatasetCard:
    """A dataset that the actor may read or push to.

    Raises:
        NotFoundError: there is none, or the actor may not know of it.
    """
    row = Dataset.objects.select_related("project").filter(project__name=project, name=name).first()
    if row is None:
        tombstones.refuse_removed(actor, project__name=project, name=name)
    return _guarded(actor, row, f"{project}/{name}")


def get_dataset_by_id(actor: Actor, dataset_id: str) -> DatasetCard:
    """The same by ULID.

    Raises:
        NotFoundError: there is none, or the actor may not know of it.
    """
    row = Dataset.objects.select_related("project").filter(uid=dataset_id).first()
    if row is None:
        tombstones.refuse_removed(actor, pk=dataset_id)
    return _guarded(actor, row, dataset_id)


def _guarded(actor: Actor, row: Dataset | None, name: str) -> DatasetCard:
    missing = f"There is no dataset {name}, or you may not see it."
    if row is None:
        raise NotFoundError(missing, dataset=name)
    resource = resource_of(row)
    reading = policy.decide(actor, "dataset.read", resource)
    if not reading and not (pushing := policy.decide(actor, "dataset.push", resource)):
        policy.challenge(actor, reading, pushing)
        raise NotFoundError(missing, dataset=name)
    sees_draft = bool(policy.decide(actor, "dataset.read_draft", resource))
    return dataset_card(
        row,
        sees_draft=sees_draft,
        sees_unreleased=sees_draft or _sees_unreleased(actor, resource, has_unreleased=row.has_unreleased),
    )


def _sees_unreleased(actor: Actor, resource: policy.Resource, *, has_unreleased: bool) -> bool:
    """Whether somebody would read the dataset also if it were closed: by a role, and not because it is open."""
    if not has_unreleased:
        return True
    return bool(policy.decide(actor, "dataset.read", replace(resource, access=policy.Access.CLOSED)))


def _closed(row: dict[str, Any]) -> policy.Resource:
    return policy.Resource("dataset", row["uid"], project_id=row["project_id"], has_frozen=row["has_frozen"])


def locked_row(dataset_id: str) -> Dataset:
    """A dataset's row for a change in the running transaction.

    Raises:
        NotFoundError: there is none; it was destroyed, perhaps while a push went on.
    """
    row = Dataset.objects.select_for_update().filter(uid=dataset_id).first()
    if row is None:
        raise NotFoundError(f"There is no dataset {dataset_id}, or you may not see it.", dataset=dataset_id)
    return row


def lock_dataset(actor: Actor, dataset_id: str) -> DatasetCard:
    """A dataset that nobody else changes until the running transaction ends.

    Raises:
        NotFoundError: there is none, or the actor may not know of it.
    """
    locked_row(dataset_id)
    return get_dataset_by_id(actor, dataset_id)


def has_unfrozen_files(dataset: DatasetCard) -> bool:
    """Whether files of the draft differ from the last version; the caller has asked the rules."""
    here = Q(since=dataset.draft_number) | Q(until=dataset.draft_number)
    return Interval.objects.filter(here, dataset_id=dataset.row_id, row_count__gt=0).exists()


def find_project(name: str) -> str:
    """The ULID of a project, empty when there is none; says nothing to anybody who has not asked the rules."""
    return Project.objects.filter(name=name).values_list("pk", flat=True).first() or ""


def find_dataset(project: str, name: str) -> str | None:
    """ULID of a dataset by name, without asking the rules: the caller does."""
    return Dataset.objects.filter(project__name=project, name=name).values_list("uid", flat=True).first()


def dataset_ids(project_id: str) -> list[str]:
    """ULIDs of every dataset of a project, without asking the rules: the caller does."""
    return list(Dataset.objects.filter(project_id=project_id).values_list("uid", flat=True))


def list_datasets(
    actor: Actor, *, project_id: str = "", after: str = "", limit: int = 50
) -> tuple[list[DatasetCard], str]:
    """Datasets that the actor may see, last changed first.

    Args:
        actor: Who looks.
        project_id: Only those of a project.
        after: What the call before returned.
        limit: How many.

    Returns:
        The datasets, and the text that continues the list (empty at its end).
    """
    scope = _after(after) & (Q(project_id=project_id) if project_id else Q())
    ids = _newest(policy.visible(actor, "dataset"), scope, limit + 1)
    rows = {
        row["id"]: row for row in Dataset.objects.filter(pk__in=ids).values(*_LIST_FIELDS, **_LIST_TITLES)
    }
    newest = [rows[key] for key in ids if key in rows]
    page = newest[:limit]
    drafts = _with_drafts(actor, [row["id"] for row in page])
    changed = changed_since_frozen([row["id"] for row in page if row["has_frozen"] and row["id"] in drafts])
    others = [row for row in page if row["id"] not in drafts]
    whole = {
        row["id"]
        for row in others
        if _sees_unreleased(actor, _closed(row), has_unreleased=row["has_unreleased"])
    }
    newest_versions = last_versions([row["id"] for row in others], whole)
    cards = [
        _draft_list_card(row, is_changed=row["id"] in changed)
        if row["id"] in drafts
        else _frozen_list_card(row, newest_versions.get(row["id"]), sees_unreleased=row["id"] in whole)
        for row in page
    ]
    last = page[-1] if page else None
    more = f"{last['updated_at'].timestamp():.6f},{last['id']}" if last and len(newest) > limit else ""
    return cards, more


def count_difference(actor: Actor, shown: policy.Visibility, hidden: policy.Visibility) -> Difference:
    """Datasets that the one filter shows and the other does not; names of those alone that the actor may read."""
    rows = Dataset.objects.filter(shown.q & ~hidden.q)
    mine = rows.filter(policy.visible(actor, "dataset").q).order_by("-updated_at", "-id")
    names = mine.values_list("project__name", "name")[:_NAMED]
    return Difference(rows.count(), tuple(f"{project}/{name}" for project, name in names))


_NAMED = 5
_WINDOW = 2000
_MOST_BRANCHES = 8
_MOST_TERMS = 300  # SQLite takes 500 in a compound select


def _newest(seen: policy.Visibility, scope: Q, limit: int) -> list[int]:
    """Keys of the rows that changed last among those that somebody may see.

    Every branch gives its first rows along its own index and the database merges them. Somebody who may see very many
    projects probably sees much of what changed last: then one look at the newest rows of all comes first.
    """
    order = ("-updated_at", "-id")
    if len(seen.branches) > _MOST_BRANCHES:
        window = Dataset.objects.filter(scope).order_by(*order)[:_WINDOW].values("pk")
        among = Dataset.objects.filter(seen.q, pk__in=window).order_by(*order).values_list("pk", flat=True)
        found = list(among[:limit])
        if len(found) == limit or Dataset.objects.filter(pk__in=window).count() < _WINDOW:
            return found
    rows: set[tuple[Any, int]] = set()
    for start in range(0, len(seen.branches), _MOST_TERMS):
        rows.update(_merged(seen.branches[start : start + _MOST_TERMS], scope, limit))
    return [key for _, key in heapq.nlargest(limit, rows)]


def _merged(branches: Sequence[Q], scope: Q, limit: int) -> list[tuple[Any, int]]:
    parts: list[str] = []
    values: list[Any] = []
    for branch in branches:
        first = Dataset.objects.filter(scope, branch).order_by("-updated_at", "-id")
        sql, parameters = first.values_list("updated_at", "pk")[:limit].query.sql_with_params()
        parts.append(f"select * from ({sql}) as part")  # noqa: S608 - compiled by Django, values apart
        values += parameters
    if not parts:
        return []
    with connection.cursor() as cursor:
        # ``union`` drops what two branches share.
        cursor.execute(f"{' union '.join(parts)} order by 1 desc, 2 desc limit %s", [*values, limit])
        return list(cursor.fetchall())


def _after(text: str) -> Q:
    if not text:
        return Q()
    import datetime as dt

    try:
        moment_text, _, key_text = text.partition(",")
        moment, key = dt.datetime.fromtimestamp(float(moment_text), dt.UTC), int(key_text)
    except ValueError:
        return Q()
    return Q(updated_at__lte=moment) & (Q(updated_at__lt=moment) | Q(id__lt=key))


def _with_drafts(actor: Actor, among: list[int]) -> set[int]:
    """Datasets whose drafts the actor sees; a list must not tell others the counts of a draft."""
    mine = Dataset.objects.filter(policy.visible(actor, "dataset", "dataset.read_draft").q, pk__in=among)
    return set(mine.values_list("pk", flat=True))


def changed_since_frozen(keys: list[int]) -> set[int]:
    """Which of the frozen datasets have a draft that differs from their last version; one query for a page."""
    at_draft = Q(since=F("dataset__draft_number")) | Q(until=F("dataset__draft_number"))
    files = Interval.objects.filter(at_draft, dataset_id__in=keys, row_count__gt=0)
    said = Dataset.objects.filter(pk__in=keys, is_description_changed=True)
    return {*files.values_list("dataset_id", flat=True), *said.values_list("pk", flat=True)}


def last_versions(keys: list[int], whole: Collection[int] = ()) -> dict[int, Version]:
    """The newest released version of each dataset, of those in ``whole`` the newest; in one query for a page."""
    newest = Q(number=F("dataset__last_released"))
    if whole:
        last = Q(dataset_id__in=whole, number=F("dataset__draft_number") - 1)
        newest = (newest & ~Q(dataset_id__in=whole)) | last
    rows = Version.objects.filter(newest, dataset_id__in=keys)
    rows = rows.only("dataset_id", "file_count", "byte_count", "described")
    return {row.dataset_id: row for row in rows}


def _draft_list_card(row: dict[str, Any], *, is_changed: bool) -> DatasetCard:
    titles = {name: {"value": row[name]} for name in _LIST_TITLES if row[name]}
    state: Any = "draft" if not row["has_frozen"] else "changed" if is_changed else "frozen"
    return _list_card(row, row["title"], titles, state, row["live_count"], row["live_bytes"], sees_draft=True)


def _frozen_list_card(row: dict[str, Any], version: Version | None, *, sees_unreleased: bool) -> DatasetCard:
    """What one sees who sees no draft: nothing that was written since the last version that one sees."""
    if version is None:
        title = "" if row["has_frozen"] else row["title"]
        card = _list_card(row, title, {}, "draft", 0, 0, sees_draft=False)
    else:
        title = str(version.described.get("title", {}).get("value", row["title"]))
        titles = {name: version.described[name] for name in _LIST_TITLES if name in version.described}
        count, size = version.file_count, version.byte_count
        card = _list_card(row, title, titles, "frozen", count, size, sees_draft=False)
    return replace(card, sees_unreleased=sees_unreleased)


def _list_card(
    row: dict[str, Any],
    title: str,
    titles: dict[str, Any],
    state: Any,
    file_count: int,
    byte_count: int,
    *,
    sees_draft: bool,
) -> DatasetCard:
    return DatasetCard(
        id=row["uid"],
        row_id=row["id"],
        project_id=row["project_id"],
        project=row["project__name"],
        name=row["name"],
        title=title,
        access=policy.Access(row["access"]),
        state=state,
        draft_number=row["draft_number"],
        has_frozen=row["has_frozen"],
        file_count=file_count,
        byte_count=byte_count,
        created_by=row["created_by"],
        created_at=clock.isoformat(row["created_at"]),
        updated_at=clock.isoformat(row["updated_at"]),
        sees_draft=sees_draft,
        described=titles,
        embargo_until_s=row["embargo_until_s"],
        key_domain=row["key_domain"],
        seal_state=row["seal_state"],
        last_released=row["last_released"],
    )


def dataset_card(row: Dataset, *, sees_draft: bool, sees_unreleased: bool = True) -> DatasetCard:
    """A dataset row as one who may see the draft and unreleased versions, or may not, sees it."""
    count, size, described, title = row.live_count, row.live_bytes, row.described, row.title
    if not sees_draft:
        newest = row.draft_number - 1 if sees_unreleased else row.last_released
        version = Version.objects.filter(dataset=row, number=newest).first()
        count, size, described = (
            (version.file_count, version.byte_count, version.described) if version else (0, 0, {})
        )
        title = str(described.get("title", {}).get("value", row.title))
    return DatasetCard(
        id=row.uid,
        row_id=row.pk,
        project_id=row.project_id,
        project=row.project.name,
        name=row.name,
        title=title,
        access=policy.Access(row.access),
        state=_state(row) if sees_draft else "frozen",
        draft_number=row.draft_number,
        has_frozen=row.has_frozen,
        file_count=count,
        byte_count=size,
        created_by=row.created_by,
        created_at=clock.isoformat(row.created_at),
        updated_at=clock.isoformat(row.updated_at),
        sees_draft=sees_draft,
        described=described,
        embargo_until_s=row.embargo_until_s,
        key_domain=row.key_domain,
        seal_state=cast("Any", row.seal_state),
        last_released=row.last_released,
        sees_unreleased=sees_unreleased,
    )


def _state(row: Dataset) -> Any:
    if not row.has_frozen:
        return "draft"
    here = Q(since=row.draft_number) | Q(until=row.draft_number)
    changed = Interval.objects.filter(here, dataset=row, row_count__gt=0)
    return "changed" if row.is_description_changed or changed.exists() else "frozen"
