"""Datasets, their files, versions and runs."""

from __future__ import annotations

import tempfile
from typing import Annotated, Any

from django.http import FileResponse, HttpRequest
from ninja import Query, Router, Status

from tsunagu.core import settings
from tsunagu.core.errors import InvalidInputError, NotFoundError
from tsunagu.data.datasets import api as datasets
from tsunagu.data.datasets.api import DatasetCard, FileCard, VersionRef
from tsunagu.data.description import api as description
from tsunagu.data.evidence import api as evidence
from tsunagu.data.keeping import api as keeping
from tsunagu.doors import counting
from tsunagu.doors.rest import keeping_schemas, schemas
from tsunagu.doors.who import actor_of, require_actor
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy
from tsunagu.foundation.runs import api as runs

router = Router(tags=["datasets"])
_YOU_MAY = ("read", "read_draft", "push", "write", "describe", "freeze", "manage")


def dataset_row(card: DatasetCard) -> dict[str, Any]:
    """A dataset as lists show it."""
    return {
        "id": card.id,
        "project": card.project,
        "name": card.name,
        "title": card.title,
        "access": str(card.access),
        "embargo_until": card.embargo_until or None,
        "state": card.state,
        "seal": card.seal_state or "open",
        "count": card.file_count,
        "bytes": card.byte_count,
        "updated_at": card.updated_at,
        "url": f"{settings.current().control_address}/d/{card.slug}",
    }


def version_row(version: VersionRef) -> dict[str, Any]:
    """A version as REST gives it."""
    return {
        "number": version.number,
        "hash": version.version_hash,
        "root": version.root,
        "record": version.record,
        "count": version.file_count,
        "bytes": version.byte_count,
        "note": version.note,
        "run": version.run_id,
        "frozen_at": version.frozen_at,
        "is_released": version.is_released,
    }


def _whole(actor: Actor, card: DatasetCard) -> dict[str, Any]:
    draft = None
    if card.sees_draft:
        draft = {
            "number": card.draft_number,
            "count": card.file_count,
            "bytes": card.byte_count,
            "is_changed": card.state != "frozen",
        }
    may_read = bool(policy.decide(actor, "dataset.read", card.resource)) or card.sees_draft
    return {
        **dataset_row(card),
        "description": str(card.described.get("description", {}).get("value", "")),
        "draft": draft,
        "versions": [version_row(v) for v in datasets.list_versions(card, limit=5)] if may_read else [],
        "you_may": {
            action: bool(policy.decide(actor, f"dataset.{action}", card.resource)) for action in _YOU_MAY
        },
    }


@router.get("/datasets", response=schemas.DatasetList)
def list_datasets(request: HttpRequest, project: str = "", after: str = "", limit: int = 50) -> Any:
    """Datasets that one may see, last changed first."""
    actor = actor_of(request)
    # A project that is hidden and one that does not exist both have nothing to list.
    project_id = (datasets.find_project(project) or "-") if project else ""
    cards, more = datasets.list_datasets(
        actor, project_id=project_id, after=after, limit=max(1, min(limit, 200))
    )
    return {"datasets": [dataset_row(card) for card in cards], "next": more or None}


@router.post("/datasets", response={201: schemas.Dataset})
def create_dataset(request: HttpRequest, body: schemas.NewDataset) -> Any:
    """Make an empty, closed dataset, sealed with a key of its own if so asked."""
    actor = require_actor(request)
    card = datasets.create_dataset(actor, body.project, body.name, title=body.title)
    if body.sealed:
        datasets.seal(actor, card.id)
        card = datasets.get_dataset(actor, body.project, body.name)
    return Status(201, _whole(actor, card))


@router.get("/datasets/{project}/{dataset}", response=schemas.Dataset)
def show_dataset(request: HttpRequest, project: str, dataset: str) -> Any:
    """One dataset with its draft and latest versions."""
    actor = actor_of(request)
    shown = _whole(actor, datasets.get_dataset(actor, project, dataset))
    counting.viewed(request, actor, f"{project}/{dataset}")
    return shown


@router.patch("/datasets/{project}/{dataset}", response=schemas.Dataset)
def change_dataset(request: HttpRequest, project: str, dataset: str, body: schemas.DatasetPatch) -> Any:
    """Change title, description or access."""
    actor = require_actor(request)
    card = datasets.get_dataset(actor, project, dataset)
    for name, value in (("title", body.title), ("description", body.description)):
        if value is not None:
            description.set_value(actor, card.id, name, value)
    if body.access is not None or body.embargo is not None:
        access = str(card.access) if body.access is None else body.access
        if access not in set(policy.Access):
            raise InvalidInputError(f"{access!r} is no access.", remedy="Use open, shared or closed.")
        datasets.set_access(actor, card.id, policy.Access(access), embargo_until=body.embargo)
    return _whole(actor, datasets.get_dataset(actor, project, dataset))


def _tombstone_row(stone: datasets.TombstoneCard) -> dict[str, Any]:
    """A tombstone as REST gives it."""
    return {
        "id": stone.id,
        "place": stone.slug,
        "title": stone.title,
        "count": stone.file_count,
        "bytes": stone.byte_count,
        "removed_by": stone.removed_by,
        "removed_at": stone.removed_at,
        "reason": stone.reason,
        "run": stone.run_id,
        "versions": [one.version_hash for one in stone.versions],
    }


@router.delete("/datasets/{project}/{dataset}", response=keeping_schemas.Tombstone)
def destroy(request: HttpRequest, project: str, dataset: str, body: keeping_schemas.Removal) -> Any:
    """Destroy a dataset for good; a tombstone stays. Refused before the end of a retention and under a legal hold."""
    actor = require_actor(request)
    card = datasets.get_dataset(actor, project, dataset)
    return _tombstone_row(keeping.destroy(actor, card, reason=body.reason))


def file_rows(card: DatasetCard, files: tuple[FileCard, ...]) -> list[dict[str, Any]]:
    """Files with what their readers said."""
    said = description.readings(card, [file.sha256 for file in files])
    rows = []
    for file in files:
        reading = said.get(file.sha256)
        rows.append(
            {
                "path": file.path,
                "size": file.byte_count,
                "sha256": file.sha256.hex(),
                "reader": reading.reader if reading else None,
                "status": reading.status if reading else "pending",
                "reason": reading.reason if reading else "",
            }
        )
    return rows


@router.get("/datasets/{project}/{dataset}/files", response=schemas.FileList)
def list_files(  # noqa: PLR0917 - ninja reads the signature
    request: HttpRequest,
    project: str,
    dataset: str,
    version: int | None = None,
    prefix: str = "",
    after: str = "",
    limit: int = 100,
) -> Any:
    """Files of a version (or of what one sees first) in path order."""
    actor = actor_of(request)
    card = datasets.get_dataset(actor, project, dataset)
    number = datasets.resolve_version(actor, card, version)
    page = datasets.list_files(
        actor, card, version=number, prefix=prefix, after=after, limit=max(1, min(limit, 1000))
    )
    return {"version": number, "files": file_rows(card, page.files), "next": page.after or None}


@router.get("/datasets/{project}/{dataset}/tree", response=schemas.Tree)
def list_tree(
    request: HttpRequest,
    project: str,
    dataset: str,
    version: int | None = None,
    folder: str = "",
    after: str = "",
) -> Any:
    """A folder: subfolders first, then files."""
    actor = actor_of(request)
    card = datasets.get_dataset(actor, project, dataset)
    number = datasets.resolve_version(actor, card, version)
    page = datasets.list_folder(actor, card, version=number, folder=folder, after=after)
    folders = [
        {"name": row.name, "path": row.path, "files": row.file_count, "bytes": row.byte_count}
        for row in page.folders
    ]
    return {
        "version": number,
        "folders": folders,
        "files": file_rows(card, page.files),
        "next": page.after or None,
    }


@router.delete("/datasets/{project}/{dataset}/files", response=schemas.Removed)
def remove_files(request: HttpRequest, project: str, dataset: str, body: schemas.Paths) -> Any:
    """Take files or folders out of the draft; frozen versions keep them."""
    actor = require_actor(request)
    card = datasets.get_dataset(actor, project, dataset)
    return {"removed": datasets.remove_files(actor, card.id, body.paths)}


@router.get("/datasets/{project}/{dataset}/versions", response=schemas.VersionList)
def list_versions(request: HttpRequest, project: str, dataset: str, after: int = 2**31 - 1) -> Any:
    """Versions, newest first."""
    actor = actor_of(request)
    card = _readable(actor, project, dataset)
    found = datasets.list_versions(card, before=after, limit=51)
    more = found[49].number if len(found) > 50 else None  # noqa: PLR2004 - one more than a page
    return {"versions": [version_row(version) for version in found[:50]], "next": more}


@router.get("/datasets/{project}/{dataset}/versions/{number}", response=schemas.VersionRow)
def show_version(request: HttpRequest, project: str, dataset: str, number: int) -> Any:
    """One version with its record."""
    return version_row(datasets.get_version(_readable(actor_of(request), project, dataset), number))


@router.patch("/datasets/{project}/{dataset}/versions/{number}", response=schemas.VersionRow)
def change_version(
    request: HttpRequest, project: str, dataset: str, number: int, body: schemas.VersionPatch
) -> Any:
    """Show a version to all who may read the dataset, or to people with a role alone; its content never changes."""
    actor = require_actor(request)
    card = datasets.get_dataset(actor, project, dataset)
    (datasets.release if body.is_released else datasets.take_back)(actor, card.id, number)
    return version_row(datasets.get_version(card, number))


@router.get("/datasets/{project}/{dataset}/versions/{number}/evidence")
def evidence_file(request: HttpRequest, project: str, dataset: str, number: int) -> FileResponse:
    """The evidence file of a version (ZIP): openssl and the script in it check everything without this node."""
    actor = actor_of(request)
    card = _readable(actor, project, dataset)
    # Without a name on the disk: nothing is left behind, however this ends. FileResponse closes it.
    folder = settings.current().home / "tmp"
    folder.mkdir(exist_ok=True)
    out = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115
    try:
        evidence.write_evidence(actor, card, number, out)
    except BaseException:
        out.close()
        raise
    out.seek(0)
    return FileResponse(out, as_attachment=True, filename=f"{dataset}-v{number}-evidence.zip")


def _readable(actor: Actor, project: str, dataset: str) -> DatasetCard:
    card = datasets.get_dataset(actor, project, dataset)
    if not policy.decide(actor, "dataset.read", card.resource):
        raise NotFoundError(f"There is no dataset {project}/{dataset}, or you may not see it.")
    return card


@router.post("/datasets/{project}/{dataset}/freeze", response={201: schemas.VersionRow})
def freeze(request: HttpRequest, project: str, dataset: str, body: schemas.Note) -> Any:
    """Make the draft an immutable version."""
    actor = require_actor(request)
    card = datasets.get_dataset(actor, project, dataset)
    return Status(201, version_row(datasets.freeze_version(actor, card.id, note=body.note)))


def _side(file: FileCard | None) -> dict[str, Any] | None:
    return {"size": file.byte_count, "sha256": file.sha256.hex()} if file else None


@router.get("/datasets/{project}/{dataset}/diff", response=schemas.Diff)
def diff(
    request: HttpRequest,
    project: str,
    dataset: str,
    old: Annotated[int, Query(alias="from")],
    new: Annotated[int, Query(alias="to")],
    after: str = "",
) -> Any:
    """Paths that differ between two versions (the draft's number is the last version's plus one)."""
    actor = actor_of(request)
    card = datasets.get_dataset(actor, project, dataset)
    changes, more = datasets.list_diff(actor, card, old, new, after=after)
    rows = [
        {"path": row.path, "change": row.change, "before": _side(row.before), "now": _side(row.now)}
        for row in changes
    ]
    return {"counts": datasets.diff_counts(actor, card, old, new), "files": rows, "next": more or None}


def run_row(run: runs.RunCard) -> dict[str, Any]:
    """A run as REST gives it."""
    return {
        "id": run.id,
        "kind": run.kind,
        "outcome": run.outcome,
        "reason": run.reason,
        "actor": {"kind": run.actor_kind, "id": run.actor_id, "name": run.actor_name},
        "agent": run.agent,
        "started_at": run.started_at,
        "ended_at": run.ended_at,
        "parameters": run.parameters,
        "software": run.software,
        "links": [
            {"direction": link.direction, "kind": link.kind, "id": link.id, "label": link.label}
            for link in run.links
        ],
    }


@router.get("/datasets/{project}/{dataset}/runs", response=schemas.RunList)
def list_runs(request: HttpRequest, project: str, dataset: str, after: str = "", limit: int = 50) -> Any:
    """What happened to the dataset, newest first; for those who may see the draft."""
    actor = actor_of(request)
    card = datasets.get_dataset(actor, project, dataset)
    policy.require(actor, "dataset.read_draft", card.resource)
    limit = max(1, min(limit, 200))
    found = runs.of_dataset(card.id, before=after, limit=limit + 1)
    page = found[:limit]
    rows = [run_row(run) for run in datasets.visible_links(actor, card, page)]
    return {"runs": rows, "next": page[-1].id if len(found) > limit else None}


@router.post("/datasets/{project}/{dataset}/verify", response=schemas.VerifyReport)
def verify(request: HttpRequest, project: str, dataset: str, body: schemas.VerifyRequest) -> Any:
    """Check every version and hash the bytes of every file again, a part per call; ``after`` continues."""
    actor = actor_of(request)
    card = _readable(actor, project, dataset)
    report = datasets.verify(actor, card, after=body.after)
    checked = {"files": report.file_count, "bytes": report.byte_count, "versions": report.version_count}
    if not report.after:
        report.problems += keeping.problems(card)
    problems = report.problems
    return {
        "ok": not problems,
        "done": not report.after,
        "after": report.after,
        "checked": checked,
        "problems": problems,
        "shredded": report.shredded,
    }
