"""Making instruments, their rules and tokens; hearing from their agents."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction

from tsunagu.core import clock
from tsunagu.data.datasets import api as datasets
from tsunagu.experiment.instruments import selectors
from tsunagu.experiment.instruments.errors import NotAnInstrumentError
from tsunagu.experiment.instruments.models import Instrument
from tsunagu.experiment.instruments.rules import check_config, projects_in
from tsunagu.experiment.instruments.types import InstrumentCard
from tsunagu.foundation.identity import api as identity
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy
from tsunagu.foundation.runs import api as runs

_DESCRIBED = ("title", "manufacturer", "model", "serial_number", "description")
_MOST_LISTED = 200


def create_instrument(actor: Actor, name: str, **described: str) -> InstrumentCard:
    """A new instrument; the actor is its owner.

    Args:
        actor: Who makes it.
        name: Stands in addresses.
        described: title, manufacturer, model, serial_number, description.

    Raises:
        ActionDeniedError: the actor may not make instruments.
        BadNameError, NameTakenError: the name cannot be used.
    """
    policy.require(actor, "instrument.create", policy.NODE)
    datasets.check_name(name)
    try:
        with transaction.atomic():
            row = Instrument.objects.create(
                name=name,
                owner_id=actor.id,
                created_at=clock.now(),
                config=check_config({}),
                **{key: value for key, value in described.items() if key in _DESCRIBED},
            )
            runs.record(actor, "create_instrument", links=[runs.Link("out", "instrument", row.uid, name)])
    except IntegrityError:
        raise datasets.NameTakenError(f"There is an instrument named {name} already.", name=name) from None
    return selectors.card(row)


def describe_instrument(actor: Actor, name: str, **described: str) -> InstrumentCard:
    """Change what is said of an instrument.

    Raises:
        NotFoundError, ActionDeniedError: unknown, or not the actor's.
    """
    found = selectors.get_instrument(actor, name)
    policy.require(actor, "instrument.manage", found.resource)
    Instrument.objects.filter(uid=found.id).update(**{k: v for k, v in described.items() if k in _DESCRIBED})
    return selectors.get_instrument(actor, name)


@transaction.atomic
def set_config(actor: Actor, name: str, config: Mapping[str, Any]) -> InstrumentCard:
    """Change folders and rules; the instrument gets its role on every project that a rule names.

    Raises:
        BadRuleError: a rule cannot be used.
        NotFoundError: unknown instrument or project.
        ActionDeniedError: the instrument is not the actor's, or the actor does not own a project that a rule names.
    """
    found = selectors.get_instrument(actor, name)
    policy.require(actor, "instrument.manage", found.resource)
    checked = check_config(config)
    before = projects_in(found.config)
    for project in sorted(projects_in(checked) - before):
        scope = datasets.get_project(actor, project).resource
        policy.grant(
            actor, scope, subject_kind="instrument", subject_id=found.id, role=policy.Role.INSTRUMENT
        )
    for project in sorted(before - projects_in(checked)):
        policy.revoke(
            actor, datasets.any_project(project).resource, subject_kind="instrument", subject_id=found.id
        )
    Instrument.objects.filter(uid=found.id).update(config=checked)
    runs.record(
        actor,
        "set_rules",
        parameters={"config": checked},
        links=[runs.Link("out", "instrument", found.id, found.name)],
    )
    return selectors.get_instrument(actor, name)


def add_rule(
    actor: Actor, name: str, *, path: str, settle_s: float, pattern: str, project: str, dataset: str
) -> InstrumentCard:
    """Watch a folder, or place more files of one that is watched already; the new rule comes last there.

    Args:
        actor: Who owns the instrument and the project.
        name: The instrument.
        path: The folder as it is called on the instrument's PC.
        settle_s: How long a file must stay unchanged before it is taken, in seconds; holds for the whole folder.
        pattern: Which files, docs/how-to/connect-an-instrument.md.
        project: Name of the project they go to.
        dataset: Name of the dataset; may hold what the pattern found.

    Raises:
        BadRuleError, NotFoundError, ActionDeniedError: as `set_config` says.
    """
    config = copy.deepcopy(dict(selectors.get_instrument(actor, name).config))
    folders = config.setdefault("folders", [])
    folder = next((one for one in folders if one["path"] == path), None)
    if folder is None:
        folder = {"path": path, "rules": []}
        folders.append(folder)
    folder["settle_s"] = settle_s
    folder["rules"].append({"pattern": pattern, "project": project, "dataset": dataset})
    return set_config(actor, name, config)


def remove_rule(actor: Actor, name: str, path: str, pattern: str) -> InstrumentCard:
    """Take a rule away; a folder without rules is watched no longer. What was sent stays.

    Raises:
        NotFoundError, ActionDeniedError: as `set_config` says.
    """
    config = copy.deepcopy(dict(selectors.get_instrument(actor, name).config))
    for folder in config.get("folders", []):
        if folder["path"] == path:
            folder["rules"] = [rule for rule in folder["rules"] if rule["pattern"] != pattern]
    config["folders"] = [
        folder for folder in config.get("folders", []) if folder["rules"] or folder["path"] != path
    ]
    return set_config(actor, name, config)


def new_token(actor: Actor, name: str) -> str:
    """A new token for the instrument's PC; the one before stops working.

    Raises:
        NotFoundError, ActionDeniedError: unknown, or not the actor's.
    """
    found = selectors.get_instrument(actor, name)
    policy.require(actor, "instrument.manage", found.resource)
    return identity.issue_instrument_token(found.id, label=found.name)


def withdraw_tokens(actor: Actor, name: str) -> None:
    """Stop the instrument's PC from writing, at once.

    Raises:
        NotFoundError, ActionDeniedError: unknown, or not the actor's.
    """
    found = selectors.get_instrument(actor, name)
    policy.require(actor, "instrument.manage", found.resource)
    identity.revoke_instrument_tokens(found.id)


def hear(actor: Actor, beat: Mapping[str, Any]) -> None:
    """Keep what an agent reports; lists are cut at 200 entries.

    Raises:
        NotAnInstrumentError: the token is not an instrument's.
    """
    if actor.kind != "instrument":
        raise NotAnInstrumentError
    kept = {key: value[:_MOST_LISTED] if isinstance(value, list) else value for key, value in beat.items()}
    Instrument.objects.filter(uid=actor.id).update(beat=kept, beat_at=clock.now())


def hand_over(giver_id: str, successor_id: str) -> int:
    """Let a successor own somebody's instruments; the room that decides on successions asked the rules and recorded it."""
    return Instrument.objects.filter(owner_id=giver_id).update(owner_id=successor_id)
