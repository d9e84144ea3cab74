"""The readiness card of a version: facts from where they live, judged by the rules of today. Nothing is kept."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from tsunagu.core import clock
from tsunagu.core.errors import NotFoundError, TsunaguError
from tsunagu.data.ai_use import api as ai_use
from tsunagu.data.datasets import api as datasets
from tsunagu.data.description import api as description
from tsunagu.data.readiness import by_time, choosing, judging, offering, rulebook, stores
from tsunagu.data.readiness.conversion import PROFILE
from tsunagu.data.readiness.models import Attestation, Choice, Preparation
from tsunagu.data.readiness.selectors import frozen_number, made_as, newest, preparation_card, recipe
from tsunagu.data.readiness.types import ChoiceCard, ReadinessCard, Repair, Result
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
    row = newest(dataset.id, number)
    done = newest(dataset.id, number, state="done")
    # What was made AI-ready has its profile beside it.
    done = done or made_as(dataset.id, number)
    profile = _profile(done) if done else None
    applied = choosing.of_preparation(done) if done else ()
    rules = rulebook.current()
    facts = _facts(dataset, found, profile, applied)
    groups = judging.judge(rules, facts, attestations(dataset))
    results = [result for group in groups for result in group.results]
    chosen = choosing.in_force(dataset.id)
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
        repairs=_repairs(actor, dataset, facts, results, chosen),
        choices=tuple(_choice(one, done) for one in chosen),
        is_outdated=bool(
            done
            and profile
            and done.dataset_id == dataset.id
            and done.recipe.removesuffix(stores.SHARDS) != recipe(dataset.id)
        ),
    )


def repaired_columns(actor: Actor, dataset: datasets.DatasetCard) -> tuple[str, ...]:
    """The columns that a choice about the newest frozen version may name."""
    facts = _newest_facts(actor, dataset)
    return offering.columns_of(facts.tables, facts.choices)


def completed(actor: Actor, dataset: datasets.DatasetCard, choice: formats.Choice) -> formats.Choice:
    """A choice with the value that the tables themselves suggest, where it has none: cuts of a split, codes.

    Raises:
        BadChoiceError: the column of a split by time is no time, or there are no moments that can be used.
    """
    if choice.kind == by_time.KIND:
        facts = _newest_facts(actor, dataset)
        if choice.column not in offering.columns_of(facts.tables, facts.choices):
            return choice  # said where every choice is checked
        return by_time.completed(choice, facts.tables, facts.choices, is_sealed=bool(dataset.key_domain))
    if choice.value or choice.kind not in {"split", "encode"}:
        return choice
    tables = _newest_facts(actor, dataset).tables
    made = offering.cuts_of if choice.kind == "split" else offering.codes_of
    return replace(choice, value=made(tables, choice.column))


def _newest_facts(actor: Actor, dataset: datasets.DatasetCard) -> judging.Facts:
    number = frozen_number(actor, dataset, None)
    done = Preparation.objects.filter(dataset_id=dataset.id, state="done").order_by("-pk").first()
    applied = choosing.of_preparation(done) if done else ()
    return _facts(dataset, datasets.get_version(dataset, number), _profile(done) if done else None, applied)


def _repairs(
    actor: Actor,
    dataset: datasets.DatasetCard,
    facts: judging.Facts,
    results: Iterable[Result],
    chosen: Sequence[Choice],
) -> tuple[Repair, ...]:
    """For those who may repair, and where tables are made from: what was made is repaired at its source."""
    if not policy.decide(actor, "dataset.describe", dataset.resource) or made_as(dataset.id):
        return ()
    proposed: dict[str, str] = {}
    if policy.decide(actor, "dataset.read_draft", dataset.resource):
        for one in description.proposals(actor, dataset):
            proposed.setdefault(one.name, str(one.value))
    known = offering.Known(
        tables=facts.tables,
        results={one.rule.id: one for one in results},
        choices=[formats.Choice(one.kind, one.column, one.value) for one in chosen],  # type: ignore[arg-type]
        applied=facts.choices,
        proposed=proposed,
        said=facts.said,
        is_sealed=bool(dataset.key_domain),
    )
    return offering.offers(known)


def _choice(row: Choice, done: Preparation | None) -> ChoiceCard:
    return ChoiceCard(
        id=row.uid,
        name=choosing.name_of(row.kind, row.column, row.value),
        kind=row.kind,
        column=row.column,
        value=row.value,
        says=offering.says(row.kind, row.column, row.value),
        note=row.note,
        by=row.by_name,
        chosen_at=clock.isoformat(row.chosen_at),
        run_id=row.run_id,
        is_applied=done is not None and row.uid in done.choices,
    )


def _facts(
    dataset: datasets.DatasetCard,
    version: datasets.VersionRef,
    profile: Mapping[str, Any] | None,
    applied: Sequence[formats.Choice],
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
        choices=applied,
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
