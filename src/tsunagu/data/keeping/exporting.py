"""Taking a version out of the node, as a run: who took what, in which form, for whom."""

from __future__ import annotations

from collections.abc import Sequence

from tsunagu.core.errors import InvalidInputError
from tsunagu.data.datasets import api as datasets
from tsunagu.data.datasets.api import DatasetCard
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy
from tsunagu.foundation.runs import api as runs

# ``move``: the version goes to another node whole.
FORMS = ("bagit", "ocfl", "age", "crypt4gh", "move")
_MOST_RECIPIENTS = 100


def record_export(
    actor: Actor, card: DatasetCard, number: int, form: str, *, recipients: Sequence[str] = ()
) -> str:
    """Record that somebody takes a frozen version out; returns the id of the run.

    Args:
        actor: Who takes it.
        card: From where.
        number: Which version.
        form: One of ``FORMS``.
        recipients: Public keys of those who can decrypt it; keys only, never secrets.

    Raises:
        NotFoundError: the actor may not read the dataset, or there is no such version.
        InvalidInputError: there is no such form.
    """
    policy.require(actor, "dataset.read", card.resource)
    version = datasets.get_version(card, number)
    if form not in FORMS:
        raise InvalidInputError(f"{form!r} is no form of export.", remedy=f"Use one of {', '.join(FORMS)}.")
    return runs.record(
        actor,
        "export",
        dataset_id=card.id,
        parameters={
            "number": number,
            "form": form,
            "recipients": [one[:500] for one in recipients[:_MOST_RECIPIENTS]],
        },
        links=[runs.Link("in", "version", version.version_hash, f"v{number}")],
    )
