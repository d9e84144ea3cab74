"""Rules of the node for those who edit them: write with a record, and try before writing."""

from __future__ import annotations

from django.db import transaction

from tsunagu.data.datasets import api as datasets
from tsunagu.data.sharing.types import Effect
from tsunagu.foundation.identity import api as identity
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy
from tsunagu.foundation.runs import api as runs

LAYERS = ("law", "funder", "institution")
TRIED_ACTIONS = ("read", "push", "manage")
_MOST_PEOPLE = 50


@transaction.atomic
def write_rules(actor: Actor, layer: str, text: str, *, note: str = "") -> None:
    """Replace the text of a layer of the node; ``policy.write_text`` says who may and what may be wrong."""
    policy.write_text(actor, layer, text, note=note)
    runs.record(actor, "write_policy", parameters={"layer": layer, "note": note[:1000]})


def try_rules(actor: Actor, layer: str, text: str) -> list[Effect]:
    """Who would gain or lose how many datasets with another text of a layer.

    Asked are everyone (without signing in), somebody signed in without a role, and the people with the newest roles.
    An officer need not be allowed to see the datasets: names come only of those that this one may read.

    Raises:
        ActionDeniedError: the actor does not edit rules.
        BadPolicyError: the text cannot be used.
    """
    policy.require(actor, "policy.edit", policy.NODE)
    draft = policy.draft(layer, text)
    people = identity.people(policy.people_with_roles(limit=_MOST_PEOPLE))
    asked = [("", identity.ANONYMOUS), ("", Actor("person", "", ""))]
    asked += [(card.name, Actor("person", card.id, card.name)) for card in people.values()]
    found = []
    for name, somebody in asked:
        for action in TRIED_ACTIONS:
            key = f"dataset.{action}"
            before = policy.visible(somebody, "dataset", key)
            after = policy.visible(somebody, "dataset", key, book=draft)
            if before == after:
                continue
            lost = datasets.count_difference(actor, before, after)
            gained = datasets.count_difference(actor, after, before)
            if lost.count or gained.count:
                found.append(Effect(somebody.kind, name, action, gained, lost))
    return found
