"""Run by ``policy.py`` in a process with a node's settings: times as JSON on standard output."""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Callable

import django

RULES = """
@id("1") @en("x") @ja("x") forbid(principal, action == Action::"dataset.read", resource is Dataset)
  when { resource.sensitivity >= 4 } unless { principal.owner_of.contains(resource.project) };
@id("2") @en("x") @ja("x") forbid(principal is Anonymous, action, resource is Dataset) when { resource.personal >= 3 };
@id("3") @en("x") @ja("x") forbid(principal is Person, action == Action::"dataset.read", resource is Dataset)
  when { resource.origins.contains("US") && resource.export_control >= 3 };
@id("4") @en("x") @ja("x") forbid(principal, action == Action::"dataset.read", resource is Dataset)
  when { resource.access == "shared" && resource.embargo_until > context.now };
@id("5") @en("x") @ja("x") forbid(principal, action == Action::"dataset.manage", resource is Dataset)
  when { resource.consent >= 4 } unless { principal.editor_of.contains(resource.id) };
"""


def main() -> None:
    """Decisions and pages, with the shipped rules and with more."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tsunagu.config.settings")
    django.setup()
    from tsunagu.core import bulk, clock
    from tsunagu.data.datasets import api as datasets
    from tsunagu.data.datasets.models import Dataset
    from tsunagu.data.datasets.resources import resource_of
    from tsunagu.foundation.identity import api as identity
    from tsunagu.foundation.policy import api as policy

    dice = random.Random(5)
    keys = Dataset.objects.order_by("pk").values_list("pk", "uid")
    now = clock.now()
    columns = (
        "entity_id", "sensitivity", "personal", "export_control", "contract", "consent", "origins", "inherited",
        "updated_at",
    )  # fmt: skip
    labelled = (
        (
            uid,
            dice.randrange(6),
            dice.randrange(6),
            dice.randrange(4),
            0,
            dice.randrange(5),
            ",JP,US,",
            "{}",
            now,
        )
        for pk, uid in keys.iterator()
        if pk % 10 == 0
    )
    from django.db import transaction

    with transaction.atomic():
        bulk.insert("policy_labelset", columns, labelled)
    card = identity.find_person("reader@example.org")
    assert card is not None
    reader = identity.Actor("person", card.id, card.name)
    officer = identity.Actor("person", identity.ensure_person("officer@example.org").id, "o", is_admin=True)
    some = [
        resource_of(row) for row in Dataset.objects.filter(pk__in=dice.sample(range(1, keys.count()), 2000))
    ]
    times: dict[str, list[float]] = {}
    for kind in ("shipped rules", "five rules more"):
        if kind != "shipped rules":
            policy.write_text(officer, "institution", RULES)
        times[f"decide, {kind}"] = [
            timed(lambda one=one: policy.decide(reader, "dataset.read", one)) for one in some
        ]
        times[f"page, {kind}"] = [timed(lambda: datasets.list_datasets(reader)) for _ in range(100)]
        times[f"visible, {kind}"] = [timed(lambda: policy.visible(reader, "dataset")) for _ in range(100)]
    times["page, no rules (the node itself)"] = [
        timed(lambda: datasets.list_datasets(identity.SYSTEM)) for _ in range(100)
    ]
    print(json.dumps(times))


def timed(act: Callable[[], object]) -> float:
    """Milliseconds."""
    began = time.perf_counter()
    act()
    return (time.perf_counter() - began) * 1000


if __name__ == "__main__":
    main()
