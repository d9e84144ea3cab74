"""What goes with a version that leaves the node: the documents that make it readable without Tsunagu."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.http import HttpRequest
from ninja import Field, Router, Schema, Status

from tsunagu import __version__
from tsunagu.core import settings
from tsunagu.core.errors import NotFoundError
from tsunagu.data.ai_use import api as ai_use
from tsunagu.data.datasets import api as datasets
from tsunagu.data.datasets.api import DatasetCard, VersionRef
from tsunagu.data.description import api as description
from tsunagu.data.keeping import api as keeping
from tsunagu.data.plans import api as plans
from tsunagu.data.readiness import api as readiness
from tsunagu.doors.rest.datasets import dataset_row, version_row
from tsunagu.doors.rest.openapi import Input
from tsunagu.doors.who import require_actor
from tsunagu.foundation.identity import api as identity
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy

router = Router(tags=["keeping"])


class NewExport(Input):
    """A version that somebody takes out."""

    version: int
    form: str = Field(description="bagit, ocfl, age or crypt4gh")
    recipients: list[str] = Field(default=[], description="Public keys of those who can decrypt it")


class Export(Schema):
    """The run, and what goes with the files; what the asker may not see is missing."""

    run: str
    documents: dict[str, Any] = Field(
        description="dataset, versions, labels, terms, keeping, node; ro_crate and croissant where the files are not "
        "too many; plan where the asker sees the project"
    )


@router.post("/datasets/{project}/{dataset}/exports", response={201: Export})
def export(request: HttpRequest, project: str, dataset: str, body: NewExport) -> Any:
    """Take a version out: records the run and returns the documents; the files come by `pulls`."""
    actor = require_actor(request)
    card = datasets.get_dataset(actor, project, dataset)
    run_id = keeping.record_export(actor, card, body.version, body.form, recipients=body.recipients)
    return Status(201, {"run": run_id, "documents": _documents(actor, card, body.version)})


def _documents(actor: Actor, card: DatasetCard, number: int) -> dict[str, Any]:
    versions = [one for one in _versions(card) if one.number <= number]
    people = identity.people(one.frozen_by for one in versions) if card.sees_draft else {}
    kept = keeping.keeping_of(actor, card)
    found: dict[str, Any] = {
        "dataset": {**dataset_row(card), "id": card.id},
        "versions": [
            {
                **version_row(one),
                "frozen_by": people[one.frozen_by].name if one.frozen_by in people else "",
                "described": description.frozen_values(card, one.described),
            }
            for one in versions
        ],
        "labels": [asdict(one) for one in datasets.labels(card)],
        "terms": {**ai_use.to_croissant(ai_use.terms_of(card).terms), "name": card.slug},
        "keeping": {
            "keep_until": kept.keep_until or None,
            "retentions": [asdict(one) for one in kept.retentions],
        },
        "node": {
            "name": settings.current().node_name,
            "address": settings.current().control_address,
            "software": f"Tsunagu {__version__}",
        },
    }
    try:
        found["ro_crate"] = readiness.ro_crate(actor, card, number)
        found["croissant"] = readiness.croissant(actor, card, number)
    except readiness.TooManyFilesError:
        pass  # the list of files goes along in any case
    if policy.decide(actor, "project.read", policy.Resource("project", card.project_id)):
        found["plan"] = _plan(actor, card)
    return found


def _versions(card: DatasetCard) -> list[VersionRef]:
    """Every version, the first first."""
    found: list[VersionRef] = []
    while part := datasets.list_versions(card, before=found[-1].number if found else 2**31 - 1, limit=200):
        found += part
    return found[::-1]


def _plan(actor: Actor, card: DatasetCard) -> dict[str, Any] | None:
    try:
        return dict(plans.export_plan(actor, datasets.get_project(actor, card.project)))
    except (NotFoundError, plans.NoPlanError):
        return None
