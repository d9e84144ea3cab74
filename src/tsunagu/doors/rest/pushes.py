"""Files arrive and are read: pushes, receipts, pulls (docs/reference/wire.md)."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Router, Status

from tsunagu.core import settings
from tsunagu.core.errors import InvalidInputError, NotFoundError
from tsunagu.data.capture import api as capture
from tsunagu.data.datasets import api as datasets
from tsunagu.doors import counting
from tsunagu.doors.rest import schemas
from tsunagu.doors.who import actor_of, require_actor
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.storage import api as storage

router = Router(tags=["files"])
_OUTCOMES = {"ok", "failed", "aborted"}


@router.post("/datasets/{project}/{dataset}/pushes", response={201: schemas.Push})
def open_push(request: HttpRequest, project: str, dataset: str, body: schemas.NewPush) -> Any:
    """Begin an upload."""
    actor = require_actor(request)
    opened = capture.open_push(
        actor,
        project,
        dataset,
        create=body.create,
        kind=body.kind,
        client=body.client,
        note=body.note,
        inputs=body.inputs,
    )
    return Status(201, asdict(opened))


@router.post("/pushes/{run}/capability", response=schemas.Push)
def renew(request: HttpRequest, run: str) -> Any:
    """Another capability for an open push."""
    return asdict(capture.renew(require_actor(request), run))


@router.post("/pushes/{run}/plan", response=schemas.Plan)
def plan(request: HttpRequest, run: str, body: schemas.PlanRequest) -> Any:
    """Which of the files must travel."""
    for _, _, sha256 in body.files:
        if len(sha256) != 64 or not all(c in "0123456789abcdef" for c in sha256):  # noqa: PLR2004
            raise InvalidInputError("A SHA-256 is 64 lower-case hexadecimal digits.", sha256=sha256[:80])
    return asdict(capture.plan(require_actor(request), run, body.files))


@router.post("/pushes/{run}/finish")
def finish(request: HttpRequest, run: str, body: schemas.Finish) -> Any:
    """End an upload."""
    if body.outcome not in _OUTCOMES:
        raise InvalidInputError("The outcome is ok, failed or aborted.", outcome=body.outcome)
    return capture.finish_push(require_actor(request), run, outcome=body.outcome, reason=body.reason)


@router.get("/pushes/{run}/receipt")
def receipt(request: HttpRequest, run: str) -> Any:
    """The receipt: every file with its hash, and where it stands in the ledger."""
    return capture.receipt(require_actor(request), run)


@router.post("/datasets/{project}/{dataset}/pulls", response=schemas.Pull)
def pull(request: HttpRequest, project: str, dataset: str, body: schemas.PullRequest) -> Any:
    """A page of files with signed permissions to read them from the byte server."""
    actor = actor_of(request)
    card = datasets.get_dataset(actor, project, dataset)
    number = datasets.resolve_version(actor, card, body.version)
    found = page_of(actor, card, number, body)
    if not body.after:
        counting.fetched(request, actor, card.slug, number, "api", is_job=True)
    return found


def page_of(actor: Actor, card: datasets.DatasetCard, number: int, body: schemas.PullPage) -> dict[str, Any]:
    """Files of a version with signed permissions; whoever calls has asked the rules."""
    if body.suffix:
        found = datasets.files_ending(
            card, number, body.suffix, prefix=body.prefix, after=body.after, limit=body.limit + 1
        )
        last = found[body.limit - 1].path if len(found) > body.limit else ""
        page = datasets.Page(tuple(found[: body.limit]), last)
    else:
        page = datasets.list_files(
            actor, card, version=number, prefix=body.prefix, after=body.after, limit=body.limit
        )
    places = storage.locate((file.sha256 for file in page.files), card.domains)
    lost = next((file.path for file in page.files if file.sha256 not in places), None)
    if lost is not None:
        raise NotFoundError(
            f"The bytes of {lost} are not in the store.",
            remedy="Send the file again, or tell the administrator.",
            path=lost,
        )
    tokens = storage.get_capabilities([(places[file.sha256], file.name) for file in page.files])
    is_frozen = number < card.draft_number
    return {
        "version": number,
        "version_hash": datasets.version_hash_of(card, number) if is_frozen else None,
        "byte_url": settings.current().bytes_address,
        "files": [
            {
                "path": file.path,
                "size": file.byte_count,
                "sha256": file.sha256.hex(),
                "capability": token,
            }
            for file, token in zip(page.files, tokens, strict=True)
        ],
        "next": page.after or None,
    }


@router.get("/datasets/{project}/{dataset}/manifest", response={200: None})
def manifest(request: HttpRequest, project: str, dataset: str, version: int | None = None) -> HttpResponse:
    """Every file of a version as lines of ``sha256  size  path``: what the version hash is made of."""
    actor = actor_of(request)
    card = datasets.get_dataset(actor, project, dataset)
    number = datasets.resolve_version(actor, card, version)
    lines = (
        f"{file.sha256.hex()}  {file.byte_count}  {file.path}\n" for file in datasets.all_files(card, number)
    )
    from django.http import StreamingHttpResponse

    answer: HttpResponse = StreamingHttpResponse(lines, content_type="text/plain; charset=utf-8")  # type: ignore[assignment]
    return answer
