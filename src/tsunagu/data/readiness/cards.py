"""The readiness card of a version: facts from where they live, judged by the rules of today. Nothing is kept."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from tsunagu.core import clock
from tsunagu.core.errors import NotFoundError, TsunaguError
from tsunagu.data.ai_use import api as ai_use
from tsunagu.data.datasets import api as datasets
from tsunagu.data.readiness import judging, rulebook
from tsunagu.data.readiness.conversion import PROFILE
from tsunagu.data.readiness.models import Attestation, Preparation
from tsunagu.data.readiness.selectors import frozen_number, made_as, preparation_card
from tsunagu.data.readiness.types import ReadinessCard
from tsunagu.formats import api as formats
from tsunagu.foundation.identity.api import SYSTEM, Actor
from tsunagu.foundation.policy import api as policy
from tsunagu.foundation.runs import api as runs
from tsunagu.foundation.storage import api as storage

_PROFILE_BYTES = 64 << 20
_ORIGINS = ("capture", "import", "derive")


def card(actor: Actor, dataset: datasets.DatasetCard, *, version: int | None = None) -> ReadinessCard:
    """What a frozen version still lacks.

    Raises:
        NotFoundError: the actor may not read the dataset.
        NothingFrozenError, NoSuchVersionError: there is no such frozen version.
    """
    number = frozen_number(actor, dataset, version)
    found = datasets.get_version(dataset, number)
    row = Preparation.objects.filter(dataset_id=dataset.id, number=number).order_by("-pk").first()
    done = (
        Preparation.objects.filter(dataset_id=dataset.id, number=number, state="done").order_by("-pk").first()
    )
    # What was made AI-ready has its profile beside it.
    done = done or made_as(dataset.id, number)
    profile = _profile(done) if done else None
    rules = rulebook.current()
    groups = judging.judge(rules, _facts(dataset, found, profile), attestations(dataset))
    results = [result for group in groups for result in group.results]
    return ReadinessCard(
        dataset=dataset.slug,
        number=number,
        version_hash=found.version_hash,
        rules_id=rules.id,
        rules_dated=rules.dated,
        rules_version=rules.version,
        score=judging.score(results) or 0,
        counts=dict(Counter(result.verdict for result in results)),
        groups=groups,
        is_prepared=profile is not None,
        preparation=preparation_card(actor, row) if row else None,
        profile=profile or {},
    )


def _facts(
    dataset: datasets.DatasetCard, version: datasets.VersionRef, profile: Mapping[str, Any] | None
) -> judging.Facts:
    labels = policy.labels_of([dataset.id]).get(dataset.id, policy.Labels())
    terms = ai_use.terms_of(dataset)
    said = {name: one.get("value") for name, one in version.described.items() if isinstance(one, dict)}
    tables = [_table(one) for one in profile["tables"]] if profile else []
    origins = runs.of_dataset(dataset.id, limit=1000, kinds=_ORIGINS)
    return judging.Facts(
        profile=profile,
        tables=tables,
        said=said,
        personal=policy.LEVELS["personal"][labels.levels["personal"]],
        has_ai_terms=not terms.is_default or bool(terms.inherited),
        run_count=sum(run.outcome == runs.Outcome.OK for run in origins),
    )


_BESIDE = ("path", "reader", "file_count", "changes")  # what stands in the document beside a profile


def _table(document: Mapping[str, Any]) -> formats.TableProfile:
    return formats.TableProfile.from_json({key: one for key, one in document.items() if key not in _BESIDE})


def _profile(row: Preparation) -> dict[str, Any] | None:
    """The document that lies beside the tables; None when it was destroyed since, or its key.

    It says of the source what anybody who may read the source could count, so the rules for the source decide.
    """
    try:
        place = datasets.get_dataset_by_id(SYSTEM, row.derived_id)
        file = datasets.get_file(SYSTEM, place, PROFILE, version=row.derived_number)
        if file.byte_count > _PROFILE_BYTES:
            return None
        location = storage.require_location(file.sha256, place.domains)
        found: dict[str, Any] = json.loads(b"".join(storage.read_pieces(location)))
        [_table(one) for one in found["tables"]]
    except (TsunaguError, NotFoundError, ValueError, KeyError, TypeError):
        return None
    return found


def attestations(dataset: datasets.DatasetCard) -> dict[str, dict[str, str]]:
    """Rule -> the last answer that a person gave."""
    rows = Attestation.objects.filter(dataset_id=dataset.id).order_by("pk")
    return {
        row.rule: {
            "answer": row.answer,
            "note": row.note,
            "by": row.by_name,
            "at": clock.isoformat(row.attested_at),
            "version": str(row.number),
            "run": row.run_id,
        }
        for row in rows
    }
