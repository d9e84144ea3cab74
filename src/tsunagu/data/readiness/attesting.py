"""People answer for what no machine can know, or sign against what one proposed."""

from __future__ import annotations

from django.db import transaction

from tsunagu.core import clock
from tsunagu.core.errors import InvalidInputError
from tsunagu.data.datasets import api as datasets
from tsunagu.data.readiness import rulebook
from tsunagu.data.readiness.errors import NotAttestedError
from tsunagu.data.readiness.models import Attestation
from tsunagu.data.readiness.selectors import frozen_number
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy
from tsunagu.foundation.runs import api as runs

ANSWERS = ("yes", "no")


@transaction.atomic
def attest(actor: Actor, card: datasets.DatasetCard, rule_id: str, answer: str, *, note: str = "") -> str:
    """Say whether a criterion is met; a run. Returns its id.

    Args:
        actor: A person who may describe the dataset.
        card: The dataset.
        rule_id: A criterion that people decide or may sign.
        answer: ``yes`` (met) or ``no``.
        note: What the answer rests on: the number of an approval, say.

    Raises:
        ActionDeniedError: the actor may not describe the dataset.
        NothingFrozenError: there is no version that it could be said of.
        NotAttestedError: machines alone decide this criterion, or there is none of that name.
        InvalidInputError: another answer.
    """
    policy.require(actor, "dataset.describe", card.resource)
    number = frozen_number(actor, card, None)
    rules = rulebook.current()
    rule = next((one for one in rules.rules if one.id == rule_id), None)
    if rule is None or rule.decided_by == "machine":
        raise NotAttestedError(rule=rule_id)
    if answer not in ANSWERS:
        raise InvalidInputError(f"{answer!r} is no answer.", remedy="Answer yes or no.")
    run_id = runs.record(
        actor,
        "attest_readiness",
        dataset_id=card.id,
        parameters={"rule": rule_id, "answer": answer, "rules": rules.version, "number": number},
        links=[runs.Link("in", "dataset", card.id, card.slug)],
        reason=note[:1000],
    )
    Attestation.objects.create(
        dataset_id=card.id,
        rule=rule_id,
        answer=answer,
        note=note[:1000],
        number=number,
        by_id=actor.id,
        by_name=actor.name,
        run_id=run_id,
        attested_at=clock.now(),
    )
    return run_id
